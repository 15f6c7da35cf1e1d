//! Random operations on a realm, checked after every step: each call ends exactly once, nothing is delivered to the
//! departed, and when all have left nothing is left of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::role::{Action, Consent, Disclose, Role, Rule};
use super::scene::{call_with, cancel, failure, progress, publish, register, request, subscribe};
use super::{Bounce, ConsentNews, Flow, Principal, Realm, Settings};
use crate::acceptor::Features;
use crate::id::{QuestionId, RequestId, SessionId};
use crate::message::{
    CallOptions, CancelMode, Match, Message, PublishOptions, RequestError, RequestKind, Unregister, Unsubscribe,
};
use crate::outgoing::Delivery;
use crate::value::Dict;

/// Operations in one run; the environment variable `DESKCONN_SIMULATION` asks for more.
const OPERATIONS: u64 = 200_000;
/// Sessions at a time at most: few, so that they meet.
const CROWD: usize = 8;
const URIS: [&str; 8] = ["a", "a.b", "a.b.c", "a.x.c", "b", "b.c", "a..c", "."];

/// What the simulation knows of a session, from the messages alone.
#[derive(Default)]
struct Client {
    next_request: u64,
    /// Calls that have not ended.
    open_calls: BTreeSet<RequestId>,
    /// Invocations that were received and not answered.
    invocations: BTreeSet<RequestId>,
    subscriptions: BTreeSet<crate::id::SubscriptionId>,
    registrations: BTreeSet<crate::id::RegistrationId>,
}

struct Simulation {
    realm: Realm,
    random: StdRng,
    clients: BTreeMap<SessionId, Client>,
    /// Calls that wait for consent.
    questions: BTreeSet<QuestionId>,
    decisions: u64,
    ended_calls: u64,
    events: u64,
}

#[test]
fn nothing_is_lost_doubled_or_left_behind() {
    let operations = std::env::var("DESKCONN_SIMULATION")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(OPERATIONS);
    let mut simulation = Simulation {
        realm: Realm::new("sim".into(), Settings::default(), [3; 32], super::scene::CLOCK),
        random: StdRng::from_seed([4; 32]),
        clients: BTreeMap::new(),
        questions: BTreeSet::new(),
        decisions: 0,
        ended_calls: 0,
        events: 0,
    };
    for _ in 0..operations {
        simulation.step();
    }
    assert!(
        simulation.ended_calls > operations / 100 && simulation.events > operations / 100,
        "it did too little"
    );
    assert!(simulation.decisions > operations / 1_000, "it asked too little");
    let sessions: Vec<_> = simulation.clients.keys().copied().collect();
    for session in sessions {
        simulation.leave(session);
    }
    assert!(simulation.realm.broker.is_empty() && simulation.realm.dealer.is_empty());
    assert!(simulation.realm.parked.is_empty());
    assert_eq!(simulation.realm.session_count(), 0);
}

impl Simulation {
    fn step(&mut self) {
        let Some(session) = self.anybody() else {
            return self.join();
        };
        match self.random.random_range(0..100) {
            0..4 if self.clients.len() < CROWD => self.join(),
            0..4 => self.leave(session),
            4..8 => self.goodbye(session),
            8..12 => self.change_role(session),
            12..16 => self.decide(),
            16..40 => self.answer(session),
            40..50 => self.cancel(session),
            _ => self.ask(session),
        }
    }

    fn anybody(&mut self) -> Option<SessionId> {
        let number = self.random.random_range(0..self.clients.len().max(1));
        self.clients.keys().nth(number).copied()
    }

    fn join(&mut self) {
        let principal = Principal {
            authid: "x".into(),
            role: Arc::new(Role::unrestricted("x")),
            method: "anonymous",
            provider: "static",
            authextra: Dict::new(),
        };
        let features = Features {
            call_canceling: self.random.random(),
            ..Features::default()
        };
        let mut out = Vec::new();
        let session = self.realm.join(principal, Dict::new(), features, &mut out);
        assert!(
            self.clients.insert(session, Client::default()).is_none(),
            "an id was given twice"
        );
        self.check(out);
    }

    /// Another role: it may allow less, and it may ask before calls.
    fn change_role(&mut self, session: SessionId) {
        let rule = Rule {
            uri: ["", "a.", "b."][self.random.random_range(0..3)].into(),
            policy: Match::Prefix,
            allow: [Action::Call].into_iter().collect(),
            disclose: Disclose::Always,
            consent: Consent::Ask,
            trustlevel: None,
        };
        let role = if self.random.random() {
            Role::unrestricted("x")
        } else {
            Role::new("asked", vec![rule]).expect("the rule is sound")
        };
        let mut out = Vec::new();
        self.realm.set_role(session, Arc::new(role), &mut out);
        self.check(out);
    }

    /// Answers a question, or one that was withdrawn.
    fn decide(&mut self) {
        for news in self.realm.take_consent_news() {
            match news {
                ConsentNews::Asked(question) => self.questions.insert(question.id),
                ConsentNews::Withdrawn(question) => self.questions.remove(&question),
            };
        }
        if let Some(question) = self.questions.pop_first() {
            let answer = if self.random.random() { Ok(()) } else { Err("no") };
            let mut out = Vec::new();
            self.realm.decide(question, answer, &mut out);
            self.check(out);
            self.decisions += 1;
        }
    }

    fn leave(&mut self, session: SessionId) {
        let mut out = Vec::new();
        self.realm.leave(session, &mut out);
        self.clients.remove(&session);
        self.check(out);
    }

    fn goodbye(&mut self, session: SessionId) {
        let goodbye = crate::message::Goodbye::new("wamp.close.normal".into(), "");
        let mut out = Vec::new();
        assert_eq!(
            self.realm.receive(session, Message::Goodbye(goodbye), &mut out),
            Ok(Flow::Leave)
        );
        let last = out.pop().expect("GOODBYE is answered");
        assert!(last.to == session && matches!(last.outgoing.message(), Message::Goodbye(_)));
        self.clients.remove(&session);
        self.check(out);
    }

    fn send(&mut self, session: SessionId, message: Message) {
        let mut out = Vec::new();
        assert_eq!(self.realm.receive(session, message, &mut out), Ok(Flow::Continue));
        self.check(out);
    }

    fn next_request(&mut self, session: SessionId) -> u64 {
        let client = self.clients.get_mut(&session).expect("it was picked from these");
        client.next_request += 1;
        client.next_request
    }

    fn ask(&mut self, session: SessionId) {
        let uri = URIS[self.random.random_range(0..URIS.len())];
        let policy = [Match::Exact, Match::Prefix, Match::Wildcard][self.random.random_range(0..3)];
        let number = self.next_request(session);
        let message = match self.random.random_range(0..20) {
            0..2 => register(number, uri, policy),
            2 => self.unregister(session, number),
            3..5 => subscribe(number, uri, policy),
            5 => self.unsubscribe(session, number),
            6..10 => {
                let (acknowledge, exclude_me) = (self.random.random(), self.random.random());
                publish(
                    number,
                    uri,
                    PublishOptions {
                        acknowledge,
                        exclude_me,
                        disclose_me: self.random.random(),
                        retain: self.random.random_ratio(1, 4),
                        ..PublishOptions::default()
                    },
                )
            }
            _ => {
                let client = self.clients.get_mut(&session).expect("it was picked from these");
                client.open_calls.insert(request(number));
                let options = CallOptions {
                    receive_progress: self.random.random(),
                    disclose_me: self.random.random(),
                    ..CallOptions::default()
                };
                call_with(number, uri, options)
            }
        };
        self.send(session, message);
    }

    fn unregister(&mut self, session: SessionId, number: u64) -> Message {
        let registration = self.clients[&session].registrations.first().copied();
        let registration = registration.unwrap_or(crate::id::RegistrationId::FIRST);
        self.clients
            .get_mut(&session)
            .expect("it was picked")
            .registrations
            .remove(&registration);
        Message::Unregister(Unregister {
            request: request(number),
            registration,
        })
    }

    fn unsubscribe(&mut self, session: SessionId, number: u64) -> Message {
        let subscription = self.clients[&session].subscriptions.first().copied();
        let subscription = subscription.unwrap_or(crate::id::SubscriptionId::FIRST);
        self.clients
            .get_mut(&session)
            .expect("it was picked")
            .subscriptions
            .remove(&subscription);
        Message::Unsubscribe(Unsubscribe {
            request: request(number),
            subscription,
        })
    }

    /// Answers an open invocation, sometimes one of somebody else's.
    fn answer(&mut self, session: SessionId) {
        let Some(invocation) = self.clients[&session].invocations.first().copied() else {
            return;
        };
        let number = if self.random.random_ratio(1, 20) {
            77_777
        } else {
            invocation.get()
        };
        let is_last = self.random.random_ratio(2, 3);
        if is_last && number == invocation.get() {
            self.clients
                .get_mut(&session)
                .expect("it was picked")
                .invocations
                .remove(&invocation);
        }
        let message = match (is_last, self.random.random_ratio(1, 3)) {
            (false, _) => progress(number),
            (true, true) => failure(number, "com.error"),
            (true, false) => super::scene::answer(number),
        };
        self.send(session, message);
    }

    fn cancel(&mut self, session: SessionId) {
        let Some(call) = self.clients[&session].open_calls.first().copied() else {
            return;
        };
        let mode = [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait][self.random.random_range(0..3)];
        self.send(session, cancel(call.get(), mode));
    }

    /// Follows what every client is told, and bounces a delivery now and then.
    fn check(&mut self, out: Vec<Delivery>) {
        let mut more = Vec::new();
        for Delivery { to, outgoing } in out {
            let message = outgoing.into_message();
            assert!(
                self.clients.contains_key(&to),
                "{} went to a session that has left",
                message.name()
            );
            let may_bounce = matches!(message, Message::Invocation(_) | Message::Event(_));
            if may_bounce && self.random.random_ratio(1, 30) {
                self.realm.bounce(to, &message, Bounce::Full, &mut more);
            } else {
                self.take(to, &message);
            }
        }
        if !more.is_empty() {
            self.check(more);
        }
    }

    fn take(&mut self, to: SessionId, message: &Message) {
        let client = self.clients.get_mut(&to).expect("checked by the caller");
        if let Message::Invocation(it) = message {
            assert!(client.invocations.insert(it.request), "an invocation came twice");
        } else if let Message::Subscribed(it) = message {
            client.subscriptions.insert(it.subscription);
        } else if let Message::Registered(it) = message {
            client.registrations.insert(it.registration);
        } else if let Message::Event(it) = message {
            assert!(
                client.subscriptions.contains(&it.subscription),
                "an event came for no subscription"
            );
            self.events += 1;
        } else if let Message::Result(it) = message {
            assert!(
                client.open_calls.contains(&it.request),
                "a result came for a call that is over"
            );
            if !it.details.progress {
                client.open_calls.remove(&it.request);
                self.ended_calls += 1;
            }
        } else if let Message::Error(RequestError {
            kind: RequestKind::Call,
            request,
            ..
        }) = message
        {
            assert!(
                client.open_calls.remove(request),
                "an error came for a call that is over"
            );
            self.ended_calls += 1;
        }
        self.check_books(to);
    }

    /// The realm's own record of a session's open calls is that of the session, but for calls whose messages are still
    /// on their way.
    fn check_books(&self, session: SessionId) {
        let member = self.realm.members.get(session).expect("it has not left");
        let client = &self.clients[&session];
        for call in member.calls.keys() {
            assert!(client.open_calls.contains(call), "the realm keeps a call that is over");
        }
    }
}
