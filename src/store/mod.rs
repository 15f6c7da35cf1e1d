//! What survives a restart: the desktop's identity, the list of devices, and the few switches that a command sets.
//!
//! | file | content |
//! |---|---|
//! | `identity.key` | the Ed25519 seed, 64 hexadecimal digits |
//! | `devices.json` | [`pairing::Trust`]; the one before the last change is `devices.json.bak` |
//! | `state.json` | [`Switches`] |
//!
//! The directory is for its owner alone, every file is replaced as a whole, and what cannot be understood is never
//! overwritten. It does not decide who is trusted, and it logs nothing.

mod files;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pairing::code::NoRandom;
use pairing::trust::TrustError;
use pairing::{Identity, Trust};
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use files::{StateDir, Unusable, Written};

const IDENTITY: &str = "identity.key";
const DEVICES: &str = "devices.json";
const SWITCHES: &str = "state.json";

/// 64 digits and a line end; more cannot be a seed.
const MAX_IDENTITY: u64 = 128;

/// All devices with all their grants at their longest are about 13 MiB.
const MAX_DEVICES: u64 = 16 << 20;

/// A few switches.
const MAX_SWITCHES: u64 = 4096;

/// What commands switch and a restart must not forget. It beats the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// Whether the desktop shows itself on the network; `None` when no command ever said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<bool>,
}

/// The state of this installation, shared by everything that reads or changes it.
#[derive(Debug)]
pub struct Store {
    identity: Identity,
    /// The directory, or why nothing can be kept.
    place: Result<StateDir, String>,
    content: Mutex<Content>,
}

#[derive(Debug)]
struct Content {
    trust: Trust,
    /// Whether `trust` knows something that the file does not (when a device was last seen).
    is_ahead: bool,
    switches: Switches,
}

impl Store {
    /// Opens the state directory, making it and the identity at the first start. Where nothing can be written, the
    /// store works from what is there, keeps nothing new, and [`Store::read_only`] says why.
    ///
    /// # Errors
    /// When the directory or a file is open to others, belongs to another user, is in use by another daemon or is
    /// damaged: going on would either trust somebody else's file or overwrite what may be mended.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match StateDir::open(path) {
            Ok(directory) => Self::load(directory),
            Err(Unusable::NotWritable(reason)) => Self::ephemeral(reason),
            Err(Unusable::Refused(error)) => Err(error),
        }
    }

    /// A store for this run only, with an identity that is forgotten at its end. No device can be added.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn ephemeral(reason: impl Into<String>) -> Result<Self, StoreError> {
        let identity = Identity::generate(&mut SysRng)?;
        let content = Content {
            trust: Trust::default(),
            is_ahead: false,
            switches: Switches::default(),
        };
        Ok(Self {
            identity,
            place: Err(reason.into()),
            content: Mutex::new(content),
        })
    }

    fn load(directory: StateDir) -> Result<Self, StoreError> {
        let stored = directory.read(IDENTITY, MAX_IDENTITY)?.map(Zeroizing::new);
        let stored = stored.map(|text| read_identity(&directory, &text)).transpose()?;
        let trust = directory.read(DEVICES, MAX_DEVICES)?;
        let trust = trust.map(|text| read_json(&directory, DEVICES, &text)).transpose()?;
        let switches = directory.read(SWITCHES, MAX_SWITCHES)?;
        let switches = switches
            .map(|text| read_json(&directory, SWITCHES, &text))
            .transpose()?;
        let (identity, kept) = match stored {
            Some(identity) => (identity, directory.check_writable()),
            None => {
                let identity = Identity::generate(&mut SysRng)?;
                let kept = write_identity(&directory, &identity).map_err(|error| error.to_string());
                (identity, kept)
            }
        };
        let content = Content {
            trust: trust.unwrap_or_default(),
            is_ahead: false,
            switches: switches.unwrap_or_default(),
        };
        Ok(Self {
            identity,
            place: kept.map(|()| directory),
            content: Mutex::new(content),
        })
    }

    /// The desktop's identity.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Why nothing can be kept, if so. Pairing is refused with this reason.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.place.as_ref().err().map(String::as_str)
    }

    /// Looks at the list of devices.
    pub fn with_trust<R>(&self, look: impl FnOnce(&Trust) -> R) -> R {
        look(&self.lock().trust)
    }

    /// Changes the list of devices: the change counts when this returns, and it is on the disk before it counts.
    ///
    /// # Errors
    /// When the change is refused or cannot be kept; then nothing has changed. The one exception is
    /// [`StoreError::NotDurable`], after which the change counts.
    pub fn change_trust<R>(&self, change: impl FnOnce(&mut Trust) -> Result<R, TrustError>) -> Result<R, StoreError> {
        let directory = self.directory()?;
        let mut content = self.lock();
        let mut trust = content.trust.clone();
        let result = change(&mut trust)?;
        let written = write_json(directory, DEVICES, &trust)?;
        content.trust = trust;
        content.is_ahead = false;
        durable(directory, DEVICES, written)?;
        Ok(result)
    }

    /// Changes what may be lost in a crash, such as when a device was last seen. It reaches the disk with the next
    /// change, or by [`Store::flush`].
    ///
    /// # Errors
    /// When the change is refused.
    pub fn note_trust(&self, note: impl FnOnce(&mut Trust) -> Result<(), TrustError>) -> Result<(), StoreError> {
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
        let mut content = self.lock();
        if !content.is_ahead {
            return Ok(());
        }
        let directory = self.directory()?;
        let written = write_json(directory, DEVICES, &content.trust)?;
        content.is_ahead = false;
        durable(directory, DEVICES, written)
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
        let mut content = self.lock();
        let mut switches = content.switches.clone();
        switches.discovery = Some(is_on);
        let written = write_json(directory, SWITCHES, &switches)?;
        content.switches = switches;
        durable(directory, SWITCHES, written)
    }

    fn directory(&self) -> Result<&StateDir, StoreError> {
        self.place
            .as_ref()
            .map_err(|reason| StoreError::ReadOnly(reason.clone()))
    }

    /// A panic elsewhere while the lock was held leaves complete values: they are replaced, never half changed.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn durable(directory: &StateDir, name: &str, written: Written) -> Result<(), StoreError> {
    match written {
        Written::Durable => Ok(()),
        Written::InPlace => Err(StoreError::NotDurable(directory.path_of(name))),
    }
}

fn read_identity(directory: &StateDir, text: &[u8]) -> Result<Identity, StoreError> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    match hex::decode_to_slice(text.trim_ascii(), &mut *seed) {
        Ok(()) => Ok(Identity::from_seed(&seed)),
        Err(_) => Err(StoreError::DamagedIdentity(directory.path_of(IDENTITY))),
    }
}

fn write_identity(directory: &StateDir, identity: &Identity) -> Result<(), StoreError> {
    let mut text = Zeroizing::new(hex::encode(*identity.seed()));
    text.push('\n');
    let written = directory.replace(IDENTITY, text.as_bytes(), false)?;
    durable(directory, IDENTITY, written)
}

fn read_json<T: for<'a> Deserialize<'a>>(directory: &StateDir, name: &str, text: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(text).map_err(|error| {
        let (path, backup) = (directory.path_of(name), directory.path_of(&format!("{name}.bak")));
        let back = format!(
            "or go back to the state before the last change with `cp {} {}` (a device revoked by that change would be back), ",
            backup.display(),
            path.display()
        );
        let mend = if backup.exists() { back } else { String::new() };
        StoreError::Damaged { path, what: error.to_string(), mend }
    })
}

fn write_json<T: Serialize>(directory: &StateDir, name: &str, value: &T) -> Result<Written, StoreError> {
    let mut text = serde_json::to_vec_pretty(value).expect("our own values have string keys and no failing parts");
    text.push(b'\n');
    directory.replace(name, &text, true)
}

/// Why the state cannot be used, or a change not kept. Every sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error("cannot {what} {}: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The group or others have access.
    #[error("{} is open to other users (mode {mode:03o}); close it with: chmod {mend} {}", path.display(), path.display())]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        mend: &'static str,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner} and this daemon runs as user {own}; if it is yours, run: sudo chown {own} {}",
            path.display(), path.display())]
    ForeignOwner {
        /// The file or directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The daemon's user.
        own: u32,
    },
    /// A link, directory or device where a file belongs.
    #[error("{} is not an ordinary file; deskconn follows no links for its keys: put the file itself there", .0.display())]
    NotAFile(PathBuf),
    /// More than can be right.
    #[error("{} has more than {limit} bytes, which deskconn never writes; move it away to begin anew", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// Another daemon holds the directory.
    #[error("another deskconnd is using {}; stop it first, or give this one a state directory of its own by XDG_DATA_HOME", .0.display())]
    InUse(PathBuf),
    /// The key file is no key.
    #[error("{path} holds no key: 64 hexadecimal digits are expected. It was left as it is. Restore it from a backup; without one, \
             `mv {path} {path}.damaged` makes a new identity at the next start, and every device has to be paired again",
            path = .0.display())]
    DamagedIdentity(PathBuf),
    /// A JSON file that cannot be understood.
    #[error("{path} is damaged: {what}. It was left as it is. Mend it, {mend}or begin anew with `mv {path} {path}.damaged`",
            path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        what: String,
        /// The way back to the backup, if there is one.
        mend: String,
    },
    /// Nothing can be kept.
    #[error("nothing can be stored, so this is refused: {0}")]
    ReadOnly(String),
    /// It was written, and the disk did not confirm.
    #[error("{} was replaced, but the disk did not confirm it: after a power cut the old content may be back", .0.display())]
    NotDurable(PathBuf),
    /// The list refused the change.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No secret could be drawn.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

#[cfg(test)]
mod tests;
