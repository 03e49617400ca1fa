//! What dbt makes of profiles, asked of dbt's own code, and what we make of them.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rolecall::config::Located;
use rolecall::dbt::profiles::{Adapter, ProfileFlags, Profiles, Surroundings, parse_vars};
use rolecall::model::Place;
use serde_json::{Value, json};

use crate::dialect::oracle::python;

struct Case {
    profiles: String,
    project: Option<&'static str>,
    profile: Option<&'static str>,
    target: Option<&'static str>,
    vars: Option<&'static str>,
    env: BTreeMap<&'static str, &'static str>,
}

const SERVER: &str = "type: postgres, host: h, port: 1, user: u, password: p, dbname: d, schema: s";

/// The output `dev`, with these keys in place of its own or beside them.
fn keys(more: &str) -> Case {
    let own = SERVER.split(", ").filter(|own| {
        let key = own.split(':').next().unwrap();
        !more.lines().any(|line| line.starts_with(&format!("{key}:")))
    });
    let lines = own.chain(more.lines()).map(|line| format!("      {line}\n")).collect::<String>();
    whole(&format!("p:\n  target: dev\n  outputs:\n    dev:\n{lines}"))
}

fn whole(profiles: &str) -> Case {
    Case {
        profiles: profiles.to_owned(),
        project: Some("p"),
        profile: None,
        target: None,
        vars: None,
        env: BTreeMap::from([
            ("PORT", "5433"),
            ("WORD", "Ab c"),
            ("TRUE", "True"),
            ("yes", "true"),
            ("LIST", "['a', 1]"),
            ("EMPTY", ""),
            ("DBT_ENV_SECRET_A", "hunter2"),
            ("DBT_ENV_PRIVATE_A", "private"),
            ("T", "live"),
        ]),
    }
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "port: 5432",
        "port: '5432'",
        "port: 5432.0",
        "port: abc",
        "port: true",
        "port:",
        "port: \"{{ env_var('PORT') }}\"",
        "port: \"{{ env_var('PORT') | int }}\"",
        "port: \"{{ env_var('PORT') | as_number }}\"",
        "port: \"{{ env_var('PORT') | as_native }}\"",
        "port: \"{{ env_var('PORT') | as_text }}\"",
        "port: \" {{ env_var('PORT') | as_number }}\"",
        "port: \"{{ env_var('PORT') | as_number }}{# a comment #}\"",
        "port: \"{{ env_var('PORT') | as_number + 0 }}\"",
        "port: \"{{ env_var('WORD') | as_number }}\"",
        "port: \"{{ env_var('NONE') | as_number }}\"",
        "port: \"{{ env_var('NONE', '5') | as_number }}\"",
        "port: \"{{ env_var('NONE', 5) }}\"",
        "port: \"{{ env_var('NONE', none) }}\"",
        "port: \"{% if env_var('TRUE') == 'True' %}{{ env_var('PORT') | as_number }}{% endif %}\"",
        "port: \"{% set x = env_var('PORT') %}{{ x | as_number }}\"",
        "port: \"{{ var('n', 7) }}\"",
        "host: \"{{ env_var('WORD') }}\"",
        "host: \"{{ env_var('EMPTY') }}\"",
        "host: \"{{ env_var('EMPTY', 'x') }}\"",
        "host: \"{{ env_var('WORD').lower().replace(' ', '-') }}.example\"",
        "host: \"{{ env_var('WORD').split(' ')[0] }}\"",
        "host: \"{{ env_var('WORD') | upper | trim }}\"",
        "host: \"{{ env_var('PORT') ~ env_var('TRUE') }}\"",
        "host: \"{{ env_var('TRUE') == 'True' }} x\"",
        "host: \"{{ env_var('TRUE') == 'True' }}\"",
        "host: \"{{ env_var('NONE', 'a') if env_var('TRUE') == 'False' else 'b' }}\"",
        "host: \"{{ env_var('DBT_ENV_SECRET_A') }}\"",
        "host: \"x-{{ env_var('DBT_ENV_SECRET_A') }}-y\"",
        "host: \"{{ env_var('DBT_ENV_SECRET_A') | upper }}\"",
        "host: \"{{ env_var('DBT_ENV_SECRET_A') | length }}\"",
        "host: \"{{ env_var('DBT_ENV_SECRET_A') | as_native }}\"",
        "host: \"{{ env_var('DBT_ENV_SECRET_B', 'open') }}\"",
        "host: \"{{ env_var('DBT_ENV_SECRET_B') }}\"",
        "host: \"{{ env_var('DBT_ENV_PRIVATE_A') }}\"",
        "host: \"{{ env_var('DBT_ENV_PRIVATE_A', 'd') }}\"",
        "host: \"{{ var('h') }}\"",
        "host: \"{{ var('h', 'd') }}\"",
        "host: \"{{ x y }}\"",
        "host: \"{{ 'a'\"",
        "host: \"{% if %}\"",
        "host: \"{{ 'a' | nofilter }}\"",
        "host: \"{# only this #}\"",
        "host: \"a\\n\"",
        "host: [a]",
        "host: 5",
        "host: 2027-01-31",
        "user: null",
        "password: 5",
        "password: 'a{{b%}'",
        "pass: x",
        "database: x",
        "role: \"{{ env_var('EMPTY') }}\"",
        "role: 5",
        "sslmode: require\nsslrootcert: r\nsslcert: c\nsslkey: k",
        "connect_timeout: '5'",
        "connect_timeout: 5\nkeepalives_idle: 7\nretries: 3",
        "retries: yes",
        "retries: \"{{ env_var('TRUE') | as_bool }}\"",
        "autocommit: \"{{ env_var('TRUE') | as_bool }}\"",
        "role: \"{{ env_var('yes') | as_bool }}\"",
        "role: \"{{ env_var('PORT') | as_bool }}\"",
        "role: \"{{ env_var('LIST') | as_native }}\"",
        "role: \"{{ env_var('WORD') | as_native }}\"",
        "nobody: knows\nthreads: 3",
        "type: nothing_such",
        "schema:",
    ]
    .into_iter()
    .map(keys)
    .collect();
    let other = "{{ env_var('NONE') }}";
    let two = |target: &str| {
        whole(&format!(
            "p:\n{target}  outputs:\n    default: {{{SERVER}}}\n    live: {{{}}}\n    bad: {{{SERVER}, role: \"{other}\"}}\n",
            SERVER.replace("host: h", "host: l")
        ))
    };
    cases.extend(
        [
            "",
            "  target: live\n",
            "  target: \"{{ env_var('T') }}\"\n",
            "  target: none\n",
            "  target:\n",
            "  target: bad\n",
        ]
        .map(two),
    );
    for target in ["live", "default", "bad", "nowhere", ""] {
        cases.push(Case { target: Some(target), ..two("  target: \"{{ env_var('NONE') }}\"\n") });
    }
    cases.push(Case { project: Some("{{ env_var('NONE', 'p') }}"), ..keys("") });
    cases.push(Case { project: None, ..keys("") });
    cases.push(Case { project: Some("q"), profile: Some("p"), ..keys("") });
    cases.push(Case { profile: Some("q"), ..keys("") });
    for vars in
        ["{h: a}", "{\"h\": \"a\"}", "{h: \"{{ env_var('WORD') }}\"}", "{h: 5}", "{i: a}", "{}"]
    {
        cases.push(Case { vars: Some(vars), ..keys("host: \"{{ var('h') }}\"") });
        cases.push(Case { vars: Some(vars), ..keys("port: \"{{ var('h', 3) }}\"") });
    }
    for text in
        ["", "p:", "p: []", "p: {outputs: {}}", "p: {target: dev}", "a: [", "p: {outputs: {dev: }}"]
    {
        cases.push(whole(text));
    }
    cases.push(whole(&format!(
        "x: &x {{{SERVER}}}\np: {{target: a, outputs: {{a: {{<<: *x, host: i}}}}}}"
    )));
    cases
}

fn asked_of_dbt(cases: &[Case]) -> Vec<Value> {
    let questions: Vec<Value> = cases
        .iter()
        .map(|case| {
            let Case { profiles, project, profile, target, vars, env } = case;
            let mut question = json!({"profiles": profiles, "project": project, "env": env,
                                      "profile": profile, "target": target});
            if let Some(vars) = vars {
                question["vars"] = json!(vars);
            }
            question
        })
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/dbt_profiles.py");
    let mut child = Command::new(python())
        .arg(script)
        .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ROLECALL_PYTHON is a Python with dbt");
    child.stdin.take().unwrap().write_all(json!(questions).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).expect("dbt's code answers")
}

fn ours(case: &Case) -> Value {
    let Case { profiles, project, profile, target, vars, env } = case;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("profiles.yml"), profiles).unwrap();
    let project = project.map(|name| format!("profile: {}\n", json!(name)));
    std::fs::write(folder.path().join("dbt_project.yml"), project.unwrap_or_default()).unwrap();
    let variables: BTreeMap<String, String> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let around = Surroundings {
        here: folder.path().to_owned(),
        home: None,
        variables: Arc::new(move |name| variables.get(name).cloned()),
    };
    let flags = ProfileFlags {
        profiles_dir: None,
        profile: profile.map(str::to_owned),
        vars: vars.map(|text| parse_vars(text).unwrap()).unwrap_or_default(),
    };
    let profiles = Profiles::look_up(&flags, folder.path(), &around);
    let target = match target {
        Some(target) => Ok((*target).to_owned()),
        None => profiles.default_target().map(|(target, _)| target),
    };
    let output = target.and_then(|target| {
        let place = Place::file("here");
        profiles.output(None, &Located { value: target, place })
    });
    let output = match output {
        Ok(output) => output,
        Err(lack) => return json!({"error": format!("{lack:?}")}),
    };
    let Adapter::Postgres(read) = output.adapter else {
        return json!({"error": "another adapter"});
    };
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| path.strip_prefix(folder.path()).unwrap_or(path).to_owned())
    };
    let mut credentials = json!({
        "host": read.host.expose(),
        "port": read.port,
        "user": read.user.expose(),
        "password": secrecy::ExposeSecret::expose_secret(&read.password),
        "database": read.database.expose(),
        "schema": output.schema.unwrap().expose(),
        "role": read.role.as_ref().map(|role| role.expose()),
        "sslmode": read.sslmode.as_ref().map(|mode| mode.expose()),
        "sslrootcert": path(&read.sslrootcert),
        "sslcert": path(&read.sslcert),
        "sslkey": path(&read.sslkey),
        "connect_timeout": read.connect_timeout.as_secs(),
        "keepalives_idle": read.keepalives_idle.map_or(0, |idle| idle.as_secs()),
        "retries": read.retries,
    });
    credentials.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({"profile": output.profile, "target": output.target, "type": "postgres",
           "credentials": credentials})
}

/// What a connection has no use for here, and an empty text is as good as none.
fn comparable(mut made: Value) -> Value {
    if made.get("error").is_some() {
        return json!("an error");
    }
    let credentials = made["credentials"].as_object_mut().unwrap();
    for unused in ["application_name", "autocommit", "search_path"] {
        credentials.remove(unused);
    }
    credentials.retain(|key, value| key != "role" || value != "");
    made
}

#[test]
fn we_read_profiles_as_dbt_does() {
    let cases = cases();
    let answers = asked_of_dbt(&cases);
    assert_eq!(cases.len(), answers.len());
    let (mut wrong, mut good) = (Vec::new(), 0);
    for (case, answer) in cases.iter().zip(answers) {
        let made = ours(case);
        let (theirs, mine) = (comparable(answer.clone()), comparable(made.clone()));
        good += usize::from(theirs != "an error");
        if theirs != mine {
            wrong.push(format!("{}\n  dbt: {answer}\n  ours: {made}", case.profiles));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // The table is of both kinds, or it shows nothing.
    assert!(good > 40 && cases.len() - good > 30, "{good} of {}", cases.len());
}
