//! What operators do with values, and how values look as text.

use std::cmp::Ordering;

use wamp::value::Value;

use super::Trouble;
use super::parse::Arithmetic;

/// A number as whole as it came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::UInt(number) => Some(Self::Whole(i128::from(*number))),
            Value::Int(number) => Some(Self::Whole(i128::from(*number))),
            Value::Float(number) => Some(Self::Float(*number)),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Bytes(_) | Value::List(_) | Value::Dict(_) => None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub(super) const fn float(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// The value, if WAMP can carry it.
    pub(super) fn value(self) -> Result<Value, Trouble> {
        let value = match self {
            Self::Whole(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => Some(Value::UInt(number)),
                (_, Ok(number)) => Some(Value::Int(number)),
                _ => None,
            },
            Self::Float(number) => Some(Value::Float(number)).filter(|_| number.is_finite()),
        };
        value.ok_or_else(|| Trouble::wrong("the result is too large a number"))
    }
}

/// `+`, `-`, `*`, `/` and `%` of numbers. What is divided is no whole number any more, but a remainder is.
pub(super) fn arithmetic(operator: Arithmetic, left: &Value, right: &Value) -> Result<Value, Trouble> {
    let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) else {
        let kinds = (kind_of(left), kind_of(right));
        return Err(Trouble::wrong(format!(
            "{} and {} cannot be computed with",
            kinds.0, kinds.1
        )));
    };
    let is_by = matches!(operator, Arithmetic::Divided | Arithmetic::Remainder);
    if is_by && b.float() == 0.0 {
        return Err(Trouble::wrong("nothing can be divided by 0"));
    }
    let whole = match (a, b) {
        (Number::Whole(a), Number::Whole(b)) => match operator {
            Arithmetic::Plus => a.checked_add(b),
            Arithmetic::Minus => a.checked_sub(b),
            Arithmetic::Times => a.checked_mul(b),
            Arithmetic::Remainder => a.checked_rem_euclid(b),
            Arithmetic::Divided => None,
        },
        _ => None,
    };
    if let Some(whole) = whole {
        return Number::Whole(whole).value();
    }
    let (a, b) = (a.float(), b.float());
    let result = match operator {
        Arithmetic::Plus => a + b,
        Arithmetic::Minus => a - b,
        Arithmetic::Times => a * b,
        Arithmetic::Remainder => a.rem_euclid(b),
        Arithmetic::Divided => a / b,
    };
    Number::Float(result).value()
}

/// Which of two is greater. Only numbers and numbers, or texts and texts, have an order.
pub(super) fn compared(left: &Value, right: &Value) -> Result<Ordering, Trouble> {
    let order = match (left, right) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => match (Number::of(left), Number::of(right)) {
            (Some(Number::Whole(a)), Some(Number::Whole(b))) => Some(a.cmp(&b)),
            (Some(a), Some(b)) => a.float().partial_cmp(&b.float()),
            _ => None,
        },
    };
    let sentence = || format!("{} and {} cannot be compared", kind_of(left), kind_of(right));
    order.ok_or_else(|| Trouble::wrong(sentence()))
}

/// Whether two are the same; 1 and 1.0 are.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (Number::of(left), Number::of(right)) {
        (Some(Number::Whole(a)), Some(Number::Whole(b))) => a == b,
        (Some(a), Some(b)) => a.float().partial_cmp(&b.float()) == Some(Ordering::Equal),
        _ => left == right,
    }
}

/// Whether one is in the other: a text in a text, a value in a list, a key in a dictionary.
pub(super) fn contains(whole: &Value, part: &Value) -> Result<bool, Trouble> {
    match (whole, part) {
        (Value::List(list), _) => Ok(list.iter().any(|item| equal(item, part))),
        (Value::Text(whole), Value::Text(part)) => Ok(whole.contains(part.as_str())),
        (Value::Dict(dict), Value::Text(key)) => Ok(dict.contains_key(key)),
        _ => {
            let kinds = (kind_of(part), kind_of(whole));
            Err(Trouble::wrong(format!("{} cannot be in {}", kinds.0, kinds.1)))
        }
    }
}

/// What a value is, for people.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::UInt(_) | Value::Int(_) | Value::Float(_) => "a number",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "a list",
        Value::Dict(_) => "a dictionary",
    }
}

/// A value as text: text as it is, numbers in digits, everything else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Float(number) => number.to_string(),
        Value::Null
        | Value::Bool(_)
        | Value::UInt(_)
        | Value::Int(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Dict(_) => json(value),
    }
}

/// A value as JSON; it has no number that JSON has not.
pub(super) fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| error.to_string())
}
