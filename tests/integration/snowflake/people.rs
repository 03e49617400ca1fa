//! A directory by query: tables of people, and the account's own users.

use super::job::Job;

const PEOPLE: &[&str] = &[
    "USE WAREHOUSE BI_WH",
    "CREATE SCHEMA SHOP.HR",
    "CREATE TABLE SHOP.HR.PEOPLE (NAME VARCHAR, DEPARTMENT VARCHAR, ACTIVE BOOLEAN)",
    "INSERT INTO SHOP.HR.PEOPLE VALUES ('taylor', 'Sales', TRUE), ('robin', 'Sales', FALSE), ('sam', NULL, TRUE)",
    "GRANT USAGE ON DATABASE SHOP TO ROLE DEPLOYER",
    "GRANT USAGE ON SCHEMA SHOP.HR TO ROLE DEPLOYER",
    "GRANT SELECT ON TABLE SHOP.HR.PEOPLE TO ROLE DEPLOYER",
    "CREATE USER ROBIN",
    "CREATE USER SAM",
];

fn with(query: &str) -> Option<Job> {
    let job = Job::begin()?;
    job.standin.sql(PEOPLE);
    let config = std::fs::read_to_string(job.folder.path().join("rolecall.yml")).unwrap();
    let directory = format!("directory: {{query: \"{query}\", key: name}}\n");
    job.write("rolecall.yml", &format!("{config}{directory}"));
    Some(job)
}

#[test]
fn a_query_over_a_table_of_people_is_what_rules_are_asked_of() {
    let Some(job) = with("select name, department, active from shop.hr.people") else { return };
    let rule = "analyst:\n  - rule: \"user.department == 'Sales' and user.active == 'true'\"\n";
    job.write("rolecall/members/shop.yml", rule);
    let applied = job.says(&["apply"]);
    assert!(applied.starts_with("exit 0"), "{applied}");
    let members = |role: &str| {
        let state = job.standin.tell("state", &serde_json::json!({}));
        let all = state["members"].as_array().unwrap().clone();
        let of = all.into_iter().filter(|one| one.to_string().contains(role));
        of.map(|one| one.to_string()).collect::<Vec<_>>().join("\n")
    };
    assert!(members("SHOP_ANALYST").contains("TAYLOR"), "{}", members("SHOP_ANALYST"));
    assert!(!members("SHOP_ANALYST").contains("ROBIN"), "{}", members("SHOP_ANALYST"));
    assert!(job.says(&["plan", "--check"]).starts_with("exit 0"));
    // The table is the owner: whoever leaves the department leaves the role.
    job.standin.sql(&[
        "USE WAREHOUSE BI_WH",
        "UPDATE SHOP.HR.PEOPLE SET DEPARTMENT = 'HR' WHERE NAME = 'taylor'",
        "UPDATE SHOP.HR.PEOPLE SET ACTIVE = TRUE WHERE NAME = 'robin'",
    ]);
    let applied = job.says(&["apply"]);
    assert!(applied.starts_with("exit 0"), "{applied}");
    assert!(!members("SHOP_ANALYST").contains("TAYLOR"), "{}", members("SHOP_ANALYST"));
    assert!(members("SHOP_ANALYST").contains("ROBIN"), "{}", members("SHOP_ANALYST"));
    // An attribute that nobody has is an error here, too, and changes nothing.
    job.write("rolecall/members/shop.yml", "analyst:\n  - rule: \"user.team == 'x'\"\n");
    let wrong = job.says(&["apply"]);
    assert!(wrong.starts_with("exit 1") && wrong.contains("unknown-attribute"), "{wrong}");
    assert!(members("SHOP_ANALYST").contains("ROBIN"));
}

#[test]
fn properties_of_the_accounts_users_are_a_directory() {
    let query = "select name, email from snowflake.account_usage.users where deleted_on is null";
    let Some(job) = with(query) else { return };
    job.standin.sql(&[
        "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER",
        "ALTER USER TAYLOR SET EMAIL = 't@acme.example'",
        "ALTER USER SAM SET EMAIL = 's@acme.example'",
        "ALTER USER ROBIN SET EMAIL = 'r@acme.example'",
    ]);
    job.write(
        "rolecall/members/shop.yml",
        "analyst:\n  - rule: \"user.email in ['t@acme.example', 's@acme.example']\"\n",
    );
    let planned = job.says(&["plan"]);
    assert!(planned.starts_with("exit 0"), "{planned}");
    assert!(planned.contains("TAYLOR") && planned.contains("SAM"), "{planned}");
    assert!(!planned.contains("ROBIN"), "{planned}");
}

#[test]
fn a_query_that_the_account_refuses_is_said_and_changes_nothing() {
    let Some(job) = with("select name, department from shop.hr.nobody") else { return };
    job.write("rolecall/members/shop.yml", "analyst:\n  - rule: \"user.department == 'Sales'\"\n");
    let said = job.says(&["apply"]);
    assert!(said.starts_with("exit 1") && said.contains("the directory's query"), "{said}");
    assert!(
        !job.standin.tell("state", &serde_json::json!({})).to_string().contains("SHOP_ANALYST")
    );
}
