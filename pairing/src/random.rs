//! Bytes from a random source that the caller gives: this package has none of its own.

use rand::TryCryptoRng;
use zeroize::Zeroizing;

/// No secret could be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source gave no secret: {0}")]
pub struct NoRandom(pub String);

/// Draws so many bytes from `random`, which must be fit for secrets. They are wiped when they are dropped.
///
/// # Errors
/// When the source fails.
pub fn draw<const N: usize, R>(random: &mut R) -> Result<Zeroizing<[u8; N]>, NoRandom>
where
    R: TryCryptoRng + ?Sized,
{
    let mut bytes = Zeroizing::new([0; N]);
    random
        .try_fill_bytes(&mut *bytes)
        .map_err(|error| NoRandom(error.to_string()))?;
    Ok(bytes)
}
