//! The keys by which desktops know this command line: made at the first pairing, kept for all of them.

use pairing::{Identity, NoiseKey};
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::files::{Directory, Lock};
use crate::failure::Failure;

/// The file in the state directory: one line each for Ed25519 and X25519, a word and 64 hexadecimal digits.
const NAME: &str = "client.key";
/// Two lines of that; more cannot be keys.
const MAX_BYTES: u64 = 256;

/// Both keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// For logging in.
    pub(crate) identity: Identity,
    /// For Noise, which desktops ask for when pairing.
    pub(crate) noise: NoiseKey,
}

impl Keys {
    pub(super) fn read(directory: &Directory) -> Result<Option<Self>, Failure> {
        let Some(content) = directory.read(NAME, MAX_BYTES)? else {
            return Ok(None);
        };
        let damaged = || {
            let path = directory.path(NAME);
            Failure::failed(format!(
                "{} holds no keys any more; remove it, and pair with every desktop again",
                path.display()
            ))
        };
        parse(&content).map(Some).ok_or_else(damaged)
    }

    pub(super) fn make(directory: &Directory, lock: &Lock) -> Result<Self, Failure> {
        let no_random = |error: pairing::NoRandom| Failure::failed(error.to_string());
        let keys = Self {
            identity: Identity::generate(&mut SysRng).map_err(no_random)?,
            noise: NoiseKey::generate(&mut SysRng).map_err(no_random)?,
        };
        directory.replace(NAME, &keys.text(), lock)?;
        Ok(keys)
    }

    fn text(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_BYTES).unwrap_or_default()));
        for (word, seed) in [("sign", self.identity.seed()), ("noise", self.noise.bytes())] {
            let mut digits = Zeroizing::new([0; 64]);
            // 32 bytes are 64 digits.
            let _ = hex::encode_to_slice(*seed, &mut *digits);
            text.extend_from_slice(word.as_bytes());
            text.push(b' ');
            text.extend_from_slice(&*digits);
            text.push(b'\n');
        }
        text
    }
}

fn parse(content: &[u8]) -> Option<Keys> {
    let mut lines = std::str::from_utf8(content).ok()?.lines();
    let mut seed = |word: &str| {
        let digits = lines.next()?.strip_prefix(word)?.strip_prefix(' ')?;
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, &mut *seed).ok()?;
        Some(seed)
    };
    let keys = Keys {
        identity: Identity::from_seed(&*seed("sign")?),
        noise: NoiseKey::from_bytes(&*seed("noise")?),
    };
    lines.next().is_none().then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_again_and_debug_hides_them() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::new(home.path().join("deskconn"));
        assert!(Keys::read(&directory).unwrap().is_none());
        let lock = directory.lock("lock").unwrap();
        let made = Keys::make(&directory, &lock).unwrap();
        let read = Keys::read(&directory).unwrap().unwrap();
        assert_eq!(read.identity.public(), made.identity.public());
        assert_eq!(read.noise.public(), made.noise.public());
        assert!(!format!("{read:?}").contains(&hex::encode(*read.identity.seed())));
    }

    #[test]
    fn a_damaged_file_is_named_and_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::new(home.path().join("deskconn"));
        let lock = directory.lock("lock").unwrap();
        let good = Keys::make(&directory, &lock).unwrap().text();
        let good = std::str::from_utf8(&good).unwrap();
        for text in [
            "",
            "sign ab\nnoise ab\n",
            &format!("{good}{good}"),
            &good.replace("noise", "sign"),
        ] {
            directory.replace(NAME, text.as_bytes(), &lock).unwrap();
            assert!(
                Keys::read(&directory).unwrap_err().to_string().contains("client.key"),
                "{text}"
            );
        }
        directory.replace(NAME, &[b'x'; 257], &lock).unwrap();
        assert!(
            Keys::read(&directory)
                .unwrap_err()
                .to_string()
                .contains("more than 256 bytes")
        );
    }
}
