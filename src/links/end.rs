//! One end of a link: its session here or there, and what that was asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use client::Session;
use tokio::sync::watch;
use wamp::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use wamp::message::{
    Invoke, Match, Message, Register, RegisterOptions, RequestError, RequestKind, RouterId, Subscribe, SubscribeOptions,
};
use wamp::uri::Uri;

use super::rule::Rule;

/// Events that were published and of which nobody has said yet that they were taken: what a router that answers can have on its
/// way, and some MiB of one that does not. Further ones are lost, and counted. They must not wait: answers come behind events of the
/// other direction, which would wait for these.
pub(super) const MAX_UNANSWERED: usize = 65_536;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// In this router.
    Here,
    /// In the other one.
    There,
}

impl Side {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Here => Self::There,
            Self::There => Self::Here,
        }
    }
}

/// An end of a link, with one session after the other.
#[derive(Debug)]
pub(super) struct End(watch::Sender<Option<Arc<Open>>>);

impl Default for End {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl End {
    pub(super) fn set(&self, open: Option<Arc<Open>>) {
        self.0.send_replace(open);
    }

    pub(super) fn get(&self) -> Option<Arc<Open>> {
        self.0.borrow().clone()
    }

    /// Waits until another session than this one is open, or none.
    pub(super) async fn leave(&self, session: SessionId) {
        let is_other = |open: &Option<Arc<Open>>| open.as_ref().is_none_or(|open| open.session.id() != session);
        let _ = self.0.subscribe().wait_for(is_other).await;
    }

    /// The session that is open, as soon as there is one.
    pub(super) async fn wait(&self) -> Arc<Open> {
        let mut watched = self.0.subscribe();
        loop {
            if let Some(open) = watched.borrow_and_update().clone() {
                return open;
            }
            // This end holds the sender.
            let _ = watched.changed().await;
        }
    }
}

/// A session of an end.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: Session,
    /// The router that it is in.
    pub(super) router: RouterId,
    books: Mutex<Books>,
}

/// What was asked for, by the numbers of this session.
#[derive(Debug, Default)]
struct Books {
    /// Whether the session was asked for everything.
    is_asked: bool,
    /// Whether it has answered that, and so serves. It stays so while it is asked once more for what it refused.
    is_ready: bool,
    asked: HashMap<RequestId, (usize, RequestKind)>,
    topics: HashMap<SubscriptionId, usize>,
    procedures: HashMap<RegistrationId, usize>,
    /// What was refused, and in which words, by the row of the rule.
    missing: BTreeMap<(usize, &'static str), String>,
    unanswered: HashMap<RequestId, Unanswered>,
}

/// An event that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unanswered {
    /// Who waits to be told that it was delivered: in which session, of which publication.
    pub(super) confirm: Option<(SessionId, PublicationId)>,
}

/// The row of no rule: what a session was too slow for.
pub(super) const OVERFLOW: usize = usize::MAX;
/// Where its router says so: `[session, dropped]`.
pub(super) const OVERFLOWED: Uri = Uri::from_static("wamp.session.on_overflow");

const EVENTS: &str = "events";
const CALLS: &str = "calls";

impl Open {
    pub(super) fn new(session: Session, router: RouterId) -> Arc<Self> {
        Arc::new(Self {
            session,
            router,
            books: Mutex::default(),
        })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the events and calls that begin at this end, with what is retained if it can be told to the other one; the
    /// second time for what was refused the first time.
    pub(super) async fn ask(&self, rules: &[Rule], side: Side, retained: bool) -> Result<(), client::Error> {
        let begins_here = |rule: &Rule| match side {
            Side::Here => rule.is_out,
            Side::There => rule.is_in,
        };
        let is_first = !self.books().is_asked;
        if is_first && rules.iter().any(|rule| begins_here(rule) && rule.events) {
            let policy = Match::Exact;
            self.subscribe(OVERFLOW, (OVERFLOWED, policy), false).await?;
        }
        for (row, rule) in rules.iter().enumerate() {
            let begins_here = begins_here(rule);
            if begins_here && rule.events && !self.books().has(row, EVENTS) {
                self.subscribe(row, (rule.uri.clone(), rule.policy), retained).await?;
            }
            if begins_here && rule.calls && !self.books().has(row, CALLS) {
                self.register(row, rule).await?;
            }
        }
        self.books().asked_for_all();
        Ok(())
    }

    /// Asks once more for what is retained, for another router that may have missed it.
    pub(super) async fn ask_for_retained(&self, rules: &[Rule]) {
        for (row, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.events && rule.is_out) {
            // A session that has ended is followed by one that asks by itself.
            let _ = self.subscribe(row, (rule.uri.clone(), rule.policy), true).await;
        }
    }

    async fn subscribe(&self, row: usize, (topic, policy): (Uri, Match), retained: bool) -> Result<(), client::Error> {
        let options = SubscribeOptions {
            policy,
            get_retained: retained,
            nkey: None,
        };
        let subscribe = |request| {
            self.books().asked.insert(request, (row, RequestKind::Subscribe));
            Message::Subscribe(Subscribe {
                request,
                options,
                topic,
            })
        };
        self.session.pass_request(subscribe).await
    }

    async fn register(&self, row: usize, rule: &Rule) -> Result<(), client::Error> {
        let options = RegisterOptions {
            policy: rule.policy_of_calls(),
            // Links share their patterns: where one has nobody for a call, the next is asked. The newest goes first, because an
            // older one may be the rest of a link whose router was killed.
            invoke: Invoke::Last,
            forward_timeout: true,
            ..RegisterOptions::default()
        };
        let register = |request| {
            self.books().asked.insert(request, (row, RequestKind::Register));
            Message::Register(Register {
                request,
                options,
                procedure: rule.uri.clone(),
            })
        };
        self.session.pass_request(register).await
    }

    /// Notes the answer to what was asked for. Says what is missing, if it is news.
    pub(super) fn answered(&self, message: &Message, rules: &[Rule]) -> Option<String> {
        let mut books = self.books();
        let missing = books.answered(message, rules);
        books.look_whether_ready();
        missing
    }

    /// Whether everything that was asked for first is answered.
    pub(super) fn is_ready(&self) -> bool {
        self.books().is_ready
    }

    /// The rule by which an event came.
    pub(super) fn topic(&self, subscription: SubscriptionId) -> Option<usize> {
        self.books().topics.get(&subscription).copied()
    }

    /// The rule by which a call came.
    pub(super) fn procedure(&self, registration: RegistrationId) -> Option<usize> {
        self.books().procedures.get(&registration).copied()
    }

    /// Notes that an event goes out.
    pub(super) fn published(&self, request: RequestId, unanswered: Unanswered) {
        self.books().unanswered.insert(request, unanswered);
    }

    /// It was answered, or could not be sent.
    pub(super) fn settled(&self, request: RequestId) -> Option<Unanswered> {
        self.books().unanswered.remove(&request)
    }

    /// Events that went out and were not answered when the session ended: whether they were taken is not known.
    pub(super) fn unanswered(&self) -> usize {
        self.books().unanswered.len()
    }

    /// What could not be asked for.
    pub(super) fn missing(&self) -> Vec<String> {
        self.books().missing.values().cloned().collect()
    }
}

impl Books {
    /// Whether it stands, or was asked for.
    fn has(&self, row: usize, what: &str) -> bool {
        let kind = if what == EVENTS {
            RequestKind::Subscribe
        } else {
            RequestKind::Register
        };
        let stands = if what == EVENTS {
            self.topics.values().any(|it| *it == row)
        } else {
            self.procedures.values().any(|it| *it == row)
        };
        stands || self.asked.values().any(|it| *it == (row, kind))
    }

    fn asked_for_all(&mut self) {
        self.is_asked = true;
        self.look_whether_ready();
    }

    fn look_whether_ready(&mut self) {
        self.is_ready |= self.is_asked && self.asked.is_empty();
    }

    /// See [`Open::answered`].
    fn answered(&mut self, message: &Message, rules: &[Rule]) -> Option<String> {
        if let Message::Subscribed(it) = message {
            let (row, _) = self.asked.remove(&it.request)?;
            self.topics.insert(it.subscription, row);
            self.missing.remove(&(row, EVENTS));
        } else if let Message::Registered(it) = message {
            let (row, _) = self.asked.remove(&it.request)?;
            self.procedures.insert(it.registration, row);
            self.missing.remove(&(row, CALLS));
        } else if let Message::SubscriptionRevoked(it) = message {
            let row = self.topics.remove(&it.subscription)?;
            return self.miss(row, EVENTS, rules, "the router has ended the subscription");
        } else if let Message::RegistrationRevoked(it) = message {
            let row = self.procedures.remove(&it.registration)?;
            return self.miss(row, CALLS, rules, "the router has ended the registration");
        } else if let Message::Error(it) = message {
            let (row, kind) = self.asked.remove(&it.request)?;
            if row == OVERFLOW {
                // Some routers do not tell it to everybody; then those losses stand in their own figures alone.
                return None;
            }
            let what = if kind == RequestKind::Subscribe { EVENTS } else { CALLS };
            return self.miss(row, what, rules, &sentence(it));
        }
        None
    }

    fn miss(&mut self, row: usize, what: &'static str, rules: &[Rule], why: &str) -> Option<String> {
        let uri = rules.get(row).map_or("", |rule| rule.uri.as_str());
        let sentence = format!("{what} of \"{uri}\": {why}");
        let is_news = self.missing.insert((row, what), sentence.clone()).as_ref() != Some(&sentence);
        is_news.then_some(sentence)
    }
}

/// An ERROR in words.
pub(super) fn sentence(error: &RequestError) -> String {
    let (args, _) = error.payload.to_values().unwrap_or_default();
    match args.first().and_then(wamp::value::Value::as_str) {
        Some(sentence) => format!("{sentence} ({})", error.error),
        None => error.error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use wamp::error::NOT_AUTHORIZED;
    use wamp::message::ErrorDetails;
    use wamp::payload::Payload;

    use super::*;
    use crate::config;

    fn rule(uri: &str) -> Rule {
        Rule::of(&config::Forward {
            uri: uri.to_owned(),
            matching: Match::Exact,
            is_out: true,
            is_in: false,
            events: true,
            calls: false,
            keep: false,
        })
    }

    fn refused(request: RequestId) -> Message {
        Message::Error(RequestError {
            kind: RequestKind::Subscribe,
            request,
            details: ErrorDetails::default(),
            error: NOT_AUTHORIZED,
            payload: Payload::sentence("not allowed"),
        })
    }

    #[test]
    fn a_session_that_serves_goes_on_serving_while_it_is_asked_once_more_for_what_it_refused() {
        let rules = [rule("com.not")];
        let mut books = Books::default();
        let ask = |books: &mut Books, request| {
            books.asked.insert(request, (0, RequestKind::Subscribe));
            books.asked_for_all();
        };
        let answer = |books: &mut Books, request| {
            let told = books.answered(&refused(request), &rules);
            books.look_whether_ready();
            told
        };
        let [first, second] = [1, 2].map(|number| RequestId::new(number).unwrap());
        ask(&mut books, first);
        assert!(!books.is_ready, "nothing is answered yet");
        assert!(answer(&mut books, first).unwrap().contains("com.not"));
        assert!(books.is_ready && !books.has(0, EVENTS));
        ask(&mut books, second);
        assert!(books.is_ready, "that it was asked again is no reason not to serve");
        assert_eq!(books.missing.len(), 1, "it is missing as long as it is not there");
        assert_eq!(answer(&mut books, second), None, "that is no news");
        assert!(books.is_ready);
    }
}
