//! The laws on random accounts: what people did before, what is wanted, where an apply breaks, and
//! what others do meanwhile.

mod did;
mod law;
mod place;
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::{standin::Standin, statements};

/// Half of the cases that are run, unless `ROLECALL_LAWS_CASES` says how many.
const HALF: u32 = 500;

/// A part of the cases, on a stand-in of their own.
fn a_part_of_them(part: u8) {
    let Some(standin) = Standin::start() else { return };
    let all = std::env::var("ROLECALL_LAWS_CASES").ok().and_then(|n| n.parse::<u32>().ok());
    let cases = all.map_or(HALF, |all| all.div_ceil(2));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config =
        Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    // The parts are told apart: with one seed for both they would be the same.
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|n| n.parse::<u64>().ok());
    let mut runner = match seed {
        Some(seed) => {
            let mut bytes = [part; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
        }
        None => TestRunner::new(config),
    };
    let (said, went_through) = (Mutex::new(BTreeSet::new()), AtomicU32::new(0));
    let result = runner.run(&world::worlds(), |world| {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let held = runtime.block_on(law::holds(&standin, &world, &mut said));
        let whole = held.map_err(TestCaseError::fail)?;
        went_through.fetch_add(u32::from(whole), Ordering::Relaxed);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let went_through = went_through.into_inner();
    assert!(went_through > cases * 3 / 4, "only {went_through} of {cases} were not refused");
    let said = said.into_inner().unwrap_or_else(PoisonError::into_inner);
    statements::are_read_by_others(&said);
}

#[test]
fn the_laws_hold_on_random_accounts() {
    a_part_of_them(1);
}

#[test]
fn the_laws_hold_on_other_random_accounts() {
    a_part_of_them(2);
}
