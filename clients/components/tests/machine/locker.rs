//! Which locker locks, and what becomes of it: the order in which they are tried, the configured one, unlocking.

use std::time::{Duration, Instant};

use deskconn_components::backends::lock_command::HOLDS_AFTER;
use deskconn_components::backends::{Failure, Machine};

use super::lock::reported;
use super::stage::{LOCKS, Mock, PATIENCE, Stage, Which};

const SAVERS: [(&str, &str); 5] = [
    ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    ("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"),
    ("org.mate.ScreenSaver", "/org/mate/ScreenSaver"),
    ("org.xfce.ScreenSaver", "/org/xfce/ScreenSaver"),
];

async fn refuses(saver: &Mock, name: &str, path: &str) {
    let takes = if name == "org.cinnamon.ScreenSaver" { "s" } else { "" };
    let code = "raise dbus.exceptions.DBusException('not now', name='org.example.No')";
    saver.add_method(path, name, "Lock", takes, "", code).await;
}

fn locks(saver: &Mock) -> usize {
    // The mock writes down what it raises as well.
    let calls = saver.calls("Lock");
    calls.iter().filter(|call| !call.contains("raised")).count()
}

#[tokio::test]
async fn the_first_screen_saver_that_accepts_locks_and_no_other() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    let mut savers = Vec::new();
    for (name, path) in SAVERS {
        savers.push(stage.saver(name, path, true).await);
    }
    for first in 0..SAVERS.len() {
        assert_eq!(stage.machine().locker.lock().await, Ok(true), "{}", SAVERS[first].0);
        let asked: Vec<usize> = savers.iter().map(locks).collect();
        // Those before it were asked each time, and refused from their second time on.
        let expected: Vec<usize> = (0..SAVERS.len()).map(|at| (first + 1).saturating_sub(at)).collect();
        assert_eq!(asked, expected, "after {}", SAVERS[first].0);
        let (name, path) = SAVERS[first];
        refuses(&savers[first], name, path).await;
    }
}

#[tokio::test]
async fn a_screen_saver_that_comes_and_goes_is_followed() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    let machine = stage.machine();
    assert_eq!(machine.locker.is_locked().await, None);
    for (name, path) in [SAVERS[0], SAVERS[4]] {
        let saver = stage.saver(name, path, true).await;
        reported(&machine, Some(false)).await;
        assert_eq!(machine.locker.lock().await, Ok(true), "{name}");
        reported(&machine, Some(true)).await;
        drop(saver);
        reported(&machine, None).await;
    }
}

#[tokio::test]
async fn logind_is_followed_when_it_starts_late_and_when_it_starts_anew() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let machine = stage.machine();
    for _ in 0..2 {
        let logind = stage.logind("wayland", "gnome").await;
        reported(&machine, Some(false)).await;
        logind.hint("c1", true).await;
        reported(&machine, Some(true)).await;
        drop(logind);
        reported(&machine, None).await;
    }
}

fn with_locker(stage: &Stage, script: &str) -> Machine {
    let machine = stage.machine();
    machine
        .locker
        .fall_back_on(["sh", "-c", script].map(str::to_owned).to_vec());
    machine
}

/// What a locker wrote, a line for each time it was started.
fn starts(stage: &Stage) -> usize {
    std::fs::read_to_string(stage.path("starts")).map_or(0, |lines| lines.lines().count())
}

#[tokio::test]
async fn a_configured_locker_locks_for_as_long_as_it_runs() {
    let Some(stage) = Stage::new() else { return };
    let end = stage.path("end");
    rustix::fs::mkfifoat(rustix::fs::CWD, &end, rustix::fs::Mode::RWXU).unwrap();
    let locker = format!(
        "echo >>{}; exec timeout {} cat {}",
        stage.path("starts").display(),
        PATIENCE.as_secs() * 2,
        end.display()
    );
    assert!(stage.machine().locker.missing().await.is_some());
    let machine = with_locker(&stage, &locker);
    assert_eq!(machine.locker.missing().await, None, "it can lock");
    let asked = Instant::now();
    assert_eq!(machine.locker.lock().await, Ok(true));
    assert!(asked.elapsed() >= HOLDS_AFTER, "it might have ended at once");
    reported(&machine, Some(true)).await;
    assert_eq!(machine.locker.lock().await, Ok(true));
    assert_eq!(starts(&stage), 1, "two lockers on one screen");
    std::fs::write(&end, "").unwrap();
    reported(&machine, None).await;
    assert_eq!(machine.locker.is_locked().await, None, "nothing else tells");
}

#[tokio::test]
async fn a_configured_locker_is_the_last_that_is_tried_and_its_failure_is_told() {
    let Some(stage) = Stage::new() else { return };
    let (_system, _session) = (stage.bus(Which::System), stage.bus(Which::Session));
    let count = format!("echo >>{}", stage.path("starts").display());
    let machine = with_locker(&stage, &count);
    let logind = stage.logind("wayland", "sway").await;
    assert_eq!(machine.locker.lock().await, Ok(true), "it says that it has locked");
    assert_eq!(starts(&stage), 1);
    let saver = stage.saver(SAVERS[0].0, SAVERS[0].1, true).await;
    assert_eq!(machine.locker.lock().await, Ok(true));
    assert_eq!((locks(&saver), starts(&stage)), (1, 1), "the screen saver is enough");
    drop(saver);
    logind.on_lock("c1", LOCKS).await;
    assert_eq!(machine.locker.lock().await, Ok(true));
    assert_eq!(starts(&stage), 1, "logind is enough");

    logind.on_lock("c1", "pass").await;
    logind.hint("c1", false).await;
    for (command, reason) in [
        (vec!["sh", "-c", "exit 7"], "sh: it ended with exit status: 7"),
        (
            vec!["/nowhere/locker"],
            "/nowhere/locker: No such file or directory (os error 2)",
        ),
    ] {
        let command = command.into_iter().map(str::to_owned).collect();
        machine.locker.fall_back_on(command);
        let Err(Failure::Missing(missing)) = machine.locker.lock().await else {
            panic!("it locks nothing")
        };
        assert_eq!(missing.reason, reason);
        assert!(missing.mend.contains("lock_command"), "{missing}");
    }
}

#[tokio::test]
async fn unlocking_is_what_the_desktop_reports() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "gnome").await;
    let machine = stage.machine();
    logind.hint("c1", true).await;
    reported(&machine, Some(true)).await;

    logind.on("c1", "Unlock", "pass").await;
    let asked = Instant::now();
    assert_eq!(machine.locker.unlock().await, Ok(false), "nobody unlocked");
    assert!(asked.elapsed() >= Duration::from_secs(2));
    logind.on("c1", "Unlock", &LOCKS.replace("True", "False")).await;
    assert_eq!(machine.locker.unlock().await, Ok(true));
    assert_eq!(machine.locker.is_locked().await, Some(false));

    let denied = "raise dbus.exceptions.DBusException('by the policy', \
                  name='org.freedesktop.DBus.Error.InteractiveAuthorizationRequired')";
    logind.on("c1", "Unlock", denied).await;
    let Err(Failure::Refused(sentence)) = machine.locker.unlock().await else {
        panic!("the policy says no")
    };
    assert!(sentence.ends_with("by the policy"), "{sentence}");
}
