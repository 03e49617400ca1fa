//! What rules and directories do, without a file or a server.

mod oracle;
mod reading;
mod rules;
