//! The arguments of the commands about who trusts whom: pairing, and the devices that are paired.

use std::time::Duration;

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use crate::times;

#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// What the device may do
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// The name it gets, whatever it calls itself
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How long the code is good, such as 90 (seconds) or 3m
    #[arg(long, value_name = "TIME", value_parser = times::span)]
    pub(crate) ttl: Option<Duration>,
    /// May call this too, whatever its role; a URI that ends with a dot stands for all below it
    #[arg(long = "grant", value_name = "URI", conflicts_with = "legacy")]
    pub(crate) grants: Vec<String>,
    /// A guest: from then on it is not let in; a time like 2027-01-31T12:00:00Z, or from now, like 12h
    #[arg(long, value_name = "TIME", value_parser = times::moment)]
    pub(crate) expires: Option<OffsetDateTime>,
    /// Let in whoever brings the code, without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Draw no QR code
    #[arg(long)]
    pub(crate) no_qr: bool,
    /// Even though codes were guessed at just now
    #[arg(long)]
    pub(crate) force: bool,
    /// By the form that plain WAMP libraries know: the code travels readably
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Even over a network on which others can read the code
    #[arg(long, requires = "legacy")]
    pub(crate) insecure_network: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// HOST or HOST:PORT, or the name that `deskconnctl discover` shows; - to read a link from the standard input;
    /// without it, a desktop on the network that waits for a device
    #[arg(value_name = "DESKTOP")]
    pub(crate) place: Option<String>,
    /// What this command line is called there [default: the name of this machine]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The role it would like, where that is less than the desktop offers
    #[arg(long, value_name = "ROLE")]
    pub(crate) want: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Desktops {
    /// All of them
    List,
    /// Forget one; there, this command line stays paired until it is revoked
    Forget {
        /// Its name, or the beginning of its id
        desktop: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Devices {
    /// All of them
    List,
    /// One of them
    Show {
        /// Its id or its name
        device: String,
    },
    /// Give one another name
    Rename {
        /// Its id or its name
        device: String,
        /// The new name
        name: String,
    },
    /// Give one another role; this holds at once
    Role {
        /// Its id or its name
        device: String,
        /// The new role
        role: String,
    },
    /// Shut one out, and end its sessions
    Revoke {
        /// Its id or its name
        device: String,
    },
}
