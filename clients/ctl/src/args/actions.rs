//! The arguments of the command about actions.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use time::OffsetDateTime;

use crate::{complete, times};

#[derive(Debug, Subcommand)]
pub(crate) enum Actions {
    /// All of them, with how often each was done, when it is due, and what went wrong last
    List,
    /// One of them, with all that is known of it
    Show {
        /// Which
        #[arg(add = ArgValueCandidates::new(complete::actions))]
        name: String,
    },
    /// Say what it would do, and do nothing
    ///
    /// The arguments are those of the event that it listens to, written as for `publish`; for one about a figure of the machine
    /// the figure, if it is to be another one than now.
    Test {
        #[command(flatten)]
        occasion: Occasion,
        /// As if it were then, such as 2027-01-31T12:00:00Z
        #[arg(long, value_name = "TIME", value_parser = times::any)]
        time: Option<OffsetDateTime>,
        /// That of the configuration in this file, which the desktop has not read
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Do it now, whatever its conditions are, also if it is off
    ///
    /// The command fails if a step fails.
    Run {
        #[command(flatten)]
        occasion: Occasion,
    },
    /// Let it do something, from now on; also ends its pause
    On {
        /// Which
        #[arg(add = ArgValueCandidates::new(complete::actions))]
        name: String,
    },
    /// Let it do nothing, from now on
    Off {
        /// Which
        #[arg(add = ArgValueCandidates::new(complete::actions))]
        name: String,
    },
}

/// An event that is made up.
#[derive(Debug, Args)]
pub(crate) struct Occasion {
    /// Which
    #[arg(add = ArgValueCandidates::new(complete::actions))]
    pub(crate) name: String,
    /// The arguments of the event
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
    /// The topic of the event, where the action listens to several
    #[arg(long, value_name = "URI")]
    pub(crate) topic: Option<String>,
}
