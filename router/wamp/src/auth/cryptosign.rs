//! WAMP-cryptosign: an Ed25519 signature over the router's challenge (WAMP specification, "Cryptosign-based
//! Authentication").
//!
//! Channel binding, where both ends have TLS 1.3, is that of RFC 9266: what is signed is the exclusive-or of the challenge and
//! a value that only the two ends of the connection know. It does not stop whoever is in between and has both connections: he
//! can choose his challenge so that it cancels out. What protects against that is knowing the router's key: the pin.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Bytes of a challenge.
pub const CHALLENGE_LENGTH: usize = 32;
/// The only channel binding that TLS 1.3 has (RFC 9266).
pub const TLS_EXPORTER: &str = "tls-exporter";
/// Where a client's `authextra` says which channel bindings it can do, without insisting on one: a list. Others ignore it, so
/// that it can be said to every router.
pub const OFFERED_BINDINGS: &str = "_channel_bindings";
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

/// What is to be signed on a channel with this binding (WAMP specification, "TLS Channel Binding").
#[must_use]
pub fn bound(challenge: &[u8; CHALLENGE_LENGTH], channel: &[u8; CHALLENGE_LENGTH]) -> [u8; CHALLENGE_LENGTH] {
    std::array::from_fn(|at| challenge[at] ^ channel[at])
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

    /// The same with channel binding: private key, challenge, answer; for the channel [`CHANNEL`].
    const BOUND_VECTORS: [[&str; 3]; 3] = [
        [
            "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00",
        ],
        [
            "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
            "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
            "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a427c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01d0852a29b460fc92ec943242ac638a053bbacc200512b18b30d15083cbdc9282",
        ],
        [
            "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
            "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
            "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d",
        ],
    ];
    const CHANNEL: &str = "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff";

    #[test]
    fn the_vectors_with_channel_binding_are_reproduced_and_verified() {
        for [key, challenge, answer] in BOUND_VECTORS {
            let key = SigningKey::from_bytes(&bytes(key));
            let signed = bound(&bytes(challenge), &bytes(CHANNEL));
            assert_eq!(sign(&key, &signed), answer);
            verify(&key.verifying_key(), &signed, answer).unwrap();
            let elsewhere = bound(&bytes(challenge), &[1; 32]);
            assert_eq!(
                verify(&key.verifying_key(), &elsewhere, answer),
                Err(CryptosignError::Challenge)
            );
        }
    }

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
