//! One trusted device, as it stands in `devices.json`.
//!
//! It knows nothing of the other devices: that ids and keys are unique is the business of [`crate::trust`].

use serde::{Deserialize, Serialize};
use time::{Duration as Span, OffsetDateTime};

use crate::grant::Grant;
use crate::identity::DeviceKey;
use crate::noise::NoisePublic;

/// Days without a sight of it after which a page is no longer let in: its keys lie in a browser, where nobody
/// remembers them, and a page over plain HTTP may have been altered on the way when it was paired.
pub const WEB_IDLE_DAYS: u16 = 30;

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

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Web, Self::Android, Self::Ios, Self::Cli, Self::Ext, Self::Lib]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// How many days it may stay away unless the owner says otherwise.
    #[must_use]
    pub fn idle_days(self) -> Option<u16> {
        match self {
            Self::Web => Some(WEB_IDLE_DAYS),
            Self::Android | Self::Ios | Self::Cli | Self::Ext | Self::Lib => None,
        }
    }
}

/// The keys of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Ed25519, for cryptosign.
    pub sign: DeviceKey,
    /// X25519, for Noise; absent when the device was paired by the legacy form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoisePublic>,
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
    /// Days after the last sight of it from which it is no longer let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_days: Option<u16>,
    /// Whether it was paired without the key exchange, so that its key was not protected on the way.
    #[serde(default)]
    pub legacy: bool,
}

impl Device {
    /// Whether the device may still come in at `now`.
    #[must_use]
    pub fn is_current(&self, now: OffsetDateTime) -> bool {
        let seen = self.last_seen.unwrap_or(self.paired_at);
        // The sum is past the last year there is only when the file was written by hand: then it never comes.
        let is_idle = self
            .idle_days
            .and_then(|days| seen.checked_add(Span::days(days.into())))
            .is_some_and(|end| end <= now);
        !is_idle && self.expires.is_none_or(|expires| now < expires)
    }
}

/// A device that was just approved and is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Its key for cryptosign.
    pub key: DeviceKey,
    /// Its key for Noise; the legacy form brings none.
    pub noise: Option<NoisePublic>,
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
    /// The moment from which it is no longer let in.
    pub expires: Option<OffsetDateTime>,
    /// Whether it came by the legacy form.
    pub legacy: bool,
}
