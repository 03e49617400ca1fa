//! What is shown of names that could be anything, and of changes that are large.

use proptest::prelude::*;

use super::*;
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, Securable};

proptest! {
    #[test]
    fn whatever_a_name_holds_it_is_code_and_nothing_else(name in "[ -~\n\u{202e}é`|\\\\<>@#*_\\[\\]()!&;:/]{0,40}") {
        let shown = markdown::code(&name);
        let broken = shown.contains(['\n', '\u{202e}']);
        prop_assert!(!broken);
        match shown.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
            Some(inside) => prop_assert!(!inside.is_empty() && !inside.contains(['`', '|', '\\'])),
            None => {
                let inside = shown.strip_prefix("<code>").and_then(|it| it.strip_suffix("</code>"));
                let fits = |c: char| c.is_alphanumeric() || !c.is_ascii() || "&#; ".contains(c);
                prop_assert!(inside.is_some_and(|inside| inside.chars().all(fits)), "{}", shown);
            }
        }
    }
}

fn change(at: usize, tagged: bool) -> Change {
    let id = |name: String| Ident::new(name).unwrap();
    let on = Securable::in_schema(
        ObjectClass::Table,
        id("d".into()),
        id("s".into()),
        id(format!("relation_with_a_long_name_{at}")),
    );
    let node = Some(format!("model.shop.relation_with_a_long_name_{at}"));
    let person = |n: usize| Subject { kind: SubjectKind::Person, name: format!("person-{n}") };
    Change {
        what: What::Gains,
        permissions: Words {
            read: true,
            rest: PrivilegeSet::of(&[Privilege::TRUNCATE]),
            ..Words::default()
        },
        still_held: false,
        tags: tagged.then(|| "pii".to_owned()).into_iter().collect(),
        on: vec![Thing { node, before: None, after: Some(on) }],
        who: (0..200).map(|n| Who { subject: person(n), because: None }).collect(),
        more: 0,
        causes: vec![Cause {
            what: vec![Said::Words("let into".into()), Said::Name("sales.analyst".into())],
            places: (0..9).map(|n| format!("models/marts/some/folder/_models.yml:{n}")).collect(),
        }],
    }
}

#[test]
fn a_large_change_is_one_screen_and_fits_a_comment() {
    let changes: Vec<Change> = (0..3000).map(|at| change(at, at < 500)).collect();
    let heads = Heads { people: 200, ..Heads::default() };
    let part = Part { gaining: heads, losing: Heads::default(), nodes: 500 };
    let summary = Summary {
        gaining: heads,
        nodes: 3000,
        first_tags: vec!["pii".into()],
        tagged: part,
        changes,
        ..Summary::default()
    };
    let text = markdown::text(&summary, "prod", ("main", "change"), &[]);
    assert!(text.chars().count() < 65_536, "{}", text.chars().count());
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    assert_eq!(text.matches("<details>").count(), 2);
    let mut depth = 0;
    let mut shown = 0;
    for line in text.lines() {
        depth += line.matches("<details>").count();
        shown += usize::from(depth == 0 && !line.is_empty());
        depth -= line.matches("</details>").count();
    }
    assert!(shown <= 20, "{shown} lines are not folded");
    let head = text.lines().next().unwrap();
    assert_eq!(head, "### Access in `prod`: 200 people gain");
    assert!(text.contains("<summary>492 changes on 492 objects more with these tags</summary>"));
    let under = super::text::under_a_plan(&summary, DialectKind::Postgres);
    assert!(under.lines().count() < 40, "{under}");
}

#[test]
fn nothing_is_said_in_one_line() {
    let summary = Summary { first_tags: vec!["pii".into()], ..Summary::default() };
    insta::assert_snapshot!(markdown::text(&summary, "prod", ("a", "b"), &[]), @r"
    ### Access in `prod`: nobody gains or loses

    Nobody gains or loses access from `a` to `b`.
    ");
    let said = super::text::text(&summary, "Access in prod", 9);
    assert_eq!(said, "Access in prod: nobody gains or loses\n");
}
