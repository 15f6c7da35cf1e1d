//! Expressions over what triggered an action: `value > 1500 and kwargs.unit == "W"`, in the words of Jinja.
//!
//! What they read comes from others on the network, so an expression can do nothing but compute: no loops, no definitions, at
//! most [`MAX_NODES`] steps, and results of at most [`MAX_OUTPUT`] bytes. Values are those of WAMP, and are never converted
//! silently: `"unavailable" > 1500` is an error and no truth.

mod compute;
mod evaluate;
mod filter;
mod names;
mod parse;
#[cfg(test)]
mod tests;
mod token;

use wamp::value::{Dict, Value};

use self::compute::kind_of;
pub(super) use self::compute::shown;
pub(super) use self::evaluate::size;
use self::parse::{Node, Parser};

/// The longest text of an expression or a template in bytes: a screen full of it.
pub const MAX_SOURCE: usize = 4_096;

/// Operators, values and filters of one expression. Each is a level of the stack at worst.
pub const MAX_NODES: usize = 256;

/// Bytes that one evaluation may build: more than a notification or a request to a plug has ever needed.
pub const MAX_OUTPUT: usize = 64 << 10;

/// What an expression can speak of. Which of them are there depends on what triggered the action.
pub const NAMES: [&str; 13] = [
    "action",
    "args",
    "device",
    "kwargs",
    "now",
    "present",
    "publisher",
    "reading",
    "result",
    "results",
    "topic",
    "trigger",
    "value",
];

/// An expression that has been read.
#[derive(Debug, Clone)]
pub struct Expression {
    source: String,
    root: Node,
}

/// The text says it all.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Something is not there.
    #[error("there is no {0} here")]
    Missing(String),
    /// Something is not what it must be.
    #[error("{0}")]
    Wrong(String),
}

impl Trouble {
    fn wrong(sentence: impl Into<String>) -> Self {
        Self::Wrong(sentence.into())
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// With a sentence that says what is wrong, and near what.
    pub fn parse(source: &str) -> Result<Self, String> {
        check_length(source)?;
        let mut parser = Parser::new(source)?;
        let root = parser.whole()?;
        Ok(Self {
            source: source.to_owned(),
            root,
        })
    }

    /// Reads one that ends with `}}`, and says where the text behind that begins.
    pub(super) fn parse_in_braces(source: &str) -> Result<(Self, usize), String> {
        let (mut parser, end) = Parser::in_braces(source)?;
        let root = parser.whole()?;
        let inner = source.get(..end).unwrap_or_default();
        let source = inner.trim().to_owned();
        Ok((Self { source, root }, end + "}}".len()))
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names that it cannot do without: not those of which it says what is done when they are missing.
    #[must_use]
    pub fn names(&self) -> std::collections::BTreeSet<&str> {
        names::needed(&self.root)
    }

    /// The keys inside names that it cannot do without, likewise: the name, and the key.
    #[must_use]
    pub fn members(&self) -> std::collections::BTreeSet<(&str, &str)> {
        names::needed_inside(&self.root)
    }

    /// Its value among these.
    ///
    /// # Errors
    /// Something is not there, or not of the kind that it must be.
    pub fn value(&self, scope: &Dict) -> Result<Value, Trouble> {
        let mut evaluation = evaluate::Evaluation::new(scope);
        evaluation.value(&self.root).map(std::borrow::Cow::into_owned)
    }

    /// Whether it holds among these.
    ///
    /// # Errors
    /// As [`Expression::value`], and when the value is neither true nor false.
    pub fn holds(&self, scope: &Dict) -> Result<bool, Trouble> {
        let value = self.value(scope)?;
        value.as_bool().ok_or_else(|| {
            let sentence = format!("`{}` is {}, and not true or false", self.source, kind_of(&value));
            Trouble::wrong(sentence)
        })
    }
}

/// Whether a text may be an expression or a template at all.
pub(super) fn check_length(source: &str) -> Result<(), String> {
    if source.len() > MAX_SOURCE {
        return Err(format!("it has more than {MAX_SOURCE} bytes"));
    }
    Ok(())
}
