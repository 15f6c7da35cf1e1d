//! The dealer: registrations, and who serves them.

mod choice;
mod lookup;
mod register;
mod route;

use std::collections::HashMap;
use std::time::SystemTime;

use ahash::RandomState;

pub(super) use self::choice::{Target, Wish};
pub(super) use self::route::Terms;
use super::meta::Removed;
use super::role::{Action, Role};
use crate::id::{RegistrationId, SessionId};
use crate::message::{Invoke, Match};
use crate::pattern::{Patterns, Visit};
use crate::uri::Uri;

/// The registrations of a realm.
#[derive(Debug)]
pub(super) struct Dealer {
    registrations: Patterns<Registration>,
    by_id: HashMap<RegistrationId, (Uri, Match), RandomState>,
    next_id: RegistrationId,
    /// Spreads keys over the callees of a sharded registration.
    hashing: RandomState,
}

/// One URI and match policy, and who serves them.
#[derive(Debug)]
struct Registration {
    id: RegistrationId,
    created: SystemTime,
    invoke: Invoke,
    /// In the order in which they came; never empty.
    callees: Vec<Callee>,
    /// Whose turn it is, where they take turns.
    turn: usize,
}

/// A session that serves a procedure, and how it wants to be called.
#[derive(Debug)]
struct Callee {
    session: SessionId,
    /// How many calls it works on at a time; 0 is any number.
    concurrency: u32,
    /// It wants to know who calls.
    disclose_caller: bool,
    /// It wants to see to time-outs itself.
    forward_timeout: bool,
    /// The key of its shard; the session's id if it names none.
    node: Option<Box<str>>,
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

impl Dealer {
    /// How many registrations there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn new(hashing: &RandomState) -> Self {
        Self {
            registrations: Patterns::new(hashing),
            by_id: HashMap::with_hasher(hashing.clone()),
            next_id: RegistrationId::FIRST,
            hashing: hashing.clone(),
        }
    }

    /// Adds a callee to a registration, and makes the registration with the first one; says whether it is new.
    fn add(
        &mut self,
        procedure: &Uri,
        policy: Match,
        invoke: Invoke,
        callee: Callee,
        now: impl FnOnce() -> SystemTime,
    ) -> (RegistrationId, bool) {
        if let Some(registration) = self.registrations.get_mut(procedure.as_bytes(), policy) {
            registration.callees.push(callee);
            return (registration.id, false);
        }
        let id = self.next_id;
        self.next_id = id.next();
        let procedure = procedure.to_stored();
        self.by_id.insert(id, (procedure.clone(), policy));
        let registration = Registration {
            id,
            created: now(),
            invoke,
            callees: vec![callee],
            turn: 0,
        };
        self.registrations.insert(procedure, policy, registration);
        (id, true)
    }

    /// Whether a role allows what an existing registration is for.
    pub(super) fn is_allowed(&self, id: RegistrationId, role: &Role) -> bool {
        let registration = self.by_id.get(&id);
        registration
            .is_some_and(|(procedure, policy)| role.allows_pattern(Action::Register, procedure, *policy).is_some())
    }

    /// Takes a callee away, and the registration with the last one; says whether that was it.
    pub(super) fn remove(&mut self, id: RegistrationId, session: SessionId) -> Option<Removed> {
        let (procedure, policy) = self.by_id.get(&id)?;
        let registration = self.registrations.get_mut(procedure.as_bytes(), *policy)?;
        let place = registration.callees.iter().position(|it| it.session == session)?;
        registration.callees.remove(place);
        if place < registration.turn {
            registration.turn -= 1;
        }
        if !registration.callees.is_empty() {
            return Some(Removed::One);
        }
        self.registrations.remove(procedure.as_bytes(), *policy);
        self.by_id.remove(&id);
        Some(Removed::Last)
    }

    /// What there is to tell of a registration.
    pub(super) fn describe(&self, id: RegistrationId) -> Option<RegistrationInfo> {
        let (procedure, policy) = self.by_id.get(&id)?;
        let registration = self.registrations.get(procedure.as_bytes(), *policy)?;
        Some(RegistrationInfo {
            created: registration.created,
            procedure: procedure.clone(),
            policy: *policy,
            invoke: registration.invoke,
            callees: registration.callees.iter().map(|it| it.session).collect(),
        })
    }

    fn get(&self, id: RegistrationId) -> Option<&Registration> {
        let (procedure, policy) = self.by_id.get(&id)?;
        self.registrations.get(procedure.as_bytes(), *policy)
    }

    /// After the callee at this place it is the next one's turn.
    fn pass_turn(&mut self, id: RegistrationId, place: usize) {
        let Some((procedure, policy)) = self.by_id.get(&id) else {
            return;
        };
        if let Some(registration) = self.registrations.get_mut(procedure.as_bytes(), *policy) {
            registration.turn = place + 1;
        }
    }

    /// The best registration for a procedure, and how it matched.
    fn best(&self, procedure: &Uri) -> Option<(Match, &Registration)> {
        let mut best = None;
        self.registrations.visit(procedure.as_bytes(), |policy, registration| {
            best = Some((policy, registration));
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

#[cfg(test)]
mod shard_tests;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod take_over_tests;
#[cfg(test)]
mod tests;
