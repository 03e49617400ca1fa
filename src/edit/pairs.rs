//! Keys of maps in any YAML file: found, replaced, taken out and added, every other byte kept.

use std::ops::Range;

use serde_json::Value;

use super::scalar;
use super::splice::{self, Unfit};
use super::tree::{self, Kind, Tree};

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The value of a key.
    Key(String),
    /// An item of a list, from 0.
    Item(usize),
}

/// Where each pair with the key stands: the way to its map, and the key's line and column, from 1.
///
/// # Errors
/// The file is no YAML that is edited.
pub(crate) fn find(text: &str, key: &str) -> Result<Vec<(Vec<Step>, u32, u32)>, Unfit> {
    let (mark, body) = without_mark(text);
    let mut found = Vec::new();
    if let Some(root) = tree::parse(body)? {
        walk(body, &root, key, &mut Vec::new(), &mut found);
    }
    // A mark of byte order is no column for whoever reads the rest.
    let _ = mark;
    Ok(found)
}

fn walk(
    text: &str,
    tree: &Tree,
    key: &str,
    way: &mut Vec<Step>,
    found: &mut Vec<(Vec<Step>, u32, u32)>,
) {
    match &tree.kind {
        Kind::Map { pairs, .. } => {
            for (name, value) in pairs {
                let Kind::Text(Some(name_text)) = &name.kind else { continue };
                if name_text == key {
                    let (line, column) = place(text, name.at.start);
                    found.push((way.clone(), line, column));
                }
                way.push(Step::Key(name_text.clone()));
                walk(text, value, key, way, found);
                way.pop();
            }
        }
        Kind::List { items, .. } => {
            for (at, item) in items.iter().enumerate() {
                way.push(Step::Item(at));
                walk(text, item, key, way, found);
                way.pop();
            }
        }
        Kind::Text(_) | Kind::Alias => {}
    }
}

fn place(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// The text with the pairs in place of the one with the key, in the map at the end of the way. None
/// takes it out. Comments that stood in it stand before them, each in a line of its own.
///
/// # Errors
/// There is no such pair, or it is not written so that it can be edited.
pub(crate) fn replace(
    text: &str,
    way: &[Step],
    key: &str,
    pairs: &[(&str, Value)],
) -> Result<String, Unfit> {
    edit(text, |text, root| {
        let (flow, all) = map_at(root, way)?;
        let at = all.iter().position(|(name, _)| is_key(name, key)).ok_or(NO_KEY)?;
        let (name, value) = all.get(at).ok_or(NO_KEY)?;
        let end = match value.kind {
            Kind::Text(None) => end_of_colon(text, name.at.end),
            _ => value.at.end,
        };
        let range = name.at.start..end.max(name.at.end);
        // What stands behind what goes, goes with its line.
        let with_end = match pairs.is_empty() && !flow {
            true => range.start..splice::lines(text, range.clone()).end,
            false => range.clone(),
        };
        let comments = comments(text, &with_end, root);
        if flow {
            if !comments.is_empty() {
                return Err("a comment stands within braces");
            }
            if pairs.is_empty() {
                let range = match (all.get(at + 1), at.checked_sub(1).and_then(|b| all.get(b))) {
                    (Some((next, _)), _) => range.start..next.at.start,
                    (None, Some((_, before))) => before.at.end..range.end,
                    (None, None) => range,
                };
                return Ok(splice::replace(text, range, ""));
            }
            return Ok(splice::replace(text, range, &flow_pairs(pairs)));
        }
        let line = splice::lines(text, range.start..range.start).start;
        let indent = text.get(line..range.start).ok_or(ODD)?;
        if !indent.chars().all(|c| c == ' ') {
            return Err(ODD);
        }
        if pairs.is_empty() && all.len() == 1 {
            return Err("nothing would be left of the map around it");
        }
        let mut new = String::new();
        let eol = splice::line_end(text);
        for comment in &comments {
            new.push_str(&format!("{comment}{eol}{indent}"));
        }
        if pairs.is_empty() {
            // The whole lines go, but for the comments.
            let whole = splice::lines(text, range);
            let kept = if comments.is_empty() {
                String::new()
            } else {
                comments.iter().map(|comment| format!("{indent}{comment}{eol}")).collect()
            };
            return Ok(splice::replace(text, whole, &kept));
        }
        new.push_str(block_pairs(pairs, indent.len(), eol).trim_start());
        Ok(splice::replace(text, range, &new))
    })
}

/// The text with more pairs at the end of the map at the end of the way, or before one of its keys.
///
/// # Errors
/// There is no such map, or it is not written so that it can be edited.
pub(crate) fn insert(
    text: &str,
    way: &[Step],
    before: Option<&str>,
    pairs: &[(&str, Value)],
) -> Result<String, Unfit> {
    edit(text, |text, root| {
        let (flow, all) = map_at(root, way)?;
        let (at, is_before) = match before {
            Some(key) => {
                let (name, _) = all.iter().find(|(name, _)| is_key(name, key)).ok_or(NO_KEY)?;
                (name.at.start, true)
            }
            None => {
                let (name, value) = all.last().ok_or("the map is empty")?;
                let end = match value.kind {
                    Kind::Text(None) => end_of_colon(text, name.at.end),
                    _ => value.at.end,
                };
                (end, false)
            }
        };
        if flow {
            let new = flow_pairs(pairs);
            let new = if is_before { format!("{new}, ") } else { format!(", {new}") };
            return Ok(splice::replace(text, at..at, &new));
        }
        let (first, _) = all.first().ok_or("the map is empty")?;
        let line = splice::lines(text, first.at.start..first.at.start).start;
        let indent = text.get(line..first.at.start).ok_or(ODD)?;
        let width = match indent.trim_end_matches(' ').trim_start_matches(' ') {
            "" | "-" => indent.chars().count(),
            _ => return Err(ODD),
        };
        let eol = splice::line_end(text);
        let new = block_pairs(pairs, width, eol);
        if is_before {
            let own = text.get(splice::lines(text, at..at).start..at).ok_or(ODD)?;
            let new = format!("{}{eol}{}", new.trim_start(), " ".repeat(width));
            return if own.trim_matches(' ').is_empty() || own.trim_matches(' ') == "-" {
                Ok(splice::replace(text, at..at, &new))
            } else {
                Err(ODD)
            };
        }
        let end = splice::lines(text, at..at).end;
        let broken = text.get(..end).is_some_and(|before| before.ends_with(['\n', '\r']));
        let new = if broken { format!("{new}{eol}") } else { format!("{eol}{new}") };
        Ok(splice::replace(text, end..end, &new))
    })
}

const NO_KEY: &str = "there is no such key";
const ODD: &str = "the key does not stand in a line of its own";

fn edit(
    text: &str,
    edit: impl FnOnce(&str, &Tree) -> Result<String, Unfit>,
) -> Result<String, Unfit> {
    let (mark, body) = without_mark(text);
    let root = tree::parse(body)?.ok_or("it is empty")?;
    Ok(format!("{mark}{}", edit(body, &root)?))
}

fn without_mark(text: &str) -> (&str, &str) {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    }
}

type Pairs<'t> = (bool, &'t [(Tree, Tree)]);

fn map_at<'t>(root: &'t Tree, way: &[Step]) -> Result<Pairs<'t>, Unfit> {
    let mut at = root;
    for step in way {
        at = match (&at.kind, step) {
            (Kind::Map { pairs, .. }, Step::Key(key)) => {
                let mut same = pairs.iter().filter(|(name, _)| is_key(name, key));
                let (_, value) = same.next().ok_or(NO_KEY)?;
                if same.next().is_some() {
                    return Err("a key stands in it twice");
                }
                value
            }
            (Kind::List { items, .. }, Step::Item(item)) => items.get(*item).ok_or(NO_KEY)?,
            _ => return Err(NO_KEY),
        };
    }
    match &at.kind {
        Kind::Map { flow, pairs } => Ok((*flow, pairs)),
        _ => Err(NO_KEY),
    }
}

fn is_key(name: &Tree, key: &str) -> bool {
    matches!(&name.kind, Kind::Text(Some(text)) if text == key)
}

/// Behind the colon of a key without a value.
fn end_of_colon(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    end + rest.find(':').map_or(0, |at| at + 1)
}

/// The comments within a range: a `#` behind white space and in no scalar.
fn comments(text: &str, range: &Range<usize>, root: &Tree) -> Vec<String> {
    let mut scalars = Vec::new();
    collect(root, &mut scalars);
    let within = text.get(range.clone()).unwrap_or_default();
    let mut found = Vec::new();
    let mut start = range.start;
    for line in within.split('\n') {
        let end = start + line.len();
        let hash = line.match_indices('#').map(|(at, _)| start + at).find(|at| {
            let before = text.get(..*at).unwrap_or_default();
            before.chars().next_back().is_none_or(char::is_whitespace)
                && !scalars.iter().any(|scalar| scalar.contains(at))
        });
        // A line of the range may go on behind it.
        if let Some(hash) = hash {
            let comment = text.get(hash..end).unwrap_or_default();
            found.push(comment.trim_end().to_owned());
        }
        start = end + 1;
    }
    found
}

fn collect(tree: &Tree, scalars: &mut Vec<Range<usize>>) {
    match &tree.kind {
        Kind::Text(Some(_)) => scalars.push(tree.at.clone()),
        Kind::Text(None) | Kind::Alias => {}
        Kind::List { items, .. } => items.iter().for_each(|item| collect(item, scalars)),
        Kind::Map { pairs, .. } => pairs.iter().for_each(|(name, value)| {
            collect(name, scalars);
            collect(value, scalars);
        }),
    }
}

/// A key: dbt's `+meta` needs no quotes.
fn name(key: &str) -> String {
    match key.strip_prefix('+') {
        Some(rest) if scalar(rest) == rest => key.to_owned(),
        _ => scalar(key),
    }
}

/// Within braces.
fn flow_pairs(pairs: &[(&str, Value)]) -> String {
    let each: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}: {}", name(key), flow(value))).collect();
    each.join(", ")
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            format!("{{{}}}", flow_pairs(&ordered(map)))
        }
        other => other.to_string(),
    }
}

/// A map's pairs; `product` is said before what is said of it.
pub(crate) fn ordered(map: &serde_json::Map<String, Value>) -> Vec<(&str, Value)> {
    let mut pairs: Vec<(&str, Value)> =
        map.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    pairs.sort_by_key(|(key, _)| *key != "product");
    pairs
}

/// In lines of their own, the last without its end.
fn block_pairs(pairs: &[(&str, Value)], width: usize, eol: &str) -> String {
    let indent = " ".repeat(width);
    let each: Vec<String> = pairs
        .iter()
        .map(|(key, value)| match value {
            Value::Object(map) if !map.is_empty() => {
                let inner = block_pairs(&ordered(map), width + 2, eol);
                format!("{indent}{}:{eol}{inner}", name(key))
            }
            value => format!("{indent}{}: {}", name(key), flow(value)),
        })
        .collect();
    each.join(eol)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn way(text: &str, key: &str) -> Vec<Step> {
        find(text, key).unwrap().remove(0).0
    }

    #[test]
    fn a_pair_is_replaced_and_its_comments_stay() {
        let text = "models:\n  - name: a # one\n    meta:\n      raito: # theirs\n        grant: # g\n          - name: 'x # y'\n            # what\n            p: [READ]\n      owner: me\n";
        let way = way(text, "raito");
        let new =
            replace(text, &way, "raito", &[("rolecall", json!({"grants": {"p.x": ["read"]}}))]);
        insta::assert_snapshot!(new.unwrap(), @r#"
        models:
          - name: a # one
            meta:
              # theirs
              # g
              # what
              rolecall:
                grants:
                  p.x: [read]
              owner: me
        "#);
        let braces = "m: {meta: {raito: {grant: []}, b: 1}}\r\n";
        let way = find(braces, "raito").unwrap().remove(0).0;
        let new = replace(braces, &way, "raito", &[("rolecall", json!({"grants": {}}))]).unwrap();
        assert_eq!(new, "m: {meta: {rolecall: {grants: {}}, b: 1}}\r\n");
        assert_eq!(replace(braces, &way, "raito", &[]).unwrap(), "m: {meta: {b: 1}}\r\n");
    }

    #[test]
    fn a_pair_is_taken_out_and_others_are_put_in() {
        let text = "a:\n  b:\n    # of c\n    c: 1 # c\n    d:\n      - 2\n";
        let way = way(text, "c");
        insta::assert_snapshot!(replace(text, &way, "c", &[]).unwrap(), @r#"
        a:
          b:
            # of c
            # c
            d:
              - 2
        "#);
        insta::assert_snapshot!(insert(text, &way, Some("d"), &[("e", json!({"f": ["g"]}))]).unwrap(), @r#"
        a:
          b:
            # of c
            c: 1 # c
            e:
              f: [g]
            d:
              - 2
        "#);
        insta::assert_snapshot!(insert(text, &way, None, &[("e", json!("x: y"))]).unwrap(), @r#"
        a:
          b:
            # of c
            c: 1 # c
            d:
              - 2
            e: "x: y"
        "#);
        assert!(replace("a: {b: 1}", &[], "c", &[]).is_err());
        assert!(replace("a: &x 1\nb: *x\n", &[], "a", &[]).is_err(), "anchors are not edited");
    }
}
