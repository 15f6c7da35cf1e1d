//! Locking the screen, and knowing whether it is locked.

use std::time::{Duration, Instant};

use deskconn_components::backends::{Failure, Machine, RETRY_EVERY, locker};
use tokio::time::timeout;

use super::stage::{LOCKS, Mock, PATIENCE, Stage, Which, eventually};

const SAVER: &str = "org.gnome.ScreenSaver";
const SAVER_PATH: &str = "/org/gnome/ScreenSaver";

pub(super) async fn reported(machine: &Machine, state: Option<bool>) {
    let mut changes = machine.locker.changes();
    let seen = timeout(PATIENCE, changes.wait_for(|known| *known == state)).await;
    assert!(
        seen.is_ok(),
        "{state:?} was not reported, but {:?}",
        *machine.locker.changes().borrow()
    );
}

#[tokio::test]
async fn a_lock_is_reported_by_the_desktop_before_it_counts() {
    let Some(stage) = Stage::new() else { return };
    let (_system, _session) = (stage.bus(Which::System), stage.bus(Which::Session));
    let logind = stage.logind("wayland", "gnome").await;
    logind.on_lock("c1", LOCKS).await;
    let saver = stage.saver(SAVER, SAVER_PATH, true).await;
    let machine = stage.machine();

    assert_eq!(machine.locker.is_locked().await, Some(false));
    let asked = Instant::now();
    assert_eq!(machine.locker.lock().await, Ok(true));
    assert!(
        asked.elapsed() < locker::REPORT_WITHIN,
        "the report was not heard but awaited"
    );
    assert_eq!(logind.mock.calls("Lock").len(), 1);
    assert_eq!(saver.calls("Lock"), Vec::<String>::new(), "one locker on one screen");
    assert_eq!(machine.locker.is_locked().await, Some(true));
    assert_eq!(machine.locker.missing().await, None);
}

#[tokio::test]
async fn a_lock_that_nobody_reports_is_not_called_a_success() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "sway").await;
    let machine = stage.machine();

    let asked = Instant::now();
    assert_eq!(machine.locker.lock().await, Ok(false));
    assert!(asked.elapsed() >= locker::REPORT_WITHIN);
    assert_eq!(logind.mock.calls("Lock").len(), 1);
}

#[tokio::test]
async fn the_session_bus_locks_where_nobody_hears_logind() {
    let Some(stage) = Stage::new() else { return };
    let (_system, _session) = (stage.bus(Which::System), stage.bus(Which::Session));
    let logind = stage.logind("x11", "xfce").await;
    // It never announces, as some do not: its state has to be asked for.
    let saver = stage
        .saver("org.xfce.ScreenSaver", "/org/xfce/ScreenSaver", false)
        .await;
    let machine = stage.machine();

    assert_eq!(machine.locker.lock().await, Ok(true));
    assert_eq!((logind.mock.calls("Lock").len(), saver.calls("Lock").len()), (1, 1));
}

#[tokio::test]
async fn every_screen_saver_is_called_at_its_own_path_with_its_own_arguments() {
    let savers = [
        (SAVER, SAVER_PATH),
        ("org.freedesktop.ScreenSaver", "/ScreenSaver"),
        ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
        ("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"),
        ("org.mate.ScreenSaver", "/org/mate/ScreenSaver"),
        ("org.xfce.ScreenSaver", "/org/xfce/ScreenSaver"),
    ];
    for (name, path) in savers {
        let Some(stage) = Stage::new() else { return };
        let _session = stage.bus(Which::Session);
        let saver = stage.saver(name, path, true).await;
        let machine = stage.machine();
        assert_eq!(machine.locker.is_locked().await, Some(false), "{name} {path}");
        assert_eq!(machine.locker.lock().await, Ok(true), "{name} {path}");
        assert_eq!(saver.calls("Lock").len(), 1, "{name} {path}");
        assert_eq!(machine.locker.missing().await, None, "{name} {path}");
    }
}

#[tokio::test]
async fn a_lock_hint_is_believed_only_where_the_desktop_keeps_it() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = stage.logind("tty", "").await;
    let machine = stage.machine();

    assert_eq!(
        machine.locker.is_locked().await,
        None,
        "a no that was never a yes tells nothing"
    );
    logind.hint("c1", true).await;
    reported(&machine, Some(true)).await;
    logind.hint("c1", false).await;
    reported(&machine, Some(false)).await;
    assert_eq!(
        machine.locker.is_locked().await,
        Some(false),
        "this desktop keeps its hint"
    );
}

#[tokio::test]
async fn what_a_screen_saver_announces_is_followed() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    let saver = stage.mock(Which::Session, SAVER, &["-t", "gnome_screensaver"]).await;
    let machine = stage.machine();

    reported(&machine, Some(false)).await;
    for state in [true, false, true] {
        saver.call(SAVER_PATH, SAVER, "SetActive", &state).await;
        reported(&machine, Some(state)).await;
    }
}

#[tokio::test]
async fn the_session_is_the_active_graphical_one_whichever_came_first() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = stage.logind("tty", "").await;
    logind.add_session("asleep", "wayland", "gnome", false).await;
    logind.add_session("greeter", "wayland", "gnome", true).await;
    logind.set("greeter", "Class", "greeter").await;
    let machine = stage.machine();

    // Only the console counts so far.
    logind.on_lock("c1", LOCKS).await;
    assert_eq!(machine.locker.lock().await, Ok(true));
    logind.hint("c1", false).await;

    // The person switches to a desktop; no restart, no stale path.
    logind.on_lock("c1", "self.wrong()").await;
    logind.add_session("desktop", "wayland", "gnome", true).await;
    logind.on_lock("desktop", LOCKS).await;
    assert_eq!(machine.locker.lock().await, Ok(true));
}

#[tokio::test]
async fn without_any_bus_a_lock_names_what_to_mend_and_works_once_it_is_mended() {
    let Some(stage) = Stage::new() else { return };
    let machine = stage.machine();

    let Err(Failure::Missing(missing)) = machine.locker.lock().await else {
        panic!("there is no bus")
    };
    assert_eq!(missing.what, "the D-Bus system bus");
    assert!(missing.mend.contains("systemctl start dbus"), "{missing}");
    assert_eq!(machine.locker.is_locked().await, None);
    assert_eq!(machine.locker.missing().await, Some(missing));

    let _system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "gnome").await;
    logind.on_lock("c1", LOCKS).await;
    let mended = Instant::now();
    eventually("the lock works again", || async {
        machine.locker.lock().await == Ok(true)
    })
    .await;
    assert!(
        mended.elapsed() < RETRY_EVERY + Duration::from_secs(4),
        "it was not looked for again"
    );
}

#[tokio::test]
async fn a_bus_without_logind_is_told_from_a_missing_bus() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let machine = stage.machine();

    let Err(Failure::Missing(missing)) = machine.locker.lock().await else {
        panic!("there is no logind")
    };
    assert!(missing.mend.contains("systemctl start systemd-logind"), "{missing}");
}

#[tokio::test]
async fn a_bus_that_dies_is_an_error_and_the_next_one_is_used() {
    let Some(stage) = Stage::new() else { return };
    let system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "gnome").await;
    let machine = stage.machine();
    reported(&machine, Some(false)).await;

    drop(system);
    drop(logind);
    eventually("the death is noticed", || async {
        machine.locker.lock().await.is_err()
    })
    .await;
    assert_eq!(machine.locker.is_locked().await, None);

    let _system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "gnome").await;
    // By announcements alone: the followers reconnect too.
    reported(&machine, Some(false)).await;
    logind.hint("c1", true).await;
    reported(&machine, Some(true)).await;
}

#[tokio::test]
async fn whoever_announces_without_end_is_asked_ten_times_a_second_at_most() {
    const MORE: u32 = 10;
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "gnome").await;
    let machine = stage.machine();
    reported(&machine, Some(false)).await;
    // The mock announces every call, and so each question is followed by an announcement.
    let asked = || logind.mock.calls("ListSessions").len();
    let (before, began) = (asked(), Instant::now());
    eventually("it is asked again", || async { asked() >= before + MORE as usize }).await;
    let took = began.elapsed();
    assert!(took >= locker::ASK_PAUSE * (MORE - 1), "{took:?}");
}

#[tokio::test]
async fn a_service_that_hangs_holds_nobody_up_for_longer_than_the_time_out() {
    let Some(stage) = Stage::new() else { return };
    let (_system, _session) = (stage.bus(Which::System), stage.bus(Which::Session));
    let logind = stage.logind("wayland", "sway").await;
    logind.on_lock("c1", "import time; time.sleep(30)").await;
    let saver: Mock = stage.saver(SAVER, SAVER_PATH, true).await;
    stage.panel("intel_backlight", "raw", 100, 40);
    let machine = stage.machine();

    let asked = Instant::now();
    let (locked, displays) = tokio::join!(machine.locker.lock(), async {
        let displays = machine.backlight.displays().await;
        (displays, asked.elapsed())
    });
    assert!(
        displays.0.is_ok() && displays.1 < Duration::from_secs(1),
        "the display waited for logind: {displays:?}"
    );
    assert_eq!(locked, Ok(true), "the session bus was not tried after logind hung");
    assert_eq!(saver.calls("Lock").len(), 1);
    assert!(asked.elapsed() < Duration::from_secs(14), "{:?}", asked.elapsed());
}
