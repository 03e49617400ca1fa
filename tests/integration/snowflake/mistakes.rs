//! What a person sees when something about the account, the login or the names is not as it must be.

use serde_json::json;

use super::job::Job;

#[test]
fn a_wrong_key() {
    let Some(mut job) = Job::begin() else { return };
    job.output["private_key"] = json!(include_str!("keys/plain.p8"));
    job.output.as_object_mut().unwrap().remove("password");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: cannot connect to Snowflake account standin as admin in role DEPLOYER at 127.0.0.1:PORT: JWT token is invalid. [ID] (code 390144)
      The key that was used has the fingerprint SHA256:56UZ+SZUzgrA366o+LW6dg3usBXlxRPLxcHdkTxW2ik=. Compare it with RSA_PUBLIC_KEY_FP and RSA_PUBLIC_KEY_2_FP of DESCRIBE USER admin. If it is there, look at this machine's clock (a token counts for a minute) and at the names of account and login.
    "#);
}

#[test]
fn a_locked_user() {
    let Some(job) = Job::begin() else { return };
    job.standin.tell("user", &json!({ "user": "ADMIN", "set": { "locked_until": 9e9 } }));
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: cannot connect to Snowflake account standin as admin in role DEPLOYER at 127.0.0.1:PORT: User temporarily locked. Try again later, or contact your local system administrator. (code 390102)
      The user is locked after failed logins: wait 15 minutes, or an administrator says ALTER USER admin SET MINS_TO_UNLOCK = 0.
    "#);
}

#[test]
fn an_unknown_account() {
    let Some(mut job) = Job::begin() else { return };
    job.output["account"] = json!("acme-nobody");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: cannot connect to Snowflake account acme-nobody as admin in role DEPLOYER at 127.0.0.1:PORT: The requested account does not exist. (code 390400)
      Is the account (acme-nobody) written as `organisation-account`, or as its locator with region and cloud?
    "#);
}

#[test]
fn an_unknown_warehouse() {
    let Some(mut job) = Job::begin() else { return };
    job.output["warehouse"] = json!("NO_WH");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: cannot connect to Snowflake account standin as admin in role DEPLOYER at 127.0.0.1:PORT: The requested warehouse does not exist or not authorized. (code 390201)
      The profile's warehouse NO_WH does not exist, or the role DEPLOYER lacks USAGE on it.
    "#);
}

#[test]
fn a_warehouse_that_is_declared_and_not_there() {
    let Some(mut job) = Job::begin() else { return };
    job.standin.sql(&["DROP WAREHOUSE BI_WH"]);
    job.output.as_object_mut().unwrap().remove("warehouse");
    insta::assert_snapshot!(job.says(&["apply"]), @r#"
    exit 5
      create the role SHOP_ANALYST
      create the role SHOP_ENGINEER
      grant USAGE on database SHOP to SHOP_ANALYST
      grant USAGE on database SHOP to SHOP_ENGINEER
      grant USAGE on schema SHOP.SALES to SHOP_ANALYST
      grant USAGE on schema SHOP.SALES to SHOP_ENGINEER
      grant SELECT on table SHOP.SALES.ORDERS to SHOP_ANALYST
      grant DELETE, INSERT, SELECT, TRUNCATE, UPDATE on table SHOP.SALES.ORDERS to SHOP_ENGINEER
      grant SELECT on view SHOP.SALES.PEOPLE to SHOP_ANALYST
      grant the role SHOP_ANALYST to SYSADMIN
      let TAYLOR into SHOP_ANALYST
      grant the role SHOP_ENGINEER to SYSADMIN
    manifest: FOLDER/manifest.json
    error[stopped]: 1 statement failed
                    GRANT USAGE ON WAREHOUSE "BI_WH" TO ROLE "SHOP_ANALYST"
                      failed: SQL compilation error:
                    Warehouse 'BI_WH' does not exist or not authorized. (code 002003) (query ID) (SQLSTATE 02000)
                    every statement stands in FOLDER/target/rolecall/JOURNAL

    1 error
    applied in part: 12 changes are made, the rest is not (there are errors); `rolecall apply` again goes on from here
    "#);
}

#[test]
fn no_warehouse_is_needed() {
    let Some(mut job) = Job::begin() else { return };
    job.output.as_object_mut().unwrap().remove("warehouse");
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
      + member TAYLOR (user)  # rolecall/members/shop.yml:1

    SHOP_ENGINEER
      + new role
      + USAGE on database SHOP  # read, model.shop.orders and 1 more
      + USAGE on schema SHOP.SALES  # read, model.shop.orders and 1 more
      + DELETE, INSERT, SELECT, TRUNCATE, UPDATE on table SHOP.SALES.ORDERS  # read, model.shop.orders and 1 more
      + member SYSADMIN (role)

    To add: 2 roles, 12 grants, 3 members. To take away: nothing.
    manifest: FOLDER/manifest.json
    "#);
}

#[test]
fn an_unknown_role() {
    let Some(mut job) = Job::begin() else { return };
    job.output["role"] = json!("NO_SUCH_ROLE");
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: cannot connect to Snowflake account standin as admin in role NO_SUCH_ROLE at 127.0.0.1:PORT: Role 'NO_SUCH_ROLE' specified in the connect string is not granted to this user. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC. (code 390189)
      The role NO_SUCH_ROLE does not exist or is not granted to the user: SHOW GRANTS TO USER admin lists what is.
    "#);
}

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
    insta::assert_snapshot!(job.says(&["apply"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: SHOW TERSE USERS LIKE 'TAYLOR'
      failed: SQL access control error:
    Insufficient privileges to operate on account 'STANDIN'. (code 003001) (query ID) (SQLSTATE 42501)
      DEPLOYER may not read this: it needs MANAGE GRANTS, as SECURITYADMIN has it: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER"
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
        "CREATE EVENT TABLE SHOP.SALES.EVENTS",
        "GRANT SELECT ON EVENT TABLE SHOP.SALES.EVENTS TO ROLE SHOP_ANALYST",
    ]);
    insta::assert_snapshot!(job.says(&["plan"]), @r#"
    exit 0
    prod on snowflake is in sync: nothing to change.

    Left as it is:
      SHOP_ANALYST: SELECT on EVENT_TABLE SHOP.SALES.EVENTS (this kind of grant is not understood, so it is left alone)
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
     |
     = note: in rolecall/members/shop.yml:1
     = help: create it first (rolecall makes no people), mend the entry, or go on without it by --skip-missing

    1 error
    "#);
}
