//! The battery: a mock of UPower, and a directory laid out as the kernel's.

use std::fs;
use std::time::Duration;

use deskconn_components::backends::Machine;
use deskconn_components::backends::battery::{Battery, BatteryState};
use tokio::time::timeout;

use super::stage::{Mock, PATIENCE, Stage, Which, eventually};

const UPOWER: &str = "org.freedesktop.UPower";
const MOCK: &str = "org.freedesktop.DBus.Mock";

/// UPower's numbers for what a device is and does (`UpDeviceKind`, `UpDeviceState`).
const BATTERY: u32 = 2;
const CHARGING: u32 = 1;
const DISCHARGING: u32 = 2;

async fn upower(stage: &Stage) -> Mock {
    stage.mock(Which::System, UPOWER, &["-t", "upower"]).await
}

async fn set(upower: &Mock, state: u32, percent: f64, seconds: (i64, i64), is_present: bool) {
    let device = (
        BATTERY, state, percent, 30.0, 60.0, 10.0, seconds.0, seconds.1, is_present, "battery", 1_u32,
    );
    upower
        .call("/org/freedesktop/UPower", MOCK, "SetupDisplayDevice", &device)
        .await;
}

fn supply(stage: &Stage, name: &str, files: &[(&str, &str)]) {
    let directory = stage.path("power_supply").join(name);
    fs::create_dir_all(&directory).unwrap();
    for (file, content) in files {
        fs::write(directory.join(file), format!("{content}\n")).unwrap();
    }
}

async fn told(machine: &Machine, battery: Option<(u8, BatteryState)>) {
    let mut changes = machine.battery.changes();
    let of = |it: Battery| (it.percent, it.state);
    let seen = timeout(
        PATIENCE,
        changes.wait_for(|told| told.map(|it| it.map(of)) == Some(battery)),
    )
    .await;
    assert!(
        seen.is_ok(),
        "{battery:?} was not told, but {:?}",
        *machine.battery.changes().borrow()
    );
}

#[tokio::test]
async fn what_upower_shows_is_said_and_followed() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let upower = upower(&stage).await;
    let machine = stage.machine();
    assert_eq!(machine.battery.battery().await, Ok(None), "there is none to be shown");
    let batteries = std::sync::Arc::clone(&machine.battery);
    let _following = tokio::spawn(async move { batteries.follow().await });
    set(&upower, DISCHARGING, 49.6, (5_400, 0), true).await;
    told(&machine, Some((50, BatteryState::Discharging))).await;
    let expected = Battery {
        percent: 50,
        state: BatteryState::Discharging,
        time_to_empty: Some(Duration::from_secs(5_400)),
        time_to_full: None,
    };
    assert_eq!(machine.battery.battery().await, Ok(Some(expected)));
    set(&upower, CHARGING, 49.6, (0, 60), true).await;
    told(&machine, Some((50, BatteryState::Charging))).await;
    set(&upower, CHARGING, 0.0, (0, 0), false).await;
    told(&machine, None).await;
    assert_eq!(machine.battery.missing().await, None);
}

#[tokio::test]
async fn where_there_is_no_upower_or_it_hangs_the_kernel_is_asked() {
    let Some(stage) = Stage::new() else { return };
    supply(
        &stage,
        "BAT0",
        &[("type", "Battery"), ("status", "Full"), ("capacity", "97")],
    );
    supply(&stage, "AC", &[("type", "Mains"), ("online", "1")]);
    let machine = stage.machine();
    let percent = async || machine.battery.battery().await.unwrap().map(|it| it.percent);
    assert_eq!(percent().await, Some(97), "without a bus");
    let _system = stage.bus(Which::System);
    assert_eq!(percent().await, Some(97), "without UPower");
    let upower = upower(&stage).await;
    set(&upower, DISCHARGING, 12.0, (0, 0), true).await;
    eventually("UPower is asked", || async { percent().await == Some(12) }).await;
    upower.stop();
    assert_eq!(percent().await, Some(97), "UPower hangs");
    drop(upower);
    stage.has_no_name(Which::System, UPOWER).await;
    assert_eq!(percent().await, Some(97), "UPower is gone");
    fs::remove_dir_all(stage.path("power_supply")).unwrap();
    assert_eq!(percent().await, None);
    assert_eq!(
        machine.battery.missing().await,
        None,
        "a desktop without a battery lacks nothing"
    );
}

#[tokio::test]
async fn an_upower_that_comes_late_is_followed() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let machine = stage.machine();
    let batteries = std::sync::Arc::clone(&machine.battery);
    let _following = tokio::spawn(async move { batteries.follow().await });
    told(&machine, None).await;
    let upower = upower(&stage).await;
    set(&upower, DISCHARGING, 30.0, (0, 0), true).await;
    told(&machine, Some((30, BatteryState::Discharging))).await;
    drop(upower);
    told(&machine, None).await;
}
