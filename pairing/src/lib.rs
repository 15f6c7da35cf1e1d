//! How a device becomes trusted: codes, windows, attempts, keys and the list of devices.
#![doc = include_str!("../README.md")]
//!
//! | module | what it knows |
//! |---|---|
//! | [`random`] | bytes from a random source that the caller gives |
//! | [`code`] | the eight digits a person carries from the desktop to the device |
//! | [`window`] | that codes work only while somebody asked for it, three times at most, once |
//! | [`link`] | the link in the QR code: the same errand with a longer secret |
//! | [`exchange`] | pairing by CPace, both ends: nothing that helps a listener is sent |
//! | [`legacy`] | pairing by `pair(otp, pubkey)` or an `otp` at login, for plain WAMP libraries |
//! | [`question`] | what the owner is asked about a device, whichever way it came |
//! | [`identity`] | the desktop's own key, its short names, and the fingerprint of a device's key |
//! | [`noise`] | the keys of Noise |
//! | [`device`] | one device: its key, name, role |
//! | [`grant`] | one permission of a device beside its role |
//! | [`trust`] | which devices are trusted, since when, as what |
//! | [`name`] | names from strangers, made safe to show |

pub mod code;
pub mod device;
pub mod exchange;
pub mod grant;
pub mod identity;
pub mod legacy;
pub mod link;
pub mod name;
pub mod noise;
pub mod question;
pub mod random;
pub mod trust;
pub mod window;

pub use code::Code;
pub use device::{Device, Kind, NewDevice};
pub use identity::{DeviceKey, Identity};
pub use legacy::Legacy;
pub use link::{Link, LinkSecret};
pub use noise::{NoiseKey, NoisePublic};
pub use random::NoRandom;
pub use trust::Trust;
pub use window::{Secrets, Terms, Windows};
