//! `profiles.yml` and TLS: against dbt's own code, and against servers.

mod command;
mod oracle;
mod tls;
