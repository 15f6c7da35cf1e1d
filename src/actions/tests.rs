//! Actions in a realm of a router in this process, and what becomes of them with another configuration.

use std::path::Path;

use client::{Options, Session};
use router::{Limits, OpenGate, Origins, RealmSettings, Role};
use tokio::time::timeout;
use wamp::value::Value;

use super::*;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

struct Stage {
    actions: Actions,
    audit: Audit,
    session: Session,
}

impl Stage {
    async fn with(text: &str) -> Self {
        Self::on(Store::ephemeral("it is a test").unwrap(), &config(text)).await
    }

    async fn on(store: Store, config: &Config) -> Self {
        let gate = Arc::new(OpenGate::new(Role::unrestricted("anonymous")));
        let router = Router::new(gate, Arc::new(Origins::default()), Limits::default());
        router.open_realm("home", RealmSettings::default());
        let store = Arc::new(store);
        let audit = Audit::start(store.place());
        let mut actions = Actions::new(&router, (&store, &audit), config);
        actions.begin().await;
        let session = Session::over(router.connect_local("test"), Options::new("home"))
            .await
            .unwrap();
        Self {
            actions,
            audit,
            session,
        }
    }

    async fn publish(&self, topic: &str, value: impl Into<Value>) {
        self.session.publish_acknowledged(topic, [value.into()]).await.unwrap();
    }

    fn figure(&self, name: &str, key: &str) -> Option<Value> {
        let rows = self.actions.handle().rows();
        let row = rows.into_iter().find(|row| row["name"] == Value::from(name));
        row.map(|row| row[key].clone())
    }

    async fn until(&self, name: &str, key: &str, value: impl Into<Value>) {
        let value = Some(value.into());
        let check = async {
            while self.figure(name, key) != value {
                tokio::task::yield_now().await;
            }
        };
        assert!(
            timeout(PATIENCE, check).await.is_ok(),
            "{name}: {key} is {:?}",
            self.figure(name, key)
        );
    }
}

fn config(text: &str) -> Config {
    const REALM: &str =
        "[desktop]\nenabled = false\n[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"anonymous\"\nrules = []\n";
    Config::parse(Path::new("test.toml"), &format!("{REALM}{text}")).unwrap()
}

fn action(name: &str, when: &str) -> String {
    format!("[[action]]\nname = \"{name}\"\nrealm = \"home\"\nwhen = {when}\nthen = {{ publish = \"out.{name}\" }}\n")
}

const EVENT: &str = "{ topic = \"in.event\" }";
const STATE: &str = "{ topic = \"in.state\", if = \"value\", for = \"1h\" }";

#[tokio::test]
async fn with_another_configuration_what_is_written_as_before_goes_on_as_it_stands() {
    let (same, gone, state) = (action("same", EVENT), action("gone", EVENT), action("state", STATE));
    let stage = Stage::with(&(same.clone() + &gone + &state)).await;
    stage.publish("in.event", 1_u64).await;
    stage.until("same", "count", 1_u64).await;
    stage.until("gone", "count", 1_u64).await;
    // It is true, and kept: whoever begins to listen hears it.
    stage.session.publish_retained("in.state", [true.into()]).await.unwrap();
    let sooner = state.replace("1h", "10ms");
    let night = action("night", "{ at = \"00:00\" }");
    let next = config(&(same + &action("new", EVENT) + &sooner + &night));
    stage.actions.reconfigure(&next.actions);
    assert_eq!(stage.figure("gone", "count"), None);
    assert_eq!(stage.figure("same", "count"), Some(Value::UInt(1)), "its counts stay");
    stage.until("state", "count", 1_u64).await;
    stage.publish("in.event", 2_u64).await;
    stage.until("same", "count", 2_u64).await;
    stage.until("new", "count", 1_u64).await;
    assert_eq!(
        stage.figure("night", "count"),
        Some(Value::UInt(0)),
        "what passed before it was there is not its own"
    );
}

#[tokio::test]
async fn what_is_being_done_comes_to_its_end_as_it_was_written() {
    let slow = action("slow", EVENT).replace("publish = \"out.slow\"", "call = \"slow\"");
    let stage = Stage::with(&slow).await;
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let (go, going) = tokio::sync::watch::channel(false);
    let serve = move |_| {
        begin.send(()).unwrap();
        let mut going = going.clone();
        async move {
            going.wait_for(|go| *go).await.unwrap();
            Ok(Value::Null.into())
        }
    };
    stage.session.register("slow", serve).await.unwrap();
    let mut told = stage.session.subscribe("out.slow").await.unwrap();
    let handle = stage.actions.handle();
    let running = tokio::spawn(async move { handle.run("slow", &Given::default()).await });
    timeout(PATIENCE, begun.recv()).await.unwrap();
    stage.actions.reconfigure(&config(&action("slow", EVENT)).actions);
    // The new one does not wait for the old one.
    stage.publish("in.event", 1_u64).await;
    timeout(PATIENCE, told.next()).await.unwrap();
    go.send(true).unwrap();
    let outcome = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(outcome["ok"], Value::Bool(true));
    assert_eq!(
        stage.figure("slow", "count"),
        Some(Value::UInt(1)),
        "of the old one nothing is counted"
    );
}

#[tokio::test]
async fn the_audit_log_has_what_was_done_to_whom_and_nothing_that_was_sent() {
    const THEN: &str = "[{ publish = \"out.{{ value }}\", args = [\"payload\"] }, { publish = \"out.never\", if = \"false\" }, \
        { call = \"nobody.has.it\", args = [\"payload\"], go_on = true }, \
        { post = \"http://127.0.0.1:1/path-that-is-a-secret\", retries = 0, body = \"payload\" }]";
    let of = |name: &str, then: &str| {
        let text = action(name, EVENT);
        text.replace(&format!("{{ publish = \"out.{name}\" }}"), then)
    };
    let text = of("plain", "{ publish = \"out.{{ value }}\", args = [\"payload\"] }")
        + &of("nothing", "{ publish = \"out.never\", if = \"false\" }")
        + &of("wrong", THEN);
    let stage = Stage::with(&text).await;
    let mut entries = stage.audit.follow();
    let mut told = std::collections::BTreeMap::new();
    stage.publish("in.event", "a").await;
    stage.until("nothing", "count", 1_u64).await;
    while told.len() < 2 {
        let record = timeout(PATIENCE, entries.recv()).await.unwrap().unwrap();
        let entry = record.entry;
        told.insert(entry.action.unwrap(), (entry.kind, entry.detail.unwrap()));
    }
    use crate::audit::Kind;
    assert_eq!(told["plain"], (Kind::ActionDone, "topic: publish out.a".to_owned()));
    let wrong = "topic: publish out.a, call nobody.has.it failed, post http://127.0.0.1:1 failed";
    assert_eq!(told["wrong"], (Kind::ActionFailed, wrong.to_owned()));
    let text = entries.try_recv();
    assert!(text.is_err(), "of what was left out there is nothing to tell: {text:?}");
}

#[tokio::test]
async fn the_audit_log_names_what_a_step_was_about_also_where_the_step_could_not_be_filled_in() {
    const THEN: &str = "[{ publish = \"out.{{ value }}\", args = [\"{{ kwargs.gone }}\"], go_on = true }, \
        { call = \"{{ kwargs.gone }}\", go_on = true }, \
        { post = \"http://127.0.0.1:1/a-secret\", body = \"{{ kwargs.gone }}\" }]";
    let text = action("wrong", EVENT).replace("{ publish = \"out.wrong\" }", THEN);
    let stage = Stage::with(&text).await;
    let mut entries = stage.audit.follow();
    stage.publish("in.event", "a").await;
    let record = timeout(PATIENCE, entries.recv()).await.unwrap().unwrap();
    assert_eq!(
        record.entry.detail.as_deref(),
        Some("topic: publish out.a failed, call failed, post http://127.0.0.1:1 failed")
    );
}

#[tokio::test]
async fn an_action_that_waits_for_a_device_that_is_not_paired_says_so() {
    let of_desktop =
        "[[action]]\nname = \"a\"\nwhen = { device = \"Pixle\", is = \"absent\" }\nthen = { publish = \"out.a\" }\n";
    let config = Config::parse(Path::new("test.toml"), of_desktop).unwrap();
    let stage = Stage::on(Store::ephemeral("it is a test").unwrap(), &config).await;
    let error = stage.figure("a", "error").unwrap();
    assert!(error.as_str().unwrap().contains("\"Pixle\""), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interval_writes_nothing_to_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("state")).unwrap();
    let actions = action("beat", "{ every = \"1s\" }") + &action("night", "{ at = \"00:00\" }");
    let mut config = config(&actions);
    config.desktop.enabled = true;
    let stage = Stage::on(store, &config).await;
    let mut beats = stage.session.subscribe("out.beat").await.unwrap();
    for _ in 0..3 {
        beats.next().await.unwrap();
    }
    let file = home.path().join("state/actions.json");
    assert!(!file.exists(), "{}", std::fs::read_to_string(&file).unwrap());
    stage.actions.stop();
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("night") && !kept.contains("beat"), "{kept}");
}
