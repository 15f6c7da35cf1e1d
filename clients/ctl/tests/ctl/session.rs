//! The commands for players, sound, messages, pages, power and battery, against a stand-in that answers in the daemon's
//! shapes and remembers what it was asked.

use std::sync::{Arc, Mutex};

use client::{Args, Dict, Invocation, Value};

use crate::stage::Stage;

/// The command's words, the procedure it calls with its arguments, what that answers, and what is shown.
struct Row {
    words: &'static [&'static str],
    uri: &'static str,
    args: Vec<Value>,
    kwargs: &'static [(&'static str, &'static str)],
    answer: &'static str,
    shown: &'static str,
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn row(
    words: &'static [&'static str],
    uri: &'static str,
    args: Vec<Value>,
    answer: &'static str,
    shown: &'static str,
) -> Row {
    Row {
        words,
        uri,
        args,
        kwargs: &[],
        answer,
        shown,
    }
}

const PLAYERS: &str = r#"[{"id":"mpv","name":"mpv","status":"playing","title":"Blue\nin Green","artist":null}]"#;
const LOUD: &str = r#"{"percent":40,"muted":false}"#;
const SILENT: &str = r#"{"percent":40,"muted":true}"#;
const CAN: &str = r#"{"suspend":"yes","hibernate":"na","reboot":"challenge","poweroff":"no"}"#;
const DISCHARGING: &str = r#"{"percent":61,"state":"discharging","time_to_empty_s":7500}"#;

fn of_sound() -> Vec<Row> {
    vec![
        row(
            &["media"],
            "media.players",
            vec![],
            PLAYERS,
            "mpv\tmpv\tplaying\tBlue in Green\t\n",
        ),
        row(&["media", "toggle"], "media.play_pause", vec![], "null", ""),
        row(
            &["media", "next", "--player", "mpv"],
            "media.next",
            vec!["mpv".into()],
            "null",
            "",
        ),
        row(
            &["media", "seek", "-10", "--player", "mpv"],
            "media.seek",
            vec![Value::Float(-10.0), "mpv".into()],
            "null",
            "",
        ),
        row(&["volume"], "volume.get", vec![], SILENT, "40 muted\n"),
        row(
            &["volume", "set", "40"],
            "volume.set",
            vec![Value::Float(40.0)],
            LOUD,
            "40\n",
        ),
        row(&["volume", "up"], "volume.raise", vec![Value::Float(5.0)], LOUD, "40\n"),
        row(
            &["volume", "down", "7"],
            "volume.lower",
            vec![Value::Float(7.0)],
            LOUD,
            "40\n",
        ),
        row(
            &["volume", "mute"],
            "volume.mute",
            vec![true.into()],
            SILENT,
            "40 muted\n",
        ),
        row(&["volume", "unmute"], "volume.mute", vec![false.into()], LOUD, "40\n"),
    ]
}

fn of_the_rest() -> Vec<Row> {
    let message = Row {
        kwargs: &[("body", "It is ready"), ("app", "Kettle")],
        ..row(
            &["notify", "Tea", "It is ready", "--app", "Kettle"],
            "notify.send",
            vec!["Tea".into()],
            "7",
            "",
        )
    };
    vec![
        row(&["notify", "Tea"], "notify.send", vec!["Tea".into()], "7", ""),
        message,
        row(
            &["open", "https://example.org"],
            "url.open",
            vec!["https://example.org".into()],
            "null",
            "",
        ),
        row(
            &["power"],
            "power.can",
            vec![],
            CAN,
            "suspend      yes\nhibernate    no: the machine cannot\nreboot       no: its policy wants a password\n\
             poweroff     no\n",
        ),
        row(&["power", "suspend"], "power.suspend", vec![], "null", ""),
        row(
            &["battery"],
            "battery.get",
            vec![],
            DISCHARGING,
            "61 %, discharging, empty in 2:05 h\n",
        ),
        row(&["battery"], "battery.get", vec![], "null", "no battery\n"),
        row(&["screen", "unlock"], "screen.unlock", vec![], "true", "not locked\n"),
    ]
}

#[tokio::test]
async fn every_command_calls_its_procedure_and_shows_the_answer() {
    for row in of_sound().into_iter().chain(of_the_rest()) {
        let stage = Stage::new();
        let desktop = stage.session().await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        let serve = move |call: Invocation| {
            told.lock().unwrap().push(Args::from((call.args, call.kwargs)));
            async move { Ok(value(row.answer).into()) }
        };
        desktop
            .register(&format!("org.deskconn.{}", row.uri), serve)
            .await
            .unwrap();
        stage.run(row.words).await.gave(row.shown);
        let kwargs = row.kwargs.iter().map(|(key, text)| ((*key).to_owned(), (*text).into()));
        let expected = Args::from((row.args, kwargs.collect::<Dict>()));
        assert_eq!(*asked.lock().unwrap(), [expected], "{:?}", row.words);

        let mut words = vec!["--json"];
        words.extend(row.words);
        let json = stage.run(&words).await.result;
        let lines: Vec<Value> = json.lines().map(value).collect();
        let whole = value(row.answer);
        // A list is a line for each of its items.
        let expected = whole.as_list().map_or_else(|| vec![whole.clone()], <[Value]>::to_vec);
        assert_eq!(lines, expected, "{words:?}");
    }
}

#[tokio::test]
async fn a_screen_that_stays_locked_makes_the_command_fail() {
    let stage = Stage::new();
    let desktop = stage.session().await;
    let serve = |_: Invocation| async { Ok(Value::Bool(false).into()) };
    desktop.register("org.deskconn.screen.unlock", serve).await.unwrap();
    let ended = stage.run(&["screen", "unlock"]).await;
    ended.failed(
        1,
        "the desktop was asked to unlock its screen, and does not report that it has",
    );
}
