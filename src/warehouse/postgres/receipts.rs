//! Receipts on PostgreSQL: the table `rolecall.receipts`, which belongs to the role that applies,
//! and which nobody else may write.
//!
//! Whoever could write it, or make it do something of their own when we write it, could hide that a
//! plan was applied or act as the role that grants. So what it is is read from the catalogs each
//! time, under a lock that keeps it so, and a table that is not exactly as made here is not touched.

use futures::TryStreamExt;
use tokio_postgres::binary_copy::BinaryCopyOutStream;
use tokio_postgres::types::{FromSql, Type};

use super::acl::get;
use super::{Postgres, errors, observe};
use crate::dialect;
use crate::model::DialectKind;
use crate::receipts::{Ask, Entry, Only, Receipt, Stamp, Store};
use crate::warehouse::WarehouseError;

const CREATE: &str = "create table rolecall.receipts (
    at timestamptz not null, deployment text not null, environment text not null,
    outcome text not null, plan_sha256 text, session_user_name text not null,
    acting_role text not null, body text not null)";

/// Names, types by OID and NOT NULL of its columns, as [`STATE`] shows those that [`CREATE`] makes.
const COLUMNS: &str = "at 1184 t, deployment 25 t, environment 25 t, outcome 25 t, \
                       plan_sha256 25 f, session_user_name 25 t, acting_role 25 t, \
                       body 25 t";

/// One row: what there is, whose it is, and all that is not as it should be.
const STATE: &str = r#"
select n.oid is not null, coalesce(pg_get_userbyid(n.nspowner)::text, ''),
       coalesce(n.nspowner = me.oid, false), has_database_privilege(d.oid, 'CREATE'),
       c.oid is not null, coalesce(pg_get_userbyid(c.relowner)::text, ''),
       coalesce(c.relowner = me.oid, false), coalesce(c.relkind = 'r', false),
       coalesce((select string_agg(format('%s %s %s', a.attname, a.atttypid::int8, a.attnotnull),
                                   ', ' order by a.attnum)
                 from pg_attribute a
                 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), ''),
       coalesce((select string_agg(format('%s may %s in its schema', coalesce(r.rolname, 'PUBLIC'),
                                          x.privilege_type), '; ')
                 from aclexplode(n.nspacl) x left join pg_roles r on r.oid = x.grantee
                 where x.grantee <> n.nspowner and x.privilege_type <> 'USAGE'), ''),
       concat_ws('; ',
         case when c.relkind <> 'r' then 'it is no ordinary table' end,
         case when c.relpersistence <> 'p' then 'it does not survive a crash' end,
         case when c.relrowsecurity or c.relforcerowsecurity
                   or exists (select from pg_policy p where p.polrelid = c.oid)
              then 'it has row security' end,
         case when exists (select from pg_rewrite w where w.ev_class = c.oid)
              then 'it has rules' end,
         case when exists (select from pg_trigger t where t.tgrelid = c.oid)
              then 'it has triggers' end,
         case when exists (select from pg_index i where i.indrelid = c.oid)
              then 'it has indexes' end,
         case when exists (select from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n')
              then 'it has constraints' end,
         case when exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                           and (a.atthasdef or a.attidentity <> ''))
              then 'it has defaults' end,
         case when c.relispartition
                   or exists (select from pg_inherits h where c.oid in (h.inhrelid, h.inhparent))
              then 'it inherits, or is inherited from' end,
         (select string_agg(distinct format('%s may %s', coalesce(r.rolname, 'PUBLIC'),
                                            x.privilege_type), '; ')
          from (select y.* from aclexplode(c.relacl) y
                union all
                select y.* from pg_attribute a, aclexplode(a.attacl) y where a.attrelid = c.oid) x
          left join pg_roles r on r.oid = x.grantee
          where x.grantee <> c.relowner and x.privilege_type <> 'SELECT')),
       coalesce(n.nspowner = me.oid or ns.rolsuper, false)
         and coalesce(c.relowner = me.oid or cs.rolsuper, false)
from pg_roles me join pg_database d on d.datname = current_database()
left join pg_namespace n on n.nspname = 'rolecall'
left join pg_class c on c.relnamespace = n.oid and c.relname = 'receipts'
left join pg_roles ns on ns.oid = n.nspowner
left join pg_roles cs on cs.oid = c.relowner
where me.rolname = current_user"#;

/// Whom default privileges let into what has just been made.
const LET_IN: &str = "
select distinct coalesce(r.rolname::text, ''), of.what
from (select 'table rolecall.receipts' as what, relowner as owner, relacl as acl from pg_class
      where relname = 'receipts' and relnamespace = 'rolecall'::regnamespace
      union all
      select 'schema rolecall', nspowner, nspacl from pg_namespace
      where nspname = 'rolecall') of,
     aclexplode(of.acl) x left join pg_roles r on r.oid = x.grantee
where x.grantee <> of.owner";

const STAMP: &str = r#"
select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       session_user::text, current_user::text"#;

/// The table and its schema, as the catalogs show them.
struct State {
    schema_there: bool,
    schema_owner: String,
    schema_mine: bool,
    may_create: bool,
    there: bool,
    owner: String,
    mine: bool,
    /// Whether both belong to this role or to superusers: nobody else can put another thing under
    /// their names, between a look and a query or ever.
    trusted: bool,
    /// All that is not as it was made, in words; empty where nothing is.
    strange: String,
}

impl State {
    /// For whoever is to write.
    fn store(&self, me: &str, database: &str) -> Store {
        let quote = |name: &str| match crate::model::Ident::new(name) {
            Ok(name) => dialect::of(DialectKind::Postgres).quote(&name),
            Err(_) => name.to_owned(),
        };
        if self.schema_there && !self.schema_mine {
            return Store::Closed(format!(
                "the schema rolecall belongs to {}, not to {me}; apply as that role, or let it run \
                 ALTER SCHEMA rolecall OWNER TO {me}",
                self.schema_owner,
                me = quote(me)
            ));
        }
        if self.there && !self.mine {
            return Store::Closed(format!(
                "the table rolecall.receipts belongs to {}, not to {me}; apply as that role, or \
                 let it run ALTER TABLE rolecall.receipts OWNER TO {me}",
                self.owner,
                me = quote(me)
            ));
        }
        if !self.strange.is_empty() {
            return Store::Strange(format!(
                "rolecall.receipts is not as rolecall made it ({}); find out who changed it, and \
                 put it right, or move it away and keep it",
                self.strange
            ));
        }
        match (self.there, self.schema_there || self.may_create) {
            (true, _) => Store::Ready,
            (false, true) => Store::Missing,
            (false, false) => Store::Closed(format!(
                "{me} may not make the schema rolecall; let the database's owner run GRANT CREATE \
                 ON DATABASE {} TO {}",
                quote(database),
                quote(me)
            )),
        }
    }
}

/// What a row's `body` says.
fn receipt(body: &str) -> Result<Receipt, WarehouseError> {
    serde_json::from_str(body).map_err(|error| {
        WarehouseError::Forbidden(format!(
            "a receipt in rolecall.receipts cannot be read: {error}; a newer rolecall may have \
             written it"
        ))
    })
}

/// A `timestamptz` as the server sends it: microseconds since 2000.
struct Micros(i64);

impl<'a> FromSql<'a> for Micros {
    fn from_sql(
        of: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        i64::from_sql(of, raw).map(Self)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TIMESTAMPTZ
    }
}

impl Micros {
    /// As `to_char` writes it in the other query.
    fn iso(&self) -> String {
        const FROM_1970_TO_2000: i64 = 946_684_800;
        let seconds = self.0.div_euclid(1_000_000) + FROM_1970_TO_2000;
        let whole = crate::receipts::iso(seconds);
        format!("{}.{:06}Z", whole.trim_end_matches('Z'), self.0.rem_euclid(1_000_000))
    }
}

impl Postgres {
    fn failed(&self, sql: &str) -> impl Fn(tokio_postgres::Error) -> WarehouseError {
        let (target, sql) = (self.target.label.clone(), sql.trim().to_owned());
        move |error| errors::in_transaction(errors::of_statement(&target, &sql, &error))
    }

    async fn receipts_state(&self) -> Result<State, WarehouseError> {
        let rows = self.client.query_typed(STATE, &[]).await.map_err(self.failed(STATE))?;
        let row =
            rows.first().ok_or_else(|| observe::unreadable("the acting role is not there"))?;
        let columns: &str = get(row, 8)?;
        let there: bool = get(row, 4)?;
        let is_table: bool = get(row, 7)?;
        let schema: &str = get(row, 9)?;
        let table: &str = get(row, 10)?;
        let mut strange: Vec<&str> =
            [table, schema].into_iter().filter(|said| !said.is_empty()).collect();
        if there && is_table && columns != COLUMNS {
            strange.push("it has other columns");
        }
        Ok(State {
            schema_there: get(row, 0)?,
            schema_owner: get::<&str>(row, 1)?.to_owned(),
            schema_mine: get(row, 2)?,
            may_create: get(row, 3)?,
            there,
            owner: get::<&str>(row, 5)?.to_owned(),
            mine: get(row, 6)?,
            trusted: get(row, 11)?,
            strange: strange.join("; "),
        })
    }

    /// See [`crate::warehouse::Observe::store`].
    pub(super) async fn receipts_store(&mut self) -> Result<Store, WarehouseError> {
        let stamp = self.receipt_stamp().await?;
        let database = self.cell("select current_database()::text").await?;
        Ok(self.receipts_state().await?.store(&stamp.current_role, &database))
    }

    /// See [`crate::warehouse::Observe::stamp`].
    pub(super) async fn receipt_stamp(&self) -> Result<Stamp, WarehouseError> {
        let rows = self.client.query_typed(STAMP, &[]).await.map_err(self.failed(STAMP))?;
        let row = rows.first().ok_or_else(|| observe::unreadable("an answer without a row"))?;
        Ok(Stamp {
            at: get::<&str>(row, 0)?.to_owned(),
            session_user: get::<&str>(row, 1)?.to_owned(),
            current_role: get::<&str>(row, 2)?.to_owned(),
        })
    }

    /// See [`crate::warehouse::Observe::receipts`]. In a transaction that can write nothing.
    pub(super) async fn receipts_asked(&mut self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        if self.open.is_some() {
            return self.receipts_read(ask).await;
        }
        self.run("begin isolation level read committed read only").await?;
        let read = self.receipts_read(ask).await;
        let ended = self.run("rollback").await;
        let entries = read?;
        ended?;
        Ok(entries)
    }

    async fn receipts_read(&self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        if !self.receipts_state().await?.there {
            return Ok(Vec::new());
        }
        let patience = format!("set local lock_timeout = {}", self.lock_timeout.as_millis().max(1));
        self.send(&patience).await.map_err(self.failed(&patience))?;
        // From here on nobody turns it into a view of something else.
        self.locked("access share").await?;
        let state = self.receipts_state().await?;
        if !state.strange.is_empty() {
            return Err(WarehouseError::Forbidden(format!(
                "rolecall.receipts of {} is not as rolecall made it ({}), and is not read",
                state.owner, state.strange
            )));
        }
        if !state.trusted {
            return self.receipts_copied(ask).await;
        }
        let Ask { deployment, environment, only } = ask;
        let (filter, plan) = match only {
            Only::All => ("", ""),
            Only::Begun => (" and outcome = 'begun'", ""),
            Only::Last | Only::LastAnywhere => (" order by at desc limit 1", ""),
            Only::Plan(sha256) => (" and outcome = 'applied'", sha256.as_str()),
        };
        let sql = format!(
            "select to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
                    session_user_name, acting_role, body
             from rolecall.receipts
             where deployment = $1 and environment = $2 and ($3 = '' or plan_sha256 = $3){filter}"
        );
        let of = [
            (&deployment.as_str() as &(dyn tokio_postgres::types::ToSql + Sync), Type::TEXT),
            (&environment.as_str(), Type::TEXT),
            (&plan, Type::TEXT),
        ];
        let rows = self.client.query_typed(&sql, &of).await.map_err(self.failed(&sql))?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let stamp = Stamp {
                at: get::<&str>(row, 0)?.to_owned(),
                session_user: get::<&str>(row, 1)?.to_owned(),
                current_role: get::<&str>(row, 2)?.to_owned(),
            };
            entries.push(Entry { id: None, stamp, receipt: receipt(get(row, 3)?)? });
        }
        // By bytes of the clock's time, which are in its order.
        entries.sort_by(|a: &Entry, b: &Entry| a.stamp.at.cmp(&b.stamp.at));
        Ok(entries)
    }

    /// The same of a table that another role could exchange for a view while it is read: COPY reads
    /// tables only, so none of that role's functions runs as us. It has no conditions.
    async fn receipts_copied(&self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        // With row security, whose functions are its owner's too, COPY is then an error.
        let off = "set local row_security = off";
        self.send(off).await.map_err(self.failed(off))?;
        let sql = "copy rolecall.receipts (at, deployment, environment, outcome, plan_sha256, \
                   session_user_name, acting_role, body) to stdout (format binary)";
        let of = [
            Type::TIMESTAMPTZ,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
        ];
        let copied = self.client.copy_out(sql).await.map_err(self.failed(sql))?;
        let rows = BinaryCopyOutStream::new(copied, &of);
        let rows: Vec<_> = rows.try_collect().await.map_err(self.failed(sql))?;
        let Ask { deployment, environment, only } = ask;
        let mut entries = Vec::new();
        for row in &rows {
            let text = |at: usize| row.try_get::<&str>(at).map_err(self.failed(sql));
            let outcome = text(3)?;
            let plan = row.try_get::<Option<&str>>(4).map_err(self.failed(sql))?;
            let meant = match only {
                Only::All | Only::Last | Only::LastAnywhere => true,
                Only::Begun => outcome == "begun",
                Only::Plan(sha256) => outcome == "applied" && plan == Some(sha256),
            };
            if !meant || text(1)? != deployment || text(2)? != environment {
                continue;
            }
            let at = row.try_get::<Micros>(0).map_err(self.failed(sql))?;
            let stamp = Stamp {
                at: at.iso(),
                session_user: text(5)?.to_owned(),
                current_role: text(6)?.to_owned(),
            };
            entries.push(Entry { id: None, stamp, receipt: receipt(text(7)?)? });
        }
        entries.sort_by(|a: &Entry, b: &Entry| a.stamp.at.cmp(&b.stamp.at));
        if let Only::Last | Only::LastAnywhere = only {
            entries.drain(..entries.len().saturating_sub(1));
        }
        Ok(entries)
    }

    async fn locked(&self, mode: &str) -> Result<(), WarehouseError> {
        let sql = format!("lock table rolecall.receipts in {mode} mode");
        self.send(&sql).await.map_err(self.failed(&sql))
    }

    /// See [`crate::warehouse::Execute::keep`].
    pub(super) async fn receipt_keep(&mut self, entry: &Entry) -> Result<(), WarehouseError> {
        if self.open.is_none() {
            return Err(observe::unreadable("no transaction is open"));
        }
        let state = self.receipts_state().await?;
        if !state.there {
            self.receipts_create(&state).await?;
        }
        self.locked("row exclusive").await?;
        match self.receipts_store().await? {
            Store::Ready => {}
            Store::Missing => return Err(observe::unreadable("the table of receipts went away")),
            Store::Closed(why) | Store::Strange(why) => return Err(WarehouseError::Forbidden(why)),
        }
        let Entry { id: _, stamp, receipt } = entry;
        let body = serde_json::to_string(receipt)
            .map_err(|_| observe::unreadable("the receipt cannot be written"))?;
        let plan = receipt.plan.as_ref().map(|plan| plan.sha256.as_str());
        let sql = "insert into rolecall.receipts values ($1::text::timestamptz, $2, $3, $4, $5, \
                   session_user, current_user, $6)";
        let of = [
            (&stamp.at.as_str() as &(dyn tokio_postgres::types::ToSql + Sync), Type::TEXT),
            (&receipt.deployment.as_str(), Type::TEXT),
            (&receipt.environment.as_str(), Type::TEXT),
            (&receipt.outcome.as_str(), Type::TEXT),
            (&plan, Type::TEXT),
            (&body.as_str(), Type::TEXT),
        ];
        self.client.execute_typed(sql, &of).await.map_err(self.failed(sql))?;
        Ok(())
    }

    /// Makes the schema and the table, for nobody else: default privileges may let others in.
    async fn receipts_create(&self, state: &State) -> Result<(), WarehouseError> {
        if !state.schema_there {
            let sql = "create schema rolecall";
            self.send(sql).await.map_err(self.failed(sql))?;
        }
        self.send(CREATE).await.map_err(self.failed(CREATE))?;
        let rows = self.client.query_typed(LET_IN, &[]).await.map_err(self.failed(LET_IN))?;
        for row in &rows {
            let (name, what): (&str, &str) = (get(row, 0)?, get(row, 1)?);
            if state.schema_there && what.starts_with("schema") {
                continue;
            }
            let who = match name {
                "" => "public".to_owned(),
                name => dialect::of(DialectKind::Postgres).quote(&super::acl::name(name)?),
            };
            let sql = format!("revoke all on {what} from {who}");
            self.send(&sql).await.map_err(self.failed(&sql))?;
        }
        Ok(())
    }
}
