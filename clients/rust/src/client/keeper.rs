//! The task of a client: connects, returns, connects anew, and has stand what is to stand.

use std::convert::Infallible;
use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use link::Link;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use wamp::error::CLOSE_NORMAL;
use wamp::message::{Goodbye, Message};
use wamp::resumption::{Granted, Outcome, Return, Wanted};

use super::opening::Opening;
use super::places::{Places, Reached, Unreached, Verdict};
use super::standing::Standing;
use super::status::{Opened, Status};
use crate::connect::{Options, Target};
use crate::driver::Driver;
use crate::error::{Closed, ConnectError};
use crate::session::Session;

/// After a no that may become a yes, such as of a desktop that has as many sessions as it takes.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// A session that lasted so long was none of a series that fails again and again.
const STEADY: Duration = Duration::from_secs(5);
/// How long a client that is closed takes to send what it has to send, and to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// Doublings of the first pause, at most: many more than lead to the longest.
const MAX_DOUBLINGS: u32 = 16;

/// What whoever holds the client wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// Try now.
    Retry,
    /// End.
    Close,
}

/// The session as callers see it.
#[derive(Debug, Clone)]
pub(super) enum Current {
    /// There will be one.
    Away,
    Session(Session),
    /// There will be none unless somebody does something about it.
    Refused(String),
    Closed,
}

/// The state of the task.
pub(super) struct Keeper {
    pub(super) places: Places,
    pub(super) options: Options,
    /// The first pause, and the longest.
    pub(super) pauses: (Duration, Duration),
    pub(super) standing: Arc<Standing>,
    pub(super) status: watch::Sender<Status>,
    pub(super) current: watch::Sender<Current>,
    /// Where the router is.
    pub(super) place: watch::Sender<Option<Target>>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) when: When,
    /// Attempts that failed, and sessions that did not last, since the last one that did.
    pub(super) failures: u32,
    pub(super) opened_at: Instant,
    /// Why the last session could not go on.
    pub(super) ended: Option<String>,
    /// Set when it is to end: until when it may take.
    pub(super) closing: Option<Instant>,
}

/// When the next attempt is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Now,
    At(Instant),
    Told,
}

/// What became of dialing.
enum Dialed {
    Reached(Box<Reached>),
    /// The time was over, or the router says no: a sentence.
    Given(String),
    Stop,
}

/// What follows the loss of a connection.
enum After {
    /// The session goes on, on another one.
    Resumed(Box<Link>, u64),
    /// It has ended; there may be another one already.
    Anew(Closed, Option<Box<Reached>>),
    Stop,
}

impl Keeper {
    pub(super) async fn run(mut self, first: Option<Reached>) {
        let mut next = first.map(Box::new);
        loop {
            let reached = match next.take() {
                Some(reached) => reached,
                None => match self.dial(&Wanted::Resumable, None).await {
                    Dialed::Reached(reached) => reached,
                    Dialed::Given(_) => continue,
                    Dialed::Stop => break,
                },
            };
            match Box::pin(self.live(reached)).await {
                Some(reached) => next = reached,
                None => break,
            }
        }
        self.standing.clear();
        self.current.send_replace(Current::Closed);
        self.status.send_replace(Status::Closed);
    }

    /// The life of a session, through all its connections. Gives what the next one begins with; none if there is none.
    async fn live(&mut self, reached: Box<Reached>) -> Option<Option<Box<Reached>>> {
        let Reached {
            mut link,
            welcome,
            target,
        } = *reached;
        self.place.send_replace(Some(target));
        let serializer = link.writer.serializer();
        let granted = Granted::of_welcome(&welcome);
        let (session, mut driver) = Session::new(serializer, welcome, granted.is_some(), self.options.passed.clone());
        self.opened_at = Instant::now();
        let opening = Opening {
            standing: Arc::clone(&self.standing),
            session: session.clone(),
            status: self.status.clone(),
            current: self.current.clone(),
            ended: self.ended.take(),
        };
        // It goes on where it was on the next connection, so that nothing is asked for twice.
        let mut opening = pin!(opening.run());
        loop {
            let closed = self.talk(&session, &mut driver, link, opening.as_mut()).await;
            match self.after(&session, driver.received(), granted.as_ref(), closed).await {
                After::Resumed(next, arrived) => match driver.resume(arrived) {
                    Ok(()) => {
                        link = *next;
                        self.opened_at = Instant::now();
                        if matches!(*self.current.borrow(), Current::Session(_)) {
                            self.status.send_replace(Status::Open(Opened::Resumed));
                        }
                    }
                    Err(violation) => {
                        self.end(driver, Closed::Violation(violation.to_string()));
                        return Some(None);
                    }
                },
                After::Anew(closed, reached) => {
                    self.end(driver, closed);
                    return Some(reached);
                }
                After::Stop => {
                    driver.finish(Closed::Left);
                    return None;
                }
            }
        }
    }

    /// The session is no more.
    fn end(&mut self, driver: Driver, closed: Closed) {
        let next = if let Status::Refused { reason, until: None } = &*self.status.borrow() {
            Current::Refused(reason.clone())
        } else {
            Current::Away
        };
        // First, so that nobody who learns of the end finds the session here.
        self.current.send_replace(next);
        self.ended = Some(closed.to_string());
        driver.finish(closed);
    }

    /// Serves the session on one connection, until that ends.
    async fn talk(
        &mut self,
        session: &Session,
        driver: &mut Driver,
        link: Link,
        mut opening: Pin<&mut (impl Future<Output = Infallible> + Send)>,
    ) -> Closed {
        let keep_alive = self.options.keep_alive_over(&link);
        let mut conversation = pin!(driver.converse(link, keep_alive));
        while self.closing.is_none() {
            tokio::select! {
                closed = &mut conversation => return closed,
                never = opening.as_mut() => match never {},
                order = self.orders.recv() => match order {
                    Some(Order::Retry) => {}
                    Some(Order::Close) | None => self.closing = Some(Instant::now() + FAREWELL),
                },
            }
        }
        tokio::select! {
            closed = &mut conversation => closed,
            () = session.leave() => Closed::Left,
        }
    }

    /// What follows the end of a connection.
    async fn after(
        &mut self,
        session: &Session,
        received: Option<u64>,
        granted: Option<&Granted>,
        closed: Closed,
    ) -> After {
        if matches!(closed, Closed::Left) {
            return After::Stop;
        }
        if self.opened_at.elapsed() >= STEADY {
            self.failures = 0;
        }
        self.pause(&closed.to_string());
        let (Closed::Lost(reason), Some(received), Some(granted)) = (&closed, received, granted) else {
            return After::Anew(closed, None);
        };
        let within = Duration::from_secs(granted.within_s);
        let wanted = Wanted::Return(Return {
            session: session.id(),
            token: granted.token.clone(),
            received,
        });
        let lost = |why: &str| Closed::Lost(format!("{reason}; the session could not go on: {why}"));
        let limit = Instant::now() + within;
        let mut dialed = Dialed::Stop;
        if self.closing.is_none() {
            dialed = self.dial(&wanted, Some((limit, within))).await;
        }
        if matches!(dialed, Dialed::Stop)
            && let Some(reached) = self.dial_to_leave(&wanted).await
        {
            dialed = Dialed::Reached(Box::new(reached));
        }
        match dialed {
            Dialed::Stop => After::Stop,
            Dialed::Given(why) => After::Anew(lost(&why), None),
            Dialed::Reached(reached) => match Granted::of_welcome(&reached.welcome).map(|it| it.outcome) {
                Some(Outcome::Resumed(arrived)) => {
                    self.place.send_replace(Some(reached.target));
                    After::Resumed(Box::new(reached.link), arrived)
                }
                // It is another session, which is not wanted any more.
                _ if self.closing.is_some() => {
                    let goodbye = Message::Goodbye(Goodbye::new(CLOSE_NORMAL, ""));
                    let mut writer = reached.link.writer;
                    let _ = timeout(FAREWELL, writer.send(goodbye)).await;
                    After::Stop
                }
                Some(Outcome::Refused(why)) => After::Anew(lost(&why), Some(reached)),
                Some(Outcome::New) | None => After::Anew(lost("the router has none"), Some(reached)),
            },
        }
    }

    /// Returns only to send the rest and say goodbye: a router need not keep what nobody will come back to. Where nobody is,
    /// nothing is waited for.
    async fn dial_to_leave(&mut self, wanted: &Wanted) -> Option<Reached> {
        let until = *self.closing.get_or_insert_with(|| Instant::now() + FAREWELL);
        loop {
            let unreached = match timeout_at(until, self.places.reach(&self.options, Some(wanted))).await {
                Ok(Ok(reached)) => return Some(reached),
                Ok(Err(unreached)) => unreached,
                Err(_) => return None,
            };
            if !matches!(
                unreached.worst(),
                Some(ConnectError::Lost(_) | ConnectError::NotWamp(..))
            ) {
                return None;
            }
            sleep(self.pauses.0).await;
        }
    }

    /// Connects, until it succeeds; with a limit, until that passes or the router has said no for good.
    async fn dial(&mut self, wanted: &Wanted, limit: Option<(Instant, Duration)>) -> Dialed {
        let mut attempt = 0;
        loop {
            let late = |within: Duration| Dialed::Given(format!("nobody was reached within {} s", within.as_secs()));
            tokio::select! {
                () = until(self.when) => {}
                order = self.orders.recv() => match order {
                    Some(Order::Retry) => self.failures = 0,
                    Some(Order::Close) | None => return Dialed::Stop,
                },
                within = passed(limit) => return late(within),
            }
            attempt += 1;
            self.status.send_replace(Status::Connecting { attempt });
            if matches!(*self.current.borrow(), Current::Refused(_)) {
                self.current.send_replace(Current::Away);
            }
            let reached = tokio::select! {
                reached = self.places.reach(&self.options, Some(wanted)) => reached,
                () = closed(&mut self.orders) => return Dialed::Stop,
                within = passed(limit) => return late(within),
            };
            match reached {
                Ok(reached) => {
                    self.when = When::Now;
                    return Dialed::Reached(Box::new(reached));
                }
                Err(unreached) => self.failed(&unreached),
            }
            if limit.is_some() && matches!(self.when, When::Told) {
                return Dialed::Given("the router does not let this client in any more".to_owned());
            }
        }
    }

    /// An attempt has failed: when is the next?
    fn failed(&mut self, unreached: &Unreached) {
        let reason = unreached.to_string();
        let until = match unreached.verdict() {
            Verdict::Unreachable => return self.pause(&reason),
            Verdict::Refused => Some(Instant::now() + REFUSED_PAUSE),
            Verdict::RefusedForGood => None,
        };
        self.when = until.map_or(When::Told, When::At);
        self.failures = 0;
        // First, so that nobody who learns of it finds a session here.
        if until.is_none() {
            self.current.send_replace(Current::Refused(reason.clone()));
        }
        self.status.send_replace(Status::Refused { reason, until });
    }

    /// The next attempt is at once after the first failure, then later each time, up to the longest pause; and not for all
    /// clients at once, when a router comes back.
    fn pause(&mut self, reason: &str) {
        let (first, longest) = self.pauses;
        let Some(doublings) = self.failures.checked_sub(1) else {
            self.failures = 1;
            self.when = When::Now;
            return;
        };
        self.failures = self.failures.saturating_add(1);
        let pause = first.saturating_mul(1 << doublings.min(MAX_DOUBLINGS)).min(longest);
        let until = Instant::now() + pause.mul_f64(jitter());
        self.when = When::At(until);
        let reason = reason.to_owned();
        self.status.send_replace(Status::Waiting { until, reason });
    }
}

/// A share between three quarters and all.
fn jitter() -> f64 {
    let random = SysRng.try_next_u32().unwrap_or(u32::MAX);
    0.75 + f64::from(random) / f64::from(u32::MAX) / 4.0
}

async fn until(when: When) {
    match when {
        When::Now => {}
        When::At(at) => sleep_until(at).await,
        When::Told => pending().await,
    }
}

async fn passed(limit: Option<(Instant, Duration)>) -> Duration {
    match limit {
        Some((at, within)) => {
            sleep_until(at).await;
            within
        }
        None => pending().await,
    }
}

/// Waits until nobody wants the client any more.
async fn closed(orders: &mut mpsc::Receiver<Order>) {
    while let Some(Order::Retry) = orders.recv().await {}
}
