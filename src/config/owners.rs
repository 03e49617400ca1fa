//! Who decides about a product's members, what can be asked for, and what an entry claims of both.

use std::collections::BTreeSet;

use super::names::check_fit;
use super::reader::{printable, suggest};
use super::template::{self, TemplateContext, TemplateKind};
use super::{
    Approval, Config, Environment, Located, Member, MemberEntry, Product, ProductRole, Request,
    RequestFile, RequestState, parse_request, until,
};
use crate::model::{Diagnostic, Diagnostics, MemberKind, is_name_of, is_same_person};

/// Whether an owner is a team (`@organisation/team`): whoever acts must be a person.
pub fn is_team(owner: &str) -> bool {
    owner.contains('/')
}

impl Product {
    /// The owner that a claimed name is. Case does not matter; what follows an `@` only where both
    /// have it. Teams are nobody by name.
    pub fn owner_named(&self, name: &str) -> Option<&Located<String>> {
        let domain = |text: &str| {
            let text = text.trim().trim_start_matches('@');
            text.split_once('@').map(|(_, domain)| domain.to_lowercase())
        };
        let is_it = |owner: &&Located<String>| {
            is_name_of(name, &owner.value)
                && match (domain(&owner.value), domain(name)) {
                    (Some(one), Some(other)) => one == other,
                    _ => true,
                }
        };
        let people = || self.owners.iter().filter(|owner| !is_team(&owner.value));
        // To the letter first: two owners may differ by what follows the `@`.
        people().find(|owner| owner.value == name).or_else(|| people().find(is_it))
    }

    /// Owners who can approve: people, as written.
    pub fn approvers(&self) -> impl Iterator<Item = &str> {
        self.owners.iter().map(|owner| owner.value.as_str()).filter(|owner| !is_team(owner))
    }
}

impl Config {
    /// The product roles of a product: its own, and those of every product.
    pub fn roles_of<'c>(&'c self, product: &'c Product) -> impl Iterator<Item = &'c ProductRole> {
        self.product_roles.values().chain(product.product_roles.values())
    }

    /// Those that can be asked for.
    pub fn offered<'c>(&'c self, product: &'c Product) -> impl Iterator<Item = &'c ProductRole> {
        self.roles_of(product).filter(|role| match &product.offers {
            None => true,
            Some(offers) => offers.iter().any(|offer| offer.value == role.name),
        })
    }

    /// Whether two names may be one person's: as they are written, or as any environment's template
    /// makes users of them.
    pub fn may_be_one_person(&self, one: &str, other: &str) -> bool {
        if is_same_person(one, other) {
            return true;
        }
        for (environment, template) in self.user_templates() {
            // What only adds to a name makes no two names one.
            if !template.value.contains(['|', '%']) {
                continue;
            }
            let forms = |name: &str| {
                let local = name.trim_start_matches('@').split('@').next().unwrap_or(name);
                let made = [
                    user_name(environment, template, name),
                    user_name(environment, template, local),
                ];
                made.into_iter().chain([Some(name.to_owned())]).flatten()
            };
            if forms(one).any(|one| forms(other).any(|other| is_same_person(&one, &other))) {
                return true;
            }
        }
        false
    }

    /// What the environments' templates make of a user's name.
    pub fn user_names(&self, name: &str) -> BTreeSet<String> {
        self.user_templates().filter_map(|(at, template)| user_name(at, template, name)).collect()
    }

    /// What the environments' templates make of a group's name.
    pub fn group_names(&self, name: &str) -> BTreeSet<String> {
        let each = self.environments.values().filter_map(|environment| {
            let context = TemplateContext {
                env_name: Some(&environment.name),
                target_name: Some(environment.target_name()),
                target_schema: Some("schema"),
                target_database: Some("database"),
                group_name: Some(name),
                ..TemplateContext::default()
            };
            template::render(environment.group_name.as_ref()?, TemplateKind::Group, &context).ok()
        });
        each.collect()
    }

    fn user_templates(&self) -> impl Iterator<Item = (&Environment, &Located<String>)> {
        self.environments
            .values()
            .filter_map(|environment| Some((environment, environment.user_name.as_ref()?)))
    }
}

/// What a template makes of a user's name; for schema and database stand words.
fn user_name(environment: &Environment, template: &Located<String>, name: &str) -> Option<String> {
    let context = TemplateContext {
        env_name: Some(&environment.name),
        target_name: Some(environment.target_name()),
        target_schema: Some("schema"),
        target_database: Some("database"),
        user_name: Some(name),
        ..TemplateContext::default()
    };
    template::render(template, TemplateKind::User, &context).ok()
}

/// Every product role that a product offers is one that it has.
pub(super) fn check_offers(config: &Config, diagnostics: &mut Diagnostics) {
    for product in config.products.values() {
        for offer in product.offers.iter().flatten() {
            let known: Vec<&str> =
                config.roles_of(product).map(|role| role.name.as_str()).collect();
            if known.contains(&offer.value.as_str()) {
                continue;
            }
            let what = format!(
                "the product `{}` has no product role `{}`",
                printable(&product.name),
                printable(&offer.value)
            );
            let help = suggest(&offer.value, known, "declare it under `product_roles`");
            diagnostics.push(
                Diagnostic::error("unknown-product-role", what)
                    .with_help(help)
                    .with_place(offer.place.clone()),
            );
        }
    }
}

/// Whoever is said to have approved an entry owns the product. Where they did once, as a request says
/// that names the same decision, that is told and stops nothing: nobody is shut out because an owner
/// left. Without `requests` nothing is looked up, for those who only read or edit.
pub(super) fn check_approvers(config: &Config, requests: Option<&[RequestFile]>) -> Diagnostics {
    let mut found = Diagnostics::default();
    for (product, role, entry, approval) in gone(config) {
        let by = printable(&approval.by);
        let known: Vec<&str> = product.approvers().collect();
        let request = approval.request.as_deref();
        let is_told = requests.is_none_or(|requests| {
            let mut of_it = requests.iter().filter(|file| Some(file.id().as_str()) == request);
            of_it.any(|file| {
                parse_request(file).0.is_some_and(|read| decides(&read, product, role, entry))
            })
        });
        let error = if is_told {
            let help = match request {
                Some(request) => format!(
                    "another owner approves it again: rolecall approve {}; or `rolecall member remove` takes it out",
                    printable(request)
                ),
                None => "take it out by `rolecall member remove`".to_owned(),
            };
            let what = format!("`{by}`, who approved it, does not own `{}` any more", product.name);
            Diagnostic::warning("approver-gone", what).with_help(help)
        } else {
            let what =
                format!("`{by}` is said to have approved it, and does not own `{}`", product.name);
            let help = suggest(&approval.by, known, "it has no owner who is a person");
            Diagnostic::error("not-an-owner", what).with_help(format!(
                "no request says that an owner approved it: take it out by `rolecall member remove`, and ask for it anew; {help}"
            ))
        };
        found.push(
            error.with_place(entry.place.clone()).with_also(product.place.clone(), "the product"),
        );
    }
    found
}

/// Entries whose approver owns the product no more, or never did.
pub(super) fn gone(
    config: &Config,
) -> impl Iterator<Item = (&Product, &str, &MemberEntry, &Approval)> {
    // Where there is no such product, that is said of the file.
    let of = |name: &String| config.products.get(name);
    let all = config.members.iter().filter_map(move |(name, roles)| Some((of(name)?, roles)));
    all.flat_map(|(product, roles)| {
        roles.iter().flat_map(move |(role, entries)| {
            entries.iter().filter_map(move |entry| {
                let approval = entry.approval.as_ref()?;
                let is_gone = product.owner_named(&approval.by).is_none();
                is_gone.then_some((product, role.as_str(), entry, approval))
            })
        })
    })
}

/// Whether a request says that the entry's approver let that user into that role.
fn decides(request: &Request, product: &Product, role: &str, entry: &MemberEntry) -> bool {
    let RequestState::Approved(decision) = &request.state else { return false };
    let Member::Named { kind: MemberKind::User, name } = &entry.member else { return false };
    (&request.product.value, request.role.value.as_str(), &request.user.value)
        == (&product.name, role, name)
        && entry.approval.as_ref().is_some_and(|approval| approval.by == decision.by)
}

/// What an entry says of its approval, as written.
pub(super) struct Claim<'e> {
    /// The member, where the entry is a user's.
    pub user: Option<&'e Located<String>>,
    pub by: Option<Located<String>>,
    pub at: Option<Located<String>>,
    pub request: Option<Located<String>>,
}

impl Claim<'_> {
    /// The approval, or what is wrong with it.
    pub fn check(self, config: &Config, diagnostics: &mut Diagnostics) -> Option<Approval> {
        let Self { user, by, at, request } = self;
        if let Some(at) = &at
            && let Err(why) = until::read(&at.value)
        {
            let what = format!("`approved_at` is `{}`: {why}", printable(&at.value));
            diagnostics.push(
                Diagnostic::error("invalid-approval", what)
                    .with_help("`rolecall approve` writes it, as 2027-01-31T18:00:00Z")
                    .with_place(at.place.clone()),
            );
        }
        let Some(by) = by else {
            if let Some(alone) = at.or(request) {
                let what = "the entry says that it was approved, and not by whom";
                diagnostics.push(
                    Diagnostic::error("invalid-approval", what)
                        .with_help("`rolecall approve` writes `approved_by`; without an approval leave `approved_at` and `request` out")
                        .with_place(alone.place),
                );
            }
            return None;
        };
        if let Some(unfit) = check_fit("the approver", &by) {
            diagnostics.push(unfit);
            return None;
        }
        match user {
            None => diagnostics.push(
                Diagnostic::error(
                    "invalid-approval",
                    "only a user's entry is approved: who is in a group or matches a rule changes",
                )
                .with_help(
                    "take `approved_by` out; the owner lets groups and rules in by the file itself",
                )
                .with_place(by.place.clone()),
            ),
            Some(user) if config.may_be_one_person(&user.value, &by.value) => diagnostics.push(
                Diagnostic::error(
                    "self-approval",
                    format!("`{}` is said to have approved it for themself", printable(&by.value)),
                )
                .with_help("another owner must approve it")
                .with_place(by.place.clone()),
            ),
            Some(_) => {}
        }
        Some(Approval {
            by: by.value,
            at: at.map(|at| at.value),
            request: request.map(|request| request.value),
        })
    }
}
