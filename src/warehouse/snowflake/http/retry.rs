//! What may be repeated, and after how long.

use std::time::Duration;

use super::super::settings::Retry;

/// Whether a statement may be sent again although it may have run: a second time changes nothing.
///
/// Not so CREATE, DROP and RENAME, which fail the second time and leave in doubt whether it was
/// oneself, and GRANT OWNERSHIP, after which the right to say it again may be gone.
pub(super) fn repeatable(statement: &str) -> bool {
    let mut words = words(statement);
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    match first.as_str() {
        "SHOW" | "DESC" | "DESCRIBE" | "SELECT" | "USE" | "REVOKE" => true,
        "GRANT" => second != "OWNERSHIP",
        "ALTER" => second == "SESSION",
        _ => false,
    }
}

fn words(statement: &str) -> impl Iterator<Item = String> {
    statement.split_whitespace().map(str::to_ascii_uppercase)
}

/// How an attempt went wrong, as far as repeating goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The server cannot have begun: it said so itself.
    NotRun,
    /// The server cannot have begun: no connection came about.
    NoConnection,
    /// It was turned away at the gate, which is as good as certain: sent again, but an error that
    /// follows may be due to the first time.
    TurnedAway,
    /// Nobody knows.
    MayHaveRun,
}

/// How an HTTP status is taken. `None`: repeating will not help.
pub(super) fn status(status: u16) -> Option<Doubt> {
    match status {
        429 => Some(Doubt::NotRun),
        503 => Some(Doubt::TurnedAway),
        // The official drivers repeat these too.
        408 | 500 | 502 | 504 | 505..=599 => Some(Doubt::MayHaveRun),
        _ => None,
    }
}

/// How an error of the HTTP client is taken, with what it says. `None`: repeating will not help.
pub(super) fn transport(error: &reqwest_middleware::Error, said: &str) -> Option<Doubt> {
    match error {
        reqwest_middleware::Error::Reqwest(error) if error.is_connect() => {
            // A certificate does not change from one second to the next.
            (!said.contains("certificate")).then_some(Doubt::NoConnection)
        }
        reqwest_middleware::Error::Reqwest(error) if error.is_builder() => None,
        _ => Some(Doubt::MayHaveRun),
    }
}

/// The wait before the n-th repetition (from 1): doubled each time, with up to a half taken off by
/// `seed`, so that sessions that failed together do not come back together.
pub(super) fn wait(retry: &Retry, n: u32, seed: u64) -> Duration {
    let whole =
        retry.first.saturating_mul(1_u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX));
    let whole = whole.min(retry.longest);
    let share = (seed.wrapping_add(u64::from(n)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u32;
    whole - whole.saturating_mul(share) / (2 * 0x1_0000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_nothing_the_second_time_is_repeated() {
        for statement in [
            "SHOW ROLES",
            "show grants to role X",
            "GRANT SELECT ON TABLE A.B.C TO ROLE R",
            "REVOKE ROLE A FROM ROLE B",
            "USE ROLE R",
            "ALTER SESSION SET TIMEZONE = 'UTC'",
        ] {
            assert!(repeatable(statement), "{statement}");
        }
        for statement in [
            "CREATE ROLE R",
            "DROP ROLE R",
            "ALTER ROLE A RENAME TO B",
            "GRANT OWNERSHIP ON TABLE T TO ROLE R COPY CURRENT GRANTS",
            "grant  ownership on role R to role S",
            "INSERT INTO T VALUES (1)",
            "/* x */ CREATE ROLE R",
            "",
        ] {
            assert!(!repeatable(statement), "{statement}");
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_differ_by_seed() {
        let retry = Retry {
            times: 9,
            first: Duration::from_millis(100),
            longest: Duration::from_millis(1_000),
        };
        for n in 1..80 {
            for seed in [0, 1, 77, u64::MAX] {
                let full = Duration::from_millis(100 * (1 << (n - 1).min(10))).min(retry.longest);
                let waited = wait(&retry, n, seed);
                assert!(waited <= full && waited >= full / 2, "{n} {seed} {waited:?}");
            }
        }
        assert_ne!(wait(&retry, 3, 1), wait(&retry, 3, 2));
    }
}
