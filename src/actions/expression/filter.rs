//! The filters: `value | round(1)`.

use std::borrow::Cow;
use std::cmp::Ordering;

use wamp::value::Value;

use super::Trouble;
use super::compute::{Number, compared, json, kind_of, shown};
use super::evaluate::Evaluation;

/// A filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Abs,
    Default,
    EndsWith,
    First,
    Float,
    Int,
    Join,
    Json,
    Last,
    Length,
    Lower,
    Max,
    Min,
    Replace,
    Round,
    StartsWith,
    Text,
    Trim,
    Upper,
}

/// Each with its names and how many arguments it takes: at least, at most.
const FILTERS: [(&[&str], Filter, usize, usize); 19] = [
    (&["abs"], Filter::Abs, 0, 0),
    (&["default", "d"], Filter::Default, 1, 1),
    (&["endswith"], Filter::EndsWith, 1, 1),
    (&["first"], Filter::First, 0, 0),
    (&["float"], Filter::Float, 0, 0),
    (&["int"], Filter::Int, 0, 0),
    (&["join"], Filter::Join, 0, 1),
    (&["tojson"], Filter::Json, 0, 0),
    (&["last"], Filter::Last, 0, 0),
    (&["length", "count"], Filter::Length, 0, 0),
    (&["lower"], Filter::Lower, 0, 0),
    (&["max"], Filter::Max, 0, 0),
    (&["min"], Filter::Min, 0, 0),
    (&["replace"], Filter::Replace, 2, 2),
    (&["round"], Filter::Round, 0, 1),
    (&["startswith"], Filter::StartsWith, 1, 1),
    (&["string"], Filter::Text, 0, 0),
    (&["trim"], Filter::Trim, 0, 0),
    (&["upper"], Filter::Upper, 0, 0),
];

/// Digits behind the point that a number can be rounded to; a float has no more.
const MAX_DIGITS: u64 = 15;

/// The filter of this name.
pub(super) fn find(name: &str) -> Result<Filter, String> {
    let found = FILTERS.iter().find(|(names, ..)| names.contains(&name));
    found.map(|(_, filter, ..)| *filter).ok_or_else(|| {
        let names: Vec<_> = FILTERS.iter().map(|(names, ..)| names[0]).collect();
        format!("there is no filter `{name}`; there are {}", names.join(", "))
    })
}

impl Filter {
    fn row(self) -> (&'static str, usize, usize) {
        let row = FILTERS.iter().find(|(_, filter, ..)| *filter == self);
        row.map_or(("", 0, 0), |(names, _, least, most)| (names[0], *least, *most))
    }

    /// Whether it takes so many arguments.
    pub(super) fn check(self, count: usize) -> Result<(), String> {
        let (name, least, most) = self.row();
        if (least..=most).contains(&count) {
            return Ok(());
        }
        Err(match most {
            0 => format!("the filter `{name}` takes no arguments"),
            _ if least == most => format!("the filter `{name}` takes {most} arguments, not {count}"),
            _ => format!("the filter `{name}` takes {least} to {most} arguments, not {count}"),
        })
    }

    pub(super) fn apply(
        self,
        evaluation: &mut Evaluation<'_>,
        value: &Value,
        given: &[Cow<'_, Value>],
    ) -> Result<Value, Trouble> {
        let first = given.first().map(|value| &**value);
        match self {
            Self::Abs => match self.number(value)? {
                Number::Whole(number) => Number::Whole(number.abs()).value(),
                Number::Float(number) => Number::Float(number.abs()).value(),
            },
            Self::Default => Ok(value.clone()),
            Self::Float => self
                .read_number(value)
                .map(Number::float)
                .and_then(|it| Number::Float(it).value()),
            Self::Int => whole(self.read_number(value)?),
            Self::Round => self.round(value, first),
            Self::First | Self::Last => self.end_of(evaluation, value),
            Self::Max | Self::Min => self.extreme(evaluation, value),
            Self::Length => self.length(value),
            Self::StartsWith => Ok(self.text(value)?.starts_with(self.argument(first)?).into()),
            Self::EndsWith => Ok(self.text(value)?.ends_with(self.argument(first)?).into()),
            Self::Join => self.join(evaluation, value, first),
            Self::Replace => self.replace(evaluation, value, given),
            Self::Json => built(evaluation, json(value)),
            Self::Text => built(evaluation, shown(value)),
            Self::Lower => built(evaluation, self.text(value)?.to_lowercase()),
            Self::Upper => built(evaluation, self.text(value)?.to_uppercase()),
            Self::Trim => built(evaluation, self.text(value)?.trim().to_owned()),
        }
    }

    fn wrong(self, value: &Value, wanted: &str) -> Trouble {
        let name = self.row().0;
        Trouble::wrong(format!(
            "the filter `{name}` needs {wanted}, and this is {}",
            kind_of(value)
        ))
    }

    fn text(self, value: &Value) -> Result<&str, Trouble> {
        value.as_str().ok_or_else(|| self.wrong(value, "a text"))
    }

    fn argument(self, value: Option<&Value>) -> Result<&str, Trouble> {
        let value = value.unwrap_or(&Value::Null);
        value
            .as_str()
            .ok_or_else(|| self.wrong(value, "a text as its argument"))
    }

    fn number(self, value: &Value) -> Result<Number, Trouble> {
        Number::of(value).ok_or_else(|| self.wrong(value, "a number"))
    }

    fn list(self, value: &Value) -> Result<&[Value], Trouble> {
        value.as_list().ok_or_else(|| self.wrong(value, "a list"))
    }

    /// A number, or the one that a text says.
    fn read_number(self, value: &Value) -> Result<Number, Trouble> {
        let Value::Text(text) = value else {
            return self.number(value);
        };
        let text = text.trim();
        let whole = text.parse::<i64>().ok().map(|number| Number::Whole(number.into()));
        let float = || {
            text.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(Number::Float)
        };
        let says_none = || Trouble::wrong(format!("the filter `{}` finds no number in this text", self.row().0));
        whole.or_else(float).ok_or_else(says_none)
    }

    fn round(self, value: &Value, digits: Option<&Value>) -> Result<Value, Trouble> {
        let digits = match digits {
            None => 0,
            Some(digits) => digits
                .as_u64()
                .filter(|digits| *digits <= MAX_DIGITS)
                .ok_or_else(|| self.wrong(digits, "a whole number of digits up to 15"))?,
        };
        match self.number(value)? {
            whole @ Number::Whole(_) => whole.value(),
            Number::Float(number) if digits == 0 => whole(Number::Float(number.round())),
            Number::Float(number) => {
                let scale = (0..digits).fold(1.0, |scale: f64, _| scale * 10.0);
                let rounded = (number * scale).round() / scale;
                // A number so large has no digits behind the point.
                Number::Float(if rounded.is_finite() { rounded } else { number }).value()
            }
        }
    }

    fn end_of(self, evaluation: &mut Evaluation<'_>, value: &Value) -> Result<Value, Trouble> {
        let list = self.list(value)?;
        let found = if self == Self::First { list.first() } else { list.last() };
        let found = found.ok_or_else(|| Trouble::Missing("item in an empty list".to_owned()))?;
        evaluation.take(super::evaluate::size(found))?;
        Ok(found.clone())
    }

    fn extreme(self, evaluation: &mut Evaluation<'_>, value: &Value) -> Result<Value, Trouble> {
        let wanted = if self == Self::Max {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        let mut items = self.list(value)?.iter();
        let first = items.next();
        let mut best = first.ok_or_else(|| Trouble::Missing("item in an empty list".to_owned()))?;
        for item in items {
            if compared(item, best)? == wanted {
                best = item;
            }
        }
        evaluation.take(super::evaluate::size(best))?;
        Ok(best.clone())
    }

    fn length(self, value: &Value) -> Result<Value, Trouble> {
        let length = match value {
            Value::Text(text) => text.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Dict(dict) => dict.len(),
            Value::Null | Value::Bool(_) | Value::UInt(_) | Value::Int(_) | Value::Float(_) => {
                return Err(self.wrong(value, "a text, a list or a dictionary"));
            }
        };
        Ok(Value::from(length as u64))
    }

    fn join(self, evaluation: &mut Evaluation<'_>, value: &Value, between: Option<&Value>) -> Result<Value, Trouble> {
        let between = match between {
            None => "",
            Some(_) => self.argument(between)?,
        };
        let mut text = String::new();
        for (index, item) in self.list(value)?.iter().enumerate() {
            if index > 0 {
                evaluation.take(between.len())?;
                text.push_str(between);
            }
            text.push_str(&evaluation.text(item)?);
        }
        Ok(Value::Text(text))
    }

    fn replace(
        self,
        evaluation: &mut Evaluation<'_>,
        value: &Value,
        given: &[Cow<'_, Value>],
    ) -> Result<Value, Trouble> {
        let text = self.text(value)?;
        let from = self.argument(given.first().map(|value| &**value))?;
        let to = self.argument(given.get(1).map(|value| &**value))?;
        // Before it is built: every place may grow.
        let count = text.matches(from).count();
        evaluation.take(text.len().saturating_add(count.saturating_mul(to.len())))?;
        Ok(Value::Text(text.replace(from, to)))
    }
}

fn built(evaluation: &mut Evaluation<'_>, text: String) -> Result<Value, Trouble> {
    evaluation.take(text.len())?;
    Ok(Value::Text(text))
}

/// A number without its fraction.
#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be in range; the fraction is what is to go"
)]
fn whole(number: Number) -> Result<Value, Trouble> {
    /// Up to here every whole number is a float.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    match number {
        Number::Whole(_) => number.value(),
        Number::Float(float) if float.abs() <= LARGEST => Number::Whole(float.trunc() as i128).value(),
        Number::Float(_) => Err(Trouble::wrong("this number is too large to be a whole one")),
    }
}
