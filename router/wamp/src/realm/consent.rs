//! Calls that wait until somebody agrees to them. The realm knows who asks for what; whom to ask, and for how long, is
//! for the program around it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::member::Waiting;
use super::refusal::is_of_router;
use super::role::{Action, Consent};
use super::timer::{Due, left};
use super::{Realm, Refusal};
use crate::error;
use crate::id::{QuestionId, RequestId, SessionId};
use crate::message::{Call, Flow, Match, Origin, RequestKind};
use crate::outgoing::Delivery;
use crate::uri::Uri;

/// News of a call that waits for consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentNews {
    /// Somebody is to be asked. The answer goes to [`Realm::decide`].
    Asked(Question),
    /// Nobody needs to answer any more: the caller left, cancelled, waits no longer, or has a role now under which nobody is asked.
    Withdrawn(QuestionId),
}

/// A call that waits for consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question's number, never given twice.
    pub id: QuestionId,
    /// Who calls.
    pub caller: Origin,
    /// What.
    pub procedure: Uri,
}

/// The calls that wait. How many a session may have is part of its quota of pending calls.
#[derive(Debug)]
pub(super) struct Parked {
    calls: BTreeMap<QuestionId, Asking>,
    next: QuestionId,
    news: Vec<ConsentNews>,
}

/// A call that waits.
#[derive(Debug)]
struct Asking {
    from: SessionId,
    call: Call,
    /// Until when its caller wants to wait, if it said so: that counts from the call, not from when somebody has agreed.
    until: Option<Duration>,
}

impl Default for Parked {
    fn default() -> Self {
        Self {
            calls: BTreeMap::new(),
            next: QuestionId::FIRST,
            news: Vec::new(),
        }
    }
}

impl Parked {
    /// Whether no call waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

impl Realm {
    /// Lets a call wait for consent. That it could be routed now is checked already; it is checked again afterwards.
    pub(super) fn park(&mut self, from: SessionId, mut call: Call) {
        let Some(member) = self.members.get_mut(from) else {
            return;
        };
        let id = self.parked.next;
        self.parked.next = id.next();
        member.calls.insert(call.request, Waiting::Consent(id));
        self.parked.news.push(ConsentNews::Asked(Question {
            id,
            caller: member.origin.clone(),
            procedure: call.procedure.to_stored(),
        }));
        // It may wait for a person, and must not hold the frame that it came in.
        call.procedure = call.procedure.to_stored();
        call.payload = call.payload.to_stored();
        let patience = (call.options.timeout > 0).then(|| Duration::from_millis(call.options.timeout.into()));
        let until = patience.map(|patience| (self.clock.elapsed)().saturating_add(patience));
        if let Some(until) = until {
            self.timer.set(until, Due::Consent(id));
        }
        self.parked.calls.insert(id, Asking { from, call, until });
    }

    /// Takes an answer: yes, or the sentence that the caller is told. A question that was withdrawn meanwhile is passed
    /// over.
    pub fn decide(&mut self, question: QuestionId, answer: Result<(), &'static str>, out: &mut Vec<Delivery>) {
        let Some((from, call)) = self.unpark(question) else {
            return;
        };
        let request = call.request;
        let answer = answer.map_err(|sentence| Refusal(error::NOT_AUTHORIZED, sentence));
        // The callee may have gone meanwhile. The role allows it still: one that does not has withdrawn the question.
        if answer.is_ok() && is_of_router(&call.procedure) {
            return self.serve_now(from, &call, out);
        }
        let permission = answer.and_then(|()| self.permit(from, &call));
        if let Err(refusal) = permission.and_then(|it| self.connect(from, call, it, out)) {
            refusal.tell(from, RequestKind::Call, request, out);
        }
    }

    /// What there is to tell since the last time.
    pub fn take_consent_news(&mut self) -> Vec<ConsentNews> {
        std::mem::take(&mut self.parked.news)
    }

    /// The caller may do other things now: whether this question is still one.
    pub(super) fn ask_anew(&mut self, question: QuestionId, out: &mut Vec<Delivery>) {
        let Some(Asking { from, call, .. }) = self.parked.calls.get(&question) else {
            return;
        };
        let member = self.members.get(*from);
        let permission = member.and_then(|it| it.permits(Action::Call, &call.procedure, Match::Exact));
        match permission.map(|permission| permission.consent) {
            Some(Consent::Ask) => {}
            Some(Consent::Given) => {
                self.parked.news.push(ConsentNews::Withdrawn(question));
                self.decide(question, Ok(()), out);
            }
            None => self.withdraw(question, Refusal::NOT_AUTHORIZED, out),
        }
    }

    /// Ends a waiting call that nobody needs to decide any more.
    pub(super) fn withdraw(&mut self, question: QuestionId, refusal: Refusal, out: &mut Vec<Delivery>) {
        if let Some((from, call)) = self.unpark(question) {
            self.parked.news.push(ConsentNews::Withdrawn(question));
            refusal.tell(from, RequestKind::Call, call.request, out);
        }
    }

    /// Ends a waiting call whose caller left.
    pub(super) fn forget_parked(&mut self, question: QuestionId) {
        if self.unpark(question).is_some() {
            self.parked.news.push(ConsentNews::Withdrawn(question));
        }
    }

    /// Adds the results that a caller takes to those of its call that waits; `false` if no such call waits.
    pub(super) fn grant_parked(&mut self, from: SessionId, request: RequestId, more: Flow) -> bool {
        let waiting = self.members.get(from).and_then(|member| member.calls.get(request));
        let parked = waiting.and_then(Waiting::question);
        let parked = parked.and_then(|question| self.parked.calls.get_mut(&question));
        let Some(flow) = parked.and_then(|asking| asking.call.options.flow.as_mut()) else {
            return false;
        };
        flow.credit = flow.credit.saturating_add(more.credit);
        true
    }

    fn unpark(&mut self, question: QuestionId) -> Option<(SessionId, Call)> {
        let Asking { from, mut call, until } = self.parked.calls.remove(&question)?;
        if let Some(until) = until {
            self.timer.cancel(until, Due::Consent(question));
            call.options.timeout = left(until, (self.clock.elapsed)());
        }
        if let Some(member) = self.members.get_mut(from) {
            member.calls.remove(call.request);
            if call.options.flow.is_some() {
                member.cut_off(call.request, true);
            }
        }
        Some((from, call))
    }
}

#[cfg(test)]
mod tests;
