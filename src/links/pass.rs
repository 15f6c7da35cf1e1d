//! One direction of a link: from a message that came in one session to what is sent in the other.

use std::sync::Arc;

use client::Passed;
use tokio::sync::mpsc::Receiver;
use wamp::error::{CANCELED, NO_SUCH_PROCEDURE, UNAVAILABLE};
use wamp::id::RequestId;
use wamp::message::{
    Call, CallOptions, CallResult, Cancel, CancelMode, CancelOptions, ErrorDetails, Flow, Interrupt, Invocation,
    InvocationDetails, Message, Passthru, RequestError, RequestKind, Yield, YieldOptions,
};
use wamp::payload::Payload;
use wamp::uri::Uri;

use super::calls::{self, Seen};
use super::end::{Open, Side, sentence};
use super::events::{NoWay, onward};
use super::link::Link;

impl Link {
    /// Passes on what comes at one end, for as long as the daemon runs.
    pub(super) async fn pass(self: Arc<Self>, from: Side, mut messages: Receiver<Passed>) {
        while let Some(Passed { session, message }) = messages.recv().await {
            // Of a session that has ended nobody waits for anything.
            if let Some(open) = self.end(from).get().filter(|open| open.session.id() == session) {
                self.take(from, &open, message).await;
            }
        }
    }

    async fn take(&self, from: Side, open: &Open, message: Message) {
        if let Message::Event(event) = message {
            self.event(from, open, event).await;
        } else if let Message::Invocation(invocation) = message {
            self.invocation(from, open, invocation).await;
        } else if let Message::Interrupt(interrupt) = message {
            self.interrupt(from, open, &interrupt).await;
        } else if let Message::Result(result) = message {
            self.result(from, open, result).await;
        } else if let Message::Published(published) = message {
            self.published(from, open, published.request, None).await;
        } else if let Message::Error(error) = message {
            self.error(from, open, error).await;
        } else {
            self.answered_to(from, open, &message);
        }
    }

    async fn error(&self, from: Side, open: &Open, error: RequestError) {
        match error.kind {
            RequestKind::Call => self.failure(from, open, error).await,
            RequestKind::Publish => {
                let why = sentence(&error);
                self.published(from, open, error.request, Some(why)).await;
            }
            RequestKind::Subscribe
            | RequestKind::Unsubscribe
            | RequestKind::Register
            | RequestKind::Unregister
            | RequestKind::Invocation => self.answered_to(from, open, &Message::Error(error)),
        }
    }

    async fn invocation(&self, from: Side, open: &Open, invocation: Invocation) {
        let request = invocation.request;
        let seen = self.calls(from).see(open.session.id(), request);
        match seen {
            Seen::Late => {}
            Seen::Further(call) => self.go_on(from, &call, invocation).await,
            Seen::New => {
                if let Err((error, why)) = self.begin(from, open, invocation).await {
                    refuse(open, request, error, why).await;
                }
            }
        }
    }

    /// Makes the call at the other end. Where that cannot be, the error lets the router try the next callee.
    async fn begin(&self, from: Side, open: &Open, invocation: Invocation) -> Result<(), (Uri, &'static str)> {
        let Invocation {
            request,
            registration,
            details,
            payload,
        } = invocation;
        let rule = open.procedure(registration).and_then(|row| self.rules.get(row));
        let nobody = |why| (NO_SUCH_PROCEDURE, why);
        let rule = rule.ok_or_else(|| nobody("the link does not forward this procedure"))?;
        let procedure = details.procedure.as_deref().unwrap_or(&rule.uri).to_stored();
        if !rule.takes(&procedure) {
            return Err(nobody("the link does not forward this procedure"));
        }
        let other = self.end(from.other()).get().filter(|_| self.is_up(from.other()));
        let other = other.ok_or((UNAVAILABLE, "the link to the other router is down"))?;
        let caller = details.caller.as_deref().cloned();
        let route = onward(&details.passthru, open.router, Some(other.router), || (None, caller));
        let route = route.map_err(|no_way| {
            nobody(match no_way {
                NoWay::Been => "nobody offers this procedure that the call has not come from",
                NoWay::TooFar => "nobody offers this procedure within as many routers as a call may pass",
            })
        })?;
        if !self.calls(from).has_room() {
            return Err((UNAVAILABLE, "the link has as many calls open as it may"));
        }
        let options = CallOptions {
            flow: flow(&details),
            passthru: Passthru::with_route(details.passthru.as_deref(), route),
            receive_progress: details.receive_progress,
            progress: details.progress,
            timeout: details.timeout,
            ..CallOptions::default()
        };
        let make = |call| {
            let open = calls::Open {
                from: open.session.id(),
                to: other.session.id(),
                call,
                procedure: procedure.clone(),
            };
            self.calls(from).insert(request, open);
            Message::Call(Call {
                request: call,
                options,
                procedure,
                payload,
            })
        };
        let is_sent = tokio::select! {
            sent = other.session.pass_request(make) => sent.is_ok(),
            () = self.down(from.other(), &other) => false,
        };
        // Calls that are open when a session ends are ended with it; this one may have come after that.
        let is_over = !is_sent || other.session.has_ended();
        if is_over && (!is_sent || self.calls(from).remove(request).is_some()) {
            return Err((UNAVAILABLE, "the link to the other router is down"));
        }
        self.counters.call(from);
        Ok(())
    }

    /// Passes on a further part of a call, or that its caller takes more results.
    async fn go_on(&self, from: Side, open: &calls::Open, invocation: Invocation) {
        let details = invocation.details;
        let is_grant = details.credit > 0;
        let options = CallOptions {
            flow: flow(&details).filter(|_| is_grant),
            progress: details.progress && !is_grant,
            ..CallOptions::default()
        };
        let call = Call {
            request: open.call,
            options,
            procedure: open.procedure.clone(),
            payload: invocation.payload,
        };
        self.send(from.other(), open.to, Message::Call(call)).await;
    }

    async fn interrupt(&self, from: Side, open: &Open, interrupt: &Interrupt) {
        let mode = interrupt.options.mode;
        let call = {
            let mut calls = self.calls(from);
            let call = calls.get(open.session.id(), interrupt.request);
            // What was killed has an answer still.
            if mode != CancelMode::Kill {
                calls.remove(interrupt.request);
            }
            call
        };
        if let Some(call) = call {
            let cancel = cancel(call.call, mode);
            self.send(from.other(), call.to, cancel).await;
        }
    }

    async fn result(&self, side: Side, open: &Open, result: CallResult) {
        let CallResult {
            request,
            details,
            payload,
        } = result;
        let Some((invocation, from)) = self.answered(side, open, request, !details.progress) else {
            return;
        };
        let answer = Yield {
            request: invocation,
            options: YieldOptions {
                progress: details.progress,
                credit: details.credit,
                passthru: details.passthru,
            },
            payload,
        };
        self.send(side.other(), from, Message::Yield(answer)).await;
    }

    async fn failure(&self, side: Side, open: &Open, failure: RequestError) {
        if let Some((invocation, from)) = self.answered(side, open, failure.request, true) {
            let failure = RequestError {
                kind: RequestKind::Invocation,
                request: invocation,
                ..failure
            };
            self.send(side.other(), from, Message::Error(failure)).await;
        }
    }

    /// For which invocation an answer is, and of which session.
    fn answered(
        &self,
        side: Side,
        open: &Open,
        call: RequestId,
        is_last: bool,
    ) -> Option<(RequestId, wamp::id::SessionId)> {
        let mut calls = self.calls(side.other());
        let (invocation, from) = calls.invocation(open.session.id(), call)?;
        if is_last {
            calls.remove(invocation);
        }
        Some((invocation, from))
    }

    /// A session of this side has ended: its calls end at the other side too.
    pub(super) async fn ended(&self, side: Side, open: &Open) {
        let session = open.session.id();
        let invoked = self.calls(side).end(session);
        let made = self.calls(side.other()).end(session);
        for (_, call) in invoked {
            self.send(side.other(), call.to, cancel(call.call, CancelMode::KillNoWait))
                .await;
        }
        for (invocation, call) in made {
            let error = failed(invocation, CANCELED, "the link was lost before the callee answered");
            self.send(side.other(), call.from, error).await;
        }
        let unanswered = open.unanswered() as u64;
        if unanswered > 0 {
            self.drop_events(
                side.other(),
                unanswered,
                "the session was lost before they were answered",
            );
        }
    }

    /// Sends in a session of this side, if it is still the one that is open.
    async fn send(&self, side: Side, session: wamp::id::SessionId, message: Message) {
        if let Some(open) = self.end(side).get().filter(|open| open.session.id() == session) {
            // Whoever ends a session sees to what was open in it.
            let _ = open.session.pass(message).await;
        }
    }
}

/// The credit of an invocation as its caller's.
fn flow(details: &InvocationDetails) -> Option<Box<Flow>> {
    let flow = Flow {
        credit: details.credit,
        await_credit: details.await_credit,
    };
    (flow != Flow::default()).then(|| Box::new(flow))
}

const fn cancel(request: RequestId, mode: CancelMode) -> Message {
    Message::Cancel(Cancel {
        request,
        options: CancelOptions { mode },
    })
}

fn failed(request: RequestId, error: Uri, why: &str) -> Message {
    Message::Error(RequestError {
        kind: RequestKind::Invocation,
        request,
        details: ErrorDetails::default(),
        error,
        payload: Payload::sentence(why),
    })
}

async fn refuse(open: &Open, request: RequestId, error: Uri, why: &str) {
    let _ = open.session.pass(failed(request, error, why)).await;
}
