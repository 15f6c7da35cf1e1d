//! When topics were forgotten: a router that was away meanwhile tells again what it has retained, which is older.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;

use crate::limits::{MAX_FORGOTTEN, MAX_FORGOTTEN_URI};
use crate::uri::Uri;

/// The topics that were forgotten last, with their times.
#[derive(Debug)]
pub(super) struct Forgotten {
    times: HashMap<Uri, Arc<str>, RandomState>,
    /// The oldest first.
    order: VecDeque<Uri>,
}

impl Forgotten {
    pub(super) fn new(hashing: &RandomState) -> Self {
        Self {
            times: HashMap::with_hasher(hashing.clone()),
            order: VecDeque::new(),
        }
    }

    /// Notes that a topic was forgotten at this time, as RFC 3339 text in universal time.
    pub(super) fn note(&mut self, topic: &Uri, time: Arc<str>) {
        if topic.as_bytes().len() > MAX_FORGOTTEN_URI {
            return;
        }
        let topic = topic.to_stored();
        if self.times.insert(topic.clone(), time).is_some() {
            return;
        }
        if self.order.len() >= MAX_FORGOTTEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.times.remove(&oldest);
        }
        self.order.push_back(topic);
    }

    /// When a topic was forgotten, as far as that is known still.
    pub(super) fn at(&self, topic: &Uri) -> Option<&str> {
        self.times.get(topic).map(|time| &**time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_topics_are_known_as_may_be_and_none_with_a_name_that_is_too_long() {
        let mut forgotten = Forgotten::new(&RandomState::with_seed(7));
        let topic = |number: usize| Uri::from(format!("com.t{number}").as_str());
        for number in 0..=MAX_FORGOTTEN {
            forgotten.note(&topic(number), "2026-01-01T00:00:00.000Z".into());
        }
        assert_eq!(forgotten.at(&topic(0)), None, "the oldest made room");
        assert!(forgotten.at(&topic(1)).is_some() && forgotten.at(&topic(MAX_FORGOTTEN)).is_some());
        // Once more, it takes no other place.
        forgotten.note(&topic(1), "2026-01-02T00:00:00.000Z".into());
        assert_eq!(forgotten.at(&topic(1)), Some("2026-01-02T00:00:00.000Z"));
        assert_eq!(
            (forgotten.order.len(), forgotten.times.len()),
            (MAX_FORGOTTEN, MAX_FORGOTTEN)
        );
        for (length, is_known) in [(MAX_FORGOTTEN_URI, true), (MAX_FORGOTTEN_URI + 1, false)] {
            let long = Uri::from("x".repeat(length).as_str());
            forgotten.note(&long, "2026-01-01T00:00:00.000Z".into());
            assert_eq!(forgotten.at(&long).is_some(), is_known, "{length}");
        }
    }
}
