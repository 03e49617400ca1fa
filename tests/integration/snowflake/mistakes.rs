//! What a person sees when rights, names or objects in the account are not as they must be.

use serde_json::json;

use super::job::Job;

#[test]
fn a_role_without_manage_grants() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&["REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE DEPLOYER"]);
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: SHOW TERSE USERS LIKE 'TAYLOR'
      failed: SQL access control error:
    Insufficient privileges to operate on account 'STANDIN'. (code 003001) (query ID) (SQLSTATE 42501)
      DEPLOYER may not read this: it needs MANAGE GRANTS, as SECURITYADMIN has it: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER"
    "#);
    // Without people, nothing has to be read that only such a role may see.
    job.write("rolecall/members/shop.yml", "analyst: []\n");
    job.standin.sql(&["GRANT USAGE ON ALL SCHEMAS IN DATABASE SHOP TO ROLE DEPLOYER"]);
    job.standin.sql(&["GRANT USAGE ON DATABASE SHOP TO ROLE DEPLOYER"]);
    job.standin.sql(&["GRANT REFERENCES ON ALL TABLES IN SCHEMA SHOP.SALES TO ROLE DEPLOYER"]);
    job.standin.sql(&["GRANT REFERENCES ON ALL VIEWS IN SCHEMA SHOP.SALES TO ROLE DEPLOYER"]);
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 0
    Plan for prod on snowflake

    SHOP_ANALYST
      + new role
      + USAGE on database SHOP  # read, model.shop.orders and 1 more
      + USAGE on schema SHOP.SALES  # read, model.shop.orders and 1 more
      + SELECT on table SHOP.SALES.ORDERS  # read, model.shop.orders
      + SELECT on view SHOP.SALES.PEOPLE  # read, model.shop.people
      + USAGE on warehouse BI_WH  # warehouses, rolecall.yml:5
      + member SYSADMIN (role)

    SHOP_ENGINEER
      + new role
      + USAGE on database SHOP  # read, model.shop.orders and 1 more
      + USAGE on schema SHOP.SALES  # read, model.shop.orders and 1 more
      + DELETE, INSERT, SELECT, TRUNCATE, UPDATE on table SHOP.SALES.ORDERS  # read, model.shop.orders and 1 more
      + member SYSADMIN (role)

    To add: 2 roles, 12 grants, 2 members. To take away: nothing.

    Access by managed roles after it: 2 product roles and 1 other role gain (2 nodes, 1 other object)

      + read, write on orders
          shop.engineer, role SYSADMIN
          # granted to shop.engineer [model.shop.orders]
          # let into shop.engineer
      + read on people
          shop.analyst, role SYSADMIN
          # granted to shop.analyst [model.shop.people]
          # let into shop.analyst
      + USAGE on warehouse BI_WH
          shop.analyst, role SYSADMIN
          # granted to shop.analyst [rolecall.yml:5]
          # let into shop.analyst
      + read on orders
          shop.analyst
          # granted to shop.analyst [model.shop.orders]
    manifest: FOLDER/manifest.json
    warning[no-manage-grants]: DEPLOYER has no MANAGE GRANTS and does not own SHOP.SALES (owned by ACCOUNTADMIN): it can grant only what is its own there, or what it may pass on
     |
     = help: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER", or connect with a role that has it, such as SECURITYADMIN

    1 warning
    "#);
    insta::assert_snapshot!(job.says(&["apply"]), @r#"
    exit 5
      create the role SHOP_ANALYST
      create the role SHOP_ENGINEER
      grant the role SHOP_ANALYST to SYSADMIN
      grant the role SHOP_ENGINEER to SYSADMIN
    manifest: FOLDER/manifest.json
    error[stopped]: 8 statements failed
                    GRANT USAGE ON DATABASE "SHOP" TO ROLE "SHOP_ANALYST"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT USAGE ON DATABASE "SHOP" TO ROLE "SHOP_ENGINEER"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT USAGE ON SCHEMA "SHOP"."SALES" TO ROLE "SHOP_ANALYST"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT USAGE ON SCHEMA "SHOP"."SALES" TO ROLE "SHOP_ENGINEER"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT SELECT ON TABLE "SHOP"."SALES"."ORDERS" TO ROLE "SHOP_ANALYST"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT DELETE, INSERT, SELECT, TRUNCATE, UPDATE ON TABLE "SHOP"."SALES"."ORDERS" TO ROLE "SHOP_ENGINEER"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT SELECT ON VIEW "SHOP"."SALES"."PEOPLE" TO ROLE "SHOP_ANALYST"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    GRANT USAGE ON WAREHOUSE "BI_WH" TO ROLE "SHOP_ANALYST"
                      failed: Grant not executed: Insufficient privileges. (code 003102) (query ID) (SQLSTATE 42501)
                      DEPLOYER may not: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER" (in a schema with managed access, only its owner and such roles grant)
                    every statement stands in FOLDER/target/rolecall/JOURNAL

    1 error
    applied in part: 4 changes are made, the rest is not (there are errors); `rolecall apply` again goes on from here
    "#);
    // By a role that it holds, it is as good.
    job.standin.sql(&[
        "CREATE ROLE GRANTING",
        "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE GRANTING",
        "GRANT ROLE GRANTING TO ROLE DEPLOYER",
    ]);
    assert!(!job.says(&["plan"]).contains("MANAGE GRANTS"));
    assert!(job.says(&["apply"]).starts_with("exit 0"));
}

#[test]
fn a_schema_with_managed_access() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&[
        "ALTER SCHEMA SHOP.SALES ENABLE MANAGED ACCESS",
        "GRANT OWNERSHIP ON SCHEMA SHOP.SALES TO ROLE TRANSFORMER COPY CURRENT GRANTS",
        "REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE DEPLOYER",
        "GRANT USAGE ON DATABASE SHOP TO ROLE DEPLOYER",
        "GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE DEPLOYER",
        "GRANT OWNERSHIP ON TABLE SHOP.SALES.ORDERS TO ROLE DEPLOYER",
        "GRANT OWNERSHIP ON VIEW SHOP.SALES.PEOPLE TO ROLE DEPLOYER",
    ]);
    job.write("rolecall/members/shop.yml", "analyst: []\n");
    // Its objects are its own, and still it may not grant on them.
    let said = job.says(&["plan"]);
    let (plan, diagnostics) = said.split_once("manifest: FOLDER/manifest.json\n").unwrap();
    assert!(plan.contains("To add: 2 roles, 12 grants, 2 members."), "{said}");
    insta::assert_snapshot!(diagnostics, @r#"
    warning[managed-access]: in SHOP.SALES (owned by TRANSFORMER) access is managed: only its owner and holders of MANAGE GRANTS grant there, and DEPLOYER is neither
     |
     = help: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER", or connect with a role that has it, such as SECURITYADMIN

    1 warning
    "#);
    // The schema's owner may.
    job.standin.sql(&[
        "GRANT ROLE TRANSFORMER TO ROLE DEPLOYER",
        "GRANT OWNERSHIP ON DATABASE SHOP TO ROLE DEPLOYER COPY CURRENT GRANTS",
        "GRANT USAGE ON WAREHOUSE BI_WH TO ROLE DEPLOYER WITH GRANT OPTION",
    ]);
    assert!(!job.says(&["plan"]).contains("MANAGE GRANTS"));
    assert!(job.says(&["apply"]).starts_with("exit 0"), "{}", job.says(&["apply"]));
}

#[test]
fn what_a_managed_role_has_passed_on_to_others() {
    let Some(job) = Job::begin() else { return };
    assert!(job.says(&["apply"]).starts_with("exit 0"));
    let by_analyst = |sql: &str| json!({ "sql": sql, "role": "SHOP_ANALYST" });
    job.standin.sql(&[
        "CREATE ROLE PARTNER",
        "CREATE DATABASE ROLE SHOP.READERS",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE SHOP_ANALYST WITH GRANT OPTION",
    ]);
    let passed_on = [
        by_analyst("GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE PARTNER"),
        by_analyst("GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO DATABASE ROLE SHOP.READERS"),
    ];
    let done = job.standin.tell("sql", &json!({ "statements": passed_on }));
    assert!(done.get("error").is_none(), "{done}");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 8
    Plan for prod on snowflake

    SHOP_ANALYST
      - grant option for SELECT on table SHOP.SALES.ORDERS, from ACCOUNTADMIN  # nobody declares it

    To add: nothing. To take away: 1 option.
    manifest: FOLDER/manifest.json
    refused[dependents]: PARTNER holds SELECT on table SHOP.SALES.ORDERS from SHOP_ANALYST, who is to lose it
     |
     = help: only CASCADE could take it, and with it the access of PARTNER: have SHOP_ANALYST revoke it, or grant it by somebody else

    refused[dependents]: SHOP.READERS holds SELECT on table SHOP.SALES.ORDERS from SHOP_ANALYST, who is to lose it
     |
     = help: only CASCADE could take it, and with it the access of SHOP.READERS: have SHOP_ANALYST revoke it, or grant it by somebody else
    "#);
    let before = job.standin.tell("state", &json!({}));
    assert!(job.says(&["apply"]).starts_with("exit 8"));
    assert_eq!(job.standin.tell("state", &json!({})), before);
    // Granted by somebody else, it goes.
    job.standin.sql(&[
        "REVOKE SELECT ON TABLE SHOP.SALES.ORDERS FROM ROLE PARTNER",
        "REVOKE SELECT ON TABLE SHOP.SALES.ORDERS FROM DATABASE ROLE SHOP.READERS",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE PARTNER",
    ]);
    insta::assert_snapshot!(job.says(&["apply"]), @r#"
    exit 0
      revoke the grant option for SELECT on table SHOP.SALES.ORDERS from SHOP_ANALYST
    Applied 1 change, and read it back.
    manifest: FOLDER/manifest.json
    warning[no-receipt]: no receipt is kept: DEPLOYER may not make the schema "SHOP"."ROLECALL": GRANT USAGE, CREATE SCHEMA ON DATABASE "SHOP" TO ROLE "DEPLOYER" (SQL access control error:
                         Insufficient privileges to operate on database 'SHOP'. (code 003001) (query ID))

    1 warning
    "#);
}

#[test]
fn a_role_that_may_make_no_roles() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&["REVOKE CREATE ROLE ON ACCOUNT FROM ROLE DEPLOYER"]);
    insta::assert_snapshot!(job.says(&["apply"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: CREATE ROLE "ROLECALL_LOCK_SHOP_PROD_78D1F012AF6E" COMMENT = 'rolecall-lock:1 {"holder":"job@ci","since":"NOW"}'
      failed: SQL access control error:
    Insufficient privileges to operate on account 'STANDIN'. (code 003001) (query ID) (SQLSTATE 42501)
      DEPLOYER may not create roles: GRANT CREATE ROLE ON ACCOUNT TO ROLE "DEPLOYER"
    "#);
}

#[test]
fn names_in_mixed_case_and_with_quotes_inside() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&[
        "CREATE TABLE SHOP.SALES.\"Order \"\"lines\"\"\" (ID NUMBER)",
        "CREATE USER \"sam@acme.example\"",
        "CREATE ROLE \"ad sales\"",
    ]);
    job.models(&[("Order \"lines\"", "table")]);
    job.write(
        "rolecall.yml",
        r#"version: 1
environments:
  prod: {role_name: "{{ product.title }} {{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products: {shop: {title: 'The "Shop"'}}
"#,
    );
    job.write(
        "rolecall/members/shop.yml",
        "analyst: [{user: sam@acme.example}, {group: ad sales}]\n",
    );
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 0
    Plan for prod on snowflake

    The "Shop" analyst
      + new role
      + USAGE on database SHOP  # read, model.shop.order "lines"
      + USAGE on schema SHOP.SALES  # read, model.shop.order "lines"
      + SELECT on table SHOP.SALES.Order "lines"  # read, model.shop.order "lines"
      + member SYSADMIN (role)
      + member ad sales (group)  # rolecall/members/shop.yml:1
      + member sam@acme.example (user)  # rolecall/members/shop.yml:1

    The "Shop" engineer
      + new role
      + USAGE on database SHOP  # read, model.shop.order "lines" and 1 more
      + USAGE on schema SHOP.SALES  # read, model.shop.order "lines" and 1 more
      + DELETE, INSERT, SELECT, TRUNCATE, UPDATE on table SHOP.SALES.Order "lines"  # read, model.shop.order "lines" and 1 more
      + member SYSADMIN (role)

    To add: 2 roles, 10 grants, 4 members. To take away: nothing.

    Access by managed roles after it: 1 person, 1 group, 2 product roles and 1 other role gain (1 node)

      + read on order "lines"
          shop.analyst, group ad sales, sam@acme.example
          # granted to shop.analyst [model.shop.order "lines"]
          # let into shop.analyst [rolecall/members/shop.yml:1]
      + read, write on order "lines"
          shop.engineer, role SYSADMIN
          # granted to shop.engineer [model.shop.order "lines"]
          # let into shop.engineer
    manifest: FOLDER/manifest.json
    "#);
    assert!(job.says(&["apply"]).starts_with("exit 0"));
    assert!(job.says(&["verify"]).starts_with("exit 0"));
}

#[test]
fn a_table_that_is_missing() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&["DROP TABLE SHOP.SALES.ORDERS"]);
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error[missing-relation]: SHOP.SALES.ORDERS (model.shop.orders) is not in the warehouse
     |
     = note: in FOLDER/manifest.json
     = note: node model.shop.orders
     = note: at nodes.model.shop.orders.config.meta.rolecall
     = help: run `dbt build` first, or go on without it by --skip-missing: it gets its access when it is there

    1 error
    "#);
}

#[test]
fn a_database_that_is_missing() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&["DROP DATABASE SHOP"]);
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error[missing-relation]: SHOP.SALES.ORDERS (model.shop.orders) is not in the warehouse
     |
     = note: in FOLDER/manifest.json
     = note: node model.shop.orders
     = note: at nodes.model.shop.orders.config.meta.rolecall
     = help: run `dbt build` first, or go on without it by --skip-missing: it gets its access when it is there

    error[missing-relation]: SHOP.SALES.PEOPLE (model.shop.people) is not in the warehouse
     |
     = note: in FOLDER/manifest.json
     = note: node model.shop.people
     = note: at nodes.model.shop.people.config.meta.rolecall
     = help: run `dbt build` first, or go on without it by --skip-missing: it gets its access when it is there

    2 errors
    "#);
}

#[test]
fn an_object_of_an_unknown_type() {
    let Some(job) = Job::begin() else { return };
    assert!(job.says(&["apply"]).starts_with("exit 0"));
    job.standin.sql(&[
        "CREATE STANDIN THING SHOP.SALES.THING",
        "GRANT USAGE ON STANDIN THING SHOP.SALES.THING TO ROLE SHOP_ANALYST",
    ]);
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 0
    prod on snowflake is in sync: nothing to change.

    Left as it is:
      SHOP_ANALYST: USAGE on STANDIN_THING SHOP.SALES.THING (this kind of grant is not understood, so it is left alone)
    manifest: FOLDER/manifest.json
    "#);
}

#[test]
fn a_member_that_the_account_does_not_know() {
    let Some(job) = Job::begin() else { return };
    job.write("rolecall/members/shop.yml", "analyst: [{user: taylor}, {user: tailor}]\n");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error[missing-member]: the user TAILOR is to be a member of SHOP_ANALYST, but the server does not know that name
     --> rolecall/members/shop.yml:1:1
      |
    1 | analyst: [{user: taylor}, {user: tailor}]
      | ^
      |
      = help: create it first (rolecall makes no people), mend the entry, or go on without it by --skip-missing

    1 error
    "#);
}

#[test]
fn a_user_and_a_role_of_one_name() {
    let Some(job) = Job::begin() else { return };
    job.standin.sql(&["CREATE ROLE TAYLOR"]);
    job.write("rolecall/members/shop.yml", "analyst: [{user: taylor}, {group: taylor}]\n");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error[user-and-group]: TAYLOR is named both as a user and as a group
     --> rolecall/members/shop.yml:1:27
      |
    1 | analyst: [{user: taylor}, {group: taylor}]
      |                           ^
      |
      = help: a name is one or the other

    1 error
    "#);
}
