//! Exit statuses, as documented in the README.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or in sync.
    Done = 0,
    /// Failed; nothing is changed.
    Failed = 1,
    /// Wrong arguments.
    Usage = 2,
    /// Changes are pending (`plan --check`, `verify`).
    Pending = 3,
    /// A gate of a promotion is closed.
    Gate = 4,
    /// Applied in part.
    Partly = 5,
    /// The plan is stale.
    Stale = 6,
    /// Reading back shows a difference.
    Differs = 7,
    /// Refused by a guard or a lock.
    Refused = 8,
}

/// What was given on the command line cannot be meant. Exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongArguments(pub(super) String);

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
