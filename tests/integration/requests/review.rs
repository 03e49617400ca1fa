//! Whether an approval is more than a claim: signed commits and code owners in real repositories.

use std::process::Command;

use super::{MEMBERS, ask, by, members_text, request_text, site};
use crate::rules::site::Site;

fn git(site: &Site, who: &str, arguments: &[&str]) {
    let email = format!("user.email={who}@acme.example");
    let done = Command::new("git")
        .arg("-C")
        .arg(site.path(""))
        .args(["-c", &format!("user.name={who}"), "-c", &email, "-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A key of somebody's, outside of the repository; false where there is no ssh-keygen.
fn key(keys: &std::path::Path, who: &str) -> bool {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"])
        .arg(keys.join(who))
        .output();
    made.is_ok_and(|made| made.status.success())
}

fn signed(site: &Site, keys: &std::path::Path, who: &str, message: &str) {
    let key = format!("user.signingkey={}", keys.join(who).display());
    git(site, who, &["add", "rolecall.yml", "rolecall"]);
    git(site, who, &["-c", &key, "commit", "-q", "-S", "-m", message]);
}

/// A repository whose git knows jane's and taylor's keys.
async fn repository() -> Option<(Site, tempfile::TempDir)> {
    let site = site(&[]).await;
    let keys = tempfile::tempdir().unwrap();
    let mut known = String::new();
    for who in ["jane", "taylor", "eve"] {
        if !key(keys.path(), who) {
            eprintln!("skipped: there is no ssh-keygen");
            return None;
        }
        let public = std::fs::read_to_string(keys.path().join(format!("{who}.pub"))).unwrap();
        if who != "eve" {
            known.push_str(&format!("{who}@acme.example {public}"));
        }
    }
    let allowed = keys.path().join("allowed");
    std::fs::write(&allowed, known).unwrap();
    git(&site, "jane", &["init", "-q"]);
    git(&site, "jane", &["config", "gpg.format", "ssh"]);
    git(&site, "jane", &["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    git(&site, "jane", &["add", "rolecall.yml", "rolecall"]);
    git(&site, "jane", &["commit", "-qm", "first"]);
    git(&site, "jane", &["checkout", "-qb", "change"]);
    Some((site, keys))
}

const CHECK: [&str; 3] = ["check", "--base", "main"];

#[tokio::test]
async fn an_approval_counts_when_the_owner_signs_the_commit_that_brings_it() {
    let Some((site, keys)) = repository().await else { return };
    let id = ask(&site, "taylor", &[]);
    git(&site, "taylor", &["add", "rolecall"]);
    git(&site, "taylor", &["commit", "-qm", "please"]);
    by(&site, "x", &CHECK).ends(0);
    by(&site, "jane", &["approve", &id]).ends(0);
    signed(&site, keys.path(), "jane", "approved");
    // Whoever asked wrote a commit of it, too.
    by(&site, "x", &CHECK)
        .ends(0)
        .says("taylor into p.analyst, approved by jane@acme.example (signed)");
    // A commit after it changes nothing about who brought it.
    std::fs::write(site.path("rolecall/members/p.yml"), format!("# more\n{}", members_text(&site)))
        .unwrap();
    git(&site, "taylor", &["commit", "-qam", "a comment"]);
    by(&site, "x", &CHECK).ends(0).says("(signed)");
    let json = by(&site, "x", &[&CHECK[..], &["--format", "json"]].concat()).ends(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["approvals"][0]["how"], "signed");
    // Taken out and brought back by somebody else, it is no longer only the owner's.
    let approved = members_text(&site);
    std::fs::write(site.path("rolecall/members/p.yml"), MEMBERS).unwrap();
    git(&site, "taylor", &["commit", "-qam", "out"]);
    std::fs::write(site.path("rolecall/members/p.yml"), approved).unwrap();
    git(&site, "taylor", &["commit", "-qam", "in"]);
    by(&site, "x", &CHECK).ends(4).says("error[approval-not-verified]");
}

#[tokio::test]
async fn a_signature_verifies_its_signer_and_nobody_else() {
    let Some((site, keys)) = repository().await else { return };
    // Jane's name stands in the commit, and the key is taylor's, who lets himself in.
    by(&site, "x", &["member", "add", "p", "analyst", "--user", "taylor"]).ends(0);
    let key = format!("user.signingkey={}", keys.path().join("taylor").display());
    git(&site, "jane", &["add", "rolecall"]);
    git(&site, "jane", &["-c", &key, "commit", "-q", "-S", "-m", "for taylor"]);
    by(&site, "x", &CHECK)
        .ends(4)
        .says("by jane <jane@acme.example> (claimed)")
        .says("by taylor@acme.example (signature verified)")
        .says("error[author-admitted]");
    let json = by(&site, "x", &[&CHECK[..], &["--format", "json"]].concat()).ends(4);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let said: Vec<_> = json["authors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["email"], one["signature"]))
        .collect();
    assert_eq!(said, [r#""jane@acme.example" "claimed""#, r#""taylor@acme.example" "verified""#]);
}

#[tokio::test]
async fn a_claim_by_anybody_else_does_not_count() {
    for signer in [None, Some("taylor"), Some("eve")] {
        let Some((site, keys)) = repository().await else { return };
        let id = ask(&site, "taylor", &[]);
        by(&site, "jane", &["approve", &id]).ends(0);
        match signer {
            Some(signer) => signed(&site, keys.path(), signer, "approved"),
            None => {
                git(&site, "jane", &["add", "rolecall"]);
                git(&site, "jane", &["commit", "-qm", "approved"]);
            }
        }
        by(&site, "x", &CHECK)
            .ends(4)
            .says("error[approval-not-verified]: the approval by jane@acme.example is only claimed")
            .says("git commit -S")
            .says("rolecall codeowners");
    }
}

#[tokio::test]
async fn a_change_that_brings_its_own_list_of_signers_proves_nothing() {
    let Some((site, keys)) = repository().await else { return };
    let public = std::fs::read_to_string(keys.path().join("eve.pub")).unwrap();
    std::fs::write(site.path("rolecall.signers"), format!("jane@acme.example {public}")).unwrap();
    let list = site.path("rolecall.signers");
    git(&site, "eve", &["config", "gpg.ssh.allowedSignersFile", list.to_str().unwrap()]);
    let id = ask(&site, "taylor", &[]);
    by(&site, "jane", &["approve", &id]).ends(0);
    git(&site, "eve", &["add", "rolecall.signers"]);
    signed(&site, keys.path(), "eve", "approved");
    by(&site, "x", &CHECK)
        .ends(4)
        .says("error[approval-not-verified]")
        .says("the change brings rolecall.signers itself");
}

#[tokio::test]
async fn under_the_owners_rule_the_forge_asks_them() {
    let site = site(&[]).await;
    std::fs::create_dir(site.path(".github")).unwrap();
    let rules = by(&site, "x", &["codeowners", "--platform", "@acme/platform"]).ends(0).out;
    std::fs::write(site.path(".github/CODEOWNERS"), &rules).unwrap();
    let add = ["add", "rolecall.yml", "rolecall", ".github"];
    git(&site, "max", &["init", "-q"]);
    git(&site, "max", &add);
    git(&site, "max", &["commit", "-qm", "first"]);
    git(&site, "max", &["checkout", "-qb", "change"]);
    let id = ask(&site, "taylor", &[]);
    by(&site, "jane", &["approve", &id]).ends(0);
    git(&site, "taylor", &["add", "rolecall"]);
    git(&site, "taylor", &["commit", "-qm", "approved"]);
    by(&site, "x", &CHECK).ends(0).says("(under the owners' code-owner rule)");
    // A rule that comes with the change, or is overruled before it, is none.
    git(&site, "max", &["checkout", "-q", "main"]);
    std::fs::write(site.path(".github/CODEOWNERS"), format!("{rules}*.yml @acme/platform\n"))
        .unwrap();
    git(&site, "max", &add);
    git(&site, "max", &["commit", "-qm", "everything is the platform's"]);
    git(&site, "max", &["checkout", "-q", "change"]);
    git(&site, "max", &["rebase", "-q", "main"]);
    by(&site, "x", &CHECK).ends(4).says("error[approval-not-verified]");
    std::fs::write(site.path(".github/CODEOWNERS"), &rules).unwrap();
    git(&site, "taylor", &["add", ".github"]);
    git(&site, "taylor", &["commit", "-qm", "mine"]);
    by(&site, "x", &CHECK).ends(4).says("error[approval-not-verified]");
}

#[tokio::test]
async fn request_and_entry_say_the_same() {
    let Some((site, keys)) = repository().await else { return };
    let id = ask(&site, "taylor", &["--until", "2027-01-31"]);
    by(&site, "jane", &["approve", &id]).ends(0);
    let longer = members_text(&site).replace("2027-01-31", "2028-01-31");
    std::fs::write(site.path("rolecall/members/p.yml"), longer).unwrap();
    signed(&site, keys.path(), "jane", "longer than was asked");
    by(&site, "x", &CHECK)
        .ends(4)
        .says("error[approval-without-request]")
        .says("error[approval-without-entry]");
    assert!(request_text(&site, &id).contains("state: approved"));
}

#[tokio::test]
async fn a_merge_that_brings_back_what_its_owner_took_out_is_no_approval() {
    let Some((site, keys)) = repository().await else { return };
    let id = ask(&site, "taylor", &[]);
    by(&site, "jane", &["approve", &id]).ends(0);
    signed(&site, keys.path(), "jane", "approved");
    let approved = members_text(&site);
    // The main branch goes on: merging it is nobody's approval, and takes none away.
    git(&site, "max", &["checkout", "-q", "main"]);
    std::fs::write(site.path("README.md"), "more\n").unwrap();
    git(&site, "max", &["add", "README.md"]);
    git(&site, "max", &["commit", "-qm", "more"]);
    git(&site, "max", &["checkout", "-q", "change"]);
    git(&site, "max", &["merge", "-q", "--no-edit", "main"]);
    by(&site, "x", &CHECK).ends(0).says("(signed)");
    // Jane takes it back; taylor merges the state before it, and keeps what that says.
    git(&site, "taylor", &["branch", "mine"]);
    std::fs::write(site.path("rolecall/members/p.yml"), MEMBERS).unwrap();
    signed(&site, keys.path(), "jane", "taken back");
    by(&site, "x", &CHECK).says("approval-without-entry");
    let back = |message: &str| {
        std::fs::write(site.path("rolecall/members/p.yml"), &approved).unwrap();
        git(&site, "taylor", &["add", "rolecall"]);
        git(&site, "taylor", &["commit", "-qm", message]);
    };
    git(&site, "taylor", &["checkout", "-q", "mine"]);
    std::fs::write(site.path("NEWS.md"), "mine\n").unwrap();
    git(&site, "taylor", &["add", "NEWS.md"]);
    git(&site, "taylor", &["commit", "-qm", "news"]);
    git(&site, "taylor", &["merge", "-q", "--no-commit", "change"]);
    back("merged");
    let parents = Command::new("git")
        .arg("-C")
        .arg(site.path(""))
        .args(["rev-list", "--parents", "-1", "HEAD"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&parents.stdout).split_whitespace().count(), 3);
    by(&site, "x", &CHECK).ends(4).says("error[approval-not-verified]");
}

#[tokio::test]
async fn a_row_of_the_directory_in_the_repository_lets_in_nobody_who_wrote_it() {
    let site = site(&[]).await;
    let config = std::fs::read_to_string(site.path("rolecall.yml")).unwrap();
    std::fs::write(
        site.path("rolecall.yml"),
        format!("{config}directory: {{path: ./hr/people.csv, key: name}}\n"),
    )
    .unwrap();
    site.members("analyst:\n  - rule: \"user.team == 'bi'\"\n");
    std::fs::create_dir(site.path("hr")).unwrap();
    let people = |team: &str| {
        std::fs::write(site.path("hr/people.csv"), format!("name,team\nkim,{team}\njo,bi\n"))
            .unwrap();
    };
    people("sales");
    git(&site, "max", &["init", "-q"]);
    git(&site, "max", &["add", "rolecall.yml", "rolecall", "hr"]);
    git(&site, "max", &["commit", "-qm", "first"]);
    git(&site, "max", &["checkout", "-qb", "change"]);
    people("bi");
    git(&site, "kim", &["commit", "-qam", "I moved"]);
    by(&site, "x", &CHECK)
        .ends(4)
        .says(
            "error[author-admitted]: the rule in p.analyst, by the changed directory, lets in kim",
        )
        .says("hr/people.csv");
    // By somebody else it is what directories are for.
    git(&site, "max", &["commit", "-q", "--amend", "--reset-author", "--no-edit"]);
    by(&site, "x", &CHECK).ends(0);
}
