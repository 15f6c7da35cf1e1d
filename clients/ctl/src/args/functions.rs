//! What can be typed for the desktop's functions.

mod machine;
mod session;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCandidates;

pub(crate) use self::machine::Power;
pub(crate) use self::session::{Media, MediaCommand, Notify, Open, Volume};
use crate::complete;
use crate::values::decimal;

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Slides {
    /// The next slide
    Next,
    /// The previous slide
    Previous,
    /// Begin the presentation
    Start,
    /// End the presentation
    End,
    /// Blank the screen, and back
    Blank,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Screen {
    /// Lock it, and wait until it is
    Lock,
    /// Unlock it without a password, and wait until it is
    Unlock,
    /// Whether it is locked
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct Brightness {
    #[command(subcommand)]
    pub(crate) command: Option<BrightnessCommand>,
    /// The display, by its id; without it the one that the desktop chooses
    #[arg(long, global = true, value_name = "ID", add = ArgValueCandidates::new(complete::displays))]
    pub(crate) display: Option<String>,
    /// Go there in a fade of so long, at most 60, rather than at once
    #[arg(long, global = true, value_name = "SECONDS", value_parser = decimal)]
    pub(crate) fade: Option<f64>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum BrightnessCommand {
    /// How bright it is
    Get,
    /// Make it so bright
    Set {
        /// 1 to 100
        #[arg(value_parser = decimal)]
        percent: f64,
    },
    /// Make it brighter
    Up {
        /// By so much
        #[arg(default_value_t = 10.0, value_parser = decimal)]
        percent: f64,
    },
    /// Make it darker
    Down {
        /// By so much
        #[arg(default_value_t = 10.0, value_parser = decimal)]
        percent: f64,
    },
    /// The displays and their ids
    Displays,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Programs {
    /// Those that its configuration names
    List,
    /// Run one, and show what it prints as it comes
    Run {
        /// Its name
        #[arg(add = ArgValueCandidates::new(complete::programs))]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Gpio {
    /// The lines that its configuration names, and what they are
    List,
    /// What a line is
    Get {
        /// Its name
        #[arg(add = ArgValueCandidates::new(complete::lines))]
        line: String,
    },
    /// Drive an output
    Set {
        /// Its name
        #[arg(add = ArgValueCandidates::new(complete::lines))]
        line: String,
        /// What it becomes
        value: Switch,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Pointer {
    /// Move it
    #[command(allow_negative_numbers = true)]
    Move {
        /// To the right, in counts of a mouse
        #[arg(value_parser = decimal)]
        dx: f64,
        /// Down
        #[arg(value_parser = decimal)]
        dy: f64,
    },
    /// Click
    Click {
        /// Which button
        #[arg(default_value = "left")]
        button: Button,
    },
    /// Turn the wheel
    #[command(allow_negative_numbers = true)]
    Scroll {
        /// Down, in notches
        #[arg(value_parser = decimal)]
        dy: f64,
        /// To the right
        #[arg(default_value_t = 0.0, value_parser = decimal)]
        dx: f64,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Button {
    Left,
    Right,
    Middle,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keyboard {
    /// Press keys one after the other
    Press {
        /// Such as enter, f5, a or ctrl+shift+t
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Type a text
    Type {
        /// The text; without it, or with -, what the standard input says
        text: Option<String>,
    },
}
