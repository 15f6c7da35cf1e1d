//! Results in the shapes that the tables promise.

use std::time::Duration;

use client::Value;

/// A text, or null where there is none.
pub(crate) fn text_or_null(text: &str) -> Value {
    Value::from((!text.is_empty()).then_some(text))
}

/// A time in seconds, or null where it is not known.
pub(crate) fn seconds(time: Option<Duration>) -> Value {
    Value::from(time.map(|time| time.as_secs_f64()))
}
