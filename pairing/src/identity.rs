//! The desktop's own key with its short names, and the public key of a device with its fingerprint.
//!
//! It does not store keys (the daemon's `store.rs` does). It signs labelled statements alone, never a bare challenge:
//! a login by cryptosign signs 32 bytes that the other side chose, so whoever signs both would sign for anybody.

use std::fmt;

use data_encoding::{Encoding, Specification};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand::TryCryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::{self, NoRandom};

/// Prefixed to the desktop's public key before hashing, so that the same key hashed for another purpose gives
/// another value.
const DID_LABEL: &[u8] = b"deskconn-did/1";

/// The same for the fingerprint of a device's key.
const FINGERPRINT_LABEL: &[u8] = b"deskconn-key/1";

/// 80 bits: a shorter fingerprint can be met by trying keys until one looks the same.
const FINGERPRINT_BYTES: usize = 10;

/// The letters of Crockford's base 32: no I, L, O or U, which are misread or make words.
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Base 32 in capitals, as fingerprints are shown.
fn base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str(CROCKFORD);
    specification.encoding().expect("the alphabet has 32 different symbols")
}

/// Text of random or hashed bytes in the alphabet of fingerprints, in small letters.
pub(crate) fn base32_lower(bytes: &[u8]) -> String {
    base32().encode(bytes).to_ascii_lowercase()
}

/// The desktop's Ed25519 identity. It lives as long as the installation; devices know the desktop by it.
#[derive(Clone)]
pub struct Identity {
    /// Wiped by its own drop.
    signing: SigningKey,
}

impl Identity {
    /// A new identity from `random`, which must be fit for secrets.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate<R: TryCryptoRng + ?Sized>(random: &mut R) -> Result<Self, NoRandom> {
        Ok(Self::from_seed(&*random::draw(random)?))
    }

    /// The identity of a stored seed (RFC 8032, the 32-byte private key).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self {
            signing: SigningKey::from_bytes(seed),
        }
    }

    /// The seed, for the file it is kept in.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// `SHA-256("deskconn-did/1" ‖ public key)`: the name under which devices remember this desktop.
    #[must_use]
    pub fn did(&self) -> [u8; 32] {
        did_of(&self.public())
    }

    /// The first 16 hexadecimal digits of [`Identity::did`], as published in mDNS.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(self.did()).chars().take(16).collect()
    }

    /// The first 8 of them, for the host label `deskconn-<id8>.local`.
    #[must_use]
    pub fn id8(&self) -> String {
        hex::encode(self.did()).chars().take(8).collect()
    }

    /// Signs `label ‖ 0 ‖ hash`. With 64 bytes of hash this is longer than any challenge of cryptosign (32 bytes), so
    /// a signature for one can never serve as the other.
    #[must_use]
    pub fn sign(&self, label: &str, hash: &[u8; 64]) -> [u8; 64] {
        self.signing.sign(&statement(label, hash)).to_bytes()
    }
}

/// What is signed: the zero ends the label, so that no label is the beginning of another with its hash.
fn statement(label: &str, hash: &[u8; 64]) -> Vec<u8> {
    [label.as_bytes(), &[0], hash].concat()
}

/// The name of the desktop with this public key, see [`Identity::did`].
#[must_use]
pub fn did_of(public: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(DID_LABEL)
        .chain_update(public)
        .finalize()
        .into()
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Identity")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// A device's public Ed25519 key that can verify a signature; in files its hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceKey([u8; 32]);

impl DeviceKey {
    /// Checks the bytes.
    ///
    /// # Errors
    /// When they are no point of the curve, or one of the weak ones for which a signature proves nothing.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(*bytes)),
            Ok(_) | Err(_) => Err(BadKey),
        }
    }

    /// Reads 64 hexadecimal digits, large or small.
    ///
    /// # Errors
    /// When the text is something else, or the key is bad.
    pub fn from_hex(text: &str) -> Result<Self, BadKey> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BadKey)?;
        Self::from_bytes(&bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 small hexadecimal digits, the form of cryptosign's `pubkey`.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Whether this is the key with these bytes.
    #[must_use]
    pub fn is(&self, bytes: &[u8; 32]) -> bool {
        self.0.ct_eq(bytes).into()
    }

    /// Whether this key made [`Identity::sign`]'s signature. Strict: one signature has one encoding (RFC 8032, and no
    /// key or commitment of small order).
    #[must_use]
    pub fn verifies(&self, label: &str, hash: &[u8; 64], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(&statement(label, hash), &signature).is_ok())
    }

    /// What a person compares on both screens: the first 80 bits of `SHA-256("deskconn-key/1" ‖ key)` in
    /// Crockford's base 32, in groups of four, like `7KQ2-M4XR-ZP0T-9D3F`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::new()
            .chain_update(FINGERPRINT_LABEL)
            .chain_update(self.0)
            .finalize();
        let bits: Vec<u8> = hash.into_iter().take(FINGERPRINT_BYTES).collect();
        let symbols = base32().encode(&bits);
        let mut text = String::with_capacity(symbols.len() + 3);
        for (position, symbol) in symbols.chars().enumerate() {
            if position > 0 && position % 4 == 0 {
                text.push('-');
            }
            text.push(symbol);
        }
        text
    }
}

impl TryFrom<String> for DeviceKey {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        Self::from_hex(&text)
    }
}

impl From<DeviceKey> for String {
    fn from(key: DeviceKey) -> Self {
        key.to_hex()
    }
}

/// The key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a usable Ed25519 public key: 64 hexadecimal digits of a point on the curve are expected")]
pub struct BadKey;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// RFC 8032, section 7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn identity() -> Identity {
        let mut seed = [0; 32];
        hex::decode_to_slice(SEED, &mut seed).unwrap();
        Identity::from_seed(&seed)
    }

    #[test]
    fn a_stored_seed_gives_the_public_key_of_rfc_8032_again() {
        assert_eq!(hex::encode(identity().public()), PUBLIC);
        assert_eq!(hex::encode(*identity().seed()), SEED);
    }

    #[test]
    fn the_short_names_are_the_beginning_of_the_long_one() {
        // Computed with: (printf deskconn-did/1; printf $PUBLIC | xxd -r -p) | sha256sum
        let did = hex::encode(identity().did());
        assert_eq!(did, "2eae5088dca50e7e135e42c3c28ab48f087796bd774704f89f0b381f3bc86cce");
        assert_eq!(identity().id(), did.get(..16).unwrap());
        assert_eq!(identity().id8(), did.get(..8).unwrap());
    }

    #[test]
    fn the_fingerprint_of_a_known_key_is_known() {
        // The same with deskconn-key/1, the first ten bytes in base 32.
        let key = DeviceKey::from_hex(PUBLIC).unwrap();
        assert_eq!(key.fingerprint(), "KE56-MRZ8-2BE6-YY9Z");
        assert_eq!(DeviceKey::from_hex(&PUBLIC.to_uppercase()).unwrap(), key);
    }

    #[test]
    fn a_fingerprint_has_eighty_bits_in_groups_of_four() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let key = DeviceKey::from_bytes(&Identity::generate(&mut random).unwrap().public()).unwrap();
            let groups: Vec<String> = key.fingerprint().split('-').map(str::to_owned).collect();
            assert_eq!(groups.len(), 4);
            assert!(
                groups
                    .iter()
                    .all(|group| group.len() == 4 && group.chars().all(|c| CROCKFORD.contains(c)))
            );
        }
    }

    #[test]
    fn a_statement_is_verified_under_its_label_its_hash_and_its_key_alone() {
        let key = DeviceKey::from_bytes(&identity().public()).unwrap();
        let signature = identity().sign("deskconn-test/1", &[7; 64]);
        assert!(key.verifies("deskconn-test/1", &[7; 64], &signature));
        assert!(!key.verifies("deskconn-test/2", &[7; 64], &signature));
        assert!(!key.verifies("deskconn-test/1", &[8; 64], &signature));
        let other = Identity::generate(&mut StdRng::seed_from_u64(3)).unwrap().public();
        let other = DeviceKey::from_bytes(&other).unwrap();
        assert!(!other.verifies("deskconn-test/1", &[7; 64], &signature));
        assert!(!key.verifies("deskconn-test/1", &[7; 64], &[0xff; 64]));
    }

    #[test]
    fn two_identities_differ() {
        let mut random = StdRng::seed_from_u64(2);
        let (one, other) = (
            Identity::generate(&mut random).unwrap(),
            Identity::generate(&mut random).unwrap(),
        );
        assert_ne!(one.id(), other.id());
    }

    #[test]
    fn weak_and_impossible_keys_are_refused() {
        // The identity element, a point of order two, and an encoding that is no point (y = 2).
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut order_two = [0xff; 32];
        order_two[0] = 0xec;
        order_two[31] = 0x7f;
        let mut no_point = [0; 32];
        no_point[0] = 2;
        for bytes in [neutral, order_two, no_point, [0; 32]] {
            assert_eq!(DeviceKey::from_bytes(&bytes), Err(BadKey), "{}", hex::encode(bytes));
        }
        for text in ["", "zz", "d75a", &format!("{PUBLIC}00")] {
            assert_eq!(DeviceKey::from_hex(text), Err(BadKey));
        }
    }

    #[test]
    fn the_debug_form_shows_no_secret() {
        let shown = format!("{:?}", identity());
        assert!(
            shown.contains(&identity().id()) && !shown.contains("9d61b1") && !shown.contains("157, 97"),
            "{shown}"
        );
    }
}
