//! Keys and text as a caller meets them.

use std::collections::BTreeMap;

use super::*;
use crate::backends::fake::{Fake, FakeInput};
use crate::backends::input::Modifiers;
use crate::backends::input::keyboard::has;

fn stage() -> (Arc<FakeInput>, Typing) {
    with(Settings::default())
}

fn with(settings: Settings) -> (Arc<FakeInput>, Typing) {
    let fake = Arc::new(Fake::default());
    (Arc::clone(&fake.input), Typing::new(fake.machine().keyboard, settings))
}

async fn ask(typing: &Typing, procedure: &'static Procedure, what: &str) -> Result<Value, Refusal> {
    let arguments = Arguments::new(vec![what.into()], BTreeMap::new());
    typing.call(procedure, arguments).await
}

/// The strokes as text: the code, behind the first letters of what is held.
fn shown(strokes: &[Stroke]) -> Vec<String> {
    let show = |stroke: &Stroke| {
        let Modifiers {
            ctrl,
            shift,
            alt,
            altgr,
            meta,
        } = stroke.modifiers;
        let held = [(ctrl, 'c'), (shift, 's'), (alt, 'a'), (altgr, 'g'), (meta, 'm')];
        let held: String = held
            .into_iter()
            .filter(|(is_held, _)| *is_held)
            .map(|(_, name)| name)
            .collect();
        format!("{held}{}", stroke.code)
    };
    strokes.iter().map(show).collect()
}

#[tokio::test]
async fn keys_are_pressed_by_name_or_character_with_what_is_held() {
    let (input, typing) = stage();
    for key in [
        "enter",
        "F5",
        "ctrl+c",
        "Ctrl+Shift+t",
        "ctrl++",
        "+",
        "T",
        "alt+f4",
        "super",
        "ctrl+alt+delete",
    ] {
        ask(&typing, &PRESS, key).await.unwrap();
    }
    let expected = ["28", "63", "c46", "cs20", "cs13", "s13", "s20", "a62", "125", "ca111"];
    assert_eq!(shown(&input.strokes()), expected);
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_the_names() {
    let (input, typing) = stage();
    for key in [
        "",
        "power",
        "hyper+a",
        "ctrl+",
        "ab",
        "ctrl+ab",
        "print_screen",
        &"a+".repeat(40),
    ] {
        let refusal = ask(&typing, &PRESS, key).await.unwrap_err().to_string();
        assert!(refusal.contains("one of escape, esc, backspace"), "{key}: {refusal}");
    }
    assert_eq!(input.strokes(), []);
    let refusal = ask(&typing, &PRESS, "ctrl+é").await.unwrap_err();
    assert_eq!(refusal.to_string(), "the keyboard layout \"us\" has no key for: é");
}

#[tokio::test]
async fn text_becomes_strokes_of_the_layout() {
    let (input, typing) = stage();
    ask(&typing, &TYPE, "Hi you\n\t").await.unwrap();
    assert_eq!(
        shown(&input.strokes()),
        ["s35", "23", "57", "21", "24", "22", "28", "15"]
    );
    assert_eq!(input.layouts(), [None], "that of the system");
}

#[tokio::test]
async fn the_configured_layout_is_the_one_that_is_asked_for() {
    let names = Names {
        layout: "de".into(),
        variant: "neo".into(),
        ..Names::default()
    };
    let (input, typing) = with(Settings {
        layout: Some(names.clone()),
    });
    ask(&typing, &TYPE, "a").await.unwrap();
    assert_eq!(input.layouts(), [Some(names)]);
}

#[tokio::test]
async fn a_text_that_cannot_be_typed_whole_is_not_begun() {
    let (input, typing) = stage();
    let refusal = ask(&typing, &TYPE, "good é day 電 é \u{7}").await.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
    assert_eq!(
        refusal.to_string(),
        "the keyboard layout \"us\" has no key for: é 電 U+0007"
    );
    let many: String = ('α'..='ω').collect();
    assert!(
        ask(&typing, &TYPE, &many)
            .await
            .unwrap_err()
            .to_string()
            .ends_with("κ …"),
        "not an endless list"
    );
    assert_eq!(input.strokes(), []);
}

#[tokio::test]
async fn a_text_has_its_longest_length_and_not_one_more() {
    let (input, typing) = stage();
    let refusal = ask(&typing, &TYPE, &"a".repeat(MAX_TEXT + 1)).await.unwrap_err();
    assert_eq!(refusal.to_string(), "a text has at most 1000 characters, this has 1001");
    assert_eq!(input.strokes(), []);
    let longest = "a".repeat(MAX_TEXT);
    let typed = ask(&typing, &TYPE, &longest);
    // The rest is the same at the same pace.
    assert!(tokio::time::timeout(PACE * 5, typed).await.is_err());
    assert!(!input.strokes().is_empty());
}

#[tokio::test]
async fn a_cancelled_text_stops_and_nobody_types_in_between() {
    let (input, typing) = stage();
    let mut long = Box::pin(ask(&typing, &TYPE, "hello there"));
    assert!(futures_util::poll!(&mut long).is_pending());
    for (procedure, what) in [(&PRESS, "enter"), (&TYPE, "me too")] {
        let refusal = ask(&typing, procedure, what).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.busy");
    }
    drop(long);
    let begun = input.strokes().len();
    assert_eq!(begun, 1, "it stopped where it was");
    ask(&typing, &PRESS, "enter").await.unwrap();
}

#[test]
fn the_keyboard_has_every_key_that_has_a_name() {
    for (name, code) in keys::KEYS {
        assert!(has(*code), "{name}");
    }
}
