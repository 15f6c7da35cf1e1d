//! Authentication methods: each a handful of pure functions.

pub mod cra;
pub mod cryptosign;
pub mod scram;
pub mod ticket;

use std::fmt;

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not at all.
    Anonymous,
    /// By signing a challenge with its Ed25519 key.
    Cryptosign,
    /// By a word that both sides know.
    Ticket,
    /// By an HMAC with a shared secret, or a key derived from it.
    Cra,
    /// By a password that the router does not have.
    Scram,
    /// By the certificate that it has shown in TLS.
    Tls,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Cryptosign => "cryptosign",
            Self::Ticket => "ticket",
            Self::Cra => "wampcra",
            Self::Scram => "wamp-scram",
            Self::Tls => "tls",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "anonymous" => Some(Self::Anonymous),
            "cryptosign" => Some(Self::Cryptosign),
            "ticket" => Some(Self::Ticket),
            "wampcra" => Some(Self::Cra),
            "wamp-scram" => Some(Self::Scram),
            "tls" => Some(Self::Tls),
            _ => None,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
