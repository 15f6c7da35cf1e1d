//! Who uses the daemon all the time, whatever happens to the machine: callers, subscribers, one who has events kept on disk,
//! and a paired device.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use client::{Args, Client, Error, Options, Session, Subscription, Value};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::pairing::pair;

/// Between two calls of one, or two events. What counts is that all go on, not how much.
const REST: Duration = Duration::from_millis(40);
/// The device asks for what it may, which asks every function what it lacks.
const VISITS: Duration = Duration::from_millis(400);
/// Whoever waits for longer was not served. It takes milliseconds, unless other tests have the processor.
const PATIENCE: Duration = Duration::from_secs(10);
/// The history on disk.
pub(crate) const KEPT: &str = "load.kept";

/// What happened since it was asked last.
#[derive(Debug, Default)]
pub(crate) struct Season {
    pub(crate) calls: u64,
    pub(crate) events: u64,
    pub(crate) visits: u64,
    pub(crate) longest: Duration,
    /// What should not have happened.
    pub(crate) wrong: Vec<String>,
}

/// Numbers of the events that were to be kept on disk.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kept {
    pub(crate) acknowledged: BTreeSet<u64>,
    pub(crate) refused: BTreeSet<u64>,
    /// With what words, the last time.
    pub(crate) why: String,
}

#[derive(Debug, Default)]
struct Shared {
    over: CancellationToken,
    season: Mutex<Season>,
    kept: Mutex<Kept>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Users {
    shared: Arc<Shared>,
    at_work: JoinSet<()>,
    callee: Session,
    /// The device that is paired.
    pub(crate) device: Client,
    /// Its id.
    pub(crate) device_id: String,
    /// How it logs in.
    pub(crate) options: Options,
}

impl fmt::Display for Season {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calls,
            events,
            visits,
            longest,
            wrong,
        } = self;
        write!(
            out,
            "{calls} calls, {events} events, {visits} requests of the device, the longest {longest:.1?}"
        )?;
        wrong.iter().take(10).try_for_each(|wrong| write!(out, "; {wrong}"))
    }
}

impl Shared {
    async fn pause(&self, pause: Duration) -> bool {
        timeout(pause, self.over.cancelled()).await.is_err()
    }

    fn note(&self, note: impl FnOnce(&mut Season)) {
        note(&mut self.season.lock().unwrap());
    }

    fn wrong(&self, what: String) {
        self.note(|season| season.wrong.push(what));
    }

    /// Waits for an answer, and notes how long that took.
    async fn asked<T>(&self, what: &str, answer: impl Future<Output = Result<T, Error>>) -> Option<Result<T, Error>> {
        let began = Instant::now();
        let answer = timeout(PATIENCE, answer).await;
        self.note(|season| season.longest = season.longest.max(began.elapsed()));
        if answer.is_err() {
            self.wrong(format!("{what}: no answer"));
        }
        answer.ok()
    }
}

impl Users {
    /// Begins.
    pub(crate) async fn begin(desk: &Desk) -> Self {
        let shared = Arc::<Shared>::default();
        let mut at_work = JoinSet::new();
        let callee = desk.session("ws").await;
        let echo = |call: client::Invocation| async move { Ok([call.args[0].clone()].into()) };
        callee.register("load.echo", echo).await.unwrap();
        for scheme in ["ws", "rs"] {
            at_work.spawn(call(Arc::clone(&shared), desk.session(scheme).await));
            let session = desk.session(scheme).await;
            let events = session.subscribe("load.numbers").await.unwrap();
            at_work.spawn(hear(Arc::clone(&shared), session, events));
        }
        at_work.spawn(publish(Arc::clone(&shared), desk.session("rs").await));
        at_work.spawn(keep(Arc::clone(&shared), desk.session("ws").await));
        let owner = desk.owner().await;
        let file = desk.home.join("elsewhere/membership.json");
        let membership = pair(&owner, &desk.address().to_string(), &file, "visitor")
            .await
            .unwrap();
        owner.leave().await;
        let device = Client::builder(membership.options()).at(format!("wss://{}/ws", desk.address()).parse().unwrap());
        let device = device.open().await.unwrap();
        at_work.spawn(visit(Arc::clone(&shared), device.clone()));
        Self {
            shared,
            at_work,
            callee,
            device,
            device_id: membership.desktop().device_id.clone(),
            options: membership.options(),
        }
    }

    /// What happened since this was asked last.
    pub(crate) fn season(&self) -> Season {
        std::mem::take(&mut self.shared.season.lock().unwrap())
    }

    pub(crate) fn kept(&self) -> Kept {
        self.shared.kept.lock().unwrap().clone()
    }

    /// Lets so much time pass, and says what happened in it.
    pub(crate) async fn season_of(&self, time: Duration) -> Season {
        self.season();
        tokio::time::sleep(time).await;
        self.season()
    }

    /// All end what they do and leave.
    pub(crate) async fn leave(mut self) -> Season {
        self.shared.over.cancel();
        while let Some(ended) = self.at_work.join_next().await {
            ended.expect("none of those who use the daemon fails");
        }
        self.callee.leave().await;
        self.device.close().await;
        self.season()
    }
}

async fn call(shared: Arc<Shared>, session: Session) {
    let mut number = 0_u64;
    while shared.pause(REST).await {
        number += 1;
        match shared.asked("a call", session.call("load.echo", [number.into()])).await {
            Some(Ok(answer)) if answer.args == [number.into()] => shared.note(|season| season.calls += 1),
            Some(answer) => shared.wrong(format!("call {number}: {answer:?}")),
            None => {}
        }
    }
    session.leave().await;
}

async fn publish(shared: Arc<Shared>, session: Session) {
    let mut number = 0_u64;
    while shared.pause(REST).await {
        let published = session.publish_acknowledged("load.numbers", [number.into()]);
        if let Some(Err(error)) = shared.asked("a publication", published).await {
            shared.wrong(format!("event {number} was not taken: {error}"));
        }
        number += 1;
    }
    session.leave().await;
}

async fn hear(shared: Arc<Shared>, session: Session, mut events: Subscription) {
    let mut expected = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = shared.over.cancelled() => break,
        };
        let heard = event
            .as_ref()
            .and_then(|event| event.args.args.first().and_then(Value::as_u64));
        if heard.is_none() || expected.is_some() && heard != expected {
            shared.wrong(format!("{heard:?} was heard instead of {expected:?}"));
        }
        if event.is_none() {
            break;
        }
        expected = heard.map(|heard| heard + 1);
        shared.note(|season| season.events += 1);
    }
    session.leave().await;
}

/// Publishes events that a history on disk is to keep, and notes what it was told of each.
async fn keep(shared: Arc<Shared>, session: Session) {
    let mut number = 0_u64;
    while shared.pause(REST).await {
        number += 1;
        let args: [Value; 2] = [number.into(), "x".repeat(200).into()];
        match shared
            .asked("an event for the disk", session.publish_acknowledged(KEPT, args))
            .await
        {
            Some(Ok(_)) => drop(shared.kept.lock().unwrap().acknowledged.insert(number)),
            Some(Err(Error::Request(error))) if error.uri.as_str() == "wamp.error.unavailable" => {
                let mut kept = shared.kept.lock().unwrap();
                kept.refused.insert(number);
                kept.why = error.to_string();
            }
            Some(Err(error)) => shared.wrong(format!("event {number} for the disk: {error}")),
            None => {}
        }
    }
    session.leave().await;
}

async fn visit(shared: Arc<Shared>, device: Client) {
    while shared.pause(VISITS).await {
        match shared.asked("a device", device.call("org.deskconn.info.get", [])).await {
            Some(Ok(_)) => shared.note(|season| season.visits += 1),
            Some(Err(error)) => shared.wrong(format!("a device: {error}")),
            None => {}
        }
    }
}

/// The numbers that the history holds, oldest first.
pub(crate) async fn history(session: &Session) -> Vec<u64> {
    let subscription = session
        .call("wamp.subscription.lookup", [KEPT.into()])
        .await
        .unwrap()
        .into_value();
    let found = session
        .call(
            "wamp.subscription.get_events",
            [subscription, false.into(), 100_000.into()],
        )
        .await;
    let found = found.unwrap();
    let events = Args::into_value(found);
    let number = |event: &Value| event.as_dict()?.get("args")?.as_list()?.first()?.as_u64();
    events.as_list().unwrap().iter().filter_map(number).collect()
}

/// A device with its file beside it.
pub(crate) async fn one_more(desk: &Desk, owner: &Session, file: &Path) -> Result<String, String> {
    let membership = pair(owner, &desk.address().to_string(), file, "another").await?;
    Ok(membership.desktop().device_id.clone())
}
