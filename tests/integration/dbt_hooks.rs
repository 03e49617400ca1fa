//! The dbt package: what its hooks grant in real dbt, against a real server.

mod access_file;
mod gap;
mod many;
mod refusals;
mod same_as_apply;
mod state;

use crate::binary::repository;
use crate::dbt_build::Site;

const POST_HOOK: &str = "+post-hook: \"{{ rolecall.grant_this() }}\"";
const ON_RUN_END: &str = "on-run-end: \"{{ rolecall.apply_access(results) }}\"";

/// Installs this repository as a package, besides those that are there.
fn install(site: &Site) {
    let there = std::fs::read_to_string(site.path().join("packages.yml"))
        .unwrap_or_else(|_| "packages:\n".to_owned());
    let own = serde_json::json!({"local": repository("")}).to_string();
    site.write("packages.yml", &format!("{there}  - {own}\n"));
    site.dbt(&["deps"]).with(0);
}

/// A project of that name without models. Its profile has one output for each target that tests
/// use; the schema is `main`, or what the variable `<NAME>_SCHEMA` says.
fn start(site: &Site, name: &str, threads: u32) {
    let variable = name.to_uppercase();
    let output = serde_json::json!({
        "type": "postgres", "threads": threads,
        "host": "127.0.0.1", "port": format!("{{{{ env_var('{variable}_PORT') | as_number }}}}"),
        "user": "postgres", "password": site.password, "dbname": site.database,
        "schema": format!("{{{{ env_var('{variable}_SCHEMA', 'main') }}}}"),
    });
    let outputs: serde_json::Map<_, _> = ["prod", "dev", "locked", "ci"]
        .into_iter()
        .map(|target| (target.to_owned(), output.clone()))
        .collect();
    let profile = serde_json::json!({name: {"target": "prod", "outputs": outputs}});
    site.write("profiles.yml", &profile.to_string());
    site.write("dbt_project.yml", &format!("name: {name}\nversion: 1.0.0\nprofile: {name}\n"));
    for folder in ["models", "macros"] {
        std::fs::create_dir(site.path().join(folder)).unwrap();
    }
}

/// Writes both hooks into `dbt_project.yml`, for models, seeds and snapshots.
fn hook(site: &Site) {
    let mut project = site.read("dbt_project.yml");
    for kind in ["models", "seeds", "snapshots"] {
        let begin = format!("\n{kind}:\n");
        project = match project.contains(&begin) {
            true => project.replace(&begin, &format!("{begin}  {POST_HOOK}\n")),
            false => format!("{project}\n{kind}:\n  {POST_HOOK}\n"),
        };
    }
    site.write("dbt_project.yml", &format!("{project}\n{ON_RUN_END}\n"));
}

/// Every access list of the schemas that dbt made, and the database's own: one line for each
/// privilege, with who granted it. A relation of another life has the same lines.
async fn access(site: &Site) -> Vec<String> {
    site.ask(
        r#"
        with all_of (what, acl) as (
          select n.nspname || '.' || c.relname || ' (' || c.relkind::text || ')',
                 coalesce(c.relacl, acldefault('r', c.relowner))
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p', 'v', 'm')
            and n.nspname !~ '^(pg_|information_schema|rolecall$)'
          union all
          select 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner))
          from pg_namespace where nspname !~ '^(pg_|information_schema|rolecall$)'
          union all
          select 'the database', coalesce(datacl, acldefault('d', datdba))
          from pg_database where datname = current_database()
        )
        select line from (
          select format('%s: %s to %s by %s%s', what, a.privilege_type,
                        case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
                        a.grantor::regrole, case when a.is_grantable then ' *' else '' end) as line
          from all_of, aclexplode(acl) a
        ) x order by line collate "C"
        "#,
    )
    .await
}

/// Those of its lines that name a role.
fn of<'a>(access: &'a [String], role: &str) -> Vec<&'a str> {
    let to = format!(" to {role} by ");
    access.iter().filter(|line| line.contains(&to)).map(String::as_str).collect()
}
