//! By which layout text is typed: what localed says, or the file of Debian, and the real layouts of this machine.

use std::fs;

use deskconn_components::backends::input::Names;
use zbus::Variant;

use super::stage::{Stage, Which};

const LOCALED: &str = "org.freedesktop.locale1";
const PATH: &str = "/org/freedesktop/locale1";

/// The key that makes an é, by its code.
async fn key_of(stage: &Stage, character: char) -> (String, Option<u16>) {
    let layout = stage.machine().keyboard.layout(None).await.unwrap();
    let stroke = layout.stroke(character);
    (layout.names().layout.clone(), stroke.map(|stroke| stroke.code))
}

#[tokio::test]
async fn the_layout_is_that_of_localed_and_of_several_the_first() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let localed = stage.mock(Which::System, LOCALED, &[LOCALED, PATH, LOCALED]).await;
    for (name, value) in [
        ("X11Layout", "fr,us"),
        ("X11Variant", ","),
        ("X11Model", ""),
        ("X11Options", ""),
    ] {
        let body = (LOCALED, name, Variant::from(value));
        localed
            .call(PATH, "org.freedesktop.DBus.Mock", "AddProperty", &body)
            .await;
    }
    fs::write(stage.keyboard_file(), "XKBLAYOUT=\"de\"\n").unwrap();
    assert_eq!(
        key_of(&stage, 'é').await,
        ("fr".into(), Some(3)),
        "the 2 of other keyboards"
    );
}

#[tokio::test]
async fn without_localed_it_is_that_of_the_file_and_else_the_american_one() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    assert_eq!(key_of(&stage, 'é').await, ("us".into(), None));
    fs::write(stage.keyboard_file(), "XKBLAYOUT=\"de\"\nXKBVARIANT=\"\"\n").unwrap();
    assert_eq!(key_of(&stage, 'ö').await, ("de".into(), Some(39)));
}

#[tokio::test]
async fn a_layout_that_changes_is_followed_and_one_that_is_asked_for_goes_first() {
    let Some(stage) = Stage::new() else { return };
    let machine = stage.machine();
    let first = machine.keyboard.layout(None).await.unwrap();
    assert_eq!(first.names().layout, "us");
    fs::write(stage.keyboard_file(), "XKBLAYOUT=de\n").unwrap();
    assert_eq!(machine.keyboard.layout(None).await.unwrap().names().layout, "de");
    let swiss = Names {
        layout: "ch".into(),
        ..Names::default()
    };
    let swiss = machine.keyboard.layout(Some(swiss)).await.unwrap();
    assert_eq!(swiss.names().layout, "ch");
    let missing = machine.keyboard.layout(Some(Names {
        layout: "atlantis".into(),
        ..Names::default()
    }));
    assert!(missing.await.unwrap_err().mend.contains("xkb-data"));
}
