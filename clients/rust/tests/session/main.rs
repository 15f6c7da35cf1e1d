//! The client against the real router over every link, and against a peer that keeps to a script.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod calls;
mod credit;
mod cutting;
mod events;
mod interactions;
#[path = "../../examples/interactions/all/mod.rs"]
mod interactions_example;
mod keeping;
mod parts;
mod peer;
mod places;
mod queuing;
mod relay;
mod resuming;
mod script;
mod support;
