//! Playbooks through the real binary on the stand-in: what is said where ownership moves, plan files, and
//! circles with memberships that somebody made by hand.

use super::job::Job;

/// A job whose project is one playbook, beside what the manifest has.
fn job(roles: &str, made: &[&str]) -> Option<Job> {
    let job = Job::begin()?;
    std::fs::remove_file(job.folder.path().join("rolecall/members/shop.yml")).unwrap();
    job.standin.sql(made);
    config(&job, roles);
    Some(job)
}

fn config(job: &Job, roles: &str) {
    job.write(
        "rolecall.yml",
        &format!(
            "version: 1\nenvironments:\n  prod: {{role_name: \"{{{{ product.name }}}}_{{{{ role.name }}}}\"}}\nroles:\n{roles}"
        ),
    );
    job.write("manifest.json", &MANIFEST.replace('\n', " "));
}

const MANIFEST: &str = r#"{"metadata": {
  "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
  "project_name": "shop", "adapter_type": "snowflake"},
  "nodes": {}, "sources": {}, "disabled": {}, "macros": {}}"#;

#[track_caller]
fn ends(said: &str, exit: u8) {
    assert!(said.starts_with(&format!("exit {exit}\n")), "{said}");
}

#[track_caller]
fn says(said: &str, words: &[&str]) {
    for words in words {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}

/// The values of a column of an answer.
fn shown(job: &Job, statement: &str, column: &str) -> Vec<String> {
    let answer = job.standin.sql(&[statement]);
    let result = &answer["results"][0];
    let columns = result["columns"].as_array().unwrap();
    let at = columns.iter().position(|c| c.as_str() == Some(column) || c["name"] == column);
    let at = at.unwrap_or_else(|| panic!("{column}: {columns:?}"));
    let rows = result["rows"].as_array().unwrap();
    rows.iter().map(|row| row[at].as_str().unwrap_or_default().to_owned()).collect()
}

const KEEPER: &str = "  keeper:
    name: keeper
    grants:
      - {object-type: pipe, database-name: shop, schema-name: sales, object-name: feed, privileges: [ownership]}
      - {object-type: task, database-name: shop, schema-name: sales, object-name: '*', include-future: false, privileges: [ownership]}
";

#[test]
fn a_pipe_that_runs_and_a_task_that_is_started_are_said_before_they_are_handed_over() {
    let Some(job) = job(
        KEEPER,
        &[
            "CREATE PIPE SHOP.SALES.FEED AS COPY INTO SHOP.SALES.ORDERS FROM @S",
            "CREATE TASK SHOP.SALES.NIGHTLY AS SELECT 1",
            "ALTER TASK SHOP.SALES.NIGHTLY RESUME",
            "CREATE TASK SHOP.SALES.RESTS AS SELECT 1",
        ],
    ) else {
        return;
    };
    let plan = job.says(&["plan"]);
    ends(&plan, 0);
    says(
        &plan,
        &[
            "warning[pause-first]: pipe SHOP.SALES.FEED goes from ACCOUNTADMIN to KEEPER: Snowflake refuses that while a pipe runs",
            "ALTER PIPE \"SHOP\".\"SALES\".\"FEED\" SET PIPE_EXECUTION_PAUSED = TRUE",
            "SYSTEM$PIPE_FORCE_RESUME",
            "warning[stops-when-handed-over]: task SHOP.SALES.NIGHTLY goes from ACCOUNTADMIN to KEEPER: Snowflake suspends a task that is handed over",
            "ALTER TASK \"SHOP\".\"SALES\".\"NIGHTLY\" RESUME",
            // With the line that says so.
            "object-name: feed, privileges: [ownership]",
        ],
    );
    assert!(!plan.contains("SALES.RESTS goes"), "{plan}");
    // As it was said.
    let applied = job.says(&["apply"]);
    ends(&applied, 5);
    says(&applied, &["must be paused first"]);
    job.standin.sql(&["ALTER PIPE SHOP.SALES.FEED SET PIPE_EXECUTION_PAUSED = TRUE"]);
    ends(&job.says(&["apply"]), 0);
    assert_eq!(shown(&job, "SHOW TASKS IN SCHEMA SHOP.SALES", "owner"), ["KEEPER", "KEEPER"]);
    assert_eq!(shown(&job, "SHOW TASKS IN SCHEMA SHOP.SALES", "state"), ["suspended", "suspended"]);
    // On the way to the administrator it is the same.
    config(&job, "  keeper: {name: keeper}\n");
    let back = job.says(&["plan"]);
    ends(&back, 0);
    says(
        &back,
        &[
            "warning[ownership-undeclared]",
            "warning[pause-first]: pipe SHOP.SALES.FEED goes from KEEPER to SECURITYADMIN",
            "rolecall.yml:5",
        ],
    );
}

#[test]
fn what_goes_stale_or_needs_more_with_another_owner_is_said_once_for_many() {
    let grant = |kind: &str, name: &str| {
        format!(
            "      - {{object-type: {kind}, database-name: shop, schema-name: sales, object-name: '{name}', include-future: false, privileges: [ownership]}}\n"
        )
    };
    let roles = format!(
        "  keeper:\n    name: keeper\n    grants:\n{}{}{}      - {{object-type: database, object-name: shop, privileges: [ownership]}}\n",
        grant("external table", "*"),
        grant("dynamic table", "*"),
        grant("iceberg table", "ice"),
    );
    let Some(job) = job(
        &roles,
        &[
            "CREATE EXTERNAL TABLE SHOP.SALES.E1 (A NUMBER)",
            "CREATE EXTERNAL TABLE SHOP.SALES.E2 (A NUMBER)",
            "CREATE DYNAMIC TABLE SHOP.SALES.DT TARGET_LAG = '1 hour' WAREHOUSE = BI_WH AS SELECT 1 AS A",
            "CREATE ICEBERG TABLE SHOP.SALES.ICE (A NUMBER)",
        ],
    ) else {
        return;
    };
    let plan = job.says(&["plan"]);
    ends(&plan, 0);
    says(
        &plan,
        &[
            "2 of class external_table go to KEEPER, SHOP.SALES.E1 first of them: Snowflake ends the automatic refresh",
            "likewise for the others",
            "dynamic_table SHOP.SALES.DT goes from ACCOUNTADMIN to KEEPER: its refreshes fail where the owner lacks USAGE",
            "iceberg_table SHOP.SALES.ICE goes from ACCOUNTADMIN to KEEPER: neither its external volume",
            "database SHOP goes from ACCOUNTADMIN to KEEPER: Snowflake ends the automatic refresh of external tables in a database",
        ],
    );
    assert_eq!(plan.matches("[stops-when-handed-over]").count(), 2, "{plan}");
    assert_eq!(plan.matches("[owner-needs-more]").count(), 2, "{plan}");
    ends(&job.says(&["apply"]), 0);
    assert!(!job.says(&["plan"]).contains("handed-over"));
}

const OWNED: &str = "  readers:
    name: readers
    role-owner: platform
    grants:
      - {object-type: schema, database-name: shop, schema-name: sales, privileges: [usage]}
      - {object-type: table, database-name: shop, schema-name: sales, object-name: '*', privileges: [select]}
";

#[test]
fn a_playbook_s_plan_file_is_applied_once_and_a_role_s_other_owner_makes_it_stale() {
    let Some(job) = job(OWNED, &["CREATE ROLE PLATFORM", "CREATE ROLE OTHERS"]) else { return };
    let file = job.folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    ends(&job.says(&["plan", "--out", file]), 0);
    let applied = job.says(&["apply", file]);
    ends(&applied, 0);
    assert_eq!(shown(&job, "SHOW ROLES LIKE 'READERS'", "owner"), ["PLATFORM"]);
    says(&job.says(&["apply", file]), &["exit 0", "In sync"]);
    // Somebody gives the role away; a plan puts it right.
    job.standin.sql(&["GRANT OWNERSHIP ON ROLE READERS TO ROLE OTHERS COPY CURRENT GRANTS"]);
    let plan = job.says(&["plan", "--out", file]);
    ends(&plan, 0);
    says(&plan, &["PLATFORM"]);
    // Meanwhile it is somebody else's again: taking it from them was never reviewed.
    job.standin.sql(&["GRANT OWNERSHIP ON ROLE READERS TO ROLE SYSADMIN COPY CURRENT GRANTS"]);
    let stale = job.says(&["apply", file]);
    ends(&stale, 6);
    says(&stale, &["not in the plan: make PLATFORM the owner of the role READERS"]);
    assert_eq!(shown(&job, "SHOW ROLES LIKE 'READERS'", "owner"), ["SYSADMIN"]);
    // So does a table more, and a future grant that is gone.
    job.standin.sql(&["GRANT OWNERSHIP ON ROLE READERS TO ROLE OTHERS COPY CURRENT GRANTS"]);
    job.standin.sql(&["REVOKE SELECT ON FUTURE TABLES IN SCHEMA SHOP.SALES FROM ROLE READERS"]);
    job.standin.sql(&["CREATE TABLE SHOP.SALES.MORE (ID NUMBER)"]);
    let stale = job.says(&["apply", file]);
    ends(&stale, 6);
    says(
        &stale,
        &[
            "not in the plan: grant SELECT on table SHOP.SALES.MORE to READERS",
            "not in the plan: grant SELECT on future objects (table) in schema SALES to READERS",
        ],
    );
    ends(&job.says(&["plan", "--out", file]), 0);
    ends(&job.says(&["apply", file]), 0);
    ends(&job.says(&["plan", "--check"]), 0);
}

#[test]
fn a_circle_with_a_membership_made_by_hand_is_found_before_the_account_refuses_it() {
    let held = "  a:
    name: a
    grants:
      - {object-type: role, object-name: b, privileges: [usage]}
  b: {name: b, revoke-other-grants: false}
";
    let Some(job) = job("  a: {name: a}\n  b: {name: b}\n", &["CREATE ROLE C"]) else { return };
    ends(&job.says(&["apply"]), 0);
    // Nobody takes it from B: the circle would last.
    job.standin.sql(&["GRANT ROLE A TO ROLE B"]);
    config(&job, held);
    let plan = job.says(&["plan"]);
    ends(&plan, 1);
    says(
        &plan,
        &[
            "error[membership-circle]: these roles would be in each other: A is in B (rolecall.yml:8), B is in A (in the warehouse already, granted by ",
            "{object-type: role, object-name: b, privileges: [usage]}",
            "REVOKE ROLE \"A\" FROM ROLE \"B\";",
        ],
    );
    ends(&job.says(&["apply"]), 1);
    // What the plan itself ends is in the way for a moment only.
    config(&job, &held.replace(", revoke-other-grants: false", ""));
    let gap = job.says(&["plan"]);
    ends(&gap, 8);
    says(&gap, &["access-gap", "the other way round"]);
    ends(&job.says(&["apply", "--allow-gap"]), 0);
    assert_eq!(shown(&job, "SHOW GRANTS OF ROLE B", "grantee_name"), ["A"]);
}
