//! The desktops that let this command line in, and its own keys: `desktops.json` and `client.key` in the state directory.
//!
//! It connects to nobody.

mod files;
mod keys;

use pairing::exchange::Joined;
use serde::{Deserialize, Serialize};

use self::files::Directory;
pub(crate) use self::keys::Keys;
use crate::failure::Failure;
use crate::key;
use crate::mistyped;

/// The list.
const NAME: &str = "desktops.json";
/// Locked while either file is changed.
const LOCK: &str = "desktops.lock";
/// The form of the list.
const VERSION: u32 = 1;
/// Desktops that are remembered: more than anybody walks to with a code.
const MAX_DESKTOPS: usize = 64;
/// Bytes of the list; a desktop with eight hosts of 253 letters takes less than 4 KiB.
const MAX_BYTES: u64 = 4096 * MAX_DESKTOPS as u64;
/// Digits of an id that are shown, as in mDNS.
const SHOWN_DIGITS: usize = 16;
/// Digits of an id that name a desktop, at least.
const FEWEST_DIGITS: usize = 4;

/// The list as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    version: u32,
    desktops: Vec<Joined>,
}

/// The desktops of this user.
#[derive(Debug)]
pub(crate) struct Desktops(Directory);

impl Desktops {
    /// Those of this user. Nothing is read yet.
    pub(crate) fn of_this_user() -> Result<Self, Failure> {
        let no_home = || Failure::failed("this user has no home directory; set HOME or XDG_DATA_HOME");
        key::directory()
            .map(|path| Self(Directory::new(path)))
            .ok_or_else(no_home)
    }

    /// All of them, in the order in which they were joined.
    pub(crate) fn list(&self) -> Result<Vec<Joined>, Failure> {
        let Some(content) = self.0.read(NAME, MAX_BYTES)? else {
            return Ok(Vec::new());
        };
        let path = self.0.path(NAME);
        let list: List = serde_json::from_slice(&content).map_err(|error| {
            let path = path.display();
            Failure::failed(format!(
                "{path} is damaged: {error}; remove it, and pair with every desktop again"
            ))
        })?;
        if list.version != VERSION {
            let (path, version) = (path.display(), list.version);
            return Err(Failure::failed(format!(
                "{path} has the form {version}, of another version of this program"
            )));
        }
        Ok(list.desktops)
    }

    /// The keys of this command line; new ones when there are none.
    pub(crate) fn keys(&self) -> Result<Keys, Failure> {
        let lock = self.0.lock(LOCK)?;
        match Keys::read(&self.0)? {
            Some(keys) => Ok(keys),
            None => Keys::make(&self.0, &lock),
        }
    }

    /// The keys, if there are any.
    pub(crate) fn known_keys(&self) -> Result<Option<Keys>, Failure> {
        Keys::read(&self.0)
    }

    /// Remembers a desktop, in place of what was known of it; gives that.
    pub(crate) fn put(&self, joined: &Joined) -> Result<Option<Joined>, Failure> {
        self.change(|desktops| {
            if let Some(old) = desktops.iter_mut().find(|it| it.did == joined.did) {
                return Ok(Some(std::mem::replace(old, joined.clone())));
            }
            if desktops.len() >= MAX_DESKTOPS {
                return Err(Failure::failed(format!(
                    "this command line knows {MAX_DESKTOPS} desktops already; `deskconnctl desktops forget` one first"
                )));
            }
            desktops.push(joined.clone());
            Ok(None)
        })
    }

    /// Forgets a desktop.
    pub(crate) fn forget(&self, joined: &Joined) -> Result<(), Failure> {
        self.change(|desktops| {
            desktops.retain(|it| it.did != joined.did);
            Ok(())
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Joined>) -> Result<T, Failure>) -> Result<T, Failure> {
        let lock = self.0.lock(LOCK)?;
        let mut desktops = self.list()?;
        let result = change(&mut desktops)?;
        let list = List {
            version: VERSION,
            desktops,
        };
        let mut json = serde_json::to_vec_pretty(&list).map_err(|error| Failure::failed(error.to_string()))?;
        json.push(b'\n');
        self.0.replace(NAME, &json, &lock)?;
        Ok(result)
    }

    /// The desktop with this name, or whose id begins like this.
    ///
    /// # Errors
    /// None does, or several do.
    pub(crate) fn find(&self, wanted: &str) -> Result<Joined, Failure> {
        let desktops = self.list()?;
        let is_id = wanted.len() >= FEWEST_DIGITS && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = wanted.to_ascii_lowercase();
        let mut found: Vec<_> = desktops
            .iter()
            .filter(|it| it.name.to_lowercase() == wanted.to_lowercase())
            .collect();
        if found.is_empty() && is_id {
            found = desktops.iter().filter(|it| it.did.starts_with(&digits)).collect();
        }
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(no_such(&desktops, wanted)),
            several => {
                let ids: Vec<_> = several.iter().map(|it| shown_id(it)).collect();
                let ids = ids.join(", ");
                Err(Failure::Usage(format!(
                    "{wanted} may be any of these: {ids}; name one by its id"
                )))
            }
        }
    }
}

/// There is none with this name or id, but perhaps another that is meant.
fn no_such(desktops: &[Joined], wanted: &str) -> Failure {
    let names = || desktops.iter().map(|joined| joined.name.as_str());
    let instead = mistyped::instead(wanted, names());
    let failure = Failure::NotFound(format!(
        "no desktop named {wanted:?} is paired with this command line; {instead}"
    ));
    let failure = match mistyped::meant(wanted, names()) {
        Some(question) => failure.hint(question),
        None => failure,
    };
    failure.hint("`deskconnctl join` pairs this command line with another; --at HOST goes to an address")
}

/// The id of a desktop as it is shown, here and in mDNS.
pub(crate) fn shown_id(joined: &Joined) -> String {
    joined.did.chars().take(SHOWN_DIGITS).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
