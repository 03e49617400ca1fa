//! What is found, rendered and refused, without a warehouse.

mod keys;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::*;

struct World {
    folder: tempfile::TempDir,
    flags: ProfileFlags,
    variables: BTreeMap<&'static str, &'static str>,
}

impl World {
    /// A project whose `profile:` is `shop`, and a profiles.yml beside it.
    fn new(profiles: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, flags: ProfileFlags::default(), variables: BTreeMap::new() };
        world.put("project/dbt_project.yml", "name: shop\nprofile: shop\n");
        world.put("here/profiles.yml", profiles);
        world
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.insert(name, value);
        self
    }

    fn profiles(&self) -> Profiles {
        let root = self.folder.path();
        let variables = self.variables.clone();
        let around = Surroundings {
            here: root.join("here"),
            home: Some(root.join("home")),
            variables: Arc::new(move |name| variables.get(name).map(|value| (*value).to_owned())),
        };
        Profiles::look_up(&self.flags, &root.join("project"), &around)
    }

    fn output(&self, target: &str) -> Result<Output, Lack> {
        let target = Located { value: target.to_owned(), place: Place::file("rolecall.yml") };
        self.profiles().output(None, &target)
    }

    /// What was said, a line each, and how it is dealt with.
    fn said(&self, target: &str) -> String {
        let found = match self.output(target) {
            Ok(output) => output.warnings,
            Err(Lack::Nothing(nothing)) => return self.plain(&format!("nothing: {nothing}")),
            Err(Lack::Wrong(found)) => found,
        };
        let mut said = String::new();
        for d in found.sorted() {
            let place = d.place.unwrap();
            let shown = place.source.is_some() && place.file.ends_with("profiles.yml");
            assert!(!shown, "a line of profiles.yml is shown");
            let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
            let (file, help) = (place.file.display(), d.help.unwrap_or_default());
            let _ = writeln!(said, "{file}{line} [{}] {} ({help})", d.code, d.message);
        }
        self.plain(&said)
    }

    fn plain(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "").trim_end().to_owned()
    }
}

const SERVER: &str =
    "type: postgres, host: h, port: 5432, user: u, password: hunter2, dbname: d, schema: s";

fn one(more: &str) -> World {
    World::new(&format!(
        "shop:\n  outputs:\n    dev: {{{SERVER}}}\n    bad:\n      type: postgres\n{more}"
    ))
}

fn postgres(output: Output) -> PostgresProfile {
    match output.adapter {
        Adapter::Postgres(profile) => *profile,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_working_directory_goes_before_the_home_folder_and_the_flag_before_both() {
    let mut world = one("");
    let file = |world: &World| world.plain(&world.profiles().file.display().to_string());
    world.put("home/.dbt/profiles.yml", "other: {}");
    world.put("flagged/profiles.yml", "flagged: {}");
    assert_eq!(file(&world), "/here/profiles.yml");
    std::fs::remove_file(world.folder.path().join("here/profiles.yml")).unwrap();
    assert_eq!(file(&world), "/home/.dbt/profiles.yml");
    world.flags.profiles_dir = Some(world.folder.path().join("flagged"));
    assert_eq!(file(&world), "/flagged/profiles.yml");
}

#[test]
fn what_is_not_there_is_said_with_where_it_was_looked_for() {
    let mut world = one("");
    std::fs::remove_file(world.folder.path().join("here/profiles.yml")).unwrap();
    let mut said = vec![world.said("dev")];
    world.flags.profiles_dir = Some(world.folder.path().join("flagged"));
    said.push(world.said("dev"));
    let mut world = one("");
    world.put("project/dbt_project.yml", "name: shop\n");
    said.push(world.said("dev"));
    world.put("project/dbt_project.yml", "name: shop\nprofile: \"{{ env_var('P') }}\"\n");
    said.push(world.said("dev"));
    world.put("project/dbt_project.yml", "name: shop\nprofile: shp\n");
    said.push(world.said("dev"));
    said.push(one("").said("dve"));
    world.flags.profile = Some("elsewhere".to_owned());
    said.push(world.said("dev"));
    insta::assert_snapshot!(said.join("\n"), @r#"
    nothing: there is no profiles.yml in the working directory, and no /home/.dbt/profiles.yml
    /flagged/profiles.yml [no-profile] there is no profiles.yml in --profiles-dir (give the folder that profiles.yml is in)
    nothing: there is no --profile, and no `profile:` in /project/dbt_project.yml
    /project/dbt_project.yml:2 [undefined-variable] `profile`: the environment variable P is not set (set P, or give a default: {{ env_var('P', 'default') }})
    /here/profiles.yml [unknown-profile] there is no profile "shp" (did you mean shop? There are: shop)
    /here/profiles.yml:1 [unknown-target] the profile shop has no target "dve" (did you mean dev? There are: dev, bad)
    /here/profiles.yml [unknown-profile] there is no profile "elsewhere" (there are: shop)
    "#);
}

#[test]
fn a_project_s_profile_and_a_profile_s_target_are_rendered() {
    let text = format!(
        "shop: {{target: \"{{{{ env_var('T', 'dev') }}}}\", outputs: {{dev: {{{SERVER}}}}}}}"
    );
    let world = World::new(&text).with("P", "shop");
    world.put("project/dbt_project.yml", "profile: \"{{ env_var('P') }}\"\n");
    let target = |world: &World| world.profiles().default_target().unwrap().0;
    assert_eq!(target(&world), "dev");
    assert_eq!(target(&world.with("T", "live")), "live");
    // Without a word, dbt takes the output that is called so.
    assert_eq!(target(&one("")), "default");
}

#[test]
fn only_the_output_that_is_needed_is_rendered() {
    let world = one("      host: \"{{ env_var('NOT_SET') }}\"\n      port: \"{{ broken\"\n");
    assert!(world.output("dev").is_ok());
    insta::assert_snapshot!(world.said("bad"), @r#"
    /here/profiles.yml:6 [undefined-variable] `host`: the environment variable NOT_SET is not set (set NOT_SET, or give a default: {{ env_var('NOT_SET', 'default') }})
    /here/profiles.yml:7 [invalid-expression] `port`: the Jinja expression cannot be read: unexpected end of input, expected end of variable block (put a template in quotes: host: "{{ env_var('DBT_HOST') }}")
    "#);
}

#[test]
fn what_is_wrong_with_an_output_is_said_at_once_and_shows_no_secret() {
    let mut said = Vec::new();
    for keys in [
        "host: h",
        "{host: 5, port: abc, user: [u], password: 12345, dbname: d, schema: s}",
        "{host: h, port: 70000, user: u, password: p, pass: p, dbname: d, schema: s, sslmode: on}",
        "{host: h, port: 1, user: u, password: p, dbname: d, schema: s, retries: -1, prot: 1, hots: h}",
        "{host: {{ x }}, port: 1, user: u, password: p, dbname: d, schema: s}",
        "{host: \"{{ x }}-{{ y.z }}\", port: \"{{ env_var('DBT_ENV_SECRET_P') | as_number }}\", user: \"{{ 'true' | as_bool }}\", role: \"{{ 1 | nofilter }}\"}",
        "{host: \"{{ var('h') }}\", port: \"{{ env_var('DBT_ENV_SECRET_P') }}\"}",
        "{host: \"{{ var('loop') }}\"}",
    ] {
        let keys = keys.strip_prefix('{').map_or(keys, |keys| keys.strip_suffix('}').unwrap());
        let mut world =
            World::new(&format!("shop:\n  outputs:\n    dev:\n      {{type: postgres, {keys}}}\n"))
                .with("DBT_ENV_SECRET_P", "hunter2");
        world.flags.vars = parse_vars("{loop: \"{{ var('loop') }}\"}").unwrap();
        let text = world.said("dev");
        assert!(!text.contains("hunter2") && !text.contains("12345"), "{text}");
        said.push(text);
    }
    insta::assert_snapshot!(said.join("\n--\n"), @r#"
    /here/profiles.yml:3 [invalid-profile] the output dev of the profile shop has no `dbname` (dbt needs it too: add the key)
    /here/profiles.yml:3 [invalid-profile] the output dev of the profile shop has no `password` (dbt needs it too: add the key)
    /here/profiles.yml:3 [invalid-profile] the output dev of the profile shop has no `port` (dbt needs it too: add the key)
    /here/profiles.yml:3 [invalid-profile] the output dev of the profile shop has no `schema` (dbt needs it too: add the key)
    /here/profiles.yml:3 [invalid-profile] the output dev of the profile shop has no `user` (dbt needs it too: add the key)
    --
    /here/profiles.yml:4 [invalid-profile] `host` of the output dev of the profile shop must be a text, not a number (put it in quotes)
    /here/profiles.yml:4 [invalid-profile] `port` of the output dev of the profile shop must be a whole number from 0 to 65535, not the text "abc" (write a number, or "{{ env_var('NAME') | as_number }}")
    /here/profiles.yml:4 [invalid-profile] `user` of the output dev of the profile shop must be a text, not a list (put a template in quotes: host: "{{ env_var('DBT_HOST') }}")
    /here/profiles.yml:4 [invalid-profile] `password` of the output dev of the profile shop must be a text, not a number (put it in quotes)
    --
    /here/profiles.yml:4 [invalid-profile] `port` of the output dev of the profile shop is 70000, and must be a whole number from 0 to 65535 (write a number in those bounds)
    /here/profiles.yml:4 [invalid-profile] `password` and `pass` are the same key (keep one of the two)
    /here/profiles.yml:4 [invalid-profile] `sslmode` is "on", which libpq does not know (write one of disable, allow, prefer, require, verify-ca, verify-full)
    --
    /here/profiles.yml:4 [invalid-profile] `retries` of the output dev of the profile shop is -1, and must be a whole number from 0 to 100 (write a number in those bounds)
    /here/profiles.yml:4 [unknown-profile-key] the output dev of the profile shop has a key that is not known: `prot` (did you mean `port`?)
    /here/profiles.yml:4 [unknown-profile-key] the output dev of the profile shop has a key that is not known: `hots` (did you mean `host`?)
    --
    /here/profiles.yml:4 [invalid-expression] `host`: the Jinja expression cannot be read: it is not in quotes (put a template in quotes: host: "{{ env_var('DBT_HOST') }}")
    --
    /here/profiles.yml:4 [invalid-expression] `host`: profiles.yml does not know x, y.z (use env_var('NAME') or var('name'); the rest of dbt's context is not there)
    /here/profiles.yml:4 [invalid-expression] `port`: the value under `as_number` is not a number (mend the value that it is given)
    /here/profiles.yml:4 [invalid-expression] `user`: the value under `as_bool` is not True or False (dbt's as_bool knows True and False, written so)
    /here/profiles.yml:4 [invalid-expression] `role`: the Jinja expression cannot be read: filter nofilter is unknown (put a template in quotes: host: "{{ env_var('DBT_HOST') }}")
    --
    /here/profiles.yml:4 [undefined-variable] `host`: the variable h is not given (give it, as in --vars '{h: value}', or a default: {{ var('h', 'default') }})
    --
    /here/profiles.yml:4 [invalid-expression] `host`: the Jinja expression fails: variables of --vars name each other (mend the expression, or the value that it is given)
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_a_line() {
    let mut said = Vec::new();
    for text in [
        "shop:\n  outputs: {dev: [}\n  password: hunter2\n",
        "shop: {}\nother: {}\nshop: {}\n",
        "shop:\n  outputs:\n    dev:\n      type: postgres\n      host: a\n      host: b\n",
        "- shop\n",
        "",
        "shop:\n",
        "shop: {outputs: hunter2}",
        "shop: {outputs: {dev: hunter2}}",
        "shop: {outputs: {dev: {}}}",
        "shop: {outputs: {dev: {type: \"{{ env_var('A') }}\"}}}",
        "a: 1\n---\nb: 2\n",
    ] {
        said.push(World::new(text).said("dev"));
    }
    let text = said.join("\n--\n");
    assert!(!text.contains("hunter2"), "{text}");
    insta::assert_snapshot!(text, @r#"
    /here/profiles.yml:2 [invalid-yaml] this is not YAML that can be read: mismatched bracket '[' closed by '}' (look at the indentation, the quotes and the colons in and above this line)
    --
    /here/profiles.yml:3 [said-twice] the key `shop` is said twice (keep one of the two)
    --
    /here/profiles.yml:6 [said-twice] the key `host` is said twice (keep one of the two)
    --
    /here/profiles.yml:1 [invalid-profile] profiles.yml must be a map of keys and values (write `key: value` lines)
    --
    /here/profiles.yml [unknown-profile] there is no profile "shop" (there is none: write it)
    --
    /here/profiles.yml:1 [invalid-profile] the profile shop has no `outputs` (add `outputs:` with an output for each target)
    --
    /here/profiles.yml:1 [invalid-profile] `outputs` must be a map of keys and values (write `key: value` lines)
    --
    /here/profiles.yml:1 [invalid-profile] the output dev of the profile shop must be a map of keys and values (write `key: value` lines)
    --
    /here/profiles.yml:1 [invalid-profile] the output dev of the profile shop is empty (write its keys, `type` among them)
    --
    /here/profiles.yml:1 [undefined-variable] `type`: the environment variable A is not set (set A, or give a default: {{ env_var('A', 'default') }})
    --
    /here/profiles.yml:3 [invalid-yaml] this is not YAML that can be read: only single YAML document expected but multiple found (keep one document in a file: remove the `---` between them)
    "#);
}

#[test]
fn a_secret_is_shown_nowhere() {
    let world = World::new(&format!(
        "shop:\n  outputs:\n    dev: {{{}}}\n",
        SERVER.replace("host: h", "host: \"{{ env_var('DBT_ENV_SECRET_H') }}.example\"").replace(
            "hunter2",
            "\"{{ env_var('DBT_ENV_SECRET_A') }}-{{ env_var('DBT_ENV_SECRET_B') }}\""
        )
    ))
    .with("DBT_ENV_SECRET_H", "inner")
    .with("DBT_ENV_SECRET_A", "one")
    .with("DBT_ENV_SECRET_B", "two");
    let output = world.output("dev").unwrap();
    let shown = format!("{output:?} {:?} {:?}", world.profiles(), world.flags);
    for secret in ["inner", "one-two", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let read = postgres(output);
    assert_eq!((read.host.to_string().as_str(), read.host.expose()), ("*****", "inner.example"));
    // Two in one text, where dbt itself falls over.
    assert_eq!(secrecy::ExposeSecret::expose_secret(&read.password), "one-two");
}

#[test]
fn a_password_that_cannot_be_read_is_not_quoted() {
    for written in [
        "password: !Hunter2",
        "password: \"a{{ hunter2 }}\"",
        "pass: \"a{{ 'x' | hunter2 }}\"",
        "pass: \"a{% hunter2 %}\"",
        "pass: \"a{{ hunter2('x') }}\"",
    ] {
        let world = World::new(&format!(
            "shop:\n  outputs:\n    dev:\n      type: postgres\n      host: h\n      port: 1\n      \
             user: u\n      dbname: d\n      schema: s\n      {written}\n"
        ));
        let said = world.said("dev");
        assert!(said.contains("invalid-") && !said.to_lowercase().contains("hunter2"), "{said}");
    }
}

#[test]
fn a_password_that_looks_like_a_template_is_taken_as_it_is() {
    let world = one("").said("dev");
    assert_eq!(world, "");
    let text = format!("shop: {{outputs: {{dev: {{{}}}}}}}", SERVER.replace("hunter2", "'a{{b%}'"));
    let read = postgres(World::new(&text).output("dev").unwrap());
    assert_eq!(secrecy::ExposeSecret::expose_secret(&read.password), "a{{b%}");
}

#[test]
fn variables_are_a_map_in_yaml_or_json() {
    let read =
        |text: &str| parse_vars(text).map(|vars| vars.into_keys().collect::<Vec<_>>().join(" "));
    assert_eq!(read("{a: 1, b: [x]}"), Ok("a b".to_owned()));
    assert_eq!(read("{\"a\": {\"b\": null}}"), Ok("a".to_owned()));
    assert_eq!(read("a: 1\nb: 2"), Ok("a b".to_owned()));
    assert_eq!(read("{}"), Ok(String::new()));
    for wrong in ["", "a", "[a]", "{a: 1", "1"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

proptest::proptest! {
    /// Whatever is in the file, it is read or refused.
    #[test]
    fn no_file_makes_it_panic(text in "(?s).{0,80}", keys in "[ -~\n]{0,120}") {
        let _ = World::new(&text).said("dev");
        let _ = World::new(&format!("shop:\n  outputs:\n    dev: {{type: postgres, host: {keys:?}}}\n")).said("dev");
    }
}
