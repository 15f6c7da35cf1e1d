//! What works with any router: call, publish, subscribe, register; and what needs none.

use client::{Args, RequestError, Value};

use crate::stage::{Running, Stage, ended, program, soon};

#[tokio::test]
async fn a_call_prints_its_result_for_people_and_for_programs() {
    let stage = Stage::new();
    let callee = stage.session().await;
    let echo = |call: client::Invocation| async move { Ok(Args::from((call.args, call.kwargs)).into()) };
    callee.register("com.example.echo", echo).await.unwrap();
    stage
        .run(&["call", "com.example.echo", "text", "7", "[1,\"a\"]", "key=0.5"])
        .await
        .gave("text\n7\n[1,\"a\"]\nkey=0.5\n");
    stage
        .run(&["call", "--json", "com.example.echo", "text", "-7", "key=null"])
        .await
        .gave("{\"args\":[\"text\",-7],\"kwargs\":{\"key\":null}}\n");
    for serializer in ["json", "msgpack", "cbor"] {
        stage
            .run(&[
                "call",
                "--serializer",
                serializer,
                "com.example.echo",
                "\"\\u0000AP8=\"",
            ])
            .await
            .gave("\"\\u0000AP8=\"\n");
    }
    stage.run(&["call", "com.example.echo", "null"]).await.gave("");
}

#[tokio::test]
async fn a_call_that_fails_says_why_and_ends_with_1() {
    let stage = Stage::new();
    let callee = stage.session().await;
    let fail = |_| async { Err(RequestError::new("com.example.error.no", "no\u{1b}[31m lamp is there")) };
    callee.register("com.example.fail", fail).await.unwrap();
    stage
        .run(&["call", "com.example.fail"])
        .await
        .failed(1, "deskconnctl: no\u{fffd}[31m lamp is there (com.example.error.no)");
    stage
        .run(&["call", "com.example.nobody"])
        .await
        .failed(1, "wamp.error.no_such_procedure");
    stage
        .run(&["call", "com.example.fail", "[1,"])
        .await
        .failed(2, "is not JSON");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled() {
    let stage = Stage::new();
    let callee = stage.session().await;
    let (dropped, mut told) = tokio::sync::mpsc::channel::<()>(1);
    let endless = move |_| {
        let dropped = dropped.clone();
        async move {
            std::future::pending::<()>().await;
            drop(dropped);
            Ok(().into())
        }
    };
    let registration = callee.register("com.example.endless", endless).await.unwrap();
    stage
        .run(&["call", "--timeout", "0.3", "com.example.endless"])
        .await
        .failed(1, "no answer within 0.3 s");
    callee.unregister(registration).await.unwrap();
    assert_eq!(soon(told.recv()).await, None, "the handler was stopped");
    stage
        .run(&["call", "--timeout", "0", "com.example.endless"])
        .await
        .failed(2, "no number of seconds");
}

#[tokio::test]
async fn intermediate_results_are_printed_as_they_come() {
    let stage = Stage::new();
    let callee = stage.session().await;
    let count = |call: client::Invocation| async move {
        if let Some(progress) = &call.progress {
            for number in 0..3_u64 {
                progress.send(Value::from(number)).await.unwrap();
            }
        }
        Ok(Value::from("done").into())
    };
    callee.register("com.example.count", count).await.unwrap();
    stage
        .run(&["call", "--progress", "com.example.count"])
        .await
        .gave("0\n1\n2\ndone\n");
    stage.run(&["call", "com.example.count"]).await.gave("done\n");
}

#[tokio::test]
async fn events_are_printed_until_there_were_enough() {
    let stage = Stage::new();
    let publisher = stage.session().await;
    let mut running = stage.start(&["subscribe", "--json", "--count", "2", "com.example."]);
    running.remark("subscribed to com.example.").await;
    let mut any = stage.start(&["subscribe", "--json", "--count", "1", "com..x"]);
    any.remark("subscribed to com..x").await;
    for number in [1_u64, 2, 3] {
        let args = Args::from([number.into()]).with("k", "v");
        publisher.publish_acknowledged("com.example.x", args).await.unwrap();
    }
    for number in [1, 2] {
        let event = running.json().await;
        assert_eq!(event["args"], serde_json::json!([number]));
        assert_eq!(event["kwargs"], serde_json::json!({"k": "v"}));
        assert_eq!(event["topic"], "com.example.x");
    }
    assert_eq!(any.json().await["topic"], "com.example.x");
    assert_eq!(running.ended().await.status, Some(0));
}

/// Publishes until the program prints the first event, which shows that it has subscribed.
async fn publish_until_seen(publisher: &client::Session, running: &mut Running) {
    publish_to("com.example.ready", publisher, running).await;
}

/// The same on another topic.
async fn publish_to(topic: &str, publisher: &client::Session, running: &mut Running) {
    let mut pause = tokio::time::interval(std::time::Duration::from_millis(20));
    let ready = async {
        loop {
            tokio::select! {
                biased;
                line = running.line() => break line,
                _ = pause.tick() => {
                    publisher.publish_acknowledged(topic, [Value::from("ready?")]).await.unwrap();
                }
            }
        }
    };
    assert!(soon(ready).await.contains("ready?"));
}

#[tokio::test]
async fn a_subscriber_ends_in_order_with_ctrl_c() {
    let stage = Stage::new();
    let publisher = stage.session().await;
    let mut running = stage.start(&["subscribe", "--verbose", "com.example.ready"]);
    publish_until_seen(&publisher, &mut running).await;
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn an_event_reaches_its_subscribers_and_a_refused_one_is_an_error() {
    let stage = Stage::new();
    let subscriber = stage.session().await;
    let mut events = subscriber.subscribe("com.example.news").await.unwrap();
    stage
        .run(&["publish", "com.example.news", "hello", "n=1"])
        .await
        .gave("");
    let event = soon(events.next()).await.unwrap();
    assert_eq!(event.args, Args::from([Value::from("hello")]).with("n", 1_u64));
    let ended = stage.run(&["publish", "--ack", "com.example.news"]).await;
    assert!(ended.result.trim().parse::<u64>().is_ok(), "{ended:?}");
    stage.run(&["publish", "wamp.x"]).await.failed(1, "wamp.error");
}

#[tokio::test]
async fn a_will_is_published_when_its_command_is_killed() {
    let stage = Stage::new();
    let subscriber = stage.session().await;
    let mut events = subscriber.subscribe("com.example.lamp").await.unwrap();
    let mut running = stage.start(&["publish", "--will", "--retain", "com.example.lamp", "false", "n=1"]);
    running.remark("com.example.lamp is published when this ends").await;
    drop(running);
    let event = soon(events.next()).await.unwrap();
    assert_eq!(event.args, Args::from([Value::from(false)]).with("n", 1_u64));
    stage
        .run(&["subscribe", "--retained", "--count", "1", "com.example.lamp"])
        .await
        .gave("false\nn=1\n");
    stage
        .run(&["publish", "--will", "wamp.x"])
        .await
        .failed(1, "wamp.error");
}

#[tokio::test]
async fn an_event_that_is_kept_is_shown_to_those_who_come_later_with_its_time() {
    let stage = Stage::new();
    stage
        .run(&["publish", "--retain", "com.example.state", "on"])
        .await
        .gave("");
    let subscribe = |more: &[&'static str]| [&["subscribe", "com.example.state", "--count", "1"], more].concat();
    stage.run(&subscribe(&["--retained"])).await.gave("on\n");
    let verbose = stage.run(&subscribe(&["--retained", "--verbose"])).await;
    assert!(
        verbose.result.starts_with("com.example.state\ton\t(kept, published 2"),
        "{verbose:?}"
    );
    let json = stage.run(&subscribe(&["--retained", "--json"])).await;
    let json: serde_json::Value = serde_json::from_str(&json.result).unwrap();
    assert!(json["retained"]["published_at"].is_string(), "{json}");
    // Who does not ask for it sees only what comes.
    let publisher = stage.session().await;
    let mut running = stage.start(&subscribe(&[]));
    publish_to("com.example.state", &publisher, &mut running).await;
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn what_the_router_keeps_is_forgotten_at_once_or_when_the_connection_ends() {
    let stage = Stage::new();
    let subscriber = stage.session().await;
    let mut events = subscriber.subscribe("com.example.state").await.unwrap();
    let kept = || {
        stage.run(&[
            "subscribe",
            "--retained",
            "--count",
            "1",
            "--verbose",
            "--match",
            "prefix",
            "com.example.",
        ])
    };
    for forget in [&["publish", "--forget"][..], &["publish", "--will", "--forget"]] {
        for topic in ["com.example.state", "com.example.stays"] {
            stage.run(&["publish", "--retain", topic, "on"]).await.gave("");
        }
        soon(events.next()).await.unwrap();
        let forget = [forget, &["com.example.state"]].concat();
        if forget.contains(&"--will") {
            let mut running = stage.start(&forget);
            running.remark("com.example.state is published when this ends").await;
        } else {
            stage.run(&forget).await.gave("");
        }
        assert_eq!(soon(events.next()).await.unwrap().args, Args::default());
        let shown = kept().await;
        assert!(shown.result.starts_with("com.example.stays\ton\t(kept"), "{shown:?}");
    }
    for other in ["--retain", "--queue"] {
        let both = stage.run(&["publish", "--forget", other, "com.example.state"]).await;
        both.failed(2, "cannot be used with");
    }
}

#[tokio::test]
async fn a_shell_command_becomes_a_procedure() {
    let stage = Stage::new();
    let caller = stage.session().await;
    let line = "read line; case $line in *fail*) echo \"no $line\" >&2; exit 3;; esac; echo \"$line\"";
    let running = stage.start(&["register", "com.example.shell", line]);
    let registered = async {
        while caller.call("com.example.shell", ()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(registered).await;
    let result = soon(caller.call("com.example.shell", Args::from([Value::from(1_u64)]).with("k", "v")))
        .await
        .unwrap();
    let Value::Dict(seen) = result.into_value() else {
        panic!()
    };
    assert_eq!(
        (&seen["args"], seen["kwargs"].as_dict().unwrap()["k"].as_str()),
        (&Value::List(vec![1_u64.into()]), Some("v"))
    );
    let error = soon(caller.call("com.example.shell", [Value::from("fail")]))
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("no {\"args\":[\"fail\"]"), "{error}");
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
    assert!(soon(caller.call("com.example.shell", ())).await.is_err());
}

#[tokio::test]
async fn where_no_desktop_is_the_status_is_3_and_says_where_it_was_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut nowhere = program(&[
        "--at",
        &format!("unix:{}/none.sock", directory.path().display()),
        "status",
    ]);
    nowhere.kill_on_drop(true);
    ended(nowhere).await.failed(3, "is a desktop running there?");
    // Port 1 of loopback: nobody listens there.
    ended(program(&["--at", "127.0.0.1:1", "status"]))
        .await
        .failed(3, "127.0.0.1:1");
    ended(program(&["--at", "http://x:1", "status"]))
        .await
        .failed(2, "is no address");
    ended(program(&["nonsense"])).await.failed(2, "unrecognized subcommand");
    ended(program(&["discover", "--type", "http"]))
        .await
        .failed(2, "is no service type");
}

#[tokio::test]
async fn a_realm_that_is_not_there_and_a_key_that_is_not_there_are_named() {
    let stage = Stage::new();
    stage.run(&["--realm", "other", "status"]).await.failed(1, "--realm");
    let key = stage.directory.path().join("ctl.key").display().to_string();
    stage.run(&["--key", &key, "status"]).await.failed(1, "keygen");
    let made = ended(program(&["keygen", "--json", "--key", &key])).await;
    let made: serde_json::Value = serde_json::from_str(&made.result).unwrap();
    assert_eq!(made["public"].as_str().unwrap().len(), 64);
    assert_eq!(made["file"], key.as_str());
    // This router takes no keys.
    stage.run(&["--key", &key, "status"]).await.failed(1, "--anonymous");
    ended(program(&["keygen", "--key", &key])).await.failed(1, "already");
}

#[tokio::test]
async fn help_is_printed_without_a_desktop() {
    let help = ended(program(&["help"])).await;
    for command in [
        "status",
        "pair",
        "join",
        "desktops",
        "approve",
        "devices",
        "discover",
        "discovery",
        "call",
        "publish",
        "subscribe",
        "register",
    ] {
        assert!(help.result.contains(command), "{command}");
    }
    assert!(help.result.contains("Exit status"));
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let mut command = tokio::process::Command::new("/bin/sh");
    let line = format!(
        "{} completions bash | head -c 10 >&2; echo $?",
        env!("CARGO_BIN_EXE_deskconnctl")
    );
    let output = ended({
        command.arg("-c").arg(line);
        command
    })
    .await;
    assert!(!output.remarks.contains("deskconnctl:"), "{output:?}");
}

#[tokio::test]
async fn what_cannot_be_published_waits_on_disk_and_goes_first_the_next_time() {
    let stage = Stage::new().restarted().await;
    let mut events = stage.session().await.subscribe("com.example.kept").await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let publish = |topic: &str, number: &str| {
        let mut command = stage.command(&["publish", "--queue", topic, number]);
        command.env("XDG_DATA_HOME", home.path());
        ended(command)
    };
    for (number, told) in [("1", "1 publication is kept"), ("2", "2 publications are kept")] {
        let kept = publish("com.example.kept", number).await;
        assert_eq!((kept.status, kept.result.as_str()), (Some(0), ""));
        assert!(kept.remarks.contains(told), "{kept:?}");
    }
    stage.open();
    publish("com.example.kept", "3").await.gave("");
    for number in 1..=3_u64 {
        let event = soon(events.next()).await.unwrap();
        assert_eq!(event.args, Args::from([Value::from(number)]));
    }
    publish("wamp.x", "4").await.failed(1, "refused: wamp.x");
    publish("com.example.kept", "5").await.gave("");
    let event = soon(events.next()).await.unwrap();
    assert_eq!(event.args, Args::from([Value::from(5_u64)]));
}
