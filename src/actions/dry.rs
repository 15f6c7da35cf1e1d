//! The dry run: what an action would do on an occasion, without doing any of it.

use wamp::value::{Dict, Value};

use super::expression::Trouble;
use super::moment::{Moment, shown};
use super::plan::{Known, complete};
use super::render::{is_wanted, kind, render};
use super::schedule::Schedule;
use super::words::{dict, when};
use crate::config::Match;
use crate::config::action::{Action, Event, Step, When};

/// The occasion that is tried.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// Positional arguments of the event; the figure of the machine.
    pub(crate) args: Vec<Value>,
    /// Keyword arguments of the event.
    pub(crate) kwargs: Dict,
    /// The topic; of an exact one it is known.
    pub(crate) topic: Option<String>,
    /// When.
    pub(crate) at: Option<jiff::Timestamp>,
}

impl Given {
    /// What expressions can speak of on this occasion, as far as the action's triggers have it.
    pub(super) fn scope(&self, action: &Action, find: impl Fn(&str) -> Option<Known>, now: &Moment) -> Dict {
        let mut scope = Dict::new();
        let events = || action.when.iter().map(|when| &when.event);
        let mut put = |key: &str, value: Value| drop(scope.insert(key.to_owned(), value));
        if events().any(|event| matches!(event, Event::Topic(_))) {
            put("args", Value::List(self.args.clone()));
            put("kwargs", Value::Dict(self.kwargs.clone()));
            let exact = events().find_map(|event| {
                let Event::Topic(topic) = event else { return None };
                (topic.matching == Match::Exact).then(|| topic.uri.clone())
            });
            if let Some(topic) = self.topic.clone().or(exact) {
                put("topic", topic.into());
            }
        }
        if let Some(value) = self.args.first() {
            put("value", value.clone());
        }
        for event in events() {
            match event {
                Event::Device { device, is_present, .. } => {
                    put("present", (*is_present).into());
                    let unknown = || Known {
                        id: device.clone(),
                        name: device.clone(),
                        kind: "unknown".to_owned(),
                    };
                    put("device", find(device).unwrap_or_else(unknown).value());
                }
                Event::Host { reading, .. } => put("reading", reading.to_string().into()),
                Event::Topic(_) | Event::At { .. } | Event::Every(_) => {}
            }
        }
        complete(&mut scope, action, trigger(action), now);
        scope
    }
}

/// What triggers an action, in the first place.
pub(super) fn trigger(action: &Action) -> &'static str {
    match action.when.first().map(|when| &when.event) {
        Some(Event::Topic(_)) => "topic",
        Some(Event::Device { .. }) => "device",
        Some(Event::Host { .. }) => "host",
        Some(Event::At { .. } | Event::Every(_)) | None => "time",
    }
}

/// What would happen.
pub(super) fn run(action: &Action, scope: &Dict, now: &Moment) -> Dict {
    let whens = action.when.iter().map(|it| Value::Dict(condition(it, scope, now)));
    let steps = action.then.iter().map(|it| Value::Dict(step(it, scope)));
    dict([
        ("name", action.name.as_str().into()),
        ("time", shown(now.wall).into()),
        ("when", Value::List(whens.collect())),
        ("then", Value::List(steps.collect())),
    ])
}

fn condition(it: &When, scope: &Dict, now: &Moment) -> Dict {
    let decided = it.condition.as_ref().map(|condition| condition.holds(scope));
    let (holds, error) = match decided {
        None => (Some(true), None),
        Some(Ok(holds)) => (Some(holds), None),
        Some(Err(trouble)) => (None, Some(trouble.to_string())),
    };
    let next = match &it.event {
        Event::At { time, days, .. } => Schedule {
            time: *time,
            days: *days,
        }
        .after(now),
        Event::Every(span) => Some(now.wall + *span),
        Event::Topic(_) | Event::Device { .. } | Event::Host { .. } => None,
    };
    dict([
        ("when", when(it).into()),
        ("holds", holds.into()),
        ("error", error.into()),
        ("next", next.map(shown).into()),
    ])
}

fn step(step: &Step, scope: &Dict) -> Dict {
    let told = |trouble: &Trouble| match trouble {
        Trouble::Missing(what) if what.starts_with("`result") => {
            "it needs the result of a step before it, which is known when that is done".to_owned()
        }
        Trouble::Missing(_) | Trouble::Wrong(_) => trouble.to_string(),
    };
    let kind = Value::from(kind(&step.what));
    let row = |state: &str, does: Value, error: Option<String>| {
        dict([
            ("kind", kind.clone()),
            ("state", state.into()),
            ("does", does),
            ("error", error.into()),
        ])
    };
    match is_wanted(step, scope) {
        Ok(false) => return row("left_out", Value::Null, None),
        Err(trouble) => return row("undecided", Value::Null, Some(told(&trouble))),
        Ok(true) => {}
    }
    match render(&step.what, scope) {
        Ok(rendered) => row("would", Value::Dict(rendered.shown()), None),
        Err(trouble) => row("undecided", Value::Null, Some(told(&trouble))),
    }
}
