//! Calls with results in parts, events and acknowledged publications in both directions, while connections are cut
//! after every byte: nothing is lost, nothing comes twice, the order stays.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;
use wamp::codec::Serializer;
use wamp::id::RequestId;
use wamp::message::{Call, CallOptions, CallResult, Invocation, Message, Published, Yield, YieldOptions};

use super::client::{Client, Road, number, payload, publish, register, subscribe};
use super::relay::Relay;
use crate::support::{PATIENCE, Way};
use crate::vault::Vault;

/// Results of each call before its last.
const PARTS: u64 = 2;

/// How often connections that are cut at random are cut at least, on each link.
const RETURNS: usize = 60;

/// One of two that call each other, and publish to each other.
struct Peer {
    client: Client,
    relay: Relay,
    /// After how many bytes each connection is cut, the last first.
    cuts: Vec<i64>,
    random: StdRng,
    tasks: u64,
    /// What each call has got, by its request.
    results: BTreeMap<RequestId, Vec<(u64, bool)>>,
    published: BTreeMap<RequestId, usize>,
    events: Vec<u64>,
    invocations: Vec<u64>,
    has_finished: bool,
    returns: usize,
}

impl Peer {
    async fn join(vault: &Vault, way: Way, serializer: Serializer, name: &str) -> Self {
        let relay = Relay::to(vault.address).await;
        let road = Road::past(relay.address, vault, way, serializer);
        let mut client = Client::join(road).await;
        let request = client.request();
        client.send(register(request, &format!("com.{name}.work"))).await;
        assert!(matches!(client.next().await, Message::Registered(_)));
        let request = client.request();
        client.send(subscribe(request, &format!("com.{name}.news"))).await;
        assert!(matches!(client.next().await, Message::Subscribed(_)));
        Self {
            client,
            relay,
            cuts: Vec::new(),
            random: StdRng::seed_from_u64(0),
            tasks: 0,
            results: BTreeMap::new(),
            published: BTreeMap::new(),
            events: Vec::new(),
            invocations: Vec::new(),
            has_finished: false,
            returns: 0,
        }
    }

    /// What is missing.
    fn state(&self) -> String {
        let Self {
            results,
            published,
            events,
            invocations,
            returns,
            ..
        } = self;
        let calls = results.iter().filter(|(_, parts)| parts.len() as u64 <= PARTS);
        let calls: Vec<_> = calls.collect();
        let published = published.values().filter(|number| **number == 0).count();
        let is_connected = self.client.link.is_some();
        format!(
            "connected {is_connected}, returned {returns} times, waits for {calls:?}, {published} PUBLISHED, has {} events, \
             {} invocations, {:?} unacknowledged, has received {}",
            events.len(),
            invocations.len(),
            self.client.outbound.load(),
            self.client.inbound.received(),
        )
    }

    fn arm(&mut self) {
        if let Some(bytes) = self.cuts.pop() {
            self.relay.cut_after(bytes, self.random.random());
        }
    }

    async fn back(&mut self) {
        self.client.back().await;
        self.returns += 1;
        self.arm();
    }

    async fn say(&mut self, message: Message) {
        if self.client.try_send(message).await.is_none() {
            self.back().await;
        }
    }

    fn payload(&self, number: u64) -> wamp::payload::Payload {
        payload(self.client.road.serializer, number)
    }

    /// Asks for everything, and serves the other until both have all.
    async fn run(&mut self, other: &str, finished: &watch::Sender<usize>) {
        self.arm();
        let mut finish = finished.subscribe();
        for task in 0..self.tasks {
            let request = self.client.request();
            self.results.insert(request, Vec::new());
            let call = Message::Call(Call {
                request,
                options: CallOptions {
                    receive_progress: true,
                    ..CallOptions::default()
                },
                procedure: format!("com.{other}.work").as_str().into(),
                payload: self.payload(task),
            });
            self.say(call).await;
            let request = self.client.request();
            self.published.insert(request, 0);
            let news = publish(request, &format!("com.{other}.news"), self.payload(task), true);
            self.say(news).await;
        }
        loop {
            self.note_end(finished);
            let next = tokio::select! {
                biased;
                next = self.client.try_next() => next,
                _ = finish.wait_for(|number| *number == 2) => return,
            };
            match next {
                Some(message) => self.take(message).await,
                None => self.back().await,
            }
        }
    }

    async fn take(&mut self, message: Message) {
        let argument = message.payload().filter(|it| !it.is_empty()).map(|_| number(&message));
        if let Message::Invocation(Invocation { request, .. }) = message {
            self.invocations.push(argument.unwrap());
            for part in 0..=PARTS {
                let options = YieldOptions {
                    progress: part < PARTS,
                    ..YieldOptions::default()
                };
                let payload = self.payload(part);
                self.say(Message::Yield(Yield {
                    request,
                    options,
                    payload,
                }))
                .await;
            }
        } else if let Message::Result(CallResult { request, details, .. }) = message {
            let results = self.results.get_mut(&request).unwrap();
            results.push((argument.unwrap(), details.progress));
        } else if let Message::Published(Published { request, .. }) = message {
            *self.published.get_mut(&request).unwrap() += 1;
        } else if let Message::Event(_) = message {
            self.events.push(argument.unwrap());
        } else {
            panic!("{message:?}");
        }
    }

    fn note_end(&mut self, finished: &watch::Sender<usize>) {
        let all = usize::try_from(self.tasks).unwrap();
        let is_done = self.results.values().all(|parts| parts.len() as u64 > PARTS)
            && self.published.values().all(|number| *number > 0)
            && self.events.len() >= all
            && self.invocations.len() >= all;
        if is_done && !self.has_finished {
            self.has_finished = true;
            finished.send_modify(|number| *number += 1);
        }
    }

    fn check(&self) {
        let parts: Vec<_> = (0..=PARTS).map(|part| (part, part < PARTS)).collect();
        for (request, results) in &self.results {
            assert_eq!(*results, parts, "of call {request:?}");
        }
        assert!(self.published.values().all(|number| *number == 1));
        let all: Vec<_> = (0..self.tasks).collect();
        assert_eq!(self.events, all);
        assert_eq!(self.invocations, all);
    }
}

/// Two peers that do the same for each other `tasks` times, whose connections are cut after so many bytes each; how
/// often they returned.
async fn work(peers: &mut [Peer; 2], tasks: u64, seed: u64, cuts: impl Fn(usize, &mut StdRng) -> Vec<i64>) -> usize {
    let (finished, _) = watch::channel(0);
    for (which, peer) in peers.iter_mut().enumerate() {
        peer.random = StdRng::seed_from_u64(seed.wrapping_mul(2) + which as u64);
        peer.cuts = cuts(which, &mut peer.random);
        peer.tasks = tasks;
        peer.results.clear();
        peer.published.clear();
        peer.events.clear();
        peer.invocations.clear();
        peer.has_finished = false;
        peer.returns = 0;
    }
    let [a, b] = peers;
    let both = async { tokio::join!(a.run("b", &finished), b.run("a", &finished)) };
    let done = tokio::time::timeout(PATIENCE, both).await;
    let states: Vec<_> = peers.iter().map(Peer::state).collect();
    for peer in peers.iter() {
        assert!(done.is_ok(), "with seed {seed} it hangs: {states:?}");
        peer.check();
    }
    peers.iter().map(|peer| peer.returns).sum()
}

async fn peers(vault: &Vault, way: Way, serializer: Serializer) -> [Peer; 2] {
    [
        Peer::join(vault, way, serializer, "a").await,
        Peer::join(vault, way, serializer, "b").await,
    ]
}

/// Two peers on one way; one is cut after each `step`th byte, up to where nothing is cut any more.
async fn cut_after_each(way: Way, serializer: Serializer, step: usize) {
    let vault = Vault::start();
    let mut peers = peers(&vault, way, serializer).await;
    let mut bytes = 1_i64;
    let mut last = usize::MAX;
    while last > 0 {
        last = work(&mut peers, 1, bytes.unsigned_abs(), |_, _| vec![bytes]).await;
        bytes += i64::try_from(step).unwrap();
    }
    assert!(bytes > 200, "after {bytes} bytes all was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_wherever_a_rawsocket_is_cut() {
    cut_after_each(Way::RawSocket, Serializer::MessagePack, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_wherever_a_websocket_is_cut() {
    cut_after_each(Way::WebSocket, Serializer::Json, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_wherever_tls_is_cut() {
    cut_after_each(Way::Wss, Serializer::Cbor, 23).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_wherever_noise_is_cut() {
    cut_after_each(Way::Noise, Serializer::Cbor, 23).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_however_often_connections_are_cut() {
    for (seed, (way, serializer)) in [
        (Way::RawSocket, Serializer::Json),
        (Way::WebSocket, Serializer::MessagePack),
        (Way::Rss, Serializer::Cbor),
        (Way::Noise, Serializer::Json),
    ]
    .into_iter()
    .enumerate()
    {
        let vault = Vault::start();
        let mut peers = peers(&vault, way, serializer).await;
        // How much a connection carries before it is cut, and what is said again after it, differ from run to run.
        let mut all = 0;
        for round in 0.. {
            let seed = seed as u64 * 100 + round;
            let cuts = |_: usize, random: &mut StdRng| (0..20).map(|_| random.random_range(1..800)).collect();
            let returns = work(&mut peers, 40, seed, cuts).await;
            assert!(returns > 0, "with seed {seed} no connection was cut");
            all += returns;
            if all >= RETURNS {
                break;
            }
        }
    }
}
