//! A realm with several sessions whose messages, comings and goings an input decides. No answer comes to a call that was
//! not made or is over, whatever leaves the realm can be written or says why not, and nothing outlives its session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use wamp::acceptor::Features;
use wamp::codec::{self, Serializer};
use wamp::id::{RequestId, SessionId};
use wamp::limits::Bounds;
use wamp::message::{Message, RequestKind};
use wamp::outgoing::Delivery;
use wamp::realm::role::Role;
use wamp::realm::{Bounce, Clock, ConsentNews, Decision, Principal, Proceed, Realm, Settings};
use wamp::value::Dict;

/// Sessions at a time.
const CROWD: usize = 6;

/// A clock that stands: what is due is told by the input.
const CLOCK: Clock = Clock {
    time_of_day: || SystemTime::UNIX_EPOCH,
    elapsed: || Duration::ZERO,
};

/// How much may happen in a message's wake, times over.
const MOST_DELIVERIES: usize = 100_000;

/// Checks one input: operations, each with an octet that says what and who, one for its length, and its content.
pub fn realm(data: &[u8]) {
    let mut scene = Scene {
        realm: Realm::new("realm1".into(), Settings::default(), [1; 32], CLOCK),
        sessions: Vec::new(),
        calls: BTreeMap::new(),
        bounces_next: false,
    };
    let mut rest = data;
    while let [what, length, more @ ..] = rest {
        let (content, after) = more.split_at(usize::from(*length).min(more.len()));
        scene.step(what >> 4, usize::from(what & 15), content);
        rest = after;
    }
    scene.end();
}

struct Scene {
    realm: Realm,
    sessions: Vec<SessionId>,
    /// How often each call may still be answered for good.
    calls: BTreeMap<(SessionId, RequestId), usize>,
    bounces_next: bool,
}

impl Scene {
    fn step(&mut self, what: u8, who: usize, content: &[u8]) {
        let session = self.sessions.get(who % CROWD).copied();
        let mut out = Vec::new();
        match (what, session) {
            (0, _) if self.sessions.len() < CROWD => self.join(content, &mut out),
            (1, Some(session)) => self.leave(session, &mut out),
            (2, _) => drop(self.realm.expire(Duration::from_secs(who as u64), &mut out)),
            (3, Some(session)) => {
                let asks = Role::new("guest", Vec::new()).expect("no rule is wrong");
                let role = if who.is_multiple_of(2) {
                    Role::unrestricted("all")
                } else {
                    asks.with_authorizer("com.decide".into())
                };
                self.realm.set_role(session, Arc::new(role), &mut out);
            }
            (4, _) => self.decide(who, &mut out),
            (5, _) => self.bounces_next = true,
            (_, Some(session)) => self.send(session, content, &mut out),
            _ => {}
        }
        self.take(out);
    }

    fn join(&mut self, content: &[u8], out: &mut Vec<Delivery>) {
        let flags = content.first().copied().unwrap_or_default();
        let has = |bit: u8| flags & 1 << bit != 0;
        let features = Features {
            call_canceling: has(0),
            call_timeout: has(1),
            progressive_call_invocations: has(2),
            progress_credit: has(3),
            registration_revocation: has(3),
            subscription_revocation: has(4),
            acknowledged_event_delivery: has(5),
        };
        let role = Role::unrestricted("all");
        let role = if has(7) {
            Role::new("guest", Vec::new())
                .expect("no rule is wrong")
                .with_authorizer("com.decide".into())
        } else {
            role
        };
        let principal = Principal {
            authid: if has(6) { "joe" } else { "ann" }.into(),
            role: Arc::new(role),
            method: "cryptosign",
            provider: "static",
            authextra: Dict::new(),
        };
        let session = self.realm.join(None, principal, Dict::new(), features, None, out);
        self.sessions.push(session);
    }

    fn leave(&mut self, session: SessionId, out: &mut Vec<Delivery>) {
        self.realm.leave(session, out);
        self.forget(session);
    }

    fn forget(&mut self, session: SessionId) {
        self.sessions.retain(|it| *it != session);
        self.calls.retain(|(caller, _), _| *caller != session);
    }

    fn decide(&mut self, how: usize, out: &mut Vec<Delivery>) {
        for news in self.realm.take_consent_news() {
            if let ConsentNews::Asked(question) = news {
                self.realm
                    .decide(question.id, if how.is_multiple_of(2) { Ok(()) } else { Err("no") }, out);
            }
        }
        for question in self.realm.take_authorizations() {
            let decision = match how % 3 {
                0 => Decision::Failed("no answer"),
                answer => Decision::Made {
                    is_allowed: answer == 1,
                    disclose: None,
                    is_lasting: how > 8,
                },
            };
            let answered = self.realm.authorize(question.id, decision, out);
            if let Some((session, Err(_) | Ok(Proceed::Leave))) = answered {
                self.leave(session, out);
            }
        }
    }

    fn send(&mut self, session: SessionId, content: &[u8], out: &mut Vec<Delivery>) {
        let serializer = match content.first() {
            Some(b'[') => Serializer::Json,
            Some(0x90..=0x9f) => Serializer::MessagePack,
            _ => Serializer::Cbor,
        };
        let Ok(message) = codec::decode(serializer, &Bytes::copy_from_slice(content), &Bounds::JOINED) else {
            return;
        };
        if let Message::Call(call) = &message {
            *self.calls.entry((session, call.request)).or_default() += 1;
        }
        match self.realm.receive(session, message, out) {
            Ok(Proceed::Continue | Proceed::Wait) => {}
            Ok(Proceed::Leave) => {
                // Its last message still goes to it.
                out.retain(|delivery| delivery.to != session);
                self.forget(session);
            }
            Err(violation) => {
                assert!(!violation.sentence.is_empty());
                self.leave(session, out);
                out.retain(|delivery| delivery.to != session);
            }
        }
    }

    fn take(&mut self, out: Vec<Delivery>) {
        let mut waiting = std::collections::VecDeque::from(out);
        let mut count = 0;
        while let Some(Delivery { to, outgoing }) = waiting.pop_front() {
            count += 1;
            assert!(count < MOST_DELIVERIES, "one thing leads to ever more");
            let message = outgoing.into_message();
            assert!(
                self.sessions.contains(&to),
                "{} went to a session that has left",
                message.name()
            );
            for serializer in Serializer::ALL {
                let mut frame = BytesMut::new();
                if codec::encode(serializer, &message, &mut frame).is_ok() {
                    codec::decode(serializer, &frame.freeze(), &Bounds::JOINED).expect("what is sent can be read");
                }
            }
            let may_bounce = matches!(message, Message::Invocation(_) | Message::Event(_) | Message::Result(_));
            if may_bounce && std::mem::take(&mut self.bounces_next) {
                let mut more = Vec::new();
                self.realm.bounce(to, &message, Bounce::TooLong, false, &mut more);
                waiting.extend(more);
            } else {
                self.deliver(to, &message);
            }
        }
    }

    fn deliver(&mut self, to: SessionId, message: &Message) {
        let request = match message {
            Message::Result(it) if it.details.progress => {
                assert!(self.calls.contains_key(&(to, it.request)), "a result came to no call");
                return;
            }
            Message::Result(it) => it.request,
            Message::Error(it) if it.kind == RequestKind::Call => it.request,
            Message::Goodbye(_) => return self.forget(to),
            _ => return,
        };
        let open = self
            .calls
            .get_mut(&(to, request))
            .expect("an answer came to a call that was made");
        assert!(*open > 0, "a call was answered twice");
        *open -= 1;
    }

    /// Lets everybody go: nothing is left to wait for.
    fn end(&mut self) {
        while let Some(session) = self.sessions.first().copied() {
            let mut out = Vec::new();
            self.leave(session, &mut out);
            self.take(out);
        }
        let mut out = Vec::new();
        self.realm.expire(Duration::MAX, &mut out);
        assert!(
            out.is_empty() && self.realm.deadline().is_none(),
            "something waits for the departed"
        );
        assert_eq!(self.realm.session_count(), 0);
    }
}
