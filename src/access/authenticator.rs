//! Asks the authenticators of the configured realms: a procedure that somebody registered says who a client is
//! (`docs/AUTHENTICATION.md`). What it says is read in `vouching`.
//!
//! A question lives as long as the client that it is about: where that goes, the call is cancelled and nothing is left.

use std::time::Duration;

use client::{Args, Event, Session, Value};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use router::Router;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use wamp::error::{CANCELED, NETWORK_FAILURE, NO_AVAILABLE_CALLEE, TIMEOUT, UNAVAILABLE};
use wamp::message::Abort;

use super::asking::{self, Unanswered};
use crate::config;
use crate::inside::Sessions;

/// How long a client waits for an authenticator that is not there yet: routers and authenticators start together, and
/// AutobahnJS takes every ABORT for the last word. With the answer's own time it stays below the ten seconds after which
/// clients give up.
pub const HOLD: Duration = Duration::from_secs(5);

/// Questions under way at a time, of all realms: fewer than the calls that a session may have open.
pub const AT_ONCE: usize = 64;

/// Questions that wait behind those. More is no crowd that logs in, but somebody who wants to keep others out.
pub const WAITING: usize = 256;

/// The name of the session that asks.
pub(super) const NAME: &str = "authenticator";

/// Says that a procedure can be called now (WAMP specification, "Registration Meta API").
const CREATED: &str = "wamp.registration.on_create";

/// A question, and where its answer goes.
#[derive(Debug)]
pub struct Question {
    realm: String,
    procedure: String,
    timeout: Duration,
    args: Vec<Value>,
    answer: oneshot::Sender<Result<Args, Unsaid>>,
}

/// Why nobody says who a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// The authenticator refuses: it knows nobody like that, or will not say.
    Refused,
    /// Nobody can say now; a sentence. Later it may be otherwise.
    NotNow(&'static str),
}

impl Unsaid {
    /// A refusal after which a client tries again.
    pub(super) fn not_now(why: &str) -> Abort {
        Abort::new(
            UNAVAILABLE,
            format!("who may come in here cannot be asked now: {why}; try again in a moment"),
        )
    }
}

const CROWDED: &str = "too many wait for that";
const ABSENT: &str = "the authenticator is not there";
const LATE: &str = "the authenticator did not answer in time";
const FAILED: &str = "the authenticator cannot be asked";
const BUSY: &str = "the authenticator says so";

/// Where the gate puts its questions.
#[derive(Debug, Clone)]
pub struct Authenticators(mpsc::Sender<Question>);

impl Authenticators {
    /// The gate's end, and that of [`serve`].
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Question>) {
        let (sender, asked) = mpsc::channel(WAITING);
        (Self(sender), asked)
    }

    /// Asks, and waits for the answer. Whoever drops the future takes the question back.
    pub(super) async fn ask(&self, of: &config::Authenticator, args: Vec<Value>) -> Result<Args, Unsaid> {
        let (answer, answered) = oneshot::channel();
        let question = Question {
            realm: of.realm.clone(),
            procedure: of.procedure.clone(),
            timeout: of.timeout,
            args,
            answer,
        };
        self.0.try_send(question).map_err(|refused| match refused {
            TrySendError::Full(_) => Unsaid::NotNow(CROWDED),
            TrySendError::Closed(_) => Unsaid::NotNow(FAILED),
        })?;
        match timeout(HOLD + of.timeout, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Unsaid::NotNow(FAILED)),
            Err(_) => Err(Unsaid::NotNow(CROWDED)),
        }
    }
}

/// Asks, for as long as the daemon runs.
pub async fn serve(router: Router, mut asked: mpsc::Receiver<Question>) {
    let sessions = Sessions::new(router, NAME);
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            question = asked.recv(), if open.len() < AT_ONCE => {
                let Some(question) = question else { return };
                if question.answer.is_closed() {
                    continue;
                }
                match sessions.of(&question.realm).await {
                    Ok(session) => open.push(answer(session, question)),
                    Err(error) => {
                        tracing::warn!(realm = %question.realm, %error, "authenticators cannot be asked");
                        let _ = question.answer.send(Err(Unsaid::NotNow(FAILED)));
                    }
                }
            }
            Some(()) = open.next() => {}
        }
    }
}

/// Answers a question, unless the client goes first.
async fn answer(session: Session, question: Question) {
    let Question {
        realm,
        procedure,
        timeout,
        args,
        mut answer,
    } = question;
    let answered = tokio::select! {
        answered = call_when_there(&session, &procedure, args, timeout) => answered,
        () = answer.closed() => return,
    };
    let answered = answered.map_err(|unanswered| match unanswered {
        Unanswered::Absent => {
            tracing::warn!(realm, procedure, "nobody has registered the authenticator");
            Unsaid::NotNow(ABSENT)
        }
        Unanswered::Late => {
            tracing::warn!(realm, procedure, "the authenticator took longer than {timeout:?}");
            Unsaid::NotNow(LATE)
        }
        Unanswered::Failed(error) => {
            tracing::warn!(realm, procedure, %error, "the authenticator cannot be asked");
            Unsaid::NotNow(FAILED)
        }
        Unanswered::Refused(error) => {
            tracing::info!(realm, procedure, %error, "the authenticator refuses a client");
            let is_passing = [UNAVAILABLE, NO_AVAILABLE_CALLEE, NETWORK_FAILURE, CANCELED, TIMEOUT];
            if is_passing.contains(&error.uri) {
                Unsaid::NotNow(BUSY)
            } else {
                Unsaid::Refused
            }
        }
    });
    let _ = answer.send(answered);
}

/// Calls the procedure; where nobody has it, as soon as somebody has registered it.
async fn call_when_there(
    session: &Session,
    procedure: &str,
    args: Vec<Value>,
    within: Duration,
) -> Result<Args, Unanswered> {
    let until = Instant::now() + HOLD;
    let first = asking::call(session, procedure, args.clone(), within).await;
    if !matches!(first, Err(Unanswered::Absent)) {
        return first;
    }
    let mut created = session.subscribe(CREATED).await.map_err(Unanswered::Failed)?;
    loop {
        // Also right after subscribing: it may have come between.
        let called = asking::call(session, procedure, args.clone(), within).await;
        if !matches!(called, Err(Unanswered::Absent)) {
            return called;
        }
        loop {
            match timeout_at(until, created.next()).await {
                Ok(Some(event)) if may_be(&event, procedure) => break,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Err(Unanswered::Absent),
            }
        }
    }
}

/// Whether a registration that was made may be that of the procedure: `[session, {uri, match}]`.
fn may_be(created: &Event, procedure: &str) -> bool {
    let details = created.args.args.get(1).and_then(Value::as_dict);
    let text = |key: &str| details.and_then(|details| details.get(key)).and_then(Value::as_str);
    text("match") != Some("exact") || text("uri") == Some(procedure)
}

#[cfg(test)]
mod tests {
    use wamp::auth::Method;

    use super::*;

    fn authenticator() -> config::Authenticator {
        config::Authenticator {
            procedure: "com.authenticate".to_owned(),
            realm: "home".to_owned(),
            methods: vec![Method::Ticket],
            roles: Vec::new(),
            timeout: Duration::from_secs(1),
        }
    }

    #[tokio::test]
    async fn as_many_wait_as_may_and_one_more_is_sent_away() {
        let (authenticators, mut waiting) = Authenticators::new();
        let of = authenticator();
        let mut asking: FuturesUnordered<_> = (0..WAITING).map(|_| authenticators.ask(&of, Vec::new())).collect();
        assert!(futures_util::poll!(asking.next()).is_pending());
        assert_eq!(waiting.len(), WAITING);
        let crowded = authenticators.ask(&of, Vec::new()).await;
        assert_eq!(crowded, Err(Unsaid::NotNow(CROWDED)));
        // Who is answered makes room.
        let first = waiting.recv().await.unwrap();
        first.answer.send(Err(Unsaid::Refused)).unwrap();
        assert_eq!(asking.next().await, Some(Err(Unsaid::Refused)));
        assert!(futures_util::poll!(Box::pin(authenticators.ask(&of, Vec::new()))).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_longer_than_an_authenticator_may_take() {
        let (authenticators, _waiting) = Authenticators::new();
        let began = Instant::now();
        let asked = authenticators.ask(&authenticator(), Vec::new()).await;
        assert_eq!(asked, Err(Unsaid::NotNow(CROWDED)));
        assert_eq!(began.elapsed(), HOLD + Duration::from_secs(1));
    }
}
