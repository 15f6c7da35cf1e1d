//! Clients that outlive connections, sessions and routers, against the real router.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deskconn_client::{
    Builder, Client, Closed, Error, Match, Opened, Options, RegisterOptions, Status, SubscribeOptions, Target, Value,
};

use router::{Limits, Role};
use wamp::realm::role::{Action, Consent, Disclose, Rule};

use crate::relay::Relay;
use crate::support::{Stage, soon, until};

fn builder(relay: &Relay, scheme: &str) -> Builder {
    let target: Target = format!("{scheme}://{}", relay.address).parse().unwrap();
    Client::builder(Options::new("realm1"))
        .at(target)
        .pauses(Duration::from_millis(1), Duration::from_millis(5))
}

async fn status(client: &Client, is_so: impl FnMut(&Status) -> bool) -> Status {
    let mut status = client.status();
    soon(status.wait_for(is_so)).await.unwrap().clone()
}

#[tokio::test]
async fn what_stood_stands_again_with_a_router_that_was_started_anew() {
    let first = Stage::new();
    let relay = Relay::to(first.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    assert!(matches!(*client.status().borrow(), Status::Open(Opened::First)));
    let prefix = SubscribeOptions {
        policy: Match::Prefix,
        ..SubscribeOptions::default()
    };
    let mut news = client.subscribe_with("com.example.", prefix).await.unwrap();
    let dropped = client.subscribe("com.example.gone").await.unwrap();
    drop(dropped);
    let wildcard = RegisterOptions {
        policy: Match::Wildcard,
        ..RegisterOptions::default()
    };
    let name = |call: deskconn_client::Invocation| async move {
        let name = call.procedure.map(|it| it.to_string()).unwrap_or_default();
        Ok(Value::from(name).into())
    };
    client.register_with("com..name", wildcard, name).await.unwrap();
    let withdrawn = client
        .register("com.example.gone", |_| async { Ok(().into()) })
        .await
        .unwrap();
    withdrawn.withdraw().await.unwrap();

    let second = Stage::new();
    relay.lead_to(Some(second.address));
    first.router.stop(Duration::from_secs(1)).await;
    let opened = status(&client, |status| matches!(status, Status::Open(Opened::Anew { .. }))).await;
    let Status::Open(Opened::Anew { missing, .. }) = opened else {
        panic!()
    };
    assert!(missing.is_empty(), "{missing:?}");

    let other = second.session().await;
    other
        .publish_acknowledged("com.example.news", [1_u64.into()])
        .await
        .unwrap();
    let event = soon(news.next()).await.unwrap();
    assert_eq!(event.topic.unwrap(), "com.example.news");
    let result = soon(other.call("com.example.name", ())).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("com.example.name"));
    assert!(other.call("com.example.gone", ()).await.is_err());
    client.close().await;
    assert_eq!(soon(news.next()).await, None);
}

#[tokio::test]
async fn a_start_without_a_router_becomes_a_session_when_there_is_one() {
    let stage = Stage::new();
    let relay = Relay::to(stage.address).await;
    relay.lead_to(None);
    let client = builder(&relay, "rs").start();
    let ask = {
        let client = client.clone();
        tokio::spawn(async move { client.register("com.example.x", |_| async { Ok(().into()) }).await })
    };
    status(&client, |status| matches!(status, Status::Waiting { .. })).await;
    relay.lead_to(Some(stage.address));
    soon(ask).await.unwrap().unwrap();
    assert!(stage.session().await.call("com.example.x", ()).await.is_ok());
}

#[tokio::test]
async fn the_place_that_worked_last_is_tried_first() {
    let stage = Stage::new();
    let (wrong, right) = (Relay::to(stage.address).await, Relay::to(stage.address).await);
    wrong.lead_to(None);
    let target: Target = format!("rs://{}", right.address).parse().unwrap();
    let client = soon(builder(&wrong, "rs").at(target).open()).await.unwrap();
    assert_eq!((wrong.accepted(), right.accepted()), (1, 1));
    wrong.lead_to(Some(stage.address));
    right.cut();
    until(|| right.accepted() == 2).await;
    status(&client, Status::is_open).await;
    assert_eq!(wrong.accepted(), 1);
}

#[tokio::test]
async fn nobody_at_any_place_is_an_error_that_says_where() {
    let stage = Stage::new();
    let relay = Relay::to(stage.address).await;
    relay.lead_to(None);
    let unreached = soon(builder(&relay, "rs").open()).await.unwrap_err();
    assert_eq!(unreached.tried.len(), 1);
    assert!(
        unreached.to_string().contains(&relay.address.to_string()),
        "{unreached}"
    );
}

#[tokio::test]
async fn a_session_that_is_killed_is_followed_by_another() {
    let stage = Stage::new();
    let relay = Relay::to(stage.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let count = move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(().into()) }
    };
    client.register("com.example.count", count).await.unwrap();
    let session = client.session().await.unwrap();
    let other = stage.session().await;
    soon(other.call("wamp.session.kill", [session.id().get().into()]))
        .await
        .unwrap();
    assert!(matches!(soon(session.closed()).await, Closed::ByRouter(..)));
    status(&client, |status| matches!(status, Status::Open(Opened::Anew { .. }))).await;
    soon(other.call("com.example.count", ())).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert!(matches!(
        soon(session.call("com.example.count", ())).await,
        Err(Error::Closed(_))
    ));
}

/// A role that may do this and nothing else.
fn role(allow: &[Action]) -> Role {
    let rule = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow: allow.iter().copied().collect(),
        disclose: Disclose::OnRequest,
        consent: Consent::Given,
        trustlevel: None,
    };
    Role::new("anonymous", vec![rule]).unwrap()
}

/// A router that resumes nothing, and lets everybody take procedures over.
fn forgetful() -> Stage {
    let role = role(&[
        Action::Call,
        Action::Register,
        Action::Publish,
        Action::Subscribe,
        Action::TakeOver,
    ]);
    let limits = Limits {
        resume: None,
        ..Limits::default()
    };
    Stage::of(role, limits)
}

#[tokio::test]
async fn a_procedure_that_the_clients_own_earlier_session_still_holds_is_taken_over() {
    let stage = forgetful();
    let relay = Relay::to(stage.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    let serve = |_| async { Ok(Value::from("served").into()) };
    client.register("com.example.own", serve).await.unwrap();
    relay.cut_silently();
    let opened = status(&client, |status| matches!(status, Status::Open(Opened::Anew { .. }))).await;
    assert!(matches!(opened, Status::Open(Opened::Anew { missing, .. }) if missing.is_empty()));
    let other = stage.session().await;
    let count = soon(other.call("wamp.session.count", ())).await.unwrap().into_value();
    assert_eq!(count.as_u64(), Some(3), "the earlier one is there still");
    let result = soon(other.call("com.example.own", ())).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("served"));
}

#[tokio::test]
async fn a_procedure_that_somebody_else_offers_meanwhile_is_theirs() {
    let (first, second) = (forgetful(), forgetful());
    let relay = Relay::to(first.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    let serve = |_| async { Ok(Value::from("mine").into()) };
    client.register("com.example.own", serve).await.unwrap();
    let other = second.session().await;
    let serve = |_| async { Ok(Value::from("theirs").into()) };
    other.register("com.example.own", serve).await.unwrap();
    relay.lead_to(Some(second.address));
    relay.cut();
    let opened = status(&client, |status| matches!(status, Status::Open(Opened::Anew { .. }))).await;
    let Status::Open(Opened::Anew { missing, .. }) = opened else {
        panic!()
    };
    assert_eq!(missing[0].uri, "com.example.own");
    assert!(
        missing[0].error.to_string().contains("another session offers it"),
        "{}",
        missing[0]
    );
    let result = soon(client.call("com.example.own", ())).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("theirs"));
}

#[tokio::test]
async fn a_connection_that_is_dead_without_a_word_is_given_up_and_the_session_goes_on() {
    let stage = Stage::new();
    let relay = Relay::to(stage.address).await;
    let options = Options {
        keep_alive: Some(Duration::from_millis(150)),
        ..Options::new("realm1")
    };
    let target: Target = format!("ws://{}/ws", relay.address).parse().unwrap();
    let client = soon(Client::builder(options).at(target).open()).await.unwrap();
    let session = client.session().await.unwrap();
    // Nothing happens, and the router answers when it is asked.
    let moment = Duration::from_millis(600);
    let mut changes = client.status();
    changes.mark_unchanged();
    assert!(tokio::time::timeout(moment, changes.changed()).await.is_err());
    relay.stand_still();
    status(&client, |status| matches!(status, Status::Connecting { .. })).await;
    relay.go_on();
    status(&client, |status| matches!(status, Status::Open(Opened::Resumed))).await;
    assert_eq!(client.session().await.unwrap().id(), session.id());
}

#[tokio::test]
async fn over_a_unix_socket_a_session_ends_with_its_connection() {
    let stage = Stage::new();
    let target: Target = format!("unix:{}", stage.socket.display()).parse().unwrap();
    let client = Client::builder(Options::new("realm1")).at(target);
    let client = soon(client.open()).await.unwrap();
    assert!(client.session().await.unwrap().detail("resume_token").is_none());
    let relay = Relay::to(stage.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    assert!(client.session().await.unwrap().detail("resume_token").is_some());
}

#[tokio::test]
async fn what_the_session_loses_its_right_to_is_told_and_asked_for_again() {
    let stage = Stage::new();
    let relay = Relay::to(stage.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    let mut news = client.subscribe("com.example.news").await.unwrap();
    let serve = |_| async { Ok(Value::from("served").into()) };
    client.register("com.example.own", serve).await.unwrap();
    let (session, realm) = (
        client.session().await.unwrap().id(),
        stage.router.realm("realm1").unwrap(),
    );
    let give = |role: Role| realm.set_role(&Arc::new(role), |origin| origin.session == session);

    give(role(&[Action::Call]));
    let taken = |status: &Status| matches!(status, Status::Open(Opened::Changed { missing, .. }) if missing.len() == 2);
    let Status::Open(Opened::Changed { missing, ended }) = status(&client, taken).await else {
        panic!()
    };
    assert_eq!(
        (missing[0].uri.as_str(), missing[1].uri.as_str()),
        ("com.example.news", "com.example.own")
    );
    assert!(missing[0].to_string().contains("not_authorized"), "{}", missing[0]);
    assert!(ended.is_empty(), "{ended:?}");

    give(Role::unrestricted("anonymous"));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    let given = |status: &Status| matches!(status, Status::Open(Opened::Changed { missing, .. }) if missing.is_empty());
    status(&client, given).await;
    let other = stage.session().await;
    other
        .publish_acknowledged("com.example.news", [7_u64.into()])
        .await
        .unwrap();
    assert_eq!(soon(news.next()).await.unwrap().args.args, [Value::UInt(7)]);
    let result = soon(other.call("com.example.own", ())).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("served"));
}

#[tokio::test]
async fn what_is_taken_over_or_taken_away_by_hand_ends_and_goes_not_to_and_fro() {
    let stage = forgetful();
    let relay = Relay::to(stage.address).await;
    let client = soon(builder(&relay, "rs").open()).await.unwrap();
    let force = || RegisterOptions {
        force_reregister: true,
        ..RegisterOptions::default()
    };
    let serve = |_| async { Ok(Value::from("mine").into()) };
    client.register_with("com.example.own", force(), serve).await.unwrap();
    let mut news = client.subscribe("com.example.news").await.unwrap();
    let other = stage.session().await;
    let serve = |_| async { Ok(Value::from("theirs").into()) };
    other.register_with("com.example.own", force(), serve).await.unwrap();
    let over = |status: &Status| matches!(status, Status::Open(Opened::Changed { ended, .. }) if !ended.is_empty());
    let Status::Open(Opened::Changed { missing, ended }) = status(&client, over).await else {
        panic!()
    };
    assert_eq!((missing.len(), ended[0].uri.as_str()), (0, "com.example.own"));
    let result = soon(client.call("com.example.own", ())).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("theirs"));

    let subscription = soon(other.call("wamp.subscription.lookup", ["com.example.news".into()]))
        .await
        .unwrap();
    let session = client.session().await.unwrap().id().get();
    let remove = [subscription.into_value(), session.into()];
    soon(other.call("wamp.subscription.remove_subscriber", remove))
        .await
        .unwrap();
    assert_eq!(soon(news.next()).await, None);
}
