//! `rolecall check`: access tests on real servers, each built-in check by its own examples, and the
//! formats that other programs read.

mod access;
mod examples;
mod formats;
mod project;
mod views;
