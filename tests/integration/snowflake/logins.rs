//! What a person sees when the login, its role or its warehouse is not as it must be.

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
    insta::assert_snapshot!(job.says(&["plan"]), @r"
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

    Access by managed roles after it: 1 person, 2 product roles and 1 other role gain (2 nodes, 1 other object)

      + read on people
          shop.analyst, role SYSADMIN, TAYLOR
          # granted to shop.analyst [model.shop.people]
          # let into shop.analyst [rolecall/members/shop.yml:1]
      + USAGE on warehouse BI_WH
          shop.analyst, role SYSADMIN, TAYLOR
          # granted to shop.analyst [rolecall.yml:5]
          # let into shop.analyst [rolecall/members/shop.yml:1]
      + read on orders
          shop.analyst, TAYLOR
          # granted to shop.analyst [model.shop.orders]
          # let into shop.analyst [rolecall/members/shop.yml:1]
      + read, write on orders
          shop.engineer, role SYSADMIN
          # granted to shop.engineer [model.shop.orders]
          # let into shop.engineer
    manifest: FOLDER/manifest.json
    ");
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
