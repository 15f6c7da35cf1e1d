//! Monitors on connectors that a test lays out, behind buses that it simulates.

use std::fs;

use tokio::time::timeout;

use super::connectors::tests::plug;
use super::simulated::{Fault, Simulated};
use super::*;

const LONG: Duration = Duration::from_secs(20);

struct Stage {
    root: tempfile::TempDir,
    monitors: Monitors,
    first: Simulated,
    second: Simulated,
}

/// Two monitors, at the buses 5 and 6.
fn stage() -> Stage {
    let root = tempfile::tempdir().unwrap();
    let (first, second) = (Simulated::new(40, 100), Simulated::new(255, 255));
    plug(root.path(), "card0-DP-1", "First", 5);
    plug(root.path(), "card0-DP-2", "Second", 6);
    let buses = [("i2c-5", first.clone()), ("i2c-6", second.clone())];
    let open = move |path: &Path| -> io::Result<Box<dyn I2c>> {
        let name = path.file_name().and_then(|name| name.to_str());
        let found = buses.iter().find(|(bus, _)| Some(*bus) == name);
        found
            .map(|(_, monitor)| Box::new(monitor.clone()) as Box<dyn I2c>)
            .ok_or_else(|| io::ErrorKind::PermissionDenied.into())
    };
    let monitors = Monitors::with(root.path().to_owned(), "/dev".into(), Arc::new(open));
    Stage {
        root,
        monitors,
        first,
        second,
    }
}

/// Looks at the connectors again, whenever it was done last.
async fn displays(stage: &Stage) -> Vec<(String, u8)> {
    stage.monitors.known.lock().await.looked = None;
    let displays = stage.monitors.displays().await;
    displays.into_iter().map(|it| (it.id, it.percent)).collect()
}

#[tokio::test]
async fn monitors_are_listed_with_their_names_and_set_by_them() {
    let stage = stage();
    assert_eq!(displays(&stage).await, [("DP-1".into(), 40), ("DP-2".into(), 100)]);
    let set = stage.monitors.set("DP-2", 50).await.unwrap().unwrap();
    assert_eq!((set.name.as_str(), set.percent), ("Second", 50));
    assert_eq!(stage.second.brightness(), 128);
    assert!(stage.monitors.set("DP-9", 50).await.is_none());
    assert_eq!(stage.first.brightness(), 40);
}

#[tokio::test]
async fn an_equal_value_is_not_written_and_of_many_the_last_is() {
    let stage = stage();
    for percent in [40, 41, 50, 60, 70, 70] {
        let set = stage.monitors.set("DP-1", percent).await.unwrap().unwrap();
        assert_eq!(set.percent, percent, "what it will be");
    }
    timeout(LONG, stage.first.becomes(70)).await.unwrap();
    assert_eq!(stage.first.set_to(), [41, 70], "a monitor is not worn out");
}

#[tokio::test]
async fn a_monitor_is_asked_when_somebody_asks_and_left_alone_by_those_who_follow() {
    let stage = stage();
    assert_eq!(displays(&stage).await[0].1, 40);
    stage.first.turn(20);
    let asked = stage.first.written().len();
    for monitor in stage.monitors.look().await {
        monitor.grow_old();
    }
    assert_eq!(stage.monitors.known().await[0].percent, 40);
    assert_eq!(stage.first.written().len(), asked, "it was woken");
    assert_eq!(displays(&stage).await[0].1, 20, "somebody pressed its buttons");
    assert_eq!(stage.first.written().len(), asked + 1);
}

#[tokio::test]
async fn a_monitor_that_comes_or_goes_is_followed() {
    let stage = stage();
    let mut changes = stage.monitors.changes();
    assert_eq!(displays(&stage).await.len(), 2);
    fs::write(stage.root.path().join("card0-DP-1/status"), "disconnected\n").unwrap();
    assert_eq!(displays(&stage).await, [("DP-2".into(), 100)]);
    assert_eq!(changes.borrow_and_update().len(), 1);
    plug(stage.root.path(), "card0-DP-1", "First", 5);
    stage.first.turn(10);
    assert_eq!(displays(&stage).await[0], ("DP-1".into(), 10), "it is asked anew");
}

#[tokio::test]
async fn one_that_does_not_answer_says_why_and_hides_no_other() {
    let stage = stage();
    stage.first.fail(Fault::Silence, usize::MAX);
    plug(stage.root.path(), "card0-DP-3", "Closed", 7);
    assert_eq!(displays(&stage).await, [("DP-2".into(), 100)]);
    let missing = stage.monitors.missing().await.unwrap();
    assert!(
        missing.reason.starts_with("First, /dev/i2c-5") && missing.mend.contains("menu"),
        "{missing}"
    );
    fs::remove_dir_all(stage.root.path().join("card0-DP-1")).unwrap();
    displays(&stage).await;
    let missing = stage.monitors.missing().await.unwrap();
    assert!(
        missing.reason.starts_with("Closed") && missing.mend.contains("70-deskconn.rules"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_write_that_fails_is_told_and_the_next_one_asks_what_is_shown() {
    let stage = stage();
    displays(&stage).await;
    stage.first.fail(Fault::Silence, usize::MAX);
    let failure = stage.monitors.set("DP-1", 90).await.unwrap().unwrap_err();
    assert!(matches!(failure, Failure::Missing(_)), "{failure}");
    stage.first.fail(Fault::Silence, 0);
    assert_eq!(displays(&stage).await[0].1, 40);
}

#[tokio::test]
async fn without_the_kernels_module_the_step_is_named() {
    let root = tempfile::tempdir().unwrap();
    plug(root.path(), "card0-DP-1", "First", 5);
    let monitors = Monitors::new(root.path().to_owned(), root.path().join("dev"));
    assert_eq!(monitors.displays().await, []);
    assert!(monitors.missing().await.unwrap().mend.contains("modprobe i2c-dev"));
    let none = Monitors::new(root.path().join("none"), "/dev".into());
    assert_eq!((none.displays().await, none.missing().await), (vec![], None));
}
