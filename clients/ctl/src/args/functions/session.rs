//! What can be typed for the functions of the desktop session: players, sound, notifications, pages.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::complete;
use crate::values::decimal;

#[derive(Debug, Args)]
pub(crate) struct Media {
    #[command(subcommand)]
    pub(crate) command: Option<MediaCommand>,
    /// The player, by its id; without it the one that plays, or the one that did last
    #[arg(long, global = true, value_name = "ID", add = ArgValueCandidates::new(complete::players))]
    pub(crate) player: Option<String>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum MediaCommand {
    /// The players that run, and what they play
    Players,
    /// Play, or go on
    Play,
    /// Stand still
    Pause,
    /// Play what stands still, and the other way round
    Toggle,
    /// The next track
    Next,
    /// The previous track
    Previous,
    /// Stop
    Stop,
    /// Go forwards by so many seconds, or backwards: seek -10
    Seek {
        /// Seconds
        #[arg(allow_negative_numbers = true, value_parser = decimal)]
        seconds: f64,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Volume {
    /// How loud it is
    Get,
    /// Make it so loud
    Set {
        /// 0 to 100
        #[arg(value_parser = decimal)]
        percent: f64,
    },
    /// Make it louder
    Up {
        /// By so much
        #[arg(default_value_t = 5.0, value_parser = decimal)]
        percent: f64,
    },
    /// Make it quieter
    Down {
        /// By so much
        #[arg(default_value_t = 5.0, value_parser = decimal)]
        percent: f64,
    },
    /// Silence it
    Mute,
    /// Let it be heard again
    Unmute,
}

#[derive(Debug, Args)]
pub(crate) struct Notify {
    /// The line that says what it is about
    pub(crate) summary: String,
    /// The text below it
    pub(crate) body: Option<String>,
    /// What it is from [default: deskconn]
    #[arg(long, value_name = "NAME")]
    pub(crate) app: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The address; it begins with http:// or https://
    pub(crate) url: String,
}
