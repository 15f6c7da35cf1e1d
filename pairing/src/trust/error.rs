//! Why the list of devices was not changed, or not accepted.
//!
//! Sentences alone; when they are due is decided by [`crate::trust`].

use super::{MAX_DEVICES, MAX_GRANTS, MAX_ROLE_BYTES, VERSION};
use crate::grant::BadGrant;
use crate::identity::BadKey;
use crate::random::NoRandom;

/// Why the list was not changed, or not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No such device.
    #[error("there is no paired device {0:?}; `deskconnctl devices` lists them")]
    NoSuchDevice(String),
    /// The list is at its bound.
    #[error("{MAX_DEVICES} devices are paired, which is the most; revoke one with `deskconnctl devices revoke ID`")]
    Full,
    /// A role with letters that no role has.
    #[error("{0:?} is no name of a role: small letters, digits, '-' and '_' are, at most {MAX_ROLE_BYTES}")]
    BadRole(String),
    /// An id of another shape.
    #[error("{0:?} is no id of a device: `d_` and eight small letters or digits are")]
    BadId(String),
    /// Nothing visible in a name.
    #[error("a device's name needs at least one visible character")]
    NoName,
    /// Two entries with one id or one key.
    #[error("the device {0:?} has the same id or key as another one")]
    Twice(String),
    /// A key that is stored under another device.
    #[error("the key belongs to the device {0} already; revoke that one first with `deskconnctl devices revoke {0}`")]
    KeyInUse(String),
    /// A device without this grant.
    #[error("the device has no grant for {0:?} with this match; what its role allows only another role takes away")]
    NoSuchGrant(String),
    /// Too many grants.
    #[error("a device can have {MAX_GRANTS} grants; give it a role that covers them")]
    TooManyGrants,
    /// A malformed grant.
    #[error(transparent)]
    BadGrant(BadGrant),
    /// A malformed key.
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// No id could be drawn.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// A file of another version of this program.
    #[error(
        "the list of devices has version {0} and this program knows version {VERSION}; use the program that wrote it"
    )]
    Version(u32),
}
