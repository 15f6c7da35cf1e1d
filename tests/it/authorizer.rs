//! Roles whose authorizer, a procedure of somebody in the same realm, decides about what no rule speaks of.

use std::sync::Arc;
use std::time::Instant;

use client::{Args, CallOptions, Dict, Invocation, Options, RequestError, Serializer, Session, Value};
use deskconnd::access::authorizer::{ANSWER_TIME, AT_ONCE};
use futures_util::future::join_all;
use router::{
    Authorization, Gate, Limits, OpenGate, Origins, Peer, Pending, Principal, RealmHandle, RealmSettings, Role, Router,
};
use tokio::sync::Semaphore;
use wamp::acceptor::{Asked, Proof};
use wamp::id::RegistrationId;
use wamp::message::Abort;
use wamp::realm::Requests;

use crate::rights::error_uri;
use crate::support::{Desk, KEEPER, Way, soon};

/// A realm whose keeper may do everything, and whose guests the procedure `com.authorize` decides about.
pub(crate) async fn home() -> (Desk, Session) {
    home_with("").await
}

/// The same with more in the configuration.
async fn home_with(more: &str) -> (Desk, Session) {
    let desk = Desk::with(&format!(
        r#"
        {more}
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "anonymous"
        rules = [{{ uri = "com.shut.", match = "prefix", allow = [] }}]
        authorizer = "com.authorize"
        {KEEPER}
        "#
    ))
    .await;
    let keeper = desk.keeper("home").await;
    (desk, keeper)
}

async fn guest(desk: &Desk) -> Session {
    desk.join(Way::WebSocket, Serializer::Cbor, "home").await
}

async fn echo(call: Invocation) -> Result<client::Reply, RequestError> {
    Ok(Args::from(call.args).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorizer_learns_who_wants_what_and_decides() {
    let (desk, keeper) = home().await;
    let authorize = |call: Invocation| async move {
        let [Value::Dict(session), uri, action, Value::Dict(options)] = &call.args[..] else {
            return Err(RequestError::new("com.error", "four arguments were expected"));
        };
        let text = |dict: &Dict, key: &str| dict.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let known = ["authid", "authrole", "authmethod", "authprovider", "realm"].map(|key| text(session, key));
        assert_eq!(known, ["anonymous", "anonymous", "anonymous", "static", "home"]);
        assert!(session["session"].as_u64().is_some());
        let wanted = (action.as_str().unwrap(), uri.as_str().unwrap(), text(options, "match"));
        let is_allowed = match (wanted.0, wanted.1, wanted.2.as_str()) {
            ("call", "com.echo", "exact") | ("subscribe", "com.news", "prefix") => true,
            ("publish", _, "exact") => return Ok(Value::Dict(Dict::from([("allow".to_owned(), true.into())])).into()),
            _ => false,
        };
        Ok(Value::from(is_allowed).into())
    };
    keeper.register("com.authorize", authorize).await.unwrap();
    keeper.register("com.echo", echo).await.unwrap();
    let guest = guest(&desk).await;
    let echoed = soon("the call", guest.call("com.echo", ["x".into()])).await.unwrap();
    assert_eq!(echoed, Args::from(vec!["x".into()]));
    let other = soon("the call", guest.call("com.other", ())).await;
    assert_eq!(error_uri(other), "wamp.error.not_authorized");
    let shut = soon("the call", guest.call("com.shut.x", ())).await;
    assert_eq!(error_uri(shut), "wamp.error.not_authorized");
    soon("the publication", guest.publish_acknowledged("com.t", ()))
        .await
        .unwrap();
    soon(
        "the subscription",
        guest.subscribe_matching("com.news", client::Match::Prefix),
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorizer_that_is_not_there_or_fails_or_hangs_denies() {
    let (desk, keeper) = home().await;
    keeper.register("com.echo", echo).await.unwrap();
    let guest = guest(&desk).await;
    let absent = soon("the refusal", guest.call("com.echo", ())).await;
    assert_eq!(error_uri(absent), "wamp.error.authorization_failed");
    let failing = |_| async { Err(RequestError::new("com.error.broken", "broken")) };
    let failing = keeper.register("com.authorize", failing).await.unwrap();
    let failed = soon("the refusal", guest.call("com.echo", ())).await;
    assert_eq!(error_uri(failed), "wamp.error.authorization_failed");
    keeper.unregister(failing).await.unwrap();
    let unclear = |_| async { Ok(Value::from("yes").into()) };
    let unclear = keeper.register("com.authorize", unclear).await.unwrap();
    let refused = soon("the refusal", guest.call("com.echo", ())).await;
    assert_eq!(error_uri(refused), "wamp.error.authorization_failed");
    keeper.unregister(unclear).await.unwrap();
    let hanging = |_| std::future::pending::<Result<client::Reply, RequestError>>();
    keeper.register("com.authorize", hanging).await.unwrap();
    let asked = Instant::now();
    let late = soon("the refusal", guest.call("com.echo", ())).await;
    assert_eq!(error_uri(late), "wamp.error.authorization_failed");
    assert!(asked.elapsed() >= ANSWER_TIME);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_behind_a_slow_authorizer_loses_nothing_and_keeps_its_order() {
    let (desk, keeper) = home().await;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let authorize = move |_| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.expect("the test keeps it open").forget();
            let lasting = [("allow".to_owned(), true.into()), ("cache".to_owned(), true.into())];
            Ok(Value::Dict(Dict::from(lasting)).into())
        }
    };
    keeper.register("com.authorize", authorize).await.unwrap();
    let mut events = keeper.subscribe("com.t").await.unwrap();
    let guest = guest(&desk).await;
    // More than may wait in the realm: the rest is not read.
    let number = 4 * wamp::limits::HELD_REQUESTS as u64;
    for sent in 0..number {
        soon("the sending", guest.publish("com.t", [sent.into()]))
            .await
            .unwrap();
    }
    gate.add_permits(1);
    for expected in 0..number {
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(event.args.args, [expected.into()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_goes_while_it_is_asked_about_leaves_nothing() {
    let (desk, keeper) = home().await;
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let authorize = move |_| {
        let asked = asked.clone();
        async move {
            let (answer, answered) = tokio::sync::oneshot::channel::<bool>();
            asked.send(answer).await.expect("the test listens");
            Ok(Value::from(answered.await.unwrap_or(false)).into())
        }
    };
    keeper.register("com.authorize", authorize).await.unwrap();
    let mut events = keeper.subscribe("com.t").await.unwrap();
    let first = guest(&desk).await;
    first.publish("com.t", ["gone".into()]).await.unwrap();
    let late = soon("the question", was_asked.recv()).await.unwrap();
    first.leave().await;
    late.send(true).unwrap();
    let second = guest(&desk).await;
    second.publish("com.t", ["there".into()]).await.unwrap();
    let question = soon("the question", was_asked.recv()).await.unwrap();
    question.send(true).unwrap();
    assert_eq!(
        soon("the event", events.next()).await.unwrap().args.args,
        ["there".into()]
    );
}

/// A role that says nothing of anything, and leaves all to its authorizer.
fn undecided() -> Role {
    let role = Role::new("guest", Vec::new()).unwrap();
    role.with_authorizer("com.authorize".into())
}

/// A gate that takes every question and never answers.
struct Silent(OpenGate);

impl Gate for Silent {
    fn find<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Proof, Abort>> {
        self.0.find(asked, peer)
    }

    fn admit<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Principal, Abort>> {
        self.0.admit(asked, peer)
    }

    fn authorize(&self, _: &RealmHandle, _: Authorization) -> bool {
        true
    }
}

/// A realm behind this gate, and a session in it.
async fn behind(gate: Arc<dyn Gate>) -> (Router, RealmHandle, Session) {
    let router = Router::new(gate, Arc::<Origins>::default(), Limits::default());
    let realm = router.open_realm("realm1", RealmSettings::default());
    let session = Session::over(router.connect_local("guest"), Options::new("realm1")).await;
    (router, realm, session.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_asks_authorizers_their_requests_are_denied() {
    let (_router, _, guest) = behind(Arc::new(OpenGate::new(undecided()))).await;
    for _ in 0..2 {
        let denied = soon("the refusal", guest.call("com.echo", ())).await;
        assert_eq!(error_uri(denied), "wamp.error.authorization_failed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_read_no_further_goes_on_when_its_role_changes() {
    let (_router, realm, guest) = behind(Arc::new(Silent(OpenGate::new(undecided())))).await;
    let number = 4 * wamp::limits::HELD_REQUESTS as u64;
    for sent in 0..number {
        soon("the sending", guest.publish("com.t", [sent.into()]))
            .await
            .unwrap();
    }
    let is_held = async {
        while realm.report(1).requests.publications < wamp::limits::HELD_REQUESTS as u64 {
            tokio::task::yield_now().await;
        }
    };
    soon("as much as may wait", is_held).await;
    realm.set_role(&Arc::new(Role::unrestricted("all")), |_| true);
    // It is behind all of those, and read only when they were.
    soon("the answer", guest.publish_acknowledged("com.t", ()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_read_no_further_goes_on_when_its_calls_are_out_of_time() {
    let (_router, realm, guest) = behind(Arc::new(Silent(OpenGate::new(undecided())))).await;
    let number = wamp::limits::HELD_REQUESTS;
    let options = CallOptions {
        timeout: 300,
        ..CallOptions::default()
    };
    let calls = (0..number).map(|_| guest.call_with("com.p", (), options.clone()));
    let next = async {
        let is_counted = async |is_so: fn(&Requests) -> bool| {
            while !is_so(&realm.report(1).requests) {
                tokio::task::yield_now().await;
            }
        };
        is_counted(|requests| requests.calls == wamp::limits::HELD_REQUESTS as u64).await;
        guest.publish("com.t", ()).await.unwrap();
        is_counted(|requests| requests.publications == 1).await;
    };
    let (ended, ()) = soon("the time-outs", async { tokio::join!(join_all(calls), next) }).await;
    for ended in ended {
        assert_eq!(error_uri(ended), "wamp.error.timeout");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_much_as_may_be_is_asked_at_a_time_and_the_next_question_waits() {
    let (desk, keeper) = home_with("[limits]\nsessions = 200\nsessions_per_ip = \"unlimited\"").await;
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let authorize = move |_| {
        let asked = asked.clone();
        async move {
            let (answer, answered) = tokio::sync::oneshot::channel::<bool>();
            asked.send(answer).expect("the test listens");
            Ok(Value::from(answered.await.unwrap_or(false)).into())
        }
    };
    keeper.register("com.authorize", authorize).await.unwrap();
    let mut guests = Vec::new();
    for _ in 0..=AT_ONCE {
        guests.push(guest(&desk).await);
    }
    for guest in &guests {
        guest.publish("com.t", ()).await.unwrap();
    }
    let mut open = Vec::new();
    while open.len() < AT_ONCE {
        open.push(soon("a question", was_asked.recv()).await.unwrap());
    }
    // Whoever is answered has been read to the end, and what it asked for before is on its way.
    for guest in &guests {
        let unknown = guest.unregister(RegistrationId::FIRST).await;
        assert!(unknown.is_err());
    }
    assert!(was_asked.try_recv().is_err(), "one question too many");
    open.pop().unwrap().send(true).unwrap();
    soon("the last question", was_asked.recv()).await.unwrap();
}
