//! Which names an expression cannot do without.

use std::collections::BTreeSet;

use super::filter::Filter;
use super::parse::Node;

/// The names that have to be there, but for those of which it says by `is defined` or `default` what is done without them.
pub(super) fn needed(root: &Node) -> BTreeSet<&str> {
    let mut found = Found::default();
    found.look(root, false);
    &found.used - &found.optional
}

#[derive(Debug, Default)]
struct Found<'a> {
    used: BTreeSet<&'a str>,
    optional: BTreeSet<&'a str>,
}

impl<'a> Found<'a> {
    /// What is missing anywhere below `is defined` and `default` is missing for these.
    fn look(&mut self, node: &'a Node, may_be_missing: bool) {
        let mut look = |node: &'a Node| self.look(node, may_be_missing);
        match node {
            Node::Value(_) => {}
            Node::Name(name) => {
                let names = if may_be_missing {
                    &mut self.optional
                } else {
                    &mut self.used
                };
                names.insert(name);
            }
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
