//! The keys of Noise: the desktop's or a device's own, and the public one of somebody else.
//!
//! It speaks no Noise: the handshake and its sessions belong to `link`.

use std::fmt;

use rand::TryCryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey, StaticSecret, x25519};
use zeroize::Zeroizing;

use crate::random::{self, NoRandom};

/// An X25519 key of one's own (RFC 7748). Wiped when dropped, hidden in `Debug`.
#[derive(Clone)]
pub struct NoiseKey(StaticSecret);

impl NoiseKey {
    /// A new key from `random`, which must be fit for secrets.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate<R: TryCryptoRng + ?Sized>(random: &mut R) -> Result<Self, NoRandom> {
        Ok(Self::from_bytes(&*random::draw(random)?))
    }

    /// The key of these 32 bytes, as they were stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(StaticSecret::from(*bytes))
    }

    /// The bytes, for the file they are kept in and for the Noise library.
    #[must_use]
    pub fn bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }
}

impl fmt::Debug for NoiseKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("NoiseKey(hidden)")
    }
}

/// Somebody else's public X25519 key; in files its hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoisePublic([u8; 32]);

impl NoisePublic {
    /// Checks the bytes: X25519 takes any 32 bytes (RFC 7748, section 5), but with a point of small order every shared
    /// secret is zero, and of two encodings of one point only one may be a device's name.
    ///
    /// # Errors
    /// When they are such a point, or not its canonical encoding.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadNoiseKey> {
        // Any secret does: clamping makes it a multiple of the cofactor, which takes every point of small order to zero.
        let is_weak: bool = x25519([1; 32], *bytes).ct_eq(&[0; 32]).into();
        if is_weak || !is_canonical(bytes) {
            return Err(BadNoiseKey);
        }
        Ok(Self(*bytes))
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the text is something else, or the key is bad.
    pub fn from_hex(text: &str) -> Result<Self, BadNoiseKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BadNoiseKey)?;
        Self::from_bytes(&bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the key with these bytes.
    #[must_use]
    pub fn is(&self, bytes: &[u8; 32]) -> bool {
        self.0.ct_eq(bytes).into()
    }
}

/// Whether the number is below 2²⁵⁵ − 19, little end first.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    let is_largest = *last == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    *last < 0x80 && !(is_largest && *first >= 0xed)
}

impl TryFrom<String> for NoisePublic {
    type Error = BadNoiseKey;

    fn try_from(text: String) -> Result<Self, BadNoiseKey> {
        Self::from_hex(&text)
    }
}

impl From<NoisePublic> for String {
    fn from(key: NoisePublic) -> Self {
        hex::encode(key.0)
    }
}

/// The key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a usable X25519 public key: 64 hexadecimal digits of a point of large order are expected")]
pub struct BadNoiseKey;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn bytes(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_stored_key_has_the_same_public_key_again() {
        let key = NoiseKey::generate(&mut StdRng::seed_from_u64(1)).unwrap();
        assert_eq!(NoiseKey::from_bytes(&key.bytes()).public(), key.public());
        assert!(NoisePublic::from_bytes(&key.public()).unwrap().is(&key.public()));
    }

    #[test]
    fn the_public_key_is_that_of_rfc_7748() {
        // Section 6.1, Alice.
        let secret = bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
        assert_eq!(hex::encode(NoiseKey::from_bytes(&secret).public()), public);
    }

    #[test]
    fn keys_of_small_order_and_second_encodings_are_refused() {
        let mut base_with_high_bit = [0; 32];
        base_with_high_bit[0] = 9;
        assert!(NoisePublic::from_bytes(&base_with_high_bit).is_ok());
        base_with_high_bit[31] = 0x80;
        let mut past_the_prime = [0xff; 32];
        past_the_prime[0] = 0xed + 9;
        past_the_prime[31] = 0x7f;
        let zero = [0; 32];
        let mut one = zero;
        one[0] = 1;
        // Of order eight, from the list at https://cr.yp.to/ecdh.html.
        let eight = bytes("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
        for bad in [base_with_high_bit, past_the_prime, zero, one, eight] {
            assert_eq!(NoisePublic::from_bytes(&bad), Err(BadNoiseKey), "{}", hex::encode(bad));
        }
        for text in ["", "zz", "09"] {
            assert_eq!(NoisePublic::from_hex(text), Err(BadNoiseKey));
        }
    }

    #[test]
    fn the_debug_form_hides_the_key() {
        assert_eq!(format!("{:?}", NoiseKey::from_bytes(&[7; 32])), "NoiseKey(hidden)");
    }
}
