//! What an authorizer has said of one session, and the requests of it that wait.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::super::Proceed;
use super::super::role::{Action, Permission};
use crate::id::{QuestionId, RequestId};
use crate::limits::{HELD_BYTES, HELD_REQUESTS, MAX_DECISIONS};
use crate::message::{Call, Match, Message, Publish, Register, RequestKind, Subscribe};
use crate::payload::Payload;
use crate::uri::Uri;

/// What a decision is about.
pub(super) type Key = (Action, Match, Uri);

/// What the authorizer has said of a session, and the requests that wait for it to speak.
#[derive(Debug, Default)]
pub(in crate::realm) struct Dynamic {
    pub(super) decided: BTreeMap<Key, Option<Permission>>,
    /// For the one request that is routed now.
    pub(super) once: Option<(Key, Option<Permission>)>,
    /// In the order in which they came; the first is the one that was asked about.
    pub(super) held: VecDeque<Message>,
    pub(super) held_bytes: usize,
    /// Until when the callers of the calls among them want to wait, where they said so.
    pub(super) deadlines: BTreeMap<RequestId, Duration>,
    pub(super) question: Option<QuestionId>,
}

impl Dynamic {
    pub(super) fn decision(&self, key: &Key) -> Option<Option<Permission>> {
        let once = self.once.as_ref().filter(|(about, _)| about == key);
        once.map(|(_, permission)| *permission)
            .or_else(|| self.decided.get(key).copied())
    }

    pub(super) fn remember(&mut self, key: Key, permission: Option<Permission>, is_lasting: bool) {
        if is_lasting {
            // Whoever asks about ever new URIs is asked about anew.
            if self.decided.len() >= MAX_DECISIONS {
                self.decided.clear();
            }
            self.decided.insert(key, permission);
        } else {
            self.once = Some((key, permission));
        }
    }

    pub(super) fn hold(&mut self, message: Message) {
        let message = stored(message);
        self.held_bytes += weight(&message);
        self.held.push_back(message);
    }

    /// Where a call stands among those that wait; of several parts the first.
    pub(super) fn place_of(&self, call: RequestId) -> Option<usize> {
        let is_meant = |message: &Message| matches!(message, Message::Call(it) if it.request == call);
        self.held.iter().position(is_meant)
    }

    pub(super) fn next(&mut self) -> Option<Message> {
        let message = self.held.pop_front()?;
        self.held_bytes -= weight(&message);
        Some(message)
    }

    pub(in crate::realm) fn proceed(&self) -> Proceed {
        if self.held.len() >= HELD_REQUESTS || self.held_bytes >= HELD_BYTES {
            Proceed::Wait
        } else {
            Proceed::Continue
        }
    }
}

impl Dynamic {
    /// The calls among the requests that wait.
    #[cfg(test)]
    pub(in crate::realm) fn held_calls(&self) -> impl Iterator<Item = RequestId> {
        let calls = self.held.iter().filter_map(answerable);
        calls.filter_map(|(kind, request)| (kind == RequestKind::Call).then_some(request))
    }
}

/// What a message wants that must be allowed.
pub(super) fn wanted(message: &Message) -> Option<(Action, &Uri, Match)> {
    if let Message::Call(it) = message {
        Some((Action::Call, &it.procedure, Match::Exact))
    } else if let Message::Publish(it) = message {
        Some((Action::Publish, &it.topic, Match::Exact))
    } else if let Message::Subscribe(it) = message {
        Some((Action::Subscribe, &it.topic, it.options.policy))
    } else if let Message::Register(it) = message {
        Some((Action::Register, &it.procedure, it.options.policy))
    } else {
        None
    }
}

/// Which request a message makes that must be answered whatever comes of it.
pub(super) fn answerable(message: &Message) -> Option<(RequestKind, RequestId)> {
    if let Message::Call(Call { request, .. }) = message {
        Some((RequestKind::Call, *request))
    } else if let Message::Subscribe(Subscribe { request, .. }) = message {
        Some((RequestKind::Subscribe, *request))
    } else if let Message::Register(Register { request, .. }) = message {
        Some((RequestKind::Register, *request))
    } else if let Message::Publish(Publish { request, options, .. }) = message {
        options.acknowledge.then_some((RequestKind::Publish, *request))
    } else {
        None
    }
}

pub(super) fn weight(message: &Message) -> usize {
    message.payload().map_or(0, Payload::len)
}

/// The same message without the frame that it came in: it may wait for seconds.
fn stored(mut message: Message) -> Message {
    if let Message::Call(it) = &mut message {
        it.procedure = it.procedure.to_stored();
        it.payload = it.payload.to_stored();
    } else if let Message::Publish(it) = &mut message {
        it.topic = it.topic.to_stored();
        it.payload = it.payload.to_stored();
    } else if let Message::Subscribe(it) = &mut message {
        it.topic = it.topic.to_stored();
    } else if let Message::Register(it) = &mut message {
        it.procedure = it.procedure.to_stored();
    }
    message
}
