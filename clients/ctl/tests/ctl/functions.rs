//! The commands for single functions of the desktop, against a stand-in that answers in the daemon's shapes.

use std::sync::{Arc, Mutex};

use client::{Invocation, Session, Value};

use crate::stage::{Stage, soon};

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// Answers a procedure with progressive results and a result, all in JSON.
async fn answer(session: &Session, uri: &'static str, pieces: &'static [&'static str], result: &'static str) {
    let serve = move |call: Invocation| async move {
        for piece in pieces {
            call.progress.as_ref().unwrap().send(value(piece)).await.unwrap();
        }
        Ok(value(result).into())
    };
    session.register(&format!("org.deskconn.{uri}"), serve).await.unwrap();
}

const PIECES: &[&str] = &[
    r#"{"stream":"stdout","text":"one\nt"}"#,
    r#"{"stream":"stderr","text":"careful\n"}"#,
    r#"{"stream":"stdout","text":"wo\n"}"#,
];

#[tokio::test]
async fn a_command_shows_what_its_program_prints_and_how_it_ended() {
    let stage = Stage::new();
    let desktop = stage.session().await;
    answer(&desktop, "command.list", &[], r#"[{"name":"lamp","title":"The lamp"}]"#).await;
    stage.run(&["command"]).await.gave("lamp\tThe lamp\n");
    let ended = r#"{"exit":0,"signal":null,"stdout":null,"stderr":null,"truncated":false}"#;
    answer(&desktop, "command.run", PIECES, ended).await;
    let done = stage.run(&["command", "run", "lamp"]).await;
    assert_eq!((done.remarks.as_str(), done.status), ("careful\n", Some(0)));
    done.gave("one\ntwo\n");
    let json = stage.run(&["--json", "command", "run", "lamp"]).await.result;
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[2]["text"], &lines[3]["exit"]), (&"wo\n".into(), &0.into()));
}

#[tokio::test]
async fn a_program_that_failed_makes_the_command_fail() {
    for (result, sentence) in [
        (
            r#"{"exit":3,"signal":null,"truncated":false}"#,
            "lamp ended with exit status 3",
        ),
        (
            r#"{"exit":null,"signal":9,"truncated":true}"#,
            "lamp was ended by signal 9",
        ),
    ] {
        let stage = Stage::new();
        let desktop = stage.session().await;
        answer(&desktop, "command.run", &[], result).await;
        let ended = stage.run(&["command", "run", "lamp"]).await;
        assert_eq!(ended.remarks.contains("the rest is not shown"), result.contains("true"));
        ended.failed(1, sentence);
    }
}

#[tokio::test]
async fn lines_are_listed_read_and_driven_by_their_names() {
    let stage = Stage::new();
    let desktop = stage.session().await;
    let lines = r#"[{"chip":"pinctrl","line":17,"name":"lamp","direction":"out","value":true},
        {"chip":null,"line":"GPIO4","name":"door","direction":"in","value":null}]"#;
    answer(&desktop, "gpio.list", &[], lines).await;
    stage
        .run(&["gpio"])
        .await
        .gave("lamp\tpinctrl\t17\tout\ton\ndoor\t\tGPIO4\tin\t-\n");
    answer(&desktop, "gpio.get", &[], "false").await;
    stage.run(&["gpio", "get", "door"]).await.gave("off\n");
    let echo = |call: Invocation| async move { Ok(call.args[1].clone().into()) };
    desktop.register("org.deskconn.gpio.set", echo).await.unwrap();
    stage.run(&["gpio", "set", "lamp", "off"]).await.gave("off\n");
    stage.run(&["--json", "gpio", "set", "lamp", "on"]).await.gave("true\n");
    stage
        .run(&["gpio", "set", "lamp", "1"])
        .await
        .failed(2, "[possible values: on, off]");
}

/// Remembers what it was called with.
async fn remember(session: &Session, uri: &str, calls: &Arc<Mutex<Vec<Vec<Value>>>>) {
    let calls = Arc::clone(calls);
    let serve = move |call: Invocation| {
        calls.lock().unwrap().push(call.args);
        async { Ok(Value::Null.into()) }
    };
    session.register(&format!("org.deskconn.{uri}"), serve).await.unwrap();
}

#[tokio::test]
async fn the_pointer_and_the_keyboard_do_what_is_typed() {
    let stage = Stage::new();
    let desktop = stage.session().await;
    let calls = Arc::default();
    for uri in [
        "pointer.move",
        "pointer.click",
        "pointer.scroll",
        "keyboard.press",
        "keyboard.type",
    ] {
        remember(&desktop, uri, &calls).await;
    }
    for arguments in [
        &["pointer", "move", "-3", "4.5"][..],
        &["pointer", "click"],
        &["pointer", "click", "right"],
        &["pointer", "scroll", "-2"],
        &["keyboard", "press", "ctrl+l", "enter"],
        &["keyboard", "type", "hello you"],
    ] {
        stage.run(arguments).await.gave("");
    }
    let expected = [
        vec![Value::Float(-3.0), Value::Float(4.5)],
        vec!["left".into()],
        vec!["right".into()],
        vec![Value::Float(0.0), Value::Float(-2.0)],
        vec!["ctrl+l".into()],
        vec!["enter".into()],
        vec!["hello you".into()],
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
    let mut typing = stage.start(&["keyboard", "type"]);
    typing.type_line("from a pipe").await;
    typing.end_of_typing();
    soon(typing.ended()).await.gave("");
    assert_eq!(calls.lock().unwrap().last().unwrap(), &[Value::from("from a pipe\n")]);
}

#[tokio::test]
async fn the_report_of_the_machine_is_shown_for_people_and_as_it_is_for_programs() {
    let stage = Stage::new();
    let desktop = stage.session().await;
    let report = r#"{"name":"desk","os":"Debian","kernel":"6.1","uptime_s":93784,"load":[0.5,1.25,2.0],
        "memory":{"total":17179869184,"available":8589934592},"disks":[{"mount":"/","total":1073741824,"free":536870912}],
        "temperatures":[{"name":"coretemp: Package","celsius":48.5}]}"#;
    answer(&desktop, "host.get", &[], report).await;
    stage.run(&["host"]).await.gave(
        "name         desk\nos           Debian\nkernel       6.1\nup           1 d 2:03 h\nload         0.50 1.25 2.00\n\
         memory       8.0 GiB free of 16.0 GiB\ndisk         0.5 GiB free of 1.0 GiB at /\n\
         temperature  48.5 °C coretemp: Package\n",
    );
    let json = stage.run(&["--json", "host"]).await.result;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["uptime_s"], 93784);
}

#[tokio::test]
async fn a_fade_is_asked_for_in_seconds_and_only_where_something_is_set() {
    let stage = Stage::new();
    let desktop = stage.session().await;
    let fade = |call: Invocation| async move { Ok(call.kwargs["duration_ms"].clone().into()) };
    desktop.register("org.deskconn.brightness.set", fade).await.unwrap();
    let arguments = ["brightness", "set", "40", "--fade", "2.5"];
    stage.run(&arguments).await.gave("2500\n");
    stage
        .run(&["brightness", "--fade", "2"])
        .await
        .failed(2, "--fade goes with set, up and down");
    stage
        .run(&["brightness", "set", "40", "--fade", "0"])
        .await
        .failed(2, "no number of seconds");
}
