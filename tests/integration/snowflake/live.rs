//! A real account, where `ROLECALL_SNOWFLAKE_*` is set: see docs/snowflake.md, "Live tests".

use rolecall::warehouse::snowflake::{Sessions, SnowflakeSettings};

/// Settings of the real account; `None`, and a message, where none is set.
pub(crate) fn settings() -> Option<SnowflakeSettings> {
    let read = SnowflakeSettings::from_environment(|name| std::env::var(name).ok());
    let settings = read.unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
    if settings.is_none() {
        eprintln!("skipped: no Snowflake account (set ROLECALL_SNOWFLAKE_ACCOUNT and others)");
    }
    settings
}

#[tokio::test]
async fn a_session_on_a_real_account_is_as_it_must_be() {
    let Some(settings) = settings() else { return };
    let sessions = Sessions::connect(&settings, 2).await.unwrap();
    let one = |rows: rolecall::warehouse::snowflake::Rows| rows.rows[0].clone();
    let who = sessions
        .query(
            "SELECT CURRENT_ACCOUNT(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_SECONDARY_ROLES()",
        )
        .await
        .unwrap();
    let who = one(who);
    assert!(who.iter().all(Option::is_some), "{who:?}");
    assert!(who[3].as_deref().unwrap().contains("\"roles\":\"\""), "{who:?}");
    let parameters = sessions
        .query("SHOW PARAMETERS LIKE 'QUOTED_IDENTIFIERS_IGNORE_CASE' IN SESSION")
        .await
        .unwrap();
    assert_eq!(one(parameters)[1].as_deref(), Some("false"));
    let roles = sessions.query("SHOW ROLES").await.unwrap();
    assert!(roles.columns.iter().any(|name| name == "name"));
    sessions.close().await;
}
