//! Actions in words and rows, for procedures and people.

use std::time::Duration;

use wamp::value::{Dict, Value, dict};

use super::moment::{Moment, shown};
use super::perform::{Done, End, Outcome};
use super::plan::Plan;
use super::render::{kind, subject};
use crate::audit::{Entry, Kind};
use crate::config::Match;
use crate::config::action::{Event, Side, Step, When};

/// How it stands with an action.
pub(super) fn row(plan: &Plan, queued: usize, now: &Moment) -> Dict {
    let (action, figures) = (&plan.action, &plan.figures);
    let list = |texts: Vec<String>| Value::List(texts.into_iter().map(Value::from).collect());
    let paused = plan
        .limiter
        .paused_until(now.elapsed)
        .map(|until| shown(now.wall + (until - now.elapsed)));
    dict([
        ("name", action.name.as_str().into()),
        ("on", plan.is_on.into()),
        ("realm", action.realm.as_str().into()),
        ("when", list(action.when.iter().map(when).collect())),
        ("then", list(action.then.iter().map(then).collect())),
        ("count", figures.count.into()),
        ("failed", figures.failed.into()),
        ("left_out", figures.left_out.into()),
        ("undecided", figures.unfit.into()),
        ("queued", (queued as u64).into()),
        ("last", figures.last.map(|last| shown(last.at)).into()),
        ("last_ms", figures.last.map(|last| last.took_ms).into()),
        ("last_ok", figures.last.map(|last| last.is_ok).into()),
        ("next", plan.next(now).filter(|_| plan.is_on).map(shown).into()),
        ("paused_until", paused.into()),
        ("error", figures.error.clone().into()),
    ])
}

/// What became of an action: `{ok, error, took_ms, steps}`.
pub(super) fn outcome(outcome: &Outcome, took: Duration, with_results: bool) -> Dict {
    let step = |done: &Done| {
        let (state, more) = match &done.end {
            End::Well(Value::Null) => ("done", None),
            End::Well(result) => ("done", with_results.then(|| ("result", result.clone()))),
            End::LeftOut => ("left_out", None),
            End::Failed(why) => ("failed", Some(("error", why.as_str().into()))),
        };
        let mut row = dict([("kind", done.kind.into()), ("state", state.into())]);
        row.extend(more.map(|(key, value)| (key.to_owned(), value)));
        Value::Dict(row)
    };
    dict([
        ("ok", outcome.error.is_none().into()),
        ("error", outcome.error.clone().into()),
        ("took_ms", milliseconds(took).into()),
        ("steps", Value::List(outcome.steps.iter().map(step).collect())),
    ])
}

/// What stands in the audit log of an action: what triggered it, and of each step what it was about. None where every step was left
/// out, and so nothing was done.
pub(super) fn entry(name: &str, trigger: &str, outcome: &Outcome) -> Option<Entry> {
    let step = |done: &Done| {
        let failed = match &done.end {
            End::LeftOut => return None,
            End::Well(_) => "",
            End::Failed(_) => " failed",
        };
        let subject = done.subject.as_ref().map(|subject| format!(" {subject}"));
        Some(format!("{}{}{failed}", done.kind, subject.unwrap_or_default()))
    };
    let steps: Vec<_> = outcome.steps.iter().filter_map(step).collect();
    let kind = match outcome.error {
        None => Kind::ActionDone,
        Some(_) => Kind::ActionFailed,
    };
    let entry = Entry::new(kind).action(name);
    (!steps.is_empty()).then(|| entry.detail(format!("{trigger}: {}", steps.join(", "))))
}

pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What has to happen, in words.
pub(super) fn when(when: &When) -> String {
    let lasting = |held: Duration| {
        if held.is_zero() {
            String::new()
        } else {
            format!(" for {}", span(held))
        }
    };
    let condition = when.condition.as_ref();
    let condition = condition
        .map(|condition| format!(" if {}", condition.source()))
        .unwrap_or_default();
    match &when.event {
        Event::Topic(topic) => {
            let matching = match topic.matching {
                Match::Exact => String::new(),
                pattern @ (Match::Prefix | Match::Wildcard) => format!(" ({})", pattern.name()),
            };
            let crossing = if topic.crossing { ", once it does" } else { "" };
            format!(
                "topic {}{matching}{condition}{crossing}{}",
                topic.uri,
                lasting(topic.held)
            )
        }
        Event::At { time, days, .. } => {
            let names: Vec<_> = days.names().collect();
            let days = if names.len() == 7 {
                String::new()
            } else {
                format!(" {}", names.join(","))
            };
            format!("at {time}{days}{condition}")
        }
        Event::Every(every) => format!("every {}{condition}", span(*every)),
        Event::Device {
            device,
            is_present,
            held,
        } => {
            let state = if *is_present { "present" } else { "absent" };
            format!("device {device} {state}{}{condition}", lasting(*held))
        }
        Event::Host {
            reading,
            side,
            threshold,
            held,
            ..
        } => {
            let side = match side {
                Side::Above => "above",
                Side::Below => "below",
            };
            format!("host {reading} {side} {}{}{condition}", threshold.0, lasting(*held))
        }
    }
}

/// What a step does, in words.
pub(super) fn then(step: &Step) -> String {
    let condition = step.condition.as_ref();
    let condition = condition
        .map(|condition| format!(" if {}", condition.source()))
        .unwrap_or_default();
    format!("{} {}{condition}", kind(&step.what), subject(&step.what))
}

/// A span as it is written in the configuration.
fn span(span: Duration) -> String {
    let mut left = milliseconds(span);
    let mut text = String::new();
    for (unit, worth) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ] {
        if left >= worth {
            text.push_str(&format!("{}{unit}", left / worth));
            left %= worth;
        }
    }
    text
}
