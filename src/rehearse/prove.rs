//! Proof of effective access by the server's own word: what it says of every privilege, and what a
//! query does under SET ROLE.

use std::collections::{BTreeMap, BTreeSet};

use super::session::Session;
use crate::apply::Compared;
use crate::dialect::{self, Dialect};
use crate::model::{
    DesiredState, DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, Securable,
};
use crate::report::matrix::{Cell, short};
use crate::warehouse::WarehouseError;
use crate::warehouse::engine::Engine;

#[derive(Default)]
pub(super) struct Proof {
    pub(super) asked: usize,
    pub(super) queries: usize,
    pub(super) failures: Vec<String>,
    pub(super) rows: BTreeMap<Securable, Vec<Cell>>,
}

/// Who is to have what: roles by their grants, members by all roles that they are in.
struct Expected<'a> {
    desired: &'a DesiredState,
    /// Person → managed roles.
    held: BTreeMap<&'a Ident, Vec<&'a Ident>>,
}

impl<'a> Expected<'a> {
    fn of(desired: &'a DesiredState) -> Self {
        let mut held: BTreeMap<&Ident, Vec<&Ident>> = BTreeMap::new();
        for (role, member) in desired.memberships.keys() {
            held.entry(member).or_default().push(role);
        }
        Self { desired, held }
    }

    fn role(&self, on: &Securable, role: &Ident) -> PrivilegeSet {
        if self.desired.owners.get(on).is_some_and(|owner| owner.role == *role) {
            return all(on.class());
        }
        let key = (on.clone(), role.clone());
        self.desired.grants.get(&key).map(|grant| grant.privileges).unwrap_or_default()
    }

    fn anyone(&self, on: &Securable, who: &Ident) -> PrivilegeSet {
        let roles = self.held.get(who).into_iter().flatten();
        roles.fold(self.role(on, who), |all, role| all.union(self.role(on, role)))
    }
}

fn all(class: ObjectClass) -> PrivilegeSet {
    dialect::of(DialectKind::Postgres).data_privileges_of(class)
}

pub(super) async fn prove(
    engine: &Engine,
    database: &Ident,
    desired: &DesiredState,
    after: &Compared,
) -> Result<Proof, WarehouseError> {
    let session = Session::open(&engine.url(database.as_str())).await?;
    let mut proof = Proof::default();
    let expected = Expected::of(desired);
    let relations: BTreeSet<&Securable> =
        after.resolved.nodes.iter().filter_map(|node| node.relation.as_ref()).collect();
    let people: Vec<&Ident> = expected
        .held
        .keys()
        .copied()
        // The role that runs dbt owns the relations.
        .filter(|member| after.resolved.deploy_role.as_ref() != Some(member))
        .collect();
    for on in relations {
        let mut cells = Vec::new();
        for role in desired.roles.keys() {
            let wanted = expected.role(on, role);
            let before = proof.failures.len();
            one(&session, on, role, wanted, &mut proof).await?;
            cells.push(Cell { privileges: short(wanted), proven: proof.failures.len() == before });
        }
        for person in &people {
            one(&session, on, person, expected.anyone(on, person), &mut proof).await?;
        }
        proof.rows.insert(on.clone(), cells);
    }
    session.close().await;
    Ok(proof)
}

/// Asks the server for every privilege, and tries what can be tried.
async fn one(
    session: &Session,
    on: &Securable,
    who: &Ident,
    wanted: PrivilegeSet,
    proof: &mut Proof,
) -> Result<(), WarehouseError> {
    let dialect = dialect::of(DialectKind::Postgres);
    let (Some(schema), Some(name)) = (on.schema_name(), on.name()) else { return Ok(()) };
    let quoted = format!("{}.{}", dialect.quote(schema), dialect.quote(name));
    let privileges: Vec<Privilege> = all(on.class()).union(wanted).iter().collect();
    let names: Vec<&str> = privileges.iter().map(|p| p.as_str()).collect();
    let sql = "select has_table_privilege($1::text::name, $2::text, p) from unnest($3::text[]) with ordinality as u(p, n) order by n";
    let said = session
        .client
        .query(sql, &[&who.as_str(), &quoted, &names])
        .await
        .map_err(|error| super::statement_error(sql, &error))?;
    for (privilege, row) in privileges.iter().zip(&said) {
        proof.asked += 1;
        let has: bool = row.get(0);
        if has != wanted.contains(*privilege) {
            proof.failures.push(format!(
                "{who} {} {privilege} on {on}, says the server",
                if has { "must not have" } else { "must have" }
            ));
        }
    }
    for (privilege, query) in tries(on.class(), &quoted) {
        proof.queries += 1;
        // UPDATE and DELETE with a condition read, which needs SELECT as well: they have none here.
        let answer = try_as(session, dialect, who, &query).await?;
        let may = wanted.contains(privilege);
        let ended = match (may, answer.as_deref()) {
            (true, None) | (false, Some("42501")) => continue,
            (true, Some(code)) => format!("was refused ({code})"),
            (false, None) => "went through".to_owned(),
            (false, Some(code)) => format!("failed with {code} instead of being refused"),
        };
        proof.failures.push(format!("as {who}, `{query}` {ended}"));
    }
    Ok(())
}

/// A query for each privilege that one can show by itself.
fn tries(class: ObjectClass, quoted: &str) -> Vec<(Privilege, String)> {
    let mut tries = vec![(Privilege::SELECT, format!("select * from {quoted} limit 1"))];
    if class == ObjectClass::Table {
        tries.push((Privilege::INSERT, format!("insert into {quoted} default values")));
        tries.push((Privilege::UPDATE, format!("update {quoted} set id = 1")));
        tries.push((Privilege::DELETE, format!("delete from {quoted}")));
        tries.push((Privilege::TRUNCATE, format!("truncate {quoted}")));
    }
    tries
}

/// Runs a query as somebody and rolls it back; the server's code where it fails.
async fn try_as(
    session: &Session,
    dialect: &dyn Dialect,
    who: &Ident,
    query: &str,
) -> Result<Option<String>, WarehouseError> {
    session.run(&format!("begin; set local role {}", dialect.quote(who))).await?;
    let answer = session.client.batch_execute(query).await;
    session.run("rollback").await?;
    match answer {
        Ok(()) => Ok(None),
        Err(error) => match error.code() {
            Some(code) => Ok(Some(code.code().to_owned())),
            None => Err(super::statement_error(query, &error)),
        },
    }
}
