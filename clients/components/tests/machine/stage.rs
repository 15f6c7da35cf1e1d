//! Private buses, mocks and a backlight tree for one test, gone when it ends.
//!
//! The buses are Debian's `dbus-daemon`, the services `python3-dbusmock`. Where
//! they are not installed a test says SKIPPED and passes, unless
//! `DESKCONN_REQUIRE_ALL=1` demands it.

mod programs;

use std::fs;
use std::future::Future;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deskconn_components::backends::displays::DisplayPlaces;
use deskconn_components::backends::opener::Program;
use deskconn_components::backends::pulse::Place;
use deskconn_components::backends::{Machine, Places};
use tempfile::TempDir;
use zbus::{Connection, Message};

pub(crate) use programs::Process;
use programs::skipped;

/// Debian installs dbusmock for its own interpreter, whichever comes first in PATH.
const PYTHON: &str = "/usr/bin/python3";

/// The longest a condition may take to come true on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const MOCK: &str = "org.freedesktop.DBus.Mock";
const LOGIN: &str = "org.freedesktop.login1";
const LOGIN_SESSION: &str = "org.freedesktop.login1.Session";

/// Which of the two buses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    System,
    Session,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Session => "session",
        }
    }
}

/// The stage: a directory with two bus addresses, on which nothing runs yet.
#[derive(Debug)]
pub(crate) struct Stage {
    directory: TempDir,
}

impl Stage {
    /// An empty stage; `None`, after saying so, where it cannot be built.
    pub(crate) fn new() -> Option<Self> {
        let has_mock = Command::new(PYTHON)
            .args(["-c", "import dbusmock"])
            .stderr(Stdio::null())
            .status();
        let has_bus = Command::new("dbus-daemon")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if !matches!((has_mock, has_bus), (Ok(mock), Ok(bus)) if mock.success() && bus.success()) {
            skipped("the backends on D-Bus: apt-get install dbus-daemon python3-dbusmock");
            return None;
        }
        let stage = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(stage.backlights()).unwrap();
        Some(stage)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn backlights(&self) -> PathBuf {
        self.path("backlight")
    }

    /// Where the sound server of this stage would have its socket.
    pub(crate) fn pulse(&self) -> PathBuf {
        self.path("pulse")
    }

    /// Where Debian's file with the keyboard's layout is, if a test writes one.
    pub(crate) fn keyboard_file(&self) -> PathBuf {
        self.path("keyboard")
    }

    pub(crate) fn address(&self, which: Which) -> String {
        format!("unix:path={}", self.path(&format!("{}.sock", which.name())).display())
    }

    /// The machine as seen from this stage. Whether it has uinput is not the
    /// stage's business, and no test here types a key.
    pub(crate) fn machine(&self) -> Machine {
        self.machine_with(|_| {})
    }

    /// The same with some places elsewhere.
    pub(crate) fn machine_with(&self, change: impl FnOnce(&mut Places)) -> Machine {
        let mut places = Places {
            displays: DisplayPlaces {
                backlights: self.backlights(),
                connectors: self.path("drm"),
                buses: self.path("buses"),
            },
            root: PathBuf::from("/"),
            keyboard_file: self.keyboard_file(),
            system_bus: Some(self.address(Which::System)),
            session_bus: Some(self.address(Which::Session)),
            power_supplies: self.path("power_supply"),
            pulse: Place {
                server: None,
                runtime: Some(self.pulse()),
                cookies: Vec::new(),
            },
            opener: Program {
                path: "xdg-open".into(),
                is_graphical: false,
                environment: Default::default(),
            },
        };
        change(&mut places);
        Machine::detect(places)
    }

    /// Starts a bus; it listens when this returns.
    pub(crate) fn bus(&self, which: Which) -> Process {
        let config = self.path(&format!("{}.conf", which.name()));
        fs::write(
            &config,
            format!(
                "<busconfig><listen>{}</listen><auth>EXTERNAL</auth><policy context='default'>\
                 <allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/></policy></busconfig>",
                self.address(which)
            ),
        )
        .unwrap();
        let _ = fs::remove_file(self.path(&format!("{}.sock", which.name())));
        let mut daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address=1"])
            .arg(format!("--config-file={}", config.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(daemon.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with("unix:"), "dbus-daemon said {line:?}");
        Process(daemon)
    }

    /// A client of a bus, as a test's own hand.
    pub(crate) async fn client(&self, which: Which) -> Connection {
        zbus::connection::Builder::address(self.address(which).as_str())
            .build()
            .await
            .unwrap()
    }

    /// Starts a mock and waits until it has its name. `what` is a template
    /// (`-t logind`) or a name, a path and an interface.
    pub(crate) async fn mock(&self, which: Which, name: &str, what: &[&str]) -> Mock {
        let log = self.path(&format!("{name}.log"));
        let process = Command::new(PYTHON)
            .args(["-m", "dbusmock", &format!("--{}", which.name()), "-l"])
            .arg(&log)
            .args(what)
            .env(
                format!("DBUS_{}_BUS_ADDRESS", which.name().to_uppercase()),
                self.address(which),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mock = Mock {
            client: self.client(which).await,
            name: name.into(),
            log,
            process: Process(process),
        };
        self.has_name(which, name).await;
        mock
    }

    /// logind with one session of this user, active on seat0.
    pub(crate) async fn logind(&self, kind: &str, desktop: &str) -> Logind {
        let mock = self.mock(Which::System, LOGIN, &["-t", "logind"]).await;
        let logind = Logind { mock };
        logind.add_session("c1", kind, desktop, true).await;
        logind
    }

    /// A screen saver of that name and path: covers the screen when it is asked
    /// to lock, and announces it only if `announces`.
    pub(crate) async fn saver(&self, name: &str, path: &str, announces: bool) -> Mock {
        let mock = self.mock(Which::Session, name, &[name, path, name]).await;
        let signal = if announces {
            "self.EmitSignal('', 'ActiveChanged', 'b', [True])"
        } else {
            "pass"
        };
        let lock_takes = if name == "org.cinnamon.ScreenSaver" { "s" } else { "" };
        mock.add_method(
            path,
            name,
            "Lock",
            lock_takes,
            "",
            &format!("self.locked = True; {signal}"),
        )
        .await;
        mock.add_method(path, name, "GetActive", "", "b", "ret = getattr(self, 'locked', False)")
            .await;
        mock
    }

    /// A backlight that shows at once what is written to it.
    pub(crate) fn panel(&self, name: &str, kind: &str, max: u32, brightness: u32) -> PathBuf {
        let panel = self.backlights().join(name);
        fs::create_dir(&panel).unwrap();
        fs::write(panel.join("type"), format!("{kind}\n")).unwrap();
        fs::write(panel.join("max_brightness"), format!("{max}\n")).unwrap();
        fs::write(panel.join("brightness"), format!("{brightness}\n")).unwrap();
        std::os::unix::fs::symlink("brightness", panel.join("actual_brightness")).unwrap();
        panel
    }
}

/// A mocked service.
#[derive(Debug)]
pub(crate) struct Mock {
    client: Connection,
    name: String,
    log: PathBuf,
    process: Process,
}

impl Mock {
    /// It hangs: it has its name still, and answers nothing.
    pub(crate) fn stop(&self) {
        self.process.stop();
    }

    /// The calls of one method so far, with their arguments, as the mock wrote
    /// them down.
    pub(crate) fn calls(&self, method: &str) -> Vec<String> {
        // It is made a moment after the mock has its name.
        let log = match fs::read_to_string(&self.log) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            log => log.unwrap(),
        };
        let calls = log
            .lines()
            .filter_map(|line| line.split_once(' ').map(|(_, call)| call));
        calls
            .filter(|call| call.split(' ').next() == Some(method))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) async fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> Message
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.client
            .call_method(Some(self.name.as_str()), path, Some(interface), method, body)
            .await
            .unwrap()
    }

    pub(crate) async fn add_method(
        &self,
        path: &str,
        interface: &str,
        name: &str,
        takes: &str,
        gives: &str,
        code: &str,
    ) {
        self.call(path, MOCK, "AddMethod", &(interface, name, takes, gives, code))
            .await;
    }
}

/// The mocked logind.
#[derive(Debug)]
pub(crate) struct Logind {
    pub(crate) mock: Mock,
}

impl Logind {
    fn path(id: &str) -> String {
        format!("/org/freedesktop/login1/session/{id}")
    }

    /// One more session of this user on seat0.
    pub(crate) async fn add_session(&self, id: &str, kind: &str, desktop: &str, is_active: bool) {
        let uid = rustix::process::getuid().as_raw();
        self.mock
            .call(
                "/org/freedesktop/login1",
                MOCK,
                "AddSession",
                &(id, "seat0", uid, "somebody", is_active),
            )
            .await;
        let path = Self::path(id);
        self.set(id, "Type", kind).await;
        let add = "self.AddProperty('org.freedesktop.login1.Session', 'Desktop', args[0])";
        self.mock
            .add_method(&path, LOGIN_SESSION, "AddDesktop", "s", "", add)
            .await;
        self.mock.call(&path, LOGIN_SESSION, "AddDesktop", &desktop).await;
    }

    /// What the session does when it is told to `Lock`.
    pub(crate) async fn on_lock(&self, id: &str, code: &str) {
        self.on(id, "Lock", code).await;
    }

    /// What a method of the session does.
    pub(crate) async fn on(&self, id: &str, method: &str, code: &str) {
        self.mock
            .add_method(&Self::path(id), LOGIN_SESSION, method, "", "", code)
            .await;
    }

    /// The session's desktop reports its lock, as a real one does.
    pub(crate) async fn hint(&self, id: &str, is_locked: bool) {
        self.mock
            .call(&Self::path(id), LOGIN_SESSION, "SetLockedHint", &is_locked)
            .await;
    }

    /// Brings the session to the front, or from there, as logind announces it.
    pub(crate) async fn set_active(&self, id: &str, is_active: bool) {
        let changed = std::collections::HashMap::from([("Active", zbus::Variant::from(is_active))]);
        self.mock
            .call(&Self::path(id), MOCK, "UpdateProperties", &(LOGIN_SESSION, changed))
            .await;
    }

    /// Changes a property without a signal.
    pub(crate) async fn set(&self, id: &str, property: &str, value: impl Into<zbus::Variant<'_>>) {
        let body = (LOGIN_SESSION, property, value.into());
        self.mock
            .call(&Self::path(id), "org.freedesktop.DBus.Properties", "Set", &body)
            .await;
    }

    /// `SetBrightness` as the real one works: it writes to the tree.
    pub(crate) async fn sets_brightness(&self, id: &str, panel: &Path) {
        let file = panel.join("brightness");
        let code = format!("open('{}', 'w').write(str(args[2]))", file.display());
        self.mock
            .add_method(&Self::path(id), LOGIN_SESSION, "SetBrightness", "ssu", "", &code)
            .await;
    }
}

/// What a desktop that keeps its hint does on `Lock`.
pub(crate) const LOCKS: &str =
    "self.UpdateProperties('org.freedesktop.login1.Session', {'LockedHint': dbus.Boolean(True)})";

/// Waits until something is so, and fails with its name if it never is.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
