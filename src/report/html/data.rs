//! What stands in the page as JSON: version 1. Lists are columns, and what repeats is a number: the
//! place of a text, a set of privileges or a cell in the environment's own lists.

use serde::Serialize;

use super::interned::Number;

/// Everything that the page says.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Data {
    pub version: u32,
    pub title: String,
    pub made_at: String,
    pub tool: &'static str,
    pub tags: Vec<String>,
    pub products: Vec<Product>,
    pub models: Models,
    /// Environments that could not be told of, and why.
    pub left_out: Vec<LeftOut>,
    pub environments: Vec<Environment>,
}

/// A product.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Product {
    pub name: String,
    pub title: Option<String>,
    pub owners: Vec<String>,
    pub place: String,
}

/// The nodes of all environments, each a place in every list.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Models {
    pub id: Vec<String>,
    pub name: Vec<String>,
    pub kind: Vec<&'static str>,
    /// A place in `products`, or -1.
    pub product: Vec<i32>,
    /// Places in `tags`.
    pub tags: Vec<Vec<usize>>,
}

/// An environment that is not in the page.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct LeftOut {
    pub environment: String,
    pub why: String,
}

/// One environment.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Environment {
    pub name: String,
    pub protected: bool,
    pub dialect: &'static str,
    /// No warehouse was looked at.
    pub declared: bool,
    /// The warehouse, for people.
    pub server: String,
    /// By model; `None` where it has none here.
    pub relations: Vec<Option<String>>,
    /// By model: `table`, `view`.
    pub classes: Vec<Option<&'static str>>,
    pub actors: Actors,
    /// (member, role, 1 inherits + 2 may SET ROLE + 4 may let in, places, grantor, note)
    pub members: Vec<(usize, usize, u8, Number, i32, Number)>,
    /// (model or -1 for every one, role or -1 for PUBLIC, set, places, grantor)
    pub grants: Vec<(i32, i32, Number, Number, i32)>,
    /// (model, owner)
    pub owners: Vec<(usize, usize)>,
    /// Models with row security: which rows are seen is decided by policies of the server.
    pub row_security: Vec<usize>,
    /// Actors that are superusers.
    pub supers: Vec<usize>,
    /// Sets of privileges.
    pub sets: Vec<Vec<&'static str>>,
    pub texts: Vec<String>,
    /// Lists of texts.
    pub lists: Vec<Vec<Number>>,
    /// What somebody may do with a model; the first is nothing.
    pub cells: Vec<Cell>,
    /// Cells for all models, as runs: (skip, count, cell) over and over.
    pub rows: Vec<Vec<Number>>,
    /// By actor: a place in `rows`.
    pub row: Vec<usize>,
    pub drift: Option<Drift>,
    pub findings: Vec<Finding>,
}

/// Roles, groups and people, each a place in every list.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Actors {
    /// As the warehouse calls them.
    pub name: Vec<String>,
    /// `person`, `group`, `product`, `policy`, `playbook`, `server` or `role`.
    pub kind: Vec<&'static str>,
    /// A place in `products`, or -1.
    pub product: Vec<i32>,
    /// The product role, or whose it is.
    pub role: Vec<String>,
    /// A list of places where it is defined.
    pub places: Vec<Number>,
}

/// What somebody may do with a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs)]
pub struct Cell {
    /// 0 nothing of use, 1 other privileges, 2 read, 3 write, 4 both, 5 admin, 6 own
    pub level: u8,
    /// In words; empty for nothing.
    pub word: String,
    /// Sets: what is held; what of it a query could use; what it could use after SET ROLE.
    pub held: Number,
    pub usable: Number,
    pub later: Number,
    /// Nothing of it is usable without SET ROLE.
    pub after: bool,
    /// Texts: what is missing for the rest.
    pub lacks: Vec<Number>,
    /// Texts: what reaches the rows by a statement over another relation.
    pub through: Vec<Number>,
}

/// What is not as declared.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Drift {
    pub summary: String,
    pub changes: Vec<Difference>,
}

/// One difference: a change of a plan, or what a plan leaves.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Difference {
    pub role: String,
    pub sign: &'static str,
    pub takes: bool,
    pub text: String,
    pub why: String,
}

/// What a check found.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Finding {
    pub severity: &'static str,
    pub code: String,
    pub message: String,
    pub place: String,
    pub node: String,
    pub help: String,
}
