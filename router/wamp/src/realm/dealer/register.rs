//! How registrations come and go.

use super::super::member::Member;
use super::super::role::Action;
use super::super::{Realm, Refusal, send};
use super::{Callee, Registration};
use crate::error;
use crate::id::{RegistrationId, SessionId};
use crate::limits::MAX_NODE_KEY;
use crate::message::{
    Invoke, Message, Register, RegisterOptions, Registered, RegistrationRevoked, RequestKind, Unregister, Unregistered,
};
use crate::outgoing::Delivery;
use crate::uri::Uri;

/// The procedure has a callee.
const fn exists(sentence: &'static str) -> Refusal {
    Refusal(error::PROCEDURE_ALREADY_EXISTS, sentence)
}

impl Realm {
    pub(in crate::realm) fn register(&mut self, from: SessionId, register: &Register, out: &mut Vec<Delivery>) {
        let Register {
            request,
            options,
            procedure,
        } = register;
        let losers = match self.may_register(from, register) {
            Ok(losers) => losers,
            Err(refusal) => {
                self.note_refusal(from, Action::Register, procedure, &refusal);
                return refusal.tell(from, RequestKind::Register, *request, out);
            }
        };
        for (registration, loser) in losers {
            self.revoke_registration(registration, loser, &error::TAKEN_OVER, out);
        }
        let callee = Callee {
            session: from,
            concurrency: options.concurrency,
            disclose_caller: options.disclose_caller,
            forward_timeout: options.forward_timeout,
            node: options.nkey.clone(),
        };
        let now = self.clock.time_of_day;
        let (registration, is_new) = self.dealer.add(procedure, options.policy, options.invoke, callee, now);
        if let Some(member) = self.members.get_mut(from) {
            member.registrations.insert(registration);
        }
        let request = *request;
        send(out, from, Message::Registered(Registered { request, registration }));
        self.announce_registration(registration, from, is_new, out);
    }

    /// Whether a session may register, and who loses the procedure then.
    fn may_register(&self, from: SessionId, register: &Register) -> Result<Vec<(RegistrationId, SessionId)>, Refusal> {
        let Register { options, procedure, .. } = register;
        self.check_uri(procedure, options.policy, true)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        let may = |action| member.permits(action, procedure, options.policy).is_some();
        if !may(Action::Register) {
            return Err(Refusal::NOT_AUTHORIZED);
        }
        if options.nkey.as_ref().is_some_and(|key| key.len() > MAX_NODE_KEY) {
            return Err(Refusal::LONG_NODE_KEY);
        }
        let is_exclusive = self.is_exclusive(register);
        if is_exclusive && options.invoke != Invoke::Single {
            return Err(Refusal(
                error::OPTION_NOT_ALLOWED,
                "procedures of this name have one callee each: register with invoke \"single\"",
            ));
        }
        let existing = self.dealer.registrations.get(procedure.as_bytes(), options.policy);
        let losers = match existing {
            None => Vec::new(),
            Some(existing) if options.force_reregister => {
                let holds_the_right = !is_exclusive && may(Action::TakeOver);
                if !holds_the_right && !self.belongs_to(existing, member) {
                    return Err(exists(
                        "the procedure is registered already, and this session may not take it over",
                    ));
                }
                existing.callees.iter().map(|it| (existing.id, it.session)).collect()
            }
            Some(existing) => {
                existing.may_be_shared(from, options)?;
                Vec::new()
            }
        };
        let own = losers.iter().filter(|(_, loser)| *loser == from).count();
        if member.registrations.len() >= self.settings.quota.registrations + own {
            return Err(Refusal(
                error::UNAVAILABLE,
                "this session holds as many registrations as it may",
            ));
        }
        Ok(losers)
    }

    /// Whether a procedure has one callee only, which keeps it against all other principals.
    fn is_exclusive(&self, register: &Register) -> bool {
        let prefix = self.settings.exclusive.as_ref();
        prefix.is_some_and(|prefix| {
            let start = register.options.policy.literal_start(register.procedure.as_bytes());
            start.starts_with(prefix.as_bytes())
        })
    }

    /// Whether every callee of a registration is the same principal as this session.
    fn belongs_to(&self, registration: &Registration, member: &Member) -> bool {
        let mut callees = registration.callees.iter();
        callees.all(|it| {
            self.members
                .get(it.session)
                .is_some_and(|it| it.is_same_principal(member))
        })
    }

    pub(in crate::realm) fn unregister(&mut self, from: SessionId, unregister: &Unregister, out: &mut Vec<Delivery>) {
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
    pub(in crate::realm) fn end_registration(
        &mut self,
        id: RegistrationId,
        callee: SessionId,
        out: &mut Vec<Delivery>,
    ) {
        if let Some(removed) = self.dealer.remove(id, callee) {
            self.announce_registration_end(id, callee, removed, out);
        }
    }

    /// Takes a registration from a session, and tells it, if it understands that (WAMP specification, "Registration
    /// Revocation"). Calls that it works on already come to their end.
    pub(in crate::realm) fn revoke_registration(
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
}

impl Registration {
    /// Whether one more session may serve the procedure.
    fn may_be_shared(&self, from: SessionId, options: &RegisterOptions) -> Result<(), Refusal> {
        if self.callees.iter().any(|it| it.session == from) {
            return Err(exists("this session has registered the procedure already"));
        }
        if self.invoke == Invoke::Single {
            return Err(exists("the procedure is registered already"));
        }
        if self.invoke != options.invoke {
            return Err(exists(
                "the procedure is registered already, with another invocation policy",
            ));
        }
        Ok(())
    }
}
