//! The operating system by POSIX.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};

use rustix::process::{Pid, kill_process_group};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetwinsize, tcsetattr,
};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Bits of a file's mode that give others something.
const OTHERS: u32 = 0o077;

/// What this machine is called.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Columns and lines of the terminal, where it says so; either may be 0.
pub(crate) fn terminal_size() -> Option<(usize, usize)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some((usize::from(size.ws_col), usize::from(size.ws_row)))
}

/// Throws away what was typed and nobody has read yet.
pub(crate) fn forget_typed() {
    // Not a terminal, where this does nothing.
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
}

/// The keys one by one; as they were before when this is dropped.
#[derive(Debug)]
pub(crate) struct SingleKeys {
    /// How the keys were before; `None` where they come from elsewhere.
    before: Option<Termios>,
}

impl SingleKeys {
    /// Takes the keys of the terminal, if they come from one.
    pub(crate) fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut modes = before.clone();
            // Each key at once and unseen, also those that would end or stop the program and leave the screen behind.
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
            modes.input_modes -= InputModes::IXON;
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(io::stdin(), OptionalActions::Flush, &modes)?;
        }
        Ok(Self { before })
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// What is typed is not seen; as it was before when this is dropped.
#[derive(Debug)]
pub(crate) struct Unseen {
    /// How the terminal was before; `None` where the lines come from elsewhere.
    before: Option<Termios>,
}

impl Unseen {
    /// From now on it is not seen, if it comes from a terminal.
    pub(crate) fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut modes = before.clone();
            modes.local_modes -= LocalModes::ECHO;
            modes.local_modes |= LocalModes::ECHONL;
            tcsetattr(io::stdin(), OptionalActions::Flush, &modes)?;
        }
        Ok(Self { before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// Somebody wants this program to end: Ctrl-C, or SIGTERM of a service manager.
#[derive(Debug)]
pub(crate) struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// From now on the signals wait to be seen.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The terminal has another size.
#[derive(Debug)]
pub(crate) struct Resized(Signal);

impl Resized {
    /// From now on it is followed.
    pub(crate) fn new() -> io::Result<Self> {
        signal(SignalKind::window_change()).map(Self)
    }

    /// The next time.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// A command for the shell, with its `$1`, `$2` …, in a group of its own.
pub(crate) fn shell(line: &str, arguments: &[String]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(line)
        .arg("deskconnctl")
        .args(arguments)
        .process_group(0);
    command
}

/// Everything that a command of [`shell`] started. It is killed with the command's call, or the shell would end and its
/// children would go on.
#[derive(Debug)]
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group that began with this process.
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It has usually ended by itself.
            let _ = kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Whether others than the owner may do something with a file.
pub(crate) fn is_open_to_others(file: &Metadata) -> bool {
    file.permissions().mode() & OTHERS != 0
}

/// Makes directories, with those above them, that nobody else may enter.
pub(crate) fn private_directories() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
}

/// Makes a file, where none is, that nobody else may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}
