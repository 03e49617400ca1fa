use std::fs;
use std::path::{Path, PathBuf};

use super::{GOOD, render};
use crate::config::load;

fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

#[test]
fn every_wrong_configuration_of_the_fixtures_is_told() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures/bad_config");
    let mut out = String::new();
    let mut cases: Vec<PathBuf> =
        fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let (config, diagnostics) = load(&case);
        assert_eq!(name != "right", diagnostics.has_errors(), "{name}");
        assert!(config.is_some() || diagnostics.has_errors(), "{name}");
        out.push_str(&format!("== {name}\n{}", render(diagnostics)));
    }
    insta::assert_snapshot!(out, @r#"
    == empty_root
    error[missing-key]: `version` is missing
      --> rolecall.yml
      help: begin the file with version: 1
    error[no-environment]: no environment is declared
      --> rolecall.yml
      help: declare one under `environments`, named like your dbt target
    == members_misplaced
    error[misplaced-key]: `members` may not stand in a platform file
      --> rolecall/platform/people.yml:1:1
       | members:
       | ^
      help: members stand only in rolecall/members/<product>.yml, which the product's owner keeps
    == nested_members
    error[unexpected-file]: this is a folder inside rolecall/members/
      --> rolecall/members/eu
      help: put one file for each product right into rolecall/members/
    == newer_version
    error[unknown-version]: this file is of version 2; this rolecall reads version 1
      --> rolecall.yml:1:10
       | version: 2
       |          ^
      help: use a newer rolecall, or write version: 1
    == no_configuration
    error[no-configuration]: there is no rolecall.yml here
      --> rolecall.yml
      help: `rolecall init` writes a first one, beside dbt_project.yml
    == not_utf8
    error[unreadable-file]: this file is not UTF-8 text
      --> rolecall/members/sales.yml:2
      help: save it as UTF-8
    == not_yaml_name
    error[unexpected-file]: this is no YAML file
      --> rolecall/members/sales.ymll
      help: name it *.yml or *.yaml, or move it out of here
    == odd_product_name
    error[invalid-name]: "sales.eu" cannot be the name of a product
      --> rolecall/members/sales.eu.yml
      help: name the file after the product: rolecall/members/<product>.yml
    == power_misplaced
    error[misplaced-key]: `product_roles` may not stand in a members file
      --> rolecall/members/sales.yml:2:1
       | product_roles:
       | ^
      help: it stands at the top of rolecall.yml or of a file in rolecall/platform/
    == product_twice
    error[said-twice]: the product `sales` is said twice
      --> rolecall/platform/more.yml:2:3
       |   sales: {title: Sales again}
       |   ^
      ::: rolecall.yml:9:3 first said here
       |   sales:
       |   ^
      help: keep one of the two
    == right
    == rule
    error[invalid-rule]: the rule does not parse: unexpected input after expression
      --> rolecall/members/sales.yml:2:28
       |   - rule: "user.department = 'Sales'"
       |                            ^
      help: a rule is made of user.<attribute>, ==, !=, in, not in, <, <=, >, >=, and, or, not, parentheses, texts, numbers, true, false and lists
    == stray_file
    error[unexpected-file]: this file is in neither platform/ nor members/
      --> rolecall/products.yml
      help: platform settings stand in rolecall/platform/, members in rolecall/members/<product>.yml
    == stray_folder
    error[unexpected-file]: this folder is in neither platform/ nor members/
      --> rolecall/member
      help: platform settings stand in rolecall/platform/, members in rolecall/members/<product>.yml
    == tabs
    error[invalid-yaml]: this is not YAML that can be read: tabs disallowed within this context (block indentation)
      --> rolecall.yml:3:2
       | 	dev: {}
       |  ^
      help: indent with spaces; YAML takes no tabs
    == template_typo
    error[unknown-variable]: `role_name`: there is no variable `product.nam`
      --> rolecall.yml:3:24
       |   dev: {role_name: "{{ product.nam }}_{{ role.name }}"}
       |                        ^
      help: did you mean `product.name`? known are `env.name`, `product.name`, `product.title`, `role.name`, `target.name`, `target.schema`, `target.database`
    == two_roots
    error[said-twice]: both rolecall.yml and rolecall.yaml are there
      --> rolecall.yaml
      ::: rolecall.yml the other one
      help: keep one of the two
    == unknown_key
    error[unknown-key]: rolecall.yml has no key `enviroments`
      --> rolecall.yml:2:1
       | enviroments:
       | ^
      help: did you mean `environments`? known are `version`, `deployment`, `dialect`, `approved_plans`, `directory`, `warn_before`, `packages`, `environments`, `product_roles`, `products`, `policies`, `platform_policies` and more
    == unknown_permission
    error[unknown-permission]: `raed` is no permission
      --> rolecall.yml:5:19
       |   analyst: {may: [raed]}
       |                   ^
      help: did you mean `read`? known are `read`, `write`, `admin`, `own`, and raw privileges such as SELECT or USAGE
    == unknown_product
    error[unknown-product]: this file is for the product `sale`, which is not declared
      --> rolecall/members/sale.yml
      help: did you mean `sales`? known are `sales`
    == unknown_product_role
    error[unknown-product-role]: the product `sales` has no product role `analysts`
      --> rolecall/members/sales.yml:1:1
       | analysts: [{user: taylor}]
       | ^
      help: did you mean `analyst`? known are `analyst`, `engineer`
    "#);
}

#[test]
fn notes_hidden_files_requests_and_a_program_of_that_name_are_passed_over() {
    let dir = project(&[
        ("rolecall.yml", GOOD.as_bytes()),
        ("rolecall/README.md", b"hello"),
        ("rolecall/.gitkeep", b""),
        ("rolecall/members/.gitkeep", b""),
        ("rolecall/platform/README.md", b""),
        ("rolecall/requests/1.yml", b"["),
        ("rolecall/requests/deep/2.json", b"["),
    ]);
    assert_eq!(render(load(dir.path()).1), "");
    let dir = project(&[("rolecall.yaml", GOOD.as_bytes()), ("rolecall", b"\x7fELF")]);
    assert_eq!(render(load(dir.path()).1), "");
}

#[test]
fn files_deep_in_platform_are_read_and_places_are_relative() {
    let dir = project(&[
        ("rolecall.yml", b"version: 1"),
        ("rolecall/platform/a/b/env.yaml", b"environments: {dev: {role_name: x}}"),
    ]);
    let (config, diagnostics) = load(dir.path());
    assert_eq!(render(diagnostics), "");
    let place = config.unwrap().environments["dev"].place.clone();
    assert_eq!(place.file, Path::new("rolecall/platform/a/b/env.yaml"));
}

#[test]
fn a_folder_where_a_file_should_be_is_said() {
    let dir = project(&[("rolecall.yml/x", b""), ("rolecall/platform/a.yml/b.yml", b"")]);
    insta::assert_snapshot!(render(load(dir.path()).1), @r#"
    warning[empty-file]: this file says nothing
      --> rolecall/platform/a.yml/b.yml
      help: remove it, or write what it is for
    error[unreadable-file]: this is not a file
      --> rolecall.yml
      help: put a YAML file here
    "#);
}

#[cfg(unix)]
#[test]
fn links_are_refused_wherever_they_stand() {
    use std::os::unix::fs::symlink;
    let dir = project(&[("real.yml", GOOD.as_bytes()), ("elsewhere/members/x.yml", b"")]);
    symlink("real.yml", dir.path().join("rolecall.yml")).unwrap();
    symlink("elsewhere", dir.path().join("rolecall")).unwrap();
    insta::assert_snapshot!(render(load(dir.path()).1), @r#"
    error[symbolic-link]: this is a symbolic link, and links are not followed
      --> rolecall
      help: put the file itself here: a link would get round the review of its folder
    error[symbolic-link]: this is a symbolic link, and links are not followed
      --> rolecall.yml
      help: put the file itself here: a link would get round the review of its folder
    "#);
    let dir = project(&[("rolecall.yml", GOOD.as_bytes()), ("rolecall/platform/a.yml", b"")]);
    symlink("..", dir.path().join("rolecall/members")).unwrap();
    symlink("/etc/hostname", dir.path().join("rolecall/platform/b.yml")).unwrap();
    symlink("nowhere", dir.path().join("rolecall/platform/c.yml")).unwrap();
    insta::assert_snapshot!(render(load(dir.path()).1), @r#"
    error[symbolic-link]: this is a symbolic link, and links are not followed
      --> rolecall/members
      help: put the file itself here: a link would get round the review of its folder
    warning[empty-file]: this file says nothing
      --> rolecall/platform/a.yml
      help: remove it, or write what it is for
    error[symbolic-link]: this is a symbolic link, and links are not followed
      --> rolecall/platform/b.yml
      help: put the file itself here: a link would get round the review of its folder
    error[symbolic-link]: this is a symbolic link, and links are not followed
      --> rolecall/platform/c.yml
      help: put the file itself here: a link would get round the review of its folder
    "#);
}

#[test]
fn a_project_that_is_not_there_has_no_configuration() {
    let (config, diagnostics) = load(Path::new("/nowhere/at/all"));
    assert!(config.is_none());
    insta::assert_snapshot!(render(diagnostics), @r#"
    error[no-configuration]: there is no such folder
      --> /nowhere/at/all
      help: give --project-dir the folder of dbt_project.yml and rolecall.yml
    "#);
}
