//! Calls under way. Each ends exactly once: with a result, or with an error when the callee fails, leaves or cannot be
//! reached, or when the caller cancels; and silently when the caller leaves.

use std::time::Duration;

use super::dealer::Route;
use super::member::{Member, Waiting};
use super::timer::Due;
use super::{Bounce, Realm, Refusal, send};
use crate::error;
use crate::id::{RequestId, SessionId};
use crate::message::{
    Call, CallResult, Cancel, CancelMode, ErrorDetails, Interrupt, InterruptOptions, Invocation, Message, RequestError,
    RequestKind, ResultDetails, Yield,
};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::Uri;

/// A call as its callee holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// Who called.
    pub(super) caller: SessionId,
    /// The caller's number for it.
    pub(super) call: RequestId,
    /// Whether the caller takes progressive results.
    receives_progress: bool,
    /// How long the caller waits for a result, and until when it waits for the next one.
    patience: Option<(Duration, Duration)>,
}

impl Realm {
    /// Hands a call to its callee.
    pub(super) fn open(&mut self, caller: SessionId, call: Call, route: Route, out: &mut Vec<Delivery>) {
        let Route {
            registration,
            callee,
            details,
            patience,
        } = route;
        let Some(member) = self.members.get_mut(callee) else {
            return;
        };
        let request = member.next_invocation;
        member.next_invocation = request.next();
        let receives_progress = details.receive_progress;
        let patience = patience.map(|patience| {
            let until = (self.clock.elapsed)().saturating_add(patience);
            self.timer.set(until, Due::Invocation(callee, request));
            (patience, until)
        });
        member.invocations.insert(
            request,
            Pending {
                caller,
                call: call.request,
                receives_progress,
                patience,
            },
        );
        if let Some(member) = self.members.get_mut(caller) {
            member.calls.insert(call.request, Waiting::Callee(callee, request));
        }
        let invocation = Invocation {
            request,
            registration,
            details,
            payload: call.payload,
        };
        send(out, callee, Message::Invocation(invocation));
    }

    /// Takes the callee's result. An answer to an invocation that is not open is dropped: the caller may have
    /// cancelled it meanwhile.
    pub(super) fn answer(&mut self, callee: SessionId, answer: Yield, out: &mut Vec<Delivery>) {
        let Yield {
            request,
            options,
            payload,
        } = answer;
        let pending = if options.progress {
            self.go_on(callee, request).filter(|pending| pending.receives_progress)
        } else {
            self.close(callee, request)
        };
        if let Some(pending) = pending {
            let details = ResultDetails {
                progress: options.progress,
                passthru: options.passthru,
            };
            let result = CallResult {
                request: pending.call,
                details,
                payload,
            };
            send(out, pending.caller, Message::Result(result));
        }
    }

    /// The open invocation of which a part of the result came: from now on its caller waits for the next one (WAMP
    /// specification, "Progressive Call Results", "Timeouts").
    fn go_on(&mut self, callee: SessionId, request: RequestId) -> Option<Pending> {
        let pending = self.members.get_mut(callee)?.invocations.get_mut(&request)?;
        if let Some((patience, until)) = &mut pending.patience {
            let due = Due::Invocation(callee, request);
            self.timer.cancel(*until, due);
            *until = (self.clock.elapsed)().saturating_add(*patience);
            self.timer.set(*until, due);
        }
        Some(*pending)
    }

    /// Ends a call that has taken too long.
    pub(super) fn time_out(&mut self, callee: SessionId, request: RequestId, out: &mut Vec<Delivery>) {
        if let Some(pending) = self.close(callee, request) {
            self.interrupt(callee, request, &error::TIMEOUT, out);
            let refusal = Refusal(
                error::TIMEOUT,
                "the callee did not answer in the time that the caller gave it",
            );
            refusal.tell(pending.caller, RequestKind::Call, pending.call, out);
        }
    }

    /// Takes the callee's error.
    pub(super) fn fail(&mut self, callee: SessionId, failure: RequestError, out: &mut Vec<Delivery>) {
        if let Some(pending) = self.close(callee, failure.request) {
            let to = pending.caller;
            let failure = RequestError {
                kind: RequestKind::Call,
                request: pending.call,
                ..failure
            };
            send(out, to, Message::Error(failure));
        }
    }

    /// Takes the caller's wish to end its call.
    pub(super) fn cancel(&mut self, caller: SessionId, cancel: &Cancel, out: &mut Vec<Delivery>) {
        let open = self
            .members
            .get(caller)
            .and_then(|member| member.calls.get(&cancel.request))
            .copied();
        let (callee, request) = match open {
            // The answer may already be on its way.
            None => return,
            Some(Waiting::Consent(question)) => {
                let cancelled = Refusal(error::CANCELED, "the call was cancelled");
                return self.withdraw(question, cancelled, out);
            }
            Some(Waiting::Callee(callee, request)) => (callee, request),
        };
        let can_be_interrupted = self
            .members
            .get(callee)
            .is_some_and(|member| member.features.call_canceling);
        let mode = cancel.options.mode;
        if mode != CancelMode::Skip && can_be_interrupted {
            let options = InterruptOptions {
                mode,
                reason: Some(error::CANCELED),
            };
            send(out, callee, Message::Interrupt(Interrupt { request, options }));
        }
        // A callee that cannot be interrupted would keep a caller that chose `kill` waiting.
        if mode != CancelMode::Kill || !can_be_interrupted {
            self.close(callee, request);
            let refusal = Refusal(error::CANCELED, "the call was cancelled");
            refusal.tell(caller, RequestKind::Call, cancel.request, out);
        }
    }

    /// Takes back a delivery that could not be made, so that nobody waits for what will not come. What can be lost
    /// without harm is lost here: it is for the caller of this method to count it.
    pub fn bounce(&mut self, to: SessionId, message: &Message, why: Bounce, out: &mut Vec<Delivery>) {
        let (error, sentence) = why.tell(message);
        match message {
            Message::Invocation(invocation) => {
                if let Some(pending) = self.close(to, invocation.request) {
                    fail(out, pending.caller, pending.call, error, Payload::sentence(&sentence));
                }
            }
            Message::Result(CallResult { request, details, .. }) => {
                if details.progress {
                    self.interrupt_call(to, *request, &error, out);
                }
                fail(out, to, *request, error, Payload::sentence(&sentence));
            }
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
            | Message::Event(_)
            | Message::EventReceived(_)
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

    /// Ends a call that still runs although its caller can no longer be served.
    fn interrupt_call(&mut self, caller: SessionId, call: RequestId, reason: &Uri, out: &mut Vec<Delivery>) {
        let open = self
            .members
            .get(caller)
            .and_then(|member| member.calls.get(&call))
            .copied();
        if let Some(Waiting::Callee(callee, request)) = open {
            self.close(callee, request);
            self.interrupt(callee, request, reason, out);
        }
    }

    fn interrupt(&self, callee: SessionId, request: RequestId, reason: &Uri, out: &mut Vec<Delivery>) {
        if self
            .members
            .get(callee)
            .is_some_and(|member| member.features.call_canceling)
        {
            let options = InterruptOptions {
                mode: CancelMode::KillNoWait,
                reason: Some(reason.clone()),
            };
            send(out, callee, Message::Interrupt(Interrupt { request, options }));
        }
    }

    /// Every call to a callee that left fails.
    pub(super) fn callee_left(&mut self, callee: &Member, out: &mut Vec<Delivery>) {
        for (request, pending) in &callee.invocations {
            self.forget_deadline(callee.origin.session, *request, pending);
            if let Some(caller) = self.members.get_mut(pending.caller) {
                caller.calls.remove(&pending.call);
                let refusal = Refusal(error::CANCELED, "the callee left before it answered");
                refusal.tell(pending.caller, RequestKind::Call, pending.call, out);
            }
        }
    }

    /// Callees need not work for a caller that left.
    pub(super) fn caller_left(&mut self, caller: &Member, out: &mut Vec<Delivery>) {
        for waiting in caller.calls.values() {
            let (callee, request) = match *waiting {
                Waiting::Callee(callee, request) => (callee, request),
                Waiting::Consent(question) => {
                    self.forget_parked(question);
                    continue;
                }
            };
            if self.close(callee, request).is_some() {
                self.interrupt(callee, request, &error::CANCELED, out);
            }
        }
    }

    /// Takes an open invocation off both sides' books. Only the session that was invoked has it on its own, so nobody
    /// can answer for another.
    fn close(&mut self, callee: SessionId, request: RequestId) -> Option<Pending> {
        let pending = self.members.get_mut(callee)?.invocations.remove(&request)?;
        if let Some(caller) = self.members.get_mut(pending.caller) {
            caller.calls.remove(&pending.call);
        }
        self.forget_deadline(callee, request, &pending);
        Some(pending)
    }

    fn forget_deadline(&mut self, callee: SessionId, request: RequestId, pending: &Pending) {
        if let Some((_, until)) = pending.patience {
            self.timer.cancel(until, Due::Invocation(callee, request));
        }
    }
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

fn fail(out: &mut Vec<Delivery>, caller: SessionId, call: RequestId, error: Uri, payload: Payload) {
    send(
        out,
        caller,
        Message::Error(RequestError {
            kind: RequestKind::Call,
            request: call,
            details: ErrorDetails::default(),
            error,
            payload,
        }),
    );
}

#[cfg(test)]
mod tests;
