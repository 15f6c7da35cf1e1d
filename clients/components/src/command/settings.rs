//! What the configuration says of commands, with its bounds.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Commands of one configuration: more than a phone can show in a list that a person still reads.
pub const MAX_COMMANDS: usize = 64;

/// Words of one command, the program among them.
pub const MAX_ARGUMENTS: usize = 64;

/// How long a command may take when nothing is said: a person who waits for it has given up by then.
pub const DEFAULT_TIMEOUT_S: u64 = 60;

/// The longest a command may take: what needs more is a service, not an answer to a call.
pub const MAX_TIMEOUT_S: u64 = 3600;

/// How much of its output is kept when nothing is said, in bytes of UTF-8, both outputs together.
pub const DEFAULT_OUTPUT: usize = 256 << 10;

/// The most that can be kept: a result has to fit into a message, and of those the router takes 1 MiB.
pub const MAX_OUTPUT: usize = 512 << 10;

/// The commands that may be run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// In the order of the configuration; no two have the same name.
    pub commands: Vec<Configured>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// By what it is called.
    pub name: String,
    /// What a person reads.
    pub title: String,
    /// The program, by its path or by a name that is looked for in `PATH`, and its arguments. Never empty.
    pub run: Vec<String>,
    /// Where it runs; without one, in the home directory of whoever it runs as.
    pub directory: Option<PathBuf>,
    /// How many seconds it may take.
    pub timeout_s: u64,
    /// How much of its output is kept, in bytes of UTF-8.
    pub output_bytes: usize,
}

impl Configured {
    /// How long it may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}
