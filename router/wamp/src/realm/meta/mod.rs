//! The router's own procedures and topics: everything below `wamp.` (WAMP specification, "Meta API").
//!
//! A procedure is a row of [`PROCEDURES`]. It is called under the role of its caller like any other, answers at once,
//! and never waits. Events of the router go to whoever subscribed to their topic, by [`Realm::announce`].

mod history;
mod registration;
mod session;
mod subscription;
mod testament;

pub(super) use self::testament::Testaments;
use super::role::Action;
use super::{Realm, Refusal, send};
use crate::codec::Serializer;
use crate::error;
use crate::id::SessionId;
use crate::message::{Call, CallResult, Match, Message, RequestKind, ResultDetails};
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

/// A call of a procedure of the router.
#[derive(Debug)]
struct Asked<'a> {
    caller: SessionId,
    args: &'a [Value],
    kwargs: &'a Dict,
}

/// What a procedure answers: positional results, and those by name.
#[derive(Debug, Default)]
struct Answer(Vec<Value>, Dict);

type Served = Result<Answer, Refusal>;

/// A procedure of the router.
struct Procedure {
    uri: &'static str,
    serve: Serve,
}

/// Every procedure of the router, a slice for each file.
const PROCEDURES: [&[Procedure]; 5] = [
    session::PROCEDURES,
    registration::PROCEDURES,
    subscription::PROCEDURES,
    history::PROCEDURES,
    testament::PROCEDURES,
];

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self(vec![value], Dict::new())
    }
}

impl Asked<'_> {
    /// A positional argument that must be there.
    fn need(&self, place: usize, what: &'static str) -> Result<&Value, Refusal> {
        self.args.get(place).ok_or(Refusal(error::INVALID_ARGUMENT, what))
    }
}

impl Realm {
    /// Serves a call of a procedure of the router.
    pub(super) fn serve(&mut self, from: SessionId, call: &Call, out: &mut Vec<Delivery>) {
        match self.try_serve(from, call, out) {
            Ok(Answer(args, kwargs)) => {
                let payload = Payload::from_values(Serializer::MessagePack, &args, &kwargs).unwrap_or(Payload::EMPTY);
                let result = CallResult {
                    request: call.request,
                    details: ResultDetails::default(),
                    payload,
                };
                send(out, from, Message::Result(result));
            }
            Err(refusal) => {
                self.note_refusal(from, Action::Call, &call.procedure, &refusal);
                refusal.tell(from, RequestKind::Call, call.request, out);
            }
        }
    }

    fn try_serve(&mut self, from: SessionId, call: &Call, out: &mut Vec<Delivery>) -> Served {
        const UNREADABLE: Refusal = Refusal(
            error::INVALID_ARGUMENT,
            "the arguments hold something that has no value",
        );
        self.check_uri(&call.procedure, Match::Exact, false)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        member
            .permits(Action::Call, &call.procedure, Match::Exact)
            .ok_or(Refusal::NOT_AUTHORIZED)?;
        let serve = find(&call.procedure).ok_or(Refusal::NO_SUCH_PROCEDURE)?;
        let (args, kwargs) = call.payload.to_values().map_err(|_| UNREADABLE)?;
        let asked = Asked {
            caller: from,
            args: &args,
            kwargs: &kwargs,
        };
        serve(self, &asked, out)
    }
}

type Serve = fn(&mut Realm, &Asked<'_>, &mut Vec<Delivery>) -> Served;

fn find(procedure: &Uri) -> Option<Serve> {
    let mut all = PROCEDURES.iter().copied().flatten();
    all.find(|it| it.uri.as_bytes() == procedure.as_bytes())
        .map(|it| it.serve)
}
