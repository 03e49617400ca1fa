use super::super::{Statement, Target, of, privileges_markdown};
use crate::model::{
    Change, DialectKind, Ident, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet,
    RoleAttributes, Securable,
};

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn set(names: &str) -> PrivilegeSet {
    names.split(", ").map(|name| Privilege::parse(name).unwrap()).collect()
}

fn marker() -> Marker {
    Marker {
        deployment: "it's a shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "say \"hi\"".into(),
        role: "analyst".into(),
        policy: None,
        immutable: false,
        playbook: None,
        adopted: false,
    }
}

fn object(class: ObjectClass, name: &str) -> Securable {
    Securable::in_schema(class, id("SHOP"), id("Sales"), id(name))
}

fn grant(on: Securable, privileges: &str) -> Change {
    Change::Grant { on, role: id("R"), privileges: set(privileges) }
}

fn target() -> Target {
    Target { version: 0, database: Some(id("SHOP")) }
}

fn show(changes: &[Change]) -> String {
    let statements = of(DialectKind::Snowflake).statements(changes, &target()).unwrap();
    let line = |(at, Statement { sql, changes, as_role }): (usize, &Statement)| {
        assert_eq!((changes.as_slice(), as_role), (&[at][..], &None));
        sql.clone()
    };
    statements.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_bare_name_is_folded_to_upper_case() {
    let fold = |text| of(DialectKind::Snowflake).fold(text).unwrap().as_str().to_owned();
    assert_eq!(fold("Sales"), "SALES");
    assert_eq!(fold("_a$1"), "_A$1");
    assert_eq!(fold("\"Exact\""), "Exact");
    assert_eq!(fold("\"a\"\"b\""), "a\"b");
}

#[test]
fn a_name_that_needs_quotes_is_exact() {
    let fold = |text| of(DialectKind::Snowflake).fold(text).unwrap().as_str().to_owned();
    for name in ["ad sales", "a.b", "1a", "$a", "a-b", "jane@acme.example", "ünï", "a🦀", "a'b"]
    {
        assert_eq!(fold(name), name);
    }
}

#[test]
fn a_name_is_counted_in_characters() {
    let longest = |name: String| of(DialectKind::Snowflake).longest_name(&id(&name));
    assert_eq!(longest("é".repeat(255)), Ok(()));
    assert!(longest("é".repeat(256)).is_err());
}

#[test]
fn system_roles_are_reserved_in_any_case() {
    let reserved = |name| of(DialectKind::Snowflake).reserved(&id(name));
    for name in ["SYSADMIN", "Public", "accountadmin", "GlobalOrgAdmin", "useradmin"] {
        assert!(reserved(name).is_some(), "{name}");
    }
    assert_eq!(reserved("SYSADMIN_2"), None);
}

#[test]
fn every_privilege_of_the_table_is_known() {
    for row in super::table::ROWS {
        for name in row.all.iter().chain(row.data).chain(row.write) {
            assert!(Privilege::parse(name).is_some(), "{name}");
        }
        let dialect = of(DialectKind::Snowflake);
        let all = dialect.privileges_of(row.class);
        assert_eq!(all.len(), row.all.len());
        assert!(all.contains_all(dialect.data_privileges_of(row.class)));
        assert!(all.contains_all(dialect.write_on(row.class)));
        assert!(all.contains_all(dialect.read_on(row.class)));
    }
}

#[test]
fn roles_and_members() {
    insta::assert_snapshot!(show(&[
        Change::CreateRole { role: id("a \"role\""), marker: marker() },
        Change::RenameRole { from: id("Old"), to: id("NEW") },
        Change::AdoptRole { role: id("ANALYST"), marker: marker() },
        Change::AddMember { role: id("R"), member: id("TAYLOR"), kind: MemberKind::User },
        Change::AddMember { role: id("R"), member: id("AD_SALES"), kind: MemberKind::Group },
        Change::AddMember { role: id("R"), member: id("SYSADMIN"), kind: MemberKind::Role },
        Change::RemoveMember {
            role: id("R"),
            member: id("TAYLOR"),
            kind: MemberKind::User,
            grantor: Some(id("X")),
        },
        Change::RemoveMember {
            role: id("R"),
            member: id("AD_SALES"),
            kind: MemberKind::Group,
            grantor: None,
        },
        Change::DropRole { role: id("ANALYST") },
    ]), @r#"
    CREATE ROLE "a ""role""" COMMENT = 'rolecall:1 {"deployment":"it''s a shop","environment":"prod","product":"say \\"hi\\"","role":"analyst"}'
    ALTER ROLE "Old" RENAME TO "NEW"
    COMMENT ON ROLE "ANALYST" IS 'rolecall:1 {"deployment":"it''s a shop","environment":"prod","product":"say \\"hi\\"","role":"analyst"}'
    GRANT ROLE "R" TO USER "TAYLOR"
    GRANT ROLE "R" TO ROLE "AD_SALES"
    GRANT ROLE "R" TO ROLE "SYSADMIN"
    REVOKE ROLE "R" FROM USER "TAYLOR"
    REVOKE ROLE "R" FROM ROLE "AD_SALES"
    DROP ROLE "ANALYST"
    "#);
}

#[test]
fn grants_name_each_class_as_the_server_does() {
    use ObjectClass as C;
    let routine = |class| {
        let signature = "VARCHAR, NUMBER(38,0)".to_owned();
        Securable::routine(class, id("SHOP"), id("Sales"), id("F"), signature)
    };
    insta::assert_snapshot!(show(&[
        grant(Securable::account(), "CREATE DATABASE, MANAGE GRANTS"),
        grant(Securable::database(id("SHOP")), "USAGE"),
        grant(Securable::schema(id("SHOP"), id("Sales")), "USAGE, CREATE TABLE"),
        grant(object(C::Table, "T"), "SELECT, INSERT"),
        grant(object(C::View, "V"), "SELECT"),
        grant(object(C::MaterializedView, "M"), "SELECT"),
        grant(object(C::DynamicTable, "D"), "SELECT, OPERATE"),
        grant(object(C::ExternalTable, "E"), "SELECT"),
        grant(object(C::IcebergTable, "I"), "SELECT"),
        grant(object(C::Sequence, "S"), "USAGE"),
        grant(routine(C::Function), "USAGE"),
        grant(routine(C::Procedure), "USAGE"),
        grant(Securable::global(C::Warehouse, id("BI_WH")), "USAGE"),
        grant(object(C::Stage, "S"), "READ, WRITE"),
        grant(object(C::FileFormat, "F"), "USAGE"),
        grant(object(C::Stream, "S"), "SELECT"),
        grant(object(C::Task, "T"), "OPERATE"),
        grant(object(C::Pipe, "P"), "MONITOR"),
        grant(Securable::global(C::Integration, id("I")), "USAGE"),
        grant(object(C::Tag, "T"), "APPLY"),
        grant(object(C::MaskingPolicy, "P"), "APPLY"),
        grant(object(C::RowAccessPolicy, "P"), "APPLY"),
    ]), @r#"
    GRANT CREATE DATABASE, MANAGE GRANTS ON ACCOUNT TO ROLE "R"
    GRANT USAGE ON DATABASE "SHOP" TO ROLE "R"
    GRANT CREATE TABLE, USAGE ON SCHEMA "SHOP"."Sales" TO ROLE "R"
    GRANT INSERT, SELECT ON TABLE "SHOP"."Sales"."T" TO ROLE "R"
    GRANT SELECT ON VIEW "SHOP"."Sales"."V" TO ROLE "R"
    GRANT SELECT ON MATERIALIZED VIEW "SHOP"."Sales"."M" TO ROLE "R"
    GRANT OPERATE, SELECT ON DYNAMIC TABLE "SHOP"."Sales"."D" TO ROLE "R"
    GRANT SELECT ON EXTERNAL TABLE "SHOP"."Sales"."E" TO ROLE "R"
    GRANT SELECT ON ICEBERG TABLE "SHOP"."Sales"."I" TO ROLE "R"
    GRANT USAGE ON SEQUENCE "SHOP"."Sales"."S" TO ROLE "R"
    GRANT USAGE ON FUNCTION "SHOP"."Sales"."F"(VARCHAR, NUMBER(38,0)) TO ROLE "R"
    GRANT USAGE ON PROCEDURE "SHOP"."Sales"."F"(VARCHAR, NUMBER(38,0)) TO ROLE "R"
    GRANT USAGE ON WAREHOUSE "BI_WH" TO ROLE "R"
    GRANT READ, WRITE ON STAGE "SHOP"."Sales"."S" TO ROLE "R"
    GRANT USAGE ON FILE FORMAT "SHOP"."Sales"."F" TO ROLE "R"
    GRANT SELECT ON STREAM "SHOP"."Sales"."S" TO ROLE "R"
    GRANT OPERATE ON TASK "SHOP"."Sales"."T" TO ROLE "R"
    GRANT MONITOR ON PIPE "SHOP"."Sales"."P" TO ROLE "R"
    GRANT USAGE ON INTEGRATION "I" TO ROLE "R"
    GRANT APPLY ON TAG "SHOP"."Sales"."T" TO ROLE "R"
    GRANT APPLY ON MASKING POLICY "SHOP"."Sales"."P" TO ROLE "R"
    GRANT APPLY ON ROW ACCESS POLICY "SHOP"."Sales"."P" TO ROLE "R"
    "#);
}

#[test]
fn revokes_restrict_and_owners_keep_grants() {
    let revoke = |on| Change::Revoke {
        on,
        role: id("R"),
        privileges: set("SELECT"),
        grantor: Some(id("X")),
    };
    let future = |schema: Option<&str>, class| Change::RevokeDefault {
        creator: None,
        database: id("SHOP"),
        schema: schema.map(id),
        class,
        role: id("R"),
        privileges: set("SELECT"),
    };
    let to_come = |privileges| Change::GrantDefault {
        creator: None,
        database: id("SHOP"),
        schema: Some(id("Sales")),
        class: ObjectClass::Table,
        role: id("R"),
        privileges: set(privileges),
    };
    insta::assert_snapshot!(show(&[
        revoke(object(ObjectClass::Table, "T")),
        Change::RevokeGrantOption {
            on: object(ObjectClass::View, "V"),
            role: id("R"),
            privileges: set("SELECT"),
            grantor: id("X"),
        },
        Change::SetOwner {
            on: object(ObjectClass::Table, "T"),
            from: id("DBT"),
            to: id("R"),
        },
        Change::SetOwner {
            on: object(ObjectClass::MaterializedView, "M"),
            from: id("DBT"),
            to: id("R"),
        },
        Change::SetRoleOwner { role: id("R"), from: None, to: id("SECURITYADMIN") },
        to_come("SELECT"),
        to_come("OWNERSHIP"),
        future(Some("Sales"), ObjectClass::Table),
        future(None, ObjectClass::DynamicTable),
        future(None, ObjectClass::Schema),
    ]), @r#"
    REVOKE SELECT ON TABLE "SHOP"."Sales"."T" FROM ROLE "R" RESTRICT
    REVOKE GRANT OPTION FOR SELECT ON VIEW "SHOP"."Sales"."V" FROM ROLE "R" RESTRICT
    GRANT OWNERSHIP ON TABLE "SHOP"."Sales"."T" TO ROLE "R" COPY CURRENT GRANTS
    GRANT OWNERSHIP ON VIEW "SHOP"."Sales"."M" TO ROLE "R" COPY CURRENT GRANTS
    GRANT OWNERSHIP ON ROLE "R" TO ROLE "SECURITYADMIN" COPY CURRENT GRANTS
    GRANT SELECT ON FUTURE TABLES IN SCHEMA "SHOP"."Sales" TO ROLE "R"
    GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA "SHOP"."Sales" TO ROLE "R"
    REVOKE SELECT ON FUTURE TABLES IN SCHEMA "SHOP"."Sales" FROM ROLE "R"
    REVOKE SELECT ON FUTURE DYNAMIC TABLES IN DATABASE "SHOP" FROM ROLE "R"
    REVOKE SELECT ON FUTURE SCHEMAS IN DATABASE "SHOP" FROM ROLE "R"
    "#);
}

#[test]
fn what_has_no_statement_is_refused_not_dropped() {
    let refused = |change: Change| {
        let error = of(DialectKind::Snowflake).statements(&[change], &Target::default());
        let error = error.unwrap_err();
        format!("{}: {error}", error.code)
    };
    let column = Securable::column(id("SHOP"), id("S"), id("T"), id("C"));
    let future = |creator: Option<&str>| Change::RevokeDefault {
        creator: creator.map(id),
        database: id("SHOP"),
        schema: None,
        class: ObjectClass::Table,
        role: id("R"),
        privileges: set("SELECT"),
    };
    let member =
        |member| Change::AddMember { role: id("R"), member: id(member), kind: MemberKind::Role };
    let lines = [
        grant(column, "SELECT"),
        grant(Securable::global(ObjectClass::Table, id("T")), "SELECT"),
        Change::Grant { on: Securable::account(), role: id("R"), privileges: PrivilegeSet::EMPTY },
        Change::Grant {
            on: object(ObjectClass::Table, "T"),
            role: id("PUBLIC"),
            privileges: set("SELECT"),
        },
        member("PUBLIC"),
        Change::CreateRole { role: id("sysadmin"), marker: marker() },
        future(Some("DBT")),
        Change::ResetAttributes { role: id("R"), attributes: RoleAttributes::MANAGED },
        Change::RevokeAdminOption { role: id("R"), member: id("M"), grantor: id("X") },
        Change::SetOwner { on: Securable::account(), from: id("A"), to: id("R") },
    ]
    .map(refused)
    .join("\n");
    insta::assert_snapshot!(lines, @r#"
    unsupported-object: Snowflake knows no privileges on SHOP.S.T.C of class column
    incomplete-object: T of class table lacks a name
    no-privilege: a change without any privilege
    reserved-name: "PUBLIC" cannot be a role: it is everyone
    reserved-name: "PUBLIC" cannot be a role: it is everyone
    reserved-name: "sysadmin" cannot be a role: it is a role of Snowflake itself
    unsupported-change: a future grant holds for anyone's objects in Snowflake, not for those of "DBT"
    unsupported-change: roles have no attributes in Snowflake, so "R" has none
    unsupported-change: memberships have no admin option in Snowflake, so "M" has none in "R"
    unsupported-object: Snowflake knows no owner on the account of class account
    "#);
}

#[test]
fn the_table_for_people_is_written_from_the_same_data() {
    let table = privileges_markdown(DialectKind::Snowflake);
    let shown = ["Every", "| class", "| `table`", "| `view`", "| `stage`", "| `alert`", "| `tag`"];
    let lines = table.lines().filter(|line| shown.iter().any(|start| line.starts_with(start)));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    Every grant comes with USAGE on the database and USAGE on the schema.
    | class | privileges | `read` | `write` | `admin` |
    | `table` | APPLYBUDGET, DELETE, EVOLVE SCHEMA, INSERT, REFERENCES, SELECT, SELECT ERROR TABLE, TRUNCATE, UPDATE | SELECT | DELETE, INSERT, TRUNCATE, UPDATE | DELETE, INSERT, REFERENCES, SELECT, TRUNCATE, UPDATE |
    | `view` | REFERENCES, SELECT | SELECT | – | REFERENCES, SELECT |
    | `stage` | READ, USAGE, WRITE | – | – | – |
    | `tag` | APPLY, READ | – | – | – |
    | `alert` | MONITOR, OPERATE | – | – | – |
    "#);
}

#[test]
fn all_of_a_class_leaves_out_what_must_be_named() {
    let all = |class| super::super::of(DialectKind::Snowflake).all_on(class).to_string();
    let schema = all(ObjectClass::Schema);
    assert!(schema.contains("CREATE TABLE") && schema.contains("CREATE AGENT"), "{schema}");
    assert!(!schema.contains("SNOWFLAKE.") && !schema.contains("MANAGE GRANTS"), "{schema}");
    let account = all(ObjectClass::Account);
    assert!(account.contains("USE AI FUNCTIONS"), "{account}");
    assert!(!account.contains("AI_COMPLETE") && !account.contains("ORGANIZATION USERS"));
    assert!(!all(ObjectClass::Database).contains("GRANTS"));
    assert_eq!(all(ObjectClass::Integration), "USAGE");
}

/// What must be there, class by class: every line of the table that the product is held to. All have
/// ownership, but for the account.
const WANTED: &[(&str, &str)] = &[
    (
        "account",
        "CREATE DATABASE, CREATE ROLE, CREATE USER, CREATE WAREHOUSE, MANAGE GRANTS, MONITOR USAGE, EXECUTE TASK, APPLY MASKING POLICY",
    ),
    // REFERENCE_USAGE goes to shares alone.
    (
        "database",
        "USAGE, MODIFY, MONITOR, CREATE SCHEMA, CREATE DATABASE ROLE, APPLYBUDGET, IMPORTED PRIVILEGES",
    ),
    (
        "schema",
        "USAGE, MODIFY, MONITOR, CREATE TABLE, CREATE VIEW, ADD SEARCH OPTIMIZATION, APPLYBUDGET",
    ),
    ("table", "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, EVOLVE SCHEMA, APPLYBUDGET"),
    ("iceberg table", "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, APPLYBUDGET"),
    ("view", "SELECT, REFERENCES"),
    ("external table", "SELECT, REFERENCES"),
    ("materialized view", "SELECT, REFERENCES, APPLYBUDGET"),
    ("dynamic table", "SELECT, MONITOR, OPERATE"),
    ("stage", "READ, WRITE, USAGE"),
    ("warehouse", "USAGE, OPERATE, MONITOR, MODIFY, APPLYBUDGET"),
    ("function", "USAGE"),
    ("procedure", "USAGE"),
    ("sequence", "USAGE"),
    ("task", "MONITOR, OPERATE, APPLYBUDGET"),
    ("stream", "SELECT"),
    ("pipe", "MONITOR, OPERATE"),
    ("file format", "USAGE"),
    ("integration", "USAGE, USE_ANY_ROLE"),
    ("tag", "APPLY"),
    ("masking policy", "APPLY"),
    ("row access policy", "APPLY"),
];

#[test]
fn every_class_and_privilege_that_must_be_there_is_there() {
    use crate::config::playbook::ObjectType;
    let snowflake = of(DialectKind::Snowflake);
    for (word, privileges) in WANTED {
        let Ok(ObjectType::Class(class)) = ObjectType::parse(word) else { panic!("{word}") };
        let lacks = set(privileges).minus(snowflake.privileges_of(class));
        assert!(lacks.is_empty(), "{word} lacks {lacks}");
        assert_eq!(snowflake.owner_word(class).is_none(), *word == "account", "{word}");
    }
    assert!(!snowflake.privileges_of(ObjectClass::IcebergTable).contains_all(set("EVOLVE SCHEMA")));
    // Whatever stands in a schema can be made there by its own privilege, but for what others make.
    let creates: Vec<&str> =
        snowflake.privileges_of(ObjectClass::Schema).iter().map(Privilege::as_str).collect();
    for class in ObjectClass::ALL {
        let Some(word) = snowflake.word_of(class) else { continue };
        if class.is_global() || class.is_container() || class == ObjectClass::Account {
            continue;
        }
        assert!(creates.contains(&format!("CREATE {word}").as_str()), "CREATE {word}");
    }
}
