//! Every row of the table of privileges: granted by the statement that is made for it, shown by
//! SHOW GRANTS, read back as what it is, and taken away again.

use std::collections::BTreeSet;

use rolecall::dialect;
use rolecall::model::*;
use rolecall::warehouse::{Execute, Look, Observe, WarehouseError};

use super::site::{account, connect};

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

/// An object of each class, and how it is made.
fn objects() -> Vec<(Securable, &'static str)> {
    use ObjectClass as C;
    let inside = |class, name| Securable::in_schema(class, id("D"), id("S"), id(name));
    let routine =
        |class, name| Securable::routine(class, id("D"), id("S"), id(name), "NUMBER".to_owned());
    vec![
        (Securable::account(), ""),
        (Securable::database(id("D")), "CREATE DATABASE D"),
        (Securable::schema(id("D"), id("S")), "CREATE SCHEMA D.S"),
        (inside(C::Table, "T"), "CREATE TABLE D.S.T (A NUMBER)"),
        (inside(C::View, "V"), "CREATE VIEW D.S.V AS SELECT 1 AS A"),
        (inside(C::MaterializedView, "MV"), "CREATE MATERIALIZED VIEW D.S.MV AS SELECT 1 AS A"),
        (
            inside(C::DynamicTable, "DT"),
            "CREATE DYNAMIC TABLE D.S.DT TARGET_LAG = '1 hour' WAREHOUSE = WH AS SELECT 1 AS A",
        ),
        (inside(C::ExternalTable, "ET"), "CREATE EXTERNAL TABLE D.S.ET LOCATION = @D.S.E"),
        (inside(C::IcebergTable, "IT"), "CREATE ICEBERG TABLE D.S.IT (A NUMBER)"),
        (inside(C::Sequence, "SQ"), "CREATE SEQUENCE D.S.SQ"),
        (routine(C::Function, "F"), "CREATE FUNCTION D.S.F(A NUMBER) RETURNS NUMBER AS 'A'"),
        (
            routine(C::Procedure, "P"),
            "CREATE PROCEDURE D.S.P(A NUMBER) RETURNS NUMBER LANGUAGE SQL AS 'A'",
        ),
        (Securable::global(C::Warehouse, id("WH")), ""),
        (inside(C::Stage, "I"), "CREATE STAGE D.S.I"),
        (inside(C::Stage, "E"), "CREATE STAGE D.S.E URL = 's3://b/'"),
        (inside(C::FileFormat, "FF"), "CREATE FILE FORMAT D.S.FF TYPE = CSV"),
        (inside(C::Stream, "ST"), "CREATE STREAM D.S.ST ON TABLE D.S.T"),
        (inside(C::Task, "TA"), "CREATE TASK D.S.TA AS SELECT 1"),
        (inside(C::Pipe, "PI"), "CREATE PIPE D.S.PI AS COPY INTO D.S.T FROM @D.S.I"),
        (Securable::global(C::Integration, id("IG")), "CREATE SECURITY INTEGRATION IG"),
        (inside(C::Tag, "TG"), "CREATE TAG D.S.TG"),
        (
            inside(C::MaskingPolicy, "MP"),
            "CREATE MASKING POLICY D.S.MP AS (A NUMBER) RETURNS NUMBER -> A",
        ),
        (
            inside(C::RowAccessPolicy, "RP"),
            "CREATE ROW ACCESS POLICY D.S.RP AS (A NUMBER) RETURNS BOOLEAN -> TRUE",
        ),
        (inside(C::Agent, "XANT"), "CREATE AGENT D.S.XANT"),
        (inside(C::AggregationPolicy, "XAPCY"), "CREATE AGGREGATION POLICY D.S.XAPCY"),
        (inside(C::Alert, "XART"), "CREATE ALERT D.S.XART"),
        (inside(C::AuthenticationPolicy, "XAPCY"), "CREATE AUTHENTICATION POLICY D.S.XAPCY"),
        (Securable::global(C::ComputePool, id("XCPOL")), "CREATE COMPUTE POOL XCPOL"),
        (Securable::global(C::Connection, id("XCON")), "CREATE CONNECTION XCON"),
        (inside(C::CortexSearchService, "XCSSCE"), "CREATE CORTEX SEARCH SERVICE D.S.XCSSCE"),
        (inside(C::Dataset, "XDET"), "CREATE DATASET D.S.XDET"),
        (inside(C::DbtProject, "XDPCT"), "CREATE DBT PROJECT D.S.XDPCT"),
        (inside(C::EventTable, "XETLE"), "CREATE EVENT TABLE D.S.XETLE"),
        (Securable::global(C::ExternalVolume, id("XEVME")), "CREATE EXTERNAL VOLUME XEVME"),
        (Securable::global(C::FailoverGroup, id("XFGUP")), "CREATE FAILOVER GROUP XFGUP"),
        (inside(C::GitRepository, "XGRRY"), "CREATE GIT REPOSITORY D.S.XGRRY"),
        (inside(C::ImageRepository, "XIRRY"), "CREATE IMAGE REPOSITORY D.S.XIRRY"),
        (inside(C::JoinPolicy, "XJPCY"), "CREATE JOIN POLICY D.S.XJPCY"),
        (inside(C::Model, "XMEL"), "CREATE MODEL D.S.XMEL"),
        (inside(C::NetworkRule, "XNRLE"), "CREATE NETWORK RULE D.S.XNRLE"),
        (Securable::global(C::NetworkPolicy, id("XNPCY")), "CREATE NETWORK POLICY XNPCY"),
        (inside(C::Notebook, "XNOK"), "CREATE NOTEBOOK D.S.XNOK"),
        (inside(C::PackagesPolicy, "XPPCY"), "CREATE PACKAGES POLICY D.S.XPPCY"),
        (inside(C::PasswordPolicy, "XPPCY"), "CREATE PASSWORD POLICY D.S.XPPCY"),
        (inside(C::PrivacyPolicy, "XPPCY"), "CREATE PRIVACY POLICY D.S.XPPCY"),
        (inside(C::ProjectionPolicy, "XPPCY"), "CREATE PROJECTION POLICY D.S.XPPCY"),
        (Securable::global(C::ReplicationGroup, id("XRGUP")), "CREATE REPLICATION GROUP XRGUP"),
        (Securable::global(C::ResourceMonitor, id("XRMOR")), "CREATE RESOURCE MONITOR XRMOR"),
        (inside(C::Secret, "XSET"), "CREATE SECRET D.S.XSET"),
        (inside(C::SemanticView, "XSVEW"), "CREATE SEMANTIC VIEW D.S.XSVEW AS SELECT 1 AS A"),
        (inside(C::Service, "XSCE"), "CREATE SERVICE D.S.XSCE"),
        (inside(C::SessionPolicy, "XSPCY"), "CREATE SESSION POLICY D.S.XSPCY"),
        (inside(C::Snapshot, "XSOT"), "CREATE SNAPSHOT D.S.XSOT"),
        (inside(C::StorageLifecyclePolicy, "XSLPCY"), "CREATE STORAGE LIFECYCLE POLICY D.S.XSLPCY"),
        (inside(C::Streamlit, "XSIT"), "CREATE STREAMLIT D.S.XSIT"),
        (Securable::global(C::User, id("XUER")), "CREATE USER XUER"),
        (inside(C::Workspace, "XWCE"), "CREATE WORKSPACE D.S.XWCE"),
        (inside(C::Type, "TY"), "CREATE TYPE D.S.TY AS NUMBER"),
        (inside(C::InteractiveTable, "YIT"), "CREATE INTERACTIVE TABLE D.S.YIT (A NUMBER)"),
        (inside(C::Contact, "YC"), "CREATE CONTACT D.S.YC"),
        (inside(C::McpServer, "YM"), "CREATE MCP SERVER D.S.YM"),
        (inside(C::Gateway, "YG"), "CREATE GATEWAY D.S.YG"),
        (inside(C::Experiment, "YX"), "CREATE EXPERIMENT D.S.YX"),
        (inside(C::OnlineFeatureTable, "YO"), "CREATE ONLINE FEATURE TABLE D.S.YO (A NUMBER)"),
        (inside(C::RestrictedSessionScope, "YR"), "CREATE RESTRICTED SESSION SCOPE D.S.YR"),
        (inside(C::ArtifactRepository, "YA"), "CREATE ARTIFACT REPOSITORY D.S.YA"),
        (inside(C::ApplicationService, "YS"), "CREATE APPLICATION SERVICE D.S.YS"),
        (inside(C::SnapshotPolicy, "YP"), "CREATE SNAPSHOT POLICY D.S.YP"),
        (inside(C::SnapshotSet, "YT"), "CREATE SNAPSHOT SET D.S.YT"),
        (Securable::global(C::ApplicationPackage, id("YK")), "CREATE APPLICATION PACKAGE YK"),
    ]
}

/// What can be granted on the object: a stage is internal or external, a database a share's or not.
fn privileges(on: &Securable) -> PrivilegeSet {
    let all = dialect::of(DialectKind::Snowflake).privileges_of(on.class());
    let but = |without: &[&str]| {
        all.iter().filter(|p| !without.contains(&p.as_str())).collect::<PrivilegeSet>()
    };
    match (on.class(), on.name().map(Ident::as_str)) {
        (ObjectClass::Stage, Some("I")) => but(&["USAGE"]),
        (ObjectClass::Stage, _) => but(&["READ", "WRITE"]),
        (ObjectClass::Database, Some("SNOWFLAKE")) => [Privilege::IMPORTED].into_iter().collect(),
        (ObjectClass::Database, _) => but(&["IMPORTED PRIVILEGES"]),
        _ => all,
    }
}

fn scope() -> Scope {
    Scope {
        deployment: "d".into(),
        environment: "e".into(),
        instance: None,
        every_instance: false,
        database: None,
        schemas: BTreeSet::from([(id("D"), id("S"))]),
    }
}

async fn make(
    warehouse: &mut rolecall::warehouse::snowflake::Snowflake,
    changes: &[Change],
) -> Result<(), WarehouseError> {
    warehouse.prepare(&scope())?;
    warehouse.begin().await?;
    let made = warehouse.execute(changes).await;
    warehouse.commit().await?;
    made
}

/// What R holds, by object and privilege.
async fn held(
    warehouse: &mut rolecall::warehouse::snowflake::Snowflake,
) -> (BTreeSet<(String, String)>, BTreeSet<(Ident, String)>) {
    let look = Look {
        deployment: "d".into(),
        environments: BTreeSet::new(),
        roles: BTreeSet::from([id("R")]),
        schemas: BTreeSet::from([(id("D"), id("S"))]),
        relations: BTreeSet::new(),
        users: BTreeSet::new(),
        ..Look::default()
    };
    let observed = warehouse.observe(&look).await.unwrap();
    let name = |on: &Securable| format!("{} {on}", on.class());
    let entries = observed.acl.iter().filter(|entry| entry.grantee == id("R"));
    let held = entries.flat_map(|entry| {
        entry.privileges.iter().map(|privilege| (name(&entry.on), privilege.to_string()))
    });
    (held.collect(), observed.unsupported)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_table_is_granted_read_back_and_revoked() {
    let Some(standin) = account() else { return };
    let mut objects = objects();
    let classes: BTreeSet<ObjectClass> = objects.iter().map(|(on, _)| on.class()).collect();
    let snowflake = dialect::of(DialectKind::Snowflake);
    for class in ObjectClass::ALL {
        assert_eq!(!snowflake.privileges_of(class).is_empty(), classes.contains(&class), "{class}");
    }
    objects.push((Securable::database(id("SNOWFLAKE")), ""));
    let mut made: Vec<&str> =
        objects.iter().map(|(_, sql)| *sql).filter(|s| !s.is_empty()).collect();
    // What others are made from comes first.
    made.sort_by_key(|sql| {
        (
            !sql.contains("DATABASE"),
            !sql.contains("SCHEMA"),
            sql.contains(" ON ") || sql.contains('@'),
        )
    });
    standin.sql(&made);
    standin.sql(&["CREATE ROLE R", "GRANT ROLE ACCOUNTADMIN TO ROLE DEPLOYER"]);
    // MANAGE GRANTS on databases and schemas.
    standin.sql(&["ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'"]);
    let mut warehouse = connect(&standin).await;

    let mut grants = Vec::new();
    let mut expected = BTreeSet::new();
    for (on, _) in &objects {
        // READ before WRITE, and gone after it.
        for privilege in privileges(on).iter() {
            expected.insert((format!("{} {on}", on.class()), privilege.to_string()));
            let privileges = [privilege].into_iter().collect();
            grants.push(Change::Grant { on: on.clone(), role: id("R"), privileges });
        }
    }
    let mut refused = Vec::new();
    for grant in &grants {
        if let Err(error) = make(&mut warehouse, std::slice::from_ref(grant)).await {
            refused.push(format!("{}: {error}", grant.brief()));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let (there, unknown) = held(&mut warehouse).await;
    let lacks: Vec<_> = expected.difference(&there).collect();
    let more: Vec<_> = there.difference(&expected).collect();
    assert!(lacks.is_empty() && more.is_empty(), "{lacks:#?} {more:#?} {unknown:#?}");
    assert!(unknown.is_empty(), "{unknown:#?}");

    for grant in grants.iter().rev() {
        let Change::Grant { on, role, privileges } = grant.clone() else { unreachable!() };
        make(&mut warehouse, &[Change::Revoke { on, role, privileges, grantor: None }])
            .await
            .unwrap();
    }
    assert_eq!(held(&mut warehouse).await.0, BTreeSet::new());
}
