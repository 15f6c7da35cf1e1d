//! The brightness of built-in displays, on a directory laid out as sysfs is.

use std::fs;

use deskconn_components::backends::{DisplayKind, Failure, Machine};
use tokio::time::timeout;

use super::stage::{PATIENCE, Stage, Which, eventually};

async fn percents(machine: &Machine) -> Vec<(String, u8)> {
    let displays = machine.backlight.displays().await.unwrap();
    displays
        .into_iter()
        .map(|display| (display.id, display.percent))
        .collect()
}

#[tokio::test]
async fn brightness_is_set_through_logind_and_an_equal_one_is_not_written_again() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = stage.logind("wayland", "gnome").await;
    let panel = stage.panel("intel_backlight", "raw", 1515, 700);
    logind.sets_brightness("c1", &panel).await;
    let machine = stage.machine();

    for _ in 0..3 {
        let display = machine.backlight.set(None, 30).await.unwrap();
        assert_eq!((display.id.as_str(), display.percent), ("intel_backlight", 30));
        assert_eq!(display.kind, DisplayKind::Internal);
    }
    let calls = logind.mock.calls("SetBrightness");
    assert_eq!(calls, ["SetBrightness \"backlight\" \"intel_backlight\" 455"]);
    assert_eq!(percents(&machine).await, [("intel_backlight".into(), 30)]);

    // Somebody else turned it: the same wish is a new one.
    fs::write(panel.join("brightness"), "1515").unwrap();
    assert_eq!(machine.backlight.set(None, 30).await.unwrap().percent, 30);
    assert_eq!(logind.mock.calls("SetBrightness").len(), 2);
}

#[tokio::test]
async fn without_logind_the_file_is_written() {
    let Some(stage) = Stage::new() else { return };
    let panel = stage.panel("acpi_video0", "firmware", 10, 5);
    let machine = stage.machine();

    assert_eq!(machine.backlight.set(None, 68).await.unwrap().percent, 70);
    assert_eq!(fs::read_to_string(panel.join("brightness")).unwrap(), "7");
    assert_eq!(machine.backlight.set(None, 1).await.unwrap().percent, 10, "never dark");
}

#[tokio::test]
async fn a_display_that_refuses_says_so_with_both_reasons() {
    let Some(stage) = Stage::new() else { return };
    let panel = stage.panel("acpi_video0", "firmware", u32::MAX, 5);
    // A file that even root may not write.
    fs::remove_file(panel.join("brightness")).unwrap();
    std::os::unix::fs::symlink("/proc/sys/kernel/ngroups_max", panel.join("brightness")).unwrap();
    let machine = stage.machine();

    let Err(Failure::Missing(missing)) = machine.backlight.set(None, 50).await else {
        panic!("it was written")
    };
    assert!(
        missing.reason.contains("logind") && missing.reason.contains("written directly"),
        "{missing}"
    );
    assert!(!missing.mend.is_empty());
}

#[tokio::test]
async fn the_best_interface_is_taken_and_what_cannot_be_set_is_left_out() {
    let Some(stage) = Stage::new() else { return };
    stage.panel("a_raw", "raw", 100, 10);
    stage.panel("b_platform", "platform", 100, 20);
    stage.panel("c_dead", "firmware", 0, 0);
    stage.panel("d_odd", "unheard-of", 100, 30);
    stage.panel("e_platform", "platform", 100, 40);
    let machine = stage.machine();
    assert_eq!(
        percents(&machine).await,
        [("b_platform".into(), 20), ("e_platform".into(), 40)]
    );

    assert_eq!(
        machine
            .backlight
            .set(Some("e_platform".into()), 60)
            .await
            .unwrap()
            .percent,
        60
    );
    assert_eq!(
        percents(&machine).await,
        [("b_platform".into(), 20), ("e_platform".into(), 60)]
    );

    let failure = machine.backlight.set(Some("a_raw".into()), 60).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "there is no display \"a_raw\"; there are \"b_platform\" and \"e_platform\""
    );
}

#[tokio::test]
async fn a_panel_that_cannot_be_read_does_not_hide_the_others() {
    let Some(stage) = Stage::new() else { return };
    let broken = stage.panel("a_broken", "raw", 100, 10);
    stage.panel("b_works", "raw", 100, 20);
    fs::write(broken.join("brightness"), "bright").unwrap();
    let machine = stage.machine();
    assert_eq!(percents(&machine).await, [("b_works".into(), 20)]);
}

#[tokio::test]
async fn the_panel_with_a_display_on_its_connector_comes_first() {
    let Some(stage) = Stage::new() else { return };
    for (name, status) in [("a_backlight", "disconnected"), ("b_backlight", "connected")] {
        let panel = stage.panel(name, "raw", 100, 50);
        fs::create_dir(panel.join("device")).unwrap();
        fs::write(panel.join("device/status"), status).unwrap();
    }
    let machine = stage.machine();
    assert_eq!(machine.backlight.displays().await.unwrap()[0].id, "b_backlight");
}

#[tokio::test]
async fn whoever_changes_the_brightness_it_is_followed() {
    let Some(stage) = Stage::new() else { return };
    let panel = stage.panel("acpi_video0", "firmware", 10, 5);
    let machine = stage.machine();
    let mut changes = machine.backlight.changes();

    for (raw, percent) in [("3", 30), ("10", 100), ("3", 30)] {
        let is_first = changes.borrow_and_update().is_empty();
        if is_first {
            timeout(PATIENCE, changes.wait_for(|displays| !displays.is_empty()))
                .await
                .unwrap()
                .unwrap();
        }
        fs::write(panel.join("brightness"), raw).unwrap();
        let seen = timeout(PATIENCE, changes.wait_for(|displays| displays[0].percent == percent)).await;
        assert!(seen.is_ok(), "{percent} % was not reported");
    }
}

#[tokio::test]
async fn a_machine_without_a_backlight_says_so_until_there_is_one() {
    let Some(stage) = Stage::new() else { return };
    let machine = stage.machine();
    let Err(Failure::Missing(missing)) = machine.backlight.displays().await else {
        panic!("there is none")
    };
    assert!(missing.mend.contains("graphics driver"), "{missing}");
    assert_eq!(machine.backlight.missing().await, Some(missing));

    stage.panel("acpi_video0", "firmware", 10, 5);
    assert_eq!(percents(&machine).await, [("acpi_video0".into(), 50)]);
    assert_eq!(machine.backlight.missing().await, None);
}

#[tokio::test]
async fn a_panel_that_vanishes_is_no_longer_listed() {
    let Some(stage) = Stage::new() else { return };
    let panel = stage.panel("acpi_video0", "firmware", 10, 5);
    let machine = stage.machine();
    assert_eq!(percents(&machine).await.len(), 1);
    fs::remove_dir_all(panel).unwrap();
    eventually("it is gone", || async { machine.backlight.displays().await.is_err() }).await;
}
