//! A link: its two sessions, and the tasks that keep them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Client, Closed, Error, Options, Passed, Queue, Session, Status};
use router::Router;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use wamp::message::{Message, RouterId};
use wamp::value::{Dict, Value};

use super::LOCAL;
use super::calls::Calls;
use super::end::{End, Open, Side};
use super::rule::Rule;
use super::state::{Counters, MODIFY, Report, Stand, State};
use crate::config;

/// After this time a router that said no is asked again, and what it did not let the link have: somebody may have changed its
/// configuration, or a session of an earlier run has ended.
pub const RETRY: Duration = Duration::from_secs(10);
/// The pause after the session here has ended, which it does when the router stops.
const PAUSE_HERE: Duration = Duration::from_secs(1);
/// Messages of a session that wait to be passed on. Then it is read no further, and its router holds back.
const WAITING: usize = 256;

/// A link to another router.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) name: String,
    realm: String,
    own: RouterId,
    pub(super) rules: Vec<Rule>,
    router: Router,
    client: Client,
    status: watch::Receiver<Status>,
    here: End,
    there: End,
    /// Calls of callers here, and of callers there.
    outward: Mutex<Calls>,
    inward: Mutex<Calls>,
    pub(super) queue: Option<Arc<Queue>>,
    pub(super) counters: Counters,
    stand: Mutex<Stand>,
    /// Why the session there serves nothing.
    unfit: Mutex<Option<&'static str>>,
    /// Something about its state has changed.
    news: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Begins: opens both sessions, whenever that succeeds.
    pub(super) fn start(
        router: Router,
        realm: &str,
        link: &config::Link,
        own: RouterId,
        queue: Option<Queue>,
    ) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let (to_here, at_here) = mpsc::channel(WAITING);
        let (to_there, at_there) = mpsc::channel(WAITING);
        let options = Options {
            authid: link.authid.clone(),
            key: link.key.clone(),
            secret: link.secret.clone(),
            pin: link.pin,
            passed: Some(to_there),
            ..Options::new(&link.realm)
        };
        let builder = link
            .to
            .iter()
            .cloned()
            .fold(Client::builder(options), client::Builder::at);
        let client = builder.in_order().start();
        let made = Arc::new(Self {
            name: link.name.clone(),
            realm: realm.to_owned(),
            own,
            rules: link.forward.iter().map(Rule::of).collect(),
            router,
            status: client.status(),
            client,
            here: End::default(),
            there: End::default(),
            outward: Mutex::default(),
            inward: Mutex::default(),
            queue: queue.map(Arc::new),
            counters: Counters::default(),
            stand: Mutex::default(),
            unfit: Mutex::default(),
            news: Notify::new(),
        });
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&made).pass(Side::Here, at_here)),
            tokio::spawn(Arc::clone(&made).pass(Side::There, at_there)),
            tokio::spawn(Arc::clone(&made).live_here(to_here)),
            tokio::spawn(Arc::clone(&made).live_there()),
            tokio::spawn(Arc::clone(&made).watch()),
        ];
        if let Some(queue) = &made.queue {
            tasks.push(tokio::spawn(Arc::clone(&made).deliver(Arc::clone(queue))));
        }
        (made, tasks)
    }

    pub(super) const fn end(&self, side: Side) -> &End {
        match side {
            Side::Here => &self.here,
            Side::There => &self.there,
        }
    }

    /// The calls whose callers are on this side.
    pub(super) fn calls(&self, from: Side) -> MutexGuard<'_, Calls> {
        lock(match from {
            Side::Here => &self.outward,
            Side::There => &self.inward,
        })
    }

    /// Whether something may be sent at this end now. A session there may be open while its connection is lost.
    pub(super) fn is_up(&self, side: Side) -> bool {
        side == Side::Here || self.status.borrow().is_open()
    }

    /// Waits until that is not so any more.
    pub(super) async fn down(&self, side: Side, open: &Open) {
        let mut status = self.status.clone();
        let away = async {
            if side == Side::Here || status.wait_for(|status| !status.is_open()).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = away => {}
            _ = open.session.closed() => {}
        }
    }

    /// Keeps the session here open.
    async fn live_here(self: Arc<Self>, passed: Sender<Passed>) {
        let name = format!("{LOCAL}{}", self.name);
        loop {
            let options = Options {
                passed: Some(passed.clone()),
                ..Options::new(&self.realm)
            };
            match Session::over(self.router.connect_local(&name), options).await {
                Ok(session) => self.serve(Side::Here, Open::new(session, self.own)).await,
                Err(error) => tracing::warn!(link = self.name, %error, "the link's session here cannot be opened"),
            }
            sleep(PAUSE_HERE).await;
        }
    }

    /// Serves each session there.
    async fn live_there(self: Arc<Self>) {
        let mut status = self.status.clone();
        loop {
            let session = match self.client.session().await {
                Ok(session) => session,
                Err(Error::Closed(Closed::Left)) => return,
                Err(_) => {
                    let is_refused = |status: &Status| matches!(status, Status::Refused { until: None, .. });
                    let _ = status.wait_for(|status| !is_refused(status)).await;
                    continue;
                }
            };
            let unfit = match session.detail("_router").and_then(|text| text.parse::<RouterId>().ok()) {
                None => Some(
                    "the other router does not take this one for a router: its role there needs `link = true`, and the other \
                     router must be a deskconn",
                ),
                Some(router) if router == self.own => Some("this is a link of the router to itself"),
                Some(router) => {
                    *lock(&self.unfit) = None;
                    self.serve(Side::There, Open::new(session, router)).await;
                    continue;
                }
            };
            *lock(&self.unfit) = unfit;
            self.news.notify_one();
            session.closed().await;
        }
    }

    /// Asks a session for what is to be forwarded, and sees to what is open in it when it ends.
    async fn serve(&self, side: Side, open: Arc<Open>) {
        self.end(side).set(Some(Arc::clone(&open)));
        self.news.notify_one();
        if let (Side::There, Some(here)) = (side, self.here.get()) {
            here.ask_for_retained(&self.rules).await;
        }
        let has_other = self.end(side.other()).get().is_some();
        while open
            .ask(&self.rules, side, side == Side::There || has_other)
            .await
            .is_ok()
        {
            self.news.notify_one();
            tokio::select! {
                _ = open.session.closed() => break,
                // What was refused may be had later.
                () = sleep(RETRY) => {}
            }
        }
        open.session.closed().await;
        self.end(side).set(None);
        self.ended(side, &open).await;
    }

    /// Follows the state, tells it, and does not take a no for ever.
    async fn watch(self: Arc<Self>) {
        let mut status = self.status.clone();
        let mut retry_at = None;
        loop {
            let now = status.borrow_and_update().clone();
            self.note(&now).await;
            let is_final = matches!(now, Status::Refused { until: None, .. });
            retry_at = is_final.then(|| retry_at.unwrap_or_else(|| Instant::now() + RETRY));
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return },
                () = self.news.notified() => {}
                () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if is_final => {
                    retry_at = None;
                    self.client.retry();
                }
            }
        }
    }

    async fn note(&self, status: &Status) {
        let unfit = *lock(&self.unfit);
        let is_ready = |side| self.end(side).get().is_some_and(|open| open.is_ready());
        let is_ready = is_ready(Side::Here) && is_ready(Side::There);
        let is_news = lock(&self.stand).take(status, unfit, is_ready);
        let report = self.report();
        if is_news {
            let (link, realm) = (&self.name, &self.realm);
            let place = report.address.as_deref().unwrap_or("nowhere yet");
            match lock(&self.stand).state {
                State::Up => tracing::info!(link, realm, place, "the link is up"),
                State::Down => tracing::info!(link, realm, why = report.why, "the link is down"),
                State::Refused => tracing::warn!(link, realm, why = report.why, "the link is refused"),
            }
        }
        // For `wamp.session.get`.
        let Some(here) = self.here.get() else { return };
        let told = Dict::from([("link".to_owned(), report.to_dict().into())]);
        let told = here
            .session
            .call(MODIFY, [Value::from(here.session.id().get()), told.into()])
            .await;
        if let Err(error) = told {
            tracing::debug!(link = self.name, %error, "the link's state could not be told");
        }
    }

    /// A router has answered what it was asked for.
    pub(super) fn answered_to(&self, from: Side, open: &Open, message: &Message) {
        if let Some(missing) = open.answered(message, &self.rules) {
            self.miss(from, &missing);
        }
        if open.is_ready() {
            self.news.notify_one();
        }
    }

    /// Something that one of the routers does not let the link have.
    fn miss(&self, side: Side, missing: &str) {
        let side = match side {
            Side::Here => "here",
            Side::There => "there",
        };
        tracing::warn!(link = self.name, side, "the link cannot forward {missing}");
    }

    /// Counts events that are lost. The log has the first, and then every time that they have become ten times as many.
    pub(super) fn drop_events(&self, from: Side, events: u64, why: &str) {
        let before = self.counters.drop(from, events);
        let digits = |number: u64| number.checked_ilog10();
        if digits(before) != digits(before + events) {
            let dropped = before + events;
            tracing::warn!(link = self.name, dropped, "events were not forwarded: {why}");
        }
    }

    pub(super) fn report(&self) -> Report {
        let stand = lock(&self.stand).clone();
        let ends = [self.here.get(), self.there.get()];
        let mut report = Report {
            realm: self.realm.clone(),
            name: self.name.clone(),
            state: stand.state.name(),
            since: stand.since,
            why: stand.why,
            address: self.client.place().map(|place| place.to_string()),
            events: [0; 2],
            calls: [0; 2],
            dropped: [0; 2],
            waiting: self.queue.as_ref().map_or(0, |queue| queue.len() as u64),
            open_calls: (self.calls(Side::Here).len() + self.calls(Side::There).len()) as u64,
            missing: ends.into_iter().flatten().flat_map(|open| open.missing()).collect(),
        };
        report.figures(&self.counters);
        report
    }

    pub(super) async fn close(&self) {
        self.client.close().await;
    }
}
