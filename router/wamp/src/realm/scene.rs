//! A realm with named sessions and no sockets, for tests: `scene.send("phone", …)`, `scene.expect("desktop")`.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::role::Role;
use super::{Authorization, Bounce, Clock, Decision, Principal, Proceed, Realm, Settings};
use crate::acceptor::Features;
use crate::codec::Serializer;
use crate::error::Violation;
use crate::id::{QuestionId, RegistrationId, RequestId, SessionId};
use crate::message::{
    Call, CallOptions, CallResult, Cancel, CancelMode, CancelOptions, ErrorDetails, Invocation, Match, Message,
    Publish, PublishOptions, Register, RegisterOptions, RequestError, RequestKind, Subscribe, SubscribeOptions, Yield,
    YieldOptions,
};
use crate::payload::Payload;
use crate::value::{Dict, Value};

thread_local! {
    /// How much time has passed, in this test's own thread.
    static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A clock that stands still until [`Scene::pass`].
pub(super) const CLOCK: Clock = Clock {
    time_of_day: || SystemTime::UNIX_EPOCH + PASSED.get(),
    elapsed: || PASSED.get(),
};

/// Lets time pass, and says how late it is then.
pub(super) fn let_pass(time: Duration) -> Duration {
    PASSED.set(PASSED.get() + time);
    PASSED.get()
}

pub(super) struct Scene {
    pub(super) realm: Realm,
    sessions: BTreeMap<&'static str, SessionId>,
    inboxes: BTreeMap<SessionId, VecDeque<Message>>,
}

impl Scene {
    /// A realm whose sessions may do everything.
    pub(super) fn of(names: &[&'static str]) -> Self {
        Self::with(Settings::default(), names)
    }

    pub(super) fn with(settings: Settings, names: &[&'static str]) -> Self {
        let realm = Realm::new("realm1".into(), settings, [1; 32], CLOCK);
        let mut scene = Self {
            realm,
            sessions: BTreeMap::new(),
            inboxes: BTreeMap::new(),
        };
        for name in names {
            scene.join(name, Role::unrestricted("anonymous"));
        }
        scene
    }

    /// Joins, and takes the WELCOME.
    pub(super) fn join(&mut self, name: &'static str, role: Role) {
        let principal = Principal {
            authid: name.into(),
            role: Arc::new(role),
            method: "anonymous",
            provider: "static",
            authextra: Dict::new(),
        };
        let features = Features {
            call_canceling: true,
            ..Features::default()
        };
        self.join_as(name, principal, features);
    }

    /// Joins as somebody who may do everything and announces this.
    pub(super) fn join_with(&mut self, name: &'static str, features: Features) {
        let principal = Principal {
            authid: name.into(),
            role: Arc::new(Role::unrestricted("anonymous")),
            method: "anonymous",
            provider: "static",
            authextra: Dict::new(),
        };
        self.join_as(name, principal, features);
    }

    pub(super) fn join_as(&mut self, name: &'static str, principal: Principal, features: Features) {
        let mut out = Vec::new();
        let session = self.realm.join(None, principal, Dict::new(), features, None, &mut out);
        self.sessions.insert(name, session);
        self.inboxes.insert(session, VecDeque::new());
        self.sort(out);
        assert!(matches!(self.expect(name), Message::Welcome(welcome) if welcome.session == session));
    }

    pub(super) fn session(&self, name: &str) -> SessionId {
        self.sessions[name]
    }

    pub(super) fn sort(&mut self, out: Vec<super::Delivery>) {
        for delivery in out {
            let inbox = self
                .inboxes
                .get_mut(&delivery.to)
                .expect("nothing goes to those who never joined");
            inbox.push_back(delivery.outgoing.into_message());
        }
    }

    pub(super) fn try_send(&mut self, name: &str, message: Message) -> Result<Proceed, Violation> {
        let mut out = Vec::new();
        let proceed = self.realm.receive(self.sessions[name], message, &mut out);
        self.sort(out);
        proceed
    }

    /// Sends a message that keeps to the protocol.
    pub(super) fn send(&mut self, name: &str, message: Message) {
        assert_eq!(self.try_send(name, message), Ok(Proceed::Continue));
    }

    pub(super) fn leave(&mut self, name: &str) {
        let mut out = Vec::new();
        self.realm.leave(self.sessions[name], &mut out);
        self.sort(out);
    }

    /// Lets time pass, and what is due happen.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<SessionId> {
        let now = let_pass(time);
        let mut out = Vec::new();
        let relieved = self.realm.expire(now, &mut out);
        self.sort(out);
        relieved
    }

    pub(super) fn set_role(&mut self, name: &str, role: Role) {
        let mut out = Vec::new();
        self.realm.set_role(self.sessions[name], Arc::new(role), &mut out);
        self.sort(out);
    }

    pub(super) fn decide(&mut self, question: QuestionId, answer: Result<(), &'static str>) {
        let mut out = Vec::new();
        self.realm.decide(question, answer, &mut out);
        self.sort(out);
    }

    /// The one thing that an authorizer is to be asked.
    pub(super) fn asked(&mut self) -> Authorization {
        let mut asked = self.realm.take_authorizations();
        assert_eq!(asked.len(), 1, "one question was expected: {asked:?}");
        asked.remove(0)
    }

    pub(super) fn authorize(&mut self, question: &Authorization, decision: Decision) -> Option<Proceed> {
        let mut out = Vec::new();
        let answered = self.realm.authorize(question.id, decision, &mut out);
        self.sort(out);
        answered.map(|(_, proceed)| proceed.expect("the scene keeps to the protocol"))
    }

    pub(super) fn bounce(&mut self, name: &str, message: &Message, why: Bounce) {
        let mut out = Vec::new();
        self.realm.bounce(self.sessions[name], message, why, false, &mut out);
        self.sort(out);
    }

    /// The next message for a session, which must be there.
    pub(super) fn expect(&mut self, name: &str) -> Message {
        let next = self.inboxes.get_mut(&self.sessions[name]).and_then(VecDeque::pop_front);
        next.unwrap_or_else(|| panic!("{name} got nothing"))
    }

    /// Whether something waits for a session.
    pub(super) fn has_mail(&self, name: &str) -> bool {
        !self.inboxes[&self.sessions[name]].is_empty()
    }

    /// The next message for a session, if there is one.
    pub(super) fn take(&mut self, name: &str) -> Option<Message> {
        self.inboxes.get_mut(&self.sessions[name]).and_then(VecDeque::pop_front)
    }

    /// The last message for a session, whatever came before, which waits still.
    pub(super) fn expect_last(&mut self, name: &str) -> Message {
        let last = self.inboxes.get_mut(&self.sessions[name]).and_then(VecDeque::pop_back);
        last.unwrap_or_else(|| panic!("{name} got nothing"))
    }

    /// Nothing waits for a session.
    pub(super) fn expect_nothing(&self, name: &str) {
        assert_eq!(self.inboxes[&self.sessions[name]], [], "{name} got something");
    }

    /// The next message is an ERROR with this URI.
    pub(super) fn expect_error(&mut self, name: &str, kind: RequestKind, error: &str) {
        let Message::Error(it) = self.expect(name) else {
            panic!("{name} got no error")
        };
        assert_eq!((it.kind, it.error.as_str()), (kind, error));
    }

    /// Registers, and takes the REGISTERED.
    pub(super) fn offer(&mut self, name: &str, procedure: &str) {
        self.offer_pattern(name, procedure, Match::Exact);
    }

    /// The same, with options; the registration's number.
    pub(super) fn offer_with(&mut self, name: &str, procedure: &str, options: RegisterOptions) -> RegistrationId {
        self.send(name, register_with(1, procedure, options));
        let Message::Registered(registered) = self.expect(name) else {
            panic!("{name} did not register")
        };
        registered.registration
    }

    /// The next message is an INVOCATION.
    pub(super) fn expect_invocation(&mut self, name: &str) -> Invocation {
        let Message::Invocation(invocation) = self.expect(name) else {
            panic!("{name} was not invoked")
        };
        invocation
    }

    /// The next message is a RESULT.
    pub(super) fn expect_result(&mut self, name: &str) -> CallResult {
        let Message::Result(result) = self.expect(name) else {
            panic!("{name} got no result")
        };
        result
    }

    pub(super) fn offer_pattern(&mut self, name: &str, procedure: &str, policy: Match) {
        self.send(name, register(1, procedure, policy));
        assert!(matches!(self.expect(name), Message::Registered(_)));
    }

    /// Whether no trace of anything is left but the sessions themselves.
    pub(super) fn is_clean(&self) -> bool {
        let members = self.realm.members.ids();
        let mut members = members.iter().filter_map(|id| self.realm.members.get(*id));
        self.realm.is_empty()
            && members.all(|it| {
                it.calls.is_empty()
                    && it.invocations.is_empty()
                    && it.running.is_empty()
                    && it.registrations.is_empty()
                    && it.subscriptions.is_empty()
                    && it.confirmations.is_none()
            })
    }
}

impl Realm {
    /// Whether nothing is left that somebody has left behind.
    pub(super) fn is_empty(&self) -> bool {
        self.broker.is_empty()
            && self.parked.is_empty()
            && self.dealer.is_empty()
            && self.timer.is_empty()
            && self.definitions.is_empty()
            && self.authorizations.is_empty()
            && self.deliveries.is_empty()
    }
}

pub(super) fn request(number: u64) -> RequestId {
    RequestId::new(number).expect("tests use small numbers")
}

pub(super) fn args(values: &[Value]) -> Payload {
    Payload::from_values(Serializer::MessagePack, values, &Dict::new()).expect("tests use plain values")
}

pub(super) fn register(number: u64, procedure: &str, policy: Match) -> Message {
    let options = RegisterOptions {
        policy,
        ..RegisterOptions::default()
    };
    register_with(number, procedure, options)
}

pub(super) fn register_with(number: u64, procedure: &str, options: RegisterOptions) -> Message {
    Message::Register(Register {
        request: request(number),
        options,
        procedure: procedure.into(),
    })
}

pub(super) fn call(number: u64, procedure: &str) -> Message {
    call_with(number, procedure, CallOptions::default())
}

/// A call of a procedure of the router.
pub(super) fn call_args(number: u64, procedure: &str, values: &[Value]) -> Message {
    Message::Call(Call {
        request: request(number),
        options: CallOptions::default(),
        procedure: procedure.into(),
        payload: args(values),
    })
}

pub(super) fn call_with(number: u64, procedure: &str, options: CallOptions) -> Message {
    let payload = args(&["hello".into(), number.into()]);
    Message::Call(Call {
        request: request(number),
        options,
        procedure: procedure.into(),
        payload,
    })
}

/// A call without arguments, as most of the router's own procedures take it.
pub(super) fn bare_call(number: u64, procedure: &str) -> Message {
    Message::Call(Call {
        request: request(number),
        options: CallOptions::default(),
        procedure: procedure.into(),
        payload: Payload::EMPTY,
    })
}

pub(super) fn answer(number: u64) -> Message {
    Message::Yield(Yield {
        request: request(number),
        options: YieldOptions::default(),
        payload: args(&[number.into()]),
    })
}

pub(super) fn progress(number: u64) -> Message {
    let options = YieldOptions {
        progress: true,
        ..YieldOptions::default()
    };
    Message::Yield(Yield {
        request: request(number),
        options,
        payload: args(&[number.into()]),
    })
}

/// The callee takes so many more parts of a call.
pub(super) fn grant(number: u64, credit: u32) -> Message {
    Message::Yield(Yield {
        request: request(number),
        options: YieldOptions {
            progress: true,
            credit,
            ..YieldOptions::default()
        },
        payload: Payload::EMPTY,
    })
}

pub(super) fn failure(number: u64, error: &str) -> Message {
    Message::Error(RequestError {
        kind: RequestKind::Invocation,
        request: request(number),
        details: ErrorDetails::default(),
        error: error.into(),
        payload: args(&["no".into()]),
    })
}

pub(super) fn cancel(number: u64, mode: CancelMode) -> Message {
    Message::Cancel(Cancel {
        request: request(number),
        options: CancelOptions { mode },
    })
}

pub(super) fn subscribe(number: u64, topic: &str, policy: Match) -> Message {
    let options = SubscribeOptions {
        policy,
        ..SubscribeOptions::default()
    };
    Message::Subscribe(Subscribe {
        request: request(number),
        options,
        topic: topic.into(),
    })
}

pub(super) fn publish(number: u64, topic: &str, options: PublishOptions) -> Message {
    Message::Publish(Publish {
        request: request(number),
        options,
        topic: topic.into(),
        payload: args(&[number.into()]),
    })
}
