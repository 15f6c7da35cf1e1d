//! The arguments of the commands about who trusts whom: pairing, and the devices that are paired.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCandidates;
use time::OffsetDateTime;

use super::Policy;
use crate::{complete, times};

#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// What the device may do
    #[arg(long, value_name = "ROLE", add = ArgValueCandidates::new(complete::roles))]
    pub(crate) role: Option<String>,
    /// The name it gets, whatever it calls itself
    #[arg(long, value_name = "NAME", value_parser = device_name)]
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
    #[arg(long, value_name = "NAME", value_parser = device_name)]
    pub(crate) name: Option<String>,
    /// The role it would like, where that is less than the desktop offers
    #[arg(long, value_name = "ROLE", add = ArgValueCandidates::new(complete::roles))]
    pub(crate) want: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Desktops {
    /// All of them
    List,
    /// Forget one; there, this command line stays paired until it is revoked
    Forget {
        /// Its name, or the beginning of its id
        #[arg(add = ArgValueCandidates::new(complete::desktops))]
        desktop: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Devices {
    /// All of them
    List,
    /// One of them
    Show {
        /// Its id, the beginning of that, or its name
        #[arg(add = ArgValueCandidates::new(complete::devices))]
        device: String,
    },
    /// Give one another name
    Rename {
        /// Its id, the beginning of that, or its name
        #[arg(add = ArgValueCandidates::new(complete::devices))]
        device: String,
        /// The new name
        name: String,
    },
    /// Give one another role; this holds at once
    Role {
        /// Its id, the beginning of that, or its name
        #[arg(add = ArgValueCandidates::new(complete::devices))]
        device: String,
        /// The new role
        #[arg(add = ArgValueCandidates::new(complete::roles))]
        role: String,
    },
    /// Let one do more than its role says, in place of what the same URI was granted before
    Grant(Grant),
    /// Take a grant back
    Deny {
        /// Its id, the beginning of that, or its name
        #[arg(add = ArgValueCandidates::new(complete::devices))]
        device: String,
        /// The URI of the grant
        uri: String,
        /// How it is compared [default: prefix where it ends with a dot, wildcard where a component is empty, else exact]
        #[arg(long = "match", value_name = "POLICY")]
        policy: Option<Policy>,
    },
    /// Let one in until then only
    Expire {
        /// Its id, the beginning of that, or its name
        #[arg(add = ArgValueCandidates::new(complete::devices))]
        device: String,
        /// A time like 2027-01-31T12:00:00Z, a span from now like 30d, or never
        #[arg(value_name = "TIME", required_unless_present = "span", value_parser = moment_or_never)]
        time: Option<Expiry>,
        /// So long from now, such as 90m, 12h or 30d
        #[arg(long = "in", id = "span", value_name = "SPAN", value_parser = times::moment, conflicts_with = "time")]
        span: Option<OffsetDateTime>,
    },
    /// Shut one out, and end its sessions
    Revoke {
        /// Its id, the beginning of that, or its name
        #[arg(required_unless_present = "all", add = ArgValueCandidates::new(complete::devices))]
        device: Option<String>,
        /// Shut all of them out
        #[arg(long, conflicts_with = "device")]
        all: bool,
        /// Do not ask about all of them, as a person at a terminal is asked
        #[arg(long, requires = "all")]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// Its id, the beginning of that, or its name
    #[arg(add = ArgValueCandidates::new(complete::devices))]
    pub(crate) device: String,
    /// The procedure or topic
    #[arg(add = ArgValueCandidates::new(complete::procedures))]
    pub(crate) uri: String,
    /// How it is compared [default: prefix where it ends with a dot, wildcard where a component is empty, else exact]
    #[arg(long = "match", value_name = "POLICY")]
    pub(crate) policy: Option<Policy>,
    /// What it may do with it, with commas between
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',', default_values = ["call"])]
    pub(crate) allow: Vec<Action>,
    /// Until then; a time like 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = times::moment)]
    pub(crate) until: Option<OffsetDateTime>,
    /// For so long, such as 90m or 2h
    #[arg(long = "for", value_name = "SPAN", value_parser = times::moment, conflicts_with = "until")]
    pub(crate) span: Option<OffsetDateTime>,
    /// Ask at the desktop each time
    #[arg(long)]
    pub(crate) confirm: bool,
    /// Only while the screen is not locked
    #[arg(long)]
    pub(crate) while_unlocked: bool,
}

impl Grant {
    /// How the URI is compared.
    pub(crate) fn policy(&self) -> Policy {
        self.policy.unwrap_or_else(|| Policy::of(&self.uri))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Action {
    Call,
    Register,
    Publish,
    Subscribe,
}

impl Action {
    /// The word in arguments.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Register => "register",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }
}

/// Until when a device is let in; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry(pub(crate) Option<OffsetDateTime>);

/// What a desktop would take for a name: of another nothing is left there, and the device would be without one.
fn device_name(text: &str) -> Result<String, String> {
    let is_seen = pairing::name::clean(text).is_some();
    is_seen
        .then(|| text.to_owned())
        .ok_or_else(|| "a name needs at least one letter".to_owned())
}

fn moment_or_never(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry(None));
    }
    times::moment(text).map(|moment| Expiry(Some(moment)))
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// Say yes to this device, by its id or name, without asking; may be given several times
    #[arg(long, value_name = "DEVICE", add = ArgValueCandidates::new(complete::devices))]
    pub(crate) yes_to: Vec<String>,
}
