//! The sessions of a realm and what each of them holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ahash::RandomState;

use super::authorizer::Dynamic;
use super::book::Book;
use super::broker::Confirmations;
use super::invocation::Pending;
use super::meta::{Defined, Testaments};
use super::role::Role;
use crate::acceptor::Features;
use crate::auth::Method;
use crate::id::{QuestionId, RegistrationId, RequestId, SessionId, SubscriptionId};
use crate::limits::{MAX_ABANDONED_CALLS, MAX_CUT_OFF_CALLS};
use crate::message::{Call, Message, Origin};
use crate::value::Dict;

/// The provider where the configuration alone says who comes in.
const STATIC: &str = "static";

/// A session that has joined. Every index of the realm that mentions a session is mirrored here, so that a session
/// that leaves can be forgotten everywhere without a search.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) origin: Origin,
    pub(super) role: Arc<Role>,
    /// How it proved who it is, and who vouches for it.
    pub(super) method: &'static str,
    pub(super) provider: &'static str,
    /// What it is connected over.
    pub(super) transport: Dict,
    pub(super) features: Features,
    /// What the authorizer of its role has said; none for a role without one.
    pub(super) dynamic: Option<Box<Dynamic>>,
    /// What somebody added to what is told of it.
    pub(super) added: Option<Box<Dict>>,
    /// What it has defined for reflection.
    pub(super) defined: Option<Box<Defined>>,
    pub(super) subscriptions: BTreeSet<SubscriptionId>,
    pub(super) registrations: BTreeSet<RegistrationId>,
    /// The number of the next INVOCATION to this session.
    pub(super) next_invocation: RequestId,
    /// Invocations this session has not answered yet.
    pub(super) invocations: Book<Pending>,
    /// Calls of this session that wait.
    pub(super) calls: Book<Waiting>,
    /// How many calls it works on of each registration that takes so many at a time only.
    pub(super) running: BTreeMap<RegistrationId, u32>,
    /// Those of them for which nobody waits any more, by the number of their invocation.
    pub(super) abandoned: BTreeMap<RequestId, RegistrationId>,
    /// Calls of this session that ended before their last part came, and those with credit.
    pub(super) cut_off: BTreeMap<RequestId, bool>,
    /// What is published when it leaves.
    pub(super) testaments: Option<Box<Testaments>>,
    /// Deliveries that are awaited, of its own events and to itself.
    pub(super) confirmations: Option<Box<Confirmations>>,
    /// What it has asked for since it joined.
    pub(super) requests: Requests,
}

impl Member {
    /// Whether the session belongs to the program around the router.
    pub(super) fn is_of_router(&self) -> bool {
        self.provider == INTERNAL_PROVIDER
    }
}

/// The provider of principals that belong to the program around the router: clients cannot end their sessions.
pub const INTERNAL_PROVIDER: &str = "internal";

/// What was asked of the realm, counted from the beginning and never reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// CALL messages, those that were refused too.
    pub calls: u64,
    /// PUBLISH messages, those that were refused too.
    pub publications: u64,
}

impl Requests {
    pub(super) const fn count(&mut self, message: &Message) {
        // A branch less than a match over every kind of message, on the way of each.
        self.calls += matches!(message, Message::Call(_)) as u64;
        self.publications += matches!(message, Message::Publish(_)) as u64;
    }
}

impl Member {
    /// Remembers that further parts of a call, or with credit grants of its results, are not wanted any more.
    pub(super) fn cut_off(&mut self, call: RequestId, has_credit: bool) {
        if self.cut_off.len() >= MAX_CUT_OFF_CALLS {
            self.cut_off.pop_first();
        }
        self.cut_off.insert(call, has_credit);
    }

    /// Whether this is a further part of a call that is over, or a grant of its results. After the last part no other
    /// follows, but grants may.
    pub(super) fn is_cut_off(&mut self, call: &Call) -> bool {
        let Some(has_credit) = self.cut_off.get(&call.request) else {
            return false;
        };
        if !has_credit && !call.options.goes_on() {
            self.cut_off.remove(&call.request);
        }
        true
    }

    /// Whether a further part of this call may come.
    pub(super) fn knows_call(&self, call: RequestId) -> bool {
        self.calls.contains(call) || self.cut_off.contains_key(&call)
    }

    /// A call of such a registration is over.
    pub(super) fn finish_one(&mut self, registration: RegistrationId) {
        if let Some(running) = self.running.get_mut(&registration) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&registration);
            }
        }
    }

    /// Nobody waits for what it works on; it counts on until it is answered.
    pub(super) fn abandon(&mut self, invocation: RequestId, registration: RegistrationId) {
        if self.abandoned.len() >= MAX_ABANDONED_CALLS
            && let Some((_, oldest)) = self.abandoned.pop_first()
        {
            self.finish_one(oldest);
        }
        self.abandoned.insert(invocation, registration);
        *self.running.entry(registration).or_default() += 1;
    }

    /// It has answered an invocation that is not open, or never got it.
    pub(super) fn finish_abandoned(&mut self, invocation: RequestId) {
        if let Some(registration) = self.abandoned.remove(&invocation) {
            self.finish_one(registration);
        }
    }

    /// Whether both have proved that they are the same. Whom nobody but the configuration lets in without proof has
    /// chosen its name itself.
    pub(super) fn is_same_principal(&self, other: &Self) -> bool {
        let is_proved = |it: &Self| it.provider != STATIC || it.method != Method::Anonymous.name();
        self.origin.authid == other.origin.authid
            && self.provider == other.provider
            && is_proved(self)
            && is_proved(other)
    }
}

/// The callees of a call of shards that work on it, and its numbers there.
#[derive(Debug, Default)]
pub(super) struct Shards(pub(super) BTreeSet<(SessionId, RequestId)>);

/// What a call waits for.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The callee that works on it, and its number there.
    Callee(SessionId, RequestId),
    /// The callees of its shards that work on it, and its numbers there.
    Shards(Box<Shards>),
    /// Somebody's consent.
    Consent(QuestionId),
}

impl Waiting {
    /// The question, if it is one.
    pub(super) const fn question(&self) -> Option<QuestionId> {
        match self {
            Self::Consent(question) => Some(*question),
            Self::Callee(..) | Self::Shards(_) => None,
        }
    }

    /// Who works on it, with its numbers there.
    pub(super) fn at_work(&self) -> Vec<(SessionId, RequestId)> {
        match self {
            Self::Callee(callee, request) => vec![(*callee, *request)],
            Self::Shards(shards) => shards.0.iter().copied().collect(),
            Self::Consent(_) => Vec::new(),
        }
    }
}

/// All sessions of a realm.
#[derive(Debug)]
pub(super) struct Members(HashMap<SessionId, Member, RandomState>);

impl Members {
    pub(super) fn new(hashing: &RandomState) -> Self {
        Self(HashMap::with_hasher(hashing.clone()))
    }

    /// A book for one of them.
    pub(super) fn new_book<V>(&self) -> Book<V> {
        Book::new(self.0.hasher())
    }

    pub(super) fn insert(&mut self, member: Member) {
        self.0.insert(member.origin.session, member);
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Member> {
        self.0.get(&session)
    }

    pub(super) fn get_mut(&mut self, session: SessionId) -> Option<&mut Member> {
        self.0.get_mut(&session)
    }

    pub(super) fn remove(&mut self, session: SessionId) -> Option<Member> {
        self.0.remove(&session)
    }

    pub(super) fn contains(&self, session: SessionId) -> bool {
        self.0.contains_key(&session)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Every session, in the order of their ids.
    pub(super) fn ids(&self) -> Vec<SessionId> {
        #[allow(clippy::disallowed_methods, reason = "sorted before anybody sees it")]
        let mut ids: Vec<_> = self.0.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}
