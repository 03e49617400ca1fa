use proptest::prelude::*;

use super::*;

fn located(text: &str) -> Located<String> {
    let source = format!("role_name: {text:?}");
    let place =
        Place { file: "f.yml".into(), line: Some(1), column: Some(12), source: Some(source) };
    Located { value: text.to_owned(), place }
}

fn context<'v>() -> TemplateContext<'v> {
    TemplateContext {
        env_name: Some("prod"),
        product_name: Some("sales"),
        product_title: Some("Sales <& Co>"),
        role_name: Some("analyst"),
        user_name: Some("taylor"),
        group_name: Some("AD_SALES"),
        policy_name: Some("stewards"),
        target_name: Some("prod"),
        target_schema: Some("dbt_jo"),
        target_database: None,
    }
}

fn rendered(text: &str) -> String {
    match render(&located(text), TemplateKind::Role, &context()) {
        Ok(name) => name,
        Err(d) => format!("{}: {} ({})", d.code, d.message, d.help.unwrap()),
    }
}

fn checked(text: &str, kind: TemplateKind) -> String {
    check(&located(text), kind)
        .into_iter()
        .map(|d| {
            let column = d.place.unwrap().column.unwrap();
            format!("{column} {}: {} ({})\n", d.code, d.message, d.help.unwrap())
        })
        .collect()
}

#[test]
fn names_are_rendered_from_the_variables() {
    let name = "{{ env.name }}_{{ product.name }}_{{ role.name }}";
    insta::assert_snapshot!(rendered(name), @"prod_sales_analyst");
    insta::assert_snapshot!(rendered("{{ product.title }}"), @"Sales <& Co>");
    insta::assert_snapshot!(rendered("{% if env.name == 'prod' %}{{ role.name | upper | replace('A', 'B') }}{% else %}x{% endif %}"), @"BNBLYST");
    insta::assert_snapshot!(rendered("{{ product.title | lower | replace(' ', '_') }}{# why #}"), @"sales_<&_co>");
    insta::assert_snapshot!(rendered("{{ target.name ~ '_' ~ target.schema }}"), @"prod_dbt_jo");
    for kind in [TemplateKind::Role, TemplateKind::User, TemplateKind::Group] {
        for variable in kind.variables() {
            let all = kind.variables().iter().map(|v| format!("{{{{ {v} }}}}")).collect::<String>();
            assert_eq!(checked(&all, kind), "", "{variable}");
        }
    }
}

#[test]
fn a_misspelt_variable_is_found_in_every_branch() {
    insta::assert_snapshot!(checked("{% if env.nam == 'x' %}{{ product.nmae }}{% elif role.x %}{{ rol.name }}{% endif %}", TemplateKind::Role), @r#"
    19 unknown-variable: `role_name`: there is no variable `env.nam` (did you mean `env.name`? known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    39 unknown-variable: `role_name`: there is no variable `product.nmae` (did you mean `product.name`? known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    74 unknown-variable: `role_name`: there is no variable `rol.name` (did you mean `role.name`? known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    62 unknown-variable: `role_name`: there is no variable `role.x` (known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    "#);
    insta::assert_snapshot!(checked("{{ env['name'] }}{{ product }}{{ product.name.upper() }}", TemplateKind::Role), @r#"
    16 unknown-variable: `role_name`: there is no variable `env` (write it with a dot: `env.name`)
    33 unknown-variable: `role_name`: there is no variable `product` (write it with a dot: `product.name` or `product.title`)
    46 unknown-variable: `role_name`: there is no variable `product.name.upper` (known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    "#);
    insta::assert_snapshot!(checked("{{ user.name }}{{ product.name }}", TemplateKind::User), @"31 unknown-variable: `user_name`: there is no variable `product.name` (known are `env.name`, `user.name`, `target.name`, `target.schema`, `target.database`)");
    insta::assert_snapshot!(checked("{{ range(3) }}{{ self.x() }}{{ loop.index }}", TemplateKind::Role), @r#"
    44 unknown-variable: `role_name`: there is no variable `loop.index` (known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    16 unknown-variable: `role_name`: there is no variable `range` (known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`)
    "#);
}

#[test]
fn a_misspelt_filter_is_found_in_every_branch() {
    insta::assert_snapshot!(checked("{% if env.name == 'a|b' %}{{ role.name | upperr }}{% endif %}", TemplateKind::Role), @"54 invalid-template: `role_name`: there is no filter `upperr` (did you mean `upper`? known are `lower`, `upper`, `title`, `capitalize`, `trim`, `replace`)");
    insta::assert_snapshot!(checked("{{ role.name | replace('a') }}", TemplateKind::Role), @"12 invalid-template: `role_name`: missing argument (look at the filters and what they are given)");
    insta::assert_snapshot!(checked("a | b {{ role.name }}", TemplateKind::Role), @"");
}

#[test]
fn nothing_loops_assigns_includes_or_grows() {
    insta::assert_snapshot!(checked("{% for x in product.name %}{{ role.name }}{% endfor %}", TemplateKind::Role), @r#"
    16 invalid-template: `role_name`: `{% for %}` is not known here (use text, {{ variables }}, filters and {% if … %} only)
    58 invalid-template: `role_name`: `{% endfor %}` is not known here (use text, {{ variables }}, filters and {% if … %} only)
    "#);
    insta::assert_snapshot!(checked("{%- set x = role.name -%}{{ x }}{% include 'y' %}", TemplateKind::Role), @r#"
    17 invalid-template: `role_name`: `{% set %}` is not known here (use text, {{ variables }}, filters and {% if … %} only)
    48 invalid-template: `role_name`: `{% include %}` is not known here (use text, {{ variables }}, filters and {% if … %} only)
    "#);
    insta::assert_snapshot!(checked("{{ role.name * 1000000000 }}", TemplateKind::Role), @"26 invalid-template: `role_name`: `*` is not known here (use text, {{ variables }}, filters and {% if … %} only)");
    insta::assert_snapshot!(checked(&"x".repeat(3000), TemplateKind::Role), @"12 invalid-template: `role_name`: the template is longer than 2000 bytes (shorten it)");
    let doubling = format!("{{{{ role.name{} }}}}", " | replace('a', 'aa')".repeat(80));
    insta::assert_snapshot!(rendered(&doubling), @"invalid-template: `role_name`: invalid operation: the name grows too long (look at the filters and what they are given)");
    insta::assert_snapshot!(checked("{{ role.name | indent(99999999999) }}", TemplateKind::Role), @"28 invalid-template: `role_name`: there is no filter `indent` (known are `lower`, `upper`, `title`, `capitalize`, `trim`, `replace`)");
}

#[test]
fn a_template_that_is_not_one_is_said() {
    insta::assert_snapshot!(checked("{{ role.name }", TemplateKind::Role), @"26 invalid-template: `role_name`: syntax error: unexpected `}`, expected end of variable block (write text, {{ variables }} and {% if … %}…{% endif %})");
    insta::assert_snapshot!(checked("{% if env.name %}x", TemplateKind::Role), @"30 invalid-template: `role_name`: syntax error: unexpected end of input, expected end of block (write text, {{ variables }} and {% if … %}…{% endif %})");
    insta::assert_snapshot!(checked("{{ }}", TemplateKind::Role), @"16 invalid-template: `role_name`: syntax error: unexpected end of variable block (write text, {{ variables }} and {% if … %}…{% endif %})");
    insta::assert_snapshot!(checked(" {{ role.name }}\n", TemplateKind::Role), @"12 invalid-template: `role_name`: the template begins or ends with white space (write it in quotes on one line)");
    insta::assert_snapshot!(checked("ci", TemplateKind::User), @"12 invalid-template: `user_name`: the template does not use `user.name`: everyone would get one name (put {{ user.name }} into it)");
}

#[test]
fn a_name_that_no_warehouse_should_get_is_refused() {
    insta::assert_snapshot!(rendered("{% if env.name == 'dev' %}x{% endif %}"), @r#"invalid-template: `role_name`: the name "" is empty (change the template or what it uses)"#);
    insta::assert_snapshot!(rendered(" {{ role.name }}"), @r#"invalid-template: `role_name`: the name " analyst" begins or ends with white space (change the template or what it uses)"#);
    insta::assert_snapshot!(rendered("a\nb"), @r#"invalid-template: `role_name`: the name "a\nb" holds a line break or another control character (change the template or what it uses)"#);
    insta::assert_snapshot!(rendered("a\u{202e}b"), @r#"invalid-template: `role_name`: the name "a\u{202e}b" holds an invisible character, so that it can look like another name (change the template or what it uses)"#);
    insta::assert_snapshot!(rendered(&"x".repeat(1001)), @r#"invalid-template: `role_name`: the name "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… is longer than 1000 characters (shorten the template or what it uses)"#);
    insta::assert_snapshot!(rendered("{{ target.database }}"), @"invalid-template: `role_name`: `target.database` has no value (name the dbt target (`--target`) and where it deploys, or use `env.name`)");
    insta::assert_snapshot!(rendered("{{ product.nam }}"), @"invalid-template: `role_name`: undefined value: `product.nam` is undefined (look at the filters and what they are given)");
    let untitled = TemplateContext { product_title: None, ..context() };
    let error = render(&located("{{ product.title }}"), TemplateKind::Role, &untitled).unwrap_err();
    insta::assert_snapshot!(format!("{} ({})", error.message, error.help.unwrap()), @"`role_name`: `product.title` has no value (give the product a `title`, or use `product.name`)");
}

#[test]
fn the_parts_of_the_target_that_a_template_uses_are_known() {
    let parts = |text: &str| uses_target(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(parts("{{ env.name }}"), "");
    assert_eq!(parts("{{ target.schema }}"), "schema");
    assert_eq!(
        parts(
            "{% if env.name == 'x' %}{{ target.name }}{% else %}{{ target.database | upper }}{% endif %}"
        ),
        "database name"
    );
    assert_eq!(parts("{{ target['schema'] }}"), "database name schema");
    assert_eq!(parts("target.schema {{ 'target.schema' }}"), "");
    assert_eq!(parts("{{"), "");
}

proptest! {
    #[test]
    fn any_template_is_rendered_or_refused(
        text in "([a-z .|'\"*~()\\[\\]+%#{}-]|\\{\\{|\\}\\}|\\{%|%\\}|if |endif|role\\.name|\\||ü|\\\\){0,30}"
    ) {
        let template = located(&text);
        let wrong = check(&template, TemplateKind::Role).has_errors();
        let name = render(&template, TemplateKind::Role, &context());
        uses_target(&text);
        if let Ok(name) = name {
            prop_assert!(!name.is_empty() && name.trim() == name);
        } else if !wrong {
            // Right in itself, but not here: only for want of a value, or for an unfit name.
            let message = name.unwrap_err().message;
            prop_assert!(message.contains("the name ") || message.contains("has no value"), "{message}");
        }
    }

    #[test]
    fn plain_text_is_its_own_name(text in "[a-zA-Z0-9_üß🦀-]{1,40}") {
        prop_assert_eq!(rendered(&text), text);
    }
}
