//! Bounds of the shell, each with its reason, and the counting of connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;
use wamp::error;
use wamp::limits::Bounds;
use wamp::uri::Uri;

use crate::channel::NOISE_SESSION;
use crate::rate::Failures;

/// Clients that are told at one time that there is no place for them; others are closed without a word. It is all that
/// connections beyond the limits can hold: as many as wait to log in by default.
pub(crate) const REFUSALS: usize = 64;
/// How long such a client may take to say that it is one.
pub(crate) const REFUSAL: Duration = Duration::from_secs(1);

/// The longest silence after which a client may want to be asked for a sign of life. Routers of homes forget connections
/// that are silent for longer, and a session that nobody has any more is noticed only then.
pub const LONGEST_PING: Duration = Duration::from_secs(600);
/// How often a silent peer is asked before it counts as dead: one packet may be lost.
pub(crate) const PINGS: u32 = 3;

/// Everything that is bounded around a realm. [`Limits::default`] is right for a desktop on a hostile network; a router
/// for trusted programs raises some of them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// What a peer may send before it has joined.
    pub joining: Bounds,
    /// What it may send afterwards.
    pub joined: Bounds,
    /// For each handshake before the session: TLS up to the first byte inside it, HTTP or RawSocket, Noise. Slow phones
    /// need one second.
    pub handshake: Duration,
    /// From then to WELCOME, not counting the time in which a person is asked.
    pub login: Duration,
    /// How long a peer may take nothing while something waits for it, until it counts as dead.
    pub write_stall: Duration,
    /// How long a peer may be silent until its connection is lost: a phone that left the network says nothing. `None`: for
    /// ever.
    pub dead: Option<Duration>,
    /// After how much silence a peer is asked for a sign of life; at least three times before it counts as dead. A client may
    /// ask for less often. `None`: never, which leaves it to the kernel.
    pub ping: Option<Duration>,
    /// How long a session waits for its client to return, when its connection is lost. `None`: sessions end with their
    /// connections.
    pub resume: Option<Duration>,
    /// How long a peer may take to answer GOODBYE.
    pub farewell: Duration,
    /// How long a session inside Noise may live.
    pub noise_session: Duration,
    /// By when a request of long-poll is answered, with nothing if there is nothing: AutobahnJS waits for 12 s, and proxies for
    /// 30 or more.
    pub poll: Duration,
    /// How long no request of a long-poll client may be under way until its connection counts as lost. It asks again as soon as
    /// it is answered.
    pub absent: Duration,
    /// Connections of one address that have not joined. A phone opens two.
    pub joining_per_address: usize,
    /// Connections that have not joined, in all: they cost memory before anybody is known.
    pub joining_total: usize,
    /// Sessions of one address.
    pub sessions_per_address: usize,
    /// Sessions in all.
    pub sessions: usize,
    /// Logins of one address that may fail at once; each one more costs ten seconds. `None`: any number.
    pub failed_logins: Option<u32>,
    /// Messages that wait for one peer, beside the answers to its requests, of which there are no more than its quota.
    pub queue_messages: usize,
    /// Bytes that wait for one peer; a slow one loses events, and is closed when it loses more than events.
    pub queue_bytes: usize,
    /// Messages in an in-process link.
    pub local_messages: usize,
    /// Bytes of an HTTP request's head.
    pub http_head_bytes: usize,
    /// Headers of an HTTP request.
    pub http_headers: usize,
}

/// What happens to the events of a session that takes them too slowly, when no more fit into its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The new event is lost: the peer gets what came first, without gaps up to there.
    #[default]
    DropNewest,
    /// The oldest events are lost: the peer gets what came last.
    DropOldest,
    /// The session ends: the peer can see that something is missing.
    Disconnect,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            joining: Bounds::JOINING,
            joined: Bounds::JOINED,
            handshake: Duration::from_secs(5),
            login: Duration::from_secs(5),
            write_stall: Duration::from_secs(30),
            dead: Some(Duration::from_secs(60)),
            ping: Some(Duration::from_secs(20)),
            resume: Some(Duration::from_secs(120)),
            farewell: Duration::from_secs(1),
            noise_session: NOISE_SESSION,
            poll: Duration::from_secs(10),
            absent: Duration::from_secs(30),
            joining_per_address: 4,
            joining_total: 32,
            sessions_per_address: 16,
            sessions: 64,
            failed_logins: Some(5),
            queue_messages: 16_384,
            queue_bytes: 4 << 20,
            local_messages: 1_024,
            http_head_bytes: 8 << 10,
            http_headers: 64,
        }
    }
}

/// The limits as they are now. A connection keeps those that it began with.
#[derive(Debug)]
pub(crate) struct InForce(RwLock<Arc<Limits>>);

impl InForce {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(RwLock::new(Arc::new(limits)))
    }

    pub(crate) fn get(&self) -> Arc<Limits> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, limits: Limits) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
    }
}

const REASONS: usize = 7;

/// Why clients are told no before they have a session, as far as that is counted apart.
pub const REFUSED_FOR: [Uri; REASONS] = [
    error::AUTHENTICATION_FAILED,
    error::AUTHENTICATION_DENIED,
    error::AUTHENTICATION_REQUIRED,
    error::NO_SUCH_REALM,
    error::NO_SUCH_ROLE,
    error::NOT_AUTHORIZED,
    error::PROTOCOL_VIOLATION,
];

/// Connections and sessions now, by address.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    counts: Mutex<Counts>,
    failures: Mutex<Failures>,
    /// Connections for which there was no place.
    turned_away: AtomicU64,
    /// Clients that were told no, by the reasons of [`REFUSED_FOR`], and others.
    refused: [AtomicU64; REASONS + 1],
}

#[derive(Debug, Default)]
struct Counts {
    joining: Tally,
    sessions: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Tally {
    fn add(&mut self, address: Option<IpAddr>, per_address: usize, total: usize) -> Result<(), &'static str> {
        if self.total >= total {
            return Err("there are too many in all");
        }
        if let Some(address) = address {
            let count = self.by_address.entry(address).or_default();
            if *count >= per_address {
                return Err("there are too many from this address");
            }
            *count += 1;
        }
        self.total += 1;
        Ok(())
    }

    fn put_back(&mut self, address: Option<IpAddr>) {
        self.total += 1;
        if let Some(address) = address {
            *self.by_address.entry(address).or_default() += 1;
        }
    }

    fn remove(&mut self, address: Option<IpAddr>) {
        self.total -= 1;
        let Some(address) = address else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// A place among the connections that have not joined, or among the sessions; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    counters: Arc<Counters>,
    address: Option<IpAddr>,
    has_joined: bool,
}

impl Counters {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection for which there was no place, and says how many those are.
    pub(crate) fn turned_away(&self) -> u64 {
        self.turned_away.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts a client that was told no before it had a session.
    pub(crate) fn refused(&self, reason: &Uri) {
        let place = REFUSED_FOR.iter().position(|known| known == reason);
        self.refused[place.unwrap_or(REASONS)].fetch_add(1, Ordering::Relaxed);
    }

    /// How often each of [`REFUSED_FOR`] was the reason for which a client was told no, and last all other reasons.
    pub(crate) fn refusals(&self) -> [u64; REASONS + 1] {
        self.refused.each_ref().map(|it| it.load(Ordering::Relaxed))
    }

    /// How many connections found no place, and how many there are that have not joined.
    pub(crate) fn connections(&self) -> (u64, usize) {
        let joining = self.counts().joining.total;
        (self.turned_away.load(Ordering::Relaxed), joining)
    }

    /// Counts a login that failed.
    pub(crate) fn login_failed(&self, address: Option<IpAddr>, limits: &Limits) {
        if let (Some(address), Some(free)) = (address, limits.failed_logins) {
            self.failures().count(address, free, Instant::now());
        }
    }

    /// How long an address must wait, because too many of its logins failed.
    pub(crate) fn login_wait(&self, address: Option<IpAddr>) -> Option<Duration> {
        self.failures().wait(address?, Instant::now())
    }

    /// A place for a new connection.
    pub(crate) fn connect(self: &Arc<Self>, address: Option<IpAddr>, limits: &Limits) -> Result<Place, &'static str> {
        self.counts()
            .joining
            .add(address, limits.joining_per_address, limits.joining_total)?;
        Ok(Place {
            counters: Arc::clone(self),
            address,
            has_joined: false,
        })
    }
}

impl Place {
    /// Moves from the connections to the sessions.
    pub(crate) fn join(&mut self, limits: &Limits) -> Result<(), &'static str> {
        let mut counts = self.counters.counts();
        counts
            .sessions
            .add(self.address, limits.sessions_per_address, limits.sessions)?;
        counts.joining.remove(self.address);
        self.has_joined = true;
        Ok(())
    }

    /// The session goes on over the connection that has this other place, maybe from another address.
    pub(crate) fn move_to(&mut self, other: &Self, limits: &Limits) -> Result<(), &'static str> {
        let mut counts = self.counters.counts();
        counts.sessions.remove(self.address);
        let moved = counts
            .sessions
            .add(other.address, limits.sessions_per_address, limits.sessions);
        match moved {
            Ok(()) => self.address = other.address,
            // It has its own still, and stood there before.
            Err(_) => counts.sessions.put_back(self.address),
        }
        moved
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counters.counts();
        let tally = if self.has_joined {
            &mut counts.sessions
        } else {
            &mut counts.joining
        };
        tally.remove(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn the_last_place_is_given_and_the_next_is_not_until_one_is_free() {
        let limits = Limits {
            joining_per_address: 2,
            joining_total: 3,
            ..Limits::default()
        };
        let counters = Arc::<Counters>::default();
        let first = counters.connect(address(1), &limits).unwrap();
        let _second = counters.connect(address(1), &limits).unwrap();
        assert_eq!(
            counters.connect(address(1), &limits).unwrap_err(),
            "there are too many from this address"
        );
        let _third = counters.connect(address(2), &limits).unwrap();
        assert_eq!(
            counters.connect(address(3), &limits).unwrap_err(),
            "there are too many in all"
        );
        drop(first);
        assert!(counters.connect(address(1), &limits).is_ok());
    }

    #[test]
    fn a_session_that_goes_on_elsewhere_takes_its_place_along_and_no_second_one() {
        let limits = Limits {
            sessions: 2,
            sessions_per_address: 1,
            ..Limits::default()
        };
        let counters = Arc::<Counters>::default();
        let connect = |last| counters.connect(address(last), &limits).unwrap();
        let (mut first, mut second) = (connect(1), connect(2));
        first.join(&limits).unwrap();
        second.join(&limits).unwrap();
        let (same, free) = (connect(1), connect(3));
        first.move_to(&same, &limits).unwrap();
        first.move_to(&free, &limits).unwrap();
        assert_eq!(
            first.move_to(&connect(2), &limits).unwrap_err(),
            "there are too many from this address"
        );
        assert_eq!(counters.counts().sessions.total, 2);
        drop((first, second, same, free));
        let counts = counters.counts();
        assert_eq!((counts.joining.total, counts.sessions.total), (0, 0));
        assert!(counts.joining.by_address.is_empty() && counts.sessions.by_address.is_empty());
    }

    #[test]
    fn a_session_takes_no_place_among_those_that_have_not_joined() {
        let limits = Limits {
            joining_total: 1,
            sessions: 1,
            ..Limits::default()
        };
        let counters = Arc::<Counters>::default();
        let mut first = counters.connect(address(1), &limits).unwrap();
        first.join(&limits).unwrap();
        let mut second = counters.connect(address(2), &limits).unwrap();
        assert!(second.join(&limits).is_err());
        drop(first);
        second.join(&limits).unwrap();
        drop(second);
        let counts = counters.counts();
        assert_eq!((counts.joining.total, counts.sessions.total), (0, 0));
        assert!(counts.joining.by_address.is_empty() && counts.sessions.by_address.is_empty());
    }
}
