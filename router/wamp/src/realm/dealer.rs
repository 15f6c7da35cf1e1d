//! The dealer: registrations, and which callee a call goes to.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use ahash::RandomState;

use super::meta::Removed;
use super::refusal::is_of_router;
use super::role::{Action, Consent, Disclose, Permission, Role};
use super::{Realm, Refusal, send};
use crate::error::{self, Violation};
use crate::id::{RegistrationId, SessionId};
use crate::message::{
    Call, InvocationDetails, Invoke, Match, Message, Register, Registered, RegistrationRevoked, RequestKind,
    Unregister, Unregistered,
};
use crate::outgoing::Delivery;
use crate::pattern::{Patterns, Visit};
use crate::uri::Uri;

/// The registrations of a realm.
#[derive(Debug)]
pub(super) struct Dealer {
    registrations: Patterns<Registration>,
    by_id: HashMap<RegistrationId, (Uri, Match), RandomState>,
    next_id: RegistrationId,
}

/// One URI and match policy, and who serves them.
#[derive(Debug, Clone, Copy)]
struct Registration {
    id: RegistrationId,
    created: SystemTime,
    callee: SessionId,
}

/// What the meta API tells of a registration.
#[derive(Debug)]
pub(super) struct RegistrationInfo {
    pub(super) created: SystemTime,
    pub(super) procedure: Uri,
    pub(super) policy: Match,
    pub(super) invoke: Invoke,
    /// In the order in which they came.
    pub(super) callees: Vec<SessionId>,
}

/// Where a call goes.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) registration: RegistrationId,
    pub(super) callee: SessionId,
    pub(super) details: InvocationDetails,
    /// How long the caller waits for a result.
    pub(super) patience: Option<Duration>,
}

impl Dealer {
    pub(super) fn new(hashing: &RandomState) -> Self {
        Self {
            registrations: Patterns::new(hashing),
            by_id: HashMap::with_hasher(hashing.clone()),
            next_id: RegistrationId::FIRST,
        }
    }

    fn add(&mut self, procedure: &Uri, policy: Match, callee: SessionId, created: SystemTime) -> RegistrationId {
        let id = self.next_id;
        self.next_id = id.next();
        let procedure = procedure.to_stored();
        self.by_id.insert(id, (procedure.clone(), policy));
        self.registrations
            .insert(procedure, policy, Registration { id, created, callee });
        id
    }

    /// Whether a role allows what an existing registration is for.
    pub(super) fn is_allowed(&self, id: RegistrationId, role: &Role) -> bool {
        let registration = self.by_id.get(&id);
        registration
            .is_some_and(|(procedure, policy)| role.allows_pattern(Action::Register, procedure, *policy).is_some())
    }

    /// Takes a callee away, and the registration with the last one; says whether that was it.
    fn remove(&mut self, id: RegistrationId, callee: SessionId) -> Option<Removed> {
        let (procedure, policy) = self.by_id.get(&id)?;
        let registration = self.registrations.get(procedure.as_bytes(), *policy)?;
        if registration.callee != callee {
            return None;
        }
        self.registrations.remove(procedure.as_bytes(), *policy);
        self.by_id.remove(&id);
        Some(Removed::Last)
    }

    /// Every registration, in the order in which they were made.
    pub(super) fn ids(&self) -> Vec<RegistrationId> {
        #[allow(clippy::disallowed_methods, reason = "sorted before anybody sees it")]
        let mut ids: Vec<_> = self.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// What there is to tell of a registration.
    pub(super) fn describe(&self, id: RegistrationId) -> Option<RegistrationInfo> {
        let (procedure, policy) = self.by_id.get(&id)?;
        let registration = self.registrations.get(procedure.as_bytes(), *policy)?;
        Some(RegistrationInfo {
            created: registration.created,
            procedure: procedure.clone(),
            policy: *policy,
            invoke: Invoke::Single,
            callees: vec![registration.callee],
        })
    }

    /// The best registration for a procedure, and how it matched.
    fn best(&self, procedure: &Uri) -> Option<(Match, Registration)> {
        let mut best = None;
        self.registrations.visit(procedure.as_bytes(), |policy, registration| {
            best = Some((policy, *registration));
            Visit::Enough
        });
        best
    }

    /// Whether there is no registration and no trace of one.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.registrations.is_empty() && self.by_id.is_empty()
    }
}

impl Realm {
    pub(super) fn register(&mut self, from: SessionId, register: &Register, out: &mut Vec<Delivery>) {
        let Register {
            request,
            options,
            procedure,
        } = register;
        match self.may_register(from, register) {
            Err(refusal) => {
                self.note_refusal(from, Action::Register, procedure, &refusal);
                refusal.tell(from, RequestKind::Register, *request, out);
            }
            Ok(()) => {
                let created = (self.clock.time_of_day)();
                let registration = self.dealer.add(procedure, options.policy, from, created);
                if let Some(member) = self.members.get_mut(from) {
                    member.registrations.insert(registration);
                }
                send(
                    out,
                    from,
                    Message::Registered(Registered {
                        request: *request,
                        registration,
                    }),
                );
                self.announce_registration(registration, from, true, out);
            }
        }
    }

    fn may_register(&self, from: SessionId, register: &Register) -> Result<(), Refusal> {
        let Register { options, procedure, .. } = register;
        self.check_uri(procedure, options.policy, true)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        if member.permits(Action::Register, procedure, options.policy).is_none() {
            return Err(Refusal::NOT_AUTHORIZED);
        }
        if options.invoke != Invoke::Single {
            return Err(Refusal(
                error::FEATURE_NOT_SUPPORTED,
                "this router has no shared registrations",
            ));
        }
        if self
            .dealer
            .registrations
            .get(procedure.as_bytes(), options.policy)
            .is_some()
        {
            return Err(Refusal(
                error::PROCEDURE_ALREADY_EXISTS,
                "the procedure is registered already",
            ));
        }
        if member.registrations.len() >= self.settings.quota.registrations {
            return Err(Refusal(
                error::UNAVAILABLE,
                "this session holds as many registrations as it may",
            ));
        }
        Ok(())
    }

    pub(super) fn unregister(&mut self, from: SessionId, unregister: &Unregister, out: &mut Vec<Delivery>) {
        let Unregister { request, registration } = *unregister;
        if self
            .members
            .get_mut(from)
            .is_some_and(|member| member.registrations.remove(&registration))
        {
            send(out, from, Message::Unregistered(Unregistered { request }));
            self.end_registration(registration, from, out);
        } else {
            let refusal = Refusal(error::NO_SUCH_REGISTRATION, "this session holds no such registration");
            refusal.tell(from, RequestKind::Unregister, request, out);
        }
    }

    /// Takes a session off a registration that it holds no more.
    pub(super) fn end_registration(&mut self, id: RegistrationId, callee: SessionId, out: &mut Vec<Delivery>) {
        if let Some(removed) = self.dealer.remove(id, callee) {
            self.announce_registration_end(id, callee, removed, out);
        }
    }

    /// Takes a registration from a session, and tells it, if it understands that (WAMP specification, "Registration
    /// Revocation").
    pub(super) fn revoke_registration(
        &mut self,
        registration: RegistrationId,
        callee: SessionId,
        reason: &Uri,
        out: &mut Vec<Delivery>,
    ) {
        let Some(member) = self.members.get_mut(callee) else {
            return;
        };
        if member.registrations.remove(&registration) && member.features.registration_revocation {
            let reason = Some(reason.clone());
            send(
                out,
                callee,
                Message::RegistrationRevoked(RegistrationRevoked { registration, reason }),
            );
        }
        self.end_registration(registration, callee, out);
    }

    pub(super) fn call(&mut self, from: SessionId, call: Call, out: &mut Vec<Delivery>) -> Result<(), Violation> {
        let request = call.request;
        if self
            .members
            .get(from)
            .is_some_and(|member| member.calls.contains_key(&request))
        {
            return Err(Violation::new(format!("CALL: request {request} is still open")));
        }
        if is_of_router(&call.procedure) {
            self.serve(from, &call, out);
            return Ok(());
        }
        match self.route(from, &call) {
            Err(refusal) => {
                self.note_refusal(from, Action::Call, &call.procedure, &refusal);
                refusal.tell(from, RequestKind::Call, request, out);
            }
            Ok((_, Consent::Ask)) => self.park(from, call),
            Ok((route, Consent::Given)) => self.open(from, call, route, out),
        }
        Ok(())
    }

    /// Where a call goes, and whether somebody must agree to it first.
    pub(super) fn route(&self, from: SessionId, call: &Call) -> Result<(Route, Consent), Refusal> {
        self.check_uri(&call.procedure, Match::Exact, false)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        let Permission {
            disclose,
            consent,
            trustlevel,
        } = member
            .permits(Action::Call, &call.procedure, Match::Exact)
            .ok_or(Refusal::NOT_AUTHORIZED)?;
        let caller = match (disclose, call.options.disclose_me) {
            (Disclose::Never, true) => return Err(Refusal::NOT_DISCLOSED),
            (Disclose::Never | Disclose::OnRequest, false) => None,
            (Disclose::OnRequest, true) | (Disclose::Always, _) => Some(Box::new(member.origin.clone())),
        };
        if member.calls.len() >= self.settings.quota.pending_calls {
            return Err(Refusal(
                error::UNAVAILABLE,
                "this session has as many calls waiting as it may",
            ));
        }
        let (policy, Registration { id, callee, .. }) =
            self.dealer.best(&call.procedure).ok_or(Refusal::NO_SUCH_PROCEDURE)?;
        let details = InvocationDetails {
            caller,
            procedure: (policy != Match::Exact).then(|| call.procedure.clone()),
            receive_progress: call.options.receive_progress,
            passthru: call.options.passthru.clone(),
            trustlevel,
            ..InvocationDetails::default()
        };
        let patience = Some(call.options.timeout)
            .filter(|it| *it > 0)
            .map(Duration::from_millis);
        let route = Route {
            registration: id,
            callee,
            details,
            patience,
        };
        Ok((route, consent))
    }
}

#[cfg(test)]
mod tests;
