//! What several checks look at: who asks, a process, the words of another program.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use procfs::process::Process;
use rustix::fs::{Access, access};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long another program may take. Those that are asked answer in milliseconds, or hang with the service they ask.
const PATIENCE: Duration = Duration::from_secs(5);
/// As much of its words is read: a ruleset of thousands of rules fits in.
const MAX_WORDS: u64 = 4 << 20;
/// Where administrators' programs are, which is not in every user's PATH.
const ADMINISTRATORS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Whose desktop is examined.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The user who typed the command, also when sudo runs it.
    pub(super) uid: u32,
    /// Whether this program may see everything.
    pub(super) is_root: bool,
    /// The user's run-time directory.
    pub(super) runtime: PathBuf,
}

impl Person {
    pub(super) fn here() -> Self {
        Self::of(rustix::process::geteuid().as_raw(), &|name| std::env::var_os(name))
    }

    fn of(euid: u32, variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let behind = variable("SUDO_UID").filter(|_| euid == 0);
        let behind = behind.and_then(|uid| uid.to_str()?.parse().ok());
        let given = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let given = given.filter(|path| path.is_absolute() && behind.is_none());
        let given = given.map(components::backends::pulse::session_runtime);
        let uid = behind.unwrap_or(euid);
        Self {
            uid,
            is_root: euid == 0,
            runtime: given.unwrap_or_else(|| PathBuf::from(format!("/run/user/{uid}"))),
        }
    }

    /// Whether this program is run by the very user who is examined, so that what it may that user may.
    pub(super) const fn is_self(&self) -> bool {
        !self.is_root || self.uid == 0
    }
}

/// A running daemon, as the kernel tells about it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) pid: Option<i32>,
    pub(super) uid: u32,
}

impl Peer {
    /// Its entry in `/proc`, as far as this user may look at it.
    pub(super) fn process(&self) -> Option<Process> {
        Process::new(self.pid?).ok()
    }
}

/// What a program says on its standard output, and whether it was content. `None` when there is no such program, or it
/// does not end.
pub(super) async fn words(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let found = ADMINISTRATORS
        .iter()
        .map(|directory| Path::new(directory).join(program));
    let found = found.into_iter().find(|path| access(path, Access::EXEC_OK).is_ok());
    let mut command = Command::new(found.unwrap_or_else(|| PathBuf::from(program)));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = begin(command)?;
    let stdout = child.stdout.take()?;
    ended(child, stdout).await
}

/// The same of what a program says on its standard error.
pub(super) async fn complaints(program: &Path, arguments: &[&OsStr]) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = begin(command)?;
    let stderr = child.stderr.take()?;
    ended(child, stderr).await
}

fn begin(mut command: Command) -> Option<Child> {
    command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().ok()
}

async fn ended(mut child: Child, stream: impl AsyncRead + Unpin) -> Option<(bool, String)> {
    let said = async {
        let mut bytes = Vec::new();
        stream.take(MAX_WORDS).read_to_end(&mut bytes).await.ok()?;
        let status = child.wait().await.ok()?;
        Some((status.success(), String::from_utf8_lossy(&bytes).into_owned()))
    };
    timeout(PATIENCE, said).await.ok().flatten()
}

/// The value of `name` in lines like `NAME=value`.
pub(super) fn property<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lines.lines().filter_map(|line| line.split_once('='));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_sudo_the_person_is_who_typed_it() {
        let variable = |name: &str| match name {
            "SUDO_UID" => Some("1000".into()),
            "XDG_RUNTIME_DIR" => Some("/run/user/0".into()),
            _ => None,
        };
        let person = Person::of(0, &variable);
        assert!(person.uid == 1000 && person.is_root && !person.is_self());
        assert_eq!(person.runtime, Path::new("/run/user/1000"));
        let person = Person::of(1001, &variable);
        assert!(person.uid == 1001 && person.is_self(), "a variable alone is no sudo");
    }

    #[test]
    fn in_a_snap_the_run_time_directory_is_the_sessions() {
        let runtime =
            |given: &'static str| Person::of(1000, &|name| (name == "XDG_RUNTIME_DIR").then(|| given.into())).runtime;
        assert_eq!(runtime("/run/user/1000/snap.deskconn"), Path::new("/run/user/1000"));
        assert_eq!(runtime("/run/user/1000"), Path::new("/run/user/1000"));
        assert_eq!(runtime("/"), Path::new("/"));
    }

    #[tokio::test]
    async fn programs_are_heard_or_said_to_be_absent() {
        assert_eq!(words("echo", &["a=b"]).await, Some((true, "a=b\n".to_owned())));
        assert_eq!(words("false", &[]).await, Some((false, String::new())));
        assert_eq!(words("no-such-program", &[]).await, None);
    }

    #[test]
    fn properties_are_found_by_their_whole_name() {
        let lines = "NAMES=x\nNAME = y\nOTHER=z=1\n";
        assert_eq!(property(lines, "NAME"), Some("y"));
        assert_eq!(property(lines, "OTHER"), Some("z=1"));
        assert_eq!(property(lines, "NAM"), None);
    }
}
