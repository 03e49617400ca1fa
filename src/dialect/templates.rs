//! The macros that the binary carries, and calling them.
//!
//! Only what was compiled in is ever rendered: a project's own macro would run any SQL under the
//! role that grants.

use std::sync::LazyLock;

use minijinja::value::Value;
use minijinja::{AutoEscape, Captured, Environment, UndefinedBehavior};

use super::StatementError;
use crate::model::DialectKind;

const POSTGRES: &str = include_str!("../../macros/postgres.sql");
const SNOWFLAKE: &str = include_str!("../../macros/snowflake.sql");

static ENVIRONMENT: LazyLock<Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // SQL is not HTML; names and literals arrive quoted for SQL.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_template(DialectKind::Postgres.as_str(), POSTGRES)?;
        environment.add_template(DialectKind::Snowflake.as_str(), SNOWFLAKE)?;
        Ok(environment)
    });

/// The macros of one dialect, ready to be called.
pub(super) struct Templates {
    kind: DialectKind,
    file: Captured<'static>,
}

/// An argument of a macro: one text (a quoted name, a keyword), many, or yes and no.
pub(super) enum Argument {
    Text(String),
    List(Vec<String>),
    Flag(bool),
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for Argument {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

impl From<bool> for Argument {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl Templates {
    /// Reads the dialect's file once; its macros can then be called.
    pub(super) fn open(kind: DialectKind) -> Result<Self, StatementError> {
        let environment = ENVIRONMENT.as_ref().map_err(|error| failure(0, error))?;
        let file = environment
            .get_template(kind.as_str())
            .and_then(|template| template.render_captured(()))
            .map_err(|error| failure(0, &error))?;
        Ok(Self { kind, file })
    }

    /// Calls `<dialect>__rolecall_<name>`. `change` is the place to blame in an error.
    pub(super) fn call<const N: usize>(
        &mut self,
        change: usize,
        name: &str,
        arguments: [Argument; N],
    ) -> Result<String, StatementError> {
        let name = format!("{}__rolecall_{name}", self.kind);
        let arguments = arguments.map(|argument| match argument {
            Argument::Text(text) => Value::from(text),
            Argument::List(list) => Value::from(list),
            Argument::Flag(flag) => Value::from(flag),
        });
        self.file
            .with_state_mut(|state| state.call_macro(&name, &arguments))
            .map_err(|error| failure(change, &error))
    }
}

fn failure(change: usize, error: &minijinja::Error) -> StatementError {
    StatementError {
        code: "statement-template",
        change,
        message: format!("a statement macro of this program failed: {error:#}; please report it"),
    }
}
