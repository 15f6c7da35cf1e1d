//! Publications that a client keeps until they are taken, so that each is taken once: `_queue` and `_number`
//! (`docs/QUEUES.md`). The client numbers what it publishes; the broker remembers how far it is.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::journal::Note;
use super::super::{Realm, Refusal, send};
use super::Broker;
use crate::error;
use crate::id::{PublicationId, SessionId};
use crate::limits::{MAX_QUEUE_NAME, MAX_QUEUES, MAX_QUEUES_EACH};
use crate::message::{Message, Publish, Published, Queued};
use crate::outgoing::Delivery;

const ILL_NAMED: Refusal = Refusal(
    error::INVALID_ARGUMENT,
    "a queue needs a name (_queue) of 1 to 64 bytes and a number (_number) from 1 on",
);
const LONG_AGO: Refusal = Refusal(
    error::INVALID_ARGUMENT,
    "a publication of this queue with a higher number was taken",
);

/// The queues of a realm, by principal and name.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: BTreeMap<(Arc<str>, Box<str>), Queue>,
    /// How often any of them was used.
    uses: u64,
}

#[derive(Debug)]
struct Queue {
    /// The last publication that was taken, and its number.
    last: (u64, PublicationId),
    /// When it was used last, as a count of all uses.
    used: u64,
}

/// What is known of a publication that comes.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    New,
    Taken(PublicationId),
    /// A later one was taken.
    LongAgo,
}

impl Queues {
    fn seen(&mut self, author: &Arc<str>, queued: &Queued) -> Seen {
        self.uses += 1;
        let uses = self.uses;
        let Some(queue) = self.queues.get_mut(&(Arc::clone(author), queued.name.clone())) else {
            return Seen::New;
        };
        queue.used = uses;
        let (last, publication) = queue.last;
        match queued.number.cmp(&last) {
            Ordering::Greater => Seen::New,
            Ordering::Equal => Seen::Taken(publication),
            Ordering::Less => Seen::LongAgo,
        }
    }

    /// Remembers a publication that was taken.
    fn take(&mut self, author: &Arc<str>, queued: &Queued, publication: PublicationId) {
        let key = (Arc::clone(author), queued.name.clone());
        if !self.queues.contains_key(&key) {
            self.make_room(author);
        }
        self.uses += 1;
        let queue = Queue {
            last: (queued.number, publication),
            used: self.uses,
        };
        self.queues.insert(key, queue);
    }

    /// Forgets the queue that was not used for the longest time, of this principal or of all, if there are too many.
    fn make_room(&mut self, author: &Arc<str>) {
        let own = || self.queues.iter().filter(|((it, _), _)| it == author);
        let oldest = if own().count() >= MAX_QUEUES_EACH {
            own().min_by_key(|(_, queue)| queue.used)
        } else if self.queues.len() >= MAX_QUEUES {
            self.queues.iter().min_by_key(|(_, queue)| queue.used)
        } else {
            None
        };
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.queues.remove(&key);
        }
    }

    /// What must be written down: author, name, number and publication of the last of each.
    fn all(&self) -> impl Iterator<Item = (&str, &str, u64, PublicationId)> {
        self.queues.iter().map(|((author, name), queue)| {
            let (number, publication) = queue.last;
            (&**author, &**name, number, publication)
        })
    }
}

impl Broker {
    /// A publication of a queue was taken in an earlier run.
    pub(in crate::realm) fn took_before(&mut self, author: &Arc<str>, queued: &Queued, publication: PublicationId) {
        self.queues.take(author, queued, publication);
    }

    /// The last publication of each queue: author, name, number.
    pub(in crate::realm) fn taken(&self) -> impl Iterator<Item = (&str, &str, u64, PublicationId)> {
        self.queues.all()
    }
}

impl Realm {
    /// Answers a publication of a queue that was taken before; `true` if there is nothing more to do with it.
    pub(super) fn was_taken(
        &mut self,
        from: SessionId,
        publish: &Publish,
        out: &mut Vec<Delivery>,
    ) -> Result<bool, Refusal> {
        let Some(queued) = publish.options.queued() else {
            return Ok(false);
        };
        if queued.name.is_empty() || queued.name.len() > MAX_QUEUE_NAME || queued.number == 0 {
            return Err(ILL_NAMED);
        }
        let Some(member) = self.members.get(from) else {
            return Ok(true);
        };
        match self.broker.queues.seen(&member.origin.authid, queued) {
            Seen::New => Ok(false),
            Seen::LongAgo => Err(LONG_AGO),
            Seen::Taken(publication) => {
                let request = publish.request;
                if publish.options.acknowledge {
                    send(out, from, Message::Published(Published { request, publication }));
                }
                Ok(true)
            }
        }
    }

    /// Remembers that a publication of a queue was taken, on disk where there is one: when its answer goes out, another of
    /// the same number is known, whatever happens to the router. `is_written` says that the journal has the number already.
    pub(super) fn has_taken(
        &mut self,
        from: SessionId,
        publish: &Publish,
        publication: PublicationId,
        is_written: bool,
    ) -> Result<(), Refusal> {
        let (Some(queued), Some(member)) = (publish.options.queued(), self.members.get(from)) else {
            return Ok(());
        };
        let author = Arc::clone(&member.origin.authid);
        if !is_written && self.notebook.is_some() {
            let note = Note::Taken(&author, &queued.name, queued.number, publication);
            self.note(&note).map_err(|_| NOT_WRITTEN)?;
        }
        self.broker.queues.take(&author, queued, publication);
        Ok(())
    }
}

const NOT_WRITTEN: Refusal = Refusal(
    error::UNAVAILABLE,
    "that the publication was taken cannot be written to the router's disk, so it was not",
);

#[cfg(test)]
mod tests;
