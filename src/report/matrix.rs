//! Product role × model, as a table.

use comfy_table::{ContentArrangement, Table, presets};

use super::findings::one_line;

/// What one cell says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Cell {
    /// What was declared: such as `SELECT, INSERT`; empty for nothing.
    pub privileges: String,
    /// The server said and did exactly that.
    pub proven: bool,
}

/// Rows of relations, columns of roles.
pub fn text(roles: &[String], rows: &[(String, Vec<Cell>)]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled);
    let header = std::iter::once(String::new()).chain(roles.iter().map(|role| one_line(role)));
    table.set_header(header);
    for (relation, cells) in rows {
        let cells = cells.iter().map(|cell| {
            let said =
                if cell.privileges.is_empty() { "·".to_owned() } else { cell.privileges.clone() };
            if cell.proven { said } else { format!("{said} NOT PROVEN") }
        });
        table.add_row(std::iter::once(one_line(relation)).chain(cells));
    }
    table.to_string()
}

/// Short words for sets of privileges: what was declared rather than eleven names.
pub fn short(privileges: crate::model::PrivilegeSet) -> String {
    use crate::model::{Privilege as P, PrivilegeSet};
    let read = PrivilegeSet::of(&[P::SELECT]);
    let write = PrivilegeSet::of(&[P::INSERT, P::UPDATE, P::DELETE, P::TRUNCATE]);
    let admin = read.union(write).union(PrivilegeSet::of(&[P::REFERENCES, P::TRIGGER]));
    if privileges == admin {
        return "admin".to_owned();
    }
    let mut words = Vec::new();
    let mut rest = privileges;
    for (set, word) in [(read, "read"), (write, "write")] {
        if rest.contains_all(set) {
            words.push(word.to_owned());
            rest = rest.minus(set);
        }
    }
    words.extend(rest.iter().map(|privilege| privilege.to_string()));
    words.join(" ")
}
