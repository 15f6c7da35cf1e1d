//! Programs of the person's own, run to their end: a process group of its own, what it writes handed on as it comes,
//! and an end within bounded time, whoever gives up waiting.
//!
//! Nothing here comes from the network: what is run stands in the configuration. There is no fake of it, because every
//! machine can run a program.

use std::ffi::OsStr;
use std::fs::File;
use std::future::ready;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long a group that was told to end has for it before it is killed: enough to remove a temporary file, and a
/// person who cancels does not wait for it.
pub const GRACE: Duration = Duration::from_secs(2);

/// How long output is waited for when the program itself has ended. What it wrote is in the pipe by then; what comes
/// later is of processes that it left behind, and those may live on.
const AFTER_END: Duration = Duration::from_millis(200);

/// What is read at once.
const CHUNK: usize = 8192;

/// What a service manager and this program's own settings say to this program, and to no other.
const OURS: [&str; 20] = [
    "CACHE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "FDSTORE",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LOGS_DIRECTORY",
    "MAINPID",
    "MANAGERPID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "NOTIFY_SOCKET",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Whether a program is there and may be run by somebody: at its path, or somewhere in `PATH` if it is a mere name.
#[must_use]
pub fn is_installed(program: &Path) -> bool {
    let is_program = |file: &Path| file.metadata().is_ok_and(|it| it.is_file() && it.mode() & 0o111 != 0);
    if program.components().count() > 1 {
        return is_program(program);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|directory| is_program(&directory.join(program)))
}

/// A program with its arguments, as a person configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program, by a path or by a name that is looked for in `PATH`, and its arguments. Never empty.
    pub run: Vec<String>,
    /// Where it runs; without one, where this process does.
    pub directory: Option<PathBuf>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Which of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

/// How a program came to its end.
#[derive(Debug)]
pub enum Ended {
    /// By itself, or by somebody else's signal.
    Itself(ExitStatus),
    /// Its time was over; it was ended.
    Late,
}

/// Runs a program and hands what it writes to `take`, chunk by chunk, each as it was read. While `take` is busy nothing
/// more is read, and the program waits as it would for a slow terminal.
///
/// When the future is dropped, or the time is over, the whole process group gets SIGTERM, and SIGKILL after [`GRACE`].
/// Processes that the program leaves behind when it ends by itself are not touched. `place` is kept until all is over.
///
/// # Errors
/// The program cannot be started.
pub async fn run<P, F>(
    program: &Program,
    place: P,
    mut take: impl FnMut(Stream, &[u8]) -> F + Send,
) -> io::Result<Ended>
where
    P: Send + 'static,
    F: Future<Output = ()> + Send,
{
    let deadline = Instant::now() + program.timeout;
    let mut group = Group(Some((Process::start(program)?, place)));
    let Some((process, _)) = &mut group.0 else {
        unreachable!("it has just been put there")
    };
    match timeout_at(deadline, process.read(&mut take)).await {
        Ok(read) => {
            read?;
            let status = process.child.wait().await?;
            group.0 = None;
            Ok(Ended::Itself(status))
        }
        // Dropping the group ends it.
        Err(_) => Ok(Ended::Late),
    }
}

/// A program that runs, and its place. When this is dropped before the program has ended, the program is ended.
struct Group<P: Send + 'static>(Option<(Process, P)>);

impl<P: Send + 'static> Drop for Group<P> {
    fn drop(&mut self) {
        let Some((process, place)) = self.0.take() else {
            return;
        };
        process.signal(Signal::TERM);
        // Whoever drops it does not wait. Without a runtime the program itself is killed by its handle.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                process.end().await;
                drop(place);
            });
        }
    }
}

/// A program and everything it started that did not leave its process group.
#[derive(Debug)]
struct Process {
    child: Child,
    leader: Pid,
    /// Readable once the leader has ended, `pidfd_open(2)`. It is not yet reaped then, so that its number cannot mean
    /// another group. The descriptor is waited for as if it were a pipe; tokio has no safe type of its own for it.
    exit: pipe::Receiver,
    stdout: Output<ChildStdout>,
    stderr: Output<ChildStderr>,
}

impl Process {
    fn start(program: &Program) -> io::Result<Self> {
        let mut command = Command::new(&program.run[0]);
        command
            .args(&program.run[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        if let Some(directory) = &program.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (Some(leader), Some(stdout), Some(stderr)) = (id, child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("it has no process id or no output"));
        };
        Ok(Self {
            exit: pipe::Receiver::from_file_unchecked(File::from(pidfd_open(leader, PidfdFlags::NONBLOCK)?))?,
            child,
            leader,
            stdout: Output::new(stdout),
            stderr: Output::new(stderr),
        })
    }

    /// Reads both outputs until they and the program are at their end.
    async fn read<F>(&mut self, take: &mut (impl FnMut(Stream, &[u8]) -> F + Send)) -> io::Result<()>
    where
        F: Future<Output = ()> + Send,
    {
        let (stdout, stderr) = (&mut self.stdout, &mut self.stderr);
        let mut has_exited = false;
        while stdout.is_open || stderr.is_open || !has_exited {
            tokio::select! {
                count = stdout.next(), if stdout.is_open => take(Stream::Stdout, stdout.chunk(count?)).await,
                count = stderr.next(), if stderr.is_open => take(Stream::Stderr, stderr.chunk(count?)).await,
                exited = self.exit.readable(), if !has_exited => {
                    exited?;
                    has_exited = true;
                }
                () = sleep(AFTER_END), if has_exited => break,
            }
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        // A group that has ended meanwhile is what was wanted.
        let _ = kill_process_group(self.leader, signal);
    }

    /// Waits until the group has ended after its SIGTERM, and kills what has not.
    async fn end(mut self) {
        // Whoever still has an output open is still at work. What it writes now nobody reads.
        let _ = timeout(GRACE, self.read(&mut |_, _: &[u8]| ready(()))).await;
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
    }
}

/// One output, until it is at its end.
#[derive(Debug)]
struct Output<R> {
    reader: R,
    buffer: Vec<u8>,
    is_open: bool,
}

impl<R: AsyncRead + Unpin> Output<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; CHUNK],
            is_open: true,
        }
    }

    /// Reads a chunk; 0 at the end. Cancelling it loses nothing.
    async fn next(&mut self) -> io::Result<usize> {
        let count = self.reader.read(&mut self.buffer).await?;
        self.is_open = count > 0;
        Ok(count)
    }

    fn chunk(&self, count: usize) -> &[u8] {
        self.buffer.get(..count).unwrap_or_default()
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| OURS.contains(&name) || name.starts_with("DESKCONN_"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Duration;

    use tokio::sync::{mpsc, oneshot};

    use super::*;

    /// More than any test needs.
    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Program {
        Program {
            run: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            directory: None,
            timeout: LONG,
        }
    }

    /// Runs it to its end; both outputs together, in the order of reading.
    async fn output(program: &Program) -> (Ended, String) {
        let mut text = String::new();
        let ended = run(program, (), |_, chunk: &[u8]| {
            text.push_str(&String::from_utf8_lossy(chunk));
            ready(())
        })
        .await
        .unwrap();
        (ended, text)
    }

    fn status(ended: &Ended) -> ExitStatus {
        match ended {
            Ended::Itself(status) => *status,
            Ended::Late => panic!("it was ended"),
        }
    }

    #[tokio::test]
    async fn a_program_is_run_in_its_directory_with_nothing_on_its_input() {
        let directory = tempfile::tempdir().unwrap();
        let mut program = shell("pwd; cat; echo done >&2; exit 3");
        program.directory = Some(directory.path().to_owned());
        let (ended, text) = output(&program).await;
        assert_eq!(status(&ended).code(), Some(3));
        let path = directory.path().canonicalize().unwrap();
        assert!(text.contains(path.to_str().unwrap()) && text.contains("done"), "{text}");
    }

    #[tokio::test]
    async fn a_program_killed_by_somebody_else_says_by_which_signal() {
        let (ended, _) = output(&shell("kill -USR1 $$")).await;
        assert_eq!(status(&ended).signal(), Some(10));
    }

    #[tokio::test]
    async fn a_program_that_cannot_be_started_is_an_error() {
        let mut program = shell("");
        program.run = vec!["/nowhere/at-all".into()];
        let error = run(&program, (), |_, _: &[u8]| ready(())).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn when_its_time_is_over_the_whole_group_ends_and_gives_its_place_back() {
        let (place, given_back) = oneshot::channel::<()>();
        let mut program = shell("sleep 1000 & echo $!; wait");
        // Long enough to begin, on a busy machine too.
        program.timeout = Duration::from_secs(1);
        let mut child = String::new();
        let ended = run(&program, place, |_, chunk: &[u8]| {
            child.push_str(&String::from_utf8_lossy(chunk));
            ready(())
        })
        .await
        .unwrap();
        assert!(matches!(ended, Ended::Late));
        assert!(given_back.await.is_err(), "the place is dropped and nothing sent");
        ends(child.trim()).await;
    }

    #[tokio::test]
    async fn a_group_that_ignores_the_request_to_end_is_killed() {
        let (place, given_back) = oneshot::channel::<()>();
        let program = shell("trap '' TERM; echo $$; while :; do sleep 1; done");
        let (told, mut leader) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let tell = |_, chunk: &[u8]| {
                told.send(String::from_utf8_lossy(chunk).into_owned()).unwrap();
                ready(())
            };
            run(&program, place, tell).await
        });
        let leader = leader.recv().await.unwrap();
        task.abort();
        assert!(given_back.await.is_err());
        ends(leader.trim()).await;
    }

    #[tokio::test]
    async fn a_program_may_leave_another_behind_and_nobody_waits_for_that() {
        let (ended, text) = output(&shell("sleep 1000 & echo $!")).await;
        assert!(status(&ended).success());
        assert!(is_running(text.trim()), "it was ended");
        let left = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
    }

    /// Waits until it is gone: a process closes its outputs, which is what is waited for, a moment before it has ended.
    async fn ends(pid: &str) {
        assert!(!pid.is_empty(), "it never began");
        let gone = async {
            while is_running(pid) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(LONG, gone).await.is_ok(), "{pid} still runs");
    }

    /// Whether it is there and no zombie that waits for its parent.
    fn is_running(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    }

    #[test]
    fn what_is_said_to_this_program_alone_is_told_apart() {
        for ours in ["NOTIFY_SOCKET", "STATE_DIRECTORY", "DESKCONN_CACHE"] {
            assert!(is_ours(OsStr::new(ours)), "{ours}");
        }
        for others in ["PATH", "HOME", "DBUS_SESSION_BUS_ADDRESS", "LANG"] {
            assert!(!is_ours(OsStr::new(others)), "{others}");
        }
    }
}
