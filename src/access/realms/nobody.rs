//! Credentials for names that nobody has: they look like those of somebody and are the same each time, so that nobody learns
//! by trying who is known.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use wamp::acceptor::Asked;
use wamp::auth::ticket::Ticket;
use wamp::auth::{cra, scram};

/// What they are made from.
#[derive(Debug)]
pub(super) struct Mask([u8; 32]);

impl Mask {
    pub(super) fn drawn() -> Self {
        let mut mask = [0; 32];
        SysRng
            .try_fill_bytes(&mut mask)
            .expect("the operating system has random bytes");
        Self(mask)
    }

    /// Bytes that nobody can foresee, the same for a name each time.
    fn bytes(&self, what: &str, asked: &Asked) -> [u8; 32] {
        let name = asked.authid.as_deref().unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [&self.0[..], what.as_bytes(), &[0], name.as_bytes()] {
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// One of several, the same for a name each time.
    pub(super) fn one_of<'a, T>(&self, what: &str, asked: &Asked, several: &'a [T]) -> Option<&'a T> {
        let drawn = self.bytes(what, asked)[0];
        several.get(usize::from(drawn) % several.len().max(1))
    }

    pub(super) fn ticket(&self, asked: &Asked) -> Ticket {
        Ticket::new(&hex::encode(self.bytes("ticket", asked)))
    }

    pub(super) fn cra(&self, asked: &Asked, like: Option<&cra::Credential>) -> cra::Credential {
        let key = BASE64_STANDARD.encode(self.bytes("key", asked));
        match like {
            Some(other) => other.with_key(&key, &hex::encode(self.bytes("salt", asked))),
            None => cra::Credential::of_secret(&key),
        }
    }

    pub(super) fn scram(&self, asked: &Asked, like: Option<&scram::Hashing>) -> scram::Credential {
        let like = like.cloned().unwrap_or(scram::Hashing {
            kdf: scram::Kdf::Pbkdf2,
            salt: vec![0; 16],
            iterations: scram::MIN_PBKDF2_ITERATIONS,
        });
        let salt = self.bytes("salt", asked).into_iter();
        let salt = salt.chain(self.bytes("more salt", asked));
        let salt = salt.cycle().take(like.salt.len()).collect();
        scram::Credential {
            hashing: scram::Hashing { salt, ..like },
            stored_key: self.bytes("stored key", asked),
            server_key: self.bytes("server key", asked),
        }
    }
}
