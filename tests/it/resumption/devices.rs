//! Devices that return to their desktop, and those that may not any more.

use client::{Args, Match, Session, Value};
use wamp::codec::Serializer;
use wamp::joiner::JoinOptions;
use wamp::message::{Message, Subscribe, SubscribeOptions};
use wamp::resumption::{Granted, Outcome, Return};

use super::client::{Client, Road, call, payload};
use crate::phone::Phone;
use crate::support::{Desk, Way, soon, until};

/// A session of a phone that can be resumed.
async fn session(desk: &Desk, phone: &Phone) -> Client {
    let options = JoinOptions {
        authid: Some(phone.id().to_owned()),
        key: Some(phone.key()),
        ..JoinOptions::anonymous("deskconn")
    };
    let road = Road::plain(desk.address(), Way::WebSocket, Serializer::Json);
    Client::join_as(road, options).await
}

async fn device(owner: &Session) -> (u64, u64) {
    let devices = owner.call("org.deskconn.devices.list", ()).await.unwrap().into_value();
    let device = devices.as_list().unwrap()[0].as_dict().unwrap().clone();
    (
        device["sessions"].as_u64().unwrap(),
        device["detached"].as_u64().unwrap(),
    )
}

async fn away(desk: &Desk, client: &mut Client) {
    client.cut();
    let realm = desk.daemon.router().realm("deskconn").unwrap();
    let is_away = || realm.report(1_000).sessions.iter().any(|session| session.is_detached);
    until("the connection to be lost", is_away).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_absent_until_it_returns_and_its_owner_sees_that() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let phone = Phone::pair(&desk, 1, Args::default()).await;
    let mut client = session(&desk, &phone).await;
    let topic = format!("org.deskconn.device.{}.on_presence", phone.id());
    let mut presence = owner.subscribe_retained(&topic, Match::Exact).await.unwrap();
    let mut next = async || {
        let event = soon("presence", presence.next()).await.unwrap();
        event.args.into_value().as_bool().unwrap()
    };
    while !next().await {}
    assert_eq!(device(&owner).await, (1, 0));
    away(&desk, &mut client).await;
    assert!(!next().await);
    assert_eq!(device(&owner).await, (0, 1));
    client.back().await;
    assert!(next().await);
    assert_eq!(device(&owner).await, (1, 0));
    // While the router has not noticed that the connection is lost, it is there.
    let old = client.link.take();
    client.back().await;
    drop(old);
    assert_eq!(device(&owner).await, (1, 0));
    let goodbye = wamp::message::Goodbye::new(wamp::error::CLOSE_NORMAL, "");
    client.send(Message::Goodbye(goodbye)).await;
    assert!(!next().await);
    assert_eq!(device(&owner).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_revoked_while_it_was_away_cannot_return() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let phone = Phone::pair(&desk, 1, Args::default()).await;
    let mut client = session(&desk, &phone).await;
    away(&desk, &mut client).await;
    let ended = owner.call("org.deskconn.devices.revoke", [phone.id().into()]).await;
    assert_eq!(ended.unwrap().into_value(), Value::from(1));
    let realm = desk.daemon.router().realm("deskconn").unwrap();
    assert!(realm.origins().iter().all(|origin| *origin.authid != *phone.id()));
    assert!(client.try_return(client.ticket()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_returns_may_do_what_its_role_says_now() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let phone = Phone::pair(&desk, 1, Args::default().with("role", "full")).await;
    let mut client = session(&desk, &phone).await;
    let request = client.request();
    let subscribe = Subscribe {
        request,
        options: SubscribeOptions::default(),
        topic: "org.deskconn.brightness.on_changed".into(),
    };
    client.send(Message::Subscribe(subscribe)).await;
    assert!(matches!(client.next().await, Message::Subscribed(_)));
    away(&desk, &mut client).await;
    owner
        .call("org.deskconn.devices.set_role", [phone.id().into(), "slides".into()])
        .await
        .unwrap();
    client.back().await;
    // It is told what it lost by that, and may not have it again.
    assert!(matches!(client.next().await, Message::SubscriptionRevoked(_)));
    let request = client.request();
    let ask = call(request, "org.deskconn.brightness.get", payload(Serializer::Json, 0));
    client.send(ask).await;
    let answer = client.next().await;
    let Message::Error(error) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(error.error, "wamp.error.not_authorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_tries_to_go_on_with_the_session_of_another_device_is_written_down() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let phone = Phone::pair(&desk, 1, Args::default()).await;
    let thief = Phone::pair(&desk, 2, Args::default()).await;
    let client = session(&desk, &phone).await;
    let thief = session(&desk, &thief).await;
    let guess = Return {
        token: "0".repeat(64),
        ..client.ticket()
    };
    // With a guess and with the right token.
    for ticket in [guess, client.ticket()] {
        let (_link, welcome) = thief.try_return(ticket).await.unwrap();
        let granted = Granted::of_welcome(&welcome).unwrap();
        assert!(matches!(granted.outcome, Outcome::Refused(_)));
    }
    let entries = owner.call("org.deskconn.audit.get", ()).await.unwrap().into_value();
    let entries = entries.as_list().unwrap().iter().map(|it| it.as_dict().unwrap());
    let refused: Vec<_> = entries
        .filter(|entry| entry["kind"] == Value::from("login.failed"))
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap().to_owned();
            (text("device"), text("detail"))
        })
        .collect();
    let id = thief.options.authid.clone().unwrap();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().all(|(device, _)| *device == id), "{refused:?}");
    assert!(refused[0].1.contains("token") && refused[1].1.contains("another principal"));
}
