//! Requests that a procedure decides about: what the rules of a role do not speak of, its authorizer is asked (WAMP
//! specification, "Authorization"). The realm knows who wants what; to call the authorizer is for the program around it.
//!
//! Messages of one session keep their order: while one request waits for its answer, those behind it wait too.

mod held;

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) use self::held::Dynamic;
use self::held::{answerable, wanted, weight};
use super::member::Member;
use super::role::{Action, Disclose, Permission, Verdict};
use super::timer::{Due, left};
use super::{Proceed, Realm, Refusal};
use crate::error::{self, Violation};
use crate::id::{QuestionId, RequestId, SessionId};
use crate::message::{Cancel, Match, Message, Origin, RequestKind};
use crate::outgoing::Delivery;
use crate::uri::Uri;

/// What an authorizer is to be asked. The answer goes to [`Realm::authorize`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The question's number, never given twice.
    pub id: QuestionId,
    /// The procedure that decides.
    pub authorizer: Uri,
    /// Who asks.
    pub origin: Origin,
    /// How it proved who it is, and who vouches for it.
    pub method: &'static str,
    /// The second half of that.
    pub provider: &'static str,
    /// What it wants to do.
    pub action: Action,
    /// With which procedure or topic, or pattern of them.
    pub uri: Uri,
    /// How the URI is matched.
    pub policy: Match,
}

/// What an authorizer decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes or no.
    Made {
        /// Whether the request is served.
        is_allowed: bool,
        /// Whether the other side learns who asked: as the request wishes where nothing is said.
        disclose: Option<bool>,
        /// Whether the same session need not be asked about again.
        is_lasting: bool,
    },
    /// There was none: the sentence says why. The request is refused.
    Failed(&'static str),
}

/// The questions of a realm.
#[derive(Debug)]
pub(super) struct Authorizations {
    asked: BTreeMap<QuestionId, SessionId>,
    next: QuestionId,
    news: Vec<Authorization>,
}

impl Default for Authorizations {
    fn default() -> Self {
        Self {
            asked: BTreeMap::new(),
            next: QuestionId::FIRST,
            news: Vec::new(),
        }
    }
}

impl Authorizations {
    /// Whether nobody waits for an answer.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}

impl Member {
    /// Whether the session may do this, by its role or by what its authorizer has said.
    pub(super) fn permits(&self, action: Action, uri: &Uri, policy: Match) -> Option<Permission> {
        let by_role = self.role.allows_pattern(action, uri, policy);
        by_role.or_else(|| self.dynamic.as_ref()?.decision(&(action, policy, uri.clone()))?)
    }
}

impl Realm {
    /// Takes a message of a session whose role has an authorizer.
    pub(super) fn receive_authorized(
        &mut self,
        from: SessionId,
        message: Message,
        out: &mut Vec<Delivery>,
    ) -> Result<Proceed, Violation> {
        if let Message::Cancel(cancel) = &message
            && self.cancel_held(from, cancel, out)
        {
            return Ok(Proceed::Continue);
        }
        let Some(member) = self.members.get_mut(from) else {
            return Ok(Proceed::Leave);
        };
        let Some(dynamic) = &mut member.dynamic else {
            return self.handle(from, message, out);
        };
        if wanted(&message).is_none() {
            return self.handle(from, message, out);
        }
        if dynamic.held.is_empty() && !self.must_ask(from, &message) {
            return self.handle(from, message, out);
        }
        let is_first = self.hold(from, message);
        if is_first {
            self.ask(from);
        }
        let dynamic = self.members.get(from).and_then(|member| member.dynamic.as_ref());
        Ok(dynamic.map_or(Proceed::Continue, |dynamic| dynamic.proceed()))
    }

    /// Whether neither the role nor the authorizer has said anything about this yet.
    fn must_ask(&self, from: SessionId, message: &Message) -> bool {
        let Some((action, uri, policy)) = wanted(message) else {
            return false;
        };
        let Some(member) = self.members.get(from) else {
            return false;
        };
        let Some(dynamic) = &member.dynamic else { return false };
        // More of a call that is open, or was, was decided about with its beginning.
        if matches!(message, Message::Call(it) if member.knows_call(it.request)) {
            return false;
        }
        // What is no URI is refused without asking.
        self.check_uri(uri, policy, matches!(action, Action::Register | Action::Publish))
            .is_ok()
            && matches!(member.role.verdict(action, uri, policy), Verdict::Ask(_))
            && dynamic.decision(&(action, policy, uri.clone())).is_none()
    }

    /// Puts a request behind those that wait; says whether it is the first. The time that a caller gives its call counts
    /// from now on, and not from when somebody has decided.
    fn hold(&mut self, from: SessionId, message: Message) -> bool {
        let Some(member) = self.members.get_mut(from) else {
            return false;
        };
        let goes_on = matches!(&message, Message::Call(it) if member.knows_call(it.request));
        let Some(dynamic) = &mut member.dynamic else {
            return false;
        };
        if let Message::Call(call) = &message
            && call.options.timeout > 0
            && !goes_on
            && dynamic.place_of(call.request).is_none()
        {
            let patience = Duration::from_millis(call.options.timeout.into());
            let until = (self.clock.elapsed)().saturating_add(patience);
            dynamic.deadlines.insert(call.request, until);
            self.timer.set(until, Due::Held(from, call.request));
        }
        dynamic.hold(message);
        dynamic.held.len() == 1
    }

    /// Takes the first request that waits. A call has what is left of its time.
    fn release_held(&mut self, from: SessionId) -> Option<Message> {
        let dynamic = self.members.get_mut(from)?.dynamic.as_mut()?;
        let mut message = dynamic.next()?;
        if let Message::Call(call) = &mut message
            && let Some(until) = dynamic.deadlines.remove(&call.request)
        {
            self.timer.cancel(until, Due::Held(from, call.request));
            call.options.timeout = left(until, (self.clock.elapsed)());
        }
        Some(message)
    }

    /// Asks about the first request that waits.
    fn ask(&mut self, from: SessionId) {
        let Some(member) = self.members.get_mut(from) else {
            return;
        };
        let Some(dynamic) = &mut member.dynamic else { return };
        let Some((action, uri, policy)) = dynamic.held.front().and_then(wanted) else {
            return;
        };
        let Some(authorizer) = member.role.authorizer() else {
            return;
        };
        let id = self.authorizations.next;
        self.authorizations.next = id.next();
        self.authorizations.news.push(Authorization {
            id,
            authorizer: authorizer.clone(),
            origin: member.origin.clone(),
            method: member.method,
            provider: member.provider,
            action,
            uri: uri.to_stored(),
            policy,
        });
        self.authorizations.asked.insert(id, from);
        dynamic.question = Some(id);
    }

    /// What authorizers are to be asked since the last time.
    pub fn take_authorizations(&mut self) -> Vec<Authorization> {
        std::mem::take(&mut self.authorizations.news)
    }

    /// Takes the answer of an authorizer, and says whose request it was. An answer that nobody waits for any more is
    /// passed over.
    pub fn authorize(
        &mut self,
        question: QuestionId,
        decision: Decision,
        out: &mut Vec<Delivery>,
    ) -> Option<(SessionId, Result<Proceed, Violation>)> {
        let from = self.authorizations.asked.remove(&question)?;
        self.members.get_mut(from)?.dynamic.as_mut()?.question = None;
        let message = self.release_held(from)?;
        let (action, uri, policy) = wanted(&message)?;
        match decision {
            Decision::Failed(sentence) => {
                let refusal = Refusal(error::AUTHORIZATION_FAILED, sentence);
                self.cut_off_held(from, &message);
                if let Some((kind, request)) = answerable(&message) {
                    refusal.tell(from, kind, request, out);
                }
            }
            Decision::Made {
                is_allowed,
                disclose,
                is_lasting,
            } => {
                let permission = is_allowed.then(|| permission(disclose));
                let dynamic = self.members.get_mut(from)?.dynamic.as_mut()?;
                dynamic.remember((action, policy, uri.to_stored()), permission, is_lasting);
                let proceed = self.handle(from, message, out);
                let dynamic = self.members.get_mut(from).and_then(|member| member.dynamic.as_mut());
                if let Some(dynamic) = dynamic {
                    dynamic.once = None;
                }
                if proceed != Ok(Proceed::Continue) {
                    return Some((from, proceed));
                }
            }
        }
        Some((from, self.go_on_holding(from, out)))
    }

    /// Routes the requests that have waited, up to one that must be asked about itself.
    fn go_on_holding(&mut self, from: SessionId, out: &mut Vec<Delivery>) -> Result<Proceed, Violation> {
        loop {
            let Some(dynamic) = self.members.get(from).and_then(|it| it.dynamic.as_ref()) else {
                return Ok(Proceed::Continue);
            };
            let Some(first) = dynamic.held.front() else {
                return Ok(Proceed::Continue);
            };
            if self.must_ask(from, first) {
                let proceed = dynamic.proceed();
                self.ask(from);
                return Ok(proceed);
            }
            if let Some(message) = self.release_held(from) {
                let proceed = self.handle(from, message, out)?;
                if proceed == Proceed::Leave {
                    return Ok(proceed);
                }
            }
        }
    }

    /// Lets the further parts of a call be dropped that ends before it has begun.
    fn cut_off_held(&mut self, from: SessionId, message: &Message) {
        if let (Message::Call(call), Some(member)) = (message, self.members.get_mut(from))
            && call.options.goes_on()
        {
            member.cut_off(call.request, call.options.flow.is_some());
        }
    }

    /// Ends a call that waits for the authorizer; `false` if there is none with this number. What waits of a call that is
    /// open is a further part of it.
    fn cancel_held(&mut self, from: SessionId, cancel: &Cancel, out: &mut Vec<Delivery>) -> bool {
        let is_open = |member: &Member| member.knows_call(cancel.request);
        if self.members.get(from).is_none_or(is_open) {
            return false;
        }
        let refusal = Refusal(error::CANCELED, "the call was cancelled");
        self.end_held(from, cancel.request, refusal, out)
    }

    /// Ends a call that waits for the authorizer, with this refusal; `false` if none with this number waits.
    pub(super) fn end_held(
        &mut self,
        from: SessionId,
        request: RequestId,
        refusal: Refusal,
        out: &mut Vec<Delivery>,
    ) -> bool {
        let dynamic = self.members.get_mut(from).and_then(|member| member.dynamic.as_mut());
        let Some((place, dynamic)) = dynamic.and_then(|it| Some((it.place_of(request)?, it))) else {
            return false;
        };
        if let Some(until) = dynamic.deadlines.remove(&request) {
            self.timer.cancel(until, Due::Held(from, request));
        }
        let asked = dynamic.question.take_if(|_| place == 0);
        if let Some(message) = dynamic.held.remove(place) {
            dynamic.held_bytes -= weight(&message);
            self.cut_off_held(from, &message);
        }
        refusal.tell(from, RequestKind::Call, request, out);
        if let Some(question) = asked {
            self.authorizations.asked.remove(&question);
            // What waited behind it breaks no protocol: each was looked at when it came.
            let _ = self.go_on_holding(from, out);
        }
        true
    }

    /// Starts anew after a change of role: what the authorizer has said counts no more, and what waits is asked about
    /// again.
    pub(super) fn forget_decisions(&mut self, session: SessionId, out: &mut Vec<Delivery>) {
        let Some(member) = self.members.get_mut(session) else {
            return;
        };
        let question = member.dynamic.as_mut().and_then(|dynamic| dynamic.question.take());
        if let Some(question) = question {
            self.authorizations.asked.remove(&question);
        }
        let held: Vec<_> = std::iter::from_fn(|| self.release_held(session)).collect();
        let Some(member) = self.members.get_mut(session) else {
            return;
        };
        member.dynamic = member.role.authorizer().map(|_| Box::default());
        for message in held {
            let _ = self.receive_authorized(session, message, out);
        }
    }

    /// Forgets what a session that left was waiting for.
    pub(super) fn forget_held(&mut self, session: SessionId, dynamic: &Dynamic) {
        if let Some(question) = dynamic.question {
            self.authorizations.asked.remove(&question);
        }
        for (request, until) in &dynamic.deadlines {
            self.timer.cancel(*until, Due::Held(session, *request));
        }
    }
}

const fn permission(disclose: Option<bool>) -> Permission {
    Permission {
        disclose: match disclose {
            Some(true) => Disclose::Always,
            Some(false) => Disclose::Never,
            None => Disclose::OnRequest,
        },
        consent: super::role::Consent::Given,
        trustlevel: None,
    }
}

#[cfg(test)]
mod tests;
