//! Sessions that survive their connections (`docs/RESUMPTION.md`), as a client on bare links sees them.

mod bounds;
pub(crate) mod client;
mod cuts;
mod devices;
mod held;
mod refusals;
mod relay;

use std::sync::Arc;

use router::{Limits, Origins};
use wamp::codec::Serializer;
use wamp::message::Message;

use self::client::{Client, Road, number, payload, publish, subscribe};
use crate::support::{Way, until};
use crate::vault::Vault;

/// Makes a test of every link over the network, each with one serializer or two.
macro_rules! over_the_network {
    ($name:ident) => {
        crate::support::over! { $name:
            over_websocket_in_json, WebSocket, Json;
            over_websocket_in_cbor, WebSocket, Cbor;
            over_rawsocket_in_msgpack, RawSocket, MessagePack;
            over_rawsocket_in_json, RawSocket, Json;
            over_websocket_in_tls_in_msgpack, Wss, MessagePack;
            over_rawsocket_in_tls_in_cbor, Rss, Cbor;
            over_noise_in_json, Noise, Json;
            over_noise_in_cbor, Noise, Cbor;
            over_quic_in_msgpack, Quic, MessagePack;
        }
    };
}

/// A router with other limits.
fn limited(change: impl FnOnce(&mut Limits)) -> Vault {
    let mut limits = Limits::default();
    change(&mut limits);
    Vault::with(limits, Arc::new(Origins::default()))
}

/// Whether a session of the router waits for its client.
fn is_detached(vault: &Vault, client: &Client) -> bool {
    let report = vault.router.realm("realm1").unwrap().report(1_000);
    let sessions = report.sessions.iter();
    sessions
        .filter(|it| it.origin.session == client.session)
        .any(|it| it.is_detached)
}

async fn detached(vault: &Vault, client: &mut Client) {
    client.cut();
    until("the connection to be lost", || is_detached(vault, client)).await;
}

over_the_network!(events_of_the_time_without_connection_come_after_the_return_each_once_and_in_order);
async fn events_of_the_time_without_connection_come_after_the_return_each_once_and_in_order(
    way: Way,
    serializer: Serializer,
) {
    let vault = Vault::start();
    let mut subscriber = Client::join(Road::to(&vault, way, serializer)).await;
    let mut publisher = Client::join(Road::to(&vault, Way::RawSocket, Serializer::MessagePack)).await;
    let request = subscriber.request();
    subscriber.send(subscribe(request, "com.t")).await;
    let Message::Subscribed(_) = subscriber.next().await else {
        panic!()
    };
    let mut say = async |number: u64| {
        let request = publisher.request();
        let payload = payload(Serializer::MessagePack, number);
        publisher.send(publish(request, "com.t", payload, true)).await;
        assert!(matches!(publisher.next().await, Message::Published(_)));
    };
    say(1).await;
    assert_eq!(number(&subscriber.next().await), 1);
    // This one may be on its way when the connection is cut.
    say(2).await;
    detached(&vault, &mut subscriber).await;
    say(3).await;
    say(4).await;
    subscriber.back().await;
    say(5).await;
    for expected in 2..=5 {
        assert_eq!(number(&subscriber.next().await), expected);
    }
}
