//! What is forwarded, and what is not, whatever the other router wants.

use client::{Error, Match, Serializer, Session, SubscribeOptions, Subscription, Value};

use super::{alone, link, linked, links_when, program, publish, realm, realm_with};
use crate::support::{Desk, soon};

async fn hears(session: &Session, uri: &str, policy: Match) -> Subscription {
    let options = SubscribeOptions {
        policy,
        ..SubscribeOptions::default()
    };
    session.subscribe_with(uri, options).await.unwrap()
}

/// The topics of those events at `to` which programs at `from` publish under these, the last of which arrives.
async fn arrive(from: &Desk, to: &Desk, topics: &[&str]) -> Vec<String> {
    let publisher = program(from, Serializer::Json).await;
    let mut events = hears(&program(to, Serializer::Cbor).await, "", Match::Prefix).await;
    for topic in topics {
        publish(&publisher, topic, 0).await;
    }
    let mut arrived = Vec::new();
    while arrived.last().map(String::as_str) != topics.last().copied() {
        let event = soon("an event", events.next()).await.unwrap();
        arrived.push(event.topic.unwrap().to_string());
    }
    arrived
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_uri_a_prefix_and_a_pattern_are_forwarded_and_nothing_beside_them() {
    let topics = [
        "com.exact",
        "com.exact.more",
        "com.some.x",
        "com.other",
        "com.a.door",
        "com.a.b.door",
        "com.b.door",
    ];
    for (rule, expected) in [
        ("uri = \"com.exact\"", &["com.exact"][..]),
        ("uri = \"com.some.\"\nmatch = \"prefix\"", &["com.some.x"]),
        (
            "uri = \"com..door\"\nmatch = \"wildcard\"",
            &["com.a.door", "com.b.door"],
        ),
    ] {
        let b = alone().await;
        let last = "[[realm.link.forward]]\nuri = \"com.last\"\ndirection = \"out\"";
        let a = linked(&[&b], &format!("{rule}\ndirection = \"out\"\n{last}")).await;
        let all: Vec<_> = topics.iter().copied().chain(["com.last"]).collect();
        let expected: Vec<_> = expected.iter().copied().chain(["com.last"]).collect();
        assert_eq!(arrive(&a, &b, &all).await, expected, "{rule}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_direction_and_each_kind_is_chosen() {
    let b = alone().await;
    let rules = "uri = \"com.out.\"\nmatch = \"prefix\"\ndirection = \"out\"\nwhat = [\"events\"]\n\
                 [[realm.link.forward]]\nuri = \"com.in.\"\nmatch = \"prefix\"\ndirection = \"in\"\n\
                 [[realm.link.forward]]\nuri = \"com.last\"\ndirection = \"both\"";
    let a = linked(&[&b], rules).await;
    assert_eq!(
        arrive(&a, &b, &["com.out.x", "com.in.x", "com.last"]).await,
        ["com.out.x", "com.last"]
    );
    assert_eq!(
        arrive(&b, &a, &["com.out.x", "com.in.x", "com.last"]).await,
        ["com.in.x", "com.last"]
    );
    let (at_a, at_b) = (program(&a, Serializer::Json).await, program(&b, Serializer::Json).await);
    for session in [&at_a, &at_b] {
        let hello = |_| async { Ok(Value::from("hello").into()) };
        for procedure in ["com.out.p", "com.in.p"] {
            session.register(procedure, hello).await.unwrap();
        }
    }
    at_a.register("com.in.a", |_| async { Ok(Value::from("a").into()) })
        .await
        .unwrap();
    at_a.register("com.out.a", |_| async { Ok(Value::from("a").into()) })
        .await
        .unwrap();
    let called = soon("the call", at_b.call("com.in.a", ())).await.unwrap();
    assert_eq!(called.into_value().as_str(), Some("a"));
    let called = soon("the call", at_b.call("com.out.a", ())).await;
    assert!(matches!(called, Err(Error::Request(error)) if error.uri == "wamp.error.no_such_procedure"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_a_router_or_a_desktop_is_not_forwarded_by_a_rule_for_everything() {
    let b = Desk::with(&realm_with("", "")).await;
    let a = linked(&[&b], "uri = \"\"\nmatch = \"prefix\"\ndirection = \"both\"").await;
    let own = ["org.deskconn.app.x", "com.last"];
    assert_eq!(arrive(&a, &b, &own).await, ["com.last"]);
    assert_eq!(arrive(&b, &a, &own).await, ["com.last"]);
    // Sessions join and leave in both realms; who listens to that in one hears of that one alone.
    let at_b = program(&b, Serializer::Json).await;
    let mut joins = hears(&at_b, "wamp.session.on_join", Match::Exact).await;
    let elsewhere = program(&a, Serializer::Json).await;
    let here = program(&b, Serializer::Json).await;
    let joined = soon("the event", joins.next()).await.unwrap();
    assert_eq!(
        joined.args.args[0].as_dict().unwrap()["session"].as_u64(),
        Some(here.id().get())
    );
    elsewhere
        .register("org.deskconn.app.p", |_| async { Ok(().into()) })
        .await
        .unwrap();
    let called = soon("the call", at_b.call("org.deskconn.app.p", ())).await;
    assert!(matches!(called, Err(Error::Request(error)) if error.uri == "wamp.error.no_such_procedure"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callee_of_the_realm_itself_goes_before_that_of_another_router() {
    let b = alone().await;
    let a = linked(&[&b], "uri = \"com.p\"\ndirection = \"out\"").await;
    let (at_a, at_b) = (program(&a, Serializer::Json).await, program(&b, Serializer::Json).await);
    at_b.register("com.p", |_| async { Ok(Value::from("there").into()) })
        .await
        .unwrap();
    let called = soon("the call", at_a.call("com.p", ())).await.unwrap();
    assert_eq!(called.into_value().as_str(), Some("there"));
    let own = at_a
        .register("com.p", |_| async { Ok(Value::from("here").into()) })
        .await
        .unwrap();
    let called = soon("the call", at_a.call("com.p", ())).await.unwrap();
    assert_eq!(called.into_value().as_str(), Some("here"));
    at_a.unregister(own).await.unwrap();
    let called = soon("the call", at_a.call("com.p", ())).await.unwrap();
    assert_eq!(called.into_value().as_str(), Some("there"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_is_none_of_a_link_forwards_nothing_and_the_reason_is_told() {
    let b = Desk::with(&realm("").replace("link = true", "link = false")).await;
    let a = Desk::with(&realm(&link("b", &[super::address(&b)], super::ALL))).await;
    let links = super::state(&a, "refused").await;
    assert!(links[0]["why"].as_str().unwrap().contains("link = true"), "{links:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_role_there_does_not_allow_is_told_and_the_rest_is_forwarded() {
    let b = Desk::with(&realm_with("com.may.", "")).await;
    let rules = "uri = \"com.may.\"\nmatch = \"prefix\"\ndirection = \"both\"\n\
                 [[realm.link.forward]]\nuri = \"com.not.\"\nmatch = \"prefix\"\ndirection = \"both\"";
    let a = linked(&[&b], rules).await;
    let is_told = |links: &[wamp::value::Dict]| links[0]["missing"].as_list().unwrap().len() == 2;
    let links = links_when(&a, "told what is missing", is_told).await;
    let missing = links[0]["missing"].as_list().unwrap();
    assert!(
        missing.iter().all(|it| it.as_str().unwrap().contains("com.not.")),
        "{missing:?}"
    );
    assert_eq!(arrive(&a, &b, &["com.not.x", "com.may.x"]).await, ["com.may.x"]);
    let is_counted = |links: &[wamp::value::Dict]| links[0]["dropped_out"].as_u64() == Some(1);
    links_when(&a, "counting what was refused", is_counted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_itself_forwards_nothing() {
    let relay = crate::keeping::relay::Relay::to(([127, 0, 0, 1], 1).into()).await;
    let to = [format!("rs://{}", relay.address)];
    let a = Desk::with(&realm(&link("self", &to, super::ALL))).await;
    relay.lead_to(Some(a.address()));
    let is_itself = |links: &[wamp::value::Dict]| links[0]["why"].as_str().is_some_and(|why| why.contains("itself"));
    links_when(&a, "to themselves", is_itself).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_say_they_come_from_another_router_are_not_believed() {
    use wamp::message::{Message, Passthru, Publish, PublishOptions, Route, RouterId};
    let desk = alone().await;
    let liar = program(&desk, Serializer::Json).await;
    let mut events = super::listen(&program(&desk, Serializer::Json).await).await;
    let route = Route {
        via: vec![RouterId::new(1)],
        origin: wamp::id::PublicationId::new(5),
        from: Some(wamp::message::Origin {
            session: liar.id(),
            authid: "owner".into(),
            authrole: "owner".into(),
        }),
        ..Route::default()
    };
    for number in 0..2_u64 {
        let publish = |request| {
            Message::Publish(Publish {
                request,
                options: PublishOptions {
                    passthru: Passthru::with_route(None, route.clone()),
                    ..PublishOptions::default()
                },
                topic: "com.t".into(),
                payload: wamp::payload::Payload::from_values(Serializer::Json, &[number.into()], &Default::default())
                    .unwrap(),
            })
        };
        liar.pass_request(publish).await.unwrap();
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(
            (event.args.args[0].as_u64(), event.publisher),
            (Some(number), None),
            "neither dropped nor believed"
        );
    }
}
