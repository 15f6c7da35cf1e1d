//! Actions through the whole daemon: the examples of the document as they stand there, what the owner sees and switches, what
//! stops a loop and a flood, another configuration.

mod examples;
mod plain;
mod server;

use client::{Args, Session, Value};
use tokio::sync::{mpsc, watch};

use crate::rights::error_uri;
use crate::support::{Desk, soon};

const TOPIC: &str = "org.deskconn.app.test";

/// What `actions.list` says of an action.
async fn row(owner: &Session, name: &str) -> client::Dict {
    let rows = owner.call("org.deskconn.actions.list", ()).await.unwrap().into_value();
    let rows = rows.as_list().unwrap().iter().map(|row| row.as_dict().unwrap().clone());
    rows.into_iter().find(|row| row["name"] == Value::from(name)).unwrap()
}

/// Waits until a figure of an action is at least so much.
async fn reaches(owner: &Session, name: &str, figure: &str, least: u64) -> client::Dict {
    let check = async {
        loop {
            let row = row(owner, name).await;
            if row[figure].as_u64().unwrap() >= least {
                return row;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(&format!("{figure} of {name}"), check).await
}

async fn publish(session: &Session, topic: &str, value: impl Into<Value>) {
    session.publish_acknowledged(topic, [value.into()]).await.unwrap();
}

/// The procedure `com.slow`, which answers when it is told to.
struct Slow {
    begun: mpsc::UnboundedReceiver<()>,
    go: watch::Sender<bool>,
}

impl Slow {
    async fn register(session: &Session) -> Self {
        let (begin, begun) = mpsc::unbounded_channel();
        let (go, going) = watch::channel(false);
        let serve = move |_| {
            begin.send(()).unwrap();
            let mut going = going.clone();
            async move {
                going.wait_for(|go| *go).await.unwrap();
                Ok(Value::Null.into())
            }
        };
        session.register("com.slow", serve).await.unwrap();
        Self { begun, go }
    }

    /// Waits for the next call of it.
    async fn begins(&mut self) {
        soon("a call of com.slow", self.begun.recv()).await.unwrap();
    }
}

fn action(name: &str, keys: &str) -> String {
    format!("[[action]]\nname = \"{name}\"\n{keys}\n")
}

fn echo(name: &str) -> String {
    action(
        name,
        &format!(
            "when = {{ topic = \"{TOPIC}\" }}\nthen = {{ publish = \"{TOPIC}.{name}\", args = [\"{{{{ value }}}}\"] }}"
        ),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_is_listed_tried_done_and_told() {
    let then = "[{ call = \"com.plug.set\", args = [\"{{ value > 5 }}\"] }, { notify = \"was {{ result.value }}\" }]";
    let when = format!("{{ topic = \"{TOPIC}\", if = \"value > 5\" }}");
    let desk = Desk::with(&action("plug", &format!("when = {when}\nthen = {then}"))).await;
    let owner = desk.owner().await;
    owner
        .register("com.plug.set", |call| async move {
            Ok(Value::from(format!("{:?}", call.args)).into())
        })
        .await
        .unwrap();
    let mut runs = owner.subscribe("org.deskconn.actions.on_run").await.unwrap();
    let args = |value: u64| Args::from(["plug".into()]).with("args", Value::List(vec![value.into()]));
    let tried = owner
        .call("org.deskconn.actions.test", args(7))
        .await
        .unwrap()
        .into_value();
    let tried = tried.as_dict().unwrap();
    let of = |key: &str, index: usize| tried[key].as_list().unwrap()[index].as_dict().unwrap().clone();
    assert_eq!(of("when", 0)["holds"], Value::Bool(true));
    assert_eq!(
        of("then", 0)["does"].as_dict().unwrap()["args"],
        Value::List(vec![true.into()])
    );
    assert_eq!(
        of("then", 1)["state"],
        Value::from("undecided"),
        "nothing was done, so there is no result"
    );
    assert!(desk.machine.shown().is_empty());
    publish(&owner, TOPIC, 7_u64).await;
    let run = soon("the run", runs.next()).await.unwrap().args;
    assert_eq!(run.args, ["plug".into()]);
    assert_eq!(
        (&run.kwargs["ok"], &run.kwargs["trigger"]),
        (&Value::Bool(true), &Value::from("topic"))
    );
    assert_eq!(desk.machine.shown()[0].summary, "was [Bool(true)]");
    // By hand it is done whatever the condition says.
    let done = owner
        .call("org.deskconn.actions.run", args(1))
        .await
        .unwrap()
        .into_value();
    assert_eq!(done.as_dict().unwrap()["ok"], Value::Bool(true));
    assert_eq!(desk.machine.shown()[1].summary, "was [Bool(false)]");
    let row = row(&owner, "plug").await;
    assert_eq!((row["count"].as_u64(), &row["last_ok"]), (Some(2), &Value::Bool(true)));
    let unknown = owner.call("org.deskconn.actions.run", ["plugg".into()]).await;
    assert!(unknown.unwrap_err().to_string().contains("there is \"plug\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_is_tried_before_it_is_taken() {
    let desk = Desk::with("").await;
    let owner = desk.owner().await;
    let with = |text: &str| Args::from(["new".into()]).with("config", text);
    let text = action(
        "new",
        "when = { every = \"1h\" }\nthen = { notify = \"it is {{ now.time }}\" }",
    );
    let args = with(&text).with("at", "2026-11-22T12:00:00Z");
    let tried = owner
        .call("org.deskconn.actions.test", args)
        .await
        .unwrap()
        .into_value();
    let when = tried.as_dict().unwrap()["when"].as_list().unwrap()[0]
        .as_dict()
        .unwrap()
        .clone();
    assert_eq!(when["next"], Value::from("2026-11-22T13:00:00Z"));
    let wrong = owner
        .call("org.deskconn.actions.test", with("[[action]]\nname = 1"))
        .await;
    assert!(wrong.unwrap_err().to_string().contains("line 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_switched_off_stays_off_when_the_daemon_starts_again() {
    let configuration = echo("a") + &echo("witness");
    let desk = Desk::with(&configuration).await;
    let owner = desk.owner().await;
    let off = owner
        .call("org.deskconn.actions.switch", ["a".into(), false.into()])
        .await;
    assert_eq!(off.unwrap().into_value(), Value::Bool(true), "it is kept");
    let home = desk.home;
    desk.daemon.stop().await;
    let desk = Desk::at(home, &configuration).await;
    let owner = desk.owner().await;
    assert_eq!(row(&owner, "a").await["on"], Value::Bool(false));
    let mut echoes = owner.subscribe(&format!("{TOPIC}.a")).await.unwrap();
    let mut seen = owner.subscribe(&format!("{TOPIC}.witness")).await.unwrap();
    publish(&owner, TOPIC, 1_u64).await;
    // Both hear of it at once.
    soon("the other action's echo", seen.next()).await.unwrap();
    owner
        .call("org.deskconn.actions.switch", ["a".into(), true.into()])
        .await
        .unwrap();
    publish(&owner, TOPIC, 2_u64).await;
    let event = soon("the echo", echoes.next()).await.unwrap();
    assert_eq!(
        event.args.into_value(),
        Value::UInt(2),
        "the first one came while it was off"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_passed_while_the_daemon_was_down_is_made_up_for() {
    let ago = |minutes: i64| {
        jiff::Zoned::now()
            .checked_sub(jiff::Span::new().minutes(minutes))
            .unwrap()
    };
    let time = ago(2).strftime("%H:%M").to_string();
    let at = |name: &str, late: &str| {
        action(
            name,
            &format!("when = {{ at = \"{time}\", late = \"{late}\" }}\nthen = {{ notify = \"{name}\" }}"),
        )
    };
    let configuration = at("in-time", "1h") + &at("too-late", "30s");
    let desk = Desk::with(&configuration).await;
    let home = desk.home;
    desk.daemon.stop().await;
    // It ended ten minutes ago.
    let file = home.path().join("state/actions.json");
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for name in ["in-time", "too-late"] {
        kept["checked"][name] = ago(10).timestamp().to_string().into();
    }
    std::fs::write(&file, kept.to_string()).unwrap();
    let desk = Desk::at(home, &configuration).await;
    let owner = desk.owner().await;
    reaches(&owner, "in-time", "count", 1).await;
    let row = reaches(&owner, "too-late", "left_out", 1).await;
    assert_eq!(row["count"], Value::UInt(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_has_to_do_with_actions() {
    let desk = Desk::with(&echo("a")).await;
    let (phone, session, _owner) = crate::rights::presenter(&desk).await;
    for procedure in ["list", "test", "run", "switch"] {
        let called = session
            .call(&format!("org.deskconn.actions.{procedure}"), ["a".into()])
            .await;
        assert_eq!(
            error_uri(called),
            "wamp.error.not_authorized",
            "{procedure} by {}",
            phone.id()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_hears_no_action_and_one_that_triggers_itself_by_others_pauses() {
    let own = action(
        "own",
        &format!("when = {{ topic = \"{TOPIC}.own\" }}\nthen = {{ publish = \"{TOPIC}.own\" }}"),
    );
    let ring = action(
        "ring",
        &format!("when = {{ topic = \"{TOPIC}.ring\" }}\nthen = {{ call = \"com.ring\" }}"),
    );
    let desk = Desk::with(&(own + &ring)).await;
    let owner = desk.owner().await;
    let session = owner.clone();
    owner
        .register("com.ring", move |_| {
            let session = session.clone();
            async move {
                session.publish(&format!("{TOPIC}.ring"), ()).await.unwrap();
                Ok(Value::Null.into())
            }
        })
        .await
        .unwrap();
    publish(&owner, &format!("{TOPIC}.own"), 1_u64).await;
    publish(&owner, &format!("{TOPIC}.ring"), 1_u64).await;
    // The last one is done when its call has ended, and has triggered the one that is left out before that.
    reaches(&owner, "ring", "left_out", 1).await;
    let ring = reaches(&owner, "ring", "count", 60).await;
    assert_eq!(ring["count"], Value::UInt(60));
    assert!(ring["error"].as_str().unwrap().contains("triggers itself"));
    assert!(ring["paused_until"].as_str().is_some());
    assert_eq!(
        row(&owner, "own").await["count"],
        Value::UInt(1),
        "it did not hear itself"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_waits_for_nobody_and_too_long_an_event_is_left_out() {
    let slow = format!("when = {{ topic = \"{TOPIC}\" }}\nthen = {{ call = \"com.slow\" }}\nat_most = \"1000/1s\"");
    let desk = Desk::with(&action("slow", &slow)).await;
    let owner = desk.owner().await;
    let mut slow = Slow::register(&owner).await;
    publish(&owner, TOPIC, 0_u64).await;
    slow.begins().await;
    for number in 1..=20_u64 {
        publish(&owner, TOPIC, number).await;
    }
    let row = reaches(&owner, "slow", "left_out", 4).await;
    assert_eq!(row["queued"], Value::UInt(16));
    // An event that is a little too long; the other half of a kibibyte is what holds the text.
    publish(&owner, TOPIC, "x".repeat(64 << 10)).await;
    reaches(&owner, "slow", "left_out", 5).await;
    slow.go.send(true).unwrap();
    let row = reaches(&owner, "slow", "count", 17).await;
    assert_eq!((row["count"].as_u64(), row["left_out"].as_u64()), (Some(17), Some(5)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_actions_are_done_at_a_time_and_one_more_waits() {
    const AT_ONCE: usize = 16;
    let one = |number| {
        action(
            &format!("a{number}"),
            &format!("when = {{ topic = \"{TOPIC}\" }}\nthen = {{ call = \"com.slow\" }}"),
        )
    };
    let desk = Desk::with(&(0..=AT_ONCE).map(one).collect::<String>()).await;
    let owner = desk.owner().await;
    let mut slow = Slow::register(&owner).await;
    publish(&owner, TOPIC, 0_u64).await;
    for _ in 0..AT_ONCE {
        slow.begins().await;
    }
    // Whatever would come has come when a later call of the same session is answered.
    owner.call("org.deskconn.actions.list", ()).await.unwrap();
    assert!(slow.begun.try_recv().is_err(), "one more is done");
    slow.go.send(true).unwrap();
    slow.begins().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_action_that_fails_harms_no_other_and_says_why() {
    let fails =
        format!("when = {{ topic = \"{TOPIC}\" }}\nthen = [{{ call = \"com.nobody\" }}, {{ notify = \"never\" }}]");
    let goes_on =
        "[{ call = \"com.nobody\", go_on = true }, { notify = \"all the same\", if = \"results[0] == null\" }]";
    let goes_on = format!("when = {{ topic = \"{TOPIC}\" }}\nthen = {goes_on}");
    let desk = Desk::with(&(action("fails", &fails) + &action("goes-on", &goes_on) + &echo("fine"))).await;
    let owner = desk.owner().await;
    let mut echoes = owner.subscribe(&format!("{TOPIC}.fine")).await.unwrap();
    publish(&owner, TOPIC, 1_u64).await;
    soon("the echo", echoes.next()).await.unwrap();
    for name in ["fails", "goes-on"] {
        let row = reaches(&owner, name, "failed", 1).await;
        assert!(row["error"].as_str().unwrap().starts_with("step 1 (call)"), "{row:?}");
    }
    let shown: Vec<_> = desk
        .machine
        .shown()
        .into_iter()
        .map(|message| message.summary)
        .collect();
    assert_eq!(shown, ["all the same"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_takes_the_actions_of_another_configuration() {
    let desk = Desk::with(&(echo("a") + &echo("b"))).await;
    let owner = desk.owner().await;
    publish(&owner, TOPIC, 1_u64).await;
    reaches(&owner, "a", "count", 1).await;
    let reloaded = desk.reload(&(echo("a") + &echo("c"))).await.unwrap();
    assert_eq!(reloaded.taken, ["action"]);
    let mut echoes = owner.subscribe(&format!("{TOPIC}.c")).await.unwrap();
    publish(&owner, TOPIC, 2_u64).await;
    soon("the echo of the new one", echoes.next()).await.unwrap();
    assert_eq!(
        reaches(&owner, "a", "count", 2).await["count"],
        Value::UInt(2),
        "it goes on counting"
    );
    let gone = owner.call("org.deskconn.actions.run", ["b".into()]).await;
    assert!(gone.unwrap_err().to_string().contains("there are \"a\" and \"c\""));
    let wrong = desk
        .reload(&echo("a").replace("{{ value }}", "{{ valu }}"))
        .await
        .unwrap_err();
    assert!(wrong[0].contains("did you mean `value`?"), "{wrong:?}");
    reaches(&owner, "c", "count", 1).await;
}
