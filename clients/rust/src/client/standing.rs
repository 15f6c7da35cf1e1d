//! What is to stand in every session of a client: subscriptions and registrations, in the order in which they were made.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wamp::error::{CANCELED, NOT_AUTHORIZED, PROCEDURE_ALREADY_EXISTS};
use wamp::id::{RegistrationId, SessionId, SubscriptionId};
use wamp::message::{Invoke, RegisterOptions, SubscribeOptions};
use wamp::uri::Uri;
use wamp::value::{Dict, Value};

use super::status::Missing;
use crate::error::{Error, RequestError};
use crate::invocation::Handler;
use crate::session::{Answer, Session};
use crate::subscription::Feed;
use crate::table::{Granted, Withdrawn};

/// What is asked of the router.
#[derive(Debug, Clone)]
pub(super) enum What {
    Topic(SubscribeOptions, Feed),
    Procedure(RegisterOptions, Arc<dyn Handler>),
}

/// What the router called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// With the session's own number of the subscriber.
    Subscription(SubscriptionId, u64),
    Registration(RegistrationId),
}

impl Name {
    fn is(self, granted: Granted) -> bool {
        match (self, granted) {
            (Self::Subscription(id, _), Granted::Subscription(granted)) => id == granted,
            (Self::Registration(id), Granted::Registration(granted)) => id == granted,
            (Self::Subscription(..), Granted::Registration(_)) | (Self::Registration(_), Granted::Subscription(_)) => {
                false
            }
        }
    }
}

/// Something that stands.
#[derive(Debug)]
struct Entry {
    number: u64,
    uri: String,
    what: What,
    /// In which session it stood last, under which name; none where that took it away.
    stood: Option<(SessionId, Name)>,
}

impl Entry {
    /// What is asked for. Whatever took its place when its session lost the right to it is not pushed aside.
    fn wanted(&self) -> What {
        match &self.what {
            What::Procedure(options, handler) if self.stood.is_none() => {
                let options = RegisterOptions {
                    force_reregister: false,
                    ..options.clone()
                };
                What::Procedure(options, Arc::clone(handler))
            }
            what @ (What::Procedure(..) | What::Topic(..)) => what.clone(),
        }
    }
}

/// All that stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    entries: Mutex<Entries>,
    /// Held while something is asked for: nothing is to be asked for twice, and the order counts.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    list: Vec<Entry>,
}

/// What the router was asked for.
enum Asked {
    Topic(u64, Answer<SubscriptionId>),
    Procedure(Answer<RegistrationId>),
}

async fn ask(session: &Session, uri: &str, what: &What) -> Result<Asked, Error> {
    match what.clone() {
        What::Topic(options, feed) => {
            let (number, answer) = session.ask_to_subscribe(uri, options, feed).await?;
            Ok(Asked::Topic(number, answer))
        }
        What::Procedure(options, handler) => {
            let answer = session.ask_to_register(uri, options, handler).await?;
            Ok(Asked::Procedure(answer))
        }
    }
}

async fn hear(session: &Session, asked: Asked) -> Result<Name, Error> {
    match asked {
        Asked::Topic(number, answer) => Ok(Name::Subscription(session.wait(answer).await?, number)),
        Asked::Procedure(answer) => Ok(Name::Registration(session.wait(answer).await?)),
    }
}

impl Standing {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the session for it, if that is the one that counts, and has it stand from now on; gives its number. None if the
    /// session is not the one that counts any more.
    pub(super) async fn add(
        &self,
        session: &Session,
        is_current: impl Fn() -> bool,
        uri: &str,
        what: What,
    ) -> Result<Option<u64>, Error> {
        let _turn = self.turn.lock().await;
        if !is_current() {
            return Ok(None);
        }
        let asked = ask(session, uri, &what).await?;
        let name = hear(session, asked).await?;
        let mut entries = self.entries();
        entries.last += 1;
        let number = entries.last;
        entries.list.push(Entry {
            number,
            uri: uri.to_owned(),
            what,
            stood: Some((session.id(), name)),
        });
        Ok(Some(number))
    }

    /// Takes it away; gives in which session it stood last, under which name.
    pub(super) fn remove(&self, number: u64) -> Option<(SessionId, Name)> {
        let mut entries = self.entries();
        let place = entries.list.iter().position(|entry| entry.number == number)?;
        entries.list.remove(place).stood
    }

    /// The client is closed: subscribers learn it by the end of their events.
    pub(super) fn clear(&self) {
        self.entries().list.clear();
    }

    /// Asks the session for all that does not stand in it, in its order; gives what could not be had.
    pub(super) async fn restore(&self, session: &Session) -> Vec<Missing> {
        let _turn = self.turn.lock().await;
        let id = session.id();
        let is_lacking = |entry: &&Entry| entry.stood.is_none_or(|(stood_in, _)| stood_in != id);
        let lacking: Vec<_> = self
            .entries()
            .list
            .iter()
            .filter(is_lacking)
            .map(|entry| (entry.number, entry.uri.clone(), entry.wanted(), entry.stood))
            .collect();
        // All questions first, so that it takes one way there and back.
        let mut asked = Vec::with_capacity(lacking.len());
        for (_, uri, what, _) in &lacking {
            asked.push(ask(session, uri, what).await);
        }
        let mut missing = Vec::new();
        for ((number, uri, what, stood), asked) in lacking.into_iter().zip(asked) {
            let mut result = match asked {
                Ok(asked) => hear(session, asked).await,
                Err(error) => Err(error),
            };
            if let (Err(Error::Request(error)), What::Procedure(options, handler), Some((earlier, _))) =
                (&result, &what, stood)
                && error.uri == PROCEDURE_ALREADY_EXISTS
                && options.invoke == Invoke::Single
            {
                result = take_over(session, &uri, options, handler, earlier).await;
            }
            match result {
                Ok(name) => self.stands(number, session, name),
                Err(error) => missing.push(Missing { uri, error }),
            }
        }
        missing
    }

    /// The router has taken these away. What the session lost its right to is asked for again; what somebody took over, or took
    /// from it by hand, is not, and is given: it would go to and fro.
    pub(super) async fn withdrawn(&self, session: &Session, taken: Vec<Withdrawn>) -> Vec<Missing> {
        // What is being asked for right now may be among them.
        let _turn = self.turn.lock().await;
        let mut entries = self.entries();
        let mut ended = Vec::new();
        for Withdrawn { what, reason } in taken {
            let is_it = |entry: &Entry| {
                let stood = entry.stood;
                stood.is_some_and(|(stood_in, name)| stood_in == session.id() && name.is(what))
            };
            if reason.as_ref() == Some(&NOT_AUTHORIZED) {
                let lost = entries.list.iter_mut().filter(|entry| is_it(entry));
                lost.for_each(|entry| entry.stood = None);
                continue;
            }
            let gone = entries.list.extract_if(.., |entry| is_it(entry));
            ended.extend(gone.map(|entry| Missing {
                uri: entry.uri,
                error: taken_away(reason.clone()).into(),
            }));
        }
        ended
    }

    fn stands(&self, number: u64, session: &Session, name: Name) {
        let mut entries = self.entries();
        if let Some(entry) = entries.list.iter_mut().find(|entry| entry.number == number) {
            entry.stood = Some((session.id(), name));
            return;
        }
        drop(entries);
        // It was taken away meanwhile.
        match name {
            Name::Subscription(id, number) => session.end_subscription(id, number),
            Name::Registration(id) => session.end_registration(id),
        }
    }
}

/// Takes a procedure over from an earlier session of this client, which the router has not given up yet; from nobody else.
async fn take_over(
    session: &Session,
    uri: &str,
    options: &RegisterOptions,
    handler: &Arc<dyn Handler>,
    earlier: SessionId,
) -> Result<Name, Error> {
    // Who may not ask may not take from other principals either, and the router sees to that.
    if let Ok(callees) = callees(session, uri, options).await
        && callees != [earlier.get()]
    {
        let error = RequestError::new(PROCEDURE_ALREADY_EXISTS, "another session offers it meanwhile");
        return Err(error.into());
    }
    let options = RegisterOptions {
        force_reregister: true,
        ..options.clone()
    };
    let answer = session.ask_to_register(uri, options, Arc::clone(handler)).await?;
    Ok(Name::Registration(session.wait(answer).await?))
}

/// The sessions that offer a procedure.
async fn callees(session: &Session, uri: &str, options: &RegisterOptions) -> Result<Vec<u64>, Error> {
    let policy = Dict::from([("match".to_owned(), options.policy.name().into())]);
    let lookup = session.call("wamp.registration.lookup", [uri.into(), policy.into()]);
    let registration = lookup.await?.into_value();
    let callees = session
        .call("wamp.registration.list_callees", [registration])
        .await?
        .into_value();
    Ok(callees
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_u64)
        .collect())
}

fn taken_away(reason: Option<Uri>) -> RequestError {
    RequestError::new(reason.unwrap_or(CANCELED), "the router has taken it away")
}
