//! Calls that their callee passes on to another one (WAMP specification, "Call Re-Routing").

use super::super::Realm;
use super::super::dealer::{Target, Terms, Wish};
use super::super::member::Waiting;
use super::Special;
use crate::id::{RegistrationId, RequestId, SessionId};
use crate::limits::MAX_REROUTED_ARGUMENTS;
use crate::message::InvocationDetails;
use crate::outgoing::Delivery;
use crate::payload::Payload;

/// What is needed to hand a call to another callee.
#[derive(Debug)]
pub(super) struct Reroute {
    registration: RegistrationId,
    terms: Terms,
    /// What every callee is told alike.
    details: InvocationDetails,
    payload: Payload,
    /// Who has passed it on already.
    tried: Vec<SessionId>,
}

/// What became of a call that its callee passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// Another callee has it.
    On,
    /// All others have passed it on too.
    ByAll,
    /// The callee was the only one, or the arguments are too long to be kept.
    Alone,
    /// It is not one that can be passed on: it has begun already, or is for one shard.
    Not,
}

impl Reroute {
    pub(super) fn of(target: &Target, terms: Terms, details: &InvocationDetails, payload: &Payload) -> Option<Self> {
        (payload.len() <= MAX_REROUTED_ARGUMENTS).then(|| Self {
            registration: target.registration,
            terms,
            details: InvocationDetails {
                procedure: details.procedure.as_ref().map(|it| Box::new(it.to_stored())),
                ..details.clone()
            },
            payload: payload.to_stored(),
            tried: Vec::new(),
        })
    }
}

impl Realm {
    /// Hands an open call to the next callee that the registration's policy picks, as if those who passed it on were not
    /// there. Its time goes on.
    pub(super) fn pass_on(&mut self, callee: SessionId, request: RequestId, out: &mut Vec<Delivery>) -> Passed {
        let member = self.members.get_mut(callee);
        let Some(pending) = member.and_then(|member| member.invocations.get_mut(request)) else {
            return Passed::Not;
        };
        if pending.has_begun || pending.is_interrupted || pending.shard().is_some() {
            return Passed::Not;
        }
        let reroute = pending.special.as_mut().and_then(|special| special.reroute.take());
        let Some(mut reroute) = reroute else {
            return Passed::Alone;
        };
        reroute.tried.push(callee);
        let wish = Wish {
            disclose: reroute.terms.disclose,
            in_parts: reroute.details.progress,
            tried: &reroute.tried,
        };
        let Ok(target) = self.choose_another(reroute.registration, &wish) else {
            return Passed::ByAll;
        };
        let Some(mut pending) = self.take(callee, request) else {
            return Passed::Not;
        };
        let (caller, call) = (pending.caller, pending.call);
        let mut details = reroute.details.clone();
        let terms = reroute.terms;
        let patience = self.complete(&mut details, caller, &target, terms);
        let payload = reroute.payload.clone();
        let until = pending.deadline();
        let mut special = Special::of(&target, &reroute.details).unwrap_or_default();
        special.reroute = Some(reroute);
        // The time that the caller has waited already counts.
        special.patience = patience.zip(until);
        if terms.has_credit {
            special.credit = self.begin_credit(&target, &mut details);
        }
        pending.special = Some(special);
        let request = self.invoke(&target, details, payload, pending, out);
        if let (Some(member), Some(request)) = (self.members.get_mut(caller), request) {
            member.calls.insert(call, Waiting::Callee(target.callee, request));
            if terms.has_credit {
                self.grant_all(target.callee, request, out);
            }
        }
        Passed::On
    }
}
