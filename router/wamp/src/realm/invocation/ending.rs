//! How calls end before their callee has answered.

use super::super::member::{Member, Waiting};
use super::super::timer::Due;
use super::super::{Realm, Refusal, send};
use super::Pending;
use crate::error;
use crate::id::{RequestId, SessionId};
use crate::message::{
    Cancel, CancelMode, ErrorDetails, Interrupt, InterruptOptions, Match, Message, RequestError, RequestKind,
};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::{Uri, UriRules};

/// Characters of an ill-formed URI that its receiver is shown.
const MAX_SHOWN: usize = 64;

const CANCELLED: Refusal = Refusal(error::CANCELED, "the call was cancelled");

/// A callee's error as its caller can read it: clients give up their connection for an error whose URI is ill formed. What
/// comes with it is dropped then, because nobody knows of what error it tells. Loose rules do for errors of every realm.
pub(super) fn readable(failure: RequestError) -> RequestError {
    if UriRules::Loose.check(&failure.error, Match::Exact).is_ok() {
        return failure;
    }
    let shown: String = failure.error.as_str().chars().take(MAX_SHOWN).collect();
    let sentence = format!("the callee answered with an error whose URI is not well formed: {shown:?}");
    RequestError {
        details: ErrorDetails::default(),
        error: error::INVALID_URI,
        payload: Payload::sentence(&sentence),
        ..failure
    }
}

impl Realm {
    /// Takes an open invocation off both sides' books, and with a shard that ends so the others of its call, which are
    /// told to stop.
    pub(super) fn end(
        &mut self,
        callee: SessionId,
        request: RequestId,
        reason: &Uri,
        out: &mut Vec<Delivery>,
    ) -> Option<Pending> {
        let pending = self.close(callee, request)?;
        if pending.is_one_of_all() {
            self.stop(pending.caller, pending.call, reason, out);
        }
        Some(pending)
    }

    /// Ends whatever still works on a call, and tells it to stop; the caller is not answered here. Says whether there
    /// was something to end.
    pub(super) fn stop(&mut self, caller: SessionId, call: RequestId, reason: &Uri, out: &mut Vec<Delivery>) -> bool {
        let at_work = self.at_work(caller, call);
        for (callee, request) in &at_work {
            if let Some(pending) = self.close(*callee, *request) {
                self.interrupt(*callee, *request, &pending, reason, out);
            }
        }
        !at_work.is_empty()
    }

    /// Who works on a call, with its numbers there.
    pub(super) fn at_work(&self, caller: SessionId, call: RequestId) -> Vec<(SessionId, RequestId)> {
        let waiting = self.members.get(caller).and_then(|member| member.calls.get(call));
        waiting.map(Waiting::at_work).unwrap_or_default()
    }

    /// The caller waits for the next result from now on.
    pub(super) fn restart_patience(&mut self, callee: SessionId, request: RequestId) {
        let pending = self
            .members
            .get_mut(callee)
            .and_then(|it| it.invocations.get_mut(request));
        let special = pending.and_then(|pending| pending.special.as_mut());
        if let Some((patience, until)) = special.and_then(|it| it.patience.as_mut()) {
            let due = Due::Invocation(callee, request);
            self.timer.cancel(*until, due);
            *until = (self.clock.elapsed)().saturating_add(*patience);
            self.timer.set(*until, due);
        }
    }

    /// Ends a call that has taken too long.
    pub(in crate::realm) fn time_out(&mut self, callee: SessionId, request: RequestId, out: &mut Vec<Delivery>) {
        if let Some(pending) = self.end(callee, request, &error::TIMEOUT, out) {
            self.interrupt(callee, request, &pending, &error::TIMEOUT, out);
            let refusal = Refusal(
                error::TIMEOUT,
                "the callee did not answer in the time that the caller gave it",
            );
            refusal.tell(pending.caller, RequestKind::Call, pending.call, out);
        }
    }

    /// Takes the caller's wish to end its call.
    pub(in crate::realm) fn cancel(&mut self, caller: SessionId, cancel: &Cancel, out: &mut Vec<Delivery>) {
        let waiting = self.members.get(caller).and_then(|it| it.calls.get(cancel.request));
        let at_work = match waiting {
            // The answer may already be on its way.
            None => return,
            Some(Waiting::Consent(question)) => return self.withdraw(*question, CANCELLED, out),
            Some(waiting) => waiting.at_work(),
        };
        match cancel.options.mode {
            // Who cannot be interrupted would keep a caller that chose `kill` waiting.
            CancelMode::Kill if at_work.iter().all(|(callee, _)| self.can_be_interrupted(*callee)) => {
                for (callee, request) in at_work {
                    self.kill(callee, request, out);
                }
                return;
            }
            CancelMode::Skip => {
                for (callee, request) in at_work {
                    if let Some(pending) = self.close(callee, request) {
                        self.abandon(callee, request, &pending);
                    }
                }
            }
            CancelMode::Kill | CancelMode::KillNoWait => {
                self.stop(caller, cancel.request, &error::CANCELED, out);
            }
        }
        CANCELLED.tell(caller, RequestKind::Call, cancel.request, out);
    }

    /// Tells a callee to stop, whose answer still counts.
    fn kill(&mut self, callee: SessionId, request: RequestId, out: &mut Vec<Delivery>) {
        let member = self.members.get_mut(callee);
        let pending = member.and_then(|member| member.invocations.get_mut(request));
        let Some(pending) = pending.filter(|pending| !pending.is_interrupted) else {
            return;
        };
        pending.is_interrupted = true;
        let options = InterruptOptions {
            mode: CancelMode::Kill,
            reason: Some(error::CANCELED),
        };
        send(out, callee, Message::Interrupt(Interrupt { request, options }));
    }

    fn can_be_interrupted(&self, callee: SessionId) -> bool {
        let callee = self.members.get(callee);
        callee.is_some_and(|member| member.features.call_canceling)
    }

    /// Tells a callee to stop whose answer does not count any more. An invocation is interrupted once, so that nobody can
    /// fill a callee's queue by cancelling. A callee that was told counts as free: it need not answer any more.
    pub(super) fn interrupt(
        &mut self,
        callee: SessionId,
        request: RequestId,
        pending: &Pending,
        reason: &Uri,
        out: &mut Vec<Delivery>,
    ) {
        if pending.is_interrupted {
            return;
        }
        if !self.can_be_interrupted(callee) {
            return self.abandon(callee, request, pending);
        }
        let options = InterruptOptions {
            mode: CancelMode::KillNoWait,
            reason: Some(reason.clone()),
        };
        send(out, callee, Message::Interrupt(Interrupt { request, options }));
    }

    /// A callee that was not told to stop works on, and where it takes so many calls at a time only, that counts.
    fn abandon(&mut self, callee: SessionId, request: RequestId, pending: &Pending) {
        let limited = pending.special.as_ref().and_then(|special| special.limited);
        if let (Some(registration), Some(member)) = (limited, self.members.get_mut(callee)) {
            member.abandon(request, registration);
        }
    }

    /// A callee is done with an invocation that is not open.
    #[cold]
    pub(super) fn finish_abandoned(&mut self, callee: SessionId, request: RequestId) {
        if let Some(member) = self.members.get_mut(callee) {
            member.finish_abandoned(request);
        }
    }

    /// Every call to a callee that left fails.
    pub(in crate::realm) fn callee_left(&mut self, callee: &Member, out: &mut Vec<Delivery>) {
        let session = callee.origin.session;
        self.open_invocations -= callee.invocations.len();
        for (request, pending) in callee.invocations.all() {
            if let Some(until) = pending.deadline() {
                self.timer.cancel(until, Due::Invocation(session, request));
            }
            if !self.members.contains(pending.caller) {
                continue;
            }
            self.release(session, request, pending);
            if pending.is_one_of_all() {
                self.stop(pending.caller, pending.call, &error::CANCELED, out);
            }
            let refusal = Refusal(error::CANCELED, "the callee left before it answered");
            refusal.tell(pending.caller, RequestKind::Call, pending.call, out);
        }
    }

    /// Callees need not work for a caller that left.
    pub(in crate::realm) fn caller_left(&mut self, caller: &Member, out: &mut Vec<Delivery>) {
        for (_, waiting) in caller.calls.all() {
            if let Some(question) = waiting.question() {
                self.forget_parked(question);
            }
            for (callee, request) in waiting.at_work() {
                if let Some(pending) = self.close(callee, request) {
                    self.interrupt(callee, request, &pending, &error::CANCELED, out);
                }
            }
        }
    }
}
