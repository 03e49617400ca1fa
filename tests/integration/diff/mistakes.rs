//! What cannot be compared, and names that would like to be more than names.

use super::Repository;
use crate::cli::Ended;

fn fails(said: &Ended, exit: i32, words: &[&str]) {
    assert_eq!(said.exit, exit, "{said:?}");
    for word in words {
        assert!(said.stderr.contains(word), "it does not say {word:?}: {}", said.stderr);
    }
}

#[test]
fn what_cannot_be_compared_says_what_to_give() {
    let repository = Repository::of("sales_analytics");
    let prod = ["-t", "prod"];
    let diff = |arguments: &[&str]| repository.diff(&[arguments, &prod].concat());
    fails(&diff(&[]), 2, &["what to compare is not said"]);
    let said = diff(&["--base", "mian"]);
    fails(&said, 1, &["error[unknown-revision]", "did you mean main?"]);
    let said = diff(&["--base", "main", "--head", "no"]);
    fails(&said, 1, &["error[unknown-revision]"]);
    let said = repository.diff(&["--from", "dev", "--to", "prd"]);
    fails(&said, 1, &["error[unknown-environment]", "did you mean prod?"]);
    let clinic = crate::binary::repository("dbt_fixtures/clinic/target/prod/manifest.json");
    let clinic = clinic.to_str().unwrap();
    let said = diff(&["--base", "main", "--base-manifest", clinic]);
    fails(&said, 1, &["error[different-projects]", "is shop, and the manifest of clinic"]);
    // Without dbt's work there is nothing to say what the models declare.
    repository.git(&["rm", "-rq", "--cached", "target"]);
    std::fs::write(repository.file(".gitignore"), "target/\n").unwrap();
    repository.git(&["add", ".gitignore"]);
    repository.git(&["commit", "-qm", "no manifest"]);
    let said = diff(&["--base", "HEAD"]);
    fails(&said, 1, &["error[no-manifest-of-revision]", "--base-manifest FILE", "--parse"]);
    let said = diff(&["--base", "HEAD", "--base-manifest", "target/prod/manifest.json"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.stdout.contains("nobody gains or loses"), "{said:?}");
    let nowhere = tempfile::tempdir().unwrap();
    let said = crate::cli::rolecall(nowhere.path(), &["diff", "--base", "main"]);
    fails(&said, 1, &["error[not-a-git-repository]"]);
}

#[test]
fn another_project_s_manifest_is_no_base() {
    let repository = Repository::of("sales_analytics");
    let text = std::fs::read_to_string(repository.file("target/prod/manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["metadata"]["project_name"] = "bakery".into();
    std::fs::write(repository.file("other.json"), manifest.to_string()).unwrap();
    let said = repository.diff(&["--base", "main", "--base-manifest", "other.json", "-t", "prod"]);
    fails(&said, 1, &["error[different-projects]", "bakery"]);
    let said = repository.diff(&["--base", "main", "--manifest", "other.json", "-t", "prod"]);
    fails(&said, 1, &["error[different-projects]", "bakery"]);
}

#[test]
fn a_project_that_had_no_rolecall_yet_begins_with_nothing() {
    let repository = Repository::of("sales_analytics");
    repository.git(&["checkout", "-q", "--orphan", "before"]);
    repository.git(&["rm", "-rqf", "--cached", "rolecall.yml", "rolecall"]);
    repository.git(&["commit", "-qm", "before"]);
    repository.git(&["checkout", "-qf", "-b", "after"]);
    repository.git(&["checkout", "-q", "main", "--", "."]);
    repository.commit("rolecall");
    let said = repository.diff(&["--base", "before", "-t", "prod"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.stderr.contains("has no rolecall.yml: all access is new"), "{said:?}");
    assert!(said.stdout.contains("gain") && !said.stdout.contains("lose"), "{said:?}");
}

#[test]
fn a_name_in_a_comment_stays_a_name() {
    let repository = Repository::of("sales_analytics");
    let members = "rolecall/members/sales_analytics.yml";
    let names = [
        r#"'"</td></table><img src=x onerror=alert(1)>"'"#,
        r#"'"a`|`b | @acme/all"'"#,
        r#"'"[x](https://evil.example)"'"#,
        r#"'"a\\|b #1"'"#,
    ];
    let entries: String = names.iter().map(|name| format!("  - user: {name}\n")).collect();
    repository.change(members, "analyst:\n", &format!("analyst:\n{entries}"));
    let said = repository.diff(&["--base", "HEAD", "-t", "prod", "--format", "markdown"]);
    assert_eq!(said.exit, 0, "{said:?}");
    let rows: Vec<&str> = said.stdout.lines().filter(|line| line.starts_with("| ➕")).collect();
    assert!(!rows.is_empty(), "{}", said.stdout);
    for row in rows {
        // What is code by backticks holds neither backticks nor bars; the rest holds no sign at all.
        let outside: String = row.split('`').step_by(2).collect();
        for sign in ["<img", "</td>", "https:", "@", "](", "\\"] {
            assert!(!outside.contains(sign), "{sign:?} in {row}");
        }
        assert_eq!(row.split('`').count() % 2, 1, "{row}");
        assert_eq!(row.matches('|').count(), 6, "{row}");
    }
}
