//! Sessions that leave, or are made to: nothing of them stays, they hear nothing more, and others are told.

use super::member::Member;
use super::meta::{Ended, Removed, Scope};
use super::{Realm, send};
use crate::id::{RegistrationId, SessionId};
use crate::message::{Goodbye, Message};
use crate::outgoing::Delivery;

/// A session that is in the realm no more, and of which others are to be told.
#[derive(Debug)]
struct Departed {
    member: Member,
    subscriptions: Vec<Ended>,
    registrations: Vec<(RegistrationId, Removed)>,
}

impl Realm {
    /// Forgets a session: its subscriptions, its registrations, its calls, and what others wait for from it. Its
    /// testaments are published.
    pub fn leave(&mut self, session: SessionId, out: &mut Vec<Delivery>) {
        let ended = self.deafen(session);
        if let Some(departed) = self.depart(session, ended, out) {
            self.forget(&departed, out);
        }
    }

    /// Ends sessions with this last message, and forgets them at once. Whoever delivers a GOODBYE closes the connection.
    /// None of them hears of the others.
    pub fn dismiss(&mut self, sessions: &[SessionId], goodbye: &Goodbye, out: &mut Vec<Delivery>) {
        let ended: Vec<_> = sessions.iter().map(|session| self.deafen(*session)).collect();
        let mut departed = Vec::new();
        for (session, ended) in sessions.iter().zip(ended) {
            if let Some(it) = self.depart(*session, ended, out) {
                send(out, *session, Message::Goodbye(goodbye.clone()));
                departed.push(it);
            }
        }
        for it in &departed {
            self.forget(it, out);
        }
    }

    /// Takes the subscriptions of a session, so that it gets no more events.
    fn deafen(&mut self, session: SessionId) -> Vec<Ended> {
        let member = self.members.get_mut(session);
        let held = member.map(|member| std::mem::take(&mut member.subscriptions));
        let held = held.unwrap_or_default().into_iter();
        let ended = held.filter_map(|id| {
            let removed = self.broker.remove(id, session)?;
            Some(Ended {
                id,
                subscriber: session,
                removed,
            })
        });
        ended.collect()
    }

    /// Publishes the testaments of a session, for which it must still be known, and takes it and its
    /// registrations out.
    fn depart(&mut self, session: SessionId, subscriptions: Vec<Ended>, out: &mut Vec<Delivery>) -> Option<Departed> {
        self.publish_testaments(session, &[Scope::Detached, Scope::Destroyed], out);
        let member = self.members.remove(session)?;
        let held = member.registrations.iter();
        let registrations = held.filter_map(|id| Some((*id, self.dealer.remove(*id, session)?)));
        let registrations = registrations.collect();
        Some(Departed {
            member,
            subscriptions,
            registrations,
        })
    }

    /// Ends what others had with a session that departed.
    fn forget(&mut self, departed: &Departed, out: &mut Vec<Delivery>) {
        let Departed {
            member,
            subscriptions,
            registrations,
        } = departed;
        let session = member.origin.session;
        for ended in subscriptions {
            self.announce_subscription_end(*ended, false, out);
        }
        for (registration, removed) in registrations {
            self.announce_registration_end(*registration, session, *removed, out);
        }
        if let Some(dynamic) = &member.dynamic {
            self.forget_held(session, dynamic);
        }
        if let Some(defined) = &member.defined {
            self.forget_definitions(session, defined, out);
        }
        self.callee_left(member, out);
        self.caller_left(member, out);
        self.confirmations_end(member, out);
        self.announce_leave(member, out);
    }
}
