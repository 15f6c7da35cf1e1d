//! The arguments of the commands that work with any router: call, publish, subscribe, register.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

use crate::complete;
use crate::values::decimal;

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The procedure
    #[arg(add = ArgValueCandidates::new(complete::procedures))]
    pub(crate) uri: String,
    /// Its arguments
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
    /// Cancel the call after so long
    #[arg(long, value_name = "SECONDS", value_parser = decimal)]
    pub(crate) timeout: Option<f64>,
    /// Show results as they come, where the procedure sends several
    #[arg(long)]
    pub(crate) progress: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The topic
    #[arg(add = ArgValueCandidates::new(complete::topics))]
    pub(crate) uri: String,
    /// The arguments of the event
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
    /// Print the number of the publication
    #[arg(long)]
    pub(crate) ack: bool,
    /// Let the router keep the event for those who subscribe later, in place of the last one
    #[arg(long)]
    pub(crate) retain: bool,
    /// Let the router forget what it keeps of the topic for those who subscribe later; the event itself is not kept
    #[arg(long, conflicts_with_all = ["retain", "queue"])]
    pub(crate) forget: bool,
    /// Stay connected until Ctrl-C, and let the router publish the event when the connection ends, however that happens
    #[arg(long, conflicts_with = "ack")]
    pub(crate) will: bool,
    /// Keep it on disk until the desktop has it, which takes it once; what could not be delivered goes first with the next one
    #[arg(long, conflicts_with_all = ["ack", "will"])]
    pub(crate) queue: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Subscribe {
    /// The topic, or a pattern
    #[arg(add = ArgValueCandidates::new(complete::topics))]
    pub(crate) uri: String,
    /// How it is compared [default: prefix where it ends with a dot, wildcard where a component is empty, else exact]
    #[arg(long = "match", value_name = "POLICY")]
    pub(crate) policy: Option<Policy>,
    /// End after so many events
    #[arg(long, value_name = "COUNT")]
    pub(crate) count: Option<u64>,
    /// Show first what the router has kept
    #[arg(long)]
    pub(crate) retained: bool,
    /// Show the topic with each event, and when it was published if the router had kept it
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Policy {
    /// The topic itself
    Exact,
    /// Every topic that begins with it
    Prefix,
    /// An empty component stands for any
    Wildcard,
}

impl Policy {
    /// The word in arguments.
    pub(crate) fn word(self) -> &'static str {
        client::Match::from(self).name()
    }

    /// How a URI is compared when nothing is said: one that ends with a dot stands for all below it, and an empty component for
    /// any. By itself neither is a name.
    pub(crate) fn of(uri: &str) -> Self {
        if uri.starts_with('.') || uri.contains("..") {
            Self::Wildcard
        } else if uri.ends_with('.') {
            Self::Prefix
        } else {
            Self::Exact
        }
    }
}

impl From<Policy> for client::Match {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Exact => Self::Exact,
            Policy::Prefix => Self::Prefix,
            Policy::Wildcard => Self::Wildcard,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The procedure, or a pattern
    pub(crate) uri: String,
    /// The command, for /bin/sh
    pub(crate) command: String,
    /// What the command finds in $1, $2 …
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
    /// How it is compared [default: prefix where it ends with a dot, wildcard where a component is empty, else exact]
    #[arg(long = "match", value_name = "POLICY")]
    pub(crate) policy: Option<Policy>,
    /// Stop the command after so long
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = decimal)]
    pub(crate) timeout: f64,
}
