//! `rolecall promote`: on real servers, gate by gate, and beside real dbt.

mod chain;
mod checks;
mod cuts;
mod dbt;
mod gates;
mod joined;
mod members;
mod people;
mod playbooks;
mod protected;
mod receipt;
mod requests;
mod stage;
mod way;
