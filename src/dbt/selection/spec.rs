//! A selection as a tree: criteria, and how they are put together.

use super::method::Method;
use crate::dbt::Wanted;

/// A selection: which nodes are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub(super) spec: Spec,
}

/// Why a text is no selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What was found.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

pub(super) fn error(message: impl Into<String>, help: impl Into<String>) -> SelectorError {
    SelectorError { message: message.into(), help: help.into() }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spec {
    /// Where only `--exclude` is said.
    Everything,
    Criterion(Criterion),
    Union(Vec<Spec>),
    Intersection(Vec<Spec>),
    /// The first without the second.
    Difference(Box<Spec>, Box<Spec>),
    /// A part as it was written, which is named where it selects nothing.
    Part(String, Box<Spec>),
}

impl Spec {
    /// How many there are in it, itself among them.
    pub(super) fn parts(&self) -> usize {
        1 + match self {
            Self::Everything | Self::Criterion(_) => 0,
            Self::Union(all) | Self::Intersection(all) => all.iter().map(Self::parts).sum(),
            Self::Difference(first, second) => first.parts() + second.parts(),
            Self::Part(_, part) => part.parts(),
        }
    }
}

/// One method with its value, and how far the selection reaches along the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    pub method: Method,
    pub parents: Reach,
    pub children: Reach,
    /// `@`: all children, and all that any of them needs.
    pub childrens_parents: bool,
}

/// How many steps along the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Not,
    Steps(usize),
    All,
}

impl Selector {
    /// What has to be read of a manifest for it.
    pub fn needs(&self) -> Wanted {
        self.spec.needs()
    }
}

impl Spec {
    fn needs(&self) -> Wanted {
        let all =
            |specs: &[Self]| specs.iter().map(Self::needs).fold(Wanted::default(), Wanted::and);
        match self {
            Self::Everything => Wanted::default(),
            Self::Criterion(Criterion { method, parents, children, childrens_parents }) => Wanted {
                graph: *parents != Reach::Not || *children != Reach::Not || *childrens_parents,
                config: matches!(method, Method::Config { .. }),
                owners: false,
            },
            Self::Union(specs) | Self::Intersection(specs) => all(specs),
            Self::Difference(one, other) => one.needs().and(other.needs()),
            Self::Part(_, spec) => spec.needs(),
        }
    }
}
