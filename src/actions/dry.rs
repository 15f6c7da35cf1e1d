//! The dry run: what an action would do on an occasion, without doing any of it.

use wamp::value::{Dict, Value, dict};

use super::expression::Trouble;
use super::host::Measured;
use super::moment::{Moment, shown};
use super::plan::{Known, complete};
use super::post;
use super::render::{Rendered, is_wanted, kind, render};
use super::schedule::Schedule;
use super::words::when;
use crate::config::Match;
use crate::config::action::{Action, Event, Reading, Step, When};

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

    /// Why this occasion is none of this kind: another topic, or a device or a figure that is not there.
    fn misses(
        &self,
        event: &Event,
        find: impl Fn(&str) -> Option<Known>,
        measured: Option<&Measured>,
    ) -> Option<String> {
        match event {
            Event::Topic(spec) => {
                let other = self.topic.as_ref();
                let other = other.filter(|it| !spec.matching.covers(spec.uri.as_bytes(), it.as_bytes()));
                other.map(|it| format!("it does not listen to {it}"))
            }
            Event::Device { device, .. } => find(device).is_none().then(|| not_paired(device)),
            Event::Host { reading, .. } => {
                let is_told = measured.is_none_or(|measured| measured.get(reading).is_some());
                (!is_told).then(|| not_told(reading))
            }
            Event::At { .. } | Event::Every(_) => None,
        }
    }
}

/// That an action waits for a device that never comes.
pub(super) fn not_paired(device: &str) -> String {
    format!("no paired device has the name or id {device:?}")
}

/// That an action waits for a figure that never comes.
pub(super) fn not_told(reading: &Reading) -> String {
    format!("this machine does not tell {reading}")
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

/// What would happen. What this machine tells is given where an action asks for it.
pub(super) async fn run(
    action: &Action,
    given: &Given,
    scope: &Dict,
    (find, measured): (impl Fn(&str) -> Option<Known>, Option<&Measured>),
    now: &Moment,
) -> Dict {
    let condition = |it: &When| condition(it, given.misses(&it.event, &find, measured), scope, now);
    let whens: Vec<_> = action.when.iter().map(|it| Value::Dict(condition(it))).collect();
    let mut steps = Vec::new();
    for it in &action.then {
        steps.push(Value::Dict(step(it, scope).await));
    }
    dict([
        ("name", action.name.as_str().into()),
        ("time", shown(now.wall).into()),
        ("when", Value::List(whens)),
        ("then", Value::List(steps)),
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
        ("conditional", it.condition.is_some().into()),
        ("holds", holds.into()),
        ("error", error.into()),
        ("next", next.map(shown).into()),
    ])
}

async fn step(step: &Step, scope: &Dict) -> Dict {
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
    let rendered = match render(&step.what, scope) {
        Ok(rendered) => rendered,
        Err(trouble) => return row("undecided", Value::Null, Some(told(&trouble))),
    };
    let does = Value::Dict(rendered.shown());
    // Its files can be looked at without a word to anybody.
    let ready = match &rendered {
        Rendered::Post(request) => post::check(request).await,
        Rendered::Call { .. } | Rendered::Publish { .. } | Rendered::Notify { .. } | Rendered::Command { .. } => Ok(()),
    };
    match ready {
        Ok(()) => row("would", does, None),
        Err(why) => row("would_fail", does, Some(why)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use components::backends::host::Report;

    use super::*;
    use crate::config::Config;

    async fn tried(when: &str, given: &Given) -> Dict {
        doing(when, "{ notify = \"{{ value }}\" }", given).await
    }

    /// On a machine that tells nothing but its load.
    async fn doing(when: &str, then: &str, given: &Given) -> Dict {
        let text = format!("[[action]]\nname = \"a\"\nwhen = {when}\nthen = {then}\n");
        let config = Config::parse(Path::new("c.toml"), &text).unwrap();
        let now = Moment::at(0, "2026-11-22T22:30:00");
        let find = |device: &str| {
            (device == "Pixel").then(|| Known {
                id: "d_0a1b2c3d".to_owned(),
                name: "Pixel".to_owned(),
                kind: "web".to_owned(),
            })
        };
        let measured = Measured(Report {
            load: Some([1.0, 2.0, 3.0]),
            ..Report::default()
        });
        let action = &config.actions[0];
        let scope = given.scope(action, find, &now);
        run(action, given, &scope, (find, Some(&measured)), &now).await
    }

    fn first<'a>(told: &'a Dict, list: &str, key: &str) -> &'a Value {
        &told[list].as_list().unwrap()[0].as_dict().unwrap()[key]
    }

    #[tokio::test]
    async fn a_time_has_the_value_that_it_was_planned_for() {
        for when in ["{ at = \"22:30\" }", "{ every = \"1h\" }"] {
            let told = tried(when, &Given::default()).await;
            let does = first(&told, "then", "does").as_dict().unwrap();
            assert_eq!(does["notify"].as_str(), Some("2026-11-22T21:30:00Z"), "{when}");
        }
    }

    #[tokio::test]
    async fn an_event_of_another_topic_and_a_device_that_is_not_paired_trigger_nothing() {
        let of = |topic: &str| Given {
            topic: Some(topic.to_owned()),
            args: vec![7.into()],
            ..Given::default()
        };
        let prefix = "{ topic = \"a.b.\", match = \"prefix\" }";
        assert_eq!(
            first(&tried(prefix, &of("a.b.c")).await, "when", "holds").as_bool(),
            Some(true)
        );
        let missed = tried(prefix, &of("a.c.d")).await;
        assert_eq!(first(&missed, "when", "holds").as_bool(), Some(false));
        assert_eq!(first(&missed, "when", "conditional").as_bool(), Some(false));
        assert_eq!(
            first(&missed, "when", "error").as_str(),
            Some("it does not listen to a.c.d")
        );
        let device = async |name: &str| {
            let when = format!("{{ device = \"{name}\", is = \"absent\" }}");
            tried(&when, &Given::default()).await
        };
        assert_eq!(first(&device("Pixel").await, "when", "holds").as_bool(), Some(true));
        let missed = device("Pixle").await;
        assert_eq!(first(&missed, "when", "holds").as_bool(), Some(false));
        assert!(first(&missed, "when", "error").as_str().unwrap().contains("\"Pixle\""));
    }

    #[tokio::test]
    async fn a_figure_that_this_machine_does_not_tell_triggers_nothing_and_is_named() {
        for reading in ["disk./nomount.percent", "temperature.nosensor"] {
            let when = format!("{{ host = \"{reading}\", above = 90 }}");
            let given = Given {
                args: vec![95.into()],
                ..Given::default()
            };
            for given in [Given::default(), given] {
                let told = tried(&when, &given).await;
                assert_eq!(first(&told, "when", "holds").as_bool(), Some(false));
                let sentence = format!("this machine does not tell {reading}");
                assert_eq!(first(&told, "when", "error").as_str(), Some(&*sentence));
            }
        }
        let told = tried("{ host = \"load\", above = 90 }", &Given::default()).await;
        assert_eq!(first(&told, "when", "holds").as_bool(), Some(true));
    }

    #[tokio::test]
    async fn a_request_whose_token_or_authorities_cannot_be_read_would_fail_and_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let token = directory.path().join("token");
        let then = |more: &str| {
            let token = token.display();
            format!("{{ post = \"https://plug.example/on\", token_file = \"{token}\"{more} }}")
        };
        let every = "{ every = \"1h\" }";
        let ca = directory.path().join("ca.pem").display().to_string();
        let then_ca = then(&format!(", ca = \"{ca}\""));
        let told = doing(every, &then_ca, &Given::default()).await;
        assert_eq!(first(&told, "then", "state").as_str(), Some("would_fail"));
        let error = first(&told, "then", "error").as_str().unwrap();
        let expected = format!("plug.example: {} cannot be read", token.display());
        assert!(error.starts_with(&expected), "{error}");
        std::fs::write(&token, "secret\n").unwrap();
        let told = doing(every, &then_ca, &Given::default()).await;
        let error = first(&told, "then", "error").as_str().unwrap();
        assert!(error.contains(&format!("{ca} cannot be used")), "{error}");
        let does = first(&told, "then", "does").as_dict().unwrap();
        assert_eq!(does["ca"].as_str(), Some(&*ca));
        assert!(!format!("{told:?}").contains("secret"), "{told:?}");
    }
}
