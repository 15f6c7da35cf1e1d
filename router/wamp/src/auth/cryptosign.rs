//! WAMP-cryptosign: an Ed25519 signature over the router's challenge (WAMP specification, "Cryptosign-based
//! Authentication").
//!
//! Channel binding is left out: a relay can choose its challenge so that the exclusive-or cancels out, so it would
//! promise what it does not hold. What protects against a relay is the encrypted link below.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Bytes of a challenge.
pub const CHALLENGE_LENGTH: usize = 32;
/// Bytes of an Ed25519 signature.
const SIGNATURE_LENGTH: usize = 64;

/// What was wrong with an answer. The peer is told only that it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptosignError {
    /// The key is no Ed25519 public key of 64 hexadecimal digits, or a weak one.
    #[error("the public key must be an Ed25519 key of 64 hexadecimal digits")]
    Key,
    /// The answer is not a signature and the signed bytes, together 192 hexadecimal digits.
    #[error("the answer must be the signature and the challenge, together 192 hexadecimal digits")]
    Form,
    /// Another challenge was signed.
    #[error("another challenge was signed")]
    Challenge,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

/// Reads a public key.
///
/// # Errors
/// It is not one, or one for which signatures prove nothing.
pub fn public_key(hexadecimal: &str) -> Result<VerifyingKey, CryptosignError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hexadecimal, &mut bytes).map_err(|_| CryptosignError::Key)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| CryptosignError::Key)?;
    if key.is_weak() {
        Err(CryptosignError::Key)
    } else {
        Ok(key)
    }
}

/// The `Signature` of AUTHENTICATE that answers `challenge`, 192 hexadecimal digits.
#[must_use]
pub fn sign(key: &SigningKey, challenge: &[u8; CHALLENGE_LENGTH]) -> String {
    let signature = key.sign(challenge);
    hex::encode([&signature.to_bytes(), challenge.as_slice()].concat())
}

/// Checks an answer to `challenge`.
///
/// # Errors
/// What is wrong with it.
pub fn verify(key: &VerifyingKey, challenge: &[u8; CHALLENGE_LENGTH], answer: &str) -> Result<(), CryptosignError> {
    let mut bytes = [0; SIGNATURE_LENGTH + CHALLENGE_LENGTH];
    hex::decode_to_slice(answer, &mut bytes).map_err(|_| CryptosignError::Form)?;
    let (signature, signed) = bytes.split_at(SIGNATURE_LENGTH);
    if signed != challenge {
        return Err(CryptosignError::Challenge);
    }
    let signature = Signature::from_slice(signature).map_err(|_| CryptosignError::Form)?;
    key.verify_strict(challenge, &signature)
        .map_err(|_| CryptosignError::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors without channel binding of the WAMP specification, "Cryptosign-based Authentication":
    /// private key, challenge, answer.
    const VECTORS: [[&str; 3]; 3] = [
        [
            "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0cae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ],
        [
            "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
            "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
            "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660fb26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        ],
        [
            "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
            "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
            "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1ec184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30bb05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        ],
    ];

    fn bytes(hexadecimal: &str) -> [u8; 32] {
        hex::decode(hexadecimal).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_vectors_of_the_specification_are_reproduced_and_verified() {
        for [key, challenge, answer] in VECTORS {
            let key = SigningKey::from_bytes(&bytes(key));
            assert_eq!(sign(&key, &bytes(challenge)), answer);
            verify(&key.verifying_key(), &bytes(challenge), answer).unwrap();
            verify(&key.verifying_key(), &bytes(challenge), &answer.to_uppercase()).unwrap();
        }
    }

    #[test]
    fn an_answer_to_another_challenge_or_with_another_key_is_refused() {
        let [key, challenge, answer] = VECTORS[1];
        let key = SigningKey::from_bytes(&bytes(key));
        let other = SigningKey::from_bytes(&[7; 32]);
        assert_eq!(
            verify(&key.verifying_key(), &[0; 32], answer),
            Err(CryptosignError::Challenge)
        );
        assert_eq!(
            verify(&other.verifying_key(), &bytes(challenge), answer),
            Err(CryptosignError::Signature)
        );
        let altered = answer.replacen('d', "e", 1);
        assert_eq!(
            verify(&key.verifying_key(), &bytes(challenge), &altered),
            Err(CryptosignError::Signature)
        );
        for form in ["", "00", answer.trim_start_matches('d'), &answer.replace('d', "x")] {
            assert_eq!(
                verify(&key.verifying_key(), &bytes(challenge), form),
                Err(CryptosignError::Form)
            );
        }
    }

    #[test]
    fn weak_and_malformed_keys_are_refused() {
        let identity = format!("01{}", "00".repeat(31));
        for key in ["", "00", "zz", &identity, &"00".repeat(32), &"00".repeat(33)] {
            assert_eq!(public_key(key), Err(CryptosignError::Key), "{key}");
        }
        let good = hex::encode(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        assert!(public_key(&good).is_ok());
        assert!(public_key(&good.to_uppercase()).is_ok());
    }
}
