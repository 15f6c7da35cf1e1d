//! Calls that are open between the two sessions of a link, in one direction: invocations of one session are calls of the
//! other. Nothing is sent here.

use std::collections::HashMap;

use wamp::id::{RequestId, SessionId};
use wamp::uri::Uri;

/// Calls that a link has open in one direction. Realms let a session have fewer unless they are told otherwise; what is open
/// here is some hundred bytes each.
pub(super) const MAX_OPEN: usize = 1_024;

/// The calls of one direction.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: HashMap<RequestId, Open>,
    by_call: HashMap<RequestId, RequestId>,
    /// The last invocation that began. Numbers of invocations count up in a session.
    last: Option<(SessionId, RequestId)>,
}

/// A call under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    /// The session that was invoked.
    pub(super) from: SessionId,
    /// The one that called in turn, and its number there.
    pub(super) to: SessionId,
    pub(super) call: RequestId,
    pub(super) procedure: Uri,
}

/// What an invocation is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    New,
    /// A further part of this one, or a grant.
    Further(Open),
    /// The same of one that is over.
    Late,
}

impl Calls {
    /// What an invocation is that has come.
    pub(super) fn see(&mut self, from: SessionId, invocation: RequestId) -> Seen {
        if let Some(open) = self.open.get(&invocation).filter(|open| open.from == from) {
            return Seen::Further(open.clone());
        }
        let is_new = self
            .last
            .is_none_or(|(session, last)| session != from || invocation > last);
        if !is_new {
            return Seen::Late;
        }
        self.last = Some((from, invocation));
        Seen::New
    }

    /// Whether there is room for another one.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() < MAX_OPEN
    }

    pub(super) fn insert(&mut self, invocation: RequestId, open: Open) {
        self.by_call.insert(open.call, invocation);
        self.open.insert(invocation, open);
    }

    /// The invocation that a call of this session was made for.
    pub(super) fn invocation(&self, to: SessionId, call: RequestId) -> Option<(RequestId, SessionId)> {
        let invocation = self.by_call.get(&call)?;
        let open = self.open.get(invocation).filter(|open| open.to == to)?;
        Some((*invocation, open.from))
    }

    /// An open call, by its invocation.
    pub(super) fn get(&self, from: SessionId, invocation: RequestId) -> Option<Open> {
        self.open.get(&invocation).filter(|open| open.from == from).cloned()
    }

    /// It is over.
    pub(super) fn remove(&mut self, invocation: RequestId) -> Option<Open> {
        let open = self.open.remove(&invocation)?;
        self.by_call.remove(&open.call);
        Some(open)
    }

    /// A session has ended, and with it every call that it was invoked for or made.
    pub(super) fn end(&mut self, session: SessionId) -> Vec<(RequestId, Open)> {
        let is_over = |open: &Open| open.from == session || open.to == session;
        let mut over: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| is_over(open))
            .map(|(it, _)| *it)
            .collect();
        over.sort_unstable();
        over.into_iter().filter_map(|it| Some((it, self.remove(it)?))).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u64) -> SessionId {
        SessionId::new(number).unwrap()
    }

    fn request(number: u64) -> RequestId {
        RequestId::new(number).unwrap()
    }

    fn open(call: u64) -> Open {
        Open {
            from: session(1),
            to: session(2),
            call: request(call),
            procedure: "com.p".into(),
        }
    }

    #[test]
    fn an_invocation_is_new_then_open_then_over() {
        let mut calls = Calls::default();
        assert_eq!(calls.see(session(1), request(1)), Seen::New);
        calls.insert(request(1), open(9));
        assert_eq!(calls.see(session(1), request(1)), Seen::Further(open(9)));
        assert_eq!(calls.invocation(session(2), request(9)), Some((request(1), session(1))));
        assert_eq!(calls.invocation(session(3), request(9)), None, "of another session");
        calls.remove(request(1));
        assert_eq!(calls.see(session(1), request(1)), Seen::Late);
        assert_eq!(calls.see(session(1), request(2)), Seen::New);
        assert_eq!(
            calls.see(session(4), request(1)),
            Seen::New,
            "another session counts anew"
        );
        assert_eq!(calls.invocation(session(2), request(9)), None);
    }

    #[test]
    fn with_a_session_its_calls_end_on_either_side() {
        for ended in [1, 2] {
            let mut calls = Calls::default();
            for number in [3, 1, 2] {
                calls.insert(request(number), open(10 + number));
            }
            let over: Vec<_> = calls.end(session(ended)).into_iter().map(|(it, _)| it.get()).collect();
            assert_eq!((over, calls.len()), (vec![1, 2, 3], 0));
            assert!(calls.by_call.is_empty());
        }
    }

    #[test]
    fn as_many_are_open_as_may_be() {
        let mut calls = Calls::default();
        for number in 1..=MAX_OPEN as u64 {
            assert!(calls.has_room());
            calls.insert(request(number), open(number));
        }
        assert!(!calls.has_room());
        calls.remove(request(7));
        assert!(calls.has_room());
    }
}
