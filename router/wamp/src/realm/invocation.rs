//! Calls under way. Each ends exactly once: with a result, or with an error when the callee fails, leaves or cannot be
//! reached, or when the caller cancels; and silently when the caller leaves.

mod bounce;
mod credit;
mod ending;
mod parts;
mod reroute;

use std::time::Duration;

pub use self::bounce::{follows, is_end};
use self::credit::Credit;
use self::parts::Input;
use self::reroute::{Passed, Reroute};
use super::dealer::{Target, Terms};
use super::member::{Shards, Waiting};
use super::timer::Due;
use super::{Realm, send};
use crate::error;
use crate::id::{RegistrationId, RequestId, SessionId};
use crate::message::{
    CallResult, ErrorDetails, Invocation, InvocationDetails, Message, RequestError, RequestKind, ResultDetails,
    RunMode, Yield,
};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::Uri;

/// A call as its callee holds it.
#[derive(Debug)]
pub(super) struct Pending {
    /// Who called.
    pub(super) caller: SessionId,
    /// The caller's number for it.
    pub(super) call: RequestId,
    /// When the callee was given it, as [`Realm::moment`] has it.
    since: u64,
    /// Whether the caller takes progressive results.
    receives_progress: bool,
    /// A part of the result came, or a further part of the call went to the callee.
    has_begun: bool,
    /// The callee was told to stop.
    is_interrupted: bool,
    /// What few calls need.
    special: Option<Box<Special>>,
}

/// What few calls need.
#[derive(Debug, Default)]
struct Special {
    /// How long the caller waits for a result, and until when it waits for the next one.
    patience: Option<(Duration, Duration)>,
    /// The registration whose callee takes so many calls at a time only.
    limited: Option<RegistrationId>,
    /// More of the call may come.
    input: Option<Input>,
    /// One end sends only what the other has granted.
    credit: Option<Credit>,
    /// Another callee may take the call.
    reroute: Option<Reroute>,
    /// The call is for a shard of the procedure, or for all of them, of which this is one.
    shard: Option<RunMode>,
}

impl Pending {
    /// Until when the caller waits.
    fn deadline(&self) -> Option<Duration> {
        self.special.as_ref()?.patience.map(|(_, until)| until)
    }

    fn shard(&self) -> Option<RunMode> {
        self.special.as_ref().and_then(|it| it.shard)
    }

    /// Whether others work on the same call.
    fn is_one_of_all(&self) -> bool {
        self.shard() == Some(RunMode::All)
    }
}

impl Realm {
    /// Hands a call to its callee.
    #[allow(clippy::too_many_arguments, reason = "a call, taken apart")]
    pub(super) fn open(
        &mut self,
        caller: SessionId,
        call: RequestId,
        target: Target,
        terms: Terms,
        mut details: InvocationDetails,
        payload: Payload,
        has_others: bool,
        out: &mut Vec<Delivery>,
    ) {
        let mut special = Special::of(&target, &details);
        if has_others && let Some(reroute) = Reroute::of(&target, terms, &details, &payload) {
            special.get_or_insert_default().reroute = Some(reroute);
        }
        let patience = self.complete(&mut details, caller, &target, terms);
        if let Some(patience) = patience {
            special.get_or_insert_default().patience = Some(self.timed(patience));
        }
        if terms.has_credit {
            special.get_or_insert_default().credit = self.begin_credit(&target, &mut details);
        }
        let pending = Pending::new(caller, call, &details, special);
        let request = self.invoke(&target, details, payload, pending, out);
        if let (Some(member), Some(request)) = (self.members.get_mut(caller), request) {
            member.calls.insert(call, Waiting::Callee(target.callee, request));
            if terms.has_credit {
                self.grant_all(target.callee, request, out);
            }
        }
    }

    /// Hands a call to the callees of its shards.
    #[allow(clippy::too_many_arguments, reason = "a call, taken apart")]
    pub(super) fn open_shards(
        &mut self,
        caller: SessionId,
        call: RequestId,
        (runmode, targets): (RunMode, &[Target]),
        terms: Terms,
        details: &InvocationDetails,
        payload: &Payload,
        out: &mut Vec<Delivery>,
    ) {
        let mut shards = Shards::default();
        for target in targets {
            let mut special = Special::of(target, details);
            let mut details = details.clone();
            let patience = self.complete(&mut details, caller, target, terms);
            let shard = special.get_or_insert_default();
            shard.shard = Some(runmode);
            shard.patience = patience.map(|it| self.timed(it));
            let pending = Pending::new(caller, call, &details, special);
            let request = self.invoke(target, details, payload.clone(), pending, out);
            shards.0.extend(request.map(|request| (target.callee, request)));
        }
        if let Some(member) = self.members.get_mut(caller) {
            member.calls.insert(call, Waiting::Shards(Box::new(shards)));
        }
    }

    /// A patience, and when it is at its end.
    fn timed(&self, patience: Duration) -> (Duration, Duration) {
        (patience, (self.clock.elapsed)().saturating_add(patience))
    }

    /// Puts an invocation on its callee's books, and sends it.
    #[inline]
    fn invoke(
        &mut self,
        target: &Target,
        details: InvocationDetails,
        payload: Payload,
        mut pending: Pending,
        out: &mut Vec<Delivery>,
    ) -> Option<RequestId> {
        let Target {
            registration, callee, ..
        } = *target;
        pending.since = self.moment();
        let member = self.members.get_mut(callee)?;
        self.open_invocations += 1;
        let request = member.next_invocation;
        member.next_invocation = request.next();
        if let Some(until) = pending.deadline() {
            self.timer.set(until, Due::Invocation(callee, request));
        }
        if target.is_limited {
            *member.running.entry(registration).or_default() += 1;
        }
        if details.progress {
            let input = Input::new(registration, details.clone());
            pending.special.get_or_insert_default().input = Some(input);
        }
        member.invocations.insert(request, pending);
        let invocation = Invocation {
            request,
            registration,
            details,
            payload,
        };
        send(out, callee, Message::Invocation(invocation));
        Some(request)
    }

    /// Takes the callee's result. An answer to an invocation that is not open is dropped: the caller may have
    /// cancelled it meanwhile.
    pub(super) fn answer(&mut self, callee: SessionId, answer: Yield, out: &mut Vec<Delivery>) {
        let Yield {
            request,
            options,
            payload,
        } = answer;
        let mut details = ResultDetails {
            progress: options.progress,
            credit: 0,
            passthru: options.passthru,
        };
        if details.progress {
            if options.credit > 0 {
                return self.grant_parts(callee, request, options.credit, out);
            }
            if self.has_no_credit(callee, request) {
                return self.overrun(callee, request, credit::TOO_MANY_RESULTS, out);
            }
            if let Some((caller, call)) = self.go_on(callee, request) {
                send_result(out, caller, call, details, payload);
            }
            return;
        }
        let Some(pending) = self.close(callee, request) else {
            return self.finish_abandoned(callee, request);
        };
        self.count_answer(pending.since);
        let (caller, call) = (pending.caller, pending.call);
        let is_one_of_all = pending.is_one_of_all();
        details.progress = is_one_of_all;
        send_result(out, caller, call, details, payload);
        if is_one_of_all && !self.is_open(caller, call) {
            send_result(out, caller, call, ResultDetails::default(), Payload::EMPTY);
        }
    }

    /// The caller, if it takes them, of an open invocation of which a part of the result came: from now on it waits for
    /// the next one (WAMP specification, "Progressive Call Results", "Timeouts").
    fn go_on(&mut self, callee: SessionId, request: RequestId) -> Option<(SessionId, RequestId)> {
        let pending = self.members.get_mut(callee)?.invocations.get_mut(request)?;
        if !pending.receives_progress {
            return None;
        }
        pending.begin();
        let (caller, call) = (pending.caller, pending.call);
        self.restart_patience(callee, request);
        Some((caller, call))
    }

    /// Takes the callee's error.
    pub(super) fn fail(&mut self, callee: SessionId, failure: RequestError, out: &mut Vec<Delivery>) {
        let mut failure = ending::readable(failure);
        if failure.error == error::UNAVAILABLE {
            match self.pass_on(callee, failure.request, out) {
                Passed::On => return,
                Passed::ByAll | Passed::Alone => failure.error = error::NO_AVAILABLE_CALLEE,
                Passed::Not => {}
            }
        // Another router has nobody for it, and the next one may.
        } else if failure.error == error::NO_SUCH_PROCEDURE
            && self.is_link(callee)
            && self.pass_on(callee, failure.request, out) == Passed::On
        {
            return;
        }
        if let Some(pending) = self.end(callee, failure.request, &error::CANCELED, out) {
            self.count_answer(pending.since);
            let to = pending.caller;
            let failure = RequestError {
                kind: RequestKind::Call,
                request: pending.call,
                ..failure
            };
            send(out, to, Message::Error(failure));
        } else {
            self.finish_abandoned(callee, failure.request);
        }
    }

    fn is_open(&self, caller: SessionId, call: RequestId) -> bool {
        let member = self.members.get(caller);
        member.is_some_and(|member| member.calls.contains(call))
    }

    /// Takes an open invocation off both sides' books. Only the session that was invoked has it on its own, so nobody
    /// can answer for another.
    fn close(&mut self, callee: SessionId, request: RequestId) -> Option<Pending> {
        let pending = self.take(callee, request)?;
        if pending.special.is_some() {
            self.release(callee, request, &pending);
        } else if let Some(caller) = self.members.get_mut(pending.caller) {
            caller.calls.remove(pending.call);
        }
        Some(pending)
    }

    /// Takes an invocation off its callee's books.
    #[inline]
    fn take(&mut self, callee: SessionId, request: RequestId) -> Option<Pending> {
        let member = self.members.get_mut(callee)?;
        let pending = member.invocations.remove(request)?;
        self.open_invocations -= 1;
        if let Some(special) = &pending.special {
            if let Some(limited) = special.limited {
                member.finish_one(limited);
            }
            if let Some((_, until)) = special.patience {
                self.timer.cancel(until, Due::Invocation(callee, request));
            }
        }
        Some(pending)
    }

    /// Takes an invocation off its caller's books, and the call with the last one.
    fn release(&mut self, callee: SessionId, request: RequestId, pending: &Pending) {
        let Some(caller) = self.members.get_mut(pending.caller) else {
            return;
        };
        if let Some(Waiting::Shards(shards)) = caller.calls.get_mut(pending.call) {
            shards.0.remove(&(callee, request));
            if !shards.0.is_empty() {
                return;
            }
        }
        caller.calls.remove(pending.call);
        let Some(special) = &pending.special else { return };
        if special.input.is_some() || special.credit.is_some() {
            caller.cut_off(pending.call, special.credit.is_some());
        }
    }
}

impl Pending {
    #[inline]
    fn new(caller: SessionId, call: RequestId, details: &InvocationDetails, special: Option<Box<Special>>) -> Self {
        Self {
            caller,
            call,
            since: 0,
            receives_progress: details.receive_progress,
            has_begun: false,
            is_interrupted: false,
            special,
        }
    }

    /// From now on no other callee can take the call.
    fn begin(&mut self) {
        self.has_begun = true;
        if let Some(special) = &mut self.special {
            special.reroute = None;
        }
    }
}

impl Special {
    fn of(target: &Target, details: &InvocationDetails) -> Option<Box<Self>> {
        (target.is_limited || details.progress).then(|| {
            Box::new(Self {
                limited: target.is_limited.then_some(target.registration),
                ..Self::default()
            })
        })
    }
}

#[inline]
fn send_result(
    out: &mut Vec<Delivery>,
    caller: SessionId,
    request: RequestId,
    details: ResultDetails,
    payload: Payload,
) {
    let result = CallResult {
        request,
        details,
        payload,
    };
    send(out, caller, Message::Result(result));
}

fn send_failure(out: &mut Vec<Delivery>, caller: SessionId, call: RequestId, error: Uri, payload: Payload) {
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
mod parts_tests;
#[cfg(test)]
mod reroute_tests;
#[cfg(test)]
mod tests;
