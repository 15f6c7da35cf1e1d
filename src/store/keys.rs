//! The desktop's secret keys of 32 bytes as files of 64 hexadecimal digits: made once, kept for ever.
//!
//! What a key is used for is not its business.

use rand::rngs::SysRng;
use zeroize::Zeroizing;

use pairing::{NoRandom, random};

use super::StoreError;
use super::files::StateDir;

/// 64 digits and a line end; more cannot be a seed.
const MAX_SEED: u64 = 128;

/// A secret of 32 bytes, wiped when it is dropped.
pub(super) type Seed = Zeroizing<[u8; 32]>;

/// Reads a key, if it is there. `loss` says who would have to be paired again without it.
pub(super) fn read(directory: &StateDir, name: &str, loss: &'static str) -> Result<Option<Seed>, StoreError> {
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
        }),
    }
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
