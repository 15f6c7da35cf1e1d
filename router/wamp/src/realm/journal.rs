//! What a realm must not forget when it ends: events of histories and kept events that the settings want on disk. The
//! realm says what is to be written, and when; where it goes is the business of whoever implements [`Journal`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};

use super::Realm;
use super::broker::{Kept, Recorded};
use crate::codec::{self, Serializer};
use crate::id::{PublicationId, RequestId, SubscriptionId};
use crate::limits::{Bounds, MIN_JOURNAL};
use crate::message::{Audience, Event, EventDetails, Message, Publish, PublishOptions, PublishSpecial, Queued};
use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::Value;

/// Where a realm writes what must survive it. It is asked under the realm's lock, so it should be quick.
pub trait Journal: std::fmt::Debug + Send {
    /// Puts a record behind the others. When this returns, the record survives the end of the process.
    ///
    /// # Errors
    /// It could not be written, and nothing of it is there.
    fn append(&mut self, record: &[u8]) -> Result<(), NotWritten>;

    /// Puts these records in the place of all that are there.
    ///
    /// # Errors
    /// They could not be written, and those that were there still are.
    fn replace(&mut self, records: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), NotWritten>;
}

/// A journal could not be written. Whoever implements it says why, in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotWritten;

/// A journal and how much is in it.
#[derive(Debug)]
pub(super) struct Notebook {
    journal: Box<dyn Journal>,
    bytes: usize,
    /// From here on it is worth writing it anew without what was forgotten.
    compact_at: usize,
}

/// What a record says.
#[derive(Debug)]
pub(super) enum Note<'a> {
    /// An event of a history, and its place in a queue of this principal's.
    Happened(&'a Recorded, Option<(&'a str, &'a Queued)>),
    /// A publication of a queue was taken: principal, queue, number.
    Taken(&'a str, &'a str, u64, PublicationId),
    /// An event that was kept for those who subscribe later.
    Kept(&'a Uri, &'a Kept),
    /// Kept events whose topics begin so were forgotten.
    Forgotten(&'a [u8]),
    /// Those of a topic were forgotten that are for these, or all of them, by this publication.
    Removed(&'a Uri, Option<&'a Audience>, PublicationId),
}

const HAPPENED: u64 = 1;
const KEPT: u64 = 2;
const FORGOTTEN: u64 = 3;
const TAKEN: u64 = 4;
const REMOVED: u64 = 5;

/// What a journal holds was taken once; the bounds of messages were kept then.
const UNBOUNDED: Bounds = Bounds {
    message_bytes: usize::MAX,
    depth: 256,
    values: usize::MAX,
};

impl Note<'_> {
    /// The record. Details and lists are written as in the messages in which they travel; the arguments stay as they are.
    fn encode(&self) -> Option<Vec<u8>> {
        let parts = match self {
            Note::Happened(event, place) => {
                let options = PublishOptions {
                    special: Some(Box::new(PublishSpecial {
                        audience: event.audience.as_deref().cloned().unwrap_or_default(),
                        queued: place.map(|(_, queued)| queued.clone()),
                        ..PublishSpecial::default()
                    })),
                    ..PublishOptions::default()
                };
                let frames = frames(event.publication, &event.details, &event.topic, options)?;
                let author = place.map_or("", |(author, _)| author);
                record(HAPPENED, event.published, frames, &event.payload, author)
            }
            Note::Taken(author, name, number, publication) => {
                vec![
                    TAKEN.into(),
                    (*author).into(),
                    (*name).into(),
                    (*number).into(),
                    publication.get().into(),
                ]
            }
            Note::Kept(topic, kept) => {
                let frames = frames(kept.publication, &kept.details, topic, meant_for(kept.audience()))?;
                record(KEPT, SystemTime::UNIX_EPOCH, frames, &kept.payload, kept.author())
            }
            Note::Forgotten(prefix) => vec![FORGOTTEN.into(), prefix.to_vec().into()],
            Note::Removed(topic, audience, publication) => {
                let frames = frames(*publication, &EventDetails::default(), topic, meant_for(*audience))?;
                record(REMOVED, SystemTime::UNIX_EPOCH, frames, &Payload::EMPTY, "")
            }
        };
        rmp_serde::to_vec(&Value::List(parts)).ok()
    }
}

fn record(kind: u64, at: SystemTime, frames: [Vec<u8>; 2], payload: &Payload, author: &str) -> Vec<Value> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let [event, publish] = frames;
    vec![
        kind.into(),
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX).into(),
        event.into(),
        publish.into(),
        payload.serializer.name().into(),
        payload.elements.into(),
        payload.bytes.to_vec().into(),
        author.into(),
    ]
}

/// The details as an EVENT, topic and lists as a PUBLISH, both without arguments.
fn frames(
    publication: PublicationId,
    details: &EventDetails,
    topic: &Uri,
    options: PublishOptions,
) -> Option<[Vec<u8>; 2]> {
    let event = Message::Event(Event {
        subscription: SubscriptionId::FIRST,
        publication,
        details: details.clone(),
        payload: Payload::EMPTY,
    });
    let publish = Message::Publish(Publish {
        request: RequestId::FIRST,
        options,
        topic: topic.clone(),
        payload: Payload::EMPTY,
    });
    let frame = |message: &Message| {
        let mut out = BytesMut::new();
        codec::encode(Serializer::MessagePack, message, &mut out).ok()?;
        Some(out.to_vec())
    };
    Some([frame(&event)?, frame(&publish)?])
}

fn meant_for(audience: Option<&Audience>) -> PublishOptions {
    PublishOptions {
        special: audience.cloned().map(|audience| Box::new(audience.into())),
        ..PublishOptions::default()
    }
}

/// What an event's record says.
struct Told {
    kind: u64,
    published: SystemTime,
    event: Event,
    publish: Publish,
    author: Arc<str>,
}

fn read_event(parts: &[Value]) -> Option<Told> {
    let [kind, at, event, publish, serializer, elements, payload, author] = parts else {
        return None;
    };
    let bytes = |value: &Value| {
        let Value::Bytes(bytes) = value else { return None };
        Some(Bytes::copy_from_slice(bytes))
    };
    let decode = |frame: Bytes| codec::decode(Serializer::MessagePack, &frame, &UNBOUNDED).ok();
    let Some((Message::Event(mut event), Message::Publish(mut publish))) =
        Some((decode(bytes(event)?)?, decode(bytes(publish)?)?))
    else {
        return None;
    };
    let payload = Payload {
        serializer: Serializer::ALL
            .into_iter()
            .find(|it| Some(it.name()) == serializer.as_str())?,
        elements: u8::try_from(elements.as_u64()?).ok()?,
        bytes: bytes(payload)?,
    };
    event.payload = payload.clone();
    publish.payload = payload;
    Some(Told {
        kind: kind.as_u64()?,
        published: SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at.as_u64()?))?,
        event,
        publish,
        author: author.as_str()?.into(),
    })
}

impl Realm {
    /// Takes a journal and what is in it, oldest first, before anybody has joined. Records that no rule of the settings
    /// asks for any more are forgotten, and so are those that cannot be understood; says how many the latter are.
    pub fn restore(&mut self, journal: Box<dyn Journal>, records: Vec<Vec<u8>>) -> usize {
        let mut unknown = 0;
        let mut bytes = 0;
        for record in records {
            bytes += record.len();
            unknown += usize::from(self.replay(&record).is_none());
        }
        self.notebook = Some(Notebook {
            journal,
            bytes,
            compact_at: 0,
        });
        self.compact();
        unknown
    }

    fn replay(&mut self, record: &[u8]) -> Option<()> {
        let value: Value = rmp_serde::from_slice(record).ok()?;
        let parts = value.as_list()?;
        if let [kind, Value::Bytes(prefix)] = parts {
            return (kind.as_u64() == Some(FORGOTTEN)).then(|| self.broker.forget(prefix));
        }
        if let [kind, author, name, number, publication] = parts {
            return self.take_again(kind, author, name, number, publication);
        }
        let Told {
            kind,
            published,
            event,
            publish,
            author,
        } = read_event(parts)?;
        if kind == KEPT {
            let is_wanted = self.keeps_on_disk(&publish.topic);
            is_wanted.then(|| self.broker.keep_again(&publish, &event, author));
            return Some(());
        }
        if kind == REMOVED {
            self.broker.forget_topic(&publish.topic, publish.options.audience());
            return Some(());
        }
        if let Some(queued) = publish.options.queued() {
            self.broker.took_before(&author, queued, event.publication);
        }
        let event = Self::recorded(&publish, event.publication, &event.details, published)?;
        (kind == HAPPENED).then(|| self.broker.happened_before(event))
    }

    /// Remembers again that a publication of a queue was taken.
    fn take_again(
        &mut self,
        kind: &Value,
        author: &Value,
        name: &Value,
        number: &Value,
        publication: &Value,
    ) -> Option<()> {
        let queued = Queued {
            name: name.as_str()?.into(),
            number: number.as_u64()?,
        };
        let publication = PublicationId::new(publication.as_u64()?)?;
        let author = author.as_str()?.into();
        (kind.as_u64() == Some(TAKEN)).then(|| self.broker.took_before(&author, &queued, publication))
    }

    /// Writes something down.
    pub(super) fn note(&mut self, note: &Note<'_>) -> Result<(), NotWritten> {
        let record = note.encode().ok_or(NotWritten)?;
        let notebook = self.notebook.as_ref().ok_or(NotWritten)?;
        // Before, not after: the realm does not know yet what this record says, so that it would be left out.
        if notebook.bytes + record.len() >= notebook.compact_at {
            self.compact();
        }
        let notebook = self.notebook.as_mut().ok_or(NotWritten)?;
        notebook.journal.append(&record)?;
        notebook.bytes += record.len();
        Ok(())
    }

    /// Writes the journal anew with what the realm still knows. It happens when most of it is forgotten, so that it costs
    /// each record no more than being written twice.
    fn compact(&mut self) {
        let Some(notebook) = &mut self.notebook else { return };
        let events: BTreeMap<u64, &Recorded> = self.broker.events_on_disk();
        let retained = self.broker.retained();
        let rules = &self.settings.retained;
        let retained = retained.filter(|(topic, _)| rules.iter().any(|rule| rule.covers(topic)));
        let notes = events.into_values().map(|event| Note::Happened(event, None));
        let taken = self.broker.taken();
        let notes = notes
            .chain(taken.map(|(author, name, number, publication)| Note::Taken(author, name, number, publication)));
        let notes = notes.chain(retained.map(|(topic, kept)| Note::Kept(topic, kept)));
        let mut bytes = 0;
        let mut records = notes.filter_map(|note| note.encode()).inspect(|it| bytes += it.len());
        let written = notebook.journal.replace(&mut records);
        drop(records);
        if written.is_ok() {
            notebook.bytes = bytes;
        }
        notebook.compact_at = 2 * notebook.bytes + MIN_JOURNAL;
    }
}

#[cfg(test)]
mod tests;
