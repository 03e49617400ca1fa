//! What is wrong with a `selectors.yml`, as a person sees it.

use std::path::Path;

use super::read_selectors;

fn found(text: &str) -> String {
    let (selectors, found) = read_selectors(text, Path::new("selectors.yml"));
    assert_eq!(selectors.is_none(), found.has_errors());
    let lines = found.sorted().into_iter().map(|one| {
        let place = one.place.unwrap();
        let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!(
            "{}{line}: {} {}: {} ({})",
            place.file.display(),
            format!("{:?}", one.severity).to_lowercase(),
            one.code,
            one.message,
            one.help.unwrap()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn all_that_is_wrong_in_the_file_is_said_with_its_line() {
    insta::assert_snapshot!(found("\
selector: x
selectors:
  - name: a
    definition: {tags: x}
  - name: b
    definition: {method: tag}
  - name: c
    definition: {method: tag, value: [x, y]}
  - name: d
    definition: {union: [{exclude: [x]}, {exclude: [y]}]}
  - name: e
    definition: {union: [x], exclude: [y]}
  - name: f
    definition: {method: selector, value: g}
  - name: g
    definition: {method: tag, value: x, childrens_parents: true, children: true}
  - name: h
    definition: {method: tag, value: x, parents: true, parents_depth: many}
  - name: i
    definition: \"tag:{{ var('tag') }}\"
  - name: j
    definition: [x]
  - definition: x
  - name: k
  - name: l
    definition: {intersection: [{method: tag, value: x, exclude: [y]}]}
  - name: m
    definition: x
    default: true
  - name: m
    definition: {access: true}
    default: true
"), @r#"
selectors.yml:1: error bad-selectors-file: `selector` is no key of selectors.yml (it has `selectors:` (and `version: 2`))
selectors.yml:4: error bad-selectors-file: `tags` is no selection method (did you mean `tag:`? known methods: access, config, exposure, file, fqn, group, metric, package, path, resource_type, saved_query, semantic_model, source, tag, unit_test, version)
selectors.yml:6: error bad-selectors-file: `method` is no selection method (known methods: access, config, exposure, file, fqn, group, metric, package, path, resource_type, saved_query, semantic_model, source, tag, unit_test, version)
selectors.yml:8: error bad-selectors-file: `tag` cannot be a list (write one value; several are a `union`)
selectors.yml:10: error bad-selectors-file: `union` has two `exclude` (put both into one list)
selectors.yml:12: error bad-selectors-file: beside `union` or `intersection` stands something else (put an `exclude` inside the list)
selectors.yml:14: error bad-selectors-file: no selector is named "g" in selectors.yml above this one (the file has none)
selectors.yml:16: error bad-selectors-file: `childrens_parents` and `children` are both said (take one away: `childrens_parents` selects all children already)
selectors.yml:18: error bad-selectors-file: a depth cannot be the text "many" (write how many steps, such as 2)
selectors.yml:20: error bad-selectors-file: Jinja in selectors.yml is left to dbt (let dbt find the nodes: `dbt --quiet ls --selector NAME > nodes.txt`, then `--nodes nodes.txt`)
selectors.yml:22: error bad-selectors-file: a definition cannot be a list (write a text, a method, `union` or `intersection`)
selectors.yml:23: error bad-selectors-file: a selector has no `name` (write `name: …`)
selectors.yml:24: error bad-selectors-file: k has no `definition` (write `definition: …`)
selectors.yml:26: error bad-selectors-file: dbt takes a part of `intersection` with `exclude` in it for nothing but the exclusion (write `- exclude: […]` as a part of its own)
selectors.yml:31: error bad-selectors-file: `access` takes a text, not true (write one in quotes; several are a `union`)
selectors.yml:32: error bad-selectors-file: m and m are both the default (say `default: true` on one of them)
"#);
}

#[test]
fn a_key_that_dbt_ignores_is_worth_a_word() {
    insta::assert_snapshot!(found("\
selectors:
  - name: a
    definition: {method: tag, value: x, childrens: true}
"), @"selectors.yml:3: warning unknown-selector-key: dbt ignores `childrens` here (did you mean `children`?)");
}

#[test]
fn a_file_without_anything_has_no_selectors() {
    for text in ["", "# nothing\n", "selectors: []\n", "version: 2\nselectors: []\n"] {
        let (selectors, found) = read_selectors(text, Path::new("selectors.yml"));
        assert!(found.is_empty(), "{text}");
        let error = selectors.unwrap().get("x").unwrap_err();
        assert_eq!(error.help, "the file has none");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z:{}\\[\\]\"' \n@+-]{0,80}") {
        let (selectors, found) = read_selectors(&text, Path::new("s.yml"));
        assert_eq!(selectors.is_none(), found.has_errors());
        let wrapped = format!("selectors:\n  - name: a\n    definition: {{{text}}}\n");
        let _ = read_selectors(&wrapped, Path::new("s.yml"));
    }
}

#[test]
fn selectors_that_name_one_another_do_not_grow_without_end() {
    let text = (1..60).fold("selectors:\n  - {name: s0, definition: a}\n".to_owned(), |text, n| {
        let part = format!("{{method: selector, value: s{}}}", n - 1);
        format!("{text}  - {{name: s{n}, definition: {{union: [{part}, {part}]}}}}\n")
    });
    let first = found(&text).lines().next().unwrap_or_default().to_owned();
    assert!(first.contains("too large a selection"), "{first}");
}
