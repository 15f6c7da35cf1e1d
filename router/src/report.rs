//! What the sessions of a realm do, in figures that only grow: whoever wants rates looks twice.
//!
//! They are plain integers under the realm's lock, which whoever routes a message holds anyway.

use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::SystemTime;

use link::Writer;
use tokio::sync::Notify;
use wamp::codec::Serializer;
use wamp::id::SessionId;
use wamp::message::{Message, Origin};
use wamp::realm::{Realm, Requests};
use wamp::uri::Uri;
use wamp::value::Dict;

use crate::gate::{Peer, Transport};
use crate::outbox::Outbox;
use crate::realm::Lease;

/// What was delivered, counted from the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// INVOCATION messages.
    pub invocations: u64,
    /// EVENT messages.
    pub events: u64,
    /// Events that were lost because the receiver was too slow, or could not take them.
    pub dropped: u64,
}

impl Traffic {
    /// The count of one message.
    pub(crate) const fn of(message: &Message) -> Self {
        Self {
            invocations: matches!(message, Message::Invocation(_)) as u64,
            events: matches!(message, Message::Event(_)) as u64,
            dropped: 0,
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Self) {
        self.invocations += more.invocations;
        self.events += more.events;
        self.dropped += more.dropped;
    }
}

/// How a session came. Of what protects its channel only the kind is kept, and none of its secrets.
#[derive(Debug)]
pub(crate) struct Arrival {
    transport: Transport,
    address: Option<SocketAddr>,
    channel: &'static str,
    serializer: Option<Serializer>,
    since: SystemTime,
}

impl Arrival {
    /// Somebody who comes now.
    pub(crate) fn now(peer: &Peer, writer: &Writer) -> Self {
        Self {
            transport: peer.transport.clone(),
            address: peer.address,
            channel: peer.channel.name(),
            serializer: writer.serializer(),
            since: SystemTime::now(),
        }
    }

    /// What the meta API tells of it.
    pub(crate) fn transport(&self) -> Dict {
        let mut told = Dict::from([
            ("type".to_owned(), self.transport.name().into()),
            ("channel".to_owned(), self.channel.into()),
        ]);
        if let Some(address) = self.address {
            told.insert("peer".to_owned(), address.to_string().into());
        }
        if let Some(serializer) = self.serializer {
            told.insert("serializer".to_owned(), serializer.name().into());
        }
        told
    }
}

/// A session's place in a realm: where its messages go, and how many went there. The figures stand beside the reference
/// to the queue, in memory that each delivery reads in any case.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) traffic: Traffic,
    arrival: Box<Arrival>,
    released: Arc<Notify>,
    /// Of a session that can be resumed.
    pub(crate) lease: Option<Box<Lease>>,
}

impl Seat {
    pub(crate) fn new(outbox: Arc<Outbox>, arrival: Arrival, lease: Option<Box<Lease>>) -> Self {
        Self {
            outbox,
            traffic: Traffic::default(),
            arrival: Box::new(arrival),
            released: Arc::default(),
            lease,
        }
    }

    /// The session goes on over another connection. When it joined stays as it is.
    pub(crate) fn arrive_again(&mut self, arrival: Arrival) {
        let since = self.arrival.since;
        *self.arrival = Arrival { since, ..arrival };
    }

    /// What the task waits for that reads the session, while as much as may be waits for an authorizer.
    pub(crate) fn released(&self) -> Arc<Notify> {
        Arc::clone(&self.released)
    }

    /// Lets the session be read again.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }

    /// Its figures; `None` when the realm has forgotten it.
    pub(crate) fn report(&self, realm: &Realm, session: SessionId) -> Option<SessionReport> {
        let (queued_messages, queued_bytes) = self.outbox.load();
        Some(SessionReport {
            origin: realm.origin(session)?.clone(),
            transport: self.arrival.transport.clone(),
            address: self.arrival.address,
            channel: self.arrival.channel,
            serializer: self.arrival.serializer,
            since: self.arrival.since,
            is_detached: self.lease.as_ref().is_some_and(|lease| lease.is_detached()),
            requests: realm.requests_of(session)?,
            traffic: self.traffic,
            queued_messages,
            queued_bytes,
        })
    }
}

/// What a session does.
#[derive(Debug, Clone)]
pub struct SessionReport {
    /// Who it is.
    pub origin: Origin,
    /// What its connection runs over.
    pub transport: Transport,
    /// Its address, on a network.
    pub address: Option<SocketAddr>,
    /// What protects the connection: `plain`, `tls` or `noise`.
    pub channel: &'static str,
    /// How its messages are encoded; `None` inside this process.
    pub serializer: Option<Serializer>,
    /// When it joined.
    pub since: SystemTime,
    /// Whether its connection is lost, and it waits for its client to return.
    pub is_detached: bool,
    /// What it has asked for since then.
    pub requests: Requests,
    /// What it was sent since then.
    pub traffic: Traffic,
    /// Messages that wait for its writer.
    pub queued_messages: usize,
    /// Bytes of memory that those hold.
    pub queued_bytes: usize,
}

/// What a realm does.
#[derive(Debug, Clone)]
pub struct RealmReport {
    /// Its name.
    pub name: Uri,
    /// How many sessions there are.
    pub session_count: usize,
    /// What was asked of it since it was opened, also by sessions that left.
    pub requests: Requests,
    /// What was delivered in it since it was opened, also to sessions that left.
    pub traffic: Traffic,
    /// Bytes that may wait for one session.
    pub queue_bytes: usize,
    /// Sessions, in the order of their ids.
    pub sessions: Vec<SessionReport>,
}
