//! Which commits bring the approvals of a change, and who signed them; what CODEOWNERS said before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::approvals::{Approved, Carrier, Evidence, approvals};
use super::git::{Answer, Git, Range};
use super::{codeowners, codeowners_file};
use crate::config::{Config, parse};

/// Whoever signed a commit.
#[derive(Debug)]
pub(super) struct Signer {
    /// The name; where the key has none, the address.
    pub name: String,
    /// The address that git knows the key by.
    pub address: String,
    /// Whether git calls the signature good, and the key is one person's.
    pub is_verified: bool,
}

impl Git {
    /// What there is for these approvals. `before` is the configuration at the base.
    ///
    /// # Errors
    /// git fails.
    pub fn evidence(
        &self,
        range: &Range,
        before: &Config,
        brought: &BTreeSet<Approved>,
    ) -> Answer<Evidence> {
        if brought.is_empty() {
            return Ok(Evidence::default());
        }
        let mut under_owners = BTreeSet::new();
        for product in brought.iter().map(|(product, _, _)| product).collect::<BTreeSet<_>>() {
            if self.is_under_owners(&range.base, before, product)? {
                under_owners.insert(product.clone());
            }
        }
        let carriers = self.carriers(range, brought)?;
        Ok(Evidence { carriers, under_owners, distrust: self.distrust(range)? })
    }

    fn carriers(
        &self,
        range: &Range,
        brought: &BTreeSet<Approved>,
    ) -> Answer<BTreeMap<Approved, Vec<Carrier>>> {
        let span = format!("{}..{}", range.base, range.head);
        let log = self.must(&["rev-list", "--parents", &span])?;
        let mut read: BTreeMap<String, BTreeSet<Approved>> = BTreeMap::new();
        let mut carriers: BTreeMap<Approved, Vec<Carrier>> = BTreeMap::new();
        for line in log.lines() {
            let mut commits = line.split_whitespace();
            let Some(commit) = commits.next() else { continue };
            let own = self.approvals_at(commit, &mut read)?;
            let parents: Vec<&str> = commits.collect();
            let mut old = Vec::new();
            for parent in &parents {
                old.push((*parent, self.approvals_at(parent, &mut read)?));
            }
            let mut brings = BTreeSet::new();
            for one in own.into_iter().filter(|one| brought.contains(one)) {
                if self.is_brought(&one, &old, &mut read)? {
                    brings.insert(one);
                }
            }
            let mut signer = None;
            for one in brings {
                if signer.is_none() {
                    signer = Some(self.signer(commit)?);
                }
                let signer = signer.clone().flatten();
                let carrier = Carrier { commit: commit.to_owned(), signer };
                carriers.entry(one).or_default().push(carrier);
            }
        }
        Ok(carriers)
    }

    /// Whether a commit with these parents brings an approval that it has: none of them has it, or one
    /// of them has taken it out since they parted, which a merge leaves so by itself.
    fn is_brought(
        &self,
        one: &Approved,
        parents: &[(&str, BTreeSet<Approved>)],
        read: &mut BTreeMap<String, BTreeSet<Approved>>,
    ) -> Answer<bool> {
        let (with, without): (Vec<_>, Vec<_>) =
            parents.iter().partition(|(_, approvals)| approvals.contains(one));
        if with.is_empty() {
            return Ok(true);
        }
        for (has, _) in &with {
            for (lacks, _) in &without {
                let bases = self.ask(&["merge-base", "--all", has, lacks])?.unwrap_or_default();
                for base in bases.lines() {
                    if self.approvals_at(base.trim(), read)?.contains(one) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The approvals at a commit; each state of the files is read once.
    fn approvals_at(
        &self,
        commit: &str,
        read: &mut BTreeMap<String, BTreeSet<Approved>>,
    ) -> Answer<BTreeSet<Approved>> {
        let path = |name: &str| format!("{}{name}", self.prefix);
        let names = ["rolecall", "rolecall.yml", "rolecall.yaml"].map(path);
        let [folder, root, other] = &names;
        let key = self.must(&["ls-tree", "-z", "--full-tree", commit, folder, root, other])?;
        if let Some(known) = read.get(&key) {
            return Ok(known.clone());
        }
        let side = self.side(commit, &[])?;
        let found = approvals(&parse(&side.config).0.unwrap_or_default());
        read.insert(key, found.clone());
        Ok(found)
    }

    /// Whose signature a commit bears, where git calls it good; of "Name <address>" the address.
    fn signer(&self, commit: &str) -> Answer<Option<String>> {
        if self.ask(&["verify-commit", commit])?.is_none() {
            return Ok(None);
        }
        let said =
            self.must(&["log", "-1", "--no-show-signature", "--format=%G?%x1f%GS", commit])?;
        let Some((good, signer)) = said.trim().split_once('\u{1f}') else { return Ok(None) };
        // `U` is a good signature by somebody whom nobody vouches for.
        if good != "G" || signer.trim().is_empty() {
            return Ok(None);
        }
        let address = signer.rsplit_once('<').map(|(_, rest)| rest.trim_end_matches('>'));
        Ok(Some(address.unwrap_or(signer).trim().to_owned()))
    }

    /// Everybody whom a signature that git does not call bad is by: a key may have several names.
    pub(super) fn signers(&self, commit: &str, distrusted: bool) -> Answer<Vec<Signer>> {
        let said =
            self.must(&["log", "-1", "--no-show-signature", "--format=%G?%x1f%GS", commit])?;
        let Some((good, signer)) = said.trim().split_once('\u{1f}') else { return Ok(Vec::new()) };
        if matches!(good, "N" | "B" | "E") || signer.trim().is_empty() {
            return Ok(Vec::new());
        }
        let address = |address: &str| address.trim().to_owned();
        if let Some((name, rest)) = signer.rsplit_once('<') {
            let (name, address) = (name.trim().to_owned(), address(rest.trim_end_matches('>')));
            let is_verified = !distrusted && self.signer(commit)?.is_some();
            return Ok(vec![Signer { name, address, is_verified }]);
        }
        let is_verified = !distrusted && !signer.contains(',') && self.signer(commit)?.is_some();
        let each = signer.split(',').map(address);
        Ok(each.map(|address| Signer { name: address.clone(), address, is_verified }).collect())
    }

    /// Why no signature of the change counts: it brings the list of who is known itself.
    pub(super) fn distrust(&self, range: &Range) -> Answer<Option<String>> {
        let asked = ["config", "--type=path", "--get", "gpg.ssh.allowedSignersFile"];
        let (Some(list), Some(top)) =
            (self.ask(&asked)?, self.ask(&["rev-parse", "--show-toplevel"])?)
        else {
            return Ok(None);
        };
        let list = list.trim_end_matches('\n');
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let top = real(Path::new(top.trim_end_matches('\n')));
        let Ok(inside) = real(&self.folder.join(list)).strip_prefix(&top).map(Path::to_owned)
        else {
            return Ok(None);
        };
        let inside = inside.to_string_lossy().replace('\\', "/");
        let spec = format!(":(top,literal){inside}");
        let changed = self.must(&[
            "diff",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            &range.base,
            &range.head,
            "--",
            &spec,
        ])?;
        let why =
            format!("the change brings {inside} itself, the list of whose signatures are known");
        Ok((!changed.trim().is_empty()).then_some(why))
    }

    /// Whether the owners' code-owner rule held for a product's members file before the change: in
    /// every CODEOWNERS that is there, whichever of them the forge reads.
    fn is_under_owners(&self, base: &str, before: &Config, product: &str) -> Answer<bool> {
        let Some(product) = before.products.get(product) else { return Ok(false) };
        let Some(line) = codeowners::members_line(product, &self.prefix) else { return Ok(false) };
        let mut holds = Vec::new();
        for place in codeowners_file::PLACES {
            let Some(text) = self.ask(&["cat-file", "blob", &format!("{base}:{place}")])? else {
                continue;
            };
            let path = |end| format!("{}rolecall/members/{}.{end}", self.prefix, product.name);
            let both = ["yml", "yaml"].map(path);
            holds.push(both.iter().all(|path| codeowners_file::holds(&text, &line, path)));
        }
        Ok(!holds.is_empty() && holds.into_iter().all(|it| it))
    }
}
