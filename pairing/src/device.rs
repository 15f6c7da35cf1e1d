//! One trusted device, as it stands in `devices.json`.
//!
//! It knows nothing of the other devices: that ids and keys are unique is the business of [`crate::trust`].

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::grant::Grant;
use crate::identity::DeviceKey;

/// What a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A page served by the desktop.
    Web,
    /// An Android app.
    Android,
    /// An iOS app.
    Ios,
    /// A command line.
    Cli,
    /// A browser extension.
    Ext,
    /// A program with a WAMP library; also whatever does not say what it is.
    #[default]
    Lib,
}

impl Kind {
    /// The word in files and prompts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Cli => "cli",
            Self::Ext => "ext",
            Self::Lib => "lib",
        }
    }
}

/// The keys of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Ed25519, for cryptosign.
    pub sign: DeviceKey,
}

/// A trusted device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// `d_` and eight symbols; the `authid` of its sessions.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: Kind,
    /// Its one role.
    pub role: String,
    /// What it may do beside its role.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// How it proves that it is this device.
    pub keys: Keys,
    /// When it was paired, the last time.
    #[serde(with = "time::serde::rfc3339")]
    pub paired_at: OffsetDateTime,
    /// When it was last seen, if it was.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub last_seen: Option<OffsetDateTime>,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_address: Option<String>,
    /// The moment from which it is no longer let in.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub expires: Option<OffsetDateTime>,
    /// Whether it was paired without the key exchange, so that its key was not protected on the way.
    #[serde(default)]
    pub legacy: bool,
}

impl Device {
    /// Whether the device may still come in at `now`.
    #[must_use]
    pub fn is_current(&self, now: OffsetDateTime) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// A device that was just approved and is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Its key.
    pub key: DeviceKey,
    /// Its name, if it gave one.
    pub name: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// The role it gets.
    pub role: String,
    /// The grants it gets.
    pub grants: Vec<Grant>,
    /// Where it came from.
    pub address: Option<String>,
    /// Whether it came by the legacy form.
    pub legacy: bool,
}
