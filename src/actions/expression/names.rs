//! Which names an expression cannot do without, and what inside them.

use std::collections::BTreeSet;

use wamp::value::Value;

use super::filter::Filter;
use super::parse::Node;

/// The names that have to be there, but for those of which it says by `is defined` or `default` what is done without them.
pub(super) fn needed(root: &Node) -> BTreeSet<&str> {
    let Found { names, .. } = Found::of(root);
    &names.used - &names.optional
}

/// The same of what is inside a name: the name, and the key.
pub(super) fn needed_inside(root: &Node) -> BTreeSet<(&str, &str)> {
    let Found { members, .. } = Found::of(root);
    &members.used - &members.optional
}

#[derive(Debug)]
struct Uses<T> {
    used: BTreeSet<T>,
    optional: BTreeSet<T>,
}

impl<T: Ord> Uses<T> {
    const fn new() -> Self {
        Self {
            used: BTreeSet::new(),
            optional: BTreeSet::new(),
        }
    }

    fn add(&mut self, one: T, may_be_missing: bool) {
        let uses = if may_be_missing {
            &mut self.optional
        } else {
            &mut self.used
        };
        uses.insert(one);
    }
}

#[derive(Debug)]
struct Found<'a> {
    names: Uses<&'a str>,
    members: Uses<(&'a str, &'a str)>,
}

impl<'a> Found<'a> {
    fn of(root: &'a Node) -> Self {
        let mut found = Self {
            names: Uses::new(),
            members: Uses::new(),
        };
        found.look(root, false);
        found
    }

    /// What is missing anywhere below `is defined` and `default` is missing for these.
    fn look(&mut self, node: &'a Node, may_be_missing: bool) {
        if let Some(member) = member(node) {
            self.members.add(member, may_be_missing);
        }
        let mut look = |node: &'a Node| self.look(node, may_be_missing);
        match node {
            Node::Value(_) => {}
            Node::Name(name) => self.names.add(name, may_be_missing),
            Node::Member(inside, _) | Node::Not(inside) | Node::Minus(inside) => look(inside),
            Node::Defined(inside) => self.look(inside, true),
            Node::Item(left, right) | Node::Binary(_, left, right) => {
                look(left);
                look(right);
            }
            Node::List(items) => items.iter().for_each(look),
            Node::Choice(condition, then, other) => {
                look(condition);
                look(then);
                look(other);
            }
            Node::Filter(filter, inside, arguments) => {
                arguments.iter().for_each(look);
                self.look(inside, may_be_missing || *filter == Filter::Default);
            }
        }
    }
}

/// What a node takes from inside a name, if it does: `now.hour`, or `now['hour']`.
fn member(node: &Node) -> Option<(&str, &str)> {
    let (inside, key) = if let Node::Member(inside, key) = node {
        (inside, key)
    } else if let Node::Item(inside, key) = node
        && let Node::Value(Value::Text(key)) = &**key
    {
        (inside, key)
    } else {
        return None;
    };
    let Node::Name(name) = &**inside else { return None };
    Some((name, key))
}
