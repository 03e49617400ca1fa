//! What stands in a random account: databases, schemas, relations of every class, roles, people.

use rolecall::model::*;

use super::super::site::quoted;

pub(super) const DATABASES: [&str; 2] = ["SHOP", "odd \"db"];
pub(super) const SCHEMAS: [&str; 2] = ["SALES", "mixed Case"];
/// Of each class that dbt makes.
pub(super) const RELATIONS: [(&str, ObjectClass, &str); 5] = [
    ("ORDERS", ObjectClass::Table, "TABLE {} (ID NUMBER)"),
    ("we\"ird", ObjectClass::Table, "TABLE {} (ID NUMBER)"),
    ("V", ObjectClass::View, "VIEW {} AS SELECT 1 AS ID"),
    (
        "D.y",
        ObjectClass::DynamicTable,
        "DYNAMIC TABLE {} TARGET_LAG = '1 hour' WAREHOUSE = WH AS SELECT 1 AS ID",
    ),
    ("ICE", ObjectClass::IcebergTable, "ICEBERG TABLE {} (ID NUMBER)"),
];
pub(super) const WAREHOUSES: [&str; 2] = ["WH", "b.i \"wh\""];
/// Managed roles: as they are named, and as the marker calls them.
pub(super) const MANAGED: [(&str, &str); 4] =
    [("M0", "a"), ("m \"role\"", "b"), ("M2", "c"), ("m3", "d")];
pub(super) const STRANGERS: [&str; 3] = ["STRANGER", "str anger", "S2"];
/// A role of somebody else in each database. It is called like a managed one, elsewhere.
pub(super) const IN_DATABASES: [&str; 2] = ["M2", "d.b \"role\""];
pub(super) const GROUPS: [&str; 2] = ["AD_SALES", "ad_é"];
pub(super) const USERS: [&str; 3] = ["TAYLOR", "sam@acme.example", "STRANGER"];
pub(super) const PARENTS: [&str; 3] = ["SYSADMIN", "pa \"rent\"", "AD_SALES"];

/// How many roles [`Who`] can be.
pub(super) const ROLES: usize =
    MANAGED.len() + STRANGERS.len() + DATABASES.len() + MANAGED.len() * DATABASES.len();

/// A database, a schema and a relation, by their numbers.
pub(super) type At = (usize, usize, usize);

pub(super) fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

pub(super) fn marker(role: &str) -> Marker {
    Marker {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "sales".into(),
        role: role.into(),
        policy: None,
        immutable: false,
        playbook: None,
        adopted: false,
    }
}

/// A role by its number: managed ones, strangers, strangers in databases, managed ones in databases.
pub(super) enum Who {
    InAccount(&'static str),
    InDatabase(&'static str, &'static str),
}

impl Who {
    pub(super) fn of(at: usize) -> Self {
        let own = MANAGED.len() + STRANGERS.len();
        match at {
            at if at < MANAGED.len() => Self::InAccount(MANAGED[at].0),
            at if at < own => Self::InAccount(STRANGERS[at - MANAGED.len()]),
            at if at < own + DATABASES.len() => {
                let at = at - own;
                Self::InDatabase(DATABASES[at], IN_DATABASES[at])
            }
            at => {
                let at = at - own - DATABASES.len();
                let database = DATABASES[at / MANAGED.len() % DATABASES.len()];
                Self::InDatabase(database, MANAGED[at % MANAGED.len()].0)
            }
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::InAccount(_) => "ROLE",
            Self::InDatabase(..) => "DATABASE ROLE",
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::InAccount(name) => quoted(&id(name)),
            Self::InDatabase(database, name) => {
                format!("{}.{}", quoted(&id(database)), quoted(&id(name)))
            }
        }
    }

    /// `ROLE "R"` or `DATABASE ROLE "D"."R"`.
    pub(super) fn sql(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }
}

pub(super) fn relation(at: At) -> Securable {
    let (name, class, _) = RELATIONS[at.2];
    Securable::in_schema(class, id(DATABASES[at.0]), id(SCHEMAS[at.1]), id(name))
}

/// Every relation there is.
pub(super) fn relations() -> impl Iterator<Item = At> {
    (0..DATABASES.len()).flat_map(|database| {
        (0..SCHEMAS.len()).flat_map(move |schema| {
            (0..RELATIONS.len()).map(move |relation| (database, schema, relation))
        })
    })
}

fn keyword(class: ObjectClass) -> &'static str {
    match class {
        ObjectClass::View => "VIEW",
        ObjectClass::DynamicTable => "DYNAMIC TABLE",
        ObjectClass::IcebergTable => "ICEBERG TABLE",
        ObjectClass::Database => "DATABASE",
        ObjectClass::Schema => "SCHEMA",
        _ => "TABLE",
    }
}

/// An object without its kind.
pub(super) fn name_in_sql(on: &Securable) -> String {
    let own = match on.class() {
        ObjectClass::Database | ObjectClass::Schema => None,
        _ => on.name(),
    };
    let parts = [on.database_name(), on.schema_name(), own];
    let parts: Vec<String> = parts.into_iter().flatten().map(quoted).collect();
    parts.join(".")
}

pub(super) fn in_sql(on: &Securable) -> String {
    format!("{} {}", keyword(on.class()), name_in_sql(on))
}
