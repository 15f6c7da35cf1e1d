//! Pairing by key exchange, `deskconn-pair/1`: what a listener records is worth nothing, what somebody in between
//! changes is noticed, and a guess costs an attempt. docs/PAIRING.md describes it byte by byte.
//!
//! ```text
//! desktop                                   device
//!    │ hello  ─────────────────────────────►  │
//!    │ ◄─────────────────────────────  pake_a │
//!    │ pake_b ─────────────────────────────►  │    an attempt is counted
//!    │ ◄─────────────────────────────  conf_a │
//!    │ conf_b ─────────────────────────────►  │    the owner is asked
//!    │ grant  ─────────────────────────────►  │
//!    │ ◄───────────────────────────────  done │    the device is stored
//! ```
//!
//! Both ends are values: frames go in, what to do next comes out. [`Desktop`] and [`Joiner`] know no socket; the
//! daemon carries the frames over `/pair` (WebSocket, [`SUBPROTOCOL`]), each in one binary message.

mod cbor;
mod cpace;
mod desktop;
mod grant;
mod joined;
mod joiner;
mod judge;
mod messages;
mod transcript;
mod why;

use std::time::Duration;

pub use self::desktop::{Channel, Desktop, Facts, Own, Step};
pub use self::grant::{BadPlace, Place, Verdict};
pub use self::joined::{DesktopKeys, Joined};
pub use self::joiner::{Failure, Introduction, Joiner, Progress, Secret, Sight};
pub use self::messages::{MAX_HOST_BYTES, MAX_HOSTS, MAX_NAME_BYTES, MAX_PLACE_TEXT_BYTES};
pub use self::why::{Code, Why};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "deskconn.pair.1";

/// The name of the protocol in what is hashed.
const LABEL: &[u8] = b"deskconn-pair/1";

/// The version in `hello`.
const VERSION: u64 = 1;

/// The suite in `hello`.
const SUITE: &str = "CPACE-RISTR255-SHA512";

/// The label under which a client that can (RFC 5705, RFC 8446 section 7.5) exports 32 bytes of its TLS session,
/// without context, for `pake_a`.
pub const EXPORTER_LABEL: &str = "EXPORTER-deskconn-pair/1";

/// The largest frame. The largest message, a grant of eight long hosts, has about 2,900 bytes.
pub const MAX_FRAME_BYTES: usize = 4096;

/// From `hello` to a `conf_a` that holds: two round trips and a millisecond of arithmetic, on a bad network.
pub const CRYPTO_TIME: Duration = Duration::from_secs(10);

/// From `grant` to `done`: one round trip.
pub const DONE_TIME: Duration = Duration::from_secs(10);

/// The parties, the draft's `CI`: who is who, and which desktop.
fn parties(did: &[u8; 32]) -> Vec<u8> {
    cpace::lv(&[LABEL, b"device", b"desktop", did])
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod run_tests;

#[cfg(test)]
mod limits_tests;

#[cfg(test)]
mod attack_tests;

#[cfg(test)]
mod random_tests;

#[cfg(test)]
mod vector_tests;
