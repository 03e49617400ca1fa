//! The fixture that has each way in once: members by rule and until a day, policies of each kind. As
//! dbt builds it, and as people find it.

use crate::binary::{repository, rolecall, run};
use crate::dbt_build::Site;

const PEOPLE: [&str; 10] =
    ["ali", "ben", "rosa", "remo", "rick", "fay", "jenny", "ada", "devi", "noor"];

/// Who may read each model, and who may write it.
async fn seen(site: &Site) -> String {
    let mut lines = String::new();
    for model in ["dbt_care.visits", "dbt_care.notes", "dbt_care.patients", "dbt_billing.invoices"]
    {
        let (mut readers, mut writers) = (Vec::new(), Vec::new());
        for who in PEOPLE {
            if site.may(who, &format!("select * from {model}")).await {
                readers.push(who);
            }
            if site.may(who, &format!("delete from {model} where false")).await {
                writers.push(who);
            }
        }
        lines.push_str(&format!("{model}: read {readers:?}, write {writers:?}\n"));
    }
    lines
}

#[tokio::test]
async fn the_clinic_admits_whom_its_files_admit_and_nobody_else() {
    let Some(site) = Site::new("clinic", "CLINIC", "clinic").await else { return };
    for who in PEOPLE {
        site.sql(&format!("create role {who} login")).await;
    }
    site.sql("create role audit; grant audit to ada; create role rescue").await;
    site.build(&[]);
    let on = ["--as-of", "2026-11-22"];
    site.rolecall(&[&["apply"][..], &on].concat()).with(0);
    for command in [&["plan", "--check"][..], &["verify"]] {
        site.rolecall(&[command, &on].concat()).with(0);
    }
    insta::assert_snapshot!(seen(&site).await, @r#"
    dbt_care.visits: read ["ali", "ben", "rosa", "remo", "ada"], write ["ali", "ben"]
    dbt_care.notes: read ["ali", "ben", "rosa", "remo", "jenny"], write ["jenny"]
    dbt_care.patients: read ["ali", "rosa"], write []
    dbt_billing.invoices: read ["fay", "ada"], write []
    "#);
    let why =
        site.rolecall(&["explain", "ben", "patients", "--as-of", "2026-11-22"]).with(0).stdout;
    assert!(
        why.contains("the policy trained is always required there and does not admit ben"),
        "{why}"
    );
    assert!(!why.contains("smallest change"), "{why}");
    // What no file says is seen, too: whoever gets round a policy that is always required.
    let verify = [&["verify"][..], &on].concat();
    site.sql("grant select on dbt_care.patients to noor; grant update on dbt_care.patients to ali")
        .await;
    // A grant is no way in before the schema is open.
    site.rolecall(&verify).with(0);
    site.sql("grant usage on schema dbt_care to noor").await;
    let round = site.rolecall(&verify).with(4).stderr;
    assert_eq!(round.matches("error[way-round-policy]").count(), 1, "{round}");
    assert!(round.contains("noor has SELECT on clinic.dbt_care.patients"), "{round}");
    assert!(
        round.contains("not admitted by trained: granted by postgres, declared nowhere"),
        "{round}"
    );
    site.sql("revoke all on dbt_care.patients from noor, ali").await;
    site.sql(
        "create role night nologin; grant night to remo; grant usage on schema dbt_care to night;
         alter table dbt_care.patients owner to night",
    )
    .await;
    let round = site.rolecall(&verify).with(4).stderr;
    assert!(round.contains("remo has SELECT, INSERT"), "{round}");
    assert!(!round.contains("noor"), "{round}");
    site.sql("alter table dbt_care.patients owner to postgres").await;
    site.rolecall(&verify).with(0);
    // Ben's year is over, and rosa's training with it.
    let people = site.read("people.csv");
    site.write("people.csv", &people.replace("rosa,Research,EU,done", "rosa,Research,EU,"));
    let later = ["--as-of", "2027-01-01", "--allow-revokes", "9"];
    let plan = site.rolecall(&[&["plan"][..], &later].concat()).with(0).stdout;
    assert!(plan.contains("ended: until 2026-12-31"), "{plan}");
    site.rolecall(&[&["apply"][..], &later].concat()).with(0);
    insta::assert_snapshot!(seen(&site).await, @r#"
    dbt_care.visits: read ["ali", "rosa", "remo", "ada"], write ["ali"]
    dbt_care.notes: read ["ali", "rosa", "remo", "jenny"], write ["jenny"]
    dbt_care.patients: read ["ali"], write []
    dbt_billing.invoices: read ["fay", "ada"], write []
    "#);
    // No plan takes from an immutable policy, whatever its file says.
    let policies = site.read("rolecall/platform/policies.yml");
    let narrowed = policies.replace("select: \"visits invoices\"", "select: visits");
    assert_ne!(policies, narrowed);
    site.write("rolecall/platform/policies.yml", &narrowed);
    let refused = site.rolecall(&[&["apply"][..], &later].concat()).with(8);
    assert!(refused.stderr.contains("auditors"), "{}", refused.stderr);
}

#[test]
fn the_clinic_is_valid_without_any_connection() {
    for target in ["dev", "prod"] {
        let mut command = rolecall();
        command.args(["validate", "--as-of", "2026-11-22", "--target", target, "--project-dir"]);
        let said = run(command.arg(repository("dbt_fixtures/clinic"))).with(0);
        assert!(said.stdout.contains("2 of 8 people match, for care.analyst"), "{}", said.stdout);
    }
}
