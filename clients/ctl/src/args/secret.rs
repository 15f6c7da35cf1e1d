//! What `secret` takes.

use clap::ValueEnum;

/// What `secret` makes.
#[derive(Debug, clap::Args)]
pub(crate) struct Secret {
    /// The name that logs in with it
    pub(crate) authid: String,
    /// How it logs in
    #[arg(long, value_name = "METHOD", default_value = "wamp-scram")]
    pub(crate) method: SecretMethod,
    /// How the password of wamp-scram is hashed
    #[arg(long, value_name = "KDF", default_value = "argon2id13")]
    pub(crate) kdf: SecretKdf,
    /// The role that it gets
    #[arg(long, value_name = "ROLE", default_value = "user")]
    pub(crate) role: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretMethod {
    /// The router proves itself too, and nothing that it keeps opens anything
    WampScram,
    /// For clients that do not know wamp-scram: what is kept is enough to log in
    Wampcra,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretKdf {
    /// Needs memory to be guessed
    Argon2id13,
    /// For clients that do not know Argon2
    Pbkdf2,
}
