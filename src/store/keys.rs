//! The desktop's secret keys of 32 bytes as files of 64 hexadecimal digits: made once, kept for ever.
//!
//! What a key is used for is not its business; that a desktop is not another one because a file is gone, is.

use rand::rngs::SysRng;
use zeroize::Zeroizing;

use pairing::{NoRandom, random};

use super::files::StateDir;
use super::{DEVICES, IDENTITY, NOISE, StoreError, tls};

/// 64 digits and a line end; more cannot be a seed.
const MAX_SEED: u64 = 128;

/// What a first start makes after the identity, and what pairing makes after that: where one of these is, there was an
/// identity.
const AFTER_IDENTITY: [&str; 4] = [NOISE, tls::KEY, tls::CERTIFICATE, DEVICES];

/// A secret of 32 bytes, wiped when it is dropped.
pub(super) type Seed = Zeroizing<[u8; 32]>;

/// Reads the seed of the identity; `None` where nothing of a desktop is yet.
///
/// # Errors
/// As [`read`], and [`StoreError::LostIdentity`] where it is missing beside what was made after it: a new one would make
/// this another desktop, which no paired device knows, and nobody would have been asked.
pub(super) fn read_identity(directory: &StateDir) -> Result<Option<Seed>, StoreError> {
    let found = read(directory, IDENTITY, "every device has", &AFTER_IDENTITY)?;
    let others: Vec<&str> = AFTER_IDENTITY.into_iter().filter(|name| directory.has(name)).collect();
    if found.is_none() && !others.is_empty() {
        return Err(StoreError::LostIdentity {
            path: directory.path_of(IDENTITY),
            others: others.join(", "),
            begin: moved_away(directory, &others).join(" && "),
        });
    }
    Ok(found)
}

/// What is gone from the directory of a desktop that was here before, and what that means: the start goes on without it.
pub(super) fn lost(directory: &StateDir) -> Vec<String> {
    if !directory.has(IDENTITY) {
        return Vec::new();
    }
    let mut lost = Vec::new();
    if !directory.has(NOISE) {
        lost.push(format!(
            "{} is missing, so a new one is made: every web page and browser extension has to be paired again, if it is not \
             restored from a backup",
            directory.path_of(NOISE).display()
        ));
    }
    let backup = format!("{DEVICES}.bak");
    if !directory.has(DEVICES) && directory.has(&backup) {
        let (list, backup) = (directory.path_of(DEVICES), directory.path_of(&backup));
        lost.push(format!(
            "{list} is missing, so no device is paired. While the daemon is stopped, `cp {backup} {list}` brings the list from \
             before its last change back (a device revoked by that change would be back)",
            list = list.display(),
            backup = backup.display()
        ));
    }
    lost
}

/// Reads a key, if it is there. `loss` says who would have to be paired again without it, and `after` names the files
/// that are of no use without it.
///
/// # Errors
/// It cannot be read, or is no key.
pub(super) fn read(
    directory: &StateDir,
    name: &str,
    loss: &'static str,
    after: &[&str],
) -> Result<Option<Seed>, StoreError> {
    let Some(text) = directory.read(name, MAX_SEED)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let mut seed = Seed::default();
    match hex::decode_to_slice(text.trim_ascii(), &mut *seed) {
        Ok(()) => Ok(Some(seed)),
        Err(_) => Err(StoreError::DamagedKey {
            path: directory.path_of(name),
            expected: "64 hexadecimal digits are",
            loss,
            others: others(directory, after),
        }),
    }
}

/// The end of a command line that moves a key away: what moves those of these files that are there as well, since the
/// next start would miss the key beside them.
pub(super) fn others(directory: &StateDir, names: &[&str]) -> String {
    let commands = moved_away(directory, names).into_iter();
    commands.map(|command| format!(" && {command}")).collect()
}

/// The commands that move those of these files away that are there, under names by which they are found again.
fn moved_away(directory: &StateDir, names: &[&str]) -> Vec<String> {
    let there = names.iter().filter(|name| directory.has(name));
    let paths = there.map(|name| directory.path_of(name));
    paths
        .map(|path| format!("mv {path} {path}.old", path = path.display()))
        .collect()
}

/// A new key.
pub(super) fn draw() -> Result<Seed, NoRandom> {
    random::draw(&mut SysRng)
}

/// How a key stands in its file.
pub(super) fn text(seed: &Seed) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in seed.iter() {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("four bits are one digit");
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text.push('\n');
    text
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
