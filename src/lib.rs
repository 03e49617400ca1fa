//! Access as code for dbt: declarations in a model's `meta` become the grants of product roles.
//!
//! The modules are the way of the data; see `ARCHITECTURE.md`.

pub mod apply;
pub mod check;
pub mod cli;
pub mod config;
pub mod dbt;
pub mod declare;
pub mod dialect;
pub mod directory;
pub mod edit;
pub mod effect;
pub mod import;
pub mod model;
pub mod plan;
pub mod project;
pub mod promote;
pub mod protect;
pub mod receipts;
pub mod rehearse;
pub mod report;
pub mod requests;
pub mod resolve;
pub mod review;
pub mod warehouse;
