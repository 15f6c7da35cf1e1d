//! A daemon in a process of its own, so that its memory is nobody else's.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};

use client::{Options, Session};
use tempfile::TempDir;

/// The program itself, with a home of its own, on a free port of loopback.
pub(crate) struct Apart {
    child: Child,
    pub(crate) address: SocketAddr,
    home: Arc<TempDir>,
    /// What it logs once it listens.
    pub(crate) log: mpsc::Receiver<String>,
}

impl Apart {
    /// Starts it with this in its configuration beside where it listens.
    pub(crate) fn start(configuration: &str) -> Self {
        Self::start_at(Arc::new(tempfile::tempdir().unwrap()), configuration)
    }

    /// The same with what an earlier one left.
    pub(crate) fn start_at(home: Arc<TempDir>, configuration: &str) -> Self {
        Self::start_with(home, configuration, &[])
    }

    /// The same where an earlier one listened.
    pub(crate) fn start_again(home: Arc<TempDir>, configuration: &str, address: SocketAddr) -> Self {
        Self::start_on(address, home, configuration, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_with(home: Arc<TempDir>, configuration: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), home, configuration, environment)
    }

    fn start_on(address: SocketAddr, home: Arc<TempDir>, configuration: &str, environment: &[(&str, &str)]) -> Self {
        let socket = home.path().join("deskconn.sock");
        let config = home.path().join("config.toml");
        // Keys without a table stand first in a file.
        let (root, tables) = configuration.split_at(configuration.find('[').unwrap_or(configuration.len()));
        let listen = format!("[listen]\ntcp = [\"{address}\"]\nunix = {socket:?}\n");
        std::fs::write(&config, format!("{root}{listen}[discovery]\nenabled = false\n{tables}")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_deskconnd"))
            .arg("--config")
            .arg(&config)
            .env("HOME", home.path())
            // As root it would use the machine's own directories otherwise.
            .env("STATE_DIRECTORY", home.path().join("state"))
            .env("RUNTIME_DIRECTORY", home.path().join("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        // It says where it listens when it does: on TCP first, on its socket last.
        let mut said = |key: &str| {
            // As text or as JSON.
            let json = format!("\"{key}\":\"");
            let told = |line: String| match line.split_once(&json) {
                Some((_, told)) => told.split('"').next().map(str::to_owned),
                None => line
                    .split_once(&format!("{key}="))
                    .map(|(_, told)| told.trim().to_owned()),
            };
            log.find_map(|line| told(line.unwrap())).unwrap()
        };
        let address = said("address").parse().unwrap();
        said("socket");
        // Somebody must go on reading, or the log would hold the daemon up.
        let (lines, log_lines) = mpsc::channel();
        std::thread::spawn(move || {
            log.map_while(Result::ok).for_each(|line| {
                let _ = lines.send(line);
            });
        });
        Self {
            child,
            address,
            home,
            log: log_lines,
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Ends it as systemd does (SIGTERM), and gives what it leaves.
    pub(crate) fn ended(mut self) -> Arc<TempDir> {
        self.signal(rustix::process::Signal::TERM);
        assert!(self.child.wait().unwrap().success());
        Arc::clone(&self.home)
    }

    /// Where its configuration is.
    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join("config.toml")
    }

    /// Ends it as the kernel does when memory runs out (SIGKILL), and gives what it leaves.
    pub(crate) fn killed(mut self) -> Arc<TempDir> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Arc::clone(&self.home)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("deskconn.sock")
    }

    /// A session of the owner.
    pub(crate) async fn owner(&self) -> Session {
        let target = format!("unix:{}", self.socket().display()).parse().unwrap();
        Session::connect(&target, Options::new("deskconn")).await.unwrap()
    }

    /// Its resident memory in KiB (proc_pid_status(5)).
    pub(crate) fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most that was ever resident, in KiB.
    pub(crate) fn most_resident(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
