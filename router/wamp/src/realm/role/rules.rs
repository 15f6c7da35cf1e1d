//! The rules of a role, and an index over them: what a role says to a URI costs the same however many rules it has.

use std::sync::Arc;

use ahash::RandomState;

use super::{Action, Actions, Consent, Permission, Rule};
use crate::message::Match;
use crate::pattern::{Patterns, Visit};

/// Rules, and what they come to.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    list: Vec<Rule>,
    index: Arc<Patterns<Ruling>>,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Rules {}

impl Rules {
    /// These rules; of those for the same URI or pattern the stricter counts.
    pub(super) fn new(list: Vec<Rule>) -> Self {
        // Nobody who may ask chooses what is in the table, so its key is no secret.
        let mut index = Patterns::<Ruling>::new(&RandomState::with_seeds(1, 2, 3, 4));
        for rule in &list {
            let ruling = Ruling::of(rule);
            if let Some(present) = index.get_mut(rule.uri.as_bytes(), rule.policy) {
                *present = present.stricter(ruling);
            } else {
                index.insert(rule.uri.clone(), rule.policy, ruling);
            }
        }
        Self {
            list,
            index: Arc::new(index),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.list.iter()
    }

    /// What they say to this URI.
    pub(super) fn decide(&self, uri: &[u8], action: Action) -> Option<Permission> {
        let mut longest = None;
        self.index.visit(uri, |_, ruling| {
            longest = Some(Ruling::longer(longest, *ruling));
            Visit::More
        });
        longest.and_then(|ruling| ruling.answer(action))
    }

    /// What they say to everything that a pattern can match.
    pub(super) fn decide_pattern(&self, pattern: &[u8], policy: Match, action: Action) -> Option<Permission> {
        let covering = self.list.iter().filter(|rule| rule.covers_pattern(pattern, policy));
        let longest = covering.fold(None, |longest, rule| Some(Ruling::longer(longest, Ruling::of(rule))));
        longest.and_then(|ruling| ruling.answer(action))
    }
}

/// What rules come to.
#[derive(Debug, Clone, Copy)]
struct Ruling {
    /// How long their pattern is, in bytes: the longest decides.
    length: usize,
    allow: Actions,
    permission: Permission,
}

impl Ruling {
    fn of(rule: &Rule) -> Self {
        Self {
            length: rule.uri.as_bytes().len(),
            allow: rule.allow,
            permission: rule.permission(),
        }
    }

    fn longer(longest: Option<Self>, other: Self) -> Self {
        match longest {
            Some(longest) if longest.length > other.length => longest,
            Some(longest) if longest.length == other.length => longest.stricter(other),
            _ => other,
        }
    }

    /// Of two that are as long: what one denies is denied, and if one wants consent there is none without.
    fn stricter(self, other: Self) -> Self {
        let permission = if self.permission.consent == Consent::Ask {
            self.permission
        } else {
            other.permission
        };
        Self {
            length: self.length,
            allow: self.allow.and(other.allow),
            permission,
        }
    }

    fn answer(self, action: Action) -> Option<Permission> {
        self.allow.contains(action).then_some(self.permission)
    }
}
