//! The programs of a person's session, on a stage: real ones, where they are installed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use zbus::Connection;

use super::{Stage, Which, eventually};

/// A process that ends with the test.
#[derive(Debug)]
pub(crate) struct Process(pub(super) Child);

impl Process {
    /// Starts a program that says nothing.
    pub(crate) fn start(mut command: Command) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(quiet.spawn().unwrap())
    }

    /// It hangs.
    pub(crate) fn stop(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// It hangs no more.
    pub(crate) fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.unwrap(), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    /// A program of a person's session on this stage's buses, with its home here; `None`, after saying so, where it
    /// is not installed. `packages` are those of Debian that have it.
    pub(crate) fn program(&self, name: &str, packages: &str) -> Option<Command> {
        let is_installed = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|directory| directory.join(name).is_file());
        if !is_installed {
            skipped(&format!("{name}: apt-get install {packages}"));
            return None;
        }
        let mut command = Command::new(name);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", self.address(Which::Session))
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.address(Which::System))
            .env("HOME", self.directory.path())
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env("XDG_CONFIG_HOME", self.directory.path())
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        Some(command)
    }

    /// A screen that nobody sees, with its name; `None`, after saying so, where there is no Xvfb.
    pub(crate) fn screen(&self) -> Option<(Process, String)> {
        let mut command = self.program("Xvfb", "xvfb")?;
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "640x480x24"]);
        let mut screen = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut number = String::new();
        BufReader::new(screen.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        assert!(!number.trim().is_empty(), "Xvfb has no screen");
        Some((Process(screen), format!(":{}", number.trim())))
    }

    /// Waits until somebody has a name.
    pub(crate) async fn has_name(&self, which: Which, name: &str) {
        let client = self.client(which).await;
        eventually(&format!("somebody has the name {name}"), || has_owner(&client, name)).await;
    }

    /// Waits until nobody has it any more.
    pub(crate) async fn has_no_name(&self, which: Which, name: &str) {
        let client = self.client(which).await;
        eventually(&format!("nobody has the name {name}"), || async {
            !has_owner(&client, name).await
        })
        .await;
    }
}

async fn has_owner(client: &Connection, name: &str) -> bool {
    let bus = "org.freedesktop.DBus";
    let call = client.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "NameHasOwner", &name);
    call.await.unwrap().body().deserialize().unwrap()
}

/// Says, past the test harness which shows nothing of tests that pass, what is not tested; fails where all has to be.
pub(super) fn skipped(what: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let requires_all = std::env::var_os("DESKCONN_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!requires_all, "not installed: {what}");
    if SAID.lock().unwrap().insert(what.to_owned()) {
        let line = format!("\nSKIPPED {what}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}
