//! A daemon in a process of its own, so that its memory is nobody else's.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use client::{Options, Session};
use tempfile::TempDir;

/// The program itself, with a home of its own, on a free port of loopback.
pub(crate) struct Apart {
    child: Child,
    pub(crate) address: SocketAddr,
    home: Arc<TempDir>,
}

impl Apart {
    /// Starts it with this in its configuration beside where it listens.
    pub(crate) fn start(configuration: &str) -> Self {
        Self::start_at(Arc::new(tempfile::tempdir().unwrap()), configuration)
    }

    /// The same with what an earlier one left.
    pub(crate) fn start_at(home: Arc<TempDir>, configuration: &str) -> Self {
        let socket = home.path().join("deskconn.sock");
        let config = home.path().join("config.toml");
        let listen = format!("[listen]\ntcp = [\"127.0.0.1:0\"]\nunix = {socket:?}\n");
        std::fs::write(
            &config,
            format!("{listen}[discovery]\nenabled = false\n{configuration}"),
        )
        .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_deskconnd"))
            .arg("--config")
            .arg(&config)
            .env("HOME", home.path())
            // As root it would use the machine's own directories otherwise.
            .env("STATE_DIRECTORY", home.path().join("state"))
            .env("RUNTIME_DIRECTORY", home.path().join("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        // It says where it listens when it does: on TCP first, on its socket last.
        let mut said = |key: &str| {
            let told = |line: String| line.split_once(key).map(|(_, told)| told.trim().to_owned());
            log.find_map(|line| told(line.unwrap())).unwrap()
        };
        let address = said("address=").parse().unwrap();
        said("socket=");
        // Somebody must go on reading, or the log would hold the daemon up.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address, home }
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
