//! `rolecall explain`

use clap::Args;

use super::asked::{self, AskedFlags, Subject};
use super::{Exit, Format, Global, output};
use crate::effect::{AsRole, Effect, Remedy};
use crate::model::{DialectKind, Ident, Privilege, Securable};
use crate::report::access::{self, Explained, May, Teller, WasIn, Way};
use crate::report::findings::one_line;
use crate::report::json;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A user or a group as an owner's file names them, a role of the warehouse, or product.role
    who: String,
    /// A model by its name, unique_id or relation
    node: String,
    /// What they are to be able to do, where it is asked why not
    #[arg(long, value_name = "PERMISSION", default_value = "read")]
    may: String,
    #[command(flatten)]
    asked: AskedFlags,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(mut asked) =
        asked::look(global, &arguments.asked, &arguments.node, Some(&arguments.who))?
    else {
        return Ok(Exit::Failed);
    };
    let Subject { node, on } = asked.subject(&arguments.node)?;
    let who = asked.somebody(&arguments.who)?;
    let wanted = asked.privileges(&arguments.may, &on)?;
    let effect = Effect::of(&asked.state);
    let declared = asked::declared(&asked.resolved)?;
    let declared = Effect::of(&declared);
    let teller = Teller { desired: &asked.resolved.desired, config: &asked.project.config };
    let role = effect.role(&who);
    let mut may = Vec::new();
    let mut way = Vec::new();
    if let Some(role) = &role {
        let all = asked.state.privileges_of(on.class()).iter().chain([Privilege::OWNERSHIP]);
        let all = all.filter_map(|p| of_role(role, &teller, &on, p, arguments.asked.all_reasons));
        may.extend(all);
        for (on, privilege) in effect.needed(&on) {
            let told = of_role(role, &teller, &on, privilege, false);
            let answer = role.answer(&on, privilege);
            let may = told.unwrap_or_else(|| teller.may(privilege, &answer, &[], None, None));
            way.push(Way { on, may });
        }
    }
    let usable = |p: Privilege| may.iter().any(|may| may.privilege == p && may.usable);
    let allowed = wanted.iter().all(usable);
    let desired = &asked.resolved.desired;
    let gates = &asked.resolved.gates;
    let key = on.relation_key().filter(|key| {
        let people = gates.people(key);
        people.is_some_and(|people| !people.contains(&who))
    });
    let not_admitted_by: Vec<&str> =
        key.as_ref().map(|key| gates.on(key).into_iter().collect()).unwrap_or_default();
    let told = Explained {
        version: json::VERSION,
        environment: &asked.project.environment,
        declared_only: arguments.asked.declared,
        dialect: asked.state.dialect,
        exists: role.is_some(),
        node: node.as_deref(),
        row_security: asked.state.find(&on).is_some_and(|(_, object)| object.row_security),
        // What is given there goes only to whom those policies admit: no grant would help.
        remedies: match not_admitted_by.as_slice() {
            [] => effect.remedies(&declared, desired, &who, &on, wanted),
            _ => Vec::new(),
        },
        not_admitted_by,
        ended: desired
            .ended
            .iter()
            .filter(|((_, member), _)| *member == who)
            .map(|((role, _), ended)| WasIn { role, ended })
            .collect(),
        is_in: role.as_ref().map(AsRole::is_in).unwrap_or_default(),
        who: &who,
        on: &on,
        may,
        way,
        permission: &arguments.may,
        allowed,
    };
    match global.format {
        Format::Json => output::data(&json::print(&told)?)?,
        _ => output::text(&text(&told))?,
    }
    Ok(Exit::Done)
}

/// A privilege of a role, with its reasons; `None` where it has none and gets none by SET ROLE.
fn of_role<'a>(
    role: &AsRole<'_, 'a>,
    teller: &Teller<'_>,
    on: &Securable,
    privilege: Privilege,
    all: bool,
) -> Option<May<'a>> {
    let answer = role.answer(on, privilege);
    let by = (!answer.usable()).then(|| role.usable_by_set_role(on, privilege)).flatten();
    let by = by.and_then(|other| {
        let one = role.reason_by_set_role(other, on, privilege);
        one.or_else(|| role.reason_by_all_roles(on, privilege))
    });
    let through = (!answer.usable()).then(|| role.through(on, privilege)).flatten();
    if !answer.privilege && by.is_none() && through.is_none() {
        return None;
    }
    let (reasons, whole) = match all {
        true => role.reasons(on, privilege),
        false => (role.reason(on, privilege).into_iter().collect(), true),
    };
    let may = teller.may(privilege, &answer, &reasons, by.as_ref(), through.as_ref());
    Some(May { more_reasons: !whole, ..may })
}

fn text(told: &Explained<'_>) -> String {
    let Explained { environment, who, on, permission, .. } = told;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&format!("{}\n", one_line(&text)));
    };
    let node = told.node.map(|node| format!(" ({node})")).unwrap_or_default();
    let only = if told.declared_only { ", by the declarations alone" } else { "" };
    line(format!("{who} on the {} {on}{node} in {environment}{only}", on.class()));
    if told.row_security {
        let by_others = told.may.iter().any(May::by_another);
        let others = if by_others { access::OTHERS_POLICIES } else { "" };
        line(format!("Row security is on: its policies decide which rows they see{others}."));
    }
    if !told.exists {
        line(format!("{who} is declared, and not a role of this server"));
    }
    for (privileges, use_, why) in access::lines(&told.may) {
        line(String::new());
        line(format!("{privileges}: {use_}"));
        for (at, chain) in why.iter().enumerate() {
            let also = if at == 0 { "" } else { "also " };
            line(format!("  {also}{who} → {chain}"));
        }
    }
    let steps =
        told.may.iter().flat_map(|may| may.reasons.iter().chain(&may.by_set_role)).flatten();
    let mut defined: Vec<String> = steps
        .filter(|step| !step.defined.is_empty())
        .filter_map(|step| {
            Some(format!("{}: {}", step.product_role.as_ref()?, step.defined.join(", ")))
        })
        .collect();
    defined.sort();
    defined.dedup();
    if !defined.is_empty() {
        line(String::new());
        line("products and product roles are defined in".to_owned());
        defined.into_iter().for_each(|text| line(format!("  {text}")));
    }
    if !told.may.is_empty() {
        line(String::new());
        line("on the way there".to_owned());
        for Way { on, may } in &told.way {
            let why = match may.reasons.first().or(may.by_set_role.as_ref()) {
                Some(chain) => format!("{who} → {}", access::chain(chain)),
                None => "missing".to_owned(),
            };
            line(format!("  {} on the {} {on}: {why}", may.privilege, on.class()));
        }
    }
    if !told.allowed {
        line(String::new());
        let but = told.may.iter().any(|may| may.through.is_some());
        let but = if but { ", but for what is said above" } else { "" };
        line(format!("{who} cannot {}{but}", phrase(permission)));
        if told.may.is_empty() {
            let is_in: Vec<&str> = told.is_in.iter().map(|role| role.as_str()).collect();
            line(match is_in.as_slice() {
                [] => {
                    "  they are in no role, and nothing is granted to them or to PUBLIC".to_owned()
                }
                roles => format!("  they are in {}, and none of these has it", roles.join(", ")),
            });
        }
        for WasIn { role, ended } in &told.ended {
            line(format!("  the entry for {role} ended on {} [{}]", ended.until, ended.place()));
        }
        match told.remedies.as_slice() {
            [] if !told.not_admitted_by.is_empty() => line(match told.not_admitted_by.as_slice() {
                [one] => format!(
                    "  the policy {one} is always required there and does not admit {who}: that comes first"
                ),
                several => format!(
                    "  the policies {} are always required there and not all of them admit {who}: that comes first",
                    several.join(", ")
                ),
            }),
            [] => {
                line("  no declared product role has it: declare one on the node first".to_owned())
            }
            [first, others @ ..] => {
                line(format!(
                    "  the smallest change: {}",
                    remedy(first, who, permission, told.dialect)
                ));
                for other in others.iter().take(3) {
                    line(format!("  or: {}", remedy(other, who, permission, told.dialect)));
                }
            }
        }
    }
    out
}

fn phrase(permission: &str) -> String {
    match permission {
        "read" | "write" | "own" => format!("{permission} it"),
        "admin" => "do everything with its data".to_owned(),
        raw => format!("use {raw} on it"),
    }
}

fn remedy(remedy: &Remedy, who: &Ident, permission: &str, dialect: DialectKind) -> String {
    match remedy {
        Remedy::Apply => "it is declared; `rolecall apply` makes it so".to_owned(),
        Remedy::SetRole { role } => {
            format!("nothing: after {} {role} they can", access::set_role(dialect))
        }
        Remedy::Inherit { role, member } => format!(
            "{member} is in {role} without inheriting from it: GRANT it WITH INHERIT TRUE, or ALTER \
             ROLE … INHERIT before PostgreSQL 16"
        ),
        Remedy::Mend { lacks, role } => {
            let lacks: Vec<String> = lacks.iter().map(access::lack).collect();
            format!("{role} has the privilege; mend what is in the way: {}", lacks.join("; "))
        }
        Remedy::LetIn { product, product_role, role, relations } => format!(
            "let {who} into {role}: an entry under `{product_role}:` in \
             rolecall/members/{product}.yml; they gain {}",
            crate::report::count(*relations, "relation")
        ),
        Remedy::Declare { product, product_role, role, others } => format!(
            "declare `{product}.{product_role}: [{permission}]` on the node, if its `may` allows it: \
             {who} is in {role}, by which {} gain it too",
            match others {
                1 => "1 other would".to_owned(),
                others => format!("{others} others would"),
            }
        ),
    }
}
