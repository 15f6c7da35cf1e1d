//! A router, and the program running against it.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use client::{Options, Session};
use router::{Limits, OpenGate, Origins, RealmSettings, Role, Router};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// Nothing here takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this takes too long")
}

pub(crate) struct Stage {
    pub(crate) router: Router,
    pub(crate) directory: TempDir,
    socket: PathBuf,
}

impl Stage {
    /// A router with the realm of a desktop, where a desktop of this user would have its socket.
    pub(crate) fn new() -> Self {
        let stage = Self::closed(tempfile::tempdir().unwrap());
        stage.open();
        stage
    }

    fn closed(directory: TempDir) -> Self {
        let router = Router::new(
            Arc::new(OpenGate::new(Role::unrestricted("owner"))),
            Arc::new(Origins::default()),
            Limits::default(),
        );
        router.open_realm("deskconn", RealmSettings::default());
        let socket = directory.path().join("deskconn.sock");
        Self {
            router,
            directory,
            socket,
        }
    }

    /// Lets programs in.
    pub(crate) fn open(&self) {
        self.router.listen_unix(&self.socket, 0o600).unwrap();
    }

    /// Ends the router; gives another one for the same socket, which nobody can reach before [`Stage::open`].
    pub(crate) async fn restarted(self) -> Self {
        self.router.stop(PATIENCE).await;
        Self::closed(self.directory)
    }

    /// A session beside the program's, such as that of a stand-in.
    pub(crate) async fn session(&self) -> Session {
        let link = self.router.connect_local("test");
        soon(Session::over(link, Options::new("deskconn"))).await.unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.arg("--at").arg(format!("unix:{}", self.socket.display()));
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments)).await
    }

    /// Starts the program and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments))
    }
}

/// The program with these arguments, in a world in which no desktop is.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskconnctl"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

pub(crate) async fn ended(mut command: Command) -> Ended {
    let output = soon(command.kill_on_drop(true).output()).await.unwrap();
    output.into()
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) result: String,
    pub(crate) remarks: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            result: String::from_utf8(output.stdout).unwrap(),
            remarks: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// That it did what it was asked to, and printed this.
    pub(crate) fn gave(&self, result: &str) {
        assert_eq!(
            (self.status, self.result.as_str()),
            (Some(0), result),
            "{}",
            self.remarks
        );
    }

    /// That it failed with this status and a sentence with these words.
    pub(crate) fn failed(&self, status: i32, words: &str) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.remarks.contains(words), "{words}: {self:?}");
    }
}

/// The program while it runs.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    remarks: BufReader<ChildStderr>,
}

impl Running {
    /// Starts a program.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let remarks = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines, remarks }
    }

    /// The next line it prints.
    pub(crate) async fn line(&mut self) -> String {
        soon(self.lines.next_line())
            .await
            .unwrap()
            .expect("it prints nothing more")
    }

    /// Waits for a remark that begins like this.
    pub(crate) async fn remark(&mut self, beginning: &str) {
        let mut line = String::new();
        while !line.starts_with(beginning) {
            line.clear();
            assert!(
                soon(self.remarks.read_line(&mut line)).await.unwrap() > 0,
                "it does not say {beginning}"
            );
        }
    }

    pub(crate) async fn json(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    /// Types a line.
    pub(crate) async fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Types no more.
    pub(crate) fn end_of_typing(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits until it ends.
    pub(crate) async fn ended(mut self) -> Ended {
        let (mut result, mut remarks) = (String::new(), String::new());
        let printed = async {
            while let Some(line) = soon(self.lines.next_line()).await.unwrap() {
                result += &line;
                result.push('\n');
            }
        };
        tokio::join!(printed, async {
            soon(self.remarks.read_to_string(&mut remarks)).await.unwrap();
        });
        Ended {
            status: soon(self.child.wait()).await.unwrap().code(),
            result,
            remarks,
        }
    }
}
