//! What happens to links when connections, addresses and routers fail.

use client::{Options, PublishOptions, Serializer, Session, Value};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use wamp::value::Dict;

use super::{
    ALL, alone, link, link_as, links, links_when, listen, look_again, next, numbers_to, program, publish, realm, state,
    up,
};
use crate::apart::Apart;
use crate::keeping::relay::Relay;
use crate::support::{Desk, Way, soon};

const KEPT: &str = "uri = \"com.kept.\"\nmatch = \"prefix\"\ndirection = \"both\"\nwhat = [\"events\"]\nkeep = true";

fn through(relay: &Relay) -> String {
    format!("rs://{}", relay.address)
}

async fn acknowledged(session: &Session, topic: &str, number: u64) {
    let options = PublishOptions {
        acknowledge: true,
        delivered: true,
        ..PublishOptions::default()
    };
    let published = session.publish_with(topic, [number.into()], options);
    soon("the publication", published).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing_that_is_kept_and_double_nothing() {
    const MANY: u64 = 400;
    let b = alone().await;
    let relay = Relay::to(b.address()).await;
    let a = up(Desk::with(&realm(&link("b", &[through(&relay)], KEPT))).await).await;
    let publisher = program(&a, Serializer::Json).await;
    let mut hears = listen(&program(&b, Serializer::Cbor).await).await;
    let mut random = StdRng::seed_from_u64(7);
    // A few connections, each of which is cut at some byte; with more it would be waited for longer and longer each time.
    let mut cuts = 0;
    relay.cut_after(move || {
        cuts += 1;
        if cuts > 3 {
            i64::MAX
        } else {
            random.random_range(2_000..40_000)
        }
    });
    relay.cut();
    for number in 1..=MANY {
        acknowledged(&publisher, "com.kept.t", number).await;
    }
    assert_eq!(numbers_to(&mut hears, MANY).await, (1..=MANY).collect::<Vec<_>>());
    assert!(relay.accepted() >= 4, "{} connections", relay.accepted());
    let is_delivered =
        |links: &[Dict]| links[0]["waiting"].as_u64() == Some(0) && links[0]["events_out"].as_u64() == Some(MANY);
    let links = links_when(&a, "at rest", is_delivered).await;
    assert_eq!(links[0]["dropped_out"].as_u64(), Some(0));
    // Nothing of it comes later.
    acknowledged(&publisher, "com.kept.t", MANY + 1).await;
    assert_eq!(next(&mut hears).await, MANY + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_in_survives_cuts_within_the_time_of_the_session() {
    const MANY: u64 = 400;
    let b = alone().await;
    let relay = Relay::to(b.address()).await;
    let a = up(Desk::with(&realm(&link("b", &[through(&relay)], ALL))).await).await;
    let publisher = program(&b, Serializer::Json).await;
    let mut hears = listen(&program(&a, Serializer::Cbor).await).await;
    for number in 1..=MANY {
        publish(&publisher, "com.t", number).await;
        if number % 100 == 0 {
            relay.cut();
        }
    }
    assert_eq!(numbers_to(&mut hears, MANY).await, (1..=MANY).collect::<Vec<_>>());
}

async fn join(daemon: &Apart) -> Session {
    let target = format!("ws://{}/ws", daemon.address).parse().unwrap();
    Session::connect(&target, Options::new("home")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_is_delivered_once_though_both_routers_are_killed() {
    let configuration =
        realm("[[realm.history]]\nuri = \"com.kept.\"\nmatch = \"prefix\"\nkeep = 1000\nstore = \"disk\"\n");
    let b = Apart::start(&configuration);
    let relay = Relay::to(b.address).await;
    let linked = realm(&link("b", &[through(&relay)], KEPT));
    let mut a = Apart::start(&linked);
    let mut b = Some(b);
    let mut number = 0;
    for round in 0..3 {
        let publisher = join(&a).await;
        for _ in 0..30 {
            number += 1;
            acknowledged(&publisher, "com.kept.t", number).await;
        }
        // In the middle of whatever it does.
        a = Apart::start_at(a.killed(), &linked);
        if round == 1 {
            relay.lead_to(None);
            let killed = b.take().unwrap().killed();
            let again = Apart::start_at(killed, &configuration);
            relay.lead_to(Some(again.address));
            b = Some(again);
        }
    }
    let owner = a.owner().await;
    let delivered = async {
        while links(&owner).await[0]["waiting"].as_u64() != Some(0) {
            look_again().await;
        }
    };
    soon("the delivery", delivered).await;
    let reader = join(b.as_ref().unwrap()).await;
    let events = reader
        .call("wamp.subscription.get_events", [1_u64.into()])
        .await
        .unwrap();
    let numbers: Vec<_> = events.args[0].as_list().unwrap().iter().map(number_of).collect();
    assert_eq!(numbers, (1..=number).collect::<Vec<_>>());
}

fn number_of(event: &Value) -> u64 {
    event.as_dict().unwrap()["args"].as_list().unwrap()[0].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_address_is_taken_where_the_first_is_dead_and_the_first_again_later() {
    let b = alone().await;
    let (first, second) = (Relay::to(b.address()).await, Relay::to(b.address()).await);
    first.lead_to(None);
    let to = [through(&first), through(&second)];
    let a = up(Desk::with(&realm(&link("b", &to, ALL))).await).await;
    let links = state(&a, "up").await;
    assert_eq!(links[0]["address"].as_str(), Some(to[1].as_str()));
    first.lead_to(Some(b.address()));
    second.cut();
    let is_first = |links: &[Dict]| {
        (links[0]["address"].as_str(), links[0]["state"].as_str()) == (Some(to[0].as_str()), Some("up"))
    };
    links_when(&a, "up at the first address", is_first).await;
    let (publisher, hearer) = (program(&a, Serializer::Json).await, program(&b, Serializer::Json).await);
    let mut hears = listen(&hearer).await;
    publish(&publisher, "com.t", 1).await;
    assert_eq!(next(&mut hears).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_told_and_what_is_lost_meanwhile_is_counted() {
    let b = alone().await;
    let wrong = link("b", &[super::address(&b)], ALL).replace("secret = \"open\"", "secret = \"shut\"");
    let a = Desk::with(&realm(&wrong)).await;
    let links = state(&a, "refused").await;
    let why = links[0]["why"].as_str().unwrap();
    assert!(why.contains("authentication_failed"), "{why}");
    let publisher = program(&a, Serializer::Json).await;
    for number in 0..5 {
        publish(&publisher, "com.t", number).await;
    }
    links_when(&a, "counting", |links| links[0]["dropped_out"].as_u64() == Some(5)).await;
    // Whoever looks at the link's session in the realm is told the same.
    let session = links_session(&publisher).await;
    let link = session["link"].as_dict().unwrap();
    assert_eq!(
        (link["name"].as_str(), link["state"].as_str()),
        (Some("b"), Some("refused"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_said_no_is_asked_again_after_a_while() {
    let b = Desk::with(&realm("").replace("\"open\"", "\"shut\"")).await;
    let relay = Relay::to(b.address()).await;
    let a = Desk::with(&realm(&link("b", &[format!("rs://{}", relay.address)], ALL))).await;
    state(&a, "refused").await;
    // Somebody puts it right.
    let b = alone().await;
    relay.lead_to(Some(b.address()));
    state(&a, "up").await;
}

/// What the realm tells of the session of its link.
async fn links_session(program: &Session) -> Dict {
    let all = program.call("wamp.session.list", ()).await.unwrap().into_value();
    for id in all.as_list().unwrap() {
        let session = program
            .call("wamp.session.get", [id.clone()])
            .await
            .unwrap()
            .into_value();
        let session = session.as_dict().unwrap().clone();
        if session["authrole"].as_str() == Some("link") {
            return session;
        }
    }
    panic!("the link has no session")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_links_between_the_same_routers_double_nothing() {
    let b = alone().await;
    let relay = Relay::to(b.address()).await;
    let both = format!(
        "{}{}",
        link("one", &[through(&relay)], ALL),
        link_as("south", "two", &[super::address(&b)], ALL)
    );
    let a = up(Desk::with(&realm(&both)).await).await;
    let (publisher, hearer) = (program(&a, Serializer::Json).await, program(&b, Serializer::Json).await);
    let mut hears = listen(&hearer).await;
    for number in 1..=200 {
        publish(&publisher, "com.t", number).await;
        if number == 100 {
            relay.lead_to(None);
            relay.cut();
        }
    }
    assert_eq!(numbers_to(&mut hears, 200).await, (1..=200).collect::<Vec<_>>());
    let mut back = listen(&publisher).await;
    publish(&hearer, "com.t", 300).await;
    assert_eq!(next(&mut back).await, 300);
}

async fn is_up(a: &Apart) {
    let owner = a.owner().await;
    while links(&owner).await[0]["state"].as_str() != Some("up") {
        look_again().await;
    }
}

/// A router whose link was killed leaves a session there that nobody serves any more: the new one is asked first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_to_the_link_of_the_router_that_runs_not_to_the_one_that_was_killed() {
    let b = alone().await;
    let to = format!("ws://{}/ws", b.address());
    let linked = realm(&link("b", &[to], ALL));
    let a = Apart::start(&linked);
    let caller = b.join(Way::RawSocket, Serializer::Json, "home").await;
    let offer = |a: &Apart| {
        let target = format!("ws://{}/ws", a.address).parse().unwrap();
        async move {
            let callee = Session::connect(&target, Options::new("home")).await.unwrap();
            callee
                .register("com.p", |_| async { Ok(Value::from(1).into()) })
                .await
                .unwrap();
            callee
        }
    };
    let callee = offer(&a).await;
    soon("the link", is_up(&a)).await;
    soon("the result", caller.call("com.p", ())).await.unwrap();
    drop(callee);
    let a = Apart::start_at(a.killed(), &linked);
    let _callee = offer(&a).await;
    soon("the link", is_up(&a)).await;
    soon("the result", caller.call("com.p", ())).await.unwrap();
}
