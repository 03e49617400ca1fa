//! Texts of a playbook into names of the warehouse.

use super::super::Inputs;
use crate::config::Located;
use crate::config::playbook::{Switch, Undefined, Variables};
use crate::model::{Diagnostic, Diagnostics, DialectKind, Ident, Place, Reason};

/// Makes names of texts, and says what is wrong with them.
#[derive(Clone, Copy)]
pub(super) struct Texts<'x, 'a> {
    pub(super) inputs: &'x Inputs<'a>,
}

/// The line that says something.
pub(super) fn reason(place: &Place, permission: &str) -> Reason {
    Reason {
        node: None,
        file: Some(place.file.to_string_lossy().replace('\\', "/")),
        line: place.line,
        permission: (!permission.is_empty()).then(|| permission.to_owned()),
    }
}

impl Texts<'_, '_> {
    /// A text with its variables in their places.
    pub(super) fn expand(
        &self,
        written: &Located<String>,
        found: &mut Diagnostics,
    ) -> Option<String> {
        let environment = &self.inputs.environment.name;
        let variables = &self.inputs.config.playbooks.variables;
        let (code, message, help) = match variables.expand(environment, &written.value) {
            Ok(text) => return Some(text),
            Err(Undefined::Unknown(name)) => (
                "undefined-variable",
                format!("the variable `{name}` is not defined in {environment}"),
                format!(
                    "write it into the file that `playbook_vars` names, or export {}",
                    Variables::in_shell(&name)
                ),
            ),
            Err(Undefined::Secret(name)) => (
                "secret-variable",
                format!("the variable `{name}` is a secret by its name"),
                "names are shown in plans and output: call the variable something else, or take it out of the name".to_owned(),
            ),
            Err(Undefined::Malformed) => (
                "invalid-variable",
                "`${` begins no variable here".to_owned(),
                "write ${var.name}, in letters a to z, digits and `-`".to_owned(),
            ),
        };
        found.push(
            Diagnostic::error(code, message).with_help(help).with_place(written.place.clone()),
        );
        None
    }

    /// A truth value.
    pub(super) fn truth(&self, switch: &Switch, found: &mut Diagnostics) -> Option<bool> {
        match switch {
            Switch::Is(truth) => Some(*truth),
            Switch::Said(written) => {
                let text = self.expand(written, found)?;
                let truth = Switch::of(&text);
                if truth.is_none() {
                    found.push(
                        Diagnostic::error(
                            "wrong-type",
                            format!("`{}` is neither true nor false here", written.value),
                        )
                        .with_help("let the variable be true or false")
                        .with_place(written.place.clone()),
                    );
                }
                truth
            }
        }
    }

    /// A text that is expanded already, as the warehouse stores such a name.
    pub(super) fn fold(
        &self,
        text: &str,
        what: &str,
        place: &Place,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let dialect = self.inputs.dialect;
        let hidden = crate::config::unfit(text).map(str::to_owned);
        let folded = match hidden {
            Some(why) => Err(why),
            None => dialect.fold(text).map_err(|error| error.to_string()).and_then(|name| {
                dialect.longest_name(&name)?;
                Ok(name)
            }),
        };
        folded
            .map_err(|why| {
                found.push(
                    Diagnostic::error("invalid-name", format!("{what}: {why}"))
                        .with_help("write the name as the warehouse has it; in double quotes where its case matters")
                        .with_place(place.clone()),
                );
            })
            .ok()
    }

    /// A name.
    pub(super) fn name(
        &self,
        written: &Located<String>,
        what: &str,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let text = self.expand(written, found)?;
        self.fold(&text, what, &written.place, found)
    }

    /// The name of a role that may be managed.
    pub(super) fn role_name(
        &self,
        written: &Located<String>,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let name = self.name(written, "the role's name", found)?;
        self.not_reserved(name, &written.place, found)
    }

    /// A role's name that is nobody's who cannot be managed.
    pub(super) fn not_reserved(
        &self,
        name: Ident,
        place: &Place,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let Some(why) = self.inputs.dialect.reserved(&name) else { return Some(name) };
        found.push(
            Diagnostic::error("reserved-name", format!("{name}: {why}"))
                .with_help("what the server's own roles hold is granted by hand: name another role")
                .with_place(place.clone()),
        );
        None
    }

    /// Whether roles have owners there.
    pub(super) fn has_role_owners(&self) -> bool {
        self.inputs.dialect.kind() == DialectKind::Snowflake
    }

    /// Whether this connection reaches what is in a database.
    pub(super) fn reaches(&self, database: &Ident) -> bool {
        self.inputs.database.is_none_or(|here| here == database)
    }
}
