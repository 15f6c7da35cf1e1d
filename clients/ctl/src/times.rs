//! Times as they are typed: RFC 3339, or a span like `90m`, `2h` or `30d` counted from now.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest span that can be typed: ten years, past which a device or grant is for ever.
const MAX_SPAN: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// A span: digits and one of `s`, `m`, `h`, `d`; without a letter seconds.
///
/// # Errors
/// With a sentence, when it is something else, nothing, or more than ten years.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        Some((at, 'd')) => (text.get(..at), 24 * 3600),
        _ => (Some(text), 1),
    };
    let digits = digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = digits.and_then(|digits| digits.parse::<u64>().ok()?.checked_mul(unit));
    seconds
        .map(Duration::from_secs)
        .filter(|span| !span.is_zero() && *span <= MAX_SPAN)
        .ok_or_else(|| "a time like 90s, 15m, 2h or 30d is expected, of ten years at most".to_owned())
}

/// A moment: RFC 3339, or a span from now.
///
/// # Errors
/// With a sentence, when it is neither, or not in the future.
pub(crate) fn moment(text: &str) -> Result<OffsetDateTime, String> {
    moment_after(text, OffsetDateTime::now_utc())
}

/// A moment, past or future: RFC 3339.
///
/// # Errors
/// With a sentence, when it is something else.
pub(crate) fn any(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a time like 2027-01-31T12:00:00Z is expected".to_owned())
}

fn moment_after(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, String> {
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return if moment > now {
            Ok(moment)
        } else {
            Err("this time is over already".to_owned())
        };
    }
    let span = span(text).map_err(|_| {
        "a time like 2027-01-31T12:00:00Z is expected, or a span from now like 90m, 2h or 30d".to_owned()
    })?;
    // Nobody needs its fraction of a second; what is left of it is given.
    let end = now + span;
    let whole = end.truncate_to_second();
    Ok(if whole < end {
        whole + Duration::from_secs(1)
    } else {
        whole
    })
}

/// A moment as arguments have it.
pub(crate) fn text(moment: OffsetDateTime) -> String {
    // What was parsed or counted from now has a year of four digits, all that the format asks.
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A time of an answer without its fraction of a second, for people; other text stays as it is.
pub(crate) fn to_the_second(time: &str) -> String {
    any(time).map_or_else(|_| time.to_owned(), |moment| text(moment.truncate_to_second()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn spans_are_read_in_every_unit() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7_200), ("30d", 2_592_000)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "m",
            "0",
            "0h",
            "-1m",
            "1.5h",
            "2w",
            "1é",
            "3660d1",
            "18446744073709551615d",
        ] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ten_years_are_taken_and_a_day_more_is_refused() {
        assert_eq!(span("3660d"), Ok(MAX_SPAN));
        assert!(span("3661d").is_err());
    }

    #[test]
    fn people_read_seconds() {
        assert_eq!(to_the_second("2026-11-21T12:00:00.987654Z"), "2026-11-21T12:00:00Z");
        assert_eq!(to_the_second("soon"), "soon");
    }

    #[test]
    fn a_moment_is_a_time_or_a_span_from_now_and_lies_ahead() {
        let now = datetime!(2026-11-21 12:00 UTC);
        assert_eq!(moment_after("2h", now), Ok(datetime!(2026-11-21 14:00 UTC)));
        let late = datetime!(2026-11-21 11:59:59.123456789 UTC);
        assert_eq!(moment_after("2h", late), Ok(datetime!(2026-11-21 14:00 UTC)));
        assert_eq!(
            moment_after("2027-01-31T12:00:00+01:00", now),
            Ok(datetime!(2027-01-31 11:00 UTC))
        );
        assert!(moment_after("2026-11-21T12:00:00Z", now).unwrap_err().contains("over"));
        assert!(moment_after("tomorrow", now).unwrap_err().contains("2027-01-31"));
    }
}
