//! WAMP-SCRAM: both sides prove that they know a password, and neither the connection nor the router's memory has it
//! (WAMP specification, "Salted Challenge Response Authentication Mechanism"; RFC 5802 and RFC 7677).
//!
//! Channel binding is that of TLS 1.3, `tls-exporter` (RFC 9266), in the places that the specification has for the older ones.
//! Both proofs are over the value that the two ends of the connection share. So whoever is in between and has two connections
//! can use neither, and cannot choose anything that cancels it out, as with cryptosign.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::cryptosign::{CHALLENGE_LENGTH, TLS_EXPORTER};
use crate::value::{Dict, Value};

/// Bytes of SHA-256, of which all keys are.
pub const KEY_LENGTH: usize = 32;
/// The most memory of Argon2, in KiB, and so of whoever logs in to a router that it does not know yet.
pub const MAX_MEMORY_KIB: u32 = 1 << 20;
/// The most iterations of PBKDF2: a second of an ordinary machine.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
/// The most iterations of Argon2, each over all its memory.
pub const MAX_ARGON2_ITERATIONS: u32 = 64;
/// RFC 7677, section 4: fewer are a rogue router's wish for a hash that is easily guessed.
pub const MIN_PBKDF2_ITERATIONS: u32 = 4096;
/// Argon2's own least is 8; less than this is guessed on any graphics card.
pub const MIN_MEMORY_KIB: u32 = 1024;
/// What Argon2 is given where nothing is said: 19 MiB and two passes are what OWASP recommends at least, and a phone does
/// them in a moment.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// See [`MEMORY_KIB`].
pub const ARGON2_ITERATIONS: u32 = 2;
/// The same for PBKDF2 with SHA-256.
pub const PBKDF2_ITERATIONS: u32 = 600_000;
/// Bytes of a salt: what the specification recommends.
pub const SALT: usize = 16;
/// The longest nonce and salt in characters; sixteen bytes are recommended, which are 24.
pub const MAX_TEXT: usize = 256;

/// How a password is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kdf {
    /// `argon2id13`: Argon2id, version 1.3, over so much memory.
    Argon2id13 {
        /// KiB.
        memory: u32,
    },
    /// `pbkdf2` with SHA-256.
    Pbkdf2,
}

impl Kdf {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argon2id13 { .. } => "argon2id13",
            Self::Pbkdf2 => "pbkdf2",
        }
    }
}

/// What a password is hashed with. Everybody has a salt of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashing {
    /// How.
    pub kdf: Kdf,
    /// At least 8 bytes, random.
    pub salt: Vec<u8>,
    /// How often.
    pub iterations: u32,
}

/// Why something is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// Characters that SASLprep forbids (RFC 4013).
    #[error("the password has characters that may not be in one (RFC 4013)")]
    Password,
    /// The price of the hash is too low or too high, or the salt too short.
    #[error(
        "the hash must be argon2id13 with {MIN_MEMORY_KIB} to {MAX_MEMORY_KIB} KiB and 1 to {MAX_ARGON2_ITERATIONS} iterations, or pbkdf2 with {MIN_PBKDF2_ITERATIONS} to {MAX_PBKDF2_ITERATIONS} iterations, and a salt of at least 8 bytes"
    )]
    Hashing,
    /// The router's nonce does not begin with the client's, or either is none.
    #[error("the nonce must be base64, and the router's begin with the client's")]
    Nonce,
}

impl Hashing {
    fn check(&self) -> Result<(), ScramError> {
        let is_priced = match self.kdf {
            Kdf::Argon2id13 { memory } => {
                (MIN_MEMORY_KIB..=MAX_MEMORY_KIB).contains(&memory)
                    && (1..=MAX_ARGON2_ITERATIONS).contains(&self.iterations)
            }
            Kdf::Pbkdf2 => (MIN_PBKDF2_ITERATIONS..=MAX_PBKDF2_ITERATIONS).contains(&self.iterations),
        };
        let is_salted = (8..=MAX_TEXT / 2).contains(&self.salt.len());
        if is_priced && is_salted {
            Ok(())
        } else {
            Err(ScramError::Hashing)
        }
    }

    /// What CHALLENGE says.
    #[must_use]
    pub fn challenge(&self, nonce: &str) -> Dict {
        let memory = match self.kdf {
            Kdf::Argon2id13 { memory } => u64::from(memory).into(),
            Kdf::Pbkdf2 => Value::Null,
        };
        Dict::from([
            ("nonce".to_owned(), nonce.into()),
            ("salt".to_owned(), BASE64_STANDARD.encode(&self.salt).into()),
            ("kdf".to_owned(), self.kdf.name().into()),
            ("iterations".to_owned(), u64::from(self.iterations).into()),
            ("memory".to_owned(), memory),
        ])
    }

    /// Reads what a CHALLENGE says.
    ///
    /// # Errors
    /// It is not whole, or its price is not taken.
    pub fn of_challenge(extra: &Dict) -> Result<Self, ScramError> {
        let number = |key: &str| {
            let number = extra.get(key).and_then(Value::as_u64);
            number
                .and_then(|number| u32::try_from(number).ok())
                .ok_or(ScramError::Hashing)
        };
        let kdf = match extra.get("kdf").and_then(Value::as_str) {
            Some("argon2id13") => Kdf::Argon2id13 {
                memory: number("memory")?,
            },
            Some("pbkdf2") => Kdf::Pbkdf2,
            _ => return Err(ScramError::Hashing),
        };
        let salt = extra
            .get("salt")
            .and_then(Value::as_str)
            .filter(|salt| salt.len() <= MAX_TEXT);
        let hashing = Self {
            kdf,
            salt: salt
                .and_then(|salt| BASE64_STANDARD.decode(salt).ok())
                .ok_or(ScramError::Hashing)?,
            iterations: number("iterations")?,
        };
        hashing.check()?;
        Ok(hashing)
    }

    /// `SaltedPassword`. It takes as long as the parameters want it to.
    ///
    /// # Errors
    /// The password or the parameters are not taken.
    pub fn hash(&self, password: &str) -> Result<[u8; KEY_LENGTH], ScramError> {
        self.check()?;
        let password = stringprep::saslprep(password).map_err(|_| ScramError::Password)?;
        let mut hash = [0; KEY_LENGTH];
        match self.kdf {
            Kdf::Pbkdf2 => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &self.salt, self.iterations, &mut hash);
            }
            Kdf::Argon2id13 { memory } => {
                let parameters =
                    Params::new(memory, self.iterations, 1, Some(KEY_LENGTH)).map_err(|_| ScramError::Hashing)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
                    .hash_password_into(password.as_bytes(), &self.salt, &mut hash)
                    .map_err(|_| ScramError::Hashing)?;
            }
        }
        Ok(hash)
    }
}

/// What the router keeps of somebody: enough to verify a proof and to give its own, not enough to log in elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// How the password was hashed.
    pub hashing: Hashing,
    /// `StoredKey`.
    pub stored_key: [u8; KEY_LENGTH],
    /// `ServerKey`.
    pub server_key: [u8; KEY_LENGTH],
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("hashing", &self.hashing)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// From the password.
    ///
    /// # Errors
    /// It, or the parameters, are not taken.
    pub fn of_password(password: &str, hashing: Hashing) -> Result<Self, ScramError> {
        let salted = hashing.hash(password)?;
        Ok(Self {
            stored_key: Sha256::digest(hmac(&salted, b"Client Key")).into(),
            server_key: hmac(&salted, b"Server Key"),
            hashing,
        })
    }

    /// Verifies `ClientProof`; gives the router's own, `ServerSignature`, for WELCOME.
    #[must_use]
    pub fn verify(&self, exchange: &Exchange<'_>, proof: &str) -> Option<String> {
        let proof: [u8; KEY_LENGTH] = BASE64_STANDARD.decode(proof).ok()?.try_into().ok()?;
        let message = exchange.auth_message(&self.hashing);
        let client_key = xor(proof, hmac(&self.stored_key, message.as_bytes()));
        let recovered: [u8; KEY_LENGTH] = Sha256::digest(client_key).into();
        bool::from(recovered.ct_eq(&self.stored_key))
            .then(|| BASE64_STANDARD.encode(hmac(&self.server_key, message.as_bytes())))
    }
}

/// What both sides have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// HELLO's `authid`.
    pub authid: &'a str,
    /// HELLO's `authextra.nonce`.
    pub client_nonce: &'a str,
    /// CHALLENGE's `nonce`, which begins with the client's.
    pub nonce: &'a str,
    /// What both ends of the connection know, where the login is bound to it: AUTHENTICATE's `cbind_data`.
    pub channel: Option<&'a [u8; CHALLENGE_LENGTH]>,
}

impl Exchange<'_> {
    /// Whether the nonces are such.
    ///
    /// # Errors
    /// They are not.
    pub fn check(&self) -> Result<(), ScramError> {
        let is_nonce = |text: &str| {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            !text.is_empty() && text.len() <= MAX_TEXT && text.bytes().all(is_base64)
        };
        let is_good = is_nonce(self.client_nonce)
            && is_nonce(self.nonce)
            && self.nonce.len() > self.client_nonce.len()
            && self.nonce.starts_with(self.client_nonce);
        if is_good { Ok(()) } else { Err(ScramError::Nonce) }
    }

    /// `AuthMessage`. `c` is the header of GSS-API that says how the login is bound, with what it is bound to (RFC 5802,
    /// section 7); without a binding it is `n,,`.
    fn auth_message(&self, hashing: &Hashing) -> String {
        let authid = self.authid.replace('=', "=3D").replace(',', "=2C");
        let (client, nonce, iterations) = (self.client_nonce, self.nonce, hashing.iterations);
        let salt = BASE64_STANDARD.encode(&hashing.salt);
        let bound = self.channel.map_or_else(
            || b"n,,".to_vec(),
            |channel| [format!("p={TLS_EXPORTER},,").as_bytes(), channel].concat(),
        );
        let bound = BASE64_STANDARD.encode(bound);
        format!("n={authid},r={client},r={nonce},s={salt},i={iterations},c={bound},r={nonce}")
    }
}

/// A client's side.
#[derive(Debug)]
pub struct Answer {
    /// `ClientProof`, for AUTHENTICATE.
    pub proof: String,
    /// What WELCOME's `authextra.verifier` must be.
    pub verifier: String,
}

/// Answers a challenge.
///
/// # Errors
/// The password, the nonce or the parameters are not taken.
pub fn answer(password: &str, hashing: &Hashing, exchange: &Exchange<'_>) -> Result<Answer, ScramError> {
    exchange.check()?;
    let salted = hashing.hash(password)?;
    let client_key = hmac(&salted, b"Client Key");
    let stored_key: [u8; KEY_LENGTH] = Sha256::digest(client_key).into();
    let message = exchange.auth_message(hashing);
    let proof = xor(client_key, hmac(&stored_key, message.as_bytes()));
    let server_key = hmac(&salted, b"Server Key");
    Ok(Answer {
        proof: BASE64_STANDARD.encode(proof),
        verifier: BASE64_STANDARD.encode(hmac(&server_key, message.as_bytes())),
    })
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; KEY_LENGTH] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn xor(left: [u8; KEY_LENGTH], right: [u8; KEY_LENGTH]) -> [u8; KEY_LENGTH] {
    std::array::from_fn(|at| left[at] ^ right[at])
}

#[cfg(test)]
mod tests;
