//! Requests that wait for an authorizer while the connection is lost: they have arrived, and are served once.

use std::sync::Arc;

use client::{Invocation, Value};
use tokio::sync::Semaphore;
use wamp::codec::Serializer;
use wamp::joiner::JoinOptions;
use wamp::limits::HELD_REQUESTS;
use wamp::message::{Message, Published};

use super::client::{Client, Road, payload, publish};
use crate::authorizer::home;
use crate::support::{Way, soon, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_for_an_authorizer_are_neither_lost_nor_doubled_and_no_more_are_read_than_may_wait() {
    const REQUESTS: u64 = 4 * HELD_REQUESTS as u64;
    let (desk, keeper) = home().await;
    let turns = Arc::new(Semaphore::new(0));
    let authorize = {
        let turns = Arc::clone(&turns);
        move |_: Invocation| {
            let turns = Arc::clone(&turns);
            async move {
                turns.acquire().await.unwrap().forget();
                Ok(Value::from(true).into())
            }
        }
    };
    keeper.register("com.authorize", authorize).await.unwrap();
    let mut events = keeper.subscribe("com.news").await.unwrap();
    let road = Road::plain(desk.address(), Way::RawSocket, Serializer::Json);
    let mut guest = Client::join_as(road, JoinOptions::anonymous("home")).await;
    let mut requests = Vec::new();
    for number in 0..REQUESTS {
        let request = guest.request();
        requests.push(request);
        let news = publish(request, "com.news", payload(Serializer::Json, number), true);
        guest.send(news).await;
    }
    let realm = desk.daemon.router().realm("home").unwrap();
    // As much as may waits, and after each return still.
    for _ in 0..3 {
        let read = || {
            realm
                .report(10)
                .sessions
                .iter()
                .map(|it| it.requests.publications)
                .sum::<u64>()
        };
        until("as much to be read as may be", || read() >= HELD_REQUESTS as u64).await;
        // The session is not read, so the router does not notice that the connection is lost.
        guest.back().await;
    }
    let held = realm
        .report(10)
        .sessions
        .iter()
        .map(|it| it.requests.publications)
        .sum::<u64>();
    assert!(held < 2 * HELD_REQUESTS as u64, "{held} were read");
    turns.add_permits(usize::try_from(REQUESTS).unwrap());
    for expected in requests {
        let Message::Published(Published { request, .. }) = guest.next().await else {
            panic!()
        };
        assert_eq!(request, expected);
    }
    for expected in 0..REQUESTS {
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(event.args.args[0], Value::from(expected));
    }
}
