//! A YAML file as a tree of byte ranges: where to cut, and nothing of what it means.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle};

/// A node and where it stands, in bytes: from its first sign to its last.
#[derive(Debug)]
pub(super) struct Tree {
    pub at: Range<usize>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A scalar; `None` where nothing is written.
    Text(Option<String>),
    /// `- a` lines, or `[a, b]`.
    List { flow: bool, items: Vec<Tree> },
    /// `a: b` lines, or `{a: b}`.
    Map { flow: bool, pairs: Vec<(Tree, Tree)> },
    /// An alias.
    Alias,
}

struct Open {
    start: usize,
    end: usize,
    is_map: bool,
    flow: bool,
    nodes: Vec<Tree>,
}

/// The first document; `None` for an empty file. `Err` where it cannot be read, or holds what is not
/// edited: anchors, tags, several documents.
pub(super) fn parse(text: &str) -> Result<Option<Tree>, &'static str> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut documents = 0;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|_| "it cannot be read")?;
        let range = span.byte_range().ok_or("it cannot be read")?;
        let node = match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return Err("it holds several documents");
                }
                continue;
            }
            Event::SequenceStart(_, anchor, tag) | Event::MappingStart(_, anchor, tag)
                if anchor != 0 || tag.is_some() =>
            {
                return Err("it uses anchors or tags");
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let is_map = matches!(event, Event::MappingStart(..));
                let sign = if is_map { "{" } else { "[" };
                let flow = text.get(range.start..).is_some_and(|rest| rest.starts_with(sign));
                let (start, end) = (range.start, range.start);
                open.push(Open { start, end, is_map, flow, nodes: Vec::new() });
                continue;
            }
            Event::Scalar(_, _, anchor, tag) if anchor != 0 || tag.is_some() => {
                return Err("it uses anchors or tags");
            }
            Event::Scalar(value, style, _, _) => {
                let written = text.get(range.clone()).unwrap_or_default();
                let end = range.start + written.trim_end().len();
                let is_nothing = style == ScalarStyle::Plain && written.trim().is_empty();
                let kind = Kind::Text((!is_nothing).then(|| value.into_owned()));
                Tree { at: range.start..end, kind }
            }
            Event::Alias(_) => Tree { at: range, kind: Kind::Alias },
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { start, end, is_map, flow, nodes }) = open.pop() else {
                    return Err("it cannot be read");
                };
                let end = if flow { range.end.max(end) } else { end };
                let kind = if is_map {
                    Kind::Map { flow, pairs: pairs(nodes) }
                } else {
                    Kind::List { flow, items: nodes }
                };
                Tree { at: start..end, kind }
            }
            _ => continue,
        };
        match open.last_mut() {
            Some(collection) => {
                // Where nothing is written, nothing ends.
                if !matches!(node.kind, Kind::Text(None)) {
                    collection.end = collection.end.max(node.at.end);
                }
                collection.nodes.push(node);
            }
            None if root.is_none() => root = Some(node),
            None => return Err("it holds several documents"),
        }
    }
    Ok(root.filter(|root| !matches!(root.kind, Kind::Text(None))))
}

fn pairs(nodes: Vec<Tree>) -> Vec<(Tree, Tree)> {
    let mut pairs = Vec::with_capacity(nodes.len() / 2);
    let mut nodes = nodes.into_iter();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        pairs.push((key, value));
    }
    pairs
}
