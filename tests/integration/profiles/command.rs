//! Commands without `--connection`: the profile says where to go, and as whom.

use crate::cli::command;
use crate::engines::Ground;
use crate::rules::site::{Ran, Site};

/// One environment of that name, or more, in place of the site's own.
fn config(environments: &str) -> String {
    format!(
        "version: 1\nenvironments:\n{environments}\nproduct_roles:\n  analyst: {{may: [read]}}\n  \
         engineer: {{may: [read, write]}}\nproducts:\n  p: {{}}\n"
    )
}

const PROD: &str = r#"  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}"#;

struct Dbt {
    site: Site,
    variables: Vec<(&'static str, String)>,
}

impl Dbt {
    async fn on(ground: Ground) -> Self {
        let site = Site::on(ground).await;
        let dbt = Self { site, variables: Vec::new() };
        dbt.put("dbt_project.yml", "name: shop\nprofile: shop\n");
        dbt
    }

    async fn each() -> Vec<Self> {
        let mut all = Vec::new();
        for ground in Ground::each().await {
            all.push(Self::on(ground).await);
        }
        all
    }

    async fn one() -> Self {
        Self::on(Ground::on(&crate::engines::servers()[0]).await).await
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.site.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.site.ground.own(text)).unwrap();
    }

    /// `user`, `password`, `host` and `port` of the superuser, as YAML.
    fn server(&self) -> (String, String) {
        let url = self.site.ground.url(None);
        let (credentials, place) = url.split_once('@').unwrap();
        let (_, password) = credentials.rsplit_once(':').unwrap();
        let (_, port) = place.split_once('/').unwrap().0.split_once(':').unwrap();
        (password.to_owned(), port.to_owned())
    }

    /// An output that connects as a user, with more keys.
    fn output(&self, user: &str, password: &str, more: &str) -> String {
        let (_, port) = self.server();
        let database = &self.site.ground.database;
        format!(
            "{{type: postgres, host: 127.0.0.1, port: {port}, user: '{user}', password: '{password}', \
             dbname: {database}, schema: s, threads: 1{more}}}"
        )
    }

    /// An output of the superuser.
    fn superuser(&self) -> String {
        let (password, _) = self.server();
        self.output("postgres", &password, "")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let folder = self.site.path("");
        let mut command = command(&folder);
        command.args(arguments).env("HOME", self.site.path("home"));
        for (name, value) in &self.variables {
            command.env(name, self.site.ground.own(value));
        }
        self.site.ran(command.output().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_of_the_project_is_connected_by() {
    for dbt in Dbt::each().await {
        let output = dbt.superuser();
        dbt.put(
            "profiles.yml",
            &format!("shop:\n  target: prod\n  outputs:\n    prod: {output}\n"),
        );
        dbt.run(&["plan", "--check"]).ends(3);
        dbt.run(&["apply"]).ends(0).says("Applied");
        dbt.run(&["verify"]).ends(0);
        dbt.site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deploys_need_not_be_who_grants() {
    for dbt in Dbt::each().await {
        let database = dbt.site.ground.database.clone();
        dbt.site
            .sql(&format!(
                "create role ~granter createrole; create role ~Ci login noinherit password 'pw';
                 grant ~granter to ~Ci; create role ~deployer login password 'pw';
                 alter database {database} owner to ~granter; alter schema s owner to ~granter;
                 alter table s.t owner to ~granter; alter table s.u owner to ~granter"
            ))
            .await;
        // The lock is of the whole server, and another test may have made it.
        let lock = "do $$ begin create role rolecall_lock nologin;
                    exception when others then null; end $$";
        dbt.site.sql(lock).await;
        dbt.site.sql("grant rolecall_lock to ~granter with admin option").await;
        let environment = r#"  prod: {role_name: "~{{ product.name }}_{{ role.name }}", connection: {target: granting}}"#;
        dbt.site.config(&config(environment));
        let deploying = dbt.output("~deployer", "pw", "");
        let profiles = |granting: &str| {
            format!(
                "shop:\n  target: prod\n  outputs:\n    prod: {deploying}\n    granting: {granting}\n"
            )
        };
        // dbt does not quote the role: it folds.
        dbt.put("profiles.yml", &profiles(&dbt.output("~ci", "pw", ", role: ~GRANTER")));
        dbt.run(&["apply"]).ends(0).says("Applied");
        dbt.run(&["verify"]).ends(0);
        dbt.site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
        let grantor = "select distinct grantor::regrole::text from pg_class, aclexplode(relacl)
                       where relname = 't' and grantee = '~p_analyst'::regrole";
        assert_eq!(dbt.site.ground.ask(grantor).await, ["granter"]);
        // Taking away again is done as that role too.
        dbt.site.models(&[crate::rules::site::model("s.t")]);
        dbt.run(&["apply", "--allow-revokes", "9"]).ends(0).says("Applied");
        dbt.run(&["verify"]).ends(0);
        // Without the role there is no CREATEROLE, and a role that cannot be taken is said.
        dbt.site.models(&[crate::rules::site::model("s.t").gives("engineer", &["read"])]);
        dbt.put("profiles.yml", &profiles(&dbt.output("~ci", "pw", "")));
        dbt.run(&["apply"]).ends(1).says("ci holds it without the right to pass it on");
        dbt.put("profiles.yml", &profiles(&dbt.output("~deployer", "pw", ", role: ~granter")));
        dbt.run(&["apply"])
            .ends(1)
            .says("the profile's role cannot be taken: permission denied to set role")
            .says("as deployer, acting as granter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_be_of_another_profile_and_the_flag_goes_before_all() {
    let dbt = Dbt::one().await;
    let environment = r#"  prod: {role_name: "~{{ product.name }}_{{ role.name }}", connection: {profile: admins}}"#;
    dbt.site.config(&config(environment));
    let (wrong, right) = (dbt.output("postgres", "wrong", ""), dbt.superuser());
    let text =
        format!("shop: {{outputs: {{prod: {wrong}}}}}\nadmins: {{outputs: {{prod: {right}}}}}\n");
    dbt.put("profiles.yml", &text);
    dbt.run(&["plan", "-t", "prod"]).ends(0);
    dbt.site.config(&config(PROD));
    dbt.run(&["plan", "-t", "prod"]).ends(1).says("password authentication failed");
    dbt.run(&["plan", "-t", "prod", "--profile", "admins"]).ends(0);
    let url = dbt.site.ground.url(None);
    dbt.run(&["plan", "-t", "prod", "--connection", &url]).ends(0);
    std::fs::remove_file(dbt.site.path("profiles.yml")).unwrap();
    dbt.put("home/.dbt/profiles.yml", &text);
    dbt.run(&["plan", "-t", "prod", "--profile", "admins"]).ends(0);
    dbt.put("elsewhere/profiles.yml", "admins: {outputs: {}}");
    dbt.run(&["plan", "-t", "prod", "--profile", "admins", "--profiles-dir", "elsewhere"])
        .ends(1)
        .says("the profile admins has no target \"prod\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_the_profile_s_default_says_which_environment() {
    let mut dbt = Dbt::one().await;
    let role = r#"role_name: "~{{ env.name }}_{{ product.name }}_{{ role.name }}""#;
    dbt.site.config(&config(&format!("  dev: {{{role}}}\n  live: {{{role}, target: prod}}")));
    let output = dbt.superuser();
    let text = |target: &str| {
        format!("shop:\n  {target}\n  outputs:\n    dev: {output}\n    prod: {output}\n")
    };
    dbt.put("profiles.yml", &text("target: \"{{ env_var('WHERE', 'prod') }}\""));
    dbt.run(&["plan"]).ends(0).says("live_p_analyst");
    dbt.variables.push(("WHERE", "dev".to_owned()));
    dbt.run(&["plan"]).ends(0).says("dev_p_analyst");
    dbt.run(&["plan", "-t", "prod"]).ends(0).says("live_p_analyst");
    // dbt 1.11's newer names go before the old ones.
    dbt.variables.push(("DBT_TARGET", "dev".to_owned()));
    dbt.variables.push(("DBT_ENGINE_TARGET", "prod".to_owned()));
    dbt.run(&["compile"]).ends(0).says("live_p_analyst");
    dbt.variables.clear();
    dbt.put("profiles.yml", &text("target: staging"));
    dbt.run(&["plan"])
        .ends(1)
        .says("the profile's default target, staging, has no environment")
        .says("profiles.yml:2")
        .says("give --target with one of dev, live");
    dbt.put("profiles.yml", &text("target: \"{{ env_var('WHERE') }}\""));
    dbt.run(&["plan"])
        .ends(1)
        .says("the environment variable WHERE is not set")
        .says("which environment is meant is not said");
    // Nobody needs it then.
    dbt.run(&["compile", "-t", "live"]).ends(0);
    std::fs::remove_file(dbt.site.path("profiles.yml")).unwrap();
    dbt.run(&["plan"])
        .ends(1)
        .says("there is no profiles.yml in the working directory, and no")
        .says("home/.dbt/profiles.yml");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_see_where_the_target_deploys_to() {
    let mut dbt = Dbt::one().await;
    let environment =
        r#"  prod: {role_name: "~{{ target.schema }}_{{ product.name }}_{{ role.name }}"}"#;
    dbt.site.config(&config(environment));
    dbt.run(&["compile"]).ends(1).says("`target.schema` has no value").says("no profiles.yml in");
    let output = dbt
        .superuser()
        .replace("schema: s,", "schema: \"{{ env_var('DBT_ENV_SECRET_S', 'jo') }}\",");
    dbt.put("profiles.yml", &format!("shop: {{outputs: {{prod: {output}}}}}"));
    dbt.run(&["compile", "-t", "prod"]).ends(0).says("jo_p_analyst");
    dbt.run(&["compile", "-t", "prod", "--target-schema", "al"]).ends(0).says("al_p_analyst");
    dbt.variables.push(("DBT_ENV_SECRET_S", "hushed".to_owned()));
    dbt.run(&["compile", "-t", "prod"])
        .ends(1)
        .says("DBT_ENV_SECRET_ variable")
        .never_says("hushed");
    dbt.put(
        "profiles.yml",
        "shop: {outputs: {prod: {type: postgres, host: \"{{ env_var('NOT_SET') }}\"}}}",
    );
    dbt.run(&["validate"]).ends(1).says("the environment variable NOT_SET is not set");
    dbt.run(&["compile", "-t", "prod", "--target-schema", "al"]).ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_dbt_are_used_and_never_said() {
    let mut dbt = Dbt::one().await;
    let (password, _) = dbt.server();
    let output = dbt
        .output("PLACE", "HOLDER", "")
        .replace("'PLACE'", "\"{{ env_var('DBT_ENV_SECRET_USER') }}\"")
        .replace("'HOLDER'", "\"{{ env_var('DBT_ENV_SECRET_PASSWORD') }}\"");
    dbt.put("profiles.yml", &format!("shop: {{outputs: {{prod: {output}}}}}"));
    dbt.run(&["plan", "-t", "prod"]).ends(1).says("DBT_ENV_SECRET_USER is not set");
    dbt.variables.push(("DBT_ENV_SECRET_USER", "postgres".to_owned()));
    dbt.variables.push(("DBT_ENV_SECRET_PASSWORD", password.clone()));
    let plan = dbt.site.path("p.json");
    let plan = plan.to_str().unwrap();
    dbt.run(&["apply", "-t", "prod"]).ends(0).never_says(&password);
    dbt.run(&["plan", "-t", "prod", "--out", plan, "--format", "json"])
        .ends(0)
        .never_says(&password);
    assert!(!std::fs::read_to_string(plan).unwrap().contains(&password));
    // The server says the user's name when it does not know it.
    dbt.variables[0].1 = "somebody".to_owned();
    dbt.run(&["plan", "-t", "prod"])
        .ends(1)
        .says("password authentication failed for user \"*****\"")
        .never_says("somebody")
        .never_says(&password);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_connected_to_is_said_before_it_is_tried() {
    let dbt = Dbt::one().await;
    let bad = |text: &str, arguments: &[&str], exit: i32, says: &[&str]| {
        dbt.put("profiles.yml", text);
        let mut ran = dbt.run(&[&["plan", "-t", "prod"], arguments].concat()).ends(exit);
        for text in says {
            ran = ran.says(text);
        }
        assert!(ran.out.is_empty(), "{ran:?}");
    };
    bad(
        "shop: {outputs: {prod: {type: snowflake, account: a, user: u, database: d, schema: s}}}",
        &[],
        1,
        &[
            "wrong-adapter",
            "is of type snowflake, and access is planned for postgres",
            "profiles.yml:1",
        ],
    );
    bad("shop: {outputs: {prod: {type: bigquery, schema: s}}}", &[], 1, &["is of type bigquery"]);
    bad(
        "shop: {outputs: {dev: {}}}",
        &[],
        1,
        &["unknown-target", "there are: dev", "rolecall.yml:4"],
    );
    bad("shop: {}", &["--profile", "shap"], 1, &["unknown-profile", "did you mean shop?"]);
    bad("shop: [", &[], 1, &["invalid-yaml", "profiles.yml:1"]);
    bad("", &["--vars", "hunter2: ["], 2, &["--vars is not a map in YAML or JSON"]);
    bad("", &["--vars", "hunter2"], 2, &["--vars is not a map"]);
    bad("", &["--profiles-dir", "nowhere"], 1, &["no-profile", "nowhere/profiles.yml"]);
    dbt.put("dbt_project.yml", "name: shop\n");
    bad("shop: {}", &[], 2, &["no connection: give --connection", "no `profile:` in"]);
    assert!(!dbt.run(&["plan", "--vars", "hunter2: ["]).err.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_tried_again_as_often_as_the_profile_says() {
    let dbt = Dbt::one().await;
    // Counts who comes, and sends them away.
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    let output = format!(
        "{{type: postgres, host: 127.0.0.1, port: {port}, user: u, password: p, dbname: d, schema: s, \
         sslmode: disable, retries: 1}}"
    );
    dbt.put("profiles.yml", &format!("shop: {{outputs: {{prod: {output}}}}}"));
    let came = tokio::spawn(async move {
        let mut came = 0;
        loop {
            let (visitor, _) = door.accept().await.unwrap();
            drop(visitor);
            came += 1;
            if came == 2 {
                return came;
            }
        }
    });
    let ran = tokio::task::block_in_place(|| dbt.run(&["plan", "-t", "prod"])).ends(1);
    assert!(ran.err.contains("cannot connect to 127.0.0.1:"), "{ran:?}");
    assert_eq!(came.await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_in_and_says_nothing_is_not_waited_for() {
    let dbt = Dbt::one().await;
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    let output = format!(
        "{{type: postgres, host: 127.0.0.1, port: {port}, user: u, password: p, dbname: d, \
         schema: s, connect_timeout: 1, retries: 0}}"
    );
    dbt.put("profiles.yml", &format!("shop: {{outputs: {{prod: {output}}}}}"));
    dbt.run(&["plan", "-t", "prod"]).ends(1).says("no answer within 2 seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_a_socket_is_a_host() {
    let dbt = Dbt::one().await;
    let folder = dbt.site.ground.engine.folder().unwrap().display().to_string();
    let output = dbt.superuser().replace("127.0.0.1", &folder);
    dbt.put("profiles.yml", &format!("shop: {{outputs: {{prod: {output}}}}}"));
    dbt.run(&["plan", "-t", "prod"]).ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_dbt_wrote_for_another_target_is_refused() {
    let dbt = Dbt::one().await;
    let output = dbt.superuser();
    let elsewhere = output.replace("schema: s", "schema: elsewhere");
    dbt.put(
        "profiles.yml",
        &format!(
            "shop:\n  target: dev\n  outputs:\n    dev: {output}\n    prod: {elsewhere}\n    \
             third: {{type: \"{{{{ env_var('NOT_SET') }}}}\"}}\n"
        ),
    );
    let role = r#"{role_name: "~{{ env.name }}_{{ product.name }}_{{ role.name }}"}"#;
    dbt.site.config(&config(&format!("  dev: {role}\n  prod: {role}\n  third: {role}")));
    // The models are in the schema `s`, which is dev's.
    for command in [&["plan"][..], &["apply"], &["verify"], &["plan", "--format", "json"]] {
        let command = [command, &["-t", "prod"]].concat();
        dbt.run(&command)
            .ends(1)
            .says("manifest-of-another-target")
            .says("it was written for the target dev, and not for prod");
    }
    dbt.run(&["plan", "-t", "dev", "--check"]).ends(3);
    // Where a schema is neither's, nothing is known.
    let neither = |output: &str| output.replace("schema: s", "schema: other");
    dbt.put(
        "profiles.yml",
        &format!(
            "shop:\n  target: dev\n  outputs:\n    dev: {}\n    prod: {elsewhere}\n",
            neither(&output)
        ),
    );
    dbt.run(&["plan", "-t", "prod", "--check"]).ends(3);
}
