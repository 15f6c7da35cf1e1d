//! What a procedure is given: arguments checked with errors that say what was expected.
//!
//! It knows no procedure and no machine.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use client::{Invocation, Value};

use crate::refusal::Refusal;

/// Positional and keyword arguments of one call, taken out one after the other;
/// what is left at the end was not expected.
#[derive(Debug, Default)]
pub struct Arguments {
    args: std::vec::IntoIter<Value>,
    kwargs: BTreeMap<String, Value>,
    taken: usize,
}

impl Arguments {
    /// The arguments of a call as they came.
    #[must_use]
    pub fn new(args: Vec<Value>, kwargs: BTreeMap<String, Value>) -> Self {
        Self {
            args: args.into_iter(),
            kwargs,
            taken: 0,
        }
    }

    /// Takes the arguments out of a call.
    #[must_use]
    pub fn of(call: &mut Invocation) -> Self {
        Self::new(std::mem::take(&mut call.args), std::mem::take(&mut call.kwargs))
    }

    /// The next positional argument, or the keyword argument of its name. A null
    /// counts as left out, since positions cannot be skipped.
    fn next(&mut self, key: &str) -> Option<Value> {
        self.taken += 1;
        let positional = self.args.next().filter(|value| *value != Value::Null);
        positional.or_else(|| self.keyword(key))
    }

    /// A keyword argument as it came, if it is given.
    pub fn keyword(&mut self, key: &str) -> Option<Value> {
        self.kwargs.remove(key).filter(|value| *value != Value::Null)
    }

    /// Whatever it is, it has to be there, as a null at least.
    ///
    /// # Errors
    /// When it is missing.
    pub fn any_or_null(&mut self, key: &str, expected: &str) -> Result<Option<Value>, Refusal> {
        let is_there = self.args.len() > 0 || self.kwargs.contains_key(key);
        let value = self.next(key);
        is_there.then_some(value).ok_or_else(|| self.wrong(key, expected, None))
    }

    /// A number, which has to be there.
    ///
    /// # Errors
    /// When it is missing or not a finite number.
    pub fn number(&mut self, key: &str) -> Result<f64, Refusal> {
        let number = self.optional_number(key)?;
        number.ok_or_else(|| self.wrong(key, A_NUMBER, None))
    }

    /// A number, if one is given.
    ///
    /// # Errors
    /// When it is not a finite number.
    pub fn optional_number(&mut self, key: &str) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.next(key) else {
            return Ok(None);
        };
        let number = value.as_f64().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| self.wrong(key, A_NUMBER, Some(&value)))
    }

    /// A whole number, which has to be there.
    ///
    /// # Errors
    /// When it is missing, no whole number or out of range.
    pub fn integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
        let value = self.next(key);
        let number = value.as_ref().and_then(Value::as_u64);
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.wrong(key, &whole_number(&range), value.as_ref()))
    }

    /// A number of percent, which has to be there.
    ///
    /// # Errors
    /// When it is missing or not a number.
    pub fn percent(&mut self) -> Result<f64, Refusal> {
        self.number("percent")
    }

    /// A text, which has to be there.
    ///
    /// # Errors
    /// When it is missing or not text.
    pub fn text(&mut self, key: &str) -> Result<String, Refusal> {
        match self.next(key) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(self.wrong(key, "text", other.as_ref())),
        }
    }

    /// A list, which has to be there.
    ///
    /// # Errors
    /// When it is missing or no list.
    pub fn list(&mut self, key: &str) -> Result<Vec<Value>, Refusal> {
        match self.next(key) {
            Some(Value::List(items)) => Ok(items),
            other => Err(self.wrong(key, "a list", other.as_ref())),
        }
    }

    /// A text, if one is given.
    ///
    /// # Errors
    /// When it is not text.
    pub fn optional_text(&mut self, key: &str, expected: &str) -> Result<Option<String>, Refusal> {
        match self.next(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, expected, Some(&other))),
        }
    }

    /// A display's id, if one is given.
    ///
    /// # Errors
    /// When it is not text.
    pub fn display(&mut self) -> Result<Option<String>, Refusal> {
        self.optional_text("display", "an id that brightness.displays lists")
    }

    /// Yes or no, which has to be there.
    ///
    /// # Errors
    /// When it is missing or neither `true` nor `false`.
    pub fn boolean(&mut self, key: &str) -> Result<bool, Refusal> {
        let value = self.next(key);
        let answer = value.as_ref().and_then(Value::as_bool);
        answer.ok_or_else(|| self.wrong(key, "true or false", value.as_ref()))
    }

    /// A keyword argument that is text, if it is given.
    ///
    /// # Errors
    /// When it is not text.
    pub fn keyword_text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        match self.keyword(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_keyword(key, "text", &other)),
        }
    }

    /// A keyword argument that is a whole number, if it is given.
    ///
    /// # Errors
    /// When it is no whole number or out of range.
    pub fn keyword_integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.keyword(key) else {
            return Ok(None);
        };
        let number = value.as_u64().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or_else(|| wrong_keyword(key, &whole_number(&range), &value))
    }

    /// A keyword argument that is yes or no; no when it is not given.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub fn switch(&mut self, key: &str) -> Result<bool, Refusal> {
        match self.keyword(key) {
            None => Ok(false),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| wrong_keyword(key, "true or false", &value)),
        }
    }

    /// What is left, as it came: for those who pass it on.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Value>, BTreeMap<String, Value>) {
        (self.args.collect(), self.kwargs)
    }

    /// The keyword arguments that are left.
    ///
    /// # Errors
    /// When there are more positional arguments than the procedure takes.
    pub fn rest(mut self) -> Result<BTreeMap<String, Value>, Refusal> {
        let rest = std::mem::take(&mut self.kwargs);
        self.end().map(|()| rest)
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    /// When there are more arguments than the procedure takes.
    pub fn end(mut self) -> Result<(), Refusal> {
        let expected = self.taken;
        if self.args.next().is_some() {
            let given = expected + 1 + self.args.len();
            return Err(Refusal::BadArgument(format!(
                "takes at most {expected} arguments, not {given}"
            )));
        }
        match self.kwargs.into_keys().next() {
            Some(key) => Err(Refusal::BadArgument(format!("takes no keyword argument {key:?}"))),
            None => Ok(()),
        }
    }

    fn wrong(&self, key: &str, expected: &str, found: Option<&Value>) -> Refusal {
        Refusal::BadArgument(format!(
            "argument {} ({key}) has to be {expected}, not {}",
            self.taken,
            name(found)
        ))
    }
}

/// What a number is called in errors.
const A_NUMBER: &str = "a number";

/// What a whole number within a range is called in errors.
fn whole_number(range: &RangeInclusive<u64>) -> String {
    if *range == (0..=u64::MAX) {
        return "a whole number".to_owned();
    }
    format!("a whole number of {} to {}", range.start(), range.end())
}

/// Why a keyword argument is not taken.
fn wrong_keyword(key: &str, expected: &str, found: &Value) -> Refusal {
    Refusal::BadArgument(format!(
        "the keyword argument {key} has to be {expected}, not {}",
        name(Some(found))
    ))
}

/// What a value is, without its content: arguments do not go back or into logs.
fn name(value: Option<&Value>) -> &'static str {
    match value {
        None => "missing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a truth value",
        Some(Value::UInt(_) | Value::Int(_)) => "such an integer",
        Some(Value::Float(_)) => "such a number",
        Some(Value::Text(_)) => "text",
        Some(Value::Bytes(_)) => "bytes",
        Some(Value::List(_)) => "a list",
        Some(Value::Dict(_)) => "a dictionary",
    }
}

#[cfg(test)]
mod tests;
