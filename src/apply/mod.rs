//! Making it so: observe, compare, execute, read back. Every path ends with the warehouse as it
//! was, as it should be, or with a report of exactly what was done.

mod begun;
mod compare;
mod custody;
mod opened;
mod run;

pub use compare::{Compared, Failure, compare, people};
pub use custody::{Custody, changed_gates, list_of_retired};
pub use opened::ways_round;
pub use run::{Outcome, Settings, apply};
