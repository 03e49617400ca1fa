//! Declared permissions into privileges on each node's relation, within what the role may.

use std::collections::BTreeSet;

use super::Inputs;
use super::nodes::{ManagedNode, placed};
use super::policies::{Gates, Namer, Source};
use super::roles::{RoleHere, RolesHere, roles_of};
use crate::config::{Located, ProductRole};
use crate::declare::{Declaration, NodeDeclarations};
use crate::dialect::Dialect;
use crate::model::diagnostic::nearest;
use crate::model::{
    DesiredOwner, DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, ObjectClass,
    Privilege, PrivilegeSet, Reason, Securable,
};

/// What permission words give on one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Power {
    pub(super) privileges: PrivilegeSet,
    pub(super) own: bool,
}

impl Power {
    pub(super) fn union(self, other: Self) -> Self {
        Self { privileges: self.privileges.union(other.privileges), own: self.own || other.own }
    }
    pub(super) fn minus(self, other: Self) -> Self {
        Self { privileges: self.privileges.minus(other.privileges), own: self.own && !other.own }
    }
    fn within(self, other: Self) -> Self {
        Self {
            privileges: self.privileges.intersection(other.privileges),
            own: self.own && other.own,
        }
    }
    pub(super) fn is_empty(self) -> bool {
        let Self { privileges, own } = self;
        privileges.is_empty() && !own
    }
    pub(super) fn words(self) -> String {
        match (self.privileges.is_empty(), self.own) {
            (false, true) => format!("{}, ownership", self.privileges),
            (true, true) => "ownership".to_owned(),
            (_, false) => self.privileges.to_string(),
        }
    }
}

/// What a permission word gives on a class; `None` where the class does not have the privilege.
pub(super) fn expand(dialect: &dyn Dialect, word: &str, class: ObjectClass) -> Option<Power> {
    let privileges = match word {
        "read" => dialect.read_on(class),
        "write" => dialect.write_on(class),
        "admin" => dialect.data_privileges_of(class),
        "own" => return Some(Power { privileges: PrivilegeSet::EMPTY, own: true }),
        raw => {
            let privilege = Privilege::parse(raw)?;
            if !dialect.privileges_of(class).contains(privilege) {
                return None;
            }
            PrivilegeSet::of(&[privilege])
        }
    };
    Some(Power { privileges, own: false })
}

/// The most that `may` allows on a class: words that say nothing there give nothing there. Who may
/// own may have every privilege, since an owner can grant them to itself.
fn most(dialect: &dyn Dialect, may: &[Located<String>], class: ObjectClass) -> Power {
    let power = may
        .iter()
        .filter_map(|word| expand(dialect, &word.value, class))
        .fold(Power::default(), Power::union);
    match power.own {
        true => Power { privileges: dialect.privileges_of(class), own: true },
        false => power,
    }
}

/// `may` of a role in general, and in this environment.
pub(super) fn bounds(inputs: &Inputs, role: &ProductRole, class: ObjectClass) -> (Power, Power) {
    let base = most(inputs.dialect, &role.may, class);
    let here = role
        .environments
        .get(&inputs.environment.name)
        .and_then(|narrowed| narrowed.may.as_ref())
        .map_or(base, |may| most(inputs.dialect, may, class));
    (base, here.within(base))
}

/// The words that a product role can be declared with on a class here, and what each gives; `read` and
/// `write` first, since they mean the same on whatever a node becomes.
pub fn declarable(
    inputs: &Inputs,
    product: &str,
    role: &str,
    class: ObjectClass,
) -> Vec<(String, PrivilegeSet)> {
    let Some(product) = inputs.config.products.get(product) else { return Vec::new() };
    let shared = inputs.config.product_roles.get(role);
    let Some(role) = product.product_roles.get(role).or(shared) else { return Vec::new() };
    let (base, here) = bounds(inputs, role, class);
    let raw = inputs.dialect.privileges_of(class).iter();
    let raw = raw.map(|privilege| privilege.as_str().to_ascii_lowercase());
    // All that there is of a view is little of the table that it may become.
    let admin = (class == ObjectClass::Table).then(|| "admin".to_owned());
    let words = ["read", "write"].into_iter().map(str::to_owned).chain(admin).chain(raw);
    words
        .filter_map(|word| {
            let power = expand(inputs.dialect, &word, class)?;
            let given = power.within(here).privileges;
            (power.minus(base).is_empty() && !given.is_empty()).then_some((word, given))
        })
        .collect()
}

/// Whether a product role can be declared to own what is of a class here.
pub fn may_own(inputs: &Inputs, product: &str, role: &str, class: ObjectClass) -> bool {
    let Some(product) = inputs.config.products.get(product) else { return false };
    let shared = inputs.config.product_roles.get(role);
    let role = product.product_roles.get(role).or(shared);
    role.is_some_and(|role| bounds(inputs, role, class).1.own)
}

/// Grants what is declared, checks what is wrong with it, and counts the permissions declared.
pub(super) fn grant_declared(
    inputs: &Inputs,
    nodes: &[ManagedNode],
    roles: &RolesHere,
    (namer, gates): (&Namer, &mut Gates),
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) -> usize {
    check_narrowing(inputs, roles, found);
    let mut declared_permissions = 0;
    for node in nodes {
        let Some(declared) = inputs.declarations.get(&node.unique_id) else { continue };
        for declaration in &declared.grants {
            declared_permissions += declaration.permissions.len();
            let role = find_role(inputs, node, declared, declaration, roles, found);
            if let (Some((product, role)), Some(on)) = (role, &node.relation) {
                let one = OneGrant { inputs, node, declaration, product, role, on };
                one.grant(namer, gates, desired, found);
            }
        }
    }
    grant_warehouses(inputs, roles, desired);
    declared_permissions
}

pub(super) fn find_role<'r, 'a>(
    inputs: &Inputs,
    node: &ManagedNode,
    declared: &NodeDeclarations,
    declaration: &Declaration,
    roles: &'r RolesHere<'a>,
    found: &mut Diagnostics,
) -> Option<(&'r str, &'r RoleHere<'a>)> {
    let wanted = &declaration.role;
    let place = declaration.place.as_ref().or(declared.place.as_ref());
    let mut problem = |code, message: String, help: String| {
        found.push(placed(
            Diagnostic::error(code, message)
                .with_node(&node.unique_id)
                .with_path(wanted.path())
                .with_help(help),
            place,
        ));
        None
    };
    // Also where another product's role is said in full: only a product gives its nodes to others.
    let Some(own) = node.product.as_deref() else {
        // A wrong `product:` has been reported already.
        if declared.product.is_some() {
            return None;
        }
        return problem(
            "no-product",
            format!("{} gives {wanted} access, but belongs to no product", node.unique_id),
            "say `product: NAME` in the block, or let a product's `outputs` select the node"
                .to_owned(),
        );
    };
    let product = wanted.product.as_deref().unwrap_or(own);
    let Some(config) = inputs.config.products.get(product) else {
        let known = inputs.config.products.keys().map(String::as_str);
        let help = nearest(product, known).map_or_else(
            || "define it under `products:` in rolecall.yml".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return problem(
            "unknown-product",
            format!(
                "{} gives {product}.{} access, but nobody defines the product {product}",
                node.unique_id, wanted.role
            ),
            help,
        );
    };
    let exists = |name: &String| {
        config.product_roles.contains_key(name) || inputs.config.product_roles.contains_key(name)
    };
    if !exists(&wanted.role) {
        let known = roles_of(inputs, config);
        let near = nearest(&wanted.role, known.keys().copied());
        let list = known.keys().copied().collect::<Vec<_>>().join(", ");
        let help = match near {
            Some(near) => format!("did you mean {near}? {product} has {list}"),
            None => format!("{product} has {list}"),
        };
        return problem(
            "unknown-product-role",
            format!(
                "{} gives {} access, which is no product role of {product}",
                node.unique_id, wanted.role
            ),
            help,
        );
    }
    // Absent only where its name is wrong, which has been reported.
    roles.get(config.name.as_str())?.get_key_value(wanted.role.as_str()).map(|(_, role)| {
        let product: &'r str = role.product;
        (product, role)
    })
}

struct OneGrant<'x, 'a> {
    inputs: &'x Inputs<'a>,
    node: &'x ManagedNode,
    declaration: &'x Declaration,
    product: &'x str,
    role: &'x RoleHere<'a>,
    on: &'x Securable,
}

impl OneGrant<'_, '_> {
    fn grant(
        &self,
        namer: &Namer,
        gates: &mut Gates,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let class = self.on.class();
        let (base, here) = bounds(self.inputs, self.role.declared, class);
        for word in &self.declaration.permissions {
            let Some(power) = self.expand(word, found) else { continue };
            let beyond = power.minus(base);
            if !beyond.is_empty() {
                found.push(self.beyond(word, beyond));
                continue;
            }
            let granted = power.within(here);
            let reason = self.reason(word);
            if granted.own {
                self.own(gates, desired, &reason, found);
            }
            // Whoever owns it needs the way there, too.
            if !granted.is_empty() {
                let source =
                    Source::product_role(&self.role.name, self.product, &self.role.declared.name);
                let holder = gates.holder(namer, &source, self.on, desired, found);
                let Some(holder) = holder else { continue };
                grant_with_way(
                    self.inputs.dialect,
                    desired,
                    self.on,
                    &holder,
                    granted.privileges,
                    &reason,
                );
            }
        }
    }

    fn expand(&self, word: &str, found: &mut Diagnostics) -> Option<Power> {
        let class = self.on.class();
        let dialect = self.inputs.dialect;
        let Some(power) = expand(dialect, word, class) else {
            found.push(
                self.place(Diagnostic::error(
                    "no-such-privilege",
                    format!("{word:?} is no privilege of a {class} on {}", dialect.kind()),
                ))
                .with_help(format!(
                    "one of read, write, admin, own, or {}",
                    dialect.privileges_of(class)
                )),
            );
            return None;
        };
        if word == "write" && power.is_empty() {
            found.push(
                self.place(Diagnostic::warning(
                    "write-on-view",
                    format!("{} is a {class}: `write` gives nothing there", self.on),
                ))
                .with_help("take `write` out, or declare it on the tables that it reads"),
            );
        }
        Some(power)
    }

    fn beyond(&self, word: &str, beyond: Power) -> Diagnostic {
        let may = &self.role.declared.may;
        let words: Vec<&str> = may.iter().map(|w| w.value.as_str()).collect();
        let error = self
            .place(Diagnostic::error(
                "beyond-may",
                format!(
                    "{}.{} gets `{word}` on {}, but may only [{}]; beyond that: {}",
                    self.product,
                    self.role.declared.name,
                    self.node.unique_id,
                    words.join(", "),
                    beyond.words()
                ),
            ))
            .with_help("declare less, or let the platform's side widen `may`");
        error.with_also(self.role.declared.place.clone(), "the role's `may` stands here")
    }

    fn own(
        &self,
        gates: &Gates,
        desired: &mut DesiredState,
        reason: &Reason,
        found: &mut Diagnostics,
    ) {
        let required = self.on.relation_key().map(|key| gates.on(&key)).unwrap_or_default();
        if !required.is_empty() {
            let required: Vec<&str> = required.into_iter().collect();
            found.push(
                self.place(Diagnostic::error(
                    "own-under-policy",
                    format!(
                        "{} is declared to own {}, where the policy {} is always required: an owner goes round it",
                        self.role.name,
                        self.on,
                        required.join(", ")
                    ),
                ))
                .with_help("declare `admin` instead of `own`, or narrow the policy's `resources`"),
            );
            return;
        }
        let owner = desired
            .owners
            .entry(self.on.clone())
            .or_insert_with(|| DesiredOwner { role: self.role.name.clone(), because: Vec::new() });
        if owner.role != self.role.name {
            let message = format!(
                "{} and {} are both declared to own {}",
                owner.role, self.role.name, self.on
            );
            found.push(
                self.place(Diagnostic::error("two-owners", message))
                    .with_help("one role owns a relation; give the other `admin`"),
            );
            return;
        }
        owner.because.push(reason.clone());
        if self.inputs.dialect.kind() == DialectKind::Postgres
            && let (Some(database), Some(schema)) = (self.on.database_name(), self.on.schema_name())
        {
            // "the new owner must have CREATE privilege on the schema" (ALTER TABLE, PostgreSQL).
            desired.grant(
                Securable::schema(database.clone(), schema.clone()),
                self.role.name.clone(),
                PrivilegeSet::of(&[Privilege::CREATE]),
                reason,
            );
        }
    }

    fn place(&self, diagnostic: Diagnostic) -> Diagnostic {
        let diagnostic =
            diagnostic.with_node(&self.node.unique_id).with_path(self.declaration.role.path());
        placed(diagnostic, self.declaration.place.as_ref())
    }

    fn reason(&self, word: &str) -> Reason {
        let place = self.declaration.place.as_ref();
        Reason {
            node: Some(self.node.unique_id.clone()),
            file: place.map(|p| p.file.to_string_lossy().replace('\\', "/")),
            line: place.and_then(|p| p.line),
            permission: Some(word.to_owned()),
        }
    }
}

/// Grants on an object together with what leads to it: never one without the other.
pub(super) fn grant_with_way(
    dialect: &dyn Dialect,
    desired: &mut DesiredState,
    on: &Securable,
    role: &Ident,
    privileges: PrivilegeSet,
    reason: &Reason,
) {
    let (on_database, on_schema) = dialect.needs();
    if let Some(database) = on.database_name() {
        desired.grant(Securable::database(database.clone()), role.clone(), on_database, reason);
        if let Some(schema) = on.schema_name() {
            let schema = Securable::schema(database.clone(), schema.clone());
            desired.grant(schema, role.clone(), on_schema, reason);
        }
    }
    desired.grant(on.clone(), role.clone(), privileges, reason);
}

/// An environment's `may` only narrows: wider than the role's own is an error, on any class.
fn check_narrowing(inputs: &Inputs, roles: &RolesHere, found: &mut Diagnostics) {
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for role in roles.values().flat_map(|roles| roles.values()).map(|role| role.declared) {
        let Some(narrowed) = role.environments.get(&inputs.environment.name) else { continue };
        let Some(may) = &narrowed.may else { continue };
        for class in ObjectClass::ALL.into_iter().filter(|class| class.is_relation()) {
            let beyond =
                most(inputs.dialect, may, class).minus(most(inputs.dialect, &role.may, class));
            if !beyond.is_empty() && said.insert(&role.name) {
                found.push(
                    Diagnostic::error(
                        "may-wider",
                        format!(
                            "`may` of {} in {} goes beyond the role's own: {}",
                            role.name,
                            inputs.environment.name,
                            beyond.words()
                        ),
                    )
                    .with_place(narrowed.place.clone())
                    .with_also(role.place.clone(), "the role's own `may` stands here")
                    .with_help("an environment can only narrow a product role"),
                );
            }
        }
    }
}

fn grant_warehouses(inputs: &Inputs, roles: &RolesHere, desired: &mut DesiredState) {
    if inputs.dialect.kind() != DialectKind::Snowflake {
        return;
    }
    for role in roles.values().flat_map(|roles| roles.values()) {
        let narrowed = role.declared.environments.get(&inputs.environment.name);
        let warehouses =
            narrowed.and_then(|n| n.warehouses.as_ref()).unwrap_or(&role.declared.warehouses);
        for warehouse in warehouses {
            let Ok(name) = inputs.dialect.fold(&warehouse.value) else { continue };
            let reason = Reason {
                node: None,
                file: Some(warehouse.place.file.to_string_lossy().into_owned()),
                line: warehouse.place.line,
                permission: Some("warehouses".to_owned()),
            };
            desired.grant(
                Securable::global(ObjectClass::Warehouse, name),
                role.name.clone(),
                PrivilegeSet::of(&[Privilege::USAGE]),
                &reason,
            );
        }
    }
}
