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
    /// The pause between two looks at somebody who is there.
    every: Duration,
    /// The same once nothing was heard, so short that the peer is asked often enough until it counts as dead.
    again: Duration,
    /// The one that lasts now.
    pause: Duration,
    /// How long it may be silent.
    dead: Option<Duration>,
    /// When it is looked at next.
    next: Instant,
    heard: Heard,
    silent: Duration,
}

impl Upkeep {
    /// What there is to be done for this connection, of which that much was heard, if anything. Whoever is on this machine
    /// without a network between cannot vanish without the kernel noticing.
    pub(super) fn of(
        joined: &Joined,
        peer: &Peer,
        limits: &Limits,
        (heard, wished): (Heard, Option<u64>),
    ) -> Option<Self> {
        let is_remote = peer.address.is_some() && peer.transport != Transport::Bridge;
        let watch = is_remote.then(|| Watch::new(limits, heard, wished)).flatten();
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
            match watch.look(reader.heard()) {
                Sign::Busy => {}
                Sign::Idle => reader.ping(),
                Sign::Dead => end = Some(SessionEnd::Silent),
            }
            watch.next = now + watch.pause;
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
    /// Looks begin with what was `heard` by now: the login is no sign of life afterwards.
    fn new(limits: &Limits, heard: Heard, wished: Option<u64>) -> Option<Self> {
        let (every, dead) = pauses(limits.ping?, limits.dead, wished);
        Some(Self {
            every,
            again: again(every, dead),
            pause: every,
            dead,
            next: Instant::now() + every,
            heard,
            silent: Duration::ZERO,
        })
    }

    /// Looks at what came since the last look, which was one pause ago. A PONG is the answer to what was asked then.
    fn look(&mut self, heard: Heard) -> Sign {
        let before = std::mem::replace(&mut self.heard, heard);
        if heard.is_more_than(before) {
            self.silent = Duration::ZERO;
            self.pause = self.every;
            return if heard.is_more_than_pongs(before) {
                Sign::Busy
            } else {
                Sign::Idle
            };
        }
        self.silent += self.pause;
        self.pause = self.again;
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

/// The pause between two looks at somebody of whom nothing was heard for one pause: it is asked at each but the last. Rounded
/// up, or that one would come just before the time is over.
fn again(every: Duration, dead: Option<Duration>) -> Duration {
    let rest = |dead: Duration| dead.saturating_sub(every) / PINGS + Duration::from_nanos(1);
    dead.map_or(every, |dead| every.min(rest(dead)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When somebody who says nothing is asked, and when it counts as dead, in milliseconds.
    fn asked_and_dead(ping: Duration, dead: Duration) -> (Vec<u128>, u128) {
        let limits = Limits {
            ping: Some(ping),
            dead: Some(dead),
            ..Limits::default()
        };
        let mut watch = Watch::new(&limits, Heard::default(), None).unwrap();
        let (mut asked, mut at) = (Vec::new(), Duration::ZERO);
        loop {
            at += watch.pause;
            match watch.look(Heard::default()) {
                Sign::Busy => unreachable!("it says nothing"),
                Sign::Idle => asked.push(at.as_millis()),
                Sign::Dead => return (asked, at.as_millis()),
            }
        }
    }

    #[test]
    fn who_says_nothing_is_asked_at_least_three_times_and_is_dead_when_the_time_is_over() {
        let cases = [
            (s(2), s(6), vec![2_000, 3_333, 4_666], 6_000),
            (s(3), s(12), vec![3_000, 6_000, 9_000], 12_000),
            (s(20), s(60), vec![20_000, 33_333, 46_666], 60_000),
            (s(20), s(3), vec![1_000, 1_666, 2_333], 3_000),
            (s(1), s(5), vec![1_000, 2_000, 3_000, 4_000], 5_000),
        ];
        for (ping, dead, asked, over) in cases {
            assert_eq!(asked_and_dead(ping, dead), (asked, over), "{ping:?} {dead:?}");
        }
    }

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
