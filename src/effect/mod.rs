//! Effective access: what a role can do on every object of an [`AccessState`], and by which chain.
//!
//! Two answers, as the server gives two: *privilege* is what `has_table_privilege` and its kin say,
//! *usable* is what a query could do, which needs the way there too (USAGE on the schema, CONNECT on
//! the database, and what a view reads). What is reached only by SET ROLE is a third answer, and what
//! is reached through relations that have rows in common a fourth ([`Through`]).
//!
//! [`gains`] compares two states.
//!
//! Pure. `tests/integration/effect` holds it to real servers.

mod alike;
#[cfg(test)]
mod alike_tests;
mod answer;
mod by_dbt;
mod compiled;
mod declared;
mod everybody;
#[cfg(test)]
mod fixtures;
pub mod gains;
mod keepers;
mod kin;
#[cfg(test)]
mod kin_tests;
mod passing_on;
mod reach;
mod reasons;
mod remedy;
mod round;
mod state;
#[cfg(test)]
mod tests;
mod through;
mod to_come;
mod together;
mod views;
mod who;

pub use alike::{Alike, MayDo, Reaches};
pub use answer::{Answer, AsRole, Held, Lack};
pub use compiled::Effect;
pub use kin::{Kin, Kinship};
pub use reasons::{Chain, Step};
pub use remedy::Remedy;
pub use round::WayRound;
pub use state::{
    AccessEntry, AccessObject, AccessRole, AccessState, DefaultList, Parent, Reading, owners_share,
    publics_share,
};
pub use through::Through;
pub use who::Holder;
