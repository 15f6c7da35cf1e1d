//! How a program becomes a device of a desktop, and what it keeps of that.
//!
//! [`Membership::pair`] is all of it; [`Attempt`] is the same one step at a time, for a program that stores devices in its own
//! way. What the two ends say to each other is in `docs/PAIRING.md`, and its machine in the crate `deskconn-pairing`.

mod attempt;
mod channel;
mod membership;

pub use ::pairing::exchange::{Failure, Introduction, Joined, MAX_FRAME_BYTES, Secret};
pub use ::pairing::{Code, Identity, Kind, Link, NoiseKey};

pub use attempt::{Attempt, PairError, Step};
pub use channel::PairingChannel;
pub use membership::{Membership, MembershipError, options, targets};
