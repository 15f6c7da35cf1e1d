//! The client that stays, with the real daemon: over all that is encrypted, through restarts, and until it is revoked.

#[allow(dead_code, reason = "not every fault is needed here")]
#[path = "../../clients/rust/tests/session/relay.rs"]
pub(crate) mod relay;

use std::time::Duration;

use client::{Args, Builder, Client, Closed, Error, Opened, Options, Serializer, Session, Status, Value};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::relay::Relay;
use crate::phone::Phone;
use crate::support::{Desk, Way, soon};
use crate::vault::{self, Vault};

/// Calls of each kind.
const MANY: u64 = 400;
/// Bytes that a connection lives at most: shaking hands and logging in take up to five thousand, both ways together.
const LONGEST: i64 = 12_000;

fn quick(options: Options, way: Way, relay: &Relay) -> Builder {
    Client::builder(options)
        .at(vault::target(way, relay.address))
        .pauses(Duration::from_millis(1), Duration::from_millis(2))
}

async fn status(client: &Client, is_so: impl FnMut(&Status) -> bool) -> Status {
    let mut status = client.status();
    soon("the status", status.wait_for(is_so)).await.unwrap().clone()
}

fn number(args: &Args) -> u64 {
    args.args.first().and_then(Value::as_u64).unwrap()
}

async fn count_up(session: &Session, procedure: &str) {
    for sent in 0..MANY {
        let result = session.call(procedure, [sent.into()]).await.unwrap();
        assert_eq!(number(&result), sent + 1, "{procedure}");
    }
}

/// Calls both ways through connections that are cut after any byte.
async fn survives(way: Way, serializer: Serializer) {
    let vault = Vault::start();
    let relay = Relay::to(vault.address).await;
    let options = Options {
        serializers: vec![serializer],
        ..Options::new("realm1")
    };
    let client = quick(vault.options(way, options), way, &relay).open();
    let client = soon("the session", client).await.unwrap();
    let other = vault.join(Way::RawSocket).await;
    let add = |call: client::Invocation| async move {
        let number = call.args.first().and_then(Value::as_u64).unwrap_or_default();
        Ok(Value::from(number + 1).into())
    };
    client.register("com.example.there", add).await.unwrap();
    other.register("com.example.here", add).await.unwrap();
    let mut random = StdRng::seed_from_u64(way as u64);
    relay.cut_after(move || random.random_range(1..LONGEST));
    relay.cut();
    let session = client.session().await.unwrap();
    let both = async {
        tokio::join!(
            count_up(&session, "com.example.here"),
            count_up(&other, "com.example.there")
        )
    };
    soon("the calls", both).await;
    assert!(relay.accepted() > 5, "{} connections", relay.accepted());
    assert_eq!(client.session().await.unwrap().id(), session.id());
    relay.heal();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_survive_cuts_of_websocket_in_tls() {
    survives(Way::Wss, Serializer::Cbor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_survive_cuts_of_rawsocket_in_tls() {
    survives(Way::Rss, Serializer::MessagePack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_survive_cuts_of_noise() {
    survives(Way::Noise, Serializer::Json).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_revoked_while_it_is_away_comes_back_no_more() {
    let desk = Desk::start().await;
    let phone = Phone::pair(&desk, 1, Args::default()).await;
    let relay = Relay::to(desk.address()).await;
    let client = quick(phone.options(Way::Wss), Way::Wss, &relay).open();
    let client = soon("the session", client).await.unwrap();
    relay.lead_to(None);
    // The daemon believes that it is there still.
    relay.cut_silently();
    status(&client, |status| matches!(status, Status::Waiting { .. })).await;
    let owner = desk.owner().await;
    owner
        .call("org.deskconn.devices.revoke", [phone.id().into()])
        .await
        .unwrap();
    relay.lead_to(Some(desk.address()));
    status(&client, |status| matches!(status, Status::Refused { until: None, .. })).await;
    let call = soon("the refusal", client.call("org.deskconn.info.get", ())).await;
    assert!(matches!(call, Err(Error::Closed(Closed::Refused(_)))), "{call:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paired_device_is_served_again_by_a_daemon_that_was_started_anew() {
    let desk = Desk::start().await;
    let phone = Phone::pair(&desk, 1, Args::default().with("role", "bus")).await;
    let relay = Relay::to(desk.address()).await;
    let client = quick(phone.options(Way::Rss), Way::Rss, &relay).open();
    let client = soon("the session", client).await.unwrap();
    let hello = |_| async { Ok(Value::from("hello").into()) };
    client.register("org.deskconn.app.hello", hello).await.unwrap();
    let Desk { daemon, home, .. } = desk;
    relay.lead_to(None);
    soon("the end", daemon.stop()).await;
    let desk = Desk::at(home, "").await;
    relay.lead_to(Some(desk.address()));
    let opened = status(&client, |status| matches!(status, Status::Open(Opened::Anew { .. }))).await;
    assert!(matches!(opened, Status::Open(Opened::Anew { missing, .. }) if missing.is_empty()));
    let result = desk.owner().await.call("org.deskconn.app.hello", ()).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("hello"));
}
