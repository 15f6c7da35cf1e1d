//! Finds the few operations of a run that failed which it takes to fail.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use super::operation::Operation;
use super::world::{Done, World};

type Failure = Box<dyn Any + Send>;

/// What comes of a run.
pub(super) fn outcome(run: &[Operation]) -> Result<Done, Failure> {
    catch_unwind(AssertUnwindSafe(|| World::new(false).run(run)))
}

/// Shrinks a run that fails, and fails with what is left of it.
pub(super) fn report(seed: u64, run: Vec<Operation>) {
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let few = shrunk(run);
    set_hook(hook);
    println!("run {seed} fails with these {} operations:", few.len());
    World::new(true).run(&few);
    unreachable!("the same operations did not fail again");
}

/// Leaves out ever smaller parts, as long as what is left fails.
fn shrunk(mut run: Vec<Operation>) -> Vec<Operation> {
    let tries = Cell::new(0);
    let fails = |run: &[Operation]| {
        tries.set(tries.get() + 1);
        outcome(run).is_err()
    };
    let mut part = run.len() / 2;
    while part > 0 {
        let mut from = 0;
        let before = run.len();
        while from < run.len() {
            let rest = [&run[..from], &run[(from + part).min(run.len())..]].concat();
            if fails(&rest) {
                run = rest;
            } else {
                from += part;
            }
        }
        // Once more with parts of the same size, where leaving out one made others needless.
        if run.len() == before || part > 1 {
            part /= 2;
        }
    }
    println!("shrunk in {} tries", tries.get());
    run
}
