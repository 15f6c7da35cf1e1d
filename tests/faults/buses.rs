//! The buses are killed under the daemon and come back: functions that need them say so, others go on, and all return.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use client::{Args, Error, Session};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::desk::Desk;
use crate::judge::{Judge, until};
use crate::users::Users;

/// A function that needs a bus has answered by then: the bus gets five seconds (`CALL_TIMEOUT` of the backends), and the machine
/// may be busy.
const ANSWERS: Duration = Duration::from_secs(10);
/// How long the processor is watched. Meanwhile followers try once to connect again.
const WATCHED: Duration = Duration::from_secs(4);
/// Followers look for a bus every five seconds; then they hear of players.
const FOLLOWS: Duration = Duration::from_secs(15);
/// Ticks of 10 ms that may be used with the buses, and more without them than with them, of 800 that two cores have meanwhile.
const MORE_TICKS: u64 = 40;
/// A bus that begins, and a mock, on a machine that is busy.
const BEGINS: Duration = Duration::from_secs(20);

/// The buses of the daemon's user, which are looked for in its environment.
#[derive(Debug)]
pub(crate) struct Buses {
    folder: PathBuf,
    running: Vec<Child>,
}

impl Buses {
    /// At addresses below this folder.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            running: Vec::new(),
        }
    }

    /// What the daemon has to be told.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("DBUS_SESSION_BUS_ADDRESS", self.address("session")),
            ("DBUS_SYSTEM_BUS_ADDRESS", self.address("system")),
        ]
    }

    fn address(&self, bus: &str) -> String {
        format!("unix:path={}", self.folder.join(bus).display())
    }

    /// Starts both, with somebody who sits at the machine.
    pub(crate) async fn start(&mut self, desk: &Desk) {
        for bus in ["session", "system"] {
            let config = self.folder.join(format!("{bus}.conf"));
            let policy = "<allow user='*'/><allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/>";
            let listen = self.address(bus);
            let text = format!(
                "<busconfig><listen>{listen}</listen><auth>EXTERNAL</auth><policy context='default'>{policy}</policy></busconfig>"
            );
            std::fs::write(&config, text).unwrap();
            let _ = std::fs::remove_file(self.folder.join(bus));
            let mut daemon = desk.as_user(&[]);
            daemon
                .args(["dbus-daemon", "--nofork", "--config-file"])
                .arg(&config)
                .stderr(Stdio::null());
            self.running.push(daemon.spawn().unwrap());
            let socket = self.folder.join(bus);
            assert!(
                until(BEGINS, async || socket.exists()).await.is_some(),
                "the {bus} bus does not start"
            );
        }
        self.running.push(
            python(desk, &["-m", "dbusmock", "--system", "-t", "logind"])
                .spawn()
                .unwrap(),
        );
        let seat = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/state/seat.py");
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(desk.home.join("data")).unwrap()).to_string();
        let sits = async || {
            let told = python(desk, &[seat, "add", "first", &uid, "1"]).status().await;
            told.is_ok_and(|status| status.success())
        };
        assert!(until(BEGINS, sits).await.is_some(), "nobody sits at the mock of logind");
    }

    /// Kills all of them.
    async fn kill(&mut self) {
        for mut one in self.running.drain(..) {
            one.kill().await.unwrap();
        }
    }
}

/// Debian installs dbusmock for its own interpreter.
fn python(desk: &Desk, arguments: &[&str]) -> Command {
    let mut python = desk.as_user(&[]);
    python
        .arg("/usr/bin/python3")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    python
}

/// Calls what needs a bus: what came of it, and after how long.
async fn ask(owner: &Session, procedure: &str) -> (Option<Result<Args, Error>>, Duration) {
    let began = Instant::now();
    let answer = timeout(ANSWERS, owner.call(procedure, [])).await.ok();
    (answer, began.elapsed())
}

async fn works(owner: &Session) -> bool {
    for procedure in ["org.deskconn.media.players", "org.deskconn.screen.unlock"] {
        if !matches!(ask(owner, procedure).await, (Some(Ok(_)), _)) {
            return false;
        }
    }
    true
}

/// Kills the buses, and starts others at the same addresses.
pub(crate) async fn gone(desk: &mut Desk, users: &Users, buses: &mut Buses) {
    let judge = Judge("D-Bus gone");
    let owner = desk.owner().await;
    let began = until(BEGINS, async || works(&owner).await).await;
    judge.hears(
        "with both buses everything answers",
        began.is_some(),
        format!("after {began:?}"),
    );
    let mut changed = owner.subscribe("org.deskconn.media.on_changed").await.unwrap();
    let (before, mark) = (desk.sample(), desk.mark());
    let busy = desk.ticks();
    users.season_of(WATCHED).await;
    let busy = desk.ticks() - busy;
    let sentence = "with buses on which each question is announced it does not ask for ever";
    judge.hears(sentence, busy <= MORE_TICKS, format!("{busy} ticks"));
    buses.kill().await;
    for (procedure, bus) in [
        ("org.deskconn.media.players", "session bus"),
        ("org.deskconn.screen.unlock", "system bus"),
    ] {
        let (answer, took) = ask(&owner, procedure).await;
        let is_so = matches!(&answer, Some(Err(Error::Request(error)))
            if error.uri.as_str() == "org.deskconn.error.unavailable" && error.sentence().is_some_and(|it| it.contains(bus)));
        judge.hears(
            &format!("{procedure} says that the {bus} is missing"),
            is_so,
            format!("{answer:?} after {took:.1?}"),
        );
    }
    let used = desk.ticks();
    let season = users.season_of(WATCHED).await;
    let used = desk.ticks() - used;
    judge.served(&season);
    judge.hears(
        "nothing runs in circles",
        used <= busy + MORE_TICKS,
        format!("{busy} ticks with the buses, {used} without"),
    );
    buses.start(desk).await;
    let again = until(ANSWERS, async || works(&owner).await).await;
    judge.hears(
        "on new buses everything answers again",
        again.is_some(),
        format!("after {again:?}"),
    );
    // It is heard of by whoever follows the bus, and not by a call. A player from before they looked is heard of as well.
    let player = [
        "org.mpris.MediaPlayer2.fault",
        "/org/mpris/MediaPlayer2",
        "org.mpris.MediaPlayer2.Player",
    ];
    let arguments = [&["-m", "dbusmock", "--session"][..], &player].concat();
    buses.running.push(python(desk, &arguments).spawn().unwrap());
    let heard = timeout(FOLLOWS, changed.next()).await.ok().flatten();
    judge.hears(
        "who follows the bus hears of a new player",
        heard.is_some(),
        format!("{:?}", heard.map(|event| event.args)),
    );
    judge.logged(desk, mark, &["session bus", "system bus"]);
    drop(changed);
    owner.leave().await;
    judge.recovered(desk, &before).await;
}
