//! The router's own procedures and topics: everything below `wamp.` (WAMP specification, "Meta API").
//!
//! A procedure is a row of [`PROCEDURES`], a topic one of [`TOPICS`]: routing, `docs/API.md` and reflection know them from
//! there. A procedure is called under the role of its caller like any other, answers at once, and never waits. Events of
//! the router go to whoever subscribed to their topic, by [`Realm::announce`].

mod asked;
mod held;
mod history;
mod kill;
mod reflection;
mod registration;
mod session;
mod subscription;
mod testament;
#[cfg(test)]
mod testing;

use self::asked::Asked;
pub(super) use self::reflection::{Defined, Definitions};
pub(super) use self::testament::{Scope, Testaments};
use super::role::{Action, Consent};
use super::{Realm, Refusal, send};
use crate::codec::Serializer;
use crate::error;
use crate::id::{SessionId, SubscriptionId};
use crate::message::{Call, CallResult, ErrorDetails, Match, Message, RequestError, RequestKind, ResultDetails};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::{Dict, Value};

/// What became of a subscription or registration from which a session was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removed {
    /// Others hold it still.
    One,
    /// It was the last one, so it is there no more.
    Last,
}

/// A subscription that a session holds no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) id: SubscriptionId,
    pub(super) subscriber: SessionId,
    pub(super) removed: Removed,
}

/// What a procedure answers: positional results, and those by name.
#[derive(Debug, Default)]
struct Answer(Vec<Value>, Dict);

type Served = Result<Answer, Refusal>;

type Serve = fn(&mut Realm, &Asked<'_>, &mut Vec<Delivery>) -> Served;

/// A procedure of the router.
struct Procedure {
    uri: &'static str,
    /// The names of its arguments in their order, with a question mark behind those that may be left out. Each is taken
    /// by its place or by its name.
    params: &'static [&'static str],
    /// What it answers, in the notation of `docs/API.md`.
    gives: &'static str,
    /// What it does, in a phrase.
    does: &'static str,
    serve: Serve,
}

/// A topic of the router.
struct Topic {
    uri: &'static str,
    /// The arguments of its events.
    args: &'static str,
    /// When it is published, in a phrase.
    does: &'static str,
}

/// Every procedure of the router, a slice for each file.
const PROCEDURES: [&[Procedure]; 7] = [
    session::PROCEDURES,
    kill::PROCEDURES,
    registration::PROCEDURES,
    subscription::PROCEDURES,
    history::PROCEDURES,
    testament::PROCEDURES,
    reflection::PROCEDURES,
];

/// Every topic of the router, a slice for each file.
const TOPICS: [&[Topic]; 4] = [
    session::TOPICS,
    registration::TOPICS,
    subscription::TOPICS,
    reflection::TOPICS,
];

/// A procedure or topic of the router, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documented {
    /// Its URI.
    pub uri: &'static str,
    /// Its arguments and what it answers: `(session) → details`; of a topic the arguments of its events.
    pub shape: String,
    /// What it does, or when it is published.
    pub does: &'static str,
}

/// Every procedure of the router.
pub fn router_procedures() -> impl Iterator<Item = Documented> {
    PROCEDURES.into_iter().flatten().map(|it| Documented {
        uri: it.uri,
        shape: format!("({}) → {}", it.params.join(", "), it.gives),
        does: it.does,
    })
}

/// Every topic of the router.
pub fn router_topics() -> impl Iterator<Item = Documented> {
    TOPICS.into_iter().flatten().map(|it| Documented {
        uri: it.uri,
        shape: it.args.to_owned(),
        does: it.does,
    })
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self(vec![value], Dict::new())
    }
}

impl Realm {
    /// Takes a call of a procedure of the router.
    pub(super) fn serve(&mut self, from: SessionId, call: Call, out: &mut Vec<Delivery>) {
        match self.may_ask(from, &call) {
            Ok(Consent::Given) => self.serve_now(from, &call, out),
            Ok(Consent::Ask) => self.park(from, call),
            Err(refusal) => {
                self.note_refusal(from, Action::Call, &call.procedure, &refusal);
                refusal.tell(from, RequestKind::Call, call.request, out);
            }
        }
    }

    /// Whether a session may call a procedure of the router, and whether somebody must agree to it first.
    fn may_ask(&self, from: SessionId, call: &Call) -> Result<Consent, Refusal> {
        self.check_uri(&call.procedure, Match::Exact, false)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        let permission = member.permits(Action::Call, &call.procedure, Match::Exact);
        let consent = permission.ok_or(Refusal::NOT_AUTHORIZED)?.consent;
        if find(&call.procedure).is_none() {
            return Err(Refusal::NO_SUCH_PROCEDURE);
        }
        if consent == Consent::Ask && member.calls.len() >= self.settings.quota.pending_calls {
            return Err(Refusal::TOO_MANY_CALLS);
        }
        Ok(consent)
    }

    /// Serves a call that is allowed.
    pub(super) fn serve_now(&mut self, from: SessionId, call: &Call, out: &mut Vec<Delivery>) {
        let Some(procedure) = find(&call.procedure) else {
            return Refusal::NO_SUCH_PROCEDURE.tell(from, RequestKind::Call, call.request, out);
        };
        match self.try_serve(procedure, from, &call.payload, out) {
            Ok(Answer(args, kwargs)) => {
                let payload = Payload::from_values(Serializer::MessagePack, &args, &kwargs).unwrap_or(Payload::EMPTY);
                let result = CallResult {
                    request: call.request,
                    details: ResultDetails::default(),
                    payload,
                };
                send(out, from, Message::Result(result));
            }
            Err(Refusal(error, why)) => {
                let form = || format!("{why}; the form is {}({})", procedure.uri, procedure.params.join(", "));
                let is_about_form = error == error::INVALID_ARGUMENT;
                let sentence = if is_about_form { form() } else { why.to_owned() };
                let error = RequestError {
                    kind: RequestKind::Call,
                    request: call.request,
                    details: ErrorDetails::default(),
                    error,
                    payload: Payload::sentence(&sentence),
                };
                send(out, from, Message::Error(error));
            }
        }
    }

    fn try_serve(
        &mut self,
        procedure: &'static Procedure,
        caller: SessionId,
        payload: &Payload,
        out: &mut Vec<Delivery>,
    ) -> Served {
        const UNREADABLE: Refusal = Refusal(
            error::INVALID_ARGUMENT,
            "the arguments hold something that has no value",
        );
        let (args, kwargs) = payload.to_values().map_err(|_| UNREADABLE)?;
        let asked = Asked::new(procedure, caller, &args, &kwargs)?;
        (procedure.serve)(self, &asked, out)
    }
}

fn find(procedure: &Uri) -> Option<&'static Procedure> {
    let mut all = PROCEDURES.into_iter().flatten();
    all.find(|it| it.uri.as_bytes() == procedure.as_bytes())
}
