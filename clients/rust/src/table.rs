//! What a session waits for and whom it serves: a plain table, changed by requests and by the router's messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use wamp::id::{PublicationId, RegistrationId, RequestId, SubscriptionId};
use wamp::message::{
    Message, Registered, RequestError as ErrorMessage, RequestKind, Subscribed, Unregister, Unsubscribe,
};
use wamp::uri::Uri;

use crate::args::Args;
use crate::credit::Open;
use crate::error::{Closed, Error, RequestError};
use crate::invocation::Handler;
use crate::subscription::{Event, Subscriber};

/// The answer to a request that is made once.
type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// Everything a session has open.
#[derive(Debug, Default)]
pub(crate) struct Table {
    last_request: Option<RequestId>,
    calls: HashMap<RequestId, WaitingCall>,
    publications: HashMap<RequestId, Answer<PublicationId>>,
    subscribes: HashMap<RequestId, (Subscriber, Answer<SubscriptionId>)>,
    registers: HashMap<RequestId, (Arc<dyn Handler>, Answer<RegistrationId>)>,
    unregisters: HashMap<RequestId, Answer<()>>,
    subscriptions: HashMap<SubscriptionId, Vec<Subscriber>>,
    registrations: HashMap<RegistrationId, Arc<dyn Handler>>,
    /// Where it is told what the router takes away, if somebody wants to know.
    withdrawn: Option<mpsc::UnboundedSender<Withdrawn>>,
    closed: Option<Closed>,
}

/// Something that the router has taken away (WAMP specification, "Subscription Revocation" and "Registration Revocation").
#[derive(Debug)]
pub(crate) struct Withdrawn {
    pub(crate) what: Granted,
    pub(crate) reason: Option<Uri>,
}

/// What the router called something that it had granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    Subscription(SubscriptionId),
    Registration(RegistrationId),
}

/// A call that waits for its result.
#[derive(Debug)]
pub(crate) struct WaitingCall {
    pub(crate) answer: Answer<Args>,
    /// Where progressive results go.
    pub(crate) progress: Option<mpsc::Sender<Args>>,
    /// What the callee has granted of further parts, where they wait for that.
    pub(crate) parts: Option<Open>,
    /// Its arguments come in parts.
    pub(crate) is_in_parts: bool,
    /// Tells the caller that it missed progressive results.
    pub(crate) left_out: Arc<AtomicBool>,
}

/// What the session must do about a message.
#[derive(Debug)]
pub(crate) enum Reaction {
    /// Nothing more.
    Done,
    /// Let this handler serve the invocation.
    Serve(Arc<dyn Handler>),
    /// The registration is not known: answer with an error.
    Unknown,
    /// Nobody waits any more for what the router has granted: give it back.
    GiveBack(Message),
    /// The caller has not taken the intermediate results that came before this one: wait for it.
    Deliver(RequestId, mpsc::Sender<Args>, Args),
}

impl Table {
    /// Whether a message is about something that is open here.
    pub(crate) fn knows(&self, message: &Message) -> bool {
        if let Message::Event(it) = message {
            self.subscriptions.contains_key(&it.subscription)
        } else if let Message::Invocation(it) = message {
            self.registrations.contains_key(&it.registration)
        } else if let Message::Result(it) = message {
            self.calls.contains_key(&it.request)
        } else if let Message::Error(it) = message {
            self.has_asked(it.kind, it.request)
        } else if let Message::Published(it) = message {
            self.publications.contains_key(&it.request)
        } else if let Message::Subscribed(it) = message {
            self.subscribes.contains_key(&it.request)
        } else if let Message::Registered(it) = message {
            self.registers.contains_key(&it.request)
        } else if let Message::SubscriptionRevoked(it) = message {
            self.subscriptions.contains_key(&it.subscription)
        } else if let Message::RegistrationRevoked(it) = message {
            self.registrations.contains_key(&it.registration)
        } else {
            // What answers an UNSUBSCRIBE or an UNREGISTER is nobody's to wait for elsewhere.
            true
        }
    }

    /// Whether such a request waits here for its answer.
    pub(crate) fn has_asked(&self, kind: RequestKind, request: RequestId) -> bool {
        match kind {
            RequestKind::Call => self.calls.contains_key(&request),
            RequestKind::Publish => self.publications.contains_key(&request),
            RequestKind::Subscribe => self.subscribes.contains_key(&request),
            RequestKind::Register => self.registers.contains_key(&request),
            RequestKind::Unregister | RequestKind::Unsubscribe | RequestKind::Invocation => true,
        }
    }

    /// The number for a new request, unless the session is closed.
    pub(crate) fn next_request(&mut self) -> Result<RequestId, Error> {
        if let Some(closed) = &self.closed {
            return Err(Error::Closed(closed.clone()));
        }
        let next = self.last_request.map_or(RequestId::FIRST, RequestId::next);
        self.last_request = Some(next);
        Ok(next)
    }

    pub(crate) fn call(&mut self, waiting: WaitingCall) -> Result<RequestId, Error> {
        let request = self.next_request()?;
        self.calls.insert(request, waiting);
        Ok(request)
    }

    /// Whether a call has not ended.
    pub(crate) fn has_call(&self, request: RequestId) -> bool {
        self.calls.contains_key(&request)
    }

    /// Whether it has not, and its arguments come in parts.
    pub(crate) fn has_call_in_parts(&self, request: RequestId) -> bool {
        self.calls.get(&request).is_some_and(|call| call.is_in_parts)
    }

    /// Forgets a call; `true` if it was still open.
    pub(crate) fn drop_call(&mut self, request: RequestId) -> bool {
        self.calls.remove(&request).is_some()
    }

    pub(crate) fn publish(&mut self, answer: Answer<PublicationId>) -> Result<RequestId, Error> {
        let request = self.next_request()?;
        self.publications.insert(request, answer);
        Ok(request)
    }

    pub(crate) fn subscribe(
        &mut self,
        subscriber: Subscriber,
        answer: Answer<SubscriptionId>,
    ) -> Result<RequestId, Error> {
        let request = self.next_request()?;
        self.subscribes.insert(request, (subscriber, answer));
        Ok(request)
    }

    /// Takes a subscriber away; the request for UNSUBSCRIBE, if it was the last one of its subscription.
    pub(crate) fn unsubscribe(&mut self, subscription: SubscriptionId, number: u64) -> Option<RequestId> {
        let subscribers = self.subscriptions.get_mut(&subscription)?;
        subscribers.retain(|subscriber| subscriber.number != number);
        if !subscribers.is_empty() {
            return None;
        }
        self.subscriptions.remove(&subscription);
        self.next_request().ok()
    }

    pub(crate) fn register(
        &mut self,
        handler: Arc<dyn Handler>,
        answer: Answer<RegistrationId>,
    ) -> Result<RequestId, Error> {
        let request = self.next_request()?;
        self.registers.insert(request, (handler, answer));
        Ok(request)
    }

    pub(crate) fn unregister(&mut self, answer: Answer<()>) -> Result<RequestId, Error> {
        let request = self.next_request()?;
        self.unregisters.insert(request, answer);
        Ok(request)
    }

    /// Ends everything that is open, because the session has ended.
    pub(crate) fn close(&mut self, closed: &Closed) {
        if self.closed.is_none() {
            // What waits learns it by its dropped channel.
            *self = Self {
                last_request: self.last_request,
                closed: Some(closed.clone()),
                ..Self::default()
            };
        }
    }

    /// Why the session ended, if it has.
    pub(crate) const fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Takes a message of the router that answers something, or brings something. Others are the session's.
    pub(crate) fn receive(&mut self, message: &Message) -> Reaction {
        if let Message::Result(it) = message {
            if it.details.credit > 0 {
                let call = self.calls.get(&it.request);
                if let Some(Open(parts)) = call.and_then(|call| call.parts.as_ref()) {
                    parts.grant(it.details.credit);
                }
                return Reaction::Done;
            }
            let result = Args::decode(&it.payload).map_err(Into::into);
            if it.details.progress {
                return self.progress(it.request, result);
            }
            let waiting = self.calls.remove(&it.request).map(|call| call.answer);
            answer(waiting, result, it.request);
        } else if let Message::Event(it) = message {
            self.event(it);
        } else if let Message::Invocation(it) = message {
            return self
                .registrations
                .get(&it.registration)
                .cloned()
                .map_or(Reaction::Unknown, Reaction::Serve);
        } else if let Message::Error(it) = message {
            self.error(it);
        } else if let Message::Published(it) = message {
            answer(self.publications.remove(&it.request), Ok(it.publication), it.request);
        } else if let Message::Subscribed(it) = message {
            return self.subscribed(it);
        } else if let Message::Registered(it) = message {
            return self.registered(it);
        } else if let Message::Unregistered(it) = message {
            answer(self.unregisters.remove(&it.request), Ok(()), it.request);
        } else if let Message::SubscriptionRevoked(it) = message {
            // Subscribers learn it by the end of their events.
            if self.subscriptions.remove(&it.subscription).is_some() {
                self.tell_withdrawn(Granted::Subscription(it.subscription), it.reason.clone());
            }
        } else if let Message::RegistrationRevoked(it) = message
            && self.registrations.remove(&it.registration).is_some()
        {
            self.tell_withdrawn(Granted::Registration(it.registration), it.reason.clone());
        }
        Reaction::Done
    }

    /// What the router takes away from now on. There is never more of it than has been granted.
    pub(crate) fn withdrawn(&mut self) -> mpsc::UnboundedReceiver<Withdrawn> {
        let (told, withdrawn) = mpsc::unbounded_channel();
        self.withdrawn = Some(told);
        withdrawn
    }

    fn tell_withdrawn(&self, what: Granted, reason: Option<Uri>) {
        if let Some(told) = &self.withdrawn {
            // Whoever wanted to know may have gone.
            let _ = told.send(Withdrawn { what, reason });
        }
    }

    fn subscribed(&mut self, message: &Subscribed) -> Reaction {
        let subscription = message.subscription;
        let Some((subscriber, waiting)) = self.subscribes.remove(&message.request) else {
            return unexpected("SUBSCRIBED", message.request);
        };
        let number = subscriber.number;
        self.subscriptions.entry(subscription).or_default().push(subscriber);
        if waiting.send(Ok(subscription)).is_ok() {
            return Reaction::Done;
        }
        let unsubscribe = |request| Reaction::GiveBack(Message::Unsubscribe(Unsubscribe { request, subscription }));
        self.unsubscribe(subscription, number)
            .map_or(Reaction::Done, unsubscribe)
    }

    fn registered(&mut self, message: &Registered) -> Reaction {
        let registration = message.registration;
        let Some((handler, waiting)) = self.registers.remove(&message.request) else {
            return unexpected("REGISTERED", message.request);
        };
        if waiting.send(Ok(registration)).is_ok() {
            self.registrations.insert(registration, handler);
            return Reaction::Done;
        }
        let unregister = |request| Reaction::GiveBack(Message::Unregister(Unregister { request, registration }));
        self.next_request().map_or(Reaction::Done, unregister)
    }

    /// The handler serves no more, whatever the router answers.
    pub(crate) fn drop_registration(&mut self, registration: RegistrationId) {
        self.registrations.remove(&registration);
    }

    fn progress(&self, request: RequestId, result: Result<Args, Error>) -> Reaction {
        let progress = self.calls.get(&request).and_then(|call| call.progress.as_ref());
        let (Some(progress), Ok(args)) = (progress, result) else {
            return Reaction::Done;
        };
        match progress.try_send(args) {
            Err(TrySendError::Full(args)) => Reaction::Deliver(request, progress.clone(), args),
            // A caller that has gone has cancelled the call.
            Ok(()) | Err(TrySendError::Closed(_)) => Reaction::Done,
        }
    }

    /// The caller of this gets its last result and no more intermediate ones.
    pub(crate) fn drop_progress(&mut self, request: RequestId) {
        if let Some(call) = self.calls.get_mut(&request) {
            // First, so that whoever sees the end of them sees why.
            call.left_out.store(true, Ordering::Release);
            call.progress = None;
        }
    }

    fn event(&mut self, event: &wamp::message::Event) {
        let Some(subscribers) = self.subscriptions.get_mut(&event.subscription) else {
            return;
        };
        let args = match Args::decode(&event.payload) {
            Ok(args) => args,
            Err(error) => return tracing::warn!(%error, "an event was dropped"),
        };
        let event = Event {
            args,
            publication: event.publication,
            topic: event.details.topic.as_deref().cloned(),
            publisher: event.details.publisher.as_deref().cloned(),
            retained: event.details.retained.as_deref().cloned(),
        };
        for subscriber in subscribers {
            subscriber.offer(&event);
        }
    }

    fn error(&mut self, message: &ErrorMessage) {
        let (args, kwargs) = message.payload.to_values().unwrap_or_default();
        let error = RequestError {
            uri: message.error.to_stored(),
            args,
            kwargs,
        };
        self.fail(message.kind, message.request, error);
    }

    /// A request has failed.
    pub(crate) fn fail(&mut self, kind: RequestKind, request: RequestId, error: RequestError) {
        let error = Error::Request(error);
        match kind {
            RequestKind::Call => answer(self.calls.remove(&request).map(|call| call.answer), Err(error), request),
            RequestKind::Publish => answer(self.publications.remove(&request), Err(error), request),
            RequestKind::Subscribe => {
                answer(
                    self.subscribes.remove(&request).map(|(_, waiting)| waiting),
                    Err(error),
                    request,
                );
            }
            RequestKind::Register => {
                answer(
                    self.registers.remove(&request).map(|(_, waiting)| waiting),
                    Err(error),
                    request,
                );
            }
            RequestKind::Unregister => answer(self.unregisters.remove(&request), Err(error), request),
            // Nobody waits for these.
            RequestKind::Unsubscribe | RequestKind::Invocation => tracing::debug!(%request, %error, "a request failed"),
        }
    }
}

/// Gives an answer to whoever waits. A call that was cancelled may still be answered: that is no fault.
fn answer<T>(waiting: Option<Answer<T>>, result: Result<T, Error>, request: RequestId) {
    match waiting {
        Some(waiting) => drop(waiting.send(result)),
        None => tracing::debug!(%request, "the router answers a request that is not open"),
    }
}

fn unexpected(message: &'static str, request: RequestId) -> Reaction {
    tracing::debug!(message_type = message, %request, "the router answers a request that is not open");
    Reaction::Done
}
