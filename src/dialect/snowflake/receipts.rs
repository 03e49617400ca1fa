//! The statements about the table of receipts.

use super::super::templates::{Argument, Templates};
use super::super::{Dialect, StatementError};
use super::{Snowflake, literal};
use crate::model::{DialectKind, Ident};

/// The columns as DESCRIBE TABLE shows them: name, type, whether it may be NULL.
pub const RECEIPT_COLUMNS: [(&str, &str, &str); 9] = [
    ("ID", "VARCHAR(64)", "N"),
    ("KEPT_AT", "VARCHAR(64)", "N"),
    ("DEPLOYMENT", "VARCHAR(16777216)", "N"),
    ("ENVIRONMENT", "VARCHAR(16777216)", "N"),
    ("OUTCOME", "VARCHAR(16)", "N"),
    ("PLAN_SHA256", "VARCHAR(64)", "Y"),
    ("SESSION_USER_NAME", "VARCHAR(16777216)", "N"),
    ("ACTING_ROLE", "VARCHAR(16777216)", "N"),
    ("BODY", "VARCHAR(16777216)", "N"),
];

/// The table `ROLECALL.RECEIPTS` of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTable {
    /// The database, quoted.
    pub database: String,
    /// The schema, with its database, quoted.
    pub schema: String,
    /// The table, with its schema, quoted.
    pub table: String,
    /// The table while it is being made.
    pub draft: String,
}

/// A receipt as a row.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ReceiptRow<'r> {
    pub id: &'r str,
    pub kept_at: &'r str,
    pub deployment: &'r str,
    pub environment: &'r str,
    pub outcome: &'r str,
    pub plan_sha256: Option<&'r str>,
    pub session_user: &'r str,
    pub acting_role: &'r str,
    pub body: &'r str,
}

fn call<const N: usize>(name: &str, arguments: [Argument; N]) -> Result<String, StatementError> {
    Templates::open(DialectKind::Snowflake)?.call(0, name, arguments)
}

impl ReceiptTable {
    /// That of a database.
    pub fn of(database: &Ident) -> Self {
        let database = Snowflake.quote(database);
        let schema = format!("{database}.\"ROLECALL\"");
        let [table, draft] = ["RECEIPTS", "RECEIPTS_DRAFT"].map(|it| format!("{schema}.\"{it}\""));
        Self { database, schema, table, draft }
    }

    /// Makes the schema.
    pub fn create_schema(&self) -> Result<String, StatementError> {
        let comment = literal("What rolecall applied. Only the role that applies may write here.");
        call("create_schema", [self.schema.as_str().into(), comment.into()])
    }

    /// Makes the table, under the name of the draft.
    pub fn create_draft(&self) -> Result<String, StatementError> {
        call("create_receipts", [self.draft.as_str().into()])
    }

    /// Gives the draft its name.
    pub fn rename_draft(&self) -> Result<String, StatementError> {
        call("rename_table", [self.draft.as_str().into(), self.table.as_str().into()])
    }

    /// How many rows the draft has.
    pub fn count_draft(&self) -> Result<String, StatementError> {
        call("count_receipts", [self.draft.as_str().into()])
    }

    /// Makes a role the owner of the schema or of the draft, which a future grant gave to another.
    pub fn take_over(&self, of_schema: bool, me: &Ident) -> Result<String, StatementError> {
        let (class, object) =
            if of_schema { ("SCHEMA", &self.schema) } else { ("TABLE", &self.draft) };
        let arguments =
            [class.into(), object.as_str().into(), Snowflake.quote(me).into(), "ROLE".into()];
        call("set_owner", arguments)
    }

    /// Takes from a role whatever it has on the schema or on the draft.
    pub fn revoke_all(&self, on_schema: bool, role: &Ident) -> Result<String, StatementError> {
        let (kind, role) = match role.in_parts() {
            None => ("ROLE", Snowflake.quote(role)),
            Some((database, name)) => (
                "DATABASE ROLE",
                format!("{}.{}", Snowflake.quote(&database), Snowflake.quote(&name)),
            ),
        };
        let (class, object) =
            if on_schema { ("SCHEMA", &self.schema) } else { ("TABLE", &self.draft) };
        let all = vec!["ALL PRIVILEGES".to_owned()];
        let arguments = [
            all.into(),
            class.into(),
            object.as_str().into(),
            role.into(),
            false.into(),
            kind.into(),
        ];
        call("revoke", arguments)
    }

    /// Writes a receipt, or writes one again that is only begun.
    pub fn keep(&self, row: &ReceiptRow<'_>) -> Result<String, StatementError> {
        let ReceiptRow {
            id,
            kept_at,
            deployment,
            environment,
            outcome,
            plan_sha256,
            session_user,
            acting_role,
            body,
        } = row;
        let arguments = [
            self.table.as_str().into(),
            literal(id).into(),
            literal(kept_at).into(),
            literal(deployment).into(),
            literal(environment).into(),
            literal(outcome).into(),
            plan_sha256.map_or_else(|| "NULL".to_owned(), literal).into(),
            literal(session_user).into(),
            literal(acting_role).into(),
            literal(body).into(),
        ];
        call("keep_receipt", arguments)
    }

    /// Reads an environment's receipts, oldest first; all of them where nothing more is said.
    pub fn read(
        &self,
        (deployment, environment): (&str, &str),
        outcome: Option<&str>,
        plan_sha256: Option<&str>,
        only_last: bool,
    ) -> Result<String, StatementError> {
        let arguments = [
            self.table.as_str().into(),
            literal(deployment).into(),
            literal(environment).into(),
            outcome.map(literal).unwrap_or_default().into(),
            plan_sha256.map(literal).unwrap_or_default().into(),
            only_last.into(),
        ];
        call("read_receipts", arguments)
    }

    /// Reads pieces of a receipt that is too long for one statement.
    pub fn pieces(&self, ids: &[String]) -> Result<String, StatementError> {
        let ids: Vec<String> = ids.iter().map(|id| literal(id)).collect();
        call("read_pieces", [self.table.as_str().into(), ids.into()])
    }

    /// Counts the rows that are this receipt, as it was written last.
    pub fn find(&self, row: &ReceiptRow<'_>) -> Result<String, StatementError> {
        let arguments = [
            self.table.as_str().into(),
            literal(row.id).into(),
            literal(row.kept_at).into(),
            literal(row.outcome).into(),
        ];
        call("find_receipt", arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_receipt_stays_inside_its_literal() {
        let table = ReceiptTable::of(&Ident::new("o\"dd").unwrap());
        let row = ReceiptRow {
            id: "1",
            kept_at: "t",
            deployment: "it's",
            environment: "a\\' OR 1=1 --",
            outcome: "begun",
            plan_sha256: None,
            session_user: "{{ x }}\n",
            acting_role: "R",
            body: r#"{"a":"\u0000\"'"}"#,
        };
        let sql = table.keep(&row).unwrap();
        for part in [
            r#"INTO "o""dd"."ROLECALL"."RECEIPTS" AS T"#,
            "'it''s' AS DEPLOYMENT",
            r"'a\\'' OR 1=1 --' AS ENVIRONMENT",
            "NULL AS PLAN_SHA256",
            r"'{{ x }}\n' AS SESSION_USER_NAME",
            r#"'{"a":"\\u0000\\"''"}' AS BODY"#,
        ] {
            assert!(sql.contains(part), "{part}: {sql}");
        }
        insta::assert_snapshot!(table.read(("d", "e"), None, None, false).unwrap(), @r#"SELECT ID, KEPT_AT, SESSION_USER_NAME, ACTING_ROLE, BODY FROM "o""dd"."ROLECALL"."RECEIPTS" WHERE DEPLOYMENT = 'd' AND ENVIRONMENT = 'e' AND OUTCOME <> 'piece' ORDER BY KEPT_AT"#);
        insta::assert_snapshot!(table.read(("d", "e"), Some("applied"), Some("00"), true).unwrap(), @r#"SELECT ID, KEPT_AT, SESSION_USER_NAME, ACTING_ROLE, BODY FROM "o""dd"."ROLECALL"."RECEIPTS" WHERE DEPLOYMENT = 'd' AND ENVIRONMENT = 'e' AND OUTCOME = 'applied' AND PLAN_SHA256 = '00' ORDER BY KEPT_AT DESC LIMIT 1"#);
        let role = Ident::in_database(&Ident::new("D").unwrap(), &Ident::new("R").unwrap());
        insta::assert_snapshot!(table.revoke_all(true, &role).unwrap(), @r#"REVOKE ALL PRIVILEGES ON SCHEMA "o""dd"."ROLECALL" FROM DATABASE ROLE "D"."R" RESTRICT"#);
    }

    #[test]
    fn the_table_is_made_with_the_columns_that_it_must_have() {
        let sql = ReceiptTable::of(&Ident::new("D").unwrap()).create_draft().unwrap();
        let columns = RECEIPT_COLUMNS.map(|(name, of, null)| {
            format!("{name} {of}{}", if null == "N" { " NOT NULL" } else { "" })
        });
        assert!(sql.ends_with(&format!("({})", columns.join(", "))), "{sql}");
    }
}
