//! Does to a daemon what machines do: a disk that is full, a clock that is set, buses that are gone, interfaces that come and go,
//! no file descriptors left. Meanwhile it is used; what has to hold is said sentence by sentence.
//!
//! usage: faults WORK     in a network and with mounts of its own, which run.sh makes; see README.md

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a program that tests")]

mod buses;
mod clock;
mod descriptors;
mod desk;
mod disk;
mod interfaces;
mod judge;
#[path = "../endurance/pairing.rs"]
mod pairing;
#[path = "../endurance/process.rs"]
mod process;
mod starts;
mod users;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use self::buses::Buses;
use self::clock::Clock;
use self::desk::Desk;
use self::users::Users;

/// One for all faults but the clock's, and one that goes by a clock of its own.
const PORTS: [u16; 2] = [5020, 5021];

/// What both daemons are configured with.
fn config(listen: &str, more: &str) -> String {
    format!(
        r#"[listen]
tcp = ["{listen}"]
[limits]
# Everybody here has the same address.
sessions = 1000
sessions_per_ip = "unlimited"
unauthenticated = 1000
unauthenticated_per_ip = "unlimited"
failed_logins_per_ip = "unlimited"
[[realm]]
name = "load"
[[realm.role]]
name = "anonymous"
rules = [{{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }}]
[[realm.history]]
uri = "load.kept"
keep = 5000
store = "disk"
{more}"#
    )
}

/// All faults but the clock's, one after the other.
async fn faults(work: &Path) {
    let mut buses = Buses::new(work.join("buses"));
    let more = format!(
        "[discovery]\nname = \"faults\"\n[metrics]\nlisten = [\"127.0.0.1:9464\"]\n{}",
        clock::actions()
    );
    let listen = format!("0.0.0.0:{}", PORTS[0]);
    let mut desk = Desk::start(work, "desk", PORTS[0], &config(&listen, &more), &buses.environment()).await;
    buses.start(&desk).await;
    let users = Users::begin(&desk).await;
    disk::full(&mut desk, &users).await;
    buses::gone(&mut desk, &users, &mut buses).await;
    descriptors::gone(&mut desk, &users).await;
    interfaces::change(&mut desk, &users).await;
    disk::is_kept(&mut desk, users).await;
    desk.end().await;
    starts::with_little(&desk).await;
}

/// The clock's.
async fn jumps(work: &Path) -> bool {
    let clock = Clock::new(work.join("clock"));
    let Some(environment) = clock.environment() else {
        println!("=== SKIPPED the clock: install faketime");
        return false;
    };
    let more = format!("[discovery]\nenabled = false\n{}", clock::actions());
    let listen = format!("127.0.0.1:{}", PORTS[1]);
    let nowhere =
        ["DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"].map(|bus| (bus, "unix:path=/nowhere".to_owned()));
    let environment = [&environment[..], &nowhere].concat();
    let mut desk = Desk::start(work, "other", PORTS[1], &config(&listen, &more), &environment).await;
    clock::jumps(&mut desk, &clock).await;
    true
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work] = arguments.as_slice() else {
        println!("usage: faults WORK");
        return ExitCode::from(2);
    };
    let (work, began) = (Path::new(work), Instant::now());
    let ((), has_clock) = tokio::join!(Box::pin(faults(work)), Box::pin(jumps(work)));
    let (held, failed) = judge::verdict();
    println!("{held} sentences hold, {failed} do not, in {:.0?}", began.elapsed());
    match (failed, has_clock) {
        (0, true) => ExitCode::SUCCESS,
        // What run.sh tells apart.
        (0, false) => ExitCode::from(77),
        _ => ExitCode::FAILURE,
    }
}
