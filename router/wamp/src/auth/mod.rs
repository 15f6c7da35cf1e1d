//! Authentication methods: each a handful of pure functions.

pub mod cryptosign;

use std::fmt;

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not at all.
    Anonymous,
    /// By signing a challenge with its Ed25519 key.
    Cryptosign,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Cryptosign => "cryptosign",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "anonymous" => Some(Self::Anonymous),
            "cryptosign" => Some(Self::Cryptosign),
            _ => None,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
