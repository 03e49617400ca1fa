//! Proof of effective access by the server's own word: what it says of every privilege, and what a
//! query does under SET ROLE.

use std::collections::{BTreeMap, BTreeSet};

use super::expected::{Expected, everyone};
use super::session::Session;
use super::stage::is_of_the_server;
use crate::apply::Compared;
use crate::dialect::{self, Dialect};
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, Securable};
use crate::report::matrix::{Cell, short};
use crate::warehouse::WarehouseError;
use crate::warehouse::engine::Engine;

/// What the server said and did.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// How often it was asked for a privilege.
    pub asked: usize,
    /// How many queries were run under SET ROLE.
    pub queries: usize,
    /// What is not as declared. Empty: everything is.
    pub failures: Vec<String>,
    /// Relations, and what each managed role may do there, in the roles' order.
    pub rows: BTreeMap<Securable, Vec<Cell>>,
    /// Members that were not asked about: superusers of the engine, who may do everything.
    pub left_out: BTreeSet<Ident>,
}

/// Relations in one question to the server.
const CHUNK: usize = 20;

/// The server's functions that answer for relations: a whole one, and any column of it.
const ON_TABLE: &str = "has_table_privilege";
const ON_COLUMNS: &str = "has_any_column_privilege";

/// MAINTAIN exists from this version on.
const MAINTAIN_SINCE: i32 = 170_000;

/// Asks the server of an engine whether one of its databases is as the desired state in `after`
/// says: of each managed role, each member and everyone (PUBLIC), every privilege on every
/// relation, schema and the database, to have or to pass on; then by queries as each of them.
///
/// The relations must be those of a stage, since the queries fit them alone.
pub async fn prove(
    engine: &Engine,
    database: &Ident,
    after: &Compared,
) -> Result<Proof, WarehouseError> {
    let mut session = Session::open(&engine.url(database.as_str())).await?;
    // The embedded engine cannot catch an error inside a block: there each query goes alone.
    if !engine.single_connection() {
        session.prepare_to_try().await?;
    }
    let rows = session.query("select current_setting('server_version_num')::int4", &[]).await?;
    let version: i32 = rows.first().map_or(0, |row| row.get(0));
    let rows = session.query("select rolname::text from pg_roles where rolsuper", &[]).await?;
    let superusers: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let expected = Expected::of(&after.resolved.desired);
    let deploy_role = after.resolved.deploy_role.as_ref();
    // The role that runs dbt owns the relations: it has its own question.
    let (left_out, people): (Vec<&Ident>, Vec<&Ident>) = expected
        .people()
        .filter(|person| deploy_role != Some(person))
        .partition(|person| superusers.contains(person.as_str()));
    let mut proof = Proof { left_out: left_out.into_iter().cloned().collect(), ..Proof::default() };
    let roles: Vec<&Ident> = after.resolved.desired.roles.keys().collect();
    let asking = Asking {
        session: &session,
        dialect: dialect::of(DialectKind::Postgres),
        whos: roles.iter().copied().chain(people).collect(),
        columns: roles.len(),
        expected: &expected,
        deploy_role: deploy_role.filter(|role| !superusers.contains(role.as_str())),
        version,
    };
    let relations: BTreeSet<&Securable> = after
        .resolved
        .nodes
        .iter()
        .filter_map(|node| node.relation.as_ref())
        .filter(|on| !is_of_the_server(on))
        .collect();
    asking.containers(database, &relations, &mut proof).await?;
    let relations: Vec<&Securable> = relations.into_iter().collect();
    for chunk in relations.chunks(CHUNK) {
        asking.relations(chunk, &mut proof).await?;
    }
    session.close().await;
    Ok(proof)
}

struct Asking<'a> {
    session: &'a Session,
    dialect: &'static dyn Dialect,
    /// Managed roles, then members.
    whos: Vec<&'a Ident>,
    /// How many of them are managed roles.
    columns: usize,
    expected: &'a Expected<'a>,
    /// The role that runs dbt, where it is no superuser.
    deploy_role: Option<&'a Ident>,
    version: i32,
}

impl Asking<'_> {
    async fn containers(
        &self,
        database: &Ident,
        relations: &BTreeSet<&Securable>,
        proof: &mut Proof,
    ) -> Result<(), WarehouseError> {
        let schemas: BTreeSet<&Ident> =
            relations.iter().filter_map(|on| on.schema_name()).collect();
        let schemas: Vec<Securable> = schemas
            .into_iter()
            .map(|schema| Securable::schema(database.clone(), schema.clone()))
            .collect();
        let schemas: Vec<&Securable> = schemas.iter().collect();
        for chunk in schemas.chunks(CHUNK) {
            self.ask("has_schema_privilege", chunk, proof).await?;
        }
        self.ask("has_database_privilege", &[&Securable::database(database.clone())], proof)
            .await?;
        Ok(())
    }

    async fn relations(
        &self,
        relations: &[&Securable],
        proof: &mut Proof,
    ) -> Result<(), WarehouseError> {
        let mut wrong = self.ask(ON_TABLE, relations, proof).await?;
        wrong.extend(self.ask(ON_COLUMNS, relations, proof).await?);
        self.try_all(relations, &mut wrong, proof).await?;
        for (place, on) in relations.iter().enumerate() {
            let cell = |(column, role): (usize, &&Ident)| Cell {
                privileges: self.word(on, role),
                proven: !wrong.contains(&(place, column)),
            };
            let cells = self.whos.iter().take(self.columns).enumerate().map(cell).collect();
            proof.rows.insert((*on).clone(), cells);
        }
        Ok(())
    }

    fn word(&self, on: &Securable, who: &Ident) -> String {
        match self.expected.owns(on, who) {
            true => "own".to_owned(),
            false => short(self.expected.privileges(on, who)),
        }
    }

    /// Every privilege of everyone on each object; returns the (object, who) that are not right.
    async fn ask(
        &self,
        function: &str,
        objects: &[&Securable],
        proof: &mut Proof,
    ) -> Result<BTreeSet<(usize, usize)>, WarehouseError> {
        let of_columns = self.dialect.privileges_of(ObjectClass::Column);
        let privileges: Vec<Privilege> = objects
            .iter()
            .fold(PrivilegeSet::EMPTY, |all, on| all.union(self.dialect.privileges_of(on.class())))
            .iter()
            .filter(|p| *p != Privilege::MAINTAIN || self.version >= MAINTAIN_SINCE)
            .filter(|p| function != ON_COLUMNS || of_columns.contains(*p))
            .collect();
        let plain = privileges.iter().map(|p| p.to_string());
        let words: Vec<String> =
            plain.chain(privileges.iter().map(|p| format!("{p} WITH GRANT OPTION"))).collect();
        // PUBLIC comes last, which is no role and has no name but this.
        let whos: Vec<&str> = self.whos.iter().map(|who| who.as_str()).chain(["public"]).collect();
        let names: Vec<String> = objects.iter().filter_map(|on| self.name(on)).collect();
        let sql = format!(
            "select (select array_agg({function}(who::name, object, word) order by nth)
                     from unnest($3::text[]) with ordinality as w(word, nth))
             from unnest($1::text[]) with ordinality as o(object, place),
                  unnest($2::text[]) with ordinality as h(who, column_)
             order by place, column_"
        );
        let rows = self.session.query(&sql, &[&names, &whos, &words]).await?;
        let mut answers = rows.iter().map(|row| row.get::<_, Vec<bool>>(0));
        let mut wrong = BTreeSet::new();
        for (place, on) in objects.iter().enumerate() {
            let said: Vec<Vec<bool>> = answers.by_ref().take(whos.len()).collect();
            let all = said.last().map(Vec::as_slice).unwrap_or_default();
            for (column, (who, said)) in whos.iter().zip(&said).enumerate() {
                let (has, passes) = said.split_at(privileges.len());
                let of_everyone = self.everyone(on, &privileges, all);
                let who_is = self.whos.get(column);
                let wanted = of_everyone
                    .union(who_is.map_or(PrivilegeSet::EMPTY, |w| self.expected.privileges(on, w)));
                let owns = who_is.is_some_and(|who| self.expected.owns(on, who));
                let who = if who_is.is_some() { *who } else { "everyone (PUBLIC)" };
                let before = proof.failures.len();
                for ((privilege, has), passes) in privileges.iter().zip(has).zip(passes) {
                    proof.asked += 2;
                    let mut not = |is: bool, must: bool, what: &str| {
                        // What is missing on all columns is missing on the table.
                        if is == must || (must && function == ON_COLUMNS) {
                            return;
                        }
                        let must = if must { "must" } else { "must not" };
                        let column = if function == ON_COLUMNS { "a column of " } else { "" };
                        proof.failures.push(format!(
                            "{who} {must} {what} {privilege} on {column}{on}; the server says \
                             otherwise"
                        ));
                    };
                    not(*has, wanted.contains(*privilege), "have");
                    not(*passes, owns, "pass on");
                }
                if proof.failures.len() > before {
                    wrong.insert((place, column));
                }
            }
        }
        Ok(wrong)
    }

    /// What everyone may have; where that depends on the version, what they do have.
    fn everyone(&self, on: &Securable, privileges: &[Privilege], said: &[bool]) -> PrivilegeSet {
        everyone(on).unwrap_or_else(|| {
            privileges.iter().zip(said).filter(|(_, has)| **has).map(|(p, _)| *p).collect()
        })
    }

    /// Queries as each role and member, which must go through or be refused.
    async fn try_all(
        &self,
        relations: &[&Securable],
        wrong: &mut BTreeSet<(usize, usize)>,
        proof: &mut Proof,
    ) -> Result<(), WarehouseError> {
        let mut tries: Vec<Try<'_>> = Vec::new();
        for (place, on) in relations.iter().enumerate() {
            let Some(name) = self.name(on) else { continue };
            for (column, who) in self.whos.iter().enumerate() {
                let has = self.expected.privileges(on, who);
                for (privilege, query) in queries(on.class(), &name) {
                    let may = has.contains(privilege);
                    tries.push(Try { at: Some((place, column)), who, query, may });
                }
                let may = self.expected.owns(on, who);
                tries.push(Try { at: Some((place, column)), who, query: rebuild(on, &name), may });
            }
            // Else dbt could build once and never again.
            if let Some(who) = self.deploy_role {
                tries.push(Try { at: None, who, query: rebuild(on, &name), may: true });
            }
        }
        let sent: Vec<(&Ident, &str)> =
            tries.iter().map(|one| (one.who, one.query.as_str())).collect();
        let answers = self.session.try_as(&sent).await?;
        for (Try { at, who, query, may }, answer) in tries.into_iter().zip(answers) {
            proof.queries += 1;
            // UPDATE and DELETE with a condition read, which needs SELECT as well: they have none.
            let ended = match (may, answer.as_deref()) {
                (true, None) | (false, Some(REFUSED)) => continue,
                (true, Some(code)) => format!("was refused ({code})"),
                (false, None) => "went through".to_owned(),
                (false, Some(code)) => format!("failed with {code} instead of being refused"),
            };
            wrong.extend(at);
            proof.failures.push(format!("as {who}, `{query}` {ended}"));
        }
        Ok(())
    }

    fn name(&self, on: &Securable) -> Option<String> {
        match on.class() {
            // The function takes a database's or a schema's name as it is.
            ObjectClass::Database => on.database_name().map(|name| name.as_str().to_owned()),
            ObjectClass::Schema => on.schema_name().map(|name| name.as_str().to_owned()),
            _ => {
                let (schema, name) = (on.schema_name()?, on.name()?);
                Some(format!("{}.{}", self.dialect.quote(schema), self.dialect.quote(name)))
            }
        }
    }
}

/// The server's code for what somebody may not do: insufficient_privilege.
const REFUSED: &str = "42501";

struct Try<'a> {
    /// The cell of the matrix, or one beyond it.
    at: Option<(usize, usize)>,
    who: &'a Ident,
    query: String,
    may: bool,
}

/// A query for each privilege that one can show by itself.
fn queries(class: ObjectClass, quoted: &str) -> Vec<(Privilege, String)> {
    let mut queries = vec![(Privilege::SELECT, format!("select * from {quoted} limit 1"))];
    if class == ObjectClass::Table {
        queries.push((Privilege::INSERT, format!("insert into {quoted} default values")));
        queries.push((Privilege::UPDATE, format!("update {quoted} set id = 1")));
        queries.push((Privilege::DELETE, format!("delete from {quoted}")));
        queries.push((Privilege::TRUNCATE, format!("truncate {quoted}")));
    }
    queries
}

/// What dbt does when it builds anew, which only an owner can: the old one goes out of the way.
fn rebuild(on: &Securable, quoted: &str) -> String {
    let kind = match on.class() {
        ObjectClass::View => "view",
        ObjectClass::MaterializedView => "materialized view",
        _ => "table",
    };
    format!("alter {kind} {quoted} rename to rolecall_rehearses_a_rebuild")
}
