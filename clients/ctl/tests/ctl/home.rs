//! The daemon itself on a desktop, and another machine from which this program is used.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use components::backends::fake::Fake;
use deskconnd::config::Config;
use deskconnd::daemon::Daemon;
use deskconnd::paths::Paths;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::stage::{Ended, Running, ended, program, soon};

/// A desktop with the daemon.
pub(crate) struct Desk {
    pub(crate) daemon: Daemon,
    pub(crate) machine: Arc<Fake>,
    pub(crate) state: TempDir,
}

impl Desk {
    /// A desktop of this name on a port of loopback.
    pub(crate) async fn start(name: &str) -> Self {
        Self::with(name, "").await
    }

    /// The same with more in its configuration.
    pub(crate) async fn with(name: &str, more: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let machine = Arc::new(Fake::default());
        let paths = Paths {
            config: state.path().join("config.toml"),
            state: state.path().join("state"),
            socket: state.path().join("run/deskconn.sock"),
            is_system: false,
        };
        let text = format!("[discovery]\nenabled = false\nname = \"{name}\"\n{more}");
        let mut config = Config::parse(Path::new("test.toml"), &text).unwrap();
        config.listen.tcp = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        if config.desktop.enabled {
            config.listen.quic = config.listen.tcp.clone();
        }
        let daemon = soon(Daemon::start(&config, &paths, Some(machine.machine())))
            .await
            .unwrap();
        Self { daemon, machine, state }
    }

    pub(crate) fn address(&self) -> String {
        self.daemon.addresses()[0].to_string()
    }

    /// The program as its owner uses it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        let socket = self.daemon.socket().unwrap().display();
        command.arg("--at").arg(format!("unix:{socket}"));
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments)).await
    }

    pub(crate) fn begin(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments))
    }

    /// Opens a window with `pair --json` and more arguments; gives the program and what it said first.
    pub(crate) async fn pair(&self, arguments: &[&str]) -> (Running, Value) {
        let mut running = Running::of(self.command(&[&["pair", "--json"], arguments].concat()));
        let open = running.json().await;
        assert_eq!(open["event"], "open");
        (running, open)
    }
}

/// Somebody's home on another machine.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("deskconn")
    }

    /// Has the only desktop that is known stand at another port of its host.
    pub(crate) fn change_port(&self, port: u16) {
        self.change("port", port.into());
    }

    /// The same at other hosts.
    pub(crate) fn change_hosts(&self, hosts: &[&str]) {
        self.change("hosts", hosts.into());
    }

    fn change(&self, key: &str, value: Value) {
        let path = self.state().join("desktops.json");
        let mut list: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        list["desktops"][0][key] = value;
        std::fs::write(&path, serde_json::to_vec(&list).unwrap()).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        // No packet may leave this machine.
        command.arg("--no-discovery").env("XDG_DATA_HOME", self.0.path());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments)).await
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments))
    }

    /// Starts `join` at this desktop, and types the code.
    pub(crate) async fn join(&self, desk: &Desk, code: &str) -> Running {
        let mut running = self.start(&["join", "--json", "--name", "Laptop", &desk.address()]);
        running.type_line(code).await;
        running
    }

    /// Pairs with a desktop, which lets in whoever has the code.
    pub(crate) async fn pair(&self, desk: &Desk, arguments: &[&str]) {
        let (pair, open) = desk.pair(&[&["--yes"], arguments].concat()).await;
        let join = self.join(desk, open["code"].as_str().unwrap()).await;
        let (joined, paired) = tokio::join!(join.ended(), pair.ended());
        assert_eq!(
            (joined.status, paired.status),
            (Some(0), Some(0)),
            "{joined:?} {paired:?}"
        );
    }
}
