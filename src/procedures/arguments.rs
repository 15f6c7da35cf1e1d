//! What the arguments of the daemon's own procedures have beside those of the desktop's functions: times.

use client::RequestError;
pub(crate) use components::Arguments;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::value::Value;

use super::BAD_ARGUMENT;

/// A time that may be null, which must be there all the same.
pub(crate) fn time_or_null(arguments: &mut Arguments, key: &str) -> Result<Option<OffsetDateTime>, RequestError> {
    let value = arguments.any_or_null(key, "a time, or null")?;
    value.map(|value| time_of(key, &value)).transpose()
}

/// A time among the keyword arguments, if it is there.
pub(crate) fn keyword_time(arguments: &mut Arguments, key: &str) -> Result<Option<OffsetDateTime>, RequestError> {
    arguments.keyword(key).map(|value| time_of(key, &value)).transpose()
}

/// A time as text.
pub(crate) fn time_of(name: &str, value: &Value) -> Result<OffsetDateTime, RequestError> {
    let time = value
        .as_str()
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    time.ok_or_else(|| bad(format!("{name} has to be a time like 2027-01-31T12:00:00Z")))
}

/// The error for arguments that are not those of the procedure.
pub(crate) fn bad(sentence: impl Into<String>) -> RequestError {
    RequestError::new(BAD_ARGUMENT, sentence.into())
}
