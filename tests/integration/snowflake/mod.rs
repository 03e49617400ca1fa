//! Snowflake: sessions, against a server that is told what to say and against the stand-in.

mod account;
mod against_standin;
mod connecting;
mod documented;
mod effective;
mod exchange;
mod handed;
mod hooks;
mod imports;
mod job;
mod lasting;
pub(crate) mod live;
mod logins;
mod mistakes;
mod one_model;
mod people;
mod playbooks;
mod promotion;
mod results;
mod round;
mod scripted;
pub(crate) mod standin;
pub(crate) mod statements;
mod tls;
mod who_can;

use std::time::Duration;

use rolecall::warehouse::snowflake::{Auth, Protocol, Retry, Secret, SnowflakeSettings};

/// An account on the stand-in, and a session of its role DEPLOYER, which manages grants.
pub(crate) async fn playbook_account()
-> Option<(standin::Standin, rolecall::warehouse::snowflake::Snowflake)> {
    let standin = account::site::account()?;
    let warehouse = account::site::connect(&standin).await;
    Some((standin, warehouse))
}

/// Settings for a server on this machine that gives up soon.
fn settings(port: u16) -> SnowflakeSettings {
    SnowflakeSettings {
        host: Some("127.0.0.1".to_owned()),
        port: Some(port),
        protocol: Protocol::Http,
        role: Some("DEPLOYER".to_owned()),
        connect_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(20),
        retry: Retry {
            times: 3,
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
        },
        ..SnowflakeSettings::new("acme-test", "deploy", Auth::Password(Secret::new("swordfish")))
    }
}
