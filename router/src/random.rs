//! Random bytes for what nobody may guess: challenges, tokens, names in the paths of long polling.

use rand::TryRng as _;
use rand::rngs::SysRng;

/// So many bytes of the operating system's. It has them, or no router could be started at all.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the operating system has random bytes");
    bytes
}
