//! Names that nobody else draws.

use rand::TryRng as _;
use rand::rngs::SysRng;

/// A name that nobody else has and nobody guesses: 128 random bits in hexadecimal.
pub(crate) fn draw_name() -> String {
    let mut random = [0; 16];
    SysRng
        .try_fill_bytes(&mut random)
        .expect("the operating system has random bytes");
    hex::encode(random)
}
