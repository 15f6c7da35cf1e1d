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
use wamp::error::{CANCELED, TIMEOUT};
use wamp::id::SessionId;
use wamp::message::{Message, Origin, RequestError, RequestKind};
use wamp::realm::{Figures, Realm, Requests};
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

/// How calls ended for their callers, counted from the beginning. A caller that leaves does not hear of its calls, and those
/// do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    /// With a result.
    pub results: u64,
    /// With an error of the callee or of the router.
    pub errors: u64,
    /// Cancelled by the caller, or because the callee left.
    pub cancelled: u64,
    /// The callee took too long.
    pub timed_out: u64,
}

impl Ends {
    #[inline]
    pub(crate) fn count(&mut self, message: &Message) {
        if let Message::Result(result) = message {
            self.results += u64::from(!result.details.progress);
        } else if let Message::Error(error) = message {
            self.count_error(error);
        }
    }

    #[cold]
    fn count_error(&mut self, error: &RequestError) {
        if error.kind != RequestKind::Call {
            return;
        }
        *match &error.error {
            uri if *uri == CANCELED => &mut self.cancelled,
            uri if *uri == TIMEOUT => &mut self.timed_out,
            _ => &mut self.errors,
        } += 1;
    }
}

/// What a realm counts beside [`Traffic`], for all sessions together.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) ends: Ends,
    pub(crate) joined: [u64; Transport::NAMES.len()],
}

/// The sessions that are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionsNow {
    /// By what they run over, in the order of [`Transport::NAMES`].
    pub by_transport: [usize; Transport::NAMES.len()],
    /// How many of them wait for their clients to return.
    pub detached: usize,
}

impl SessionsNow {
    pub(crate) fn count(&mut self, transport: &Transport, is_detached: bool) {
        self.by_transport[transport.index()] += 1;
        self.detached += usize::from(is_detached);
    }
}

/// What comes before there are sessions.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Connections that have not joined.
    pub joining: usize,
    /// Connections for which there was no place.
    pub turned_away: u64,
    /// Clients that were told no, by the reason in their ABORT; `None` for all others.
    pub refused: Vec<(Option<Uri>, u64)>,
}

/// What a realm counts and holds.
#[derive(Debug, Clone)]
pub struct RealmTotals {
    /// Its name.
    pub name: Uri,
    /// Who is there.
    pub sessions: SessionsNow,
    /// Who came, by what they ran over, in the order of [`Transport::NAMES`].
    pub joined: [u64; Transport::NAMES.len()],
    /// What was asked for.
    pub requests: Requests,
    /// What was delivered.
    pub traffic: Traffic,
    /// How calls ended.
    pub ends: Ends,
    /// Messages that came, and messages that were put into queues.
    pub messages: [u64; 2],
    /// Bytes that came and went over connections, from the moment on in which they joined.
    pub octets: [u64; 2],
    /// What it holds.
    pub figures: Figures,
    /// Messages that wait for writers, and the bytes of memory that those hold.
    pub queued: (usize, usize),
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

    pub(crate) const fn transport_index(&self) -> usize {
        self.transport.index()
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

    /// What its connection runs over.
    pub(crate) const fn transport(&self) -> &Transport {
        &self.arrival.transport
    }

    /// Whether it waits for its client to return.
    pub(crate) fn is_detached(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_detached())
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
            is_detached: self.is_detached(),
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
