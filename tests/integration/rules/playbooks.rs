//! The examples of Data Fence's documentation, as they stand there, from plan to apply to an empty plan.

use super::site::{Model, Ran, Site, model, write};
use crate::binary::repository;
use crate::engines::session;

/// One project with one playbook, and nothing else of its own.
const CONFIG: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
"#;

/// Each example, the database that it is about, and the role that it defines.
const EXAMPLES: [(&str, &str, &str); 7] = [
    ("data_fence/01_structure.yml", "analytics_db", "data_analyst"),
    ("data_fence/02_wildcards.yaml", "raw_data", "data_engineer"),
    ("alone/03_future_only.yml", "my_db", "rbac_example_1"),
    ("data_fence/04_without_creation.yml", "shared_data", "external_system_role"),
    ("data_fence/more/05_without_revoking.yml", "app_data", "hybrid_managed_role"),
    ("alone/06_created_another_way.yml", "my_db", "rbac_example_1"),
    ("alone/07_provided_another_way.yml", "my_db", "rbac_example_1"),
];

fn undeclared() -> Vec<Model> {
    vec![model("s.t")]
}

/// A database of an example, beside the site's.
struct Place<'s> {
    site: &'s Site,
    database: &'static str,
    role: &'static str,
    admin: tokio_postgres::Client,
}

impl<'s> Place<'s> {
    async fn of(site: &'s Site, example: &str, database: &'static str, role: &'static str) -> Self {
        let path = repository("dbt_fixtures/playbooks").join(example);
        site.config(&format!("{CONFIG}playbooks: ['{}']\n", path.display()));
        site.models(&undeclared());
        site.sql(&format!("create database {database}")).await;
        let admin = session(&site.ground.engine.url(database)).await;
        let tables = "create table public.old (x int); create schema landing; create table landing.raw (x int); create view landing.seen as select * from landing.raw";
        admin.batch_execute(tables).await.unwrap();
        Self { site, database, role, admin }
    }

    async fn sql(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    }

    /// Whether the server says so of the role.
    async fn says(&self, what: &str) -> bool {
        let sql = format!("select {}", what.replace('$', self.role));
        self.admin.query_one(&sql, &[]).await.unwrap().get(0)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.site.run_on(&self.site.ground.engine.url(self.database), arguments)
    }

    /// Plans, applies, and finds nothing more to do.
    fn comes_to_rest(&self, flags: &[&str]) -> Ran {
        let with = |command: &'static str| [&[command], flags].concat();
        let planned = self.run(&with("plan")).ends(0);
        self.run(&with("apply")).ends(0);
        self.run(&["plan", "--check"]).ends(0);
        self.run(&["verify"]).ends(0);
        planned
    }

    async fn gone(self) {
        let Self { site, database, role, admin } = self;
        drop(admin);
        site.sql(&format!("drop database {database} with (force)")).await;
        site.sql(&format!("drop role if exists {role}")).await;
    }
}

async fn example(site: &Site, number: usize) -> Place<'_> {
    let (file, database, role) = EXAMPLES[number - 1];
    Place::of(site, file, database, role).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_data_fence_run_from_plan_to_empty_plan() {
    for site in Site::each().await {
        let place = example(&site, 1).await;
        place.comes_to_rest(&[]).says("roles have no owner on postgres");
        assert!(place.says("has_database_privilege('$', 'analytics_db', 'CONNECT')").await);
        assert!(place.says("has_schema_privilege('$', 'public', 'USAGE')").await);
        assert!(place.says("has_table_privilege('$', 'public.old', 'SELECT')").await);
        assert!(!place.says("has_table_privilege('$', 'landing.raw', 'SELECT')").await);
        // What is made later has it from the start, and no plan finds anything.
        place.sql("create table public.new (x int); create view public.v as select 1 as one").await;
        assert!(place.says("has_table_privilege('$', 'public.new', 'SELECT')").await);
        place.run(&["plan", "--check"]).ends(0);
        // One grant that is missing, and one that nobody declared: each is one change.
        place.sql("revoke select on public.old from data_analyst").await;
        place.sql("grant insert on landing.raw to data_analyst").await;
        let drift = place.run(&["plan", "--check"]).ends(3);
        drift
            .says("+ SELECT on table analytics_db.public.old")
            .says("- INSERT on table analytics_db.landing.raw")
            .says("To add: 1 grant. To take away: 1 grant.");
        place.comes_to_rest(&[]);
        place.gone().await;

        let place = example(&site, 2).await;
        place.comes_to_rest(&[]);
        for privilege in ["SELECT", "INSERT", "UPDATE"] {
            let what = |of: &str| format!("has_table_privilege('$', '{of}', '{privilege}')");
            assert!(
                place.says(&what("public.old")).await && place.says(&what("landing.raw")).await
            );
        }
        assert!(!place.says("has_table_privilege('$', 'landing.raw', 'DELETE')").await);
        place.sql("create schema later; create table later.t (x int)").await;
        assert!(place.says("has_schema_privilege('$', 'later', 'USAGE')").await);
        assert!(place.says("has_table_privilege('$', 'later.t', 'UPDATE')").await);
        place.run(&["plan", "--check"]).ends(0);
        place.gone().await;

        let place = example(&site, 3).await;
        place
            .sql("create role rbac_example_1; grant select on landing.raw to rbac_example_1")
            .await;
        place.comes_to_rest(&["--adopt"]);
        place.sql("create table landing.new (x int)").await;
        assert!(place.says("has_table_privilege('$', 'landing.new', 'SELECT')").await);
        assert!(place.says("has_table_privilege('$', 'landing.raw', 'SELECT')").await);
        assert!(!place.says("has_table_privilege('$', 'public.old', 'SELECT')").await);
        place.run(&["plan", "--check"]).ends(0);
        place.gone().await;

        for number in [4, 6] {
            let place = example(&site, number).await;
            let planned = place.run(&["plan"]).ends(0);
            planned.says(place.role).never_says("new role");
            place.run(&["apply"]).ends(0);
            assert!(!place.says("exists (select from pg_roles where rolname = '$')").await);
            place.sql(&format!("create role {}", place.role)).await;
            place.comes_to_rest(&["--adopt"]);
            let acl = "exists (select from pg_database d, aclexplode(d.datacl) a join pg_roles r on r.oid = a.grantee where d.datname = current_database() and r.rolname = '$' and a.privilege_type = 'CONNECT')";
            assert!(place.says(acl).await);
            place.gone().await;
        }

        for number in [5, 7] {
            let place = example(&site, number).await;
            let role = place.role;
            place.sql(&format!("create role {role}; grant select on landing.raw to {role}")).await;
            place.comes_to_rest(&["--adopt"]);
            place.sql(&format!("grant insert on landing.raw to {role}")).await;
            place.run(&["plan", "--check", "--prune"]).ends(0);
            place.run(&["apply"]).ends(0);
            for privilege in ["SELECT", "INSERT"] {
                let what = format!("has_table_privilege('$', 'landing.raw', '{privilege}')");
                assert!(place.says(&what).await, "{privilege}");
            }
            place.gone().await;
        }
    }
}

const OWN: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
products:
  p: {}
admin_role: postgres
roles:
  readers:
    name: "~readers"
    grants:
      - {object-type: database, object-name: "${var.db}", privileges: [usage]}
      - {object-type: schema, database-name: "${var.db}", schema-name: s, privileges: [usage]}
      - {object-type: table, database-name: "${var.db}", schema-name: s, object-name: t, privileges: [select]}
      - {object-type: function, database-name: "${var.db}", schema-name: s, object-name: "f(int)", privileges: [execute]}
      - {object-type: sequence, database-name: "${var.db}", schema-name: s, object-name: "*", privileges: [usage]}
  wider:
    name: "~wider"
    grants:
      - {object-type: role, object-name: "~readers", privileges: [usage]}
      - {object-type: table, database-name: "${var.db}", schema-name: s, object-name: u, privileges: [ownership]}
"#;

const OWNED: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
admin_role: ~admin
playbook_vars: vars.yml
roles:
  keepers:
    name: "~keepers"
    grants:
      - {object-type: table, database-name: "${var.db}", schema-name: s, object-name: n, privileges: [ownership]}
  readers:
    name: "~readers"
    grants:
      - {object-type: sequence, database-name: "${var.db}", schema-name: s, object-name: "*", include-future: false, privileges: [select]}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_column_s_sequence_goes_with_its_table_and_by_no_step_of_its_own() {
    for site in Site::each().await {
        site.sql("create role ~admin; create role ~mine; create table s.n (a serial, b int generated always as identity, c bigserial primary key); create sequence s.free; alter table s.n owner to ~mine; alter sequence s.free owner to ~mine").await;
        write(&site.path(""), "vars.yml", &format!("db: {}\n", site.ground.database));
        site.models(&[model("s.t")]);
        site.config(OWNED);
        let sequences =
            "SELECT on s.free, SELECT on s.n_a_seq, SELECT on s.n_b_seq, SELECT on s.n_c_seq";
        site.run(&["plan"]).ends(0).never_says("ownership of sequence");
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        site.must_have("~keepers", "owns n, owns n_a_seq, owns n_b_seq, owns n_c_seq").await;
        site.must_have("~readers", sequences).await;
        // Said of all sequences, it is said of those that are free: the others are their table's.
        let all = OWNED.replace(
            "include-future: false, privileges: [select]",
            "include-future: false, privileges: [ownership]",
        );
        site.config(&all);
        site.run(&["plan"])
            .ends(0)
            .says("ownership of sequence db.s.n_b_seq, which is keepers's")
            .says("it belongs to a column of s.n, and has the owner of that table");
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        site.must_have("~readers", "owns free").await;
        // No longer declared, it goes to the admin role, with what belongs to it.
        site.config(&OWNED.replace(
            "object-name: n, privileges: [ownership]",
            "object-name: n, privileges: [select]",
        ));
        site.run(&["plan"])
            .ends(0)
            .says("ownership-undeclared")
            .never_says("owns sequence db.s.n_");
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        site.run(&["verify"]).ends(0);
        site.must_have("~admin", "owns free, owns n, owns n_a_seq, owns n_b_seq, owns n_c_seq")
            .await;
        site.must_have("~keepers", "SELECT on s.n").await;
        site.must_have("~readers", sequences).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_adopted_role_keeps_is_said_as_it_is() {
    for site in Site::each().await {
        let config = |roles: &str| {
            format!(
                "version: 1\ndeployment: \"~books\"\nenvironments:\n  prod: {{role_name: \"~{{{{ product.name }}}}_{{{{ role.name }}}}\"}}\n{roles}"
            )
        };
        site.models(&[model("s.t")]);
        site.sql("create role ~old; grant select on s.t to ~old with grant option; grant insert on s.u to ~old").await;
        site.config(&config(&format!(
            "roles:\n  old:\n    name: \"~old\"\n    grants:\n      - {{object-type: table, database-name: {}, schema-name: s, object-name: t, privileges: [select]}}\n",
            site.ground.database
        )));
        site.run(&["plan", "--adopt"])
            .ends(0)
            .says("the grant option for SELECT on table db.s.t")
            .says("INSERT on table db.s.u");
        site.run(&["apply", "--adopt"]).ends(0);
        site.run(&["plan", "--check"]).ends(0).says("the grant option for SELECT on table db.s.t");
        // Gone from the file, it keeps what it has, and that is what is said.
        site.config(&config(""));
        site.run(&["plan", "--check"])
            .ends(0)
            .says("kept with all that it was granted")
            .never_says("emptied");
        site.must_have("~old", "INSERT on s.u, SELECT* on s.t").await;
        let prune = ["--prune", "--allow-revokes", "9"];
        site.run(&[&["plan"], &prune[..]].concat())
            .ends(0)
            .says("emptied and kept, since it was there before; drop it by hand");
        site.run(&[&["apply"], &prune[..]].concat()).ends(0);
        site.must_have("~old", "nothing").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_beside_a_product_is_explained_and_its_members_are_declared() {
    for site in Site::each().await {
        site.sql("create role ~taylor login; create role ~kim login; create sequence s.n; create function s.f(int) returns int language sql as 'select 1'").await;
        site.config(&format!("{OWN}playbook_vars: vars.yml\n"));
        write(&site.path(""), "vars.yml", &format!("db: {}\n", site.ground.database));
        write(
            &site.path(""),
            "rolecall/members/playbook_roles.yml",
            &site.ground.own("readers: [{user: ~taylor}]\n"),
        );
        site.members("analyst: [{user: ~taylor}]\n");
        site.models(&[model("s.t").gives("analyst", &["read"]), model("s.w")]);
        site.sql("create table s.w (x int)").await;
        site.run(&["plan"]).ends(0);
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        site.must_have(
            "~readers",
            "CONNECT here, SELECT on s.t, USAGE in future, USAGE on s, USAGE on s.n, lets in taylor, lets in wider",
        )
        .await;
        site.must_have("~wider", "in readers, owns u").await;
        let explained =
            site.run(&["explain", "--all-reasons", &site.ground.own("~taylor"), "t"]).ends(0);
        explained.says("p_analyst").says("readers").says("rolecall.yml:");
        // Somebody lets another in by hand, and gives something to both.
        site.sql("grant ~readers to ~kim; grant insert on s.w to ~readers").await;
        let drift = site.run(&["plan", "--check"]).ends(3);
        drift.says("member kim").says("To take away: 1 grant, 1 member");
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        // Ownership that is no longer declared goes to the admin role, and that is said.
        let without = OWN.replace(
            "object-name: u, privileges: [ownership]",
            "object-name: u, privileges: [select]",
        );
        site.config(&format!("{without}playbook_vars: vars.yml\n"));
        site.run(&["plan"]).ends(0).says("postgres");
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        site.must_have("~wider", "SELECT on s.u, in readers").await;
        // Switched off, it is left alone, whatever happens to it.
        site.config(&format!(
            "{}playbook_vars: vars.yml\n",
            without.replace("name: \"~wider\"", "name: \"~wider\"\n    enable: false")
        ));
        site.sql("grant insert on s.w to ~wider").await;
        site.run(&["plan", "--check"]).ends(0).says("wider");
        site.run(&["apply"]).ends(0);
        site.must_have("~wider", "INSERT on s.w, SELECT on s.u, in readers").await;
    }
}
