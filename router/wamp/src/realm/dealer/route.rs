//! The way of a call to its callee.

use std::time::Duration;

use super::super::refusal::is_of_router;
use super::super::role::{Action, Consent, Disclose, Permission};
use super::super::{Realm, Refusal};
use super::{Registration, Target, Wish};
use crate::error::{self, Violation};
use crate::id::{RequestId, SessionId};
use crate::limits::FORWARDED_TIMEOUT_GRACE;
use crate::message::{Call, InvocationDetails, Invoke, Match, RequestKind, RunMode, Shard};
use crate::outgoing::Delivery;

const NO_PARTS_FOR_THE_ROUTER: Refusal = Refusal(
    error::FEATURE_NOT_SUPPORTED,
    "the router's own procedures do not take calls in several parts",
);
/// What came while a person thinks would have to be kept.
const NO_PARTS_WITH_CONSENT: Refusal = Refusal(
    error::FEATURE_NOT_SUPPORTED,
    "a call that somebody must agree to first cannot come in several parts",
);
const ONLY_WITH_PROGRESS: Refusal = Refusal(
    error::OPTION_NOT_ALLOWED,
    "a call of all shards has several results: send it with receive_progress",
);
const NO_CREDIT_FOR_SHARDS: Refusal = Refusal(
    error::OPTION_NOT_ALLOWED,
    "a call that names shards may not grant or await credit, which is between one caller and one callee",
);
const NO_KEY: Refusal = Refusal(
    error::INVALID_ARGUMENT,
    "a call of one shard (runmode \"partition\") needs rkey, the key whose shard is meant",
);

/// What stays the same of a call, whoever takes it.
#[derive(Debug, Clone, Copy)]
pub(in crate::realm) struct Terms {
    /// Whether the caller's role lets callees know who calls.
    pub(in crate::realm) disclose: Disclose,
    /// The caller wants it.
    disclose_me: bool,
    /// How long the caller waits for a result; 0 is for ever.
    timeout: u32,
    /// The caller has said something of credit, and may grant more.
    pub(in crate::realm) has_credit: bool,
}

impl Realm {
    pub(in crate::realm) fn call(
        &mut self,
        from: SessionId,
        call: Call,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Violation> {
        let Some(member) = self.members.get_mut(from) else {
            return Ok(());
        };
        let request = call.request;
        if member.calls.contains(request) {
            return self.go_on_calling(from, call, out);
        }
        if member.is_cut_off(&call) {
            return Ok(());
        }
        // What else comes of it, should it be over at once, is not another call.
        let cut_off = call.options.goes_on().then_some(call.options.flow.is_some());
        if is_of_router(&call.procedure) {
            if call.options.flow.is_some() {
                member.cut_off(request, true);
            }
            if call.options.progress {
                self.refuse_call(from, request, cut_off, NO_PARTS_FOR_THE_ROUTER, out);
            } else {
                self.serve(from, call, out);
            }
            return Ok(());
        }
        let refused = match self.permit(from, &call) {
            Ok(permission) if permission.consent == Consent::Ask => self.ask_first(from, call),
            Ok(permission) => self.connect(from, call, permission, out),
            Err(refusal) => {
                self.note_refusal(from, Action::Call, &call.procedure, &refusal);
                Err(refusal)
            }
        };
        if let Err(refusal) = refused {
            self.refuse_call(from, request, cut_off, refusal, out);
        }
        Ok(())
    }

    fn refuse_call(
        &mut self,
        from: SessionId,
        request: RequestId,
        cut_off: Option<bool>,
        refusal: Refusal,
        out: &mut Vec<Delivery>,
    ) {
        if let (Some(member), Some(has_credit)) = (self.members.get_mut(from), cut_off) {
            member.cut_off(request, has_credit);
        }
        refusal.tell(from, RequestKind::Call, request, out);
    }

    fn ask_first(&mut self, from: SessionId, call: Call) -> Result<(), Refusal> {
        if call.options.progress {
            return Err(NO_PARTS_WITH_CONSENT);
        }
        self.dealer.best(&call.procedure).ok_or(Refusal::NO_SUCH_PROCEDURE)?;
        self.park(from, call);
        Ok(())
    }

    /// Whether a session may make a call.
    pub(in crate::realm) fn permit(&self, from: SessionId, call: &Call) -> Result<Permission, Refusal> {
        self.check_uri(&call.procedure, Match::Exact, false)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        let permission = member
            .permits(Action::Call, &call.procedure, Match::Exact)
            .ok_or(Refusal::NOT_AUTHORIZED)?;
        if permission.disclose == Disclose::Never && call.options.disclose_me {
            return Err(Refusal::NOT_DISCLOSED);
        }
        if member.calls.len() >= self.settings.quota.pending_calls {
            return Err(Refusal::TOO_MANY_CALLS);
        }
        Ok(permission)
    }

    /// Hands a call that is permitted to whoever takes it.
    pub(in crate::realm) fn connect(
        &mut self,
        from: SessionId,
        call: Call,
        permission: Permission,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let Call {
            request,
            mut options,
            procedure,
            payload,
        } = call;
        if options.passthru.is_some() {
            self.check_route(from, &mut options.passthru)?;
        }
        let (policy, registration) = self.dealer.best(&procedure).ok_or(Refusal::NO_SUCH_PROCEDURE)?;
        let wish = Wish {
            disclose: permission.disclose,
            in_parts: options.progress,
            tried: &[],
        };
        let terms = Terms {
            disclose: permission.disclose,
            disclose_me: options.disclose_me,
            timeout: options.timeout,
            has_credit: options.flow.is_some(),
        };
        let flow = options.flow.as_deref().copied().unwrap_or_default();
        let details = InvocationDetails {
            credit: if options.receive_progress { flow.credit } else { 0 },
            await_credit: flow.await_credit && options.progress,
            procedure: (policy != Match::Exact).then(|| Box::new(procedure)),
            receive_progress: options.receive_progress,
            progress: options.progress,
            trustlevel: permission.trustlevel,
            passthru: options.passthru,
            ..InvocationDetails::default()
        };
        if let Some(shard) = &options.shard {
            if options.flow.is_some() {
                return Err(NO_CREDIT_FOR_SHARDS);
            }
            let targets = self.shards(registration, shard, options.receive_progress, &wish)?;
            self.open_shards(from, request, (shard.runmode, &targets), terms, &details, &payload, out);
            return Ok(());
        }
        let place = registration.choose(&self.members, &mut self.random, &wish)?;
        let target = registration.target(place);
        let has_others = registration.callees.len() > 1;
        if has_others && registration.invoke == Invoke::RoundRobin {
            self.dealer.pass_turn(target.registration, place);
        }
        self.open(from, request, target, terms, details, payload, has_others, out);
        Ok(())
    }

    /// The callees of a call that names shards.
    fn shards(
        &self,
        registration: &Registration,
        shard: &Shard,
        receives_progress: bool,
        wish: &Wish<'_>,
    ) -> Result<Vec<Target>, Refusal> {
        let places = match shard.runmode {
            RunMode::Partition => {
                let key = shard.rkey.as_ref().ok_or(NO_KEY)?;
                let place = registration.shard(&self.dealer.hashing, key);
                place..place + 1
            }
            RunMode::All if !receives_progress => return Err(ONLY_WITH_PROGRESS),
            RunMode::All => 0..registration.callees.len(),
        };
        let target = |place: usize| {
            registration.check(&self.members, &registration.callees[place], wish)?;
            Ok(registration.target(place))
        };
        places.map(target).collect()
    }

    /// Adds what this callee is told of a call beside the others, and says how long the router waits for it.
    #[inline]
    pub(in crate::realm) fn complete(
        &self,
        details: &mut InvocationDetails,
        caller: SessionId,
        target: &Target,
        terms: Terms,
    ) -> Option<Duration> {
        let is_disclosed = match terms.disclose {
            Disclose::Always => true,
            Disclose::OnRequest => terms.disclose_me || target.disclose_caller,
            Disclose::Never => false,
        };
        if is_disclosed {
            let caller = self.members.get(caller);
            details.caller = caller.map(|member| Box::new(member.origin.clone()));
        }
        if details.passthru.is_some() {
            self.tell_route(target.callee, details);
        }
        if terms.timeout == 0 {
            return None;
        }
        let patience = Duration::from_millis(terms.timeout.into());
        let callee = self.members.get(target.callee).filter(|_| target.forward_timeout);
        if !callee.is_some_and(|member| member.features.call_timeout) {
            return Some(patience);
        }
        details.timeout = terms.timeout;
        Some(patience + FORWARDED_TIMEOUT_GRACE)
    }
}
