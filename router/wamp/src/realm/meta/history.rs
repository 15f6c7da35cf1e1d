//! What happened: `wamp.subscription.get_events` (WAMP specification, "Event History").

use std::sync::Arc;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::broker::Recorded;
use super::super::{Realm, Refusal, timestamp};
use super::{Answer, Asked, Procedure, Served};
use crate::error;
use crate::id::{PublicationId, SubscriptionId};
use crate::limits::MAX_HISTORY_ANSWER;
use crate::message::{EventDetails, Match};
use crate::outgoing::Delivery;
use crate::uri::Uri;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[Procedure {
    uri: "wamp.subscription.get_events",
    params: &PARAMS,
    gives: "[event], kw: is_limit_reached, limit",
    does: "the last events of a subscription that the configuration keeps, oldest first, for whoever may subscribe",
    serve: get_events,
}];

const PARAMS: [&str; 12] = [
    "subscription",
    "reverse?",
    "limit?",
    "topic?",
    "from_time?",
    "after_time?",
    "before_time?",
    "until_time?",
    "from_publication?",
    "after_publication?",
    "before_publication?",
    "until_publication?",
];

/// Which events somebody asks for.
#[derive(Debug, Default)]
struct Wanted {
    reverse: bool,
    limit: Option<usize>,
    /// `from_time`, `after_time`, `before_time`, `until_time`.
    times: [Option<SystemTime>; 4],
    topic: Option<Uri>,
    /// `from_publication`, `after_publication`, `before_publication`, `until_publication`.
    publications: [Option<PublicationId>; 4],
}

const fn invalid(sentence: &'static str) -> Refusal {
    Refusal(error::INVALID_ARGUMENT, sentence)
}

/// `[subscription]` and filters by name; `[events]`, and by name whether there are more: `is_limit_reached`.
fn get_events(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let id = asked.subscription()?;
    let wanted = Wanted::read(asked)?;
    let (policy, events) = realm.history(asked.caller, id)?;
    let events = wanted.pick(&events)?;
    let mut told = Vec::new();
    let mut bytes = 0;
    let most = wanted.limit.unwrap_or(usize::MAX);
    for event in &events {
        bytes += event.payload.len();
        if told.len() == most || (bytes > MAX_HISTORY_ANSWER && !told.is_empty()) {
            break;
        }
        told.push(tell(event, id, policy));
    }
    let mut general = Dict::from([("is_limit_reached".to_owned(), (told.len() < events.len()).into())]);
    general.extend(
        wanted
            .limit
            .map(|limit| ("limit".to_owned(), Value::from(limit as u64))),
    );
    Ok(Answer(vec![told.into()], general))
}

impl Wanted {
    fn read(asked: &Asked<'_>) -> Result<Self, Refusal> {
        let given = |name: &str| asked.optional(name);
        let reverse = given("reverse").map(|value| value.as_bool().ok_or(invalid("reverse is true or false")));
        let limit = given("limit").map(|value| {
            let limit = value.as_u64().filter(|limit| *limit > 0);
            limit.ok_or(invalid("limit is an integer above zero"))
        });
        let topic = given("topic").map(|value| value.as_str().map(Uri::from).ok_or(invalid("topic is a URI")));
        let mut wanted = Self {
            reverse: reverse.transpose()?.unwrap_or_default(),
            limit: limit
                .transpose()?
                .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            topic: topic.transpose()?,
            ..Self::default()
        };
        for (place, word) in ["from", "after", "before", "until"].into_iter().enumerate() {
            wanted.times[place] = given(&format!("{word}_time")).map(read_time).transpose()?;
            let publication = given(&format!("{word}_publication"));
            wanted.publications[place] = publication.map(read_publication).transpose()?;
        }
        Ok(wanted)
    }

    /// Those of these events, in the order that is wanted.
    fn pick<'a>(&self, events: &[&'a Arc<Recorded>]) -> Result<Vec<&'a Arc<Recorded>>, Refusal> {
        let [mut from, mut to] = [0, events.len()];
        for (place, publication) in self.publications.iter().enumerate() {
            let Some(publication) = publication else { continue };
            let found = events.iter().position(|event| event.publication == *publication);
            let found = found.ok_or(invalid("the history does not hold that publication, or no longer"))?;
            match place {
                0 => from = from.max(found),
                1 => from = from.max(found + 1),
                2 => to = to.min(found),
                _ => to = to.min(found + 1),
            }
        }
        let within = events.get(from..to).unwrap_or_default();
        let wanted = within.iter().copied().filter(|event| self.wants(event));
        Ok(if self.reverse {
            wanted.rev().collect()
        } else {
            wanted.collect()
        })
    }

    fn wants(&self, event: &Recorded) -> bool {
        let [from, after, before, until] = self.times;
        let at = event.published;
        from.is_none_or(|from| at >= from)
            && after.is_none_or(|after| at > after)
            && before.is_none_or(|before| at < before)
            && until.is_none_or(|until| at <= until)
            && self.topic.as_ref().is_none_or(|topic| *topic == event.topic)
    }
}

fn read_time(value: &Value) -> Result<SystemTime, Refusal> {
    let time = value
        .as_str()
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    time.map(SystemTime::from)
        .ok_or(invalid("a time is RFC 3339 text such as 2026-01-31T12:00:00.000Z"))
}

fn read_publication(value: &Value) -> Result<PublicationId, Refusal> {
    let id = value.as_u64().and_then(PublicationId::new);
    id.ok_or(invalid("a publication's id is an integer from 1 to 2^53"))
}

/// An event as an element of the answer.
fn tell(event: &Recorded, id: SubscriptionId, policy: Match) -> Value {
    let mut told = Dict::from([
        ("timestamp".to_owned(), timestamp(event.published).as_deref().into()),
        ("subscription".to_owned(), id.get().into()),
        ("publication".to_owned(), event.publication.get().into()),
    ]);
    let mut details = tell_details(&event.details);
    if policy != Match::Exact {
        details.insert("topic".to_owned(), event.topic.as_str().into());
    }
    match event.payload.to_values() {
        Ok((args, kwargs)) if args.iter().chain(kwargs.values()).all(is_for_everybody) => {
            told.insert("args".to_owned(), args.into());
            if !kwargs.is_empty() {
                told.insert("kwargs".to_owned(), kwargs.into());
            }
        }
        // One event that has no form in some serializer must not keep the others from whoever asks.
        Ok(_) | Err(_) => {
            details.insert("_unconvertible".to_owned(), true.into());
        }
    }
    told.insert("details".to_owned(), details.into());
    told.into()
}

/// Whether a value has a form in every serializer: JSON has none for infinite numbers.
fn is_for_everybody(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::List(list) => list.iter().all(is_for_everybody),
        Value::Dict(dict) => dict.values().all(is_for_everybody),
        Value::Null | Value::Bool(_) | Value::UInt(_) | Value::Int(_) | Value::Text(_) | Value::Bytes(_) => true,
    }
}

fn tell_details(details: &EventDetails) -> Dict {
    let mut told = Dict::new();
    let mut say = |key: &str, value: Value| {
        told.insert(key.to_owned(), value);
    };
    if let Some(publisher) = &details.publisher {
        say("publisher", publisher.session.get().into());
        say("publisher_authid", (&*publisher.authid).into());
        say("publisher_authrole", (&*publisher.authrole).into());
    }
    if let Some(trustlevel) = details.trustlevel {
        say("trustlevel", trustlevel.into());
    }
    if let Some(packed) = &details.passthru {
        let keys = ["ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"];
        let values = [&packed.scheme, &packed.serializer, &packed.cipher, &packed.keyid];
        for (key, value) in keys.into_iter().zip(values) {
            if let Some(value) = value {
                say(key, (&**value).into());
            }
        }
    }
    told
}

#[cfg(test)]
mod tests;
