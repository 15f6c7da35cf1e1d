//! What a device keeps of its pairing with one desktop: a file, with which it logs in from then on.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::pairing::exchange::{Introduction, Joined, Secret};
use ::pairing::{Code, Identity, Kind, Link, NoRandom, NoiseKey};
use ed25519_dalek::SigningKey;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::attempt::{Attempt, PairError, Step};
use super::channel::PairingChannel;
use crate::client::{Builder, Client};
use crate::connect::{Options, Target};
use crate::discovery::Interfaces;

/// How long the desktop may take to be connected to.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Bytes of the file: a desktop with eight hosts of 253 letters takes less than 4 KiB, and the keys two lines.
const MAX_BYTES: u64 = 8192;
/// The form of the file.
const VERSION: u32 = 1;
/// Digits of a desktop's id in mDNS.
const SHOWN_DIGITS: usize = 16;

/// A device's place at a desktop: its keys, and all that it needs to find the desktop again and to be sure that it is the one.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use deskconn_client::Membership;
///
/// let file = "lamp.json".as_ref();
/// let membership = match Membership::read(file)? {
///     Some(membership) => membership,
///     None => {
///         let code = "1234-5678"; // as `deskconnctl pair` shows it at the desktop
///         Membership::pair(file, "desk.local:5020", code, "Lamp", |waiting| println!("{waiting}")).await?
///     }
/// };
/// let client = membership.client().open().await?;
/// # drop(client); Ok(()) }
/// ```
#[derive(Debug)]
pub struct Membership {
    identity: Identity,
    joined: Joined,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// The seed of the device's Ed25519 key, in hexadecimal digits.
    sign: Zeroizing<String>,
    desktop: Joined,
}

/// There is no membership.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// What was typed is neither a code nor a link.
    #[error("this is neither a code nor a link of a desktop; `deskconnctl pair` shows both")]
    NoSecret,
    /// The pairing failed.
    #[error(transparent)]
    Pairing(#[from] PairError),
    /// No keys can be made.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// The file cannot be read or written.
    #[error("{} cannot be used: {}", .0.display(), .1)]
    File(PathBuf, #[source] io::Error),
    /// The file is not what was written.
    #[error("{} is damaged: {}; remove it, and pair again", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// Others could have read the keys.
    #[error("{} can be read by other users; close it with `chmod 600`, or pair again if somebody may have read it", .0.display())]
    Exposed(PathBuf),
}

impl Membership {
    /// What is in this file; `None` where there is none.
    ///
    /// # Errors
    /// It is damaged, open to other users, or cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, MembershipError> {
        let failed = |error| MembershipError::File(path.to_owned(), error);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if is_exposed(&file).map_err(failed)? {
            return Err(MembershipError::Exposed(path.to_owned()));
        }
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_BYTES).unwrap_or_default() + 1));
        file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
        let damaged = |why: String| MembershipError::Damaged(path.to_owned(), why);
        if content.len() as u64 > MAX_BYTES {
            return Err(damaged(format!("it has more than {MAX_BYTES} bytes")));
        }
        let stored: Stored = serde_json::from_slice(&content).map_err(|error| damaged(error.to_string()))?;
        if stored.version != VERSION {
            return Err(damaged(format!("it has the form {}, not {VERSION}", stored.version)));
        }
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&*stored.sign, &mut *seed).map_err(|error| damaged(error.to_string()))?;
        if stored.desktop.keys.spki.is_none() {
            return Err(damaged("it does not say which certificate the desktop has".to_owned()));
        }
        Ok(Some(Self {
            identity: Identity::from_seed(&seed),
            joined: stored.desktop,
        }))
    }

    /// Pairs with the desktop at `host` (a name or address with a port, see [`crate::discovery::desktops`]) by the code or the
    /// link that it shows, as a device of this name, and writes that into the file. While its owner is asked, `waiting` gets a
    /// sentence with the fingerprint to compare.
    ///
    /// # Errors
    /// The code is wrong, the owner says no, or the file cannot be written: then the desktop does not know the device either.
    pub async fn pair(
        path: &Path,
        host: &str,
        secret: &str,
        name: &str,
        waiting: impl FnOnce(&str),
    ) -> Result<Self, MembershipError> {
        let secret = secret_of(secret)?;
        let identity = Identity::generate(&mut SysRng)?;
        let me = Introduction {
            identity: identity.clone(),
            // Natives log in by TLS and sign; desktops ask for the other key all the same.
            noise: NoiseKey::generate(&mut SysRng)?,
            name: name.to_owned(),
            kind: Kind::Lib,
            want: String::new(),
        };
        let channel = PairingChannel::open(host, CONNECT_TIME)
            .await
            .map_err(PairError::from)?;
        let mut attempt = Attempt::begin(channel, secret, me)?;
        let mut waiting = Some(waiting);
        let joined = loop {
            match attempt.next().await? {
                Step::Waiting { desktop, fingerprint } => {
                    if let Some(waiting) = waiting.take() {
                        waiting(&format!(
                            "waiting for a yes at {desktop}; the fingerprint is {fingerprint}"
                        ));
                    }
                }
                Step::Accepted(joined) => break *joined,
            }
        };
        let membership = Self { identity, joined };
        let failed = |error| MembershipError::File(path.to_owned(), error);
        let before = std::fs::read(path).ok().map(Zeroizing::new);
        replace(path, &membership.to_bytes().map_err(failed)?).map_err(failed)?;
        if let Err(error) = attempt.confirm().await {
            // The desktop does not know this device, so what was known before is known again.
            let restored = match before {
                Some(before) => replace(path, &before),
                None => std::fs::remove_file(path),
            };
            restored.map_err(failed)?;
            return Err(error.into());
        }
        Ok(membership)
    }

    /// The desktop.
    #[must_use]
    pub const fn desktop(&self) -> &Joined {
        &self.joined
    }

    /// How to log in there.
    #[must_use]
    pub fn options(&self) -> Options {
        options(&self.joined, &self.identity)
    }

    /// A client of the desktop, found where it was at the pairing, else by its id on the local network.
    #[must_use]
    pub fn client(&self) -> Builder {
        let at = targets(&self.joined);
        let builder = at.into_iter().fold(Client::builder(self.options()), Builder::at);
        let id: String = self.joined.did.chars().take(SHOWN_DIGITS).collect();
        builder.look_for(&id, Interfaces::default())
    }

    fn to_bytes(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let stored = Stored {
            version: VERSION,
            sign: Zeroizing::new(hex::encode(*self.identity.seed())),
            desktop: self.joined.clone(),
        };
        Ok(Zeroizing::new(serde_json::to_vec_pretty(&stored)?))
    }
}

/// Replaces a file as a whole; where there are modes, nobody but its user may read it.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// How the device with this identity logs in at a desktop: by TLS with the desktop's certificate, and in no other way.
#[must_use]
pub fn options(joined: &Joined, identity: &Identity) -> Options {
    let options = Options {
        authid: Some(joined.device_id.clone()),
        key: Some(SigningKey::from_bytes(&identity.seed())),
        ..Options::new(&joined.realm)
    };
    match joined.keys.spki {
        Some(spki) => options.pin(spki),
        None => options,
    }
}

/// Where a desktop was when it was paired with, the best first.
#[must_use]
pub fn targets(joined: &Joined) -> Vec<Target> {
    let target = |host: &String| {
        let is_ipv6 = host.contains(':');
        let host = if is_ipv6 { format!("[{host}]") } else { host.clone() };
        Target::SecureWebSocket {
            host: format!("{host}:{}", joined.port),
            path: joined.path.clone(),
        }
    };
    joined.hosts.iter().map(target).collect()
}

fn secret_of(text: &str) -> Result<Secret, MembershipError> {
    let text = text.trim();
    if let Ok(code) = text.parse::<Code>() {
        return Ok(Secret::Code(code));
    }
    let link = text.parse::<Link>().map_err(|_| MembershipError::NoSecret)?;
    Ok(Secret::Link(link))
}

#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.mode() & 0o077 != 0)
}

/// What may read a user's files is not said by a mode there.
#[cfg(not(unix))]
fn is_exposed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
