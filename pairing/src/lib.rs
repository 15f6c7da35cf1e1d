//! How a device becomes trusted: codes, windows, attempts, keys and the list of devices.
//!
//! Everything here is a value with methods. There is no socket, file, clock, task or log line in this package:
//! moments are arguments, randomness is an argument, and what happens next is a return value. The daemon's
//! `pair.rs` and `store.rs` are the shell around it.
//!
//! | module | what it knows |
//! |---|---|
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
//!
//! ```
//! use std::time::Duration;
//! use deskconn_pairing::legacy::{Claim, Step};
//! use deskconn_pairing::{Code, Identity, Kind, Legacy, Terms, Trust, Windows};
//! use rand::SeedableRng;
//!
//! let mut random = rand::rngs::StdRng::seed_from_u64(1); // the daemon takes the system's source
//! let desktop = Identity::generate(&mut random)?;
//! let phone = Identity::generate(&mut random)?;
//! let second = Duration::from_secs(1);
//!
//! let (mut windows, mut legacy) = (Windows::default(), Legacy::new(desktop.public()));
//! let code = Code::generate(&mut random)?;
//! let shown = code.to_string(); // on the desktop's screen
//! windows.open(code, Terms { legacy: true, ..Terms::for_role("remote") }, false, second)?;
//!
//! let claim = Claim {
//!     otp: shown.parse().ok(), // typed into the phone
//!     key: phone.public(),
//!     session_key: None,
//!     name: Some("Pixel 9".into()),
//!     kind: Kind::Android,
//!     address: None,
//!     is_private: true,
//! };
//! let request = legacy.claim(&mut windows, claim, 2 * second)?;
//! let Step::Ask(question) = legacy.ask(&mut windows, request, 2 * second) else { panic!() };
//! println!("{} {}: allow?", question.name.unwrap(), question.fingerprint);
//! let Step::Granted(_, device) = legacy.answer(&mut windows, request, true, None, 9 * second)? else { panic!() };
//!
//! let mut trust = Trust::default();
//! let now = time::OffsetDateTime::UNIX_EPOCH; // the daemon takes the clock
//! let id = trust.add(*device, now, &mut random)?.id;
//! assert_eq!(trust.find_key(&phone.public()).unwrap().id, id);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
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
pub mod trust;
pub mod window;

pub use code::Code;
pub use device::{Device, Kind, NewDevice};
pub use identity::{DeviceKey, Identity};
pub use legacy::Legacy;
pub use link::{Link, LinkSecret};
pub use noise::{NoiseKey, NoisePublic};
pub use trust::Trust;
pub use window::{Secrets, Terms, Windows};
