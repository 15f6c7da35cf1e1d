//! Which of the callees of a procedure takes a call (WAMP specification, "Shared Registration", "Sharded Registration").

use ahash::RandomState;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;

use super::super::member::Members;
use super::super::role::Disclose;
use super::super::{Realm, Refusal};
use super::{Callee, Registration};
use crate::error;
use crate::id::{RegistrationId, SessionId};
use crate::message::Invoke;

/// What a call asks of whoever takes it.
#[derive(Debug, Clone, Copy)]
pub(in crate::realm) struct Wish<'a> {
    /// Whether the caller may be disclosed.
    pub(in crate::realm) disclose: Disclose,
    /// The call comes in several parts.
    pub(in crate::realm) in_parts: bool,
    /// Who has passed it on already.
    pub(in crate::realm) tried: &'a [SessionId],
}

/// Who takes a call, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::realm) struct Target {
    pub(in crate::realm) registration: RegistrationId,
    pub(in crate::realm) callee: SessionId,
    /// It works on so many calls at a time only that they are counted.
    pub(in crate::realm) is_limited: bool,
    /// It wants to know who calls.
    pub(in crate::realm) disclose_caller: bool,
    /// It wants to see to time-outs itself.
    pub(in crate::realm) forward_timeout: bool,
}

const FULL: Refusal = Refusal(
    error::UNAVAILABLE,
    "the callee works on as many calls as it takes at a time",
);
const ALL_FULL: Refusal = Refusal(
    error::NO_AVAILABLE_CALLEE,
    "every callee of the procedure works on as many calls as it takes at a time",
);
const ALL_TRIED: Refusal = Refusal(
    error::NO_AVAILABLE_CALLEE,
    "no callee of the procedure takes the call now",
);
const NOT_TO_BE_DISCLOSED: Refusal = Refusal(
    error::DISCLOSE_ME_DISALLOWED,
    "the callee wants to know who calls, and the role of this session may not disclose itself",
);
const NOT_IN_PARTS: Refusal = Refusal(
    error::FEATURE_NOT_SUPPORTED,
    "the callee does not take calls in several parts",
);

impl Registration {
    /// The place of the callee whose turn it is among those that can take the call.
    #[inline]
    pub(super) fn choose(&self, members: &Members, random: &mut StdRng, wish: &Wish<'_>) -> Result<usize, Refusal> {
        match &*self.callees {
            [callee] => self.check(members, callee, wish).map(|()| 0),
            _ => self.choose_one(members, random, wish),
        }
    }

    fn choose_one(&self, members: &Members, random: &mut StdRng, wish: &Wish<'_>) -> Result<usize, Refusal> {
        let fits = |place: &usize| self.check(members, &self.callees[*place], wish).is_ok();
        let mut places = 0..self.callees.len();
        let chosen = match self.invoke {
            Invoke::Single | Invoke::First => places.find(fits),
            Invoke::Last => places.rev().find(fits),
            Invoke::RoundRobin => {
                let turn = self.turn % self.callees.len();
                (turn..places.end).chain(0..turn).find(fits)
            }
            Invoke::Random => places.filter(fits).choose(random),
        };
        chosen.ok_or_else(|| self.why_not(members, wish))
    }

    /// Why nobody takes it: of those that were not asked yet, what keeps the first.
    fn why_not(&self, members: &Members, wish: &Wish<'_>) -> Refusal {
        let mut others = self.callees.iter().filter(|it| !wish.tried.contains(&it.session));
        let why = others.find_map(|it| self.check(members, it, wish).err());
        why.unwrap_or(ALL_TRIED)
    }

    /// The place of the callee to whom a key belongs: the one that draws the lowest number for it. When one comes or
    /// leaves, only the keys that it draws change hands (rendezvous hashing).
    pub(super) fn shard(&self, hashing: &RandomState, key: &str) -> usize {
        let draw = |callee: &Callee| match &callee.node {
            Some(node) => hashing.hash_one((&**node, key)),
            None => hashing.hash_one((callee.session.to_string().as_str(), key)),
        };
        let callees = self.callees.iter().enumerate();
        callees.min_by_key(|(_, it)| draw(it)).map_or(0, |(place, _)| place)
    }

    #[inline]
    pub(super) fn target(&self, place: usize) -> Target {
        let callee = &self.callees[place];
        Target {
            registration: self.id,
            callee: callee.session,
            is_limited: callee.concurrency != 0,
            disclose_caller: callee.disclose_caller,
            forward_timeout: callee.forward_timeout,
        }
    }

    /// Whether a callee can take a call.
    #[inline]
    pub(super) fn check(&self, members: &Members, callee: &Callee, wish: &Wish<'_>) -> Result<(), Refusal> {
        let asks_for_nothing = callee.concurrency == 0 && !callee.disclose_caller;
        if asks_for_nothing && !wish.in_parts && wish.tried.is_empty() {
            return Ok(());
        }
        self.check_closely(members, callee, wish)
    }

    fn check_closely(&self, members: &Members, callee: &Callee, wish: &Wish<'_>) -> Result<(), Refusal> {
        if wish.tried.contains(&callee.session) {
            return Err(ALL_TRIED);
        }
        if callee.disclose_caller && wish.disclose == Disclose::Never {
            return Err(NOT_TO_BE_DISCLOSED);
        }
        if !wish.in_parts && callee.concurrency == 0 {
            return Ok(());
        }
        let member = members.get(callee.session).ok_or(ALL_TRIED)?;
        // A callee that cannot be told that no more parts come would wait for them for ever.
        if wish.in_parts && !(member.features.progressive_call_invocations && member.features.call_canceling) {
            return Err(NOT_IN_PARTS);
        }
        let running = member.running.get(&self.id).copied().unwrap_or_default();
        if callee.concurrency != 0 && running >= callee.concurrency {
            return Err(if self.invoke == Invoke::Single { FULL } else { ALL_FULL });
        }
        Ok(())
    }
}

impl Realm {
    /// Another callee of a registration, for a call that some have passed on.
    pub(in crate::realm) fn choose_another(
        &mut self,
        registration: RegistrationId,
        wish: &Wish<'_>,
    ) -> Result<Target, Refusal> {
        let registration = self.dealer.get(registration).ok_or(ALL_TRIED)?;
        let place = registration.choose(&self.members, &mut self.random, wish)?;
        let target = registration.target(place);
        if registration.invoke == Invoke::RoundRobin {
            self.dealer.pass_turn(target.registration, place);
        }
        Ok(target)
    }
}
