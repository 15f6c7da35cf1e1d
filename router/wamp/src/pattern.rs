//! An index from URIs and patterns to whatever somebody keeps under them: the broker's subscriptions, the dealer's
//! registrations.
//!
//! A look-up costs one hash for the exact entry, one for each distinct length of prefix, and one for each distinct
//! shape of wildcard pattern, however many entries there are.

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;

use crate::message::Match;
use crate::uri::Uri;

/// Values under URIs, by match policy. Hashing is keyed, because peers choose the URIs.
#[derive(Debug)]
pub struct Patterns<T> {
    exact: HashMap<Uri, T, RandomState>,
    prefix: HashMap<Uri, T, RandomState>,
    /// How many prefixes have each length.
    lengths: BTreeMap<usize, usize>,
    wildcard: HashMap<Uri, T, RandomState>,
    /// How many wildcard patterns have each shape.
    shapes: BTreeMap<Shape, usize>,
}

/// Which components of a wildcard pattern are literal. The order of shapes is the specification's precedence: of two
/// patterns, the one that is literal where they first differ is the better match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape(Vec<bool>);

impl Shape {
    fn of(pattern: &[u8]) -> Self {
        Self(components(pattern).map(|component| !component.is_empty()).collect())
    }

    /// The pattern of this shape that matches `uri`, into `out`; `false` if none of this shape can.
    fn apply(&self, uri: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        let mut uri = components(uri);
        for (number, &is_literal) in self.0.iter().enumerate() {
            let Some(component) = uri.next() else { return false };
            if number > 0 {
                out.push(b'.');
            }
            if is_literal {
                out.extend_from_slice(component);
            }
        }
        uri.next().is_none()
    }
}

fn components(uri: &[u8]) -> impl Iterator<Item = &[u8]> {
    uri.split(|&byte| byte == b'.')
}

impl<T> Patterns<T> {
    /// An empty index that hashes with this state.
    #[must_use]
    pub fn new(hashing: &RandomState) -> Self {
        Self {
            exact: HashMap::with_hasher(hashing.clone()),
            prefix: HashMap::with_hasher(hashing.clone()),
            lengths: BTreeMap::new(),
            wildcard: HashMap::with_hasher(hashing.clone()),
            shapes: BTreeMap::new(),
        }
    }

    fn table(&self, policy: Match) -> &HashMap<Uri, T, RandomState> {
        match policy {
            Match::Exact => &self.exact,
            Match::Prefix => &self.prefix,
            Match::Wildcard => &self.wildcard,
        }
    }

    /// The value under just this URI and policy.
    #[must_use]
    pub fn get(&self, uri: &[u8], policy: Match) -> Option<&T> {
        self.table(policy).get(uri)
    }

    /// The value under just this URI and policy, to change it.
    pub fn get_mut(&mut self, uri: &[u8], policy: Match) -> Option<&mut T> {
        match policy {
            Match::Exact => self.exact.get_mut(uri),
            Match::Prefix => self.prefix.get_mut(uri),
            Match::Wildcard => self.wildcard.get_mut(uri),
        }
    }

    /// Puts a value under a URI and policy that has none yet.
    pub fn insert(&mut self, uri: Uri, policy: Match, value: T) -> &mut T {
        debug_assert!(self.get(uri.as_bytes(), policy).is_none(), "an entry would be lost");
        let table = match policy {
            Match::Exact => &mut self.exact,
            Match::Prefix => {
                *self.lengths.entry(uri.as_bytes().len()).or_default() += 1;
                &mut self.prefix
            }
            Match::Wildcard => {
                *self.shapes.entry(Shape::of(uri.as_bytes())).or_default() += 1;
                &mut self.wildcard
            }
        };
        table.entry(uri).insert_entry(value).into_mut()
    }

    /// Takes the value away.
    pub fn remove(&mut self, uri: &[u8], policy: Match) -> Option<T> {
        match policy {
            Match::Exact => self.exact.remove(uri),
            Match::Prefix => {
                let value = self.prefix.remove(uri)?;
                drop_one(&mut self.lengths, &uri.len());
                Some(value)
            }
            Match::Wildcard => {
                let value = self.wildcard.remove(uri)?;
                drop_one(&mut self.shapes, &Shape::of(uri));
                Some(value)
            }
        }
    }

    /// Shows `found` every value whose URI or pattern matches: exact first, then prefixes from the longest, then
    /// wildcards by precedence. It stops when `found` says so.
    pub fn visit<'a>(&'a self, uri: &[u8], mut found: impl FnMut(Match, &'a T) -> Visit) {
        if let Some(value) = self.exact.get(uri)
            && found(Match::Exact, value) == Visit::Enough
        {
            return;
        }
        for &length in self.lengths.keys().rev() {
            let Some(start) = uri.get(..length) else { continue };
            if let Some(value) = self.prefix.get(start)
                && found(Match::Prefix, value) == Visit::Enough
            {
                return;
            }
        }
        let mut pattern = Vec::new();
        for shape in self.shapes.keys().rev() {
            if !shape.apply(uri, &mut pattern) {
                continue;
            }
            if let Some(value) = self.wildcard.get(pattern.as_slice())
                && found(Match::Wildcard, value) == Visit::Enough
            {
                return;
            }
        }
    }

    /// Whether nothing is in it, nor left in the auxiliary tables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let tables = self.exact.is_empty() && self.prefix.is_empty() && self.wildcard.is_empty();
        tables && self.lengths.is_empty() && self.shapes.is_empty()
    }
}

/// Whether a visitor wants to see more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// The next match, please.
    More,
    /// No more.
    Enough,
}

fn drop_one<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(entries: &[(&str, Match)]) -> Patterns<String> {
        let mut patterns = Patterns::new(&RandomState::with_seeds(1, 2, 3, 4));
        for (uri, policy) in entries {
            patterns.insert((*uri).into(), *policy, format!("{} {uri}", policy.name()));
        }
        patterns
    }

    fn matches(patterns: &Patterns<String>, uri: &str) -> Vec<String> {
        let mut found = Vec::new();
        patterns.visit(uri.as_bytes(), |_, value| {
            found.push(value.clone());
            Visit::More
        });
        found
    }

    #[test]
    fn every_entry_that_matches_is_shown_the_best_first() {
        let patterns = index(&[
            ("a.b.c", Match::Exact),
            ("a", Match::Prefix),
            ("a.b", Match::Prefix),
            ("a.b.c.d", Match::Prefix),
            ("", Match::Prefix),
            ("a..c", Match::Wildcard),
            (".b.c", Match::Wildcard),
            ("a.b.", Match::Wildcard),
            ("..", Match::Wildcard),
            ("a.", Match::Wildcard),
        ]);
        assert_eq!(
            matches(&patterns, "a.b.c"),
            [
                "exact a.b.c",
                "prefix a.b",
                "prefix a",
                "prefix ",
                "wildcard a.b.",
                "wildcard a..c",
                "wildcard .b.c",
                "wildcard .."
            ]
        );
        assert_eq!(matches(&patterns, "ab"), ["prefix a", "prefix "]);
    }

    #[test]
    fn the_same_uri_under_three_policies_is_three_entries() {
        let mut patterns = index(&[("a.b", Match::Exact), ("a.b", Match::Prefix), ("a.b", Match::Wildcard)]);
        assert_eq!(matches(&patterns, "a.b").len(), 3);
        patterns.remove(b"a.b", Match::Prefix);
        assert_eq!(matches(&patterns, "a.b"), ["exact a.b", "wildcard a.b"]);
    }

    #[test]
    fn a_removed_prefix_uncovers_the_shorter_one() {
        let mut patterns = index(&[("a", Match::Prefix), ("a.b", Match::Prefix), ("a.c", Match::Prefix)]);
        assert_eq!(patterns.remove(b"a.b", Match::Prefix).as_deref(), Some("prefix a.b"));
        assert_eq!(matches(&patterns, "a.b.c"), ["prefix a"]);
        assert_eq!(patterns.remove(b"a.b", Match::Prefix), None);
        assert_eq!(matches(&patterns, "a.c.d"), ["prefix a.c", "prefix a"]);
    }

    #[test]
    fn nothing_is_left_when_all_was_removed() {
        let entries = [
            ("a", Match::Exact),
            ("a.", Match::Prefix),
            ("..", Match::Wildcard),
            ("a..", Match::Wildcard),
        ];
        let mut patterns = index(&entries);
        assert!(!patterns.is_empty());
        for (uri, policy) in entries {
            assert!(patterns.remove(uri.as_bytes(), policy).is_some());
        }
        assert!(patterns.is_empty());
    }

    #[test]
    fn a_visitor_that_has_enough_sees_no_more() {
        let patterns = index(&[("a", Match::Exact), ("a", Match::Prefix)]);
        let mut seen = 0;
        patterns.visit(b"a", |policy, _| {
            assert_eq!(policy, Match::Exact);
            seen += 1;
            Visit::Enough
        });
        assert_eq!(seen, 1);
    }
}
