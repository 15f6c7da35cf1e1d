//! What is under way of a session, by the number that it has there.

use std::collections::HashMap;

use ahash::RandomState;

use crate::id::RequestId;

/// For how many a book that is empty keeps room: a session that had very many under way at once gives it back, and one that
/// has a few again and again need not fetch it each time.
const KEPT_ROOM: usize = 256;

/// What is under way. Numbers follow each other, and answers come about as they do: a tree would move half of a node for
/// most of them.
#[derive(Debug)]
pub(super) struct Book<V> {
    open: HashMap<RequestId, V, RandomState>,
    /// How many were under way at once, since room was given back last.
    most: usize,
}

impl<V> Book<V> {
    pub(super) fn new(hashing: &RandomState) -> Self {
        Self {
            open: HashMap::with_hasher(hashing.clone()),
            most: 0,
        }
    }

    pub(super) fn insert(&mut self, request: RequestId, what: V) {
        self.open.insert(request, what);
        self.most = self.most.max(self.open.len());
    }

    pub(super) fn get(&self, request: RequestId) -> Option<&V> {
        self.open.get(&request)
    }

    pub(super) fn get_mut(&mut self, request: RequestId) -> Option<&mut V> {
        self.open.get_mut(&request)
    }

    #[inline]
    pub(super) fn remove(&mut self, request: RequestId) -> Option<V> {
        let removed = self.open.remove(&request);
        if self.open.is_empty() && self.most > KEPT_ROOM {
            self.open.shrink_to_fit();
            self.most = 0;
        }
        removed
    }

    pub(super) fn contains(&self, request: RequestId) -> bool {
        self.open.contains_key(&request)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Everything, in the order of its numbers.
    pub(super) fn all(&self) -> Vec<(RequestId, &V)> {
        #[allow(clippy::disallowed_methods, reason = "sorted before anybody sees it")]
        let mut all: Vec<_> = self.open.iter().map(|(request, what)| (*request, what)).collect();
        all.sort_unstable_by_key(|(request, _)| *request);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(id: u64) -> RequestId {
        RequestId::new(id).unwrap()
    }

    #[test]
    fn a_book_that_was_very_full_gives_its_room_back_when_it_is_empty_and_another_keeps_it() {
        let mut book = Book::new(&RandomState::with_seeds(1, 2, 3, 4));
        let mut room_after = |most: u64| {
            (1..=most).for_each(|id| book.insert(number(id), id));
            assert_eq!(book.all().first().map(|(id, what)| (id.get(), **what)), Some((1, 1)));
            (1..=most)
                .rev()
                .for_each(|id| assert_eq!(book.remove(number(id)), Some(id)));
            book.open.capacity()
        };
        assert!(room_after(KEPT_ROOM as u64) > 0);
        assert_eq!(room_after(KEPT_ROOM as u64 + 1), 0);
    }
}
