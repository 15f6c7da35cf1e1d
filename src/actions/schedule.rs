//! Times of day: which was the last, which is the next, and which of those that passed are made up for.
//!
//! The rules. An hour that the clock skips in spring: what falls into it happens as much later. An hour that comes twice in
//! autumn: it happens the first time only. Times that passed unseen (the machine slept, the clock was put forward, the daemon
//! was not running): the last of them is made up for, once, unless it is longer ago than `late`. A clock that is put back by
//! less than a day: what has happened does not happen again.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::moment::Moment;
use crate::config::action::{Clock, Days};

/// A week, and a day at either end, where the zone moves a time over midnight.
const DAYS: i64 = 8;

/// What a clock may be put back by without what has happened happening again.
const A_DAY: Duration = Duration::from_secs(24 * 3_600);

/// A time of day on some days of the week.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) time: Clock,
    pub(super) days: Days,
}

/// What a look at the clock found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    /// It is time, or was not long ago.
    Due(Timestamp),
    /// It was time, too long ago.
    Missed,
}

impl Schedule {
    /// When this is on a day, if it is one of its days.
    fn on(self, date: Date, now: &Moment) -> Option<Timestamp> {
        let weekday = u8::try_from(date.weekday().to_monday_zero_offset()).ok()?;
        let whole = |part: u8| i8::try_from(part).unwrap_or_default();
        let Clock { hour, minute, second } = self.time;
        let local = date.at(whole(hour), whole(minute), whole(second), 0);
        // A time that is skipped becomes as much later, one that comes twice is the first: jiff's "compatible".
        let zoned = self
            .days
            .has(weekday)
            .then(|| local.to_zoned(now.zone.clone()).ok())??;
        Some(zoned.timestamp())
    }

    fn around(self, now: &Moment, days: impl Iterator<Item = i64>) -> impl Iterator<Item = Timestamp> {
        let today = now.wall.to_zoned(now.zone.clone()).date();
        let now = now.clone();
        days.filter_map(move |day| today.checked_add(day.days()).ok().and_then(|date| self.on(date, &now)))
    }

    /// The last one, now included.
    pub(super) fn before(self, now: &Moment) -> Option<Timestamp> {
        self.around(now, (-DAYS..=1).rev()).find(|time| *time <= now.wall)
    }

    /// The next one.
    pub(super) fn after(self, now: &Moment) -> Option<Timestamp> {
        self.around(now, -1..=DAYS).find(|time| *time > now.wall)
    }

    /// Looks at the clock. Up to `checked` everything is done; it becomes the time of this look.
    pub(super) fn look(self, checked: &mut Timestamp, late: Duration, now: &Moment) -> Look {
        let since = |earlier: Timestamp| Duration::try_from(now.wall.duration_since(earlier)).ok();
        if now.wall < *checked {
            let back = Duration::try_from(checked.duration_since(now.wall)).unwrap_or_default();
            if back >= A_DAY {
                *checked = now.wall;
            }
            return Look::Nothing;
        }
        let last = self.before(now).filter(|last| *last > *checked);
        *checked = now.wall;
        match last {
            None => Look::Nothing,
            Some(last) if since(last).is_some_and(|ago| ago <= late) => Look::Due(last),
            Some(_) => Look::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn daily(hour: u8, minute: u8) -> Schedule {
        Schedule {
            time: Clock {
                hour,
                minute,
                second: 0,
            },
            days: Days::ALL,
        }
    }

    fn at(local: &str) -> Moment {
        Moment::at(0, local)
    }

    /// When it is due, if somebody looks every half a minute from one time to another.
    fn due(schedule: Schedule, from: &str, to: &str) -> Vec<String> {
        let (mut now, end) = (at(from), at(to));
        let mut checked = now.wall;
        let mut found = Vec::new();
        while now.wall < end.wall {
            now = now.plus(30);
            if let Look::Due(_) = schedule.look(&mut checked, HOUR, &now) {
                found.push(now.wall.to_zoned(now.zone.clone()).strftime("%d %H:%M %Z").to_string());
            }
        }
        found
    }

    #[test]
    fn it_is_time_once_a_day_on_the_right_days() {
        let days = due(daily(22, 30), "2026-06-01T00:00", "2026-06-03T23:00");
        assert_eq!(days, ["01 22:30 CEST", "02 22:30 CEST", "03 22:30 CEST"]);
        let weekend = Schedule {
            days: Days::of_names(&["sat", "sun"]),
            ..daily(7, 0)
        };
        // The 6th of June 2026 is a Saturday.
        assert_eq!(
            due(weekend, "2026-06-01T00:00", "2026-06-09T00:00"),
            ["06 07:00 CEST", "07 07:00 CEST"]
        );
    }

    #[test]
    fn an_hour_that_is_skipped_delays_and_one_that_comes_twice_does_not_repeat() {
        let spring = due(daily(2, 30), "2026-03-28T00:00", "2026-03-30T12:00");
        assert_eq!(spring, ["28 02:30 CET", "29 03:30 CEST", "30 02:30 CEST"]);
        let autumn = due(daily(2, 30), "2026-10-24T00:00", "2026-10-26T12:00");
        assert_eq!(autumn, ["24 02:30 CEST", "25 02:30 CEST", "26 02:30 CET"]);
        // Times around the change are where they are on the wall.
        assert_eq!(
            due(daily(7, 0), "2026-03-29T00:00", "2026-03-29T12:00"),
            ["29 07:00 CEST"]
        );
        assert_eq!(
            due(daily(7, 0), "2026-10-25T00:00", "2026-10-25T12:00"),
            ["25 07:00 CET"]
        );
    }

    #[test]
    fn what_was_missed_is_made_up_for_once_if_it_is_not_too_long_ago() {
        let mut checked = at("2026-06-01T12:00").wall;
        let now = at("2026-06-04T23:30");
        let planned = at("2026-06-04T22:30").wall;
        assert_eq!(
            daily(22, 30).look(&mut checked, HOUR, &now),
            Look::Due(planned),
            "at the limit"
        );
        assert_eq!(daily(22, 30).look(&mut checked, HOUR, &now), Look::Nothing);
        let mut checked = at("2026-06-01T12:00").wall;
        let now = at("2026-06-04T23:30:01");
        assert_eq!(daily(22, 30).look(&mut checked, HOUR, &now), Look::Missed, "past it");
        assert_eq!(daily(22, 30).look(&mut checked, HOUR, &now), Look::Nothing);
    }

    #[test]
    fn a_clock_that_is_put_back_repeats_nothing_of_that_day() {
        let schedule = daily(22, 30);
        let mut checked = at("2026-06-01T22:00").wall;
        let look = |checked: &mut Timestamp, local: &str| schedule.look(checked, HOUR, &at(local));
        assert!(matches!(look(&mut checked, "2026-06-01T22:30"), Look::Due(_)));
        for local in [
            "2026-06-01T22:29",
            "2026-06-01T22:30",
            "2026-06-01T22:31",
            "2026-06-02T22:29",
        ] {
            assert_eq!(look(&mut checked, local), Look::Nothing, "{local}");
        }
        assert!(matches!(look(&mut checked, "2026-06-02T22:30"), Look::Due(_)));
    }

    #[test]
    fn a_clock_that_was_far_ahead_is_believed_again() {
        let schedule = daily(22, 30);
        // A battery is empty: the machine thinks it is 2030, until the network tells it better.
        let mut checked = at("2030-01-01T12:00").wall;
        assert_eq!(
            schedule.look(&mut checked, HOUR, &at("2026-06-01T22:00")),
            Look::Nothing
        );
        let found = schedule.look(&mut checked, HOUR, &at("2026-06-01T22:30"));
        assert!(matches!(found, Look::Due(_)), "{found:?}");
    }

    #[test]
    fn the_next_time_is_known() {
        let next = |schedule: Schedule, local: &str| schedule.after(&at(local)).unwrap();
        assert_eq!(next(daily(22, 30), "2026-06-01T22:29:59"), at("2026-06-01T22:30").wall);
        assert_eq!(next(daily(22, 30), "2026-06-01T22:30"), at("2026-06-02T22:30").wall);
        assert_eq!(next(daily(2, 30), "2026-03-28T12:00"), at("2026-03-29T03:30").wall);
    }
}
