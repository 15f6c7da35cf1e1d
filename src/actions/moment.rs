//! What time it is: how long the daemon runs, and what the clock on the wall says.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;
use wamp::value::{Dict, Value};

/// A moment, as both clocks have it. Spans are measured by the first, which nobody sets; times of day by the second.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// Since the daemon began; it stands still while the machine sleeps.
    pub(super) elapsed: Duration,
    pub(super) wall: Timestamp,
    pub(super) zone: TimeZone,
}

impl Moment {
    /// Now. `begin` is when the daemon began.
    pub(super) fn now(begin: Instant) -> Self {
        Self {
            elapsed: begin.elapsed(),
            wall: Timestamp::now(),
            zone: TimeZone::system(),
        }
    }

    /// As expressions see it: `now.time >= "22:00"`.
    pub(super) fn value(&self) -> Value {
        let local = self.wall.to_zoned(self.zone.clone());
        let weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let weekday = usize::try_from(local.weekday().to_monday_zero_offset())
            .ok()
            .and_then(|day| weekday.get(day));
        let number = |number: i8| Value::from(i64::from(number));
        Value::Dict(Dict::from([
            ("date".to_owned(), local.date().to_string().into()),
            ("hour".to_owned(), number(local.hour())),
            ("iso".to_owned(), shown(self.wall).into()),
            ("minute".to_owned(), number(local.minute())),
            (
                "time".to_owned(),
                format!("{:02}:{:02}", local.hour(), local.minute()).into(),
            ),
            ("weekday".to_owned(), weekday.copied().into()),
        ]))
    }
}

/// A time as procedures tell it: ISO 8601, in universal time, to the second.
pub(super) fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
impl Moment {
    /// Central Europe, by its rule and not by the machine's tables.
    pub(super) fn zone_of_tests() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    /// A moment of tests: so many seconds after the beginning, at this time of Central Europe.
    pub(super) fn at(elapsed_s: u64, local: &str) -> Self {
        let local: jiff::civil::DateTime = local.parse().unwrap();
        let zone = Self::zone_of_tests();
        Self {
            elapsed: Duration::from_secs(elapsed_s),
            wall: local.to_zoned(zone.clone()).unwrap().timestamp(),
            zone,
        }
    }

    /// So many seconds later, by both clocks.
    pub(super) fn plus(&self, seconds: u64) -> Self {
        let span = Duration::from_secs(seconds);
        Self {
            elapsed: self.elapsed + span,
            wall: self.wall + span,
            zone: self.zone.clone(),
        }
    }
}
