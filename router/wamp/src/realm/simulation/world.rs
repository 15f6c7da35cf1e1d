//! A realm, its clients, and what must hold between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::AddAssign;
use std::time::Duration;

use super::super::scene::CLOCK;
use super::super::{Bounce, Realm, Settings};
use super::client::Client;
use super::operation::Operation;
use crate::id::{QuestionId, SessionId};
use crate::message::{Audience, Message, RequestError};
use crate::outgoing::Delivery;

/// Sessions at a time at most: few, so that they meet.
pub(super) const CROWD: usize = 8;

/// What happened, counted.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Done {
    pub(super) calls: u64,
    pub(super) events: u64,
    pub(super) consents: u64,
    pub(super) authorizations: u64,
    pub(super) time_outs: u64,
    pub(super) bounces: u64,
    /// Messages that granted credit.
    pub(super) grants: u64,
}

impl AddAssign for Done {
    fn add_assign(&mut self, more: Self) {
        self.calls += more.calls;
        self.events += more.events;
        self.consents += more.consents;
        self.authorizations += more.authorizations;
        self.time_outs += more.time_outs;
        self.bounces += more.bounces;
        self.grants += more.grants;
    }
}

pub(super) struct World {
    pub(super) realm: Realm,
    pub(super) clients: BTreeMap<SessionId, Client>,
    /// Calls that wait for consent, and requests that wait for an authorizer.
    pub(super) questions: BTreeSet<QuestionId>,
    pub(super) undecided: VecDeque<QuestionId>,
    /// Whom the publications were for, by the number that they carry, and who must not get them.
    pub(super) meant: BTreeMap<u64, (Option<Box<Audience>>, Option<SessionId>)>,
    pub(super) publications: u64,
    /// The delivery that is not made, counting from now.
    pub(super) bounce_in: Option<usize>,
    pub(super) done: Done,
    is_told: bool,
}

impl World {
    /// An empty realm; with `is_told` every step is printed.
    pub(super) fn new(is_told: bool) -> Self {
        Self {
            realm: Realm::new("sim".into(), Settings::default(), [3; 32], CLOCK),
            clients: BTreeMap::new(),
            questions: BTreeSet::new(),
            undecided: VecDeque::new(),
            meant: BTreeMap::new(),
            publications: 0,
            bounce_in: None,
            done: Done::default(),
            is_told,
        }
    }

    /// Does everything, and then lets everybody go.
    pub(super) fn run(mut self, run: &[Operation]) -> Done {
        for operation in run {
            self.step(*operation);
            self.check();
        }
        self.settle();
        while let Some(session) = self.clients.keys().next().copied() {
            self.leave(session);
            self.check();
        }
        self.pass(Duration::from_secs(3_600));
        assert!(self.realm.is_empty(), "something is left: {:?}", self.realm);
        self.done
    }

    /// Answers all that waits for an answer, so that no request is open for ever.
    fn settle(&mut self) {
        self.bounce_in = None;
        while self.has_questions() {
            self.decide(true);
            self.authorize(Operation(0));
            self.check();
        }
        self.pass(Duration::from_secs(3_600));
        for client in self.clients.values() {
            assert!(!client.has_open_requests(), "a request was never answered: {client:?}");
        }
    }

    fn has_questions(&mut self) -> bool {
        self.hear();
        !self.questions.is_empty() || !self.undecided.is_empty()
    }
}

impl World {
    pub(super) fn tell(&self, step: impl FnOnce() -> String) {
        if self.is_told {
            println!("  {}", step());
        }
    }

    /// Gives everybody what is for them, but for what bounces.
    pub(super) fn take(&mut self, out: Vec<Delivery>) {
        let mut waiting = VecDeque::from(out);
        while let Some(Delivery { to, outgoing }) = waiting.pop_front() {
            let message = outgoing.into_message();
            self.tell(|| format!("    → {to} {message:?}"));
            assert!(
                self.clients.contains_key(&to),
                "{} went to a session that has left",
                message.name()
            );
            if self.bounces(&message) {
                self.tell(|| "    which bounces".to_owned());
                let mut more = Vec::new();
                self.realm.bounce(to, &message, Bounce::Full, false, &mut more);
                self.done.bounces += 1;
                waiting.extend(more);
            } else {
                self.deliver(to, &message);
            }
        }
    }

    fn bounces(&mut self, message: &Message) -> bool {
        let may_bounce = matches!(message, Message::Invocation(_) | Message::Event(_) | Message::Result(_));
        match &mut self.bounce_in {
            Some(0) if may_bounce => {
                self.bounce_in = None;
                true
            }
            Some(left) if may_bounce => {
                *left -= 1;
                false
            }
            _ => false,
        }
    }

    fn deliver(&mut self, to: SessionId, message: &Message) {
        if let Message::Goodbye(_) = message {
            self.clients.remove(&to);
            return;
        }
        if let Message::Event(event) = message {
            self.done.events += 1;
            let number = event
                .payload
                .to_values()
                .ok()
                .and_then(|(args, _)| args.first()?.as_u64());
            let is_own = event
                .details
                .topic
                .as_ref()
                .is_some_and(|it| it.as_bytes().starts_with(b"wamp."));
            let meant = number.filter(|_| !is_own).and_then(|number| self.meant.get(&number));
            if let Some((audience, excluded)) = meant {
                let client = &self.clients[&to];
                assert_ne!(*excluded, Some(to), "the publisher got its own event");
                let is_meant = audience.as_ref().is_none_or(|audience| client.is_meant(audience));
                assert!(
                    is_meant,
                    "an event went to {client:?}, for whom it is not: {audience:?}"
                );
            }
        }
        if let Message::Error(RequestError { error, .. }) = message
            && *error == crate::error::TIMEOUT
        {
            self.done.time_outs += 1;
        }
        let grants = matches!(message, Message::Invocation(it) if it.details.credit > 0)
            || matches!(message, Message::Result(it) if it.details.credit > 0);
        self.done.grants += u64::from(grants);
        let has_ended = self.client(to).takes(message);
        self.done.calls += u64::from(has_ended);
    }

    /// Compares the realm's books with those of the clients.
    fn check(&self) {
        assert_eq!(self.realm.session_count(), self.clients.len());
        for (session, client) in &self.clients {
            let member = self.realm.members.get(*session).expect("it has not left");
            assert_eq!(member.subscriptions, client.subscriptions, "of {session}");
            assert_eq!(member.registrations, client.registrations, "of {session}");
            let held = member.dynamic.iter().flat_map(|dynamic| dynamic.held_calls());
            // Parts of a call that is over are on their way to nobody.
            let held = held.filter(|call| !member.cut_off.contains_key(call));
            let calls = member.calls.all().into_iter().map(|(call, _)| call);
            let open: BTreeSet<_> = calls.chain(held).collect();
            let known: BTreeSet<_> = client.calls.keys().copied().collect();
            assert_eq!(open, known, "calls of {session}");
            for (invocation, _) in member.invocations.all() {
                assert!(
                    client.invocations.contains(&invocation),
                    "{session} knows no {invocation}"
                );
            }
        }
        let members = self
            .clients
            .keys()
            .filter_map(|session| self.realm.members.get(*session));
        let open: usize = members.map(|member| member.invocations.len()).sum();
        assert_eq!(self.realm.figures().invocations, open);
        for (id, ..) in self.realm.dealer.all() {
            let info = self.realm.dealer.describe(id).expect("it is listed");
            assert!(!info.callees.is_empty(), "registration {id} has no callee");
            for callee in info.callees {
                assert!(
                    self.clients[&callee].registrations.contains(&id),
                    "{callee} does not hold {id}"
                );
            }
        }
        for (id, ..) in self.realm.broker.all() {
            let info = self.realm.broker.describe(id).expect("it is listed");
            for subscriber in info.subscribers {
                let subscriptions = &self.clients[&subscriber].subscriptions;
                assert!(subscriptions.contains(&id), "{subscriber} does not hold {id}");
            }
        }
    }
}
