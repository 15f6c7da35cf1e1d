//! A daemon that faults are made for, as an ordinary user's: its home, its log, its figures, and the programs that ask it.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use client::{Options, Session, Value};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::judge::until;
use crate::process::Sample;

/// The realm that is open to everybody here.
pub(crate) const REALM: &str = "load";
/// How long a daemon may take to begin, on a machine that is busy.
const BEGINS: Duration = Duration::from_secs(20);

/// The daemon and its home.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Of both programs.
    programs: PathBuf,
    pub(crate) home: PathBuf,
    port: u16,
    environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Desk {
    /// Lays out the home, which run.sh has made for the user the daemon runs as, and starts the daemon.
    pub(crate) async fn start(
        work: &Path,
        home: &str,
        port: u16,
        config: &str,
        environment: &[(&str, String)],
    ) -> Self {
        let home = work.join(home);
        fs::write(home.join("config.toml"), config).unwrap();
        let shown = |path: &Path| path.display().to_string();
        let own = [
            ("HOME", shown(&home)),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("XDG_RUNTIME_DIR", shown(&home.join("run"))),
            ("XDG_DATA_HOME", shown(&home.join("data"))),
            ("XDG_CONFIG_HOME", shown(&home.join("none"))),
        ];
        let all = own.iter().chain(environment);
        let environment = all.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut desk = Self {
            programs: work.join("bin"),
            home,
            port,
            environment,
            child: None,
        };
        desk.start_again().await;
        desk
    }

    /// The words before a program of that user.
    pub(crate) fn as_user(&self, limits: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        command.args(limits).args(["env", "-i"]);
        command.args(self.environment.iter().map(|(name, value)| format!("{name}={value}")));
        command.kill_on_drop(true);
        command
    }

    /// The daemon, with limits of its own, as a command that is not started.
    pub(crate) fn daemon(&self, limits: &[&str]) -> Command {
        let mut command = self.as_user(limits);
        command
            .arg(self.programs.join("deskconnd"))
            .arg("--config")
            .arg(self.home.join("config.toml"));
        command
    }

    /// Starts it on what an earlier one left.
    pub(crate) async fn start_again(&mut self) {
        let before = self.log().len();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.home.join("log"))
            .unwrap();
        self.child = Some(self.daemon(&[]).stderr(Stdio::from(log)).spawn().unwrap());
        let ready = until(BEGINS, async || self.log_from(before).contains(" ready ")).await;
        assert!(ready.is_some(), "the daemon does not start: {}", self.log_from(before));
    }

    /// Ends it as the kernel does when memory runs out.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Ends it as systemd does, and says whether it ended in order.
    pub(crate) async fn end(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return false;
        };
        kill_process(
            Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap(),
            Signal::TERM,
        )
        .unwrap();
        child.wait().await.unwrap().success()
    }

    /// Whether it is still the one that was started.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("the daemon runs")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.join("run/deskconn/deskconn.sock")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home.join("data/deskconn")
    }

    /// A session of the owner.
    pub(crate) async fn owner(&self) -> Session {
        let target = format!("unix:{}", self.socket().display()).parse().unwrap();
        Session::connect(&target, Options::new("deskconn")).await.unwrap()
    }

    /// A session in the open realm, over WebSocket or RawSocket.
    pub(crate) async fn session(&self, scheme: &str) -> Session {
        let path = if scheme == "ws" { "/ws" } else { "" };
        let target = format!("{scheme}://{}{path}", self.address()).parse().unwrap();
        Session::connect(&target, Options::new(REALM)).await.unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// How much it has logged so far.
    pub(crate) fn mark(&self) -> usize {
        self.log().len()
    }

    /// What it has logged since.
    pub(crate) fn log_from(&self, mark: usize) -> String {
        self.log().get(mark..).unwrap_or_default().to_owned()
    }

    pub(crate) fn sample(&self) -> Sample {
        Sample::of(self.pid())
    }

    /// The processor time that it has used so far, of user and system, in ticks of 10 ms (proc_pid_stat(5)).
    pub(crate) fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("the daemon is alive");
        // The name of the program stands in parentheses, and may have any characters.
        let (_, fields) = stat.rsplit_once(") ").expect("the kernel's line");
        let fields: Vec<&str> = fields.split_whitespace().collect();
        fields[11..13]
            .iter()
            .filter_map(|field| field.parse::<u64>().ok())
            .sum()
    }

    /// One check of `deskconnctl doctor`: its state and what it found.
    pub(crate) async fn doctor(&self, check: &str) -> String {
        let mut doctor = self.as_user(&[]);
        doctor
            .arg(self.programs.join("deskconnctl"))
            .args(["doctor", "--json", "--no-discovery"]);
        let output = doctor.output().await.unwrap();
        let rows = String::from_utf8_lossy(&output.stdout).into_owned();
        let row = rows.lines().find(|row| row.contains(&format!("\"check\":\"{check}\"")));
        row.unwrap_or_default().to_owned()
    }

    /// What the desktops are that a machine behind this network namespace finds.
    pub(crate) async fn discovered_from(&self, namespace: &str) -> String {
        let home = self.home.join("elsewhere");
        let mut discover = Command::new("ip");
        discover.args(["netns", "exec", namespace, "env", "-i", "PATH=/usr/bin:/bin"]);
        for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
            discover.arg(format!("{name}={}", home.display()));
        }
        discover
            .arg(self.programs.join("deskconnctl"))
            .args(["discover", "--json", "--max", "1", "--timeout", "3"]);
        let output = discover.kill_on_drop(true).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The number that a figure is now, of all realms together.
pub(crate) async fn figure(owner: &Session, name: &str) -> f64 {
    let told = owner.call("org.deskconn.metrics.get", []).await.unwrap().into_value();
    let found = told
        .as_dict()
        .and_then(|told| told.get(name))
        .cloned()
        .unwrap_or(Value::Null);
    let of_row = |row: &Value| row.as_dict().and_then(|row| row.get("value")?.as_f64()).unwrap_or(0.0);
    let rows = found.as_list().map(|rows| rows.iter().map(of_row).sum());
    rows.or(found.as_f64()).unwrap_or(f64::NAN)
}

/// A file as large as can be, which takes all space that is left.
pub(crate) fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = File::create(path).unwrap();
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
