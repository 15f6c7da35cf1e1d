//! Calls that somebody at the desktop must agree to: grants with `confirm`. The router lets them wait; here is who asks
//! the owner, and for how long.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::Session;
use router::{ConsentNews, Question, RealmHandle};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wamp::id::QuestionId;
use wamp::value::{Dict, Value};

use crate::store::Store;

/// How long the owner has to answer: as long as for pairing.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Where questions are published: one dictionary {request, device, name, role, procedure, `expires_s`}.
pub const ON_ASKED: &str = "org.deskconn.consent.on_asked";
/// Where their end is published: the request, and a sentence.
pub const ON_CLOSED: &str = "org.deskconn.consent.on_closed";

const ANOTHER: &str = "another call of this device waits for an answer at the desktop; wait for it first";
const UNANSWERED: &str = "nobody answered at the desktop in time";
const REFUSED: &str = "the call was refused at the desktop";

/// The questions that wait for the owner.
#[derive(Debug)]
pub struct Consents {
    waiting: Mutex<BTreeMap<QuestionId, Waiting>>,
    /// Knows what people call the devices.
    store: Arc<Store>,
    /// Unbounded, because the router must not wait: what can be in it is bounded by the calls that sessions may have
    /// pending.
    news: mpsc::UnboundedSender<News>,
}

#[derive(Debug)]
struct Waiting {
    device: Arc<str>,
    until: Instant,
    /// As it was published.
    told: Dict,
}

/// What the task that asks has to do.
#[derive(Debug)]
pub struct News(Event);

#[derive(Debug)]
enum Event {
    Router(ConsentNews),
    Answered(QuestionId, bool),
}

impl Consents {
    /// No questions yet, and what [`Consents::serve`] is to be given.
    #[must_use]
    pub fn new(store: Arc<Store>) -> (Arc<Self>, mpsc::UnboundedReceiver<News>) {
        let (news, heard) = mpsc::unbounded_channel();
        let waiting = Mutex::default();
        (Arc::new(Self { waiting, store, news }), heard)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<QuestionId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes news of the router. Never waits.
    pub fn note(&self, news: ConsentNews) {
        // Without a desktop nobody asks, and no rule wants consent.
        let _ = self.news.send(News(Event::Router(news)));
    }

    /// What waits for an answer now, as it is published, with the time that is left.
    #[must_use]
    pub fn list(&self) -> Vec<Dict> {
        let now = Instant::now();
        let told = |waiting: &Waiting| {
            let mut told = waiting.told.clone();
            let left = waiting.until.saturating_duration_since(now).as_secs();
            told.insert("expires_s".to_owned(), left.into());
            told
        };
        self.waiting().values().map(told).collect()
    }

    /// Takes the owner's answer; `false` when nobody asks that, or not any more.
    #[must_use]
    pub fn answer(&self, request: u64, is_allowed: bool) -> bool {
        let Some(question) = QuestionId::new(request) else {
            return false;
        };
        let is_waiting = self.waiting().remove(&question).is_some();
        is_waiting && self.news.send(News(Event::Answered(question, is_allowed))).is_ok()
    }

    /// Asks the owner by events, and ends what is not answered in time, for as long as the session lasts.
    pub async fn serve(
        self: Arc<Self>,
        realm: RealmHandle,
        session: Session,
        mut heard: mpsc::UnboundedReceiver<News>,
    ) {
        loop {
            let deadline = self.waiting().values().map(|waiting| waiting.until).min();
            let late = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let events = tokio::select! {
                news = heard.recv() => match news {
                    Some(News(event)) => self.react(&realm, event),
                    None => return,
                },
                () = late => self.expire(&realm),
            };
            for (topic, args) in events {
                if session.publish(topic, args).await.is_err() {
                    return;
                }
            }
        }
    }

    fn react(&self, realm: &RealmHandle, event: Event) -> Vec<(&'static str, Vec<Value>)> {
        match event {
            Event::Router(ConsentNews::Asked(question)) => {
                let mut waiting = self.waiting();
                // One question a device: whoever is asked must be able to tell what for.
                if waiting.values().any(|it| it.device == question.caller.authid) {
                    drop(waiting);
                    realm.decide(question.id, Err(ANOTHER));
                    return Vec::new();
                }
                let device = Arc::clone(&question.caller.authid);
                let until = Instant::now() + ANSWER_TIME;
                let told = self.told(&question);
                let published = Value::Dict(told.clone());
                waiting.insert(question.id, Waiting { device, until, told });
                vec![(ON_ASKED, vec![published])]
            }
            Event::Router(ConsentNews::Withdrawn(question)) => {
                let was_waiting = self.waiting().remove(&question).is_some();
                let closed = closed(
                    question,
                    "nobody needs to answer any more: the call is gone, or the rights of the device have changed",
                );
                if was_waiting { vec![closed] } else { Vec::new() }
            }
            Event::Answered(question, is_allowed) => {
                let answer = if is_allowed { Ok(()) } else { Err(REFUSED) };
                realm.decide(question, answer);
                let how = if is_allowed { "it was allowed" } else { "it was refused" };
                vec![closed(question, how)]
            }
        }
    }

    fn told(&self, question: &Question) -> Dict {
        let Question { id, caller, procedure } = question;
        let name = self
            .store
            .with_trust(|trust| trust.find(&caller.authid).map(|it| it.name.clone()));
        Dict::from([
            ("request".to_owned(), id.get().into()),
            ("device".to_owned(), (&*caller.authid).into()),
            ("name".to_owned(), name.into()),
            ("role".to_owned(), (&*caller.authrole).into()),
            ("procedure".to_owned(), procedure.as_str().into()),
            ("expires_s".to_owned(), ANSWER_TIME.as_secs().into()),
        ])
    }

    fn expire(&self, realm: &RealmHandle) -> Vec<(&'static str, Vec<Value>)> {
        let now = Instant::now();
        let mut late = Vec::new();
        self.waiting().retain(|question, waiting| {
            let is_late = waiting.until <= now;
            late.extend(is_late.then_some(*question));
            !is_late
        });
        let end = |question: QuestionId| {
            realm.decide(question, Err(UNANSWERED));
            closed(question, UNANSWERED)
        };
        late.into_iter().map(end).collect()
    }
}

fn closed(question: QuestionId, how: &str) -> (&'static str, Vec<Value>) {
    (ON_CLOSED, vec![question.get().into(), how.into()])
}
