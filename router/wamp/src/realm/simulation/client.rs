//! What a client knows, from its own messages and those it got.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{PublicationId, RegistrationId, RequestId, SubscriptionId};
use crate::limits::MAX_CUT_OFF_CALLS;
use crate::message::{
    Audience, Call, CancelMode, Event, Message, Origin, Publish, Register, RequestError, RequestKind, Subscribe,
    Unregister, Unsubscribe,
};

pub(super) const AUTHIDS: [&str; 3] = ["joe", "ann", "eve"];
pub(super) const ROLES: [&str; 3] = ["all", "asked", "decided"];

/// A client's own books.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) origin: Origin,
    next_request: u64,
    /// Calls that have not ended: whether more parts may follow, and whether intermediate results may come.
    pub(super) calls: BTreeMap<RequestId, OpenCall>,
    /// The last calls that said something of credit, over or not.
    pub(super) granting: Vec<Call>,
    /// Invocations that were received and not answered.
    pub(super) invocations: BTreeSet<RequestId>,
    pub(super) subscriptions: BTreeSet<SubscriptionId>,
    pub(super) registrations: BTreeSet<RegistrationId>,
    /// Requests that will be answered once.
    waiting: BTreeMap<RequestId, Waiting>,
    /// Events whose arrival is to be told.
    pub(super) to_confirm: Vec<PublicationId>,
}

#[derive(Debug, Clone)]
pub(super) struct OpenCall {
    pub(super) has_more: bool,
    pub(super) takes_progress: bool,
    pub(super) call: Call,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Register,
    Unregister(RegistrationId),
    Subscribe,
    Unsubscribe(SubscriptionId),
    Publish,
}

impl Waiting {
    const fn kind(self) -> RequestKind {
        match self {
            Self::Register => RequestKind::Register,
            Self::Unregister(_) => RequestKind::Unregister,
            Self::Subscribe => RequestKind::Subscribe,
            Self::Unsubscribe(_) => RequestKind::Unsubscribe,
            Self::Publish => RequestKind::Publish,
        }
    }
}

impl Client {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            origin,
            next_request: 0,
            calls: BTreeMap::new(),
            granting: Vec::new(),
            invocations: BTreeSet::new(),
            subscriptions: BTreeSet::new(),
            registrations: BTreeSet::new(),
            waiting: BTreeMap::new(),
            to_confirm: Vec::new(),
        }
    }

    pub(super) fn next_request(&mut self) -> u64 {
        self.next_request += 1;
        self.next_request
    }

    /// Whether every request was answered that must be.
    pub(super) fn has_open_requests(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Notes what the client is about to send.
    pub(super) fn sends(&mut self, message: &Message) {
        if let Message::Call(call) = message {
            let open = OpenCall {
                has_more: call.options.progress,
                takes_progress: call.options.receive_progress,
                call: call.clone(),
            };
            let is_grant = self.granting.iter().any(|it| it.request == call.request);
            if is_grant && call.options.flow.is_some() {
                return;
            }
            if call.options.flow.is_some() {
                // The router remembers as many at least.
                self.granting.truncate(MAX_CUT_OFF_CALLS / 8);
                self.granting.insert(0, call.clone());
            }
            self.calls.entry(call.request).or_insert(open).has_more = call.options.progress;
        } else if let Message::Register(Register { request, .. }) = message {
            self.waiting.insert(*request, Waiting::Register);
        } else if let Message::Subscribe(Subscribe { request, .. }) = message {
            self.waiting.insert(*request, Waiting::Subscribe);
        } else if let Message::Unregister(Unregister { request, registration }) = message {
            self.waiting.insert(*request, Waiting::Unregister(*registration));
        } else if let Message::Unsubscribe(Unsubscribe { request, subscription }) = message {
            self.waiting.insert(*request, Waiting::Unsubscribe(*subscription));
        } else if let Message::Publish(Publish { request, options, .. }) = message
            && options.acknowledge
        {
            self.waiting.insert(*request, Waiting::Publish);
        }
    }

    fn answered(&mut self, request: RequestId, kind: RequestKind) -> Waiting {
        let waiting = self.waiting.remove(&request);
        let waiting = waiting.unwrap_or_else(|| panic!("an answer came to {kind:?} {request}, which is open no more"));
        assert_eq!(waiting.kind(), kind, "request {request} was answered as another one");
        waiting
    }

    /// Takes a message, and says whether it ended a call.
    pub(super) fn takes(&mut self, message: &Message) -> bool {
        if let Message::Result(it) = message {
            let call = self.calls.get(&it.request);
            let call = call.unwrap_or_else(|| panic!("a result came for call {}, which is over", it.request));
            if it.details.credit > 0 {
                let awaits = call.call.options.flow.as_deref().is_some_and(|flow| flow.await_credit);
                assert!(awaits && it.details.progress, "nobody awaits credit");
                return false;
            }
            if it.details.progress {
                assert!(call.takes_progress, "nobody asked for intermediate results");
                return false;
            }
            self.calls.remove(&it.request);
            return true;
        }
        if let Message::Error(RequestError { kind, request, .. }) = message {
            if *kind == RequestKind::Call {
                let call = self.calls.remove(request);
                assert!(call.is_some(), "an error came for call {request}, which is over");
                return true;
            }
            self.answered(*request, *kind);
        } else if let Message::Invocation(it) = message {
            // Parts of a call go on when the callee has given up the registration.
            assert!(
                self.registrations.contains(&it.registration) || self.invocations.contains(&it.request),
                "a call came for a registration that the callee does not hold"
            );
            self.invocations.insert(it.request);
        } else if let Message::Event(it) = message {
            self.takes_event(it);
        } else {
            self.takes_answer(message);
        }
        false
    }

    fn takes_event(&mut self, event: &Event) {
        assert!(
            self.subscriptions.contains(&event.subscription),
            "an event came for a subscription that the subscriber does not hold"
        );
        if event.details.acknowledge {
            self.to_confirm.push(event.publication);
        }
    }

    fn takes_answer(&mut self, message: &Message) {
        if let Message::Subscribed(it) = message {
            self.answered(it.request, RequestKind::Subscribe);
            self.subscriptions.insert(it.subscription);
        } else if let Message::Registered(it) = message {
            self.answered(it.request, RequestKind::Register);
            self.registrations.insert(it.registration);
        } else if let Message::Unsubscribed(it) = message {
            if let Waiting::Unsubscribe(subscription) = self.answered(it.request, RequestKind::Unsubscribe) {
                self.subscriptions.remove(&subscription);
            }
        } else if let Message::Unregistered(it) = message {
            if let Waiting::Unregister(registration) = self.answered(it.request, RequestKind::Unregister) {
                self.registrations.remove(&registration);
            }
        } else if let Message::Published(it) = message {
            self.answered(it.request, RequestKind::Publish);
        } else if let Message::SubscriptionRevoked(it) = message {
            assert!(self.subscriptions.remove(&it.subscription), "it was not held");
        } else if let Message::RegistrationRevoked(it) = message {
            assert!(self.registrations.remove(&it.registration), "it was not held");
        } else if let Message::Interrupt(it) = message
            && it.options.mode == CancelMode::KillNoWait
        {
            // Otherwise it answers, as it would have done.
            self.invocations.remove(&it.request);
        }
    }

    /// Whether an event with this audience is for this client.
    pub(super) fn is_meant(&self, audience: &Audience) -> bool {
        let Origin {
            session,
            authid,
            authrole,
        } = &self.origin;
        let has = |list: &[Box<str>], name: &str| list.iter().any(|it| **it == *name);
        audience.eligible.as_ref().is_none_or(|list| list.contains(session))
            && audience.eligible_authid.as_ref().is_none_or(|list| has(list, authid))
            && audience
                .eligible_authrole
                .as_ref()
                .is_none_or(|list| has(list, authrole))
            && !audience.exclude.contains(session)
            && !has(&audience.exclude_authid, authid)
            && !has(&audience.exclude_authrole, authrole)
    }
}
