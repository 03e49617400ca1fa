//! Product roles and the names they get in an environment.

use std::collections::BTreeMap;

use super::Inputs;
use crate::config::template::{self, TemplateContext, TemplateKind};
use crate::config::{Product, ProductRole};
use crate::model::{DesiredState, Diagnostic, Diagnostics, Ident, Marker};

/// One product role of one product, in the environment that is resolved.
pub(super) struct RoleHere<'a> {
    pub(super) name: Ident,
    pub(super) product: &'a str,
    pub(super) declared: &'a ProductRole,
}

/// Product → product role → its role here.
pub(super) type RolesHere<'a> = BTreeMap<&'a str, BTreeMap<&'a str, RoleHere<'a>>>;

/// The product roles of a product: those of every product, and its own, which go first.
pub(super) fn roles_of<'a>(
    inputs: &Inputs<'a>,
    product: &'a Product,
) -> BTreeMap<&'a str, &'a ProductRole> {
    let shared = &inputs.config.product_roles;
    shared.iter().chain(&product.product_roles).map(|(name, role)| (name.as_str(), role)).collect()
}

/// What tells developers apart who share a target: the `target.*` values in the role template.
pub(super) fn instance(inputs: &Inputs) -> Option<String> {
    let used = template::uses_target(&inputs.environment.role_name.value);
    let value = |part: &str| match part {
        "name" => Some(inputs.target.name.clone()),
        "schema" => inputs.target.schema.clone(),
        "database" => inputs.target.database.clone(),
        _ => None,
    };
    let values: Vec<String> =
        used.iter().map(|part| format!("{part}={:?}", value(part).unwrap_or_default())).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

pub(super) fn name_roles<'a>(
    inputs: &Inputs<'a>,
    deployment: &str,
    instance: Option<&str>,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) -> RolesHere<'a> {
    let mut here = RolesHere::new();
    let mut taken: BTreeMap<Ident, Taken> = BTreeMap::new();
    for (product_name, product) in &inputs.config.products {
        for (role_name, declared) in roles_of(inputs, product) {
            let title = product.title.as_deref();
            let named = warehouse_name(inputs, (product_name, title), role_name);
            let (name, rendered) = match named {
                Ok(both) => both,
                Err(problem) => {
                    found.push(*problem);
                    continue;
                }
            };
            let this = Taken { product: product_name, role: role_name, rendered };
            if let Some(other) = taken.get(&name) {
                found.push(name_twice(inputs, &name, other, &this));
                continue;
            }
            taken.insert(name.clone(), this);
            let marker = Marker {
                deployment: deployment.to_owned(),
                environment: inputs.environment.name.clone(),
                instance: instance.map(str::to_owned),
                product: product_name.clone(),
                role: role_name.to_owned(),
                policy: None,
                immutable: false,
                playbook: None,
                adopted: false,
            };
            desired.roles.insert(name.clone(), marker.into());
            let role = RoleHere { name, product: product_name, declared };
            here.entry(product_name).or_default().insert(role_name, role);
        }
    }
    here
}

/// Who has a name already, and how the template wrote it.
struct Taken<'a> {
    product: &'a str,
    role: &'a str,
    rendered: String,
}

fn name_twice(inputs: &Inputs, name: &Ident, first: &Taken, second: &Taken) -> Diagnostic {
    let environment = &inputs.environment.name;
    let template = &inputs.environment.role_name;
    let mut message = format!(
        "the product roles {}.{} and {}.{} both get the name {name} in {environment}",
        first.product, first.role, second.product, second.role
    );
    let help = if first.rendered != second.rendered {
        message += &format!(
            ": {} folds {} and {} to it",
            inputs.dialect.kind(),
            first.rendered,
            second.rendered
        );
        "rename one of the two, or put the template's name in double quotes to keep its case"
    } else if first.product != second.product && !template.value.contains("product.") {
        "use {{ product.name }} in role_name"
    } else if first.product == second.product && !template.value.contains("role.") {
        "use {{ role.name }} in role_name"
    } else {
        "rename one of the two, or separate the parts of role_name by something that no name has"
    };
    Diagnostic::error("role-name-twice", message).with_place(template.place.clone()).with_help(help)
}

/// What the role of a product role would be called here; `product` with its title. `None` where no
/// warehouse could have that name.
pub fn product_role_name(
    inputs: &Inputs,
    product: (&str, Option<&str>),
    role: &str,
) -> Option<Ident> {
    warehouse_name(inputs, product, role).ok().map(|(name, _)| name)
}

/// The name as the warehouse stores it, and as the template wrote it.
fn warehouse_name(
    inputs: &Inputs,
    (product, title): (&str, Option<&str>),
    role: &str,
) -> Result<(Ident, String), Box<Diagnostic>> {
    let template = &inputs.environment.role_name;
    let context = TemplateContext {
        product_name: Some(product),
        product_title: title,
        role_name: Some(role),
        ..inputs.target.context(&inputs.environment.name)
    };
    let rendered = template::render(template, TemplateKind::Role, &context).map_err(Box::new)?;
    let problem = |code, message: String, help: &str| {
        Box::new(
            Diagnostic::error(code, format!("{message} (product role {product}.{role})"))
                .with_place(template.place.clone())
                .with_help(help),
        )
    };
    let name = inputs.dialect.fold(&rendered).map_err(|error| {
        problem(
            "bad-role-name",
            format!("role_name gives {rendered:?}: {error}"),
            "mend the template",
        )
    })?;
    inputs.dialect.longest_name(&name).map_err(|why| {
        problem(
            "role-name-too-long",
            format!("role_name gives a name that is too long: {why}"),
            "shorten the template, the product's name or the product role's",
        )
    })?;
    if let Some(why) = inputs.dialect.reserved(&name) {
        return Err(problem(
            "reserved-name",
            format!("role_name gives {name}: {why}"),
            "change role_name, so that the name begins with something else",
        ));
    }
    Ok((name, rendered))
}
