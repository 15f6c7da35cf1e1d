//! What a desktop answers: status, devices, discovery, slides, screen, brightness, pairing. The stand-in answers in the
//! shapes of the daemon, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use client::{Args, Reply, RequestError, Session, Value};

use crate::stage::{Stage, soon};

/// What was asked, in order.
type Calls = Arc<Mutex<Vec<(String, Args)>>>;

struct Desktop {
    stage: Stage,
    session: Session,
    calls: Calls,
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

const PHONE: &str = r#"{"id":"d_0a1b2c3d","name":"Pixel 9","kind":"android","role":"remote","fingerprint":"ABCD-EFGH",
    "paired_at":"2026-01-01T00:00:00Z","last_seen":null,"sessions":1,"legacy":true}"#;
const TABLET: &str = r#"{"id":"d_00000000","name":"Tablet","kind":"web","role":"slides","fingerprint":"0000-0000",
    "paired_at":"2026-01-01T00:00:00Z","last_seen":"2026-01-02T00:00:00Z","sessions":0,"legacy":false}"#;
const DISCOVERY: &str =
    r#"{"enabled":true,"running":true,"name":"Desk","host":"deskconn-0123.local","announced":true,"trouble":null}"#;
const LINKS: &str = r#"[{"name":"branch","realm":"home","state":"up","address":"wss://b:5020/ws","dropped_out":2,"missing":[]},
    {"name":"attic","realm":"home","state":"refused","why":"the ticket is wrong","waiting":7,"missing":[]},
    {"name":"barn","realm":"home","state":"up","address":"rs://c:5020","missing":["com.x cannot be registered there"]}]"#;
const INFO: &str = r#"{"name":"Desk","id":"0123456789abcdef","version":"0.1.0","sessions":2,"role":"owner",
    "components":["slides"],"missing":{"slides":"the keyboard cannot be reached: it is away; fetch it"},
    "described":[{"uri":"org.deskconn.app.lamp","title":"Lamp","kind":"toggle","by":"d_0a1b2c3d"}]}"#;

impl Desktop {
    async fn new() -> Self {
        let stage = Stage::new();
        let session = stage.session().await;
        let desktop = Self {
            stage,
            session,
            calls: Calls::default(),
        };
        let devices = Value::List(vec![value(PHONE), value(TABLET)]);
        for (uri, result) in [
            ("info.get", value(INFO)),
            ("discovery.status", value(DISCOVERY)),
            ("discovery.enable", value(DISCOVERY)),
            ("discovery.disable", value(r#"{"enabled":false,"running":true}"#)),
            ("devices.list", devices),
            ("router.links", value(LINKS)),
            ("devices.rename", value(PHONE)),
            ("devices.set_role", value(PHONE)),
            ("devices.revoke", 1_u64.into()),
            ("slides.next", Value::Null),
            ("slides.blank", Value::Null),
            ("screen.lock", false.into()),
            ("screen.is_locked", Value::Null),
            ("brightness.get", 57_u64.into()),
            ("brightness.set", 40_u64.into()),
            ("brightness.raise", 67_u64.into()),
            (
                "brightness.displays",
                value(r#"[{"id":"int","name":"Panel","kind":"internal","percent":57}]"#),
            ),
            (
                "pairing.open",
                value(r#"{"code":"1234-5678","expires":"2026-01-01T00:01:00Z","ttl":60}"#),
            ),
            ("pairing.close", Value::Null),
        ] {
            desktop.answer(uri, move |_| Ok(result.clone().into())).await;
        }
        desktop
            .answer("pairing.answer", |args| {
                Ok(if args.args[1] == Value::Bool(true) {
                    value(PHONE)
                } else {
                    Value::Null
                }
                .into())
            })
            .await;
        desktop
    }

    async fn answer(
        &self,
        uri: &str,
        answer: impl Fn(&Args) -> Result<Reply, RequestError> + Clone + Send + Sync + 'static,
    ) {
        let (calls, name) = (Arc::clone(&self.calls), uri.to_owned());
        let serve = move |call: client::Invocation| {
            let args = Args::from((call.args, call.kwargs));
            let result = answer(&args);
            calls.lock().unwrap().push((name.clone(), args));
            async move { result }
        };
        self.session
            .register(&format!("org.deskconn.{uri}"), serve)
            .await
            .unwrap();
    }

    /// Runs the program; gives what it printed and the last thing it asked.
    async fn ask(&self, arguments: &[&str]) -> (String, (String, Args)) {
        let ended = self.stage.run(arguments).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        (ended.result, self.calls.lock().unwrap().last().unwrap().clone())
    }

    /// Says that a device is there.
    async fn device_comes(&self) {
        let question = value(
            r#"{"request":5,"name":"Pixel 9","kind":"android","address":"192.0.2.7","fingerprint":"ABCD-EFGH","role":"remote"}"#,
        );
        self.session
            .publish_acknowledged("org.deskconn.pairing.on_asked", [question])
            .await
            .unwrap();
    }

    async fn window_closes(&self, reason: &str) {
        self.session
            .publish_acknowledged("org.deskconn.pairing.on_closed", [Value::from(reason)])
            .await
            .unwrap();
    }
}

fn asked(uri: &str, args: &[Value]) -> (String, Args) {
    (uri.to_owned(), args.to_vec().into())
}

#[tokio::test]
async fn the_status_tells_what_there_is_and_what_is_missing() {
    let desktop = Desktop::new().await;
    let (text, _) = desktop.ask(&["status"]).await;
    for words in [
        "Desk (0123456789abcdef)",
        "2 paired, 1 by the legacy form, 1 connected",
        "slides: the keyboard cannot be reached: it is away; fetch it",
        "Lamp: toggle org.deskconn.app.lamp by d_0a1b2c3d",
        "deskconn-0123.local",
        "branch of realm home up at wss://b:5020/ws, 2 events lost",
        "attic of realm home refused: the ticket is wrong, 7 events wait",
        "barn of realm home up; com.x cannot be registered there",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (json, _) = desktop.ask(&["--json", "status"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["info"]["name"], "Desk");
    assert_eq!(json["devices"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn devices_are_listed_and_changed_by_id_or_name() {
    let desktop = Desktop::new().await;
    let (text, _) = desktop.ask(&["devices"]).await;
    assert_eq!(
        text,
        "d_0a1b2c3d\tPixel 9\tremote\t1\t\nd_00000000\tTablet\tslides\t0\t2026-01-02T00:00:00Z\n"
    );
    let (json, _) = desktop.ask(&["devices", "list", "--json"]).await;
    assert_eq!(json.lines().count(), 2);
    let (text, _) = desktop.ask(&["devices", "show", "Tablet"]).await;
    assert!(text.contains("0000-0000"), "{text}");
    let id = || Value::from("d_0a1b2c3d");
    let (_, last) = desktop.ask(&["devices", "rename", "Pixel 9", "Phone"]).await;
    assert_eq!(last, asked("devices.rename", &[id(), "Phone".into()]));
    let (_, last) = desktop.ask(&["devices", "role", "d_0a1b2c3d", "slides"]).await;
    assert_eq!(last, asked("devices.set_role", &[id(), "slides".into()]));
    let (text, last) = desktop.ask(&["devices", "revoke", "Pixel 9"]).await;
    assert_eq!(
        (text.as_str(), last),
        (
            "Pixel 9 is no longer paired; sessions ended: 1\n",
            asked("devices.revoke", &[id()])
        )
    );
    desktop
        .stage
        .run(&["devices", "revoke", "Nobody"])
        .await
        .failed(1, "there is no device \"Nobody\"");
}

#[tokio::test]
async fn discovery_is_switched_and_told() {
    let desktop = Desktop::new().await;
    assert_eq!(
        desktop.ask(&["discovery"]).await.0,
        "on, as \"Desk\" at deskconn-0123.local\n"
    );
    let (text, last) = desktop.ask(&["discovery", "off"]).await;
    assert_eq!((text.as_str(), last), ("off\n", asked("discovery.disable", &[])));
    assert_eq!(
        desktop.ask(&["discovery", "on"]).await.1,
        asked("discovery.enable", &[])
    );
}

#[tokio::test]
async fn slides_screen_and_brightness_call_their_procedures() {
    let desktop = Desktop::new().await;
    let (text, last) = desktop.ask(&["slides", "next"]).await;
    assert_eq!((text.as_str(), last), ("", asked("slides.next", &[])));
    assert_eq!(desktop.ask(&["slides", "blank"]).await.1, asked("slides.blank", &[]));
    assert_eq!(desktop.ask(&["--json", "slides", "next"]).await.0, "null\n");
    assert!(desktop.ask(&["screen", "status"]).await.0.starts_with("unknown"));
    desktop
        .stage
        .run(&["screen", "lock"])
        .await
        .failed(1, "does not report that it has");
    assert_eq!(desktop.ask(&["brightness"]).await.0, "57\n");
    assert_eq!(
        desktop.ask(&["brightness", "set", "40"]).await.1,
        asked("brightness.set", &[Value::Float(40.0)])
    );
    let (_, last) = desktop.ask(&["brightness", "up", "--display", "int"]).await;
    assert_eq!(last, asked("brightness.raise", &[Value::Float(10.0), "int".into()]));
    assert_eq!(
        desktop.ask(&["brightness", "displays"]).await.0,
        "int\tPanel\tinternal\t57\n"
    );
    // Nobody has registered this one.
    desktop
        .stage
        .run(&["slides", "start"])
        .await
        .failed(1, "wamp.error.no_such_procedure");
    // What programs of others describe is there to be meant, too.
    desktop
        .stage
        .run(&["call", "org.deskconn.app.lmap"])
        .await
        .failed(1, "did you mean \"org.deskconn.app.lamp\"?");
}

#[tokio::test]
async fn pairing_asks_and_lets_in_who_is_confirmed() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&[
        "pair", "--legacy", "--role", "remote", "--ttl", "60", "--name", "Pixel 9",
    ]);
    assert_eq!(running.line().await, "Code: 12345678");
    let (uri, terms) = desktop.calls.lock().unwrap().last().unwrap().clone();
    let expected =
        r#"{"legacy":true,"force":false,"insecure_network":false,"role":"remote","ttl":60,"name":"Pixel 9"}"#;
    assert_eq!(
        (uri.as_str(), Value::Dict(terms.kwargs)),
        ("pairing.open", value(expected))
    );
    desktop.device_comes().await;
    running.type_line("y").await;
    let ended = soon(running.ended()).await;
    assert!(
        ended.remarks.contains("Pixel 9 (android) wants in from 192.0.2.7"),
        "{ended:?}"
    );
    assert!(ended.remarks.contains("ABCD-EFGH"), "{ended:?}");
    ended.gave("paired: Pixel 9 (d_0a1b2c3d) with the role remote\n");
    let last = desktop.calls.lock().unwrap().last().unwrap().clone();
    assert_eq!(last, asked("pairing.answer", &[5_u64.into(), true.into()]));
}

#[tokio::test]
async fn pairing_with_yes_tells_programs_every_step() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&["pair", "--legacy", "--yes", "--json"]);
    let open = running.json().await;
    assert_eq!((&open["event"], &open["code"]), (&"open".into(), &"1234-5678".into()));
    desktop.device_comes().await;
    assert_eq!(running.json().await["event"], "asked");
    let paired = running.json().await;
    assert_eq!(
        (&paired["event"], &paired["device"]["id"]),
        (&"paired".into(), &"d_0a1b2c3d".into())
    );
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn a_refused_device_and_an_unanswered_question_end_with_1() {
    for (typed, words) in [
        (Some("n"), "the device was refused at the desktop"),
        (None, "nobody is there to answer"),
    ] {
        let desktop = Desktop::new().await;
        let mut running = desktop.stage.start(&["pair", "--legacy"]);
        running.line().await;
        desktop.device_comes().await;
        match typed {
            Some(line) => running.type_line(line).await,
            None => running.end_of_typing(),
        }
        let answered = async {
            let answer = asked("pairing.answer", &[5_u64.into(), false.into()]);
            while desktop.calls.lock().unwrap().last() != Some(&answer) {
                tokio::task::yield_now().await;
            }
        };
        soon(answered).await;
        desktop.window_closes("the device was refused at the desktop").await;
        running.ended().await.failed(1, words);
    }
}

#[tokio::test]
async fn a_window_that_closes_says_why() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&["pair", "--legacy", "--json"]);
    running.line().await;
    desktop.window_closes("nobody came in time").await;
    assert_eq!(running.json().await["reason"], "nobody came in time");
    running
        .ended()
        .await
        .failed(1, "no device was paired: nobody came in time");
}

#[tokio::test]
async fn a_device_that_is_let_in_elsewhere_is_a_success_too() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&["pair", "--legacy", "--json"]);
    running.line().await;
    desktop.device_comes().await;
    assert_eq!(running.json().await["event"], "asked");
    let closed = Args::from([Value::from("a device was paired")]).with("device", value(PHONE));
    let topic = "org.deskconn.pairing.on_closed";
    desktop.session.publish_acknowledged(topic, closed).await.unwrap();
    let paired = running.json().await;
    assert_eq!(
        (&paired["event"], &paired["device"]["id"]),
        (&"paired".into(), &"d_0a1b2c3d".into())
    );
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn ctrl_c_closes_the_window() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&["pair", "--legacy"]);
    running.line().await;
    running.interrupt();
    running.ended().await.failed(1, "the code is void");
    assert_eq!(
        desktop.calls.lock().unwrap().last().unwrap(),
        &asked("pairing.close", &[])
    );
}

#[tokio::test]
async fn a_desktop_that_refuses_to_open_a_window_is_quoted() {
    let stage = Stage::new();
    let session = stage.session().await;
    let refuse = |_| async {
        Err(RequestError::new(
            "org.deskconn.error.refused",
            "codes were guessed at; wait 10 minutes",
        ))
    };
    session.register("org.deskconn.pairing.open", refuse).await.unwrap();
    stage.run(&["pair", "--legacy"]).await.failed(1, "wait 10 minutes");
}

#[tokio::test]
async fn an_alarm_is_told_even_when_nothing_else_is_asked_for() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&["pair", "--quiet", "--json"]);
    running.line().await;
    let topic = "org.deskconn.pairing.on_alarm";
    let sentence = [Value::from("somebody is in between")];
    desktop.session.publish_acknowledged(topic, sentence).await.unwrap();
    let alarm = running.json().await;
    assert_eq!(
        (&alarm["event"], &alarm["sentence"]),
        (&"alarm".into(), &"somebody is in between".into())
    );
    desktop.window_closes("nobody came in time").await;
    running.ended().await.failed(1, "ALARM: somebody is in between\n");
}

#[tokio::test]
async fn a_desktop_that_no_device_can_reach_says_so() {
    let desktop = Desktop::new().await;
    let mut running = desktop.stage.start(&["pair"]);
    assert_eq!(running.line().await, "Code: 1234-5678");
    running.interrupt();
    running.ended().await.failed(1, "listens on no network address");
}

#[tokio::test]
async fn what_is_described_and_not_registered_is_not_guessed_to_be_itself() {
    let ended = Desktop::new().await.stage.run(&["call", "org.deskconn.app.lamp"]).await;
    ended.failed(1, "a component describes it there, and has not registered it");
}
