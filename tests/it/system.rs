//! The system service: the functions of the desktop session by an agent inside it.
//!
//! That other users get nothing takes processes of other users: `tests/state/seat.sh`.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use client::{ConnectError, Error, Options, Session, Value};
use components::agent;
use components::backends::fake::Fake;

use crate::support::{Desk, Way, refusal, soon, until};

const LOCK: &str = "org.deskconn.screen.lock";

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

async fn join_as_agent(desk: &Desk) -> Result<Session, ConnectError> {
    let options = Options {
        authrole: Some("agent".to_owned()),
        ..Options::new("deskconn")
    };
    desk.try_join(Way::Unix, options).await
}

/// Waits until the daemon knows that an agent is there, or is not: then it is that machine's screen which is locked.
async fn locks(owner: &Session, machine: &Fake) {
    let locks = async {
        machine.report_lock(Some(false));
        while machine.lock_state() != Some(true) {
            owner.call(LOCK, ()).await.unwrap();
        }
    };
    soon("the lock of the right screen", locks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_serves_the_session_and_when_it_goes_the_daemon_does_what_it_can() {
    let desk = Desk::of_system("").await;
    desk.machine.seat(Some(own()));
    let owner = desk.owner().await;
    locks(&owner, &desk.machine).await;

    let there = Arc::new(Fake::default());
    let session = join_as_agent(&desk).await.unwrap();
    let mut locked = owner.subscribe("org.deskconn.screen.on_locked").await.unwrap();
    let running = agent::serve(&session, &there.machine()).await.unwrap();
    assert!(running.names().any(|name| name == "screen"));
    desk.machine.report_lock(Some(false));
    locks(&owner, &there).await;
    assert_eq!(desk.machine.lock_state(), Some(false), "the daemon's own is not asked");
    // The agent tells what changes, under the name that everybody knows.
    let told = async { while locked.next().await.unwrap().args.into_value() != Value::Bool(true) {} };
    soon("the event of the agent", told).await;

    session.leave().await;
    soon("its end", running.ended()).await;
    locks(&owner, &desk.machine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_agent_misses_is_told_under_the_functions_name() {
    let desk = Desk::of_system("").await;
    desk.machine.seat(Some(own()));
    let there = Arc::new(Fake::default());
    there.miss(Some(components::Missing {
        what: "the locker",
        reason: "it is away".into(),
        mend: "fetch it".into(),
    }));
    let session = join_as_agent(&desk).await.unwrap();
    let _running = agent::serve(&session, &there.machine()).await.unwrap();
    let owner = desk.owner().await;
    let refused = async {
        loop {
            match owner.call(LOCK, ()).await {
                Err(Error::Request(error)) => break error,
                other => assert!(other.is_ok(), "{other:?}"),
            }
        }
    };
    let refused = soon("the refusal", refused).await;
    assert_eq!(refused.uri, "org.deskconn.error.unavailable");
    assert_eq!(refused.kwargs["mend"], Value::from("fetch it"));
    let info = owner.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    let missing = &info.as_dict().unwrap()["missing"];
    let sentence = missing.as_dict().unwrap()["screen"].as_str().unwrap();
    assert!(
        sentence.contains("it is away") && sentence.contains("fetch it"),
        "{sentence}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_locker_is_run_by_the_agent_and_never_by_the_service() {
    let desk = Desk::of_system("[components.screen]\nlock_command = [\"swaylock\"]\n").await;
    desk.machine.seat(Some(own()));
    let there = Arc::new(Fake::default());
    let session = join_as_agent(&desk).await.unwrap();
    let _running = agent::serve(&session, &there.machine()).await.unwrap();
    assert_eq!(there.lock_command(), ["swaylock"]);
    let reloaded = desk
        .reload("[components.screen]\nlock_command = [\"i3lock\"]\n")
        .await
        .unwrap();
    assert_eq!(reloaded.taken, ["components.screen"]);
    until("the other locker", || there.lock_command() == ["i3lock"]).await;
    assert_eq!(desk.machine.lock_command(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_sits_at_the_machine_can_be_the_agent_and_it_can_do_nothing_else() {
    let desk = Desk::of_system("").await;
    // Root comes in whoever sits there, but serves nobody's session.
    desk.machine.seat(Some(own() + 1));
    if own() == 0 {
        assert_eq!(refusal(join_as_agent(&desk).await), "wamp.error.not_authorized");
    }
    desk.machine.seat(Some(own()));
    let session = join_as_agent(&desk).await.unwrap();
    for procedure in [
        "org.deskconn.devices.list",
        "org.deskconn.slides.next",
        "org.deskconn.agent.call",
    ] {
        match session.call(procedure, ()).await {
            Err(Error::Request(error)) => assert_eq!(error.uri, "wamp.error.not_authorized"),
            other => panic!("{procedure}: {other:?}"),
        }
    }
    let registered = session
        .register("org.deskconn.slides.next", async |_| Ok(client::Reply::default()))
        .await;
    assert!(registered.is_err());
    let another = join_as_agent(&desk).await.unwrap();
    let there = Arc::new(Fake::default());
    let _first = agent::serve(&session, &there.machine()).await.unwrap();
    let second = agent::serve(&another, &there.machine()).await;
    assert!(matches!(second, Err(Error::Request(error)) if error.uri == "wamp.error.procedure_already_exists"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_own_daemon_wants_no_agent() {
    let desk = Desk::start().await;
    assert_eq!(refusal(join_as_agent(&desk).await), "wamp.error.no_such_role");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_can_knock_at_the_system_service() {
    let desk = Desk::of_system("").await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = desk.daemon.socket().unwrap();
    assert_eq!(mode(socket), 0o666);
    assert_eq!(mode(socket.parent().unwrap()), 0o755);
}
