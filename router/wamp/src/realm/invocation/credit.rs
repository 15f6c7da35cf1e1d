//! Calls whose ends keep each other from sending faster than is taken: `_credit` (`docs/BACKPRESSURE.md`).
//!
//! The caller grants progressive results with CALL, the callee further parts of the call with YIELD. Grants are passed on
//! as they come; whoever sends more than it was granted ends the call. A callee that does not announce that it knows
//! credit is told nothing of it, and the caller may then send as it likes.

use super::super::dealer::Target;
use super::super::{Realm, Refusal, send};
use super::send_result;
use crate::error;
use crate::id::{RegistrationId, RequestId, SessionId};
use crate::message::{Invocation, InvocationDetails, Message, RequestKind, ResultDetails};
use crate::outgoing::Delivery;
use crate::payload::Payload;

pub(super) const TOO_MANY_RESULTS: Refusal = Refusal(
    error::CANCELED,
    "the callee sent more intermediate results than the caller had granted",
);
pub(super) const TOO_MANY_PARTS: Refusal = Refusal(
    error::CANCELED,
    "the caller sent more parts of the call than the callee had granted",
);

/// What may still be sent; `None` where as much as one likes.
#[derive(Debug)]
pub(super) struct Credit {
    registration: RegistrationId,
    results: Option<u32>,
    parts: Option<u32>,
    /// The caller waits for grants that this callee does not give.
    owes_parts: bool,
}

impl Credit {
    /// Takes away one part; `false` if there was none left.
    pub(super) const fn spend_part(&mut self) -> bool {
        spend(&mut self.parts)
    }
}

const fn spend(credit: &mut Option<u32>) -> bool {
    match credit {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    }
}

impl Realm {
    /// The credit that a call begins with. A callee that does not know credit is not told of it.
    pub(super) fn begin_credit(&self, target: &Target, details: &mut InvocationDetails) -> Option<Credit> {
        let is_known = self.members.get(target.callee)?.features.progress_credit;
        let owes_parts = details.await_credit && !is_known;
        if !is_known {
            details.credit = 0;
            details.await_credit = false;
        }
        Some(Credit {
            registration: target.registration,
            results: (details.credit > 0).then_some(details.credit),
            parts: details.await_credit.then_some(0),
            owes_parts,
        })
    }

    /// Lets a caller that waits for grants send as it likes, where its callee does not give any.
    pub(super) fn grant_all(&mut self, callee: SessionId, request: RequestId, out: &mut Vec<Delivery>) {
        let owes_parts = self.credit(callee, request).is_some_and(|credit| credit.owes_parts);
        let pending = self.members.get(callee).and_then(|it| it.invocations.get(request));
        if let Some(pending) = pending.filter(|_| owes_parts) {
            send_grant(out, pending.caller, pending.call, u32::MAX);
        }
    }

    fn credit(&mut self, callee: SessionId, request: RequestId) -> Option<&mut Credit> {
        let pending = self.members.get_mut(callee)?.invocations.get_mut(request)?;
        pending.special.as_mut()?.credit.as_mut()
    }

    /// Whether a callee may send no more results now; if it may, it is one less.
    pub(super) fn has_no_credit(&mut self, callee: SessionId, request: RequestId) -> bool {
        let credit = self.credit(callee, request);
        credit.is_some_and(|credit| !spend(&mut credit.results))
    }

    /// The caller takes more results; `false` if it has said nothing of credit when it called.
    pub(super) fn grant_results(
        &mut self,
        callee: SessionId,
        request: RequestId,
        more: u32,
        out: &mut Vec<Delivery>,
    ) -> bool {
        let Some(credit) = self.credit(callee, request) else {
            return false;
        };
        if let Some(results) = &mut credit.results
            && more > 0
        {
            *results = results.saturating_add(more);
            let invocation = Invocation {
                request,
                registration: credit.registration,
                details: InvocationDetails {
                    credit: more,
                    // Whatever this says, the last part is the one that says so itself.
                    progress: true,
                    ..InvocationDetails::default()
                },
                payload: Payload::EMPTY,
            };
            send(out, callee, Message::Invocation(invocation));
            self.restart_patience(callee, request);
        }
        true
    }

    /// The callee takes more parts. One that was not asked to grant them is not listened to.
    pub(super) fn grant_parts(&mut self, callee: SessionId, request: RequestId, more: u32, out: &mut Vec<Delivery>) {
        let Some(parts) = self.credit(callee, request).and_then(|credit| credit.parts.as_mut()) else {
            return;
        };
        *parts = parts.saturating_add(more);
        let pending = self.members.get(callee).and_then(|it| it.invocations.get(request));
        if let Some(pending) = pending {
            send_grant(out, pending.caller, pending.call, more);
        }
    }

    /// Ends a call of which more was sent than was granted.
    pub(super) fn overrun(&mut self, callee: SessionId, request: RequestId, refusal: Refusal, out: &mut Vec<Delivery>) {
        if let Some(pending) = self.end(callee, request, &error::CANCELED, out) {
            self.interrupt(callee, request, &pending, &error::CANCELED, out);
            refusal.tell(pending.caller, RequestKind::Call, pending.call, out);
        }
    }
}

/// Tells a caller that it may send so many more parts.
pub(super) fn send_grant(out: &mut Vec<Delivery>, caller: SessionId, call: RequestId, credit: u32) {
    let details = ResultDetails {
        progress: true,
        credit,
        passthru: None,
    };
    send_result(out, caller, call, details, Payload::EMPTY);
}

#[cfg(test)]
mod tests;
