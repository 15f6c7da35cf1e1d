//! The arguments of a call, taken out one after the other, with errors that say what was expected.

use client::{Invocation, RequestError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::value::{Dict, Value};

use super::BAD_ARGUMENT;

/// What is left of a call's arguments.
#[derive(Debug)]
pub(crate) struct Arguments {
    args: std::vec::IntoIter<Value>,
    kwargs: Dict,
    position: usize,
}

impl Arguments {
    /// Takes the arguments out of a call.
    pub(crate) fn of(call: &mut Invocation) -> Self {
        let args = std::mem::take(&mut call.args).into_iter();
        Self {
            args,
            kwargs: std::mem::take(&mut call.kwargs),
            position: 0,
        }
    }

    /// The next positional argument, or the keyword argument of this name; null is as good as nothing.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.position += 1;
        let positional = self.args.next().filter(|value| *value != Value::Null);
        positional.or_else(|| self.keyword(name))
    }

    /// The keyword argument of this name.
    pub(crate) fn keyword(&mut self, name: &str) -> Option<Value> {
        self.kwargs.remove(name).filter(|value| *value != Value::Null)
    }

    /// Text that must be there.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, RequestError> {
        match self.take(name) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(self.wrong(name, "text")),
        }
    }

    /// A whole number that must be there.
    pub(crate) fn number(&mut self, name: &str) -> Result<u64, RequestError> {
        self.take(name)
            .and_then(|value| value.as_u64())
            .ok_or_else(|| self.wrong(name, "a whole number"))
    }

    /// A truth value that must be there.
    pub(crate) fn truth(&mut self, name: &str) -> Result<bool, RequestError> {
        self.take(name)
            .and_then(|value| value.as_bool())
            .ok_or_else(|| self.wrong(name, "true or false"))
    }

    /// A number, if it is there.
    pub(crate) fn optional_number(&mut self, name: &str) -> Result<Option<f64>, RequestError> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.wrong(name, "a number")),
        }
    }

    /// Whatever is there.
    pub(crate) fn any(&mut self, name: &str) -> Result<Value, RequestError> {
        self.take(name).ok_or_else(|| self.wrong(name, "given"))
    }

    /// Text among the keyword arguments, if it is there.
    pub(crate) fn text_keyword(&mut self, name: &str) -> Result<Option<String>, RequestError> {
        match self.keyword(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(bad(format!("the keyword argument {name} must be text"))),
        }
    }

    /// A whole number among the keyword arguments, if it is there.
    pub(crate) fn number_keyword(&mut self, name: &str) -> Result<Option<u64>, RequestError> {
        let Some(value) = self.keyword(name) else {
            return Ok(None);
        };
        let number = value.as_u64();
        number
            .map(Some)
            .ok_or_else(|| bad(format!("the keyword argument {name} must be a whole number")))
    }

    /// A switch among the keyword arguments; off when it is not there.
    pub(crate) fn switch(&mut self, name: &str) -> Result<bool, RequestError> {
        let Some(value) = self.keyword(name) else {
            return Ok(false);
        };
        value
            .as_bool()
            .ok_or_else(|| bad(format!("the keyword argument {name} must be true or false")))
    }

    /// A time that may be null, which must be there all the same.
    pub(crate) fn time(&mut self, name: &str) -> Result<Option<OffsetDateTime>, RequestError> {
        if self.args.len() == 0 && !self.kwargs.contains_key(name) {
            self.position += 1;
            return Err(self.wrong(name, "a time, or null"));
        }
        self.take(name).map(|value| time_of(name, &value)).transpose()
    }

    /// A time among the keyword arguments, if it is there.
    pub(crate) fn time_keyword(&mut self, name: &str) -> Result<Option<OffsetDateTime>, RequestError> {
        self.keyword(name).map(|value| time_of(name, &value)).transpose()
    }

    /// The keyword arguments that are left.
    pub(crate) fn rest(mut self) -> Result<Dict, RequestError> {
        let rest = std::mem::take(&mut self.kwargs);
        self.end().map(|()| rest)
    }

    /// Refuses what is left over.
    pub(crate) fn end(mut self) -> Result<(), RequestError> {
        if self.args.next().is_some() {
            return Err(bad(format!("at most {} arguments are taken", self.position)));
        }
        match self.kwargs.keys().next() {
            Some(key) => Err(bad(format!("there is no keyword argument {key}"))),
            None => Ok(()),
        }
    }

    fn wrong(&self, name: &str, expected: &str) -> RequestError {
        bad(format!("argument {} ({name}) must be {expected}", self.position))
    }
}

/// A time as text.
pub(crate) fn time_of(name: &str, value: &Value) -> Result<OffsetDateTime, RequestError> {
    let time = value
        .as_str()
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    time.ok_or_else(|| bad(format!("{name} must be a time like 2027-01-31T12:00:00Z")))
}

/// The error for arguments that are not those of the procedure.
pub(crate) fn bad(sentence: impl Into<String>) -> RequestError {
    RequestError::new(BAD_ARGUMENT, sentence.into())
}
