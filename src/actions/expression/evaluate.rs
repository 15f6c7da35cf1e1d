//! From a tree to its value.

use std::borrow::Cow;

use wamp::value::{Dict, Value};

use super::compute::{arithmetic, compared, contains, equal, kind_of, shown};
use super::filter::Filter;
use super::parse::{Arithmetic, Node, Operator};
use super::{MAX_OUTPUT, Trouble};

/// One evaluation: what is there, and how many bytes may still be built.
pub(super) struct Evaluation<'a> {
    scope: &'a Dict,
    room: usize,
}

type Found<'a> = Result<Cow<'a, Value>, Trouble>;

impl<'a> Evaluation<'a> {
    pub(super) const fn new(scope: &'a Dict) -> Self {
        Self {
            scope,
            room: MAX_OUTPUT,
        }
    }

    /// Takes so many bytes of what may be built.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Trouble> {
        match self.room.checked_sub(bytes) {
            Some(left) => {
                self.room = left;
                Ok(())
            }
            None => Err(Trouble::wrong(format!(
                "the result would have more than {MAX_OUTPUT} bytes"
            ))),
        }
    }

    /// The text of a value, counted.
    pub(super) fn text(&mut self, value: &Value) -> Result<String, Trouble> {
        let text = shown(value);
        self.take(text.len())?;
        Ok(text)
    }

    pub(super) fn value(&mut self, node: &'a Node) -> Found<'a> {
        match node {
            Node::Value(value) => Ok(Cow::Borrowed(value)),
            Node::Name(name) => {
                let found = self.scope.get(name).map(Cow::Borrowed);
                found.ok_or_else(|| Trouble::Missing(format!("`{name}`")))
            }
            Node::Member(inside, name) => {
                let whole = self.value(inside)?;
                reached(whole, &Value::Text(name.clone()))
            }
            Node::Item(inside, key) => {
                let whole = self.value(inside)?;
                let key = self.value(key)?;
                reached(whole, &key)
            }
            Node::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    let item = self.value(item)?.into_owned();
                    self.take(size(&item))?;
                    list.push(item);
                }
                Ok(Cow::Owned(Value::List(list)))
            }
            Node::Not(inside) => Ok(truth(!self.holds(inside)?)),
            Node::Minus(inside) => {
                let value = self.value(inside)?;
                arithmetic(Arithmetic::Minus, &Value::UInt(0), &value).map(Cow::Owned)
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right),
            Node::Choice(condition, then, other) => {
                let chosen = if self.holds(condition)? { then } else { other };
                self.value(chosen)
            }
            Node::Defined(inside) => match self.value(inside) {
                Ok(_) => Ok(truth(true)),
                Err(Trouble::Missing(_)) => Ok(truth(false)),
                Err(wrong) => Err(wrong),
            },
            Node::Filter(filter, inside, arguments) => self.filtered(*filter, inside, arguments),
        }
    }

    fn filtered(&mut self, filter: Filter, inside: &'a Node, arguments: &'a [Node]) -> Found<'a> {
        let value = match self.value(inside) {
            Err(Trouble::Missing(_)) if filter == Filter::Default => Cow::Owned(Value::Null),
            found => found?,
        };
        if filter == Filter::Default {
            return match (&*value, arguments.first()) {
                (Value::Null, Some(other)) => self.value(other),
                _ => Ok(value),
            };
        }
        let mut given = Vec::with_capacity(arguments.len());
        for argument in arguments {
            given.push(self.value(argument)?);
        }
        filter.apply(self, &value, &given).map(Cow::Owned)
    }

    fn holds(&mut self, node: &'a Node) -> Result<bool, Trouble> {
        let value = self.value(node)?;
        let wrong = || Trouble::wrong(format!("{} is no truth; compare it with something", kind_of(&value)));
        value.as_bool().ok_or_else(wrong)
    }

    fn binary(&mut self, operator: Operator, left: &'a Node, right: &'a Node) -> Found<'a> {
        if operator == Operator::Or {
            return Ok(truth(self.holds(left)? || self.holds(right)?));
        }
        if operator == Operator::And {
            return Ok(truth(self.holds(left)? && self.holds(right)?));
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        let is_so = |truth_of: bool| Ok(truth(truth_of));
        match operator {
            Operator::Equal => is_so(equal(&left, &right)),
            Operator::Unequal => is_so(!equal(&left, &right)),
            Operator::Less => is_so(compared(&left, &right)?.is_lt()),
            Operator::AtMost => is_so(compared(&left, &right)?.is_le()),
            Operator::Greater => is_so(compared(&left, &right)?.is_gt()),
            Operator::AtLeast => is_so(compared(&left, &right)?.is_ge()),
            Operator::In => is_so(contains(&right, &left)?),
            Operator::Joined => self.joined(&left, &right),
            Operator::Computed(Arithmetic::Plus) if are_texts(&left, &right) => self.joined(&left, &right),
            Operator::Computed(how) => arithmetic(how, &left, &right).map(Cow::Owned),
            Operator::Or | Operator::And => unreachable!("they have been answered above"),
        }
    }

    fn joined(&mut self, left: &Value, right: &Value) -> Found<'a> {
        let mut text = self.text(left)?;
        text.push_str(&self.text(right)?);
        Ok(Cow::Owned(Value::Text(text)))
    }
}

const fn are_texts(left: &Value, right: &Value) -> bool {
    matches!((left, right), (Value::Text(_), Value::Text(_)))
}

const fn truth<'a>(truth: bool) -> Cow<'a, Value> {
    Cow::Owned(Value::Bool(truth))
}

/// What is inside a value under a key; of a list the item of this number, a negative one from its end.
fn reached<'a>(whole: Cow<'a, Value>, key: &Value) -> Found<'a> {
    let missing = || Trouble::Missing(format!("`{}` in {}", shown(key), kind_of(&whole)));
    let at = match (&*whole, key) {
        (Value::List(list), _) => {
            let index = key.as_i64().ok_or_else(missing)?;
            let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
            let index = if index < 0 { index + length } else { index };
            let index = usize::try_from(index).ok().filter(|index| *index < list.len());
            Err(index.ok_or_else(missing)?)
        }
        (Value::Dict(dict), Value::Text(key)) if dict.contains_key(key) => Ok(key.clone()),
        _ => return Err(missing()),
    };
    let take = |value: &'a Value| match (value, &at) {
        (Value::List(list), Err(index)) => list.get(*index),
        (Value::Dict(dict), Ok(key)) => dict.get(key),
        _ => None,
    };
    let found = match whole {
        Cow::Borrowed(value) => take(value).map(Cow::Borrowed),
        Cow::Owned(Value::List(mut list)) => at.err().map(|index| Cow::Owned(list.swap_remove(index))),
        Cow::Owned(Value::Dict(mut dict)) => at.ok().and_then(|key| dict.remove(&key)).map(Cow::Owned),
        Cow::Owned(_) => None,
    };
    found.ok_or_else(|| Trouble::Missing(format!("`{}`", shown(key))))
}

/// About how many bytes a value takes.
pub(in crate::actions) fn size(value: &Value) -> usize {
    const EACH: usize = 8;
    EACH + match value {
        Value::Null | Value::Bool(_) | Value::UInt(_) | Value::Int(_) | Value::Float(_) => 0,
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.iter().map(size).sum(),
        Value::Dict(dict) => dict.iter().map(|(key, value)| EACH + key.len() + size(value)).sum(),
    }
}
