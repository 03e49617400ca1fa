//! The lock: a role that can be created once only. Its comment says who holds it, and since when.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::reader::{failed, is_forbidden, is_missing, literal, quoted};
use super::shown::Table;
use super::{QueryError, Sessions};
use crate::model::Ident;
use crate::plan::hex;
use crate::warehouse::WarehouseError;

const PREFIX: &str = "rolecall-lock:1 ";

/// Who holds a lock, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whoever took it, as `unlock --holder` names them.
    pub holder: String,
    /// In UTC.
    pub since: String,
}

/// The lock of one environment of one deployment.
#[derive(Debug, Clone)]
pub struct Lock {
    name: Ident,
    what: String,
}

impl Lock {
    /// Its name is safe whatever the two are called, and never that of two different pairs.
    pub fn of(deployment: &str, environment: &str) -> Result<Self, WarehouseError> {
        let digest = hex(&Sha256::digest(format!("{deployment}\0{environment}")));
        let plain: String = format!("{deployment}_{environment}")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .take(120)
            .collect();
        let name = format!("ROLECALL_LOCK_{plain}_{}", digest[..12].to_ascii_uppercase());
        let what = format!("{environment} of the deployment {deployment}");
        match Ident::new(&name) {
            Ok(name) => Ok(Self { name, what }),
            Err(error) => Err(WarehouseError::Locked(format!("no lock can be named: {error}"))),
        }
    }

    /// The role that is the lock.
    pub fn name(&self) -> &Ident {
        &self.name
    }

    /// Takes it, or says who has it.
    pub async fn take(
        &self,
        sessions: &Sessions,
        holder: &str,
        now: i64,
        acting_as: &Ident,
    ) -> Result<(), WarehouseError> {
        let held = Held { holder: holder.to_owned(), since: utc(now) };
        let comment = format!("{PREFIX}{}", serde_json::to_string(&held).unwrap_or_default());
        let statement =
            format!("CREATE ROLE {} COMMENT = {}", quoted(&self.name), literal(&comment));
        let error = match sessions.query(&statement).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if is_forbidden(&error) {
            return Err(WarehouseError::Forbidden(format!(
                "{}\n  {acting_as} may not create roles: GRANT CREATE ROLE ON ACCOUNT TO ROLE {}",
                failed(&statement, &error),
                quoted(acting_as)
            )));
        }
        let exists = matches!(&error, QueryError::Server(server) if server.code == "002002");
        let unknown = matches!(&error, QueryError::Transport { may_have_run: true, .. });
        if !exists && !unknown {
            return Err(failed(&statement, &error));
        }
        match self.held(sessions).await? {
            // Said twice, because the first answer was lost.
            Some(Some(by)) if by == held => Ok(()),
            Some(by) => Err(WarehouseError::Locked(self.taken(by.as_ref()))),
            None => Err(failed(&statement, &error)),
        }
    }

    fn taken(&self, by: Option<&Held>) -> String {
        let what = &self.what;
        match by {
            Some(Held { holder, since }) => format!(
                "{holder} has been applying {what} since {since}\n  wait for it; if it is dead: rolecall unlock --holder '{holder}'"
            ),
            None => format!(
                "{what} is locked by the role {}, whose comment does not say by whom\n  if that is nobody's work: DROP ROLE {}",
                self.name,
                quoted(&self.name)
            ),
        }
    }

    /// `None` where it is free, `Some(None)` where its comment does not say who has it.
    pub async fn held(&self, sessions: &Sessions) -> Result<Option<Option<Held>>, WarehouseError> {
        let pattern = self.name.as_str().replace('_', "\\_");
        let statement = format!("SHOW ROLES LIKE {}", literal(&pattern));
        let rows = sessions.query(&statement).await.map_err(|error| failed(&statement, &error))?;
        let table = Table::of(&rows);
        let row = table.rows().find(|row| row.text("name") == self.name.as_str());
        Ok(row.map(|row| {
            let json = row.text("comment").strip_prefix(PREFIX)?;
            serde_json::from_str(json).ok()
        }))
    }

    /// Gives it back, if it is still `holder`'s.
    pub async fn give_back(&self, sessions: &Sessions, holder: &str) -> Result<(), WarehouseError> {
        match self.held(sessions).await? {
            Some(Some(held)) if held.holder == holder => self.drop_role(sessions).await,
            _ => Ok(()),
        }
    }

    async fn drop_role(&self, sessions: &Sessions) -> Result<(), WarehouseError> {
        let statement = format!("DROP ROLE {}", quoted(&self.name));
        match sessions.query(&statement).await {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(failed(&statement, &error)),
        }
    }

    /// Breaks a dead lock: only that of the holder who is named. `false` where it was free.
    pub async fn break_it(
        &self,
        sessions: &Sessions,
        holder: &str,
    ) -> Result<bool, WarehouseError> {
        match self.held(sessions).await? {
            None => Ok(false),
            Some(Some(held)) if held.holder == holder => {
                self.drop_role(sessions).await?;
                Ok(true)
            }
            Some(by) => Err(WarehouseError::Locked(self.taken(by.as_ref()))),
        }
    }
}

/// Whoever runs this, apart from everybody else.
pub(super) fn this_process() -> String {
    let of = |variable: &str| {
        let value = std::env::var(variable).unwrap_or_default();
        value.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect()
    };
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let user: String = or(of("USER"), "somebody");
    let host: String = or(of("HOSTNAME"), "somewhere");
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{user}@{host}:{}:{}", std::process::id(), &unique[..8])
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}

/// `2026-11-22T20:10:05Z`.
pub(super) fn utc(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years ("chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, after) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + after;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_378_205), "2026-11-22T20:10:05Z");
    }

    #[test]
    fn locks_of_two_pairs_are_never_the_same_and_always_a_plain_name() {
        let name = |d, e| Lock::of(d, e).unwrap().name().to_string();
        assert_ne!(name("a_b", "c"), name("a", "b_c"));
        assert_ne!(name("shop", "prod"), name("SHOP", "prod"));
        let odd = name("it's \"odd\"; DROP ROLE x --", &"long".repeat(200));
        assert!(odd.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{odd}");
        assert!(odd.len() < 200);
    }
}
