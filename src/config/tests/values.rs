use super::{beside, root};

#[test]
fn names_are_plain() {
    insta::assert_snapshot!(beside("products: {finance.analyst: {}, 'a b': {}, '': {}, \"x\\ny\": {}}"), @r#"
    error[invalid-name]: the name of a product, `finance.analyst`, holds '.'
      --> rolecall.yml:3:12
       | products: {finance.analyst: {}, 'a b': {}, '': {}, "x\ny": {}}
       |            ^
      help: use letters a to z, digits, `_` and `-` only: a dot stands between a product and its role, as in `finance.analyst`, and any text can be a `title`
    error[invalid-name]: the name of a product, `a b`, holds a space
      --> rolecall.yml:3:33
       | products: {finance.analyst: {}, 'a b': {}, '': {}, "x\ny": {}}
       |                                 ^
      help: use letters a to z, digits, `_` and `-` only: a dot stands between a product and its role, as in `finance.analyst`, and any text can be a `title`
    error[invalid-name]: the name of a product is empty
      --> rolecall.yml:3:44
       | products: {finance.analyst: {}, 'a b': {}, '': {}, "x\ny": {}}
       |                                            ^
      help: use letters a to z, digits, `_` and `-` only: a dot stands between a product and its role, as in `finance.analyst`, and any text can be a `title`
    error[invalid-name]: the name of a product, `x\ny`, holds '\n'
      --> rolecall.yml:3:52
       | products: {finance.analyst: {}, 'a b': {}, '': {}, "x\ny": {}}
       |                                                    ^
      help: use letters a to z, digits, `_` and `-` only: a dot stands between a product and its role, as in `finance.analyst`, and any text can be a `title`
    "#);
    insta::assert_snapshot!(beside("products: {2024: {}, true: {}, ~: {}}"), @r#"
    error[key-not-text]: a key of `products` must be text, not the number 2024
      --> rolecall.yml:3:12
       | products: {2024: {}, true: {}, ~: {}}
       |            ^
      help: put it in quotes: "2024":
    error[key-not-text]: a key of `products` must be text, not the truth value true
      --> rolecall.yml:3:22
       | products: {2024: {}, true: {}, ~: {}}
       |                      ^
      help: put it in quotes
    error[key-not-text]: a key of `products` must be text, not nothing
      --> rolecall.yml:3:32
       | products: {2024: {}, true: {}, ~: {}}
       |                                ^
      help: put it in quotes
    "#);
}

#[test]
fn environments_promote_from_one_another_without_a_circle() {
    insta::assert_snapshot!(root("version: 1\nenvironments:\n  dev: {role_name: d, promote_from: prod}\n  prod: {role_name: p, promote_from: dev}\n  self: {role_name: s, promote_from: self}\n  next: {role_name: n, promote_from: dev}\n  lost: {role_name: l, promote_from: prdo}\n"), @r#"
    error[promotion-circle]: promotion goes in a circle: `dev` from `prod` from `dev`
      --> rolecall.yml:3:37
       |   dev: {role_name: d, promote_from: prod}
       |                                     ^
      help: remove one `promote_from`: the first environment has none
    error[promotion-circle]: promotion goes in a circle: `self` from `self`
      --> rolecall.yml:5:38
       |   self: {role_name: s, promote_from: self}
       |                                      ^
      help: remove one `promote_from`: the first environment has none
    error[unknown-environment]: there is no environment `prdo`
      --> rolecall.yml:7:38
       |   lost: {role_name: l, promote_from: prdo}
       |                                      ^
      help: did you mean `prod`? known are `dev`, `lost`, `next`, `prod`, `self`
    "#);
}

#[test]
fn two_environments_do_not_share_a_dbt_target() {
    insta::assert_snapshot!(root("version: 1\nenvironments:\n  dev: {role_name: d}\n  sandbox: {role_name: s, target: dev}\n"), @r#"
    error[said-twice]: the dbt target `dev`, of the environments `dev` and `sandbox`, is said twice
      --> rolecall.yml:4:3
       |   sandbox: {role_name: s, target: dev}
       |   ^
      ::: rolecall.yml:3:3 first said here
       |   dev: {role_name: d}
       |   ^
      help: an environment's target is its name unless `target` says otherwise
    "#);
}

#[test]
fn an_environment_needs_a_role_name_and_right_types() {
    insta::assert_snapshot!(root("version: 1\nenvironments: {dev: }"), @r#"
    error[missing-key]: the environment `dev` has no `role_name`
      --> rolecall.yml:2:16
       | environments: {dev: }
       |                ^
      help: write role_name: "{{ env.name }}_{{ product.name }}_{{ role.name }}"
    "#);
    insta::assert_snapshot!(root("version: 1\nenvironments:\n  dev:\n    role_name: {{ product.name }}\n    protected: yes\n    target: 5\n    deploy_role:\n    user_name: [a]\n"), @r#"
    error[wrong-type]: `role_name` must be text, not a map
      --> rolecall.yml:4:16
       |     role_name: {{ product.name }}
       |                ^
      help: put a template in quotes: role_name: "{{ product.name }}_{{ role.name }}"
    error[wrong-type]: `protected` must be true or false, not the text "yes"
      --> rolecall.yml:5:16
       |     protected: yes
       |                ^
      help: write protected: true or protected: false
    error[wrong-type]: `target` must be text, not the number 5
      --> rolecall.yml:6:13
       |     target: 5
       |             ^
      help: put it in quotes: "5"
    error[wrong-type]: `deploy_role` has no value
      --> rolecall.yml:7:16
       |     deploy_role:
       |                ^
      help: write one, or leave the key out
    error[wrong-type]: `user_name` must be text, not a list
      --> rolecall.yml:8:16
       |     user_name: [a]
       |                ^
      help: write text; in quotes where YAML would read something else
    "#);
    insta::assert_snapshot!(root("version: 1\nenvironments: [dev]"), @r#"
    error[wrong-type]: `environments` must be a map of keys and values, not a list
      --> rolecall.yml:2:15
       | environments: [dev]
       |               ^
      help: write `key: value` lines
    "#);
    insta::assert_snapshot!(root("version: 1\n"), @r#"
    error[no-environment]: no environment is declared
      --> rolecall.yml
      help: declare one under `environments`, named like your dbt target
    "#);
    insta::assert_snapshot!(root("- a\n"), @r#"
    error[missing-key]: `version` is missing
      --> rolecall.yml
      help: begin the file with version: 1
    error[wrong-type]: rolecall.yml must be a map of keys and values, not a list
      --> rolecall.yml:1:1
       | - a
       | ^
      help: write `key: value` lines
    "#);
}

#[test]
fn unknown_permissions_are_refused_with_the_nearest_known_one() {
    insta::assert_snapshot!(beside("product_roles:\n  analyst:\n    may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]\n"), @r#"
    error[unknown-permission]: `raed` is no permission
      --> rolecall.yml:5:11
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |           ^
      help: did you mean `read`? known are `read`, `write`, `admin`, `own`, and raw privileges such as SELECT or USAGE
    error[unknown-permission]: `SELEKT` is no permission
      --> rolecall.yml:5:17
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |                 ^
      help: did you mean `SELECT`? known are `read`, `write`, `admin`, `own`, and raw privileges such as SELECT or USAGE
    error[unknown-permission]: `Read` is no permission
      --> rolecall.yml:5:25
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |                         ^
      help: write `read`, in lower case
    error[unknown-permission]: `ownership` is no permission
      --> rolecall.yml:5:31
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |                               ^
      help: write `own`
    error[unknown-permission]: `ALL` is no permission
      --> rolecall.yml:5:42
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |                                          ^
      help: write `admin`: every data privilege, no ownership
    error[unknown-permission]: `read,write` is no permission
      --> rolecall.yml:5:47
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |                                               ^
      help: known are `read`, `write`, `admin`, `own`, and raw privileges such as SELECT or USAGE
    error[wrong-type]: an entry of `may` must be text, not the number 5
      --> rolecall.yml:5:61
       |     may: [raed, SELEKT, Read, ownership, ALL, 'read,write', 5]
       |                                                             ^
      help: put it in quotes: "5"
    "#);
    insta::assert_snapshot!(beside("product_roles: {analyst: {may: read, warehouses: {a: b}}}"), @r#"
    error[wrong-type]: `may` must be a list, not the text "read"
      --> rolecall.yml:3:32
       | product_roles: {analyst: {may: read, warehouses: {a: b}}}
       |                                ^
      help: write may: [read]
    error[wrong-type]: `warehouses` must be a list, not a map of keys and values
      --> rolecall.yml:3:50
       | product_roles: {analyst: {may: read, warehouses: {a: b}}}
       |                                                  ^
      help: write warehouses: […]
    "#);
}

#[test]
fn a_product_role_narrows_only_in_environments_that_are_there() {
    insta::assert_snapshot!(beside("product_roles: {analyst: {environments: {dve: {may: []}, dev: }}}"), @r#"
    error[unknown-environment]: there is no environment `dve`
      --> rolecall.yml:3:42
       | product_roles: {analyst: {environments: {dve: {may: []}, dev: }}}
       |                                          ^
      help: did you mean `dev`? known are `dev`
    error[missing-key]: `dev` says neither `may` nor `warehouses`
      --> rolecall.yml:3:58
       | product_roles: {analyst: {environments: {dve: {may: []}, dev: }}}
       |                                                          ^
      help: write may: [] where it may nothing there, or leave it out
    "#);
}

#[test]
fn a_wrong_dialect_or_owner_is_said() {
    insta::assert_snapshot!(beside("dialect: postgresql\ndeployment: ' x'\npackages: [\"a\\nb\"]\nproducts: {sales: {owners: [\"jane\\u202e\"], outputs: '  ', title: 5}}"), @r#"
    error[unknown-dialect]: `postgresql` is no dialect
      --> rolecall.yml:3:10
       | dialect: postgresql
       |          ^
      help: did you mean `postgres`? known are `postgres`, `snowflake`
    error[invalid-name]: the deployment, ` x`, begins or ends with white space
      --> rolecall.yml:4:13
       | deployment: ' x'
       |             ^
      help: write the name as the warehouse has it
    error[invalid-name]: the package, `a\nb`, holds a line break or another control character
      --> rolecall.yml:5:12
       | packages: ["a\nb"]
       |            ^
      help: write the name as the warehouse has it
    error[invalid-name]: the owner, `jane\u{202e}`, holds an invisible character, so that it can look like another name
      --> rolecall.yml:6:29
       | products: {sales: {owners: ["jane\u202e"], outputs: '  ', title: 5}}
       |                             ^
      help: write the name as the warehouse has it
    error[wrong-type]: `outputs` is empty
      --> rolecall.yml:6:53
       | products: {sales: {owners: ["jane\u202e"], outputs: '  ', title: 5}}
       |                                                     ^
      help: write it, or leave the key out
    error[wrong-type]: `title` must be text, not the number 5
      --> rolecall.yml:6:66
       | products: {sales: {owners: ["jane\u202e"], outputs: '  ', title: 5}}
       |                                                                  ^
      help: put it in quotes: "5"
    "#);
}

#[test]
fn templates_are_checked_where_they_stand() {
    insta::assert_snapshot!(root("version: 1\nenvironments:\n  dev:\n    role_name: \"{{ product.nam }}_{% if env.name == 'x' %}{{ roel.name }}{% endif %}\"\n    user_name: \"ci\"\n    group_name: \"{{ group.name | uper }}\"\n  prod: {role_name: \"{{ product.name\"}\n"), @r#"
    error[unknown-variable]: `role_name`: there is no variable `product.nam`
      --> rolecall.yml:4:20
       |     role_name: "{{ product.nam }}_{% if env.name == 'x' %}{{ roel.name }}{% endif %}"
       |                    ^
      help: did you mean `product.name`? known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`
    error[unknown-variable]: `role_name`: there is no variable `roel.name`
      --> rolecall.yml:4:62
       |     role_name: "{{ product.nam }}_{% if env.name == 'x' %}{{ roel.name }}{% endif %}"
       |                                                              ^
      help: did you mean `role.name`? known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`
    error[invalid-template]: `user_name`: the template does not use `user.name`: everyone would get one name
      --> rolecall.yml:5:16
       |     user_name: "ci"
       |                ^
      help: put {{ user.name }} into it
    error[invalid-template]: `group_name`: there is no filter `uper`
      --> rolecall.yml:6:34
       |     group_name: "{{ group.name | uper }}"
       |                                  ^
      help: did you mean `upper`? known are `lower`, `upper`, `title`, `capitalize`, `trim`, `replace`
    error[invalid-template]: `role_name`: syntax error: unexpected end of input, expected end of variable block
      --> rolecall.yml:7:33
       |   prod: {role_name: "{{ product.name"}
       |                                 ^
      help: write text, {{ variables }} and {% if … %}…{% endif %}
    "#);
}
