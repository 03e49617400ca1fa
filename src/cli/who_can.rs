//! `rolecall who-can`

use std::collections::BTreeMap;

use clap::Args;

use super::asked::{self, AskedFlags, Subject};
use super::{Exit, Format, Global, output};
use crate::effect::{Effect, Step};
use crate::model::{DialectKind, Ident};
use crate::report::access::{self, May, Teller, Who, WhoCan};
use crate::report::findings::one_line;
use crate::report::{count, json};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// read, write, admin, own, or a raw privilege such as SELECT
    permission: String,
    /// A model by its name, unique_id or relation
    node: String,
    #[command(flatten)]
    asked: AskedFlags,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(mut asked) = asked::look(global, &arguments.asked, &arguments.node, None)? else {
        return Ok(Exit::Failed);
    };
    let Subject { node, on } = asked.subject(&arguments.node)?;
    let privileges = asked.privileges(&arguments.permission, &on)?;
    let effect = Effect::of(&asked.state);
    let teller = Teller { desired: &asked.resolved.desired, config: &asked.project.config };
    let mut holders: BTreeMap<&Ident, Vec<May<'_>>> = BTreeMap::new();
    for privilege in privileges.iter() {
        for holder in effect.who(&on, privilege) {
            let mut reasons: Vec<_> = holder.chain.into_iter().collect();
            let mut whole = true;
            if let (true, Some(role)) = (arguments.asked.all_reasons, effect.role(holder.role)) {
                (reasons, whole) = role.reasons(&on, privilege);
            }
            let by = holder.by_set_role.as_ref();
            let through = holder.through.as_ref();
            let may = teller.may(privilege, &holder.answer, &reasons, by, through);
            let may = May { more_reasons: !whole, ..may };
            holders.entry(holder.role).or_default().push(may);
        }
    }
    let who = |(who, may): (_, _)| Who {
        who,
        person: asked.state.roles.get(who).is_some_and(|role| role.attributes.login),
        product_role: access::product_role(&effect, who),
        may,
    };
    let told = WhoCan {
        version: json::VERSION,
        environment: &asked.project.environment,
        declared_only: arguments.asked.declared,
        dialect: asked.state.dialect,
        node: node.as_deref(),
        on: &on,
        row_security: asked.state.find(&on).is_some_and(|(_, object)| object.row_security),
        permission: &arguments.permission,
        holders: holders.into_iter().map(who).collect(),
    };
    match global.format {
        Format::Json => output::data(&json::print(&told)?)?,
        _ => output::text(&text(&told))?,
    }
    Ok(Exit::Done)
}

/// Held by everyone, and by nothing of one's own.
fn only_public(may: &May<'_>) -> bool {
    let public = |steps: &Vec<access::Told<'_>>| matches!(steps.as_slice(), [one] if matches!(one.step, Step::Grant { role: None, .. }));
    may.through.is_none() && !may.reasons.is_empty() && may.reasons.iter().all(public)
}

/// Takes out those who can something, and says how many.
fn taken(people: &mut Vec<&Who<'_>>, can: impl Fn(&May<'_>) -> bool) -> usize {
    let before = people.len();
    people.retain(|who| !who.may.iter().any(&can));
    before - people.len()
}

fn text(told: &WhoCan<'_>) -> String {
    let mut out = String::new();
    let node = told.node.map(|node| format!(" ({node})")).unwrap_or_default();
    let WhoCan { environment, on, permission, .. } = told;
    let class = on.class();
    let only = if told.declared_only { ", by the declarations alone" } else { "" };
    out.push_str(&one_line(&format!(
        "{permission} on the {class} {on}{node} in {environment}{only}"
    )));
    out.push('\n');
    if told.row_security {
        let by_others = told.holders.iter().flat_map(|who| &who.may).any(May::by_another);
        let others = if by_others { access::OTHERS_POLICIES } else { "" };
        out.push_str(&format!(
            "Row security is on: its policies decide which rows each of them sees{others}.\n"
        ));
    }
    let people = match told.dialect {
        DialectKind::Postgres => "people (roles that can log in)",
        DialectKind::Snowflake => "people (users)",
    };
    let by_public: Vec<_> =
        told.holders.iter().filter(|who| who.may.iter().all(only_public)).collect();
    if let Some(first) = by_public.first() {
        out.push_str("\neveryone\n");
        for (privileges, _, why) in access::lines(&first.may) {
            out.push_str(&format!("  {privileges}: {}\n", why.join("; ")));
        }
        let usable = by_public.iter().filter(|who| who.may.iter().any(|may| may.usable)).count();
        let others = count(by_public.len(), "role");
        out.push_str(&format!("  {others} by this alone, of which {usable} can use it\n"));
    }
    for (person, title) in [(true, people), (false, "roles")] {
        let these: Vec<_> = told
            .holders
            .iter()
            .filter(|who| who.person == person && !who.may.iter().all(only_public))
            .collect();
        if these.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{title}\n"));
        let rows: Vec<(String, Vec<_>)> = these
            .iter()
            .map(|who| {
                let role = who.product_role.as_ref();
                let role = role.map(|role| format!(" ({role})")).unwrap_or_default();
                (one_line(&format!("{}{role}", who.who)), access::lines(&who.may))
            })
            .collect();
        let width = |cells: &mut dyn Iterator<Item = usize>| cells.max().unwrap_or(0).min(64);
        let names = width(&mut rows.iter().map(|(name, _)| name.chars().count()));
        let words = rows.iter().flat_map(|(_, lines)| lines);
        let words = width(&mut words.map(|(privileges, ..)| privileges.chars().count()));
        for (name, lines) in rows {
            let mut name = name;
            for (privileges, use_, why) in lines {
                let mut head = format!("  {name:names$}  {privileges:words$}  {use_}");
                let mut why = why.iter();
                if let Some(first) = why.next() {
                    head.push_str(&format!("  {first}"));
                }
                out.push_str(head.trim_end());
                out.push('\n');
                for more in why {
                    let indent = " ".repeat(names + words + 6);
                    out.push_str(&format!("{indent}also: {more}\n"));
                }
                name.clear();
            }
        }
    }
    if told.holders.is_empty() {
        out.push_str("\nnobody\n");
    }
    let mut people: Vec<&Who<'_>> = told.holders.iter().filter(|who| who.person).collect();
    let all = match taken(&mut people, |may| may.reaches_all()) {
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    };
    out.push_str(&format!("\n{all} can use it"));
    for (more, how) in [
        (taken(&mut people, |may| may.reaches()), "a part of it"),
        (taken(&mut people, |may| may.can_be_taken()), "could give it to themselves, as owners"),
    ] {
        if more > 0 {
            out.push_str(&format!("; {more} more {how}"));
        }
    }
    out.push('\n');
    out
}
