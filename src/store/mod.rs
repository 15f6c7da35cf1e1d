//! What survives a restart: the desktop's keys, the list of devices, and the few switches that a command sets.
//!
//! | file | content |
//! |---|---|
//! | `identity.key` | the Ed25519 seed, 64 hexadecimal digits |
//! | `noise.key` | the X25519 secret of Noise, in the same form |
//! | `tls.key`, `tls.crt` | the P-256 key of TLS and its self-signed certificate, in PEM |
//! | `devices.json` | [`pairing::Trust`]; the one before the last change is `devices.json.bak` |
//! | `state.json` | [`Switches`] |
//! | `actions.json` | which actions were switched, and up to when their times were seen to (`src/actions/kept.rs`) |
//! | `journal-*` | what a realm keeps of its events (`journal.rs`) |
//! | `journal-*.damaged` | a journal as it was when the disk was found to have damaged it |
//! | `link-*` | events that wait for another router (`src/links`) |
//!
//! The directory is for its owner alone, every file is replaced as a whole, and what cannot be understood is never
//! overwritten. It does not decide who is trusted. It logs what a disk did not take, gave back damaged, or has lost.

mod error;
mod files;
mod journal;
mod keys;
mod losses;
mod records;
mod tls;

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pairing::trust::{TrustError, VERSION};
use pairing::{Identity, Trust};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

pub use error::StoreError;
pub(crate) use files::StateDir;
use files::Unusable;
pub(crate) use journal::FileJournal;
use keys::Seed;
use losses::Losses;
use tls::Tls;

const IDENTITY: &str = "identity.key";
const NOISE: &str = "noise.key";
const DEVICES: &str = "devices.json";
const SWITCHES: &str = "state.json";

/// All devices with all their grants at their longest are about 13 MiB.
const MAX_DEVICES: u64 = 16 << 20;

/// A few switches.
const MAX_SWITCHES: u64 = 4096;

/// What a crash in the middle of a write may leave behind.
const LEFTOVERS: [&str; 9] = [
    "identity.key.new",
    "noise.key.new",
    "tls.key.new",
    "tls.crt.new",
    "devices.json.new",
    "devices.json.bak.new",
    "state.json.new",
    "state.json.bak.new",
    "actions.json.new",
];

/// What commands switch and a restart must not forget. It beats the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// Whether the desktop shows itself on the network; `None` when no command ever said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<bool>,
}

/// The state of this installation, shared by everything that reads or changes it.
pub struct Store {
    identity: Identity,
    noise: StaticSecret,
    tls: Tls,
    /// The directory, or why nothing can be kept.
    place: Result<StateDir, String>,
    /// Held by whoever changes something, also while the disk is waited for. Taken before `content`.
    changing: Mutex<()>,
    /// Never held while the disk is waited for: whoever only looks must not wait for it either.
    content: Mutex<Content>,
    losses: Losses,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Store")
            .field("identity", &self.identity)
            .field("place", &self.place)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Content {
    trust: Trust,
    /// Whether `trust` knows something that the file does not (when a device was last seen).
    is_ahead: bool,
    switches: Switches,
}

impl Store {
    /// Opens the state directory, making it and the keys at the first start. Where nothing can be written, the store
    /// works from what is there, keeps nothing new, and [`Store::read_only`] says why.
    ///
    /// # Errors
    /// When the directory or a file is open to others, belongs to another user, is in use by another daemon or is
    /// damaged, when the directory cannot be looked into, or a key is gone beside what was made of it: going on would trust
    /// somebody else's file, overwrite what may be mended, or make another desktop of this one unasked.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match StateDir::open(path) {
            Ok(directory) => Self::load(directory),
            Err(Unusable::NotWritable(reason)) => Self::ephemeral(reason),
            Err(Unusable::Refused(error)) => Err(error),
        }
    }

    /// A store for this run only, with keys that are forgotten at its end. No device can be added.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn ephemeral(reason: impl Into<String>) -> Result<Self, StoreError> {
        Found::default().complete(Err(reason.into()))
    }

    /// The state directory of a daemon that keeps nothing in it but journals.
    ///
    /// # Errors
    /// As [`Store::open`], and when nothing can be written in it.
    pub(crate) fn journals_at(path: &Path) -> anyhow::Result<StateDir> {
        match StateDir::open(path) {
            Ok(directory) => Ok(directory),
            Err(Unusable::NotWritable(reason)) => Err(anyhow::anyhow!(reason)),
            Err(Unusable::Refused(error)) => Err(error.into()),
        }
    }

    fn load(directory: StateDir) -> Result<Self, StoreError> {
        let found = Found::read(&directory)?;
        for lost in keys::lost(&directory) {
            tracing::warn!("{lost}");
        }
        let mut kept = directory.check_writable();
        if kept.is_ok() {
            kept = directory.clear(&LEFTOVERS).map_err(|error| error.to_string());
        }
        found.complete(kept.map(|()| directory))
    }

    /// The desktop's identity.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The X25519 secret of Noise.
    #[must_use]
    pub fn noise_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.noise.to_bytes())
    }

    /// Its public half, which devices pin.
    #[must_use]
    pub fn noise_public(&self) -> [u8; 32] {
        PublicKey::from(&self.noise).to_bytes()
    }

    /// The certificate in DER and its private key in PKCS#8 DER. Devices pin the key, not the certificate.
    #[must_use]
    pub fn tls(&self) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
        (self.tls.certificate.clone(), self.tls.key.clone())
    }

    /// The state directory once more, without its lock, for a file that is not the store's own.
    ///
    /// # Errors
    /// Why nothing can be kept.
    pub(crate) fn place(&self) -> Result<StateDir, String> {
        self.place
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|place| place.again().map_err(|error| error.to_string()))
    }

    /// Why nothing can be kept, if so. Pairing is refused with this reason.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.place.as_ref().err().map(String::as_str)
    }

    /// The count of what a realm should have kept on disk and could not, as [`FileJournal::open`] takes it.
    pub(crate) fn losses_of(&self, realm: &str) -> Arc<AtomicU64> {
        self.losses.of(realm)
    }

    /// How much each realm should have kept on disk and could not, since the daemon began.
    pub(crate) fn losses(&self) -> Vec<(String, u64)> {
        self.losses.read()
    }

    /// Looks at the list of devices.
    pub fn with_trust<R>(&self, look: impl FnOnce(&Trust) -> R) -> R {
        look(&self.lock().trust)
    }

    /// Changes the list of devices: the change counts when this returns, and it is on the disk before it counts.
    ///
    /// # Errors
    /// When the change is refused or cannot be kept; then nothing has changed.
    pub fn change_trust<R>(&self, change: impl FnOnce(&mut Trust) -> Result<R, TrustError>) -> Result<R, StoreError> {
        let directory = self.directory()?;
        let _changing = self.changing();
        let mut trust = self.lock().trust.clone();
        let result = change(&mut trust)?;
        write_json(directory, DEVICES, &trust)?;
        let mut content = self.lock();
        content.trust = trust;
        content.is_ahead = false;
        Ok(result)
    }

    /// Changes what may be lost in a crash, such as when a device was last seen. It reaches the disk with the next
    /// change, or by [`Store::flush`].
    ///
    /// # Errors
    /// When the change is refused.
    pub fn note_trust(&self, note: impl FnOnce(&mut Trust) -> Result<(), TrustError>) -> Result<(), StoreError> {
        let _changing = self.changing();
        let mut content = self.lock();
        note(&mut content.trust)?;
        content.is_ahead = true;
        Ok(())
    }

    /// Writes what [`Store::note_trust`] left unwritten.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn flush(&self) -> Result<(), StoreError> {
        let _changing = self.changing();
        let trust = {
            let content = self.lock();
            if !content.is_ahead {
                return Ok(());
            }
            content.trust.clone()
        };
        write_json(self.directory()?, DEVICES, &trust)?;
        self.lock().is_ahead = false;
        Ok(())
    }

    /// The switches.
    #[must_use]
    pub fn switches(&self) -> Switches {
        self.lock().switches.clone()
    }

    /// Remembers whether the desktop shows itself on the network.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn set_discovery(&self, is_on: bool) -> Result<(), StoreError> {
        let directory = self.directory()?;
        let _changing = self.changing();
        let mut switches = self.lock().switches.clone();
        switches.discovery = Some(is_on);
        write_json(directory, SWITCHES, &switches)?;
        self.lock().switches = switches;
        Ok(())
    }

    fn directory(&self) -> Result<&StateDir, StoreError> {
        self.place
            .as_ref()
            .map_err(|reason| StoreError::ReadOnly(reason.clone()))
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic elsewhere while the lock was held leaves complete values: they are replaced, never half changed.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the directory holds, read and understood, before anything is written.
#[derive(Default)]
struct Found {
    identity: Option<Seed>,
    noise: Option<Seed>,
    tls: tls::Found,
    trust: Option<Trust>,
    switches: Option<Switches>,
}

impl Found {
    fn read(directory: &StateDir) -> Result<Self, StoreError> {
        Ok(Self {
            identity: keys::read_identity(directory)?,
            noise: keys::read(directory, NOISE, "every web page and browser extension has", &[])?,
            tls: tls::Found::read(directory)?,
            trust: read_json(directory, DEVICES, MAX_DEVICES)?,
            switches: read_json(directory, SWITCHES, MAX_SWITCHES)?,
        })
    }

    /// Makes the keys that are missing. If one cannot be written, nothing is kept in this run.
    fn complete(self, mut place: Result<StateDir, String>) -> Result<Store, StoreError> {
        let mut write = |name: &str, text: &str| {
            let written = place.as_ref().map(|place| place.replace(name, text.as_bytes(), false));
            if let Ok(Err(error)) = written {
                place = Err(error.to_string());
            }
        };
        let mut seed = |found: Option<Seed>, name| -> Result<Seed, StoreError> {
            let is_new = found.is_none();
            let seed = found.map_or_else(keys::draw, Ok)?;
            if is_new {
                write(name, &keys::text(&seed));
            }
            Ok(seed)
        };
        let identity = Identity::from_seed(&*seed(self.identity, IDENTITY)?);
        let noise = StaticSecret::from(*seed(self.noise, NOISE)?);
        let (tls, made) = self.tls.complete(&identity.id8(), OffsetDateTime::now_utc())?;
        // The key first: a certificate without its key is a loss, a key without its certificate is none.
        if let Some(key) = &made.key {
            write(tls::KEY, key);
        }
        if let Some(certificate) = &made.certificate {
            write(tls::CERTIFICATE, certificate);
        }
        let content = Content {
            trust: self.trust.unwrap_or_default(),
            is_ahead: false,
            switches: self.switches.unwrap_or_default(),
        };
        Ok(Store {
            identity,
            noise,
            tls,
            place,
            changing: Mutex::default(),
            content: Mutex::new(content),
            losses: Losses::default(),
        })
    }
}

/// Reads a file, if it is there. What cannot be understood is an error, never as good as nothing.
fn read_json<T: for<'a> Deserialize<'a>>(
    directory: &StateDir,
    name: &str,
    limit: u64,
) -> Result<Option<T>, StoreError> {
    let Some(text) = directory.read(name, limit)? else {
        return Ok(None);
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        let (path, backup) = (directory.path_of(name), directory.path_of(&format!("{name}.bak")));
        // Whoever went back to an older program has lost nothing, and is not to be told to begin anew.
        let version = serde_json::from_slice::<serde_json::Value>(&text).ok();
        let version = version.and_then(|value| value.get("version")?.as_u64());
        if let Some(version) = version.filter(|version| *version > u64::from(VERSION)) {
            return StoreError::Later { path, version, known: VERSION };
        }
        let back = format!(
            "or go back to the state before the last change with `cp {} {}` (a device revoked by that change would be back), ",
            backup.display(),
            path.display()
        );
        let mend = if backup.exists() { back } else { String::new() };
        StoreError::Damaged { path, what: error.to_string(), mend }
    })
}

fn write_json<T: Serialize>(directory: &StateDir, name: &str, value: &T) -> Result<(), StoreError> {
    let mut text = serde_json::to_vec_pretty(value).expect("our own values have string keys and no failing parts");
    text.push(b'\n');
    directory.replace(name, &text, true)
}

#[cfg(test)]
#[path = "failing_tests.rs"]
mod failing;
#[cfg(test)]
mod tests;
