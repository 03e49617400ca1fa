//! Who made a change.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

/// How far an author is more than a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// Anybody can write any name into a commit.
    Claimed,
    /// git has verified the commit's signature, and it is theirs.
    Verified,
}

/// An author, a co-author, a committer, or whoever signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// Whether that is only claimed.
    pub signature: Signature,
    /// One of their commits.
    pub commit: String,
}

impl Author {
    /// Whether a member's name is theirs: by the address, the part of it before the `@`, or the name.
    /// On the safe side: two people of one name are taken for one.
    pub fn is(&self, member: &str) -> bool {
        let own: BTreeSet<String> =
            [&self.name, &self.email].into_iter().flat_map(|name| forms(name)).collect();
        forms(member).iter().any(|form| own.contains(form))
    }
}

/// Whether two addresses are one: to the letter but for case, as no other may pass for a signer's.
pub(super) fn is_address(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.trim_start_matches('@').to_lowercase();
    plain(one) == plain(other)
}

/// A name without case and quotes, and the part of an address before the `@`; GitHub writes
/// `123+name@users.noreply.github.com`.
fn forms(name: &str) -> Vec<String> {
    let whole = name.trim().trim_matches('"').to_lowercase();
    if whole.is_empty() {
        return Vec::new();
    }
    let local = whole.split_once('@').map(|(local, _)| local.to_owned());
    let behind_plus = local
        .as_deref()
        .and_then(|local| local.split_once('+'))
        .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|(_, name)| name.to_owned());
    [Some(whole), local, behind_plus].into_iter().flatten().filter(|it| !it.is_empty()).collect()
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, email, signature, commit: _ } = self;
        let how = match signature {
            Signature::Claimed => "claimed",
            Signature::Verified => "signature verified",
        };
        if name == email {
            return write!(f, "{email} ({how})");
        }
        write!(f, "{name} <{email}> ({how})")
    }
}
