//! What `deskconnctl top` says of the daemon as a whole, from its figures: how soon calls are answered, how many fail, and what the
//! process needs.

use client::{Dict, Value};

use super::{bytes, figure};
use crate::values::{get, number};

/// Of a daemon that tells its figures, those that are shown.
#[derive(Debug)]
pub(super) struct Health {
    /// Calls that ended otherwise than with a result.
    failed: u64,
    /// How many answers of callees took up to so many seconds; the last row has no bound.
    durations: Vec<(Option<f64>, u64)>,
    /// Bytes that wait for all sessions.
    pub(super) queue_bytes: u64,
    memory_bytes: u64,
    cpu_s: f64,
    /// Since the look before; `None` the first time.
    since: Option<Since>,
}

/// What went on between two looks.
#[derive(Debug)]
struct Since {
    failed_per_s: f64,
    cpu_percent: f64,
    /// Within how many seconds half of the answers came, and all but one in a hundred; infinite beyond the last bound, and `None`
    /// where there were no answers.
    half_s: Option<f64>,
    most_s: Option<f64>,
}

impl Health {
    /// From `org.deskconn.metrics.get`, so many seconds after the look before.
    pub(super) fn new(figures: &Value, before: Option<&Self>, seconds: f64) -> Option<Self> {
        let figures = figures.as_dict()?;
        let rows = |name: &str| figures.get(name).and_then(Value::as_list).into_iter().flatten();
        let failed = rows("deskconn_calls_ended").filter(|row| get(row, "outcome") != "result");
        let mut durations = Vec::new();
        for row in rows("deskconn_invocation_duration_seconds") {
            add(&mut durations, row);
        }
        let mut health = Self {
            failed: failed.map(|row| number(row, "value")).sum(),
            durations,
            queue_bytes: rows("deskconn_queue_bytes").map(|row| number(row, "value")).sum(),
            memory_bytes: figures.get("process_resident_memory_bytes").and_then(Value::as_u64)?,
            cpu_s: figures.get("process_cpu_seconds").and_then(Value::as_f64)?,
            since: None,
        };
        health.since = before.map(|before| health.since(before, seconds));
        Some(health)
    }

    fn since(&self, before: &Self, seconds: f64) -> Since {
        let earlier = before
            .durations
            .iter()
            .map(|(_, count)| *count)
            .chain(std::iter::repeat(0));
        let more = |((bound, now), before): (&(Option<f64>, u64), u64)| (*bound, now.saturating_sub(before));
        let answers: Vec<_> = self.durations.iter().zip(earlier).map(more).collect();
        #[allow(clippy::cast_precision_loss, reason = "rates are rounded for people")]
        let failed = self.failed.saturating_sub(before.failed) as f64;
        Since {
            failed_per_s: failed / seconds,
            cpu_percent: (self.cpu_s - before.cpu_s).max(0.0) / seconds * 100.0,
            half_s: within(&answers, 50),
            most_s: within(&answers, 99),
        }
    }

    /// For people.
    pub(super) fn line(&self) -> String {
        let memory = bytes(self.memory_bytes);
        let Some(since) = &self.since else {
            return memory;
        };
        let answers = match (since.half_s, since.most_s) {
            (Some(half), Some(most)) => format!("half {}, 99 % {}", span(half), span(most)),
            _ => "none answered".to_owned(),
        };
        let failed = figure(since.failed_per_s);
        format!(
            "calls: {answers}; {failed}/s fail; {memory}, CPU {:.1} %",
            since.cpu_percent
        )
    }

    /// For programs. What is not known, or beyond the last bound, is null.
    pub(super) fn value(&self) -> Value {
        let since =
            |of: fn(&Since) -> Option<f64>| Value::from(self.since.as_ref().and_then(of).filter(|it| it.is_finite()));
        Dict::from([
            ("failed_per_s".to_owned(), since(|it| Some(it.failed_per_s))),
            ("half_within_s".to_owned(), since(|it| it.half_s)),
            ("most_within_s".to_owned(), since(|it| it.most_s)),
            ("cpu_percent".to_owned(), since(|it| Some(it.cpu_percent))),
            ("memory_bytes".to_owned(), self.memory_bytes.into()),
            ("queue_bytes".to_owned(), self.queue_bytes.into()),
        ])
        .into()
    }
}

/// Adds the histogram of a realm: all have the same bounds.
fn add(durations: &mut Vec<(Option<f64>, u64)>, row: &Value) {
    let buckets = row
        .as_dict()
        .and_then(|row| row.get("value")?.as_dict()?.get("buckets")?.as_list());
    let buckets = buckets.into_iter().flatten().filter_map(Value::as_list);
    for (place, bucket) in buckets.enumerate() {
        let (Some(bound), Some(count)) = (bucket.first(), bucket.get(1).and_then(Value::as_u64)) else {
            continue;
        };
        match durations.get_mut(place) {
            Some((_, sum)) => *sum += count,
            None => durations.push((bound.as_f64(), count)),
        }
    }
}

/// The bound within which so many in a hundred are.
fn within(counts: &[(Option<f64>, u64)], percent: u64) -> Option<f64> {
    let all = counts.last().map(|(_, count)| *count).filter(|all| *all > 0)?;
    let is_enough = |(_, count): &&(Option<f64>, u64)| count.saturating_mul(100) >= all.saturating_mul(percent);
    counts
        .iter()
        .find(is_enough)
        .map(|(bound, _)| bound.unwrap_or(f64::INFINITY))
}

fn span(seconds: f64) -> String {
    if seconds.is_infinite() {
        "later than all bounds".to_owned()
    } else if seconds < 1.0 {
        format!("within {} ms", seconds * 1_000.0)
    } else {
        format!("within {seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers up to 1 ms, up to 2 s, and all; of two realms.
    fn look(counts: [u64; 3], failed: u64, cpu_s: f64, before: Option<&Health>) -> Health {
        let buckets = serde_json::json!([[0.001, counts[0]], [2.0, counts[1]], [null, counts[2]]]);
        let none = serde_json::json!([[0.001, 0], [2.0, 0], [null, 0]]);
        let figures = serde_json::json!({
            "deskconn_invocation_duration_seconds": [{"realm": "a", "value": {"buckets": buckets}},
                                                     {"realm": "b", "value": {"buckets": none}}],
            "deskconn_calls_ended": [{"realm": "a", "outcome": "result", "value": 900},
                                     {"realm": "a", "outcome": "error", "value": failed}],
            "deskconn_queue_bytes": [{"realm": "a", "value": 30}, {"realm": "b", "value": 4}],
            "process_resident_memory_bytes": 24 << 20, "process_cpu_seconds": cpu_s});
        Health::new(&serde_json::from_value(figures).unwrap(), before, 2.0).unwrap()
    }

    #[test]
    fn two_looks_say_how_soon_calls_are_answered_how_many_fail_and_what_the_process_needs() {
        let first = look([10, 10, 10], 5, 1.0, None);
        assert_eq!(first.line(), "24.0 MiB");
        // Of a hundred further answers sixty came within a millisecond, and all within two seconds.
        let second = look([70, 110, 110], 9, 1.03, Some(&first));
        assert_eq!(
            second.line(),
            "calls: half within 1 ms, 99 % within 2 s; 2.0/s fail; 24.0 MiB, CPU 1.5 %"
        );
        let told = serde_json::to_value(second.value()).unwrap();
        assert_eq!(
            (&told["half_within_s"], &told["queue_bytes"]),
            (&0.001.into(), &34.into())
        );
        let third = look([70, 110, 112], 9, 1.03, Some(&second));
        assert!(third.line().contains("99 % later than all bounds"), "{}", third.line());
        assert_eq!(third.value().as_dict().unwrap()["most_within_s"], Value::Null);
        let quiet = look([70, 110, 112], 9, 1.03, Some(&third));
        assert!(
            quiet.line().starts_with("calls: none answered; 0/s fail; "),
            "{}",
            quiet.line()
        );
    }

    #[test]
    fn of_a_daemon_that_tells_no_figures_there_is_nothing_to_say() {
        for other in [Value::Null, Value::Dict(Dict::new())] {
            assert!(Health::new(&other, None, 0.0).is_none());
        }
    }
}
