//! How to log in at a router that --at names.

use std::path::PathBuf;

use clap::ValueHint;

/// How to log in where --at leads, and how to know that it is the right one.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// Log in with the key in this file; without it, in the realm deskconn, with ctl.key of the state directory if that is
    /// there. A router's own realms get no key that is not named
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "anonymous", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// Log in without a key
    #[arg(long, global = true)]
    pub(crate) anonymous: bool,
    /// Log in under this name; with --key, --ticket or --password that of the principal whose it is
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) authid: Option<String>,
    /// Log in with the ticket in this file, which nobody else may read; the router is told it as it is
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath,
        conflicts_with_all = ["key", "anonymous", "password"])]
    pub(crate) ticket: Option<PathBuf>,
    /// Log in with the password in this file, which nobody else may read, by WAMP-SCRAM or WAMP-CRA
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath,
        conflicts_with_all = ["key", "anonymous"])]
    pub(crate) password: Option<PathBuf>,
    /// Show the certificate in this file inside TLS, in PEM with its key, and log in by it where the router takes that
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath,
        conflicts_with = "anonymous")]
    pub(crate) certificate: Option<PathBuf>,
    /// The SHA-256 of the public key of the router's certificate, in 64 hexadecimal digits: `pin` of `status` over there.
    /// With it everything goes by TLS, or not at all
    #[arg(long, global = true, value_name = "SHA256", hide_short_help = true, value_parser = pin)]
    pub(crate) pin: Option<[u8; 32]>,
}

fn pin(text: &str) -> Result<[u8; 32], String> {
    let mut pin = [0; 32];
    match hex::decode_to_slice(text, &mut pin) {
        Ok(()) => Ok(pin),
        Err(_) => Err("64 hexadecimal digits are expected".to_owned()),
    }
}
