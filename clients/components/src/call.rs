//! What a procedure is given: arguments checked with
//! errors that say what was expected.
//!
//! It knows no procedure and no machine.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use client::Value;

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

    /// The next positional argument, or the keyword argument of its name. A null
    /// counts as left out, since positions cannot be skipped.
    fn next(&mut self, key: &str) -> Option<Value> {
        self.taken += 1;
        let positional = self.args.next().filter(|value| *value != Value::Null);
        positional.or_else(|| self.keyword(key))
    }

    fn keyword(&mut self, key: &str) -> Option<Value> {
        self.kwargs.remove(key).filter(|value| *value != Value::Null)
    }

    /// A number, which has to be there.
    ///
    /// # Errors
    /// When it is missing or not a finite number.
    pub fn number(&mut self, key: &str) -> Result<f64, Refusal> {
        let value = self.next(key);
        let number = value
            .as_ref()
            .and_then(Value::as_f64)
            .filter(|number| number.is_finite());
        number.ok_or_else(|| self.wrong(key, "a number", value.as_ref()))
    }

    /// A whole number, which has to be there.
    ///
    /// # Errors
    /// When it is missing, no whole number or out of range.
    pub fn integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
        let value = self.next(key);
        let number = value.as_ref().and_then(Value::as_u64);
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let expected = format!("a whole number of {} to {}", range.start(), range.end());
            self.wrong(key, &expected, value.as_ref())
        })
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
            Some(other) => Err(Refusal::BadArgument(format!(
                "the keyword argument {key} has to be text, not {}",
                name(Some(&other))
            ))),
        }
    }

    /// A keyword argument in milliseconds, if it is given.
    ///
    /// # Errors
    /// When it is not a whole number of 0 to `most`.
    pub fn milliseconds(&mut self, key: &str, most: u64) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.kwargs.remove(key) else {
            return Ok(None);
        };
        match value.as_u64().filter(|number| *number <= most) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::BadArgument(format!(
                "the keyword argument {key} has to be a whole number of 0 to {most}, not {}",
                name(Some(&value))
            ))),
        }
    }

    /// What is left, as it came: for those who pass it on.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Value>, BTreeMap<String, Value>) {
        (self.args.collect(), self.kwargs)
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
mod tests {
    use super::*;

    fn arguments(args: &[Value], kwargs: &[(&str, Value)]) -> Arguments {
        let kwargs = kwargs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        Arguments::new(args.to_vec(), kwargs)
    }

    fn sentence<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        let refusal = result.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
        refusal.to_string()
    }

    #[test]
    fn what_is_wrong_with_an_argument_is_said() {
        let text = Value::Text("bright".into());
        assert_eq!(
            sentence(arguments(&[], &[]).percent()),
            "argument 1 (percent) has to be a number, not missing"
        );
        assert_eq!(
            sentence(arguments(&[text], &[]).percent()),
            "argument 1 (percent) has to be a number, not text"
        );
        let nan = Value::Float(f64::NAN);
        assert_eq!(
            sentence(arguments(&[nan], &[]).percent()),
            "argument 1 (percent) has to be a number, not such a number"
        );
        let mut both = arguments(&[Value::UInt(5), Value::List(vec![])], &[]);
        assert_eq!(both.percent(), Ok(5.0));
        assert!(sentence(both.display()).starts_with("argument 2 (display) has to be an id"));
    }

    #[test]
    fn texts_and_truth_values_are_taken_as_such_and_nothing_else_as_them() {
        let mut given = arguments(
            &[Value::Text("lamp".into()), Value::Bool(true)],
            &[("body", Value::Text("long".into()))],
        );
        assert_eq!(given.text("line"), Ok("lamp".to_owned()));
        assert_eq!(given.boolean("value"), Ok(true));
        assert_eq!(given.keyword_text("body"), Ok(Some("long".to_owned())));
        assert_eq!(given.keyword_text("app"), Ok(None));
        assert_eq!(given.end(), Ok(()));
        let mut wrong = arguments(&[Value::UInt(1), Value::UInt(1)], &[("body", Value::Bool(true))]);
        assert_eq!(
            sentence(wrong.text("line")),
            "argument 1 (line) has to be text, not such an integer"
        );
        assert_eq!(
            sentence(wrong.boolean("value")),
            "argument 2 (value) has to be true or false, not such an integer"
        );
        assert_eq!(
            sentence(wrong.keyword_text("body")),
            "the keyword argument body has to be text, not a truth value"
        );
        assert!(sentence(arguments(&[], &[]).text("line")).ends_with("not missing"));
    }

    #[test]
    fn whole_numbers_are_taken_within_their_range_and_not_past_it() {
        let given = |value| arguments(&[value], &[]).integer("pin", 1..=40);
        assert_eq!((given(Value::UInt(1)), given(Value::UInt(40))), (Ok(1), Ok(40)));
        assert_eq!(
            sentence(given(Value::UInt(41))),
            "argument 1 (pin) has to be a whole number of 1 to 40, not such an integer"
        );
        assert!(sentence(given(Value::UInt(0))).contains("1 to 40"));
        assert!(sentence(given(Value::Float(1.5))).contains("1 to 40"));
        assert!(sentence(given(Value::Null)).ends_with("not missing"));
    }

    #[test]
    fn what_is_left_over_is_refused() {
        assert_eq!(arguments(&[], &[]).end(), Ok(()));
        assert_eq!(
            sentence(arguments(&[Value::Null, Value::Null, Value::Null], &[]).end()),
            "takes at most 0 arguments, not 3"
        );
        let mut one = arguments(&[Value::UInt(5), Value::UInt(6)], &[]);
        one.percent().unwrap();
        assert_eq!(sentence(one.end()), "takes at most 1 arguments, not 2");
        let surplus = arguments(&[], &[("until", Value::UInt(1))]);
        assert_eq!(sentence(surplus.end()), "takes no keyword argument \"until\"");
    }

    #[test]
    fn a_null_for_a_display_is_no_display() {
        let mut null = arguments(&[Value::Null], &[]);
        assert_eq!(null.display(), Ok(None));
        assert_eq!(null.end(), Ok(()));
    }

    #[test]
    fn an_argument_may_also_come_by_its_name() {
        let mut named = arguments(
            &[],
            &[("display", Value::Text("panel".into())), ("percent", Value::UInt(7))],
        );
        assert_eq!(named.percent(), Ok(7.0));
        assert_eq!(named.display(), Ok(Some("panel".into())));
        assert_eq!(named.end(), Ok(()));
        let mut twice = arguments(&[Value::UInt(7)], &[("percent", Value::UInt(8))]);
        twice.percent().unwrap();
        assert_eq!(sentence(twice.end()), "takes no keyword argument \"percent\"");
    }

    #[test]
    fn milliseconds_are_taken_up_to_the_limit_and_not_past_it() {
        let given = |value| arguments(&[], &[("duration_ms", value)]).milliseconds("duration_ms", 60_000);
        assert_eq!(given(Value::UInt(60_000)), Ok(Some(60_000)));
        assert_eq!(given(Value::Float(250.0)), Ok(Some(250)));
        assert!(sentence(given(Value::UInt(60_001))).contains("0 to 60000"));
        assert!(sentence(given(Value::Int(-1))).contains("0 to 60000"));
        assert!(sentence(given(Value::Text("1 s".into()))).contains("not text"));
    }
}
