//! Coming from somewhere else: configuration for what a warehouse has (`live`), and files written for
//! other tools in our words (`rewrite`).
//!
//! Pure but for `read`, which asks a warehouse: what was observed comes in, texts come out. Nothing that is written gives anybody anything
//! that they do not have, now or by what is yet to be made; what cannot be said is named.

mod adoption;
pub mod live;
pub mod read;
pub mod rewrite;
mod sound;

pub use adoption::ByAdoption;
