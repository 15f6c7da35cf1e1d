//! Systems that are not Unix, with what the standard library and tokio know of them. Files are private there by where they
//! are: in the profile of this user, whose access list they inherit.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::future::pending;
use std::io;

use tokio::process::{Child, Command};

/// What this machine is called: Windows tells it to every program.
pub(crate) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "computer".to_owned())
}

/// Nothing tells the size of the terminal.
pub(crate) const fn terminal_size() -> Option<(usize, usize)> {
    None
}

/// What was typed too early cannot be taken back from the terminal.
pub(crate) const fn forget_typed() {}

/// The keys come with the end of their line.
#[derive(Debug)]
pub(crate) struct SingleKeys;

impl SingleKeys {
    #[allow(clippy::unnecessary_wraps, reason = "it may fail on Unix")]
    pub(crate) const fn take() -> io::Result<Self> {
        Ok(Self)
    }
}

/// What is typed is seen here.
#[derive(Debug)]
pub(crate) struct Unseen;

impl Unseen {
    #[allow(clippy::unnecessary_wraps, reason = "it may fail on Unix")]
    pub(crate) const fn take() -> io::Result<Self> {
        Ok(Self)
    }
}

/// Somebody wants this program to end: Ctrl-C.
#[derive(Debug)]
pub(crate) struct EndSignals;

impl EndSignals {
    #[allow(clippy::unnecessary_wraps, reason = "it may fail on Unix")]
    pub(crate) const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    #[allow(
        clippy::needless_pass_by_ref_mut,
        reason = "Unix has to change its streams of signals"
    )]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}

/// Nothing tells that the terminal has another size.
#[derive(Debug)]
pub(crate) struct Resized;

impl Resized {
    #[allow(clippy::unnecessary_wraps, reason = "it may fail on Unix")]
    pub(crate) const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    #[allow(
        clippy::needless_pass_by_ref_mut,
        reason = "Unix has to change its stream of signals"
    )]
    pub(crate) async fn next(&mut self) {
        pending().await
    }
}

/// A command for a shell of Unix, which some have here too; spawning it fails where there is none.
pub(crate) fn shell(line: &str, arguments: &[String]) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg("deskconnctl").args(arguments);
    command
}

/// There are no groups: the shell itself is killed with the command's call.
#[derive(Debug)]
pub(crate) struct Group;

impl Group {
    pub(crate) const fn of(_child: &Child) -> Self {
        Self
    }
}

/// Who may read it stands in the access list of the profile.
pub(crate) const fn is_open_to_others(_file: &Metadata) -> bool {
    false
}

/// Makes directories, with those above them.
pub(crate) fn private_directories() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    builder
}

/// Makes a file, where none is.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}
