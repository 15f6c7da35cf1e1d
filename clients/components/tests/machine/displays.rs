//! Brightness through the desktop's own service: mocks of KDE's and of both of GNOME's on a real bus.

use std::collections::HashMap;
use std::fs;

use deskconn_components::backends::{DisplayKind, Machine};
use tokio::time::timeout;
use zbus::Variant;

use super::stage::{Mock, PATIENCE, Stage, Which, eventually};

const KDE: &str = "org.kde.ScreenBrightness";
const KDE_PATH: &str = "/org/kde/ScreenBrightness";
const KDE_DISPLAY: &str = "org.kde.ScreenBrightness.Display";
const MUTTER: &str = "org.gnome.Mutter.DisplayConfig";
const MUTTER_PATH: &str = "/org/gnome/Mutter/DisplayConfig";
const SETTINGS: &str = "org.gnome.SettingsDaemon.Power";
const SETTINGS_PATH: &str = "/org/gnome/SettingsDaemon/Power";
const SETTINGS_SCREEN: &str = "org.gnome.SettingsDaemon.Power.Screen";
const MOCK: &str = "org.freedesktop.DBus.Mock";

async fn listed(machine: &Machine) -> Vec<(String, DisplayKind, u8)> {
    let displays = machine.backlight.displays().await.unwrap_or_default();
    displays.into_iter().map(|it| (it.id, it.kind, it.percent)).collect()
}

/// KDE's service with a laptop's display and a monitor, both of 10,000 steps.
async fn kde(stage: &Stage) -> Mock {
    let mock = stage.mock(Which::Session, KDE, &[KDE, KDE_PATH, KDE]).await;
    for (name, label, is_internal, value) in [("display0", "Panel", true, 5000), ("display1", "U2719DC", false, 2500)] {
        let properties: HashMap<&str, Variant<'_>> = HashMap::from([
            ("Label", label.into()),
            ("IsInternal", is_internal.into()),
            ("Brightness", value.into()),
            ("MaxBrightness", 10_000.into()),
        ]);
        let path = format!("{KDE_PATH}/{name}");
        let methods: Vec<(&str, &str, &str, &str)> = Vec::new();
        let body = (path.as_str(), KDE_DISPLAY, properties, methods);
        mock.call(KDE_PATH, MOCK, "AddObject", &body).await;
        let code = format!("self.UpdateProperties('{KDE_DISPLAY}', {{'Brightness': dbus.Int32(args[0])}})");
        mock.add_method(&path, KDE_DISPLAY, "SetBrightness", "iu", "", &code)
            .await;
    }
    let names = Variant::from(vec!["display0", "display1"]);
    mock.call(KDE_PATH, MOCK, "AddProperty", &(KDE, "DisplaysDBusNames", names))
        .await;
    mock
}

#[tokio::test]
async fn kdes_service_is_asked_for_every_display_and_its_slider_follows() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    let panel = stage.panel("intel_backlight", "raw", 100, 50);
    let kde = kde(&stage).await;
    let machine = stage.machine();
    let (internal, external) = (DisplayKind::Internal, DisplayKind::External);
    assert_eq!(
        listed(&machine).await,
        [("display0".into(), internal, 50), ("display1".into(), external, 25)]
    );
    let set = machine.backlight.set(Some("display1".into()), 60).await.unwrap();
    assert_eq!((set.name.as_str(), set.percent), ("U2719DC", 60));
    assert_eq!(machine.backlight.set(None, 30).await.unwrap().id, "display0");
    assert_eq!(
        kde.calls("SetBrightness"),
        ["SetBrightness 6000 1", "SetBrightness 3000 1"]
    );
    assert_eq!(
        fs::read_to_string(panel.join("brightness")).unwrap(),
        "50\n",
        "not behind its back"
    );

    // Somebody turns the desktop's slider.
    let mut changes = machine.backlight.changes();
    let path = format!("{KDE_PATH}/display0");
    let body = (KDE_DISPLAY, HashMap::from([("Brightness", Variant::from(9000))]));
    kde.call(&path, MOCK, "UpdateProperties", &body).await;
    let seen = changes.wait_for(|displays| displays.first().is_some_and(|it| it.percent == 90));
    assert!(timeout(PATIENCE, seen).await.is_ok(), "it was not told");
}

#[tokio::test]
async fn gnomes_newer_service_is_told_which_state_is_meant() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    let mutter = stage.mock(Which::Session, MUTTER, &[MUTTER, MUTTER_PATH, MUTTER]).await;
    let light = |connector: &'static str, max: i32, value: i32| {
        HashMap::from([
            ("connector", Variant::from(connector)),
            ("active", true.into()),
            ("min", 0.into()),
            ("max", max.into()),
            ("value", value.into()),
        ])
    };
    let unknown = HashMap::from([("connector", Variant::from("HDMI-1")), ("active", false.into())]);
    let lights = vec![light("eDP-1", 400, 100), unknown];
    let body = (MUTTER, "Backlight", Variant::new((7_u32, lights)));
    mutter.call(MUTTER_PATH, MOCK, "AddProperty", &body).await;
    mutter
        .add_method(MUTTER_PATH, MUTTER, "SetBacklight", "usi", "", "pass")
        .await;
    let machine = stage.machine();
    assert_eq!(listed(&machine).await, [("eDP-1".into(), DisplayKind::Internal, 25)]);
    assert_eq!(machine.backlight.set(None, 50).await.unwrap().percent, 50);
    assert_eq!(mutter.calls("SetBacklight"), ["SetBacklight 7 \"eDP-1\" 200"]);
}

#[tokio::test]
async fn gnomes_older_service_sets_the_one_display_it_has() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    // A Mutter of that time has no such property.
    let _mutter = stage.mock(Which::Session, MUTTER, &[MUTTER, MUTTER_PATH, MUTTER]).await;
    let settings = stage
        .mock(Which::Session, SETTINGS, &[SETTINGS, SETTINGS_PATH, SETTINGS_SCREEN])
        .await;
    let body = (SETTINGS_SCREEN, "Brightness", Variant::from(40));
    settings.call(SETTINGS_PATH, MOCK, "AddProperty", &body).await;
    let machine = stage.machine();
    assert_eq!(listed(&machine).await, [("screen".into(), DisplayKind::Internal, 40)]);
    assert_eq!(machine.backlight.set(None, 75).await.unwrap().percent, 75);
    assert_eq!(listed(&machine).await[0].2, 75, "the service has it");
    // A computer without a backlight says -1.
    let body = (SETTINGS_SCREEN, HashMap::from([("Brightness", Variant::from(-1))]));
    settings.call(SETTINGS_PATH, MOCK, "UpdateProperties", &body).await;
    assert_eq!(listed(&machine).await, []);
}

#[tokio::test]
async fn a_desktop_that_starts_or_ends_is_followed() {
    let Some(stage) = Stage::new() else { return };
    let _session = stage.bus(Which::Session);
    stage.panel("intel_backlight", "raw", 100, 70);
    let machine = stage.machine();
    let panel = ("intel_backlight".into(), DisplayKind::Internal, 70);
    assert_eq!(listed(&machine).await, [panel]);
    let mut changes = machine.backlight.changes();
    let kde = kde(&stage).await;
    let seen = changes.wait_for(|displays| displays.len() == 2);
    assert!(timeout(PATIENCE, seen).await.is_ok(), "the desktop was not noticed");
    drop(kde);
    eventually("the panel is back", || async {
        listed(&machine).await.first().is_some_and(|it| it.2 == 70)
    })
    .await;
}
