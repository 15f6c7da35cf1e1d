//! Times, rates and sizes, as people write them.

use std::time::Duration;

use crate::config::read::{ConfigError, Field};

/// The longest of all spans: a leap year.
const MAX_SPAN: Duration = Duration::from_secs(366 * 24 * 3_600);

/// The most runs that a rate can allow in its period: when each was is remembered.
pub const MAX_RATE: u32 = 1_000;

/// A finite number that can be compared for being the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

/// It is finite.
impl Eq for Number {}

/// So many in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub period: Duration,
}

/// A time of day on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:02}:{:02}", self.hour, self.minute)?;
        if self.second > 0 {
            write!(out, ":{:02}", self.second)?;
        }
        Ok(())
    }
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0x7F);

    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// Whether it is one of them; 0 is Monday.
    #[must_use]
    pub fn has(self, from_monday: u8) -> bool {
        from_monday < 7 && self.0 & (1 << from_monday) != 0
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        (0..7_u8)
            .zip(Self::NAMES)
            .filter(move |(day, _)| self.has(*day))
            .map(|(_, name)| name)
    }

    #[cfg(test)]
    pub(crate) fn of_names(names: &[&str]) -> Self {
        Self(names.iter().fold(0, |all, name| all | Self::of(name).unwrap().0))
    }

    fn of(name: &str) -> Option<Self> {
        let day = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self(1 << day))
    }
}

/// A span up to a limit.
pub(super) fn read_span(field: &Field<'_>, most: Duration) -> Result<Duration, ConfigError> {
    let accepted = format!(
        "a time like \"90s\", \"10m\", \"1h30m\" or \"2d\", of at most {} s",
        most.as_secs()
    );
    field.text(&accepted, |text| {
        span(text).filter(|span| !span.is_zero() && *span <= most)
    })
}

/// The same of any length.
pub(super) fn read_any_span(field: &Field<'_>) -> Result<Duration, ConfigError> {
    read_span(field, MAX_SPAN)
}

/// Numbers with units, the larger first: `1h30m`.
fn span(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let (mut rest, mut milliseconds, mut last) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = rest.get(..letters)?;
        rest = rest.get(letters..)?;
        let (_, worth) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        if worth >= last {
            return None;
        }
        last = worth;
        milliseconds = milliseconds.checked_add(number.checked_mul(worth)?)?;
    }
    (!text.is_empty()).then(|| Duration::from_millis(milliseconds))
}

/// `1/10m`: one in ten minutes.
pub(super) fn read_rate(field: &Field<'_>) -> Result<Rate, ConfigError> {
    let accepted = format!("a number and a time, like \"1/10m\": 1 to {MAX_RATE}, in a time of 1 s to 366 days");
    field.text(&accepted, |text| {
        let (count, period) = text.split_once('/')?;
        let rate = Rate {
            count: count.trim().parse().ok()?,
            period: span(period.trim())?,
        };
        let is_period = (Duration::from_secs(1)..=MAX_SPAN).contains(&rate.period);
        ((1..=MAX_RATE).contains(&rate.count) && is_period).then_some(rate)
    })
}

/// `22:30`, or with seconds.
pub(super) fn read_clock(field: &Field<'_>) -> Result<Clock, ConfigError> {
    field.text("a time of day like \"07:00\" or \"22:30:15\"", |text| {
        let mut parts = text.split(':');
        let mut part = |most: u8| -> Option<u8> {
            let text = parts.next()?;
            let is_written = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| is_written && *number <= most)
        };
        let (hour, minute) = (part(23)?, part(59)?);
        let second = if text.len() > 5 { part(59)? } else { 0 };
        parts.next().is_none().then_some(Clock { hour, minute, second })
    })
}

/// `["mon", "tue"]`, `"weekdays"` or `"weekend"`.
pub(super) fn read_days(field: &Field<'_>) -> Result<Days, ConfigError> {
    field.accepts("\"weekdays\", \"weekend\", or a list of \"mon\" to \"sun\"");
    let accepted = "\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\" or \"sun\"";
    if field.is_text() {
        return field.text(
            &format!("\"weekdays\", \"weekend\", or a list of {accepted}"),
            |text| match text {
                "weekdays" => Some(Days(0x1F)),
                "weekend" => Some(Days(0x60)),
                _ => None,
            },
        );
    }
    let days = field.list(7, accepted, Days::of)?;
    if days.is_empty() {
        return Err(field.lacks(&format!("a list of at least one of {accepted}")));
    }
    Ok(Days(days.iter().fold(0, |all, day| all | day.0)))
}

/// A number, or of bytes a text like `20GiB`.
pub(super) fn read_number(field: &Field<'_>, is_bytes: bool) -> Result<Number, ConfigError> {
    field.accepts("a number; of bytes also a text like \"20GiB\"");
    if !(is_bytes && field.is_text()) {
        return field.decimal().map(Number);
    }
    field.text("a number of bytes, or a text like \"20GiB\" or \"500MiB\"", |text| {
        const UNITS: [(&str, f64); 4] = [
            ("KiB", 1_024.0),
            ("MiB", 1_048_576.0),
            ("GiB", 1_073_741_824.0),
            ("TiB", 1_099_511_627_776.0),
        ];
        let (number, worth) = UNITS
            .iter()
            .find_map(|(unit, worth)| Some((text.strip_suffix(unit)?, worth)))?;
        let number: u32 = number.trim().parse().ok()?;
        Some(Number(f64::from(number) * worth))
    })
}
