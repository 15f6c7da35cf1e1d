//! Deliveries that could not be made.

use super::super::{Bounce, Realm, send};
use super::reroute::Passed;
use super::send_failure;
use crate::error;
use crate::id::SessionId;
use crate::message::{CallResult, ErrorDetails, Message, RequestError, RequestKind};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::Uri;

impl Realm {
    /// Takes back a delivery that could not be made, so that nobody waits for what will not come. What can be lost
    /// without harm is lost here: it is for the caller of this method to count it.
    ///
    /// `had_end` says that the end of the call was withdrawn with it ([`follows`]), so that it is to get another one.
    pub fn bounce(&mut self, to: SessionId, message: &Message, why: Bounce, had_end: bool, out: &mut Vec<Delivery>) {
        let (mut error, sentence) = why.tell(message);
        match message {
            Message::Invocation(invocation) => {
                match self.pass_on(to, invocation.request, out) {
                    Passed::On => return,
                    Passed::ByAll if why == Bounce::Full => error = error::NO_AVAILABLE_CALLEE,
                    Passed::ByAll | Passed::Alone | Passed::Not => {}
                }
                if let Some(pending) = self.end(to, invocation.request, &error, out) {
                    // It has the parts before this one, and would wait for more.
                    if pending.has_begun {
                        self.interrupt(to, invocation.request, &pending, &error, out);
                    }
                    send_failure(out, pending.caller, pending.call, error, Payload::sentence(&sentence));
                } else {
                    self.finish_abandoned(to, invocation.request);
                }
            }
            Message::Result(CallResult { request, details, .. }) => {
                // A call that is over has its end already, or it is on its way.
                let is_to_end = !details.progress || self.stop(to, *request, &error, out) || had_end;
                if is_to_end {
                    send_failure(out, to, *request, error, Payload::sentence(&sentence));
                }
            }
            Message::Event(event) => self.event_lost(to, event.publication, out),
            Message::Error(RequestError { kind, request, .. }) => {
                let payload = Payload::sentence(&sentence);
                send(
                    out,
                    to,
                    Message::Error(RequestError {
                        kind: *kind,
                        request: *request,
                        details: ErrorDetails::default(),
                        error,
                        payload,
                    }),
                );
            }
            Message::Hello(_)
            | Message::Welcome(_)
            | Message::Abort(_)
            | Message::Challenge(_)
            | Message::Authenticate(_)
            | Message::Goodbye(_)
            | Message::Publish(_)
            | Message::Published(_)
            | Message::Subscribe(_)
            | Message::Subscribed(_)
            | Message::Unsubscribe(_)
            | Message::Unsubscribed(_)
            | Message::SubscriptionRevoked(_)
            | Message::EventReceived(_)
            | Message::Received(_)
            | Message::Call(_)
            | Message::Cancel(_)
            | Message::Register(_)
            | Message::Registered(_)
            | Message::Unregister(_)
            | Message::Unregistered(_)
            | Message::RegistrationRevoked(_)
            | Message::Interrupt(_)
            | Message::Yield(_) => {}
        }
    }
}

/// Whether a message makes no sense any more, when one before it could not be delivered: an intermediate result or a part of
/// a call would be missing, and nobody would know. Such messages must be withdrawn with the one that bounces.
#[must_use]
pub fn follows(bounced: &Message, later: &Message) -> bool {
    if let Message::Invocation(it) = bounced {
        return matches!(later, Message::Invocation(part) if part.request == it.request);
    }
    let Message::Result(it) = bounced else { return false };
    let is_same = matches!(later, Message::Result(result) if result.request == it.request)
        || matches!(later, Message::Error(error) if error.kind == RequestKind::Call && error.request == it.request);
    it.details.progress && is_same
}

/// Whether a message that [`follows`] another is the end of its call.
#[must_use]
pub fn is_end(message: &Message) -> bool {
    matches!(message, Message::Error(_)) || matches!(message, Message::Result(it) if !it.details.progress)
}

impl Bounce {
    fn tell(self, message: &Message) -> (Uri, String) {
        let is_invocation = matches!(message, Message::Invocation(_));
        match self {
            Self::Full if is_invocation => (
                error::UNAVAILABLE,
                "the callee does not take its messages, its queue is full".to_owned(),
            ),
            Self::Full => (error::UNAVAILABLE, "the queue of this session is full".to_owned()),
            Self::TooLong if is_invocation => (
                error::PAYLOAD_SIZE_EXCEEDED,
                "the arguments are longer than the callee takes".to_owned(),
            ),
            Self::TooLong => (
                error::PAYLOAD_SIZE_EXCEEDED,
                "the result is longer than this session takes".to_owned(),
            ),
            Self::Unconvertible(why) => (error::INVALID_ARGUMENT, why.to_string()),
        }
    }
}
