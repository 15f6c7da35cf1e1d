//! What is to be done now and then while a connection lasts, with one timer: telling how much has arrived, and asking a
//! silent peer whether it is there. Nothing of it is done for a message.

use std::pin::Pin;
use std::time::Duration;

use link::{Heard, Reader};
use tokio::time::{Instant, Sleep, sleep_until};
use wamp::limits::ACKNOWLEDGED_WITHIN;

use crate::error::SessionEnd;
use crate::gate::{Peer, Transport};
use crate::limits::{LONGEST_PING, Limits, PINGS};
use crate::realm::{Joined, RealmHandle};

/// The timer of a connection, and what it runs for.
pub(super) struct Upkeep {
    timer: Option<Pin<Box<Sleep>>>,
    /// When the peer is told how many messages have arrived, if it does not know.
    acknowledge_at: Option<Instant>,
    watch: Option<Watch>,
}

/// Whether the peer is there.
#[derive(Debug)]
struct Watch {
    every: Duration,
    /// How long it may be silent.
    dead: Option<Duration>,
    /// When it is looked at next.
    next: Instant,
    heard: Heard,
    silent: Duration,
}

impl Upkeep {
    /// What there is to be done for this connection, if anything. Whoever is on this machine without a network between
    /// cannot vanish without the kernel noticing.
    pub(super) fn of(joined: &Joined, peer: &Peer, limits: &Limits, wished: Option<u64>) -> Option<Self> {
        let is_remote = peer.address.is_some() && peer.transport != Transport::Bridge;
        let watch = is_remote.then(|| Watch::new(limits, wished)).flatten();
        if watch.is_none() && joined.tenure.is_none() {
            return None;
        }
        let mut upkeep = Self {
            timer: None,
            acknowledge_at: None,
            watch,
        };
        upkeep.wind();
        Some(upkeep)
    }

    /// Messages have arrived of which the peer was not told.
    pub(super) fn acknowledge_soon(&mut self) {
        if self.acknowledge_at.is_none() {
            self.acknowledge_at = Some(Instant::now() + ACKNOWLEDGED_WITHIN);
            self.wind();
        }
    }

    /// Sets the timer to what is due first.
    fn wind(&mut self) {
        let look_at = self.watch.as_ref().map(|watch| watch.next);
        let Some(at) = [self.acknowledge_at, look_at].into_iter().flatten().min() else {
            return;
        };
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at),
            None => self.timer = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Waits until there is something to do.
    pub(super) async fn due(&mut self) {
        match &mut self.timer {
            Some(timer) if self.acknowledge_at.is_some() || self.watch.is_some() => timer.as_mut().await,
            _ => std::future::pending().await,
        }
    }

    /// Does what is due; the peer may turn out to be gone.
    pub(super) fn attend(&mut self, realm: &RealmHandle, joined: &Joined, reader: &mut Reader) -> Option<SessionEnd> {
        let now = Instant::now();
        if self.acknowledge_at.is_some_and(|at| at <= now) {
            self.acknowledge_at = None;
            if let Some(tenure) = &joined.tenure {
                realm.acknowledge(joined.session, tenure);
            }
        }
        let mut end = None;
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.next <= now) {
            watch.next = now + watch.every;
            match watch.look(reader.heard()) {
                Sign::Busy => {}
                Sign::Idle => reader.ping(),
                Sign::Dead => end = Some(SessionEnd::Silent),
            }
        }
        self.wind();
        end
    }
}

/// What a look at a peer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It has sent something by itself.
    Busy,
    /// It should be asked.
    Idle,
    /// It has been silent for too long.
    Dead,
}

impl Watch {
    fn new(limits: &Limits, wished: Option<u64>) -> Option<Self> {
        let (every, dead) = pauses(limits.ping?, limits.dead, wished);
        Some(Self {
            every,
            dead,
            next: Instant::now() + every,
            heard: Heard::default(),
            silent: Duration::ZERO,
        })
    }

    /// Looks at what came since the last look, which was one pause ago. A PONG is the answer to what was asked then.
    fn look(&mut self, heard: Heard) -> Sign {
        let before = std::mem::replace(&mut self.heard, heard);
        if heard.is_more_than(before) {
            self.silent = Duration::ZERO;
            return if heard.is_more_than_pongs(before) {
                Sign::Busy
            } else {
                Sign::Idle
            };
        }
        self.silent += self.every;
        if self.dead.is_some_and(|dead| self.silent >= dead) {
            Sign::Dead
        } else {
            Sign::Idle
        }
    }
}

/// The pause between two looks, and the silence after which a peer counts as dead. It is asked often enough before; a client
/// may wish to be asked less often, and may then be silent for longer by as much.
fn pauses(ping: Duration, dead: Option<Duration>, wished: Option<u64>) -> (Duration, Option<Duration>) {
    let ping = dead.map_or(ping, |dead| ping.min(dead / PINGS));
    let wished = Duration::from_secs(wished.unwrap_or_default()).min(LONGEST_PING);
    let every = ping.max(wished);
    let longer = every.as_secs_f64() / ping.max(Duration::from_millis(1)).as_secs_f64();
    (every, dead.map(|dead| dead.mul_f64(longer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_client_is_asked_as_seldom_as_it_wishes_up_to_a_limit_and_never_more_often_than_others() {
        let dead = Some(s(60));
        assert_eq!(pauses(s(20), dead, None), (s(20), dead));
        assert_eq!(pauses(s(20), dead, Some(5)), (s(20), dead));
        assert_eq!(pauses(s(20), dead, Some(600)), (s(600), Some(s(1_800))));
        assert_eq!(pauses(s(20), dead, Some(u64::MAX)), (s(600), Some(s(1_800))));
        assert_eq!(pauses(s(20), None, Some(40)), (s(40), None));
    }

    #[test]
    fn whoever_counts_as_dead_soon_is_asked_often_enough_before() {
        assert_eq!(pauses(s(20), Some(s(3)), None), (s(1), Some(s(3))));
        assert_eq!(pauses(s(20), Some(s(3)), Some(10)), (s(10), Some(s(30))));
    }
}
