//! Random operations on a realm, checked after each: every request is answered as often as it must be, every call ends
//! once, nothing goes to the departed, no index mentions what is not there, and when all have left nothing is left.
//!
//! A run is a list of operations, each a few random numbers that mean something in whatever state they meet. So any part of
//! a list is a list too, and a failure is shrunk to the few operations that it takes, which are then told message by
//! message.

mod acts;
mod client;
mod operation;
mod shrink;
mod world;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::operation::Operation;
use self::world::Done;

/// Operations of all runs together; the environment variable `DESKCONN_SIMULATION` asks for more.
const OPERATIONS: u64 = 200_000;
/// Operations of one run: long enough for ids, queues and histories to grow, short enough to be shrunk in seconds.
const RUN: u64 = 2_000;

#[test]
fn nothing_is_lost_doubled_or_left_behind() {
    let wished = std::env::var("DESKCONN_SIMULATION").ok();
    let operations = wished.and_then(|number| number.parse().ok()).unwrap_or(OPERATIONS);
    let mut done = Done::default();
    for seed in 0..operations.div_ceil(RUN) {
        let run = run_of(seed);
        match shrink::outcome(&run) {
            Ok(more) => done += more,
            Err(_) => shrink::report(seed, run),
        }
    }
    // Each of them happens in more than one operation of a hundred or a thousand, or the rest proves little.
    let often = operations / 100;
    let seldom = operations / 2_000;
    assert!(done.calls > often && done.events > often, "it did too little: {done:?}");
    assert!(
        done.consents > seldom && done.authorizations > seldom && done.time_outs > seldom && done.bounces > seldom,
        "it did too little: {done:?}"
    );
    assert!(done.grants > seldom, "it did too little: {done:?}");
}

fn run_of(seed: u64) -> Vec<Operation> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..RUN).map(|_| Operation(random.random())).collect()
}
