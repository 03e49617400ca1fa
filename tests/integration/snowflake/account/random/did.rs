//! What people did in a random account.

use proptest::prelude::*;
use rolecall::model::Securable;

use super::super::site::quoted;
use super::place::*;

/// What somebody did.
#[derive(Debug, Clone)]
pub(super) enum Did {
    /// (relation, privilege, role, option)
    Granted(At, usize, usize, bool),
    /// What one role was given to pass on, and passed on to another.
    PassedOn(At, usize, usize),
    /// (database, in a schema of it, privilege, role, option)
    OnContainer(usize, Option<usize>, usize, usize, bool),
    Future(usize, Option<usize>, usize, usize),
    InRole(usize, usize),
    User(usize, usize),
    Owner(At, usize),
    /// (database, schema, role)
    OwnerOfSchema(usize, usize, usize),
    /// (relation, its grants are copied)
    Replaced(At, bool),
    Odd(usize, usize),
}

pub(super) fn at() -> impl Strategy<Value = At> {
    (0..DATABASES.len(), 0..SCHEMAS.len(), 0..RELATIONS.len())
}

/// Roles of the account more often than the many of databases.
fn role() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..MANAGED.len() + STRANGERS.len(), 2 => 0..ROLES]
}

pub(super) fn did() -> impl Strategy<Value = Did> {
    let (managed, schema) = (MANAGED.len(), || prop::option::of(0..SCHEMAS.len()));
    prop_oneof![
        6 => (at(), 0..4_usize, role(), any::<bool>()).prop_map(|(o, p, r, g)| Did::Granted(o, p, r, g)),
        // Mostly to managed roles: what others hold from a managed one is refused.
        4 => (at(), 0..7_usize, 0..managed).prop_map(|(o, f, t)| Did::PassedOn(o, f, t)),
        1 => (at(), 0..7_usize, role()).prop_map(|(o, f, t)| Did::PassedOn(o, f, t)),
        3 => (0..2_usize, schema(), 0..3_usize, role(), any::<bool>())
            .prop_map(|(d, s, p, r, g)| Did::OnContainer(d, s, p, r, g)),
        3 => (0..2_usize, schema(), 0..3_usize, role()).prop_map(|(d, s, p, r)| Did::Future(d, s, p, r)),
        3 => (role(), role()).prop_map(|(r, m)| Did::InRole(r, m)),
        2 => (role(), 0..USERS.len()).prop_map(|(r, u)| Did::User(r, u)),
        1 => (at(), role()).prop_map(|(o, r)| Did::Owner(o, r)),
        1 => (0..2_usize, 0..2_usize, 0..7_usize).prop_map(|(d, s, r)| Did::OwnerOfSchema(d, s, r)),
        1 => (at(), any::<bool>()).prop_map(|(o, c)| Did::Replaced(o, c)),
        2 => (0..8_usize, role()).prop_map(|(w, r)| Did::Odd(w, r)),
    ]
}

const PRIVILEGES: [&str; 4] = ["SELECT", "INSERT", "REFERENCES", "MONITOR"];

fn container(database: usize, schema: Option<usize>) -> Securable {
    let database = id(DATABASES[database]);
    match schema {
        Some(schema) => Securable::schema(database, id(SCHEMAS[schema])),
        None => Securable::database(database),
    }
}

fn option(yes: bool) -> &'static str {
    if yes { " WITH GRANT OPTION" } else { "" }
}

impl Did {
    /// The statements, and the roles that say them.
    pub(super) fn sql(&self) -> Vec<(String, Option<&'static str>)> {
        let Self::PassedOn(on, from, _) = self else { return vec![self.one()] };
        let (on, from) = (relation(*on), Who::of(*from).sql());
        let place = in_sql(&Securable::schema(
            on.database_name().unwrap().clone(),
            on.schema_name().unwrap().clone(),
        ));
        let database = in_sql(&Securable::database(on.database_name().unwrap().clone()));
        let given = [
            format!("GRANT USAGE ON {database} TO {from}"),
            format!("GRANT USAGE ON {place} TO {from}"),
            format!("GRANT SELECT ON {} TO {from} WITH GRANT OPTION", in_sql(&on)),
        ];
        given.map(|sql| (sql, None)).into_iter().chain([self.one()]).collect()
    }

    fn one(&self) -> (String, Option<&'static str>) {
        let to = |role: usize| Who::of(role).sql();
        let plain = |sql| (sql, None);
        match self {
            Self::Granted(on, privilege, role, pass_on) => plain(format!(
                "GRANT {} ON {} TO {}{}",
                PRIVILEGES[*privilege],
                in_sql(&relation(*on)),
                to(*role),
                option(*pass_on)
            )),
            Self::PassedOn(on, from, role) => {
                let sql = format!("GRANT SELECT ON {} TO {}", in_sql(&relation(*on)), to(*role));
                match Who::of(*from) {
                    Who::InAccount(name) => (sql, Some(name)),
                    Who::InDatabase(..) => plain(sql),
                }
            }
            Self::OnContainer(database, schema, privilege, role, pass_on) => plain(format!(
                "GRANT {} ON {} TO {}{}",
                ["USAGE", "MONITOR", "MODIFY"][*privilege],
                in_sql(&container(*database, *schema)),
                to(*role),
                option(*pass_on)
            )),
            Self::Future(database, schema, privilege, role) => plain(format!(
                "GRANT {} ON FUTURE TABLES IN {} TO {}",
                ["SELECT", "INSERT", "OWNERSHIP"][*privilege],
                in_sql(&container(*database, *schema)),
                to(*role)
            )),
            Self::InRole(role, member) => plain(format!("GRANT {} TO {}", to(*role), to(*member))),
            Self::User(role, user) => {
                plain(format!("GRANT {} TO USER {}", to(*role), quoted(&id(USERS[*user]))))
            }
            Self::Owner(on, role) => plain(format!(
                "GRANT OWNERSHIP ON {} TO {} COPY CURRENT GRANTS",
                in_sql(&relation(*on)),
                to(*role)
            )),
            Self::OwnerOfSchema(database, schema, role) => plain(format!(
                "GRANT OWNERSHIP ON {} TO {} COPY CURRENT GRANTS",
                in_sql(&container(*database, Some(*schema))),
                to(*role)
            )),
            Self::Replaced(on, copies) => {
                let (_, _, create) = RELATIONS[on.2];
                let name = name_in_sql(&relation(*on));
                let copies = if *copies { " COPY GRANTS" } else { "" };
                let (head, tail) = match create.split_once(" AS ") {
                    Some((head, tail)) => (head, format!(" AS {tail}")),
                    None => (create, String::new()),
                };
                plain(format!("CREATE OR REPLACE {}{copies}{tail}", head.replace("{}", &name)))
            }
            Self::Odd(what, role) => {
                let role = to(*role);
                plain(match what {
                    0 => format!("GRANT USAGE ON WAREHOUSE WH TO {role}"),
                    1 => format!("GRANT EXECUTE TASK ON ACCOUNT TO {role}"),
                    2 => format!("GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO {role}"),
                    3 => format!("GRANT MONITOR ON USER TAYLOR TO {role}"),
                    4 => format!("GRANT SELECT ON EVENT TABLE SHOP.SALES.EVENTS TO {role}"),
                    5 => format!("GRANT OPERATE ON WAREHOUSE \"b.i \"\"wh\"\"\" TO {role}"),
                    6 => format!("GRANT USAGE ON FUNCTION SHOP.SALES.F(NUMBER) TO {role}"),
                    _ => format!("GRANT CREATE TABLE, USAGE ON SCHEMA SHOP.SALES TO {role}"),
                })
            }
        }
    }
}
