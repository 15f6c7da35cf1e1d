//! The dry run: what an action would do on an occasion, without doing any of it.

use wamp::value::{Dict, Value, dict};

use super::expression::Trouble;
use super::moment::{Moment, shown};
use super::plan::{Known, complete};
use super::render::{is_wanted, kind, render};
use super::schedule::Schedule;
use super::words::when;
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
        if trigger(action) == "time" && self.args.is_empty() {
            // It was planned for this very moment.
            drop(scope.insert("value".to_owned(), shown(now.wall).into()));
        }
        complete(&mut scope, action, trigger(action), now);
        scope
    }

    /// Why this occasion is none of this kind: another topic, or a device that is not there.
    fn misses(&self, event: &Event, find: impl Fn(&str) -> Option<Known>) -> Option<String> {
        match event {
            Event::Topic(spec) => {
                let other = self.topic.as_ref();
                let other = other.filter(|it| !spec.matching.covers(spec.uri.as_bytes(), it.as_bytes()));
                other.map(|it| format!("it does not listen to {it}"))
            }
            Event::Device { device, .. } => find(device).is_none().then(|| not_paired(device)),
            Event::Host { .. } | Event::At { .. } | Event::Every(_) => None,
        }
    }
}

/// That an action waits for a device that never comes.
pub(super) fn not_paired(device: &str) -> String {
    format!("no paired device has the name or id {device:?}")
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
pub(super) fn run(
    action: &Action,
    given: &Given,
    scope: &Dict,
    find: impl Fn(&str) -> Option<Known>,
    now: &Moment,
) -> Dict {
    let condition = |it: &When| condition(it, given.misses(&it.event, &find), scope, now);
    let whens = action.when.iter().map(|it| Value::Dict(condition(it)));
    let steps = action.then.iter().map(|it| Value::Dict(step(it, scope)));
    dict([
        ("name", action.name.as_str().into()),
        ("time", shown(now.wall).into()),
        ("when", Value::List(whens.collect())),
        ("then", Value::List(steps.collect())),
    ])
}

fn condition(it: &When, misses: Option<String>, scope: &Dict, now: &Moment) -> Dict {
    let decided = it.condition.as_ref().map(|condition| condition.holds(scope));
    let (holds, error) = match (misses, decided) {
        (Some(why), _) => (Some(false), Some(why)),
        (None, None) => (Some(true), None),
        (None, Some(Ok(holds))) => (Some(holds), None),
        (None, Some(Err(trouble))) => (None, Some(trouble.to_string())),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn tried(when: &str, given: &Given) -> Dict {
        let text = format!("[[action]]\nname = \"a\"\nwhen = {when}\nthen = {{ notify = \"{{{{ value }}}}\" }}\n");
        let config = Config::parse(Path::new("c.toml"), &text).unwrap();
        let now = Moment::at(0, "2026-11-22T22:30:00");
        let find = |device: &str| {
            (device == "Pixel").then(|| Known {
                id: "d_0a1b2c3d".to_owned(),
                name: "Pixel".to_owned(),
                kind: "web".to_owned(),
            })
        };
        let action = &config.actions[0];
        run(action, given, &given.scope(action, find, &now), find, &now)
    }

    fn first<'a>(told: &'a Dict, list: &str, key: &str) -> &'a Value {
        &told[list].as_list().unwrap()[0].as_dict().unwrap()[key]
    }

    #[test]
    fn a_time_has_the_value_that_it_was_planned_for() {
        for when in ["{ at = \"22:30\" }", "{ every = \"1h\" }"] {
            let told = tried(when, &Given::default());
            let does = first(&told, "then", "does").as_dict().unwrap();
            assert_eq!(does["notify"].as_str(), Some("2026-11-22T21:30:00Z"), "{when}");
        }
    }

    #[test]
    fn an_event_of_another_topic_and_a_device_that_is_not_paired_trigger_nothing() {
        let of = |topic: &str| Given {
            topic: Some(topic.to_owned()),
            args: vec![7.into()],
            ..Given::default()
        };
        let prefix = "{ topic = \"a.b.\", match = \"prefix\" }";
        assert_eq!(
            first(&tried(prefix, &of("a.b.c")), "when", "holds").as_bool(),
            Some(true)
        );
        let missed = tried(prefix, &of("a.c.d"));
        assert_eq!(first(&missed, "when", "holds").as_bool(), Some(false));
        assert_eq!(
            first(&missed, "when", "error").as_str(),
            Some("it does not listen to a.c.d")
        );
        let device = |name: &str| {
            tried(
                &format!("{{ device = \"{name}\", is = \"absent\" }}"),
                &Given::default(),
            )
        };
        assert_eq!(first(&device("Pixel"), "when", "holds").as_bool(), Some(true));
        let missed = device("Pixle");
        assert_eq!(first(&missed, "when", "holds").as_bool(), Some(false));
        assert!(first(&missed, "when", "error").as_str().unwrap().contains("\"Pixle\""));
    }
}
