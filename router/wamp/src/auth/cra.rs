//! WAMP-CRA: an HMAC over the router's challenge, with a shared secret or a key derived from it (WAMP specification,
//! "Challenge Response Authentication").

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::id::SessionId;
use crate::value::{Dict, Value};

/// The most iterations of PBKDF2 that a client does for a router it does not know yet: a second of an ordinary machine.
pub const MAX_ITERATIONS: u32 = 10_000_000;
/// The longest derived key in bytes; longer ones than the hash's own 32 add nothing.
pub const MAX_KEY_LENGTH: usize = 64;

/// How a key is derived from a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salting {
    /// The salt, as the text that it is on the wire.
    pub salt: String,
    /// Iterations of PBKDF2, at least 1.
    pub iterations: u32,
    /// Bytes of the key.
    pub key_length: usize,
}

/// What the router knows of somebody who logs in by WAMP-CRA. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    key: Vec<u8>,
    salting: Option<Salting>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("salting", &self.salting)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// The secret itself is the key.
    #[must_use]
    pub fn of_secret(secret: &str) -> Self {
        let key = secret.as_bytes().to_vec();
        Self { key, salting: None }
    }

    /// A key that was derived before, in base64 as `derive` gives it.
    #[must_use]
    pub fn of_key(key: &str, salting: Salting) -> Self {
        let key = key.as_bytes().to_vec();
        Self {
            key,
            salting: Some(salting),
        }
    }

    /// Another key, with a challenge that looks as this one's does: for a name that nobody has. The salt is as long
    /// as this one's.
    #[must_use]
    pub fn with_key(&self, key: &str, salt: &str) -> Self {
        let salted = |like: &Salting| Salting {
            salt: salt.chars().cycle().take(like.salt.len()).collect(),
            ..like.clone()
        };
        Self {
            key: key.as_bytes().to_vec(),
            salting: self.salting.as_ref().map(salted),
        }
    }

    /// What CHALLENGE says: `challenge`, and of how the key is derived `salt`, `iterations`, `keylen`.
    #[must_use]
    pub fn challenge(&self, challenge: &str) -> Dict {
        let mut extra = Dict::from([("challenge".to_owned(), challenge.into())]);
        if let Some(salting) = &self.salting {
            extra.insert("salt".to_owned(), salting.salt.as_str().into());
            extra.insert("iterations".to_owned(), u64::from(salting.iterations).into());
            extra.insert("keylen".to_owned(), (salting.key_length as u64).into());
        }
        extra
    }

    /// Whether this is the answer to `challenge` of somebody who has the key.
    #[must_use]
    pub fn verify(&self, challenge: &str, answer: &str) -> bool {
        let Ok(answer) = BASE64_STANDARD.decode(answer) else {
            return false;
        };
        mac(&self.key, challenge).verify_slice(&answer).is_ok()
    }
}

/// What a challenge tells the client of the session that it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced<'a> {
    /// The name it is to have.
    pub authid: &'a str,
    /// The role it is to have.
    pub authrole: &'a str,
    /// Who vouches for it.
    pub provider: &'a str,
    /// When the login began, ISO 8601.
    pub timestamp: &'a str,
    /// The id that its session is to have.
    pub session: SessionId,
    /// 32 unpredictable bytes.
    pub nonce: &'a [u8; 32],
}

impl Announced<'_> {
    /// The text to sign: an object in JSON.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::json!({
            "authid": self.authid,
            "authrole": self.authrole,
            "authmethod": "wampcra",
            "authprovider": self.provider,
            "nonce": hex::encode(self.nonce),
            "timestamp": self.timestamp,
            "session": self.session.get(),
        })
        .to_string()
    }
}

/// The key for a password, in base64, as whoever stores it keeps it: PBKDF2 with SHA-256.
#[must_use]
pub fn derive(password: &str, salting: &Salting) -> String {
    let mut key = vec![0; salting.key_length];
    pbkdf2::pbkdf2_hmac::<Sha256>(
        password.as_bytes(),
        salting.salt.as_bytes(),
        salting.iterations,
        &mut key,
    );
    BASE64_STANDARD.encode(key)
}

/// Why a client does not answer a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CraError {
    /// There is none.
    #[error("the challenge has no text to sign")]
    Empty,
    /// `salt` comes without `iterations` and `keylen`, or they are beyond what is done for a router.
    #[error("salt, iterations (1 to {MAX_ITERATIONS}) and keylen (1 to {MAX_KEY_LENGTH}) must come together")]
    Salting,
}

/// The answer to a CHALLENGE with this `extra`.
///
/// # Errors
/// It asks for nothing that can be signed, or for too much.
pub fn answer(secret: &str, extra: &Dict) -> Result<String, CraError> {
    let challenge = extra.get("challenge").and_then(Value::as_str).ok_or(CraError::Empty)?;
    let sign = |key: &[u8]| BASE64_STANDARD.encode(mac(key, challenge).finalize().into_bytes());
    let Some(salt) = extra.get("salt").filter(|salt| **salt != Value::Null) else {
        return Ok(sign(secret.as_bytes()));
    };
    let number = |key: &str, most: u64| {
        let number = extra.get(key).and_then(Value::as_u64);
        number
            .filter(|number| (1..=most).contains(number))
            .ok_or(CraError::Salting)
    };
    let salting = Salting {
        salt: salt.as_str().ok_or(CraError::Salting)?.to_owned(),
        iterations: u32::try_from(number("iterations", MAX_ITERATIONS.into())?).map_err(|_| CraError::Salting)?,
        key_length: usize::try_from(number("keylen", MAX_KEY_LENGTH as u64)?).map_err(|_| CraError::Salting)?,
    };
    Ok(sign(derive(secret, &salting).as_bytes()))
}

fn mac(key: &[u8], challenge: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(challenge.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As autobahn-python computes it, for the challenge of the specification with its keys in their order.
    const CHALLENGE: &str = r#"{"authid":"peter","authmethod":"wampcra","authprovider":"static","authrole":"user","nonce":"LHRTC9zeOIrt_9U3","session":3251278072152162,"timestamp":"2014-06-22T16:36:25.448Z"}"#;
    const PLAIN: &str = "V8uUlvmdCIhuU89kmjuOT5bG1Tr08XYUeJVkhlyS1OY=";
    const SALTED: &str = "ci8c1WaiRrNO2kfsB9a/EhDfWuEQsxg9ZPIxsRhaiGw=";
    const KEY: &str = "Eu7CQLfR+/Ffb+275A4s9/6H/RGKYxM4s6IMrsNKzC8=";

    fn salting() -> Salting {
        Salting {
            salt: "salt123".to_owned(),
            iterations: 1000,
            key_length: 32,
        }
    }

    #[test]
    fn what_other_libraries_compute_is_computed_and_verified() {
        let plain = Credential::of_secret("secret123");
        assert_eq!(answer("secret123", &plain.challenge(CHALLENGE)).unwrap(), PLAIN);
        assert!(plain.verify(CHALLENGE, PLAIN));
        assert_eq!(derive("secret123", &salting()), KEY);
        let salted = Credential::of_key(KEY, salting());
        assert_eq!(answer("secret123", &salted.challenge(CHALLENGE)).unwrap(), SALTED);
        assert!(salted.verify(CHALLENGE, SALTED));
    }

    #[test]
    fn an_answer_to_another_challenge_with_another_secret_or_ill_formed_is_none() {
        let credential = Credential::of_secret("secret123");
        assert!(!credential.verify("{}", PLAIN));
        assert!(!Credential::of_secret("secret124").verify(CHALLENGE, PLAIN));
        for wrong in ["", "=", "V8uUlg==", SALTED, &PLAIN.to_lowercase()] {
            assert!(!credential.verify(CHALLENGE, wrong), "{wrong}");
        }
    }

    #[test]
    fn a_challenge_says_all_that_the_specification_wants() {
        let announced = Announced {
            authid: "peter",
            authrole: "user",
            provider: "static",
            timestamp: "2014-06-22T16:36:25.448Z",
            session: SessionId::new(3_251_278_072_152_162).unwrap(),
            nonce: &[9; 32],
        };
        let text: serde_json::Value = serde_json::from_str(&announced.text()).unwrap();
        assert_eq!(text["session"], 3_251_278_072_152_162_u64);
        for key in ["authid", "authrole", "authmethod", "authprovider", "nonce", "timestamp"] {
            assert!(text[key].is_string(), "{key}");
        }
    }

    #[test]
    fn a_client_derives_no_key_at_a_price_that_a_router_names() {
        let extra = |iterations: u64, key_length: u64| {
            let mut extra = Credential::of_key("", salting()).challenge(CHALLENGE);
            extra.insert("iterations".to_owned(), iterations.into());
            extra.insert("keylen".to_owned(), key_length.into());
            extra
        };
        assert!(answer("x", &extra(1, MAX_KEY_LENGTH as u64)).is_ok());
        for (iterations, key_length) in [
            (0, 32),
            (u64::from(MAX_ITERATIONS) + 1, 32),
            (1, 0),
            (1, MAX_KEY_LENGTH as u64 + 1),
        ] {
            assert_eq!(answer("x", &extra(iterations, key_length)), Err(CraError::Salting));
        }
        assert_eq!(answer("x", &Dict::new()), Err(CraError::Empty));
        let mut alone = Dict::from([("challenge".to_owned(), CHALLENGE.into())]);
        alone.insert("salt".to_owned(), "salt".into());
        assert_eq!(answer("x", &alone), Err(CraError::Salting));
    }

    #[test]
    fn a_log_shows_no_key() {
        assert!(!format!("{:?}", Credential::of_secret("secret123")).contains("115"));
    }
}
