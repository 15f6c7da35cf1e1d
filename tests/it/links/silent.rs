//! Routers that take events slowly, or never say that they have: what a link keeps for them is bounded, and what it cannot keep
//! is counted.

use client::{Serializer, Value};
use link::Link;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use wamp::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use wamp::limits::Bounds;
use wamp::message::{Message, Published, Registered, Subscribed, Welcome};
use wamp::value::Dict;

use super::{link, links, links_when, program, publish, realm, up};
use crate::support::{Desk, soon};

/// Events that may be unanswered: the bound of the daemon's links.
const MAX_UNANSWERED: u64 = 65_536;
const ALL_OUT: &str = "uri = \"com.\"\nmatch = \"prefix\"\ndirection = \"out\"";

/// Events that may be on their way: a router's queue has room for them.
const AHEAD: u64 = 1_000;

/// A router that lets a link in, and gives it what it asks for.
struct Other {
    listener: TcpListener,
}

impl Other {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    /// A daemon with a link to it.
    async fn linked(&self, more: &str) -> Desk {
        let to = format!("rs://{}", self.listener.local_addr().unwrap());
        Desk::with(&format!("{more}{}", realm(&link("other", &[to], ALL_OUT)))).await
    }

    async fn accept(&self) -> Link {
        let (stream, _) = self.listener.accept().await.unwrap();
        link::rawsocket::accept(stream, Bounds::JOINED, 1 << 20).await.unwrap()
    }
}

/// The next event that the link sends; what it asks for before is given to it.
async fn next_event(link: &mut Link) -> RequestId {
    loop {
        let message = link.reader.next().await.unwrap().unwrap();
        let answer = if let Message::Hello(_) = message {
            let details = Dict::from([("_router".to_owned(), Value::from("00000000000000aa"))]);
            let session = SessionId::FIRST;
            Message::Welcome(Welcome { session, details })
        } else if let Message::Subscribe(it) = message {
            let (request, subscription) = (it.request, SubscriptionId::FIRST);
            Message::Subscribed(Subscribed { request, subscription })
        } else if let Message::Register(it) = message {
            let (request, registration) = (it.request, RegistrationId::FIRST);
            Message::Registered(Registered { request, registration })
        } else if let Message::Publish(it) = message {
            return it.request;
        } else {
            continue;
        };
        link.writer.send(answer).await.unwrap();
    }
}

fn is_short_of(lost: u64) -> impl Fn(&[Dict]) -> bool {
    move |links| links[0]["dropped_out"].as_u64() == Some(lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_events_as_may_be_unanswered_go_out_and_one_more_is_lost_and_counted() {
    let other = Other::new().await;
    let desk = other.linked("").await;
    let (seen, mut watched) = watch::channel(0);
    let silent = tokio::spawn(async move {
        let mut link = other.accept().await;
        while *seen.borrow() < MAX_UNANSWERED {
            next_event(&mut link).await;
            seen.send_modify(|events| *events += 1);
        }
        link
    });
    let desk = up(desk).await;
    let publisher = program(&desk, Serializer::MessagePack).await;
    for number in 1..=MAX_UNANSWERED {
        publish(&publisher, "com.flood", number).await;
        let keeps_up = watched.wait_for(|seen| number - seen < AHEAD);
        soon("what was published before", keeps_up).await.unwrap();
    }
    let open = soon("all of them", silent).await.unwrap();
    assert_eq!(links(&desk.owner().await).await[0]["dropped_out"].as_u64(), Some(0));
    publish(&publisher, "com.flood", MAX_UNANSWERED + 1).await;
    links_when(&desk, "short of one event", is_short_of(1)).await;
    drop(open);
    // Whether those were taken that nobody answered, nobody knows: they are counted too.
    links_when(&desk, "short of all events", is_short_of(MAX_UNANSWERED + 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_faster_than_another_router_takes_it_is_counted_as_lost() {
    /// Much more than the queue of the link's session, and what the sockets hold.
    const FLOOD: u64 = 16_000;
    let other = Other::new().await;
    let desk = other.linked("[limits]\nqueue_bytes = 65536\n").await;
    let (go_on, wait) = oneshot::channel();
    let late = tokio::spawn(async move {
        let mut link = other.accept().await;
        let mut request = next_event(&mut link).await;
        wait.await.unwrap();
        loop {
            let publication = PublicationId::FIRST;
            let published = Message::Published(Published { request, publication });
            link.writer.send(published).await.unwrap();
            request = next_event(&mut link).await;
        }
    });
    let desk = up(desk).await;
    let publisher = program(&desk, Serializer::MessagePack).await;
    for _ in 0..FLOOD {
        publisher
            .publish("com.flood", [Value::Bytes(vec![7; 1_024])])
            .await
            .unwrap();
    }
    // When this is answered the router has had all of them.
    publisher.call("wamp.session.count", ()).await.unwrap();
    go_on.send(()).unwrap();
    let all_are_counted = |links: &[Dict]| {
        let figure = |key| links[0][key].as_u64().unwrap();
        figure("dropped_out") > 0 && figure("events_out") + figure("dropped_out") == FLOOD
    };
    links_when(&desk, "counted to the last event", all_are_counted).await;
    late.abort();
}
