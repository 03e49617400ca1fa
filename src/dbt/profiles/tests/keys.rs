//! The keys of each adapter.

use super::*;

#[test]
fn every_key_of_postgres_is_read() {
    let world = World::new(
        "shop:\n  outputs:\n    dev:\n      type: postgres\n      host: /run/pg\n      port: 5433\n      \
         user: u\n      pass: p\n      dbname: d\n      schema: s\n      threads: 8\n      \
         search_path: x\n      sslmode: verify-full\n      sslcert: c.crt\n      sslkey: /k\n      \
         sslrootcert: system\n      connect_timeout: 0\n      role: granter\n      \
         keepalives_idle: 30\n      retries: 4\n      application_name: a\n      autocommit: true\n",
    );
    let output = world.output("dev").unwrap();
    assert!(output.warnings.is_empty(), "{output:?}");
    let read = postgres(output);
    insta::assert_snapshot!(world.plain(&format!("{read:#?}")), @r#"
    PostgresProfile {
        host: [text],
        port: 5433,
        user: [text],
        password: SecretBox<str>([REDACTED]),
        database: [text],
        role: Some(
            [text],
        ),
        sslmode: Some(
            [text],
        ),
        sslcert: Some(
            "/project/c.crt",
        ),
        sslkey: Some(
            "/k",
        ),
        sslrootcert: Some(
            "system",
        ),
        connect_timeout: 31536000s,
        keepalives_idle: Some(
            30s,
        ),
        retries: 4,
    }
    "#);
    assert_eq!((read.host.expose(), read.database.expose()), ("/run/pg", "d"));
}

#[test]
fn every_key_of_snowflake_is_read() {
    let world = World::new(
        "shop:\n  outputs:\n    dev:\n      type: snowflake\n      account: my_org-acct\n      user: u\n      \
         private_key_path: keys/k.p8\n      private_key_passphrase: \"{{ env_var('DBT_ENV_SECRET_PP') }}\"\n      \
         role: SECURITYADMIN\n      database: D\n      warehouse: W\n      schema: S\n      threads: 1\n      \
         client_session_keep_alive: False\n      query_tag: t\n      connect_retries: 0\n      \
         connect_timeout: 10\n      retry_on_database_errors: no\n      retry_all: true\n      \
         reuse_connections: false\n      host: h\n      port: 443\n      protocol: https\n      \
         proxy_host: p\n      proxy_port: 3128\n      insecure_mode: false\n      \
         secondary_roles: none\n      session_parameters: {A: 1, B: x}\n",
    )
    .with("DBT_ENV_SECRET_PP", "hunter2");
    let output = world.output("dev").unwrap();
    assert!(output.warnings.is_empty(), "{output:?}");
    let Adapter::Snowflake(read) = output.adapter else { panic!() };
    insta::assert_snapshot!(world.plain(&format!("{read:#?}")), @r#"
    SnowflakeProfile {
        account: [text],
        user: Some(
            [text],
        ),
        password: None,
        private_key: None,
        private_key_path: Some(
            "/project/keys/k.p8",
        ),
        private_key_passphrase: Some(
            SecretBox<str>([REDACTED]),
        ),
        authenticator: None,
        token: None,
        oauth_client_id: None,
        oauth_client_secret: None,
        role: Some(
            [text],
        ),
        warehouse: Some(
            [text],
        ),
        database: [text],
        schema: [text],
        host: Some(
            [text],
        ),
        port: Some(
            443,
        ),
        protocol: Some(
            [text],
        ),
        proxy_host: Some(
            [text],
        ),
        proxy_port: Some(
            3128,
        ),
        insecure_mode: false,
        connect_retries: 0,
        connect_timeout: Some(
            10s,
        ),
        retry_on_database_errors: false,
        retry_all: true,
        client_session_keep_alive: false,
        query_tag: Some(
            [text],
        ),
        secondary_roles: Some(
            [text],
        ),
        session_parameters: {
            "A": [text],
            "B": [text],
        },
    }
    "#);
    assert_eq!(read.account.expose(), "my-org-acct");
    assert_eq!(
        read.private_key_path.as_deref(),
        Some(&*world.folder.path().join("project/keys/k.p8"))
    );
}

#[test]
fn a_snowflake_session_needs_a_user_unless_a_token_says_who() {
    let with = |more: &str| {
        World::new(&format!(
            "shop:\n  outputs:\n    dev: {{type: snowflake, account: a, database: d, schema: s, {more}}}\n"
        ))
        .said("dev")
    };
    assert_eq!(with("authenticator: oauth, token: t"), "");
    insta::assert_snapshot!(with("private_key: a, private_key_path: b"), @r#"
    /here/profiles.yml:3 [invalid-profile] the output dev of the profile shop has no `user` (dbt needs it too: add the key)
    /here/profiles.yml:3 [invalid-profile] `private_key` and `private_key_path` are both given (keep one of the two)
    "#);
}
