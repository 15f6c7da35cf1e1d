//! Publications that a client keeps until they are taken, so that each is taken once: `_queue` and `_number`
//! (`docs/QUEUES.md`). The client numbers what it publishes; the broker remembers how far it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::super::journal::Note;
use super::super::{Realm, Refusal, send};
use super::Broker;
use crate::error;
use crate::id::{PublicationId, SessionId};
use crate::limits::{MAX_QUEUE_NAME, MAX_QUEUED_PUBLICATIONS, MAX_QUEUES, MAX_QUEUES_EACH};
use crate::message::{Message, Publish, Published, Queued};
use crate::outgoing::Delivery;

const ILL_NAMED: Refusal = Refusal(
    error::INVALID_ARGUMENT,
    "a queue needs a name (_queue) of 1 to 64 bytes and a number (_number) from 1 on",
);
const LONG_AGO: Refusal = Refusal(
    error::INVALID_ARGUMENT,
    "a publication of this queue with a higher number was taken, and so many since then that this one is not known",
);

/// The queues of a realm, by principal and name.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: BTreeMap<(Arc<str>, Box<str>), Queue>,
    /// How often any of them was used.
    uses: u64,
}

#[derive(Debug, Default)]
struct Queue {
    /// The last publications, in the order of their numbers.
    taken: VecDeque<(u64, PublicationId)>,
    /// When it was used last, as a count of all uses.
    used: u64,
}

/// What is known of a publication that comes.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    New,
    Taken(PublicationId),
    /// It was taken, or passed over, before all that are remembered.
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
        match queue.taken.back() {
            Some((last, _)) if queued.number <= *last => {
                let same = queue.taken.iter().find(|(number, _)| *number == queued.number);
                same.map_or(Seen::LongAgo, |(_, publication)| Seen::Taken(*publication))
            }
            _ => Seen::New,
        }
    }

    /// Remembers a publication that was taken.
    fn take(&mut self, author: &Arc<str>, queued: &Queued, publication: PublicationId) {
        let key = (Arc::clone(author), queued.name.clone());
        if !self.queues.contains_key(&key) {
            self.make_room(author);
        }
        self.uses += 1;
        let queue = self.queues.entry(key).or_default();
        queue.used = self.uses;
        if queue.taken.back().is_some_and(|(last, _)| *last >= queued.number) {
            return;
        }
        if queue.taken.len() >= MAX_QUEUED_PUBLICATIONS {
            queue.taken.pop_front();
        }
        queue.taken.push_back((queued.number, publication));
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

    /// What must be written down: author, name, number and publication of each, those of a queue in their order.
    fn all(&self) -> impl Iterator<Item = (&str, &str, u64, PublicationId)> {
        self.queues.iter().flat_map(|((author, name), queue)| {
            let one = move |(number, publication): &(u64, PublicationId)| (&**author, &**name, *number, *publication);
            queue.taken.iter().map(one)
        })
    }
}

impl Broker {
    /// A publication of a queue was taken in an earlier run.
    pub(in crate::realm) fn took_before(&mut self, author: &Arc<str>, queued: &Queued, publication: PublicationId) {
        self.queues.take(author, queued, publication);
    }

    /// Every publication of a queue that is remembered: author, name, number, and those of a queue in their order.
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
