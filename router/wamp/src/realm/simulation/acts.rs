//! What happens to the realm: each operation, done.

use std::sync::Arc;
use std::time::Duration;

use super::super::role::{Action, Consent, Disclose, Role, Rule};
use super::super::scene::{self, call_with, cancel, failure, progress, request};
use super::super::{ConsentNews, Decision, Principal, Proceed};
use super::client::{AUTHIDS, Client, ROLES};
use super::operation::Operation;
use super::world::{CROWD, World};
use crate::acceptor::Features;
use crate::id::{RegistrationId, SessionId, SubscriptionId};
use crate::message::{EventReceived, Goodbye, Match, Message, Origin, Unregister, Unsubscribe};
use crate::value::{Dict, Value};

impl World {
    pub(super) fn step(&mut self, mut operation: Operation) {
        let kind = operation.pick(100);
        let sessions: Vec<_> = self.clients.keys().copied().collect();
        let Some(&session) = sessions.get(operation.pick(sessions.len())) else {
            return self.join(operation);
        };
        match kind {
            0..4 if self.clients.len() < CROWD => self.join(operation),
            0..4 => self.leave(session),
            4 => self.goodbye(session),
            5 => self.dismiss(session),
            6..9 => self.change_role(session, operation),
            9..12 => self.decide(operation.flag()),
            12..17 => self.authorize(operation),
            17..20 => self.pass(Duration::from_millis(operation.of(&[1, 4, 5, 1_000, 20_000]))),
            20..23 => self.bounce_in = Some(operation.pick(3)),
            23..45 => self.answer(session, operation),
            45..52 => self.cancel(session, operation),
            52..56 => self.confirm(session),
            56..61 => self.go_on(session, operation),
            61..66 => self.grant(session, operation),
            _ => self.ask(session, operation, &sessions),
        }
    }

    fn join(&mut self, mut operation: Operation) {
        let role = role(operation.of(&[0, 0, 1, 2]));
        let principal = Principal {
            authid: operation.of(&AUTHIDS).into(),
            role: Arc::new(role),
            method: "cryptosign",
            provider: "static",
            authextra: Dict::new(),
        };
        let features = Features {
            call_canceling: operation.flag(),
            call_timeout: operation.flag(),
            progressive_call_invocations: operation.flag(),
            progress_credit: !operation.once_in(4),
            registration_revocation: true,
            subscription_revocation: true,
            acknowledged_event_delivery: operation.flag(),
        };
        let origin = |session| Origin {
            session,
            authid: Arc::clone(&principal.authid),
            authrole: Arc::clone(principal.role.name()),
        };
        let mut out = Vec::new();
        let session = self
            .realm
            .join(None, principal.clone(), Dict::new(), features, None, &mut out);
        self.tell(|| format!("{session} joins as {} {}", principal.authid, principal.role.name()));
        let known = self.clients.insert(session, Client::new(origin(session)));
        assert!(known.is_none(), "an id was given twice");
        self.take(out);
    }

    pub(super) fn leave(&mut self, session: SessionId) {
        self.tell(|| format!("{session} leaves"));
        let mut out = Vec::new();
        self.realm.leave(session, &mut out);
        self.clients.remove(&session);
        self.take(out);
    }

    fn goodbye(&mut self, session: SessionId) {
        self.tell(|| format!("{session} says goodbye"));
        let goodbye = Message::Goodbye(Goodbye::new("wamp.close.normal".into(), ""));
        let mut out = Vec::new();
        assert_eq!(self.realm.receive(session, goodbye, &mut out), Ok(Proceed::Leave));
        let last = out.pop().expect("GOODBYE is answered");
        assert!(last.to == session && matches!(last.outgoing.message(), Message::Goodbye(_)));
        self.clients.remove(&session);
        self.take(out);
    }

    fn dismiss(&mut self, session: SessionId) {
        self.tell(|| format!("{session} is dismissed"));
        let mut out = Vec::new();
        let goodbye = Goodbye::new("wamp.close.killed".into(), "");
        self.realm.dismiss(&[session], &goodbye, &mut out);
        self.take(out);
        assert!(!self.clients.contains_key(&session), "it got no GOODBYE");
    }

    fn change_role(&mut self, session: SessionId, mut operation: Operation) {
        let role = Arc::new(role(operation.of(&[0, 0, 1, 2])));
        self.tell(|| format!("{session} becomes {}", role.name()));
        if let Some(client) = self.clients.get_mut(&session) {
            client.origin.authrole = Arc::clone(role.name());
        }
        let mut out = Vec::new();
        self.realm.set_role(session, role, &mut out);
        self.take(out);
    }

    /// Hears what is to be asked.
    pub(super) fn hear(&mut self) {
        for news in self.realm.take_consent_news() {
            match news {
                ConsentNews::Asked(question) => self.questions.insert(question.id),
                ConsentNews::Withdrawn(question) => self.questions.remove(&question),
            };
        }
        let asked = self.realm.take_authorizations();
        self.undecided.extend(asked.into_iter().map(|question| question.id));
    }

    /// Answers a call that waits for consent.
    pub(super) fn decide(&mut self, is_allowed: bool) {
        self.hear();
        let Some(question) = self.questions.pop_first() else {
            return;
        };
        self.tell(|| format!("question {question} is answered {is_allowed}"));
        let answer = if is_allowed { Ok(()) } else { Err("no") };
        let mut out = Vec::new();
        self.realm.decide(question, answer, &mut out);
        self.done.consents += 1;
        self.take(out);
    }

    /// Answers for an authorizer, now and then to a question that is open no more.
    pub(super) fn authorize(&mut self, mut operation: Operation) {
        self.hear();
        let Some(question) = self.undecided.pop_front() else {
            return;
        };
        let decision = if operation.once_in(4) {
            Decision::Failed("it failed")
        } else {
            Decision::Made {
                is_allowed: !operation.once_in(4),
                disclose: operation.of(&[None, Some(true), Some(false)]),
                is_lasting: operation.flag(),
            }
        };
        self.tell(|| format!("authorizer answers {question}: {decision:?}"));
        let mut out = Vec::new();
        if let Some((session, proceed)) = self.realm.authorize(question, decision, &mut out) {
            assert!(proceed.is_ok(), "{session} keeps to the protocol: {proceed:?}");
            self.done.authorizations += 1;
        }
        self.take(out);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.tell(|| format!("{time:?} pass"));
        let now = scene::let_pass(time);
        let mut out = Vec::new();
        self.realm.expire(now, &mut out);
        self.take(out);
        assert!(
            self.realm.deadline().is_none_or(|at| at > now),
            "something is still due"
        );
    }

    pub(super) fn client(&mut self, session: SessionId) -> &mut Client {
        self.clients.get_mut(&session).expect("it was picked from these")
    }

    fn send(&mut self, session: SessionId, message: Message) {
        self.tell(|| format!("{session} sends {message:?}"));
        self.client(session).sends(&message);
        let mut out = Vec::new();
        let proceed = self.realm.receive(session, message, &mut out);
        assert!(matches!(proceed, Ok(Proceed::Continue | Proceed::Wait)), "{proceed:?}");
        self.take(out);
    }

    fn ask(&mut self, session: SessionId, mut operation: Operation, sessions: &[SessionId]) {
        let number = self.client(session).next_request();
        let message = match operation.pick(20) {
            0..3 => operation.register(number),
            3 => self.unregister(session, number, operation),
            4..7 => operation.subscribe(number),
            7 => self.unsubscribe(session, number, operation),
            8..13 => self.publish(session, number, operation, sessions),
            13..15 => operation.meta_call(number, sessions),
            _ => operation.call(number),
        };
        self.send(session, message);
    }

    /// A publication that carries its number, so that whoever gets it can be compared with whom it was for.
    fn publish(&mut self, from: SessionId, number: u64, mut operation: Operation, sessions: &[SessionId]) -> Message {
        let message = operation.publish(number, sessions);
        let Message::Publish(mut publish) = message else {
            unreachable!("it is a publication")
        };
        self.publications += 1;
        publish.payload = scene::args(&[Value::from(self.publications)]);
        let excluded = publish.options.exclude_me.then_some(from);
        self.meant.insert(
            self.publications,
            (publish.options.audience().cloned().map(Box::new), excluded),
        );
        Message::Publish(publish)
    }

    fn unregister(&mut self, session: SessionId, number: u64, mut operation: Operation) -> Message {
        let held: Vec<_> = self.client(session).registrations.iter().copied().collect();
        let registration = held.get(operation.pick(held.len() + 1)).copied();
        Message::Unregister(Unregister {
            request: request(number),
            registration: registration.unwrap_or(RegistrationId::FIRST),
        })
    }

    fn unsubscribe(&mut self, session: SessionId, number: u64, mut operation: Operation) -> Message {
        let held: Vec<_> = self.client(session).subscriptions.iter().copied().collect();
        let subscription = held.get(operation.pick(held.len() + 1)).copied();
        Message::Unsubscribe(Unsubscribe {
            request: request(number),
            subscription: subscription.unwrap_or(SubscriptionId::FIRST),
        })
    }

    /// Sends more of a call.
    fn go_on(&mut self, session: SessionId, mut operation: Operation) {
        let open = self.client(session).calls.values();
        let open: Vec<_> = open
            .filter(|call| call.has_more)
            .map(|call| call.call.clone())
            .collect();
        let Some(call) = open.get(operation.pick(open.len())) else {
            return;
        };
        let mut options = operation.call_options();
        options.progress = operation.flag();
        options.flow = None;
        let message = call_with(call.request.get(), call.procedure.as_str(), options);
        self.send(session, message);
    }

    /// Takes more results of a call, now and then of one that is over.
    fn grant(&mut self, session: SessionId, mut operation: Operation) {
        let client = self.client(session);
        let mut calls = client.granting.clone();
        if !operation.once_in(8) {
            calls.retain(|call| client.calls.contains_key(&call.request));
        }
        let Some(call) = calls.get(operation.pick(calls.len())) else {
            return;
        };
        let message = call_with(call.request.get(), call.procedure.as_str(), operation.grant());
        self.send(session, message);
    }

    /// Answers an open invocation, now and then one of somebody else's.
    fn answer(&mut self, session: SessionId, mut operation: Operation) {
        let open: Vec<_> = self.client(session).invocations.iter().copied().collect();
        let Some(invocation) = open.get(operation.pick(open.len())).copied() else {
            return;
        };
        if operation.once_in(20) {
            return self.send(session, scene::answer(77_777));
        }
        let number = invocation.get();
        if operation.once_in(3) {
            return self.send(session, progress(number));
        }
        if operation.once_in(6) {
            return self.send(session, scene::grant(number, operation.of(&[1, 2, u32::MAX])));
        }
        self.client(session).invocations.remove(&invocation);
        let message = match operation.pick(4) {
            0 => failure(number, "com.error"),
            1 => failure(number, "wamp.error.unavailable"),
            _ => scene::answer(number),
        };
        self.send(session, message);
    }

    fn cancel(&mut self, session: SessionId, mut operation: Operation) {
        let open: Vec<_> = self.client(session).calls.keys().copied().collect();
        let Some(call) = open.get(operation.pick(open.len())) else {
            return;
        };
        self.send(session, cancel(call.get(), operation.mode()));
    }

    fn confirm(&mut self, session: SessionId) {
        if let Some(publication) = self.client(session).to_confirm.pop() {
            self.send(session, Message::EventReceived(EventReceived { publication }));
        }
    }
}

/// The roles: everything, calls after consent, and what an authorizer allows. The first comes twice as often, since it
/// alone registers and subscribes.
fn role(number: usize) -> Role {
    let rule = |uri: &str, allow: &[Action], consent| Rule {
        uri: uri.into(),
        policy: Match::Prefix,
        allow: allow.iter().copied().collect(),
        disclose: Disclose::OnRequest,
        consent,
        trustlevel: Some(1),
    };
    let name = ROLES[number];
    match number {
        0 => Role::unrestricted(name),
        1 => Role::new(name, vec![rule("a.", &[Action::Call], Consent::Ask)]).expect("the rule is sound"),
        _ => {
            let free = rule("b.", &[Action::Call, Action::Publish], Consent::Given);
            let role = Role::new(name, vec![free]).expect("the rule is sound");
            role.with_authorizer("decide".into())
        }
    }
}
