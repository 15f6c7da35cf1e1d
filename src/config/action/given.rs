//! What expressions of an action can speak of: what each trigger gives, and what nothing gives where it is spoken of.

use super::{Action, Body, Event, What};
use crate::actions::expression::Expression;
use crate::actions::template::{Shape, Template};

/// What is there whatever triggers an action.
const ALWAYS: [&str; 3] = ["action", "now", "trigger"];

/// What is there as soon as a step has been done.
const OF_STEPS: [&str; 2] = ["result", "results"];

/// What is inside those that are always made alike.
pub(crate) const INSIDE: [(&str, &[&str]); 3] = [
    ("device", &["id", "kind", "name"]),
    ("now", &["date", "hour", "iso", "minute", "time", "weekday"]),
    ("publisher", &["authid", "authrole", "session"]),
];

impl Event {
    /// What it gives beside that.
    const fn gives(&self) -> &'static [&'static str] {
        match self {
            Self::Topic(_) => &["args", "kwargs", "publisher", "topic", "value"],
            Self::At { .. } | Self::Every(_) => &["value"],
            Self::Device { .. } => &["device", "present"],
            Self::Host { .. } => &["reading", "value"],
        }
    }
}

impl Action {
    /// A sentence for each name in an expression that nothing can ever give there.
    pub(in crate::config) fn warnings(&self) -> Vec<String> {
        let mut told = Vec::new();
        let mut look = |expression: &Expression, given: &[&str]| {
            let names = expression.names();
            let missing = names
                .iter()
                .filter(|name| !ALWAYS.contains(name) && !given.contains(name));
            told.extend(missing.map(|name| {
                let source = expression.source();
                let what = match OF_STEPS.contains(name) {
                    true => "no step is done before it",
                    false => "nothing that triggers it gives that",
                };
                format!("action \"{}\": in `{source}` there is no `{name}`: {what}", self.name)
            }));
            let members = expression.members();
            let missing = members.iter().filter_map(|(name, key)| {
                let (_, keys) = INSIDE.iter().find(|(known, _)| known == name)?;
                (!keys.contains(key)).then_some((name, key, keys))
            });
            told.extend(missing.map(|(name, key, keys)| {
                let (source, keys) = (expression.source(), keys.join(", "));
                format!(
                    "action \"{}\": in `{source}` there is no `{name}.{key}`: of {name} there are {keys}",
                    self.name
                )
            }));
        };
        let mut given = Vec::new();
        for when in &self.when {
            given.extend(when.event.gives());
            if let Some(condition) = &when.condition {
                look(condition, when.event.gives());
            }
        }
        for step in &self.then {
            for expression in step.condition.iter().chain(step.what.expressions()) {
                look(expression, &given);
            }
            given.extend(OF_STEPS);
        }
        told
    }
}

impl What {
    fn expressions(&self) -> Vec<&Expression> {
        let mut found = Vec::new();
        match self {
            Self::Call {
                procedure: uri,
                args,
                kwargs,
                ..
            }
            | Self::Publish {
                topic: uri,
                args,
                kwargs,
                ..
            } => {
                found.extend(uri.expressions());
                found.extend(args.iter().chain(kwargs.values()).flat_map(Shape::expressions));
            }
            Self::Notify { summary, body } => {
                found.extend(summary.expressions());
                found.extend(body.iter().flat_map(Template::expressions));
            }
            Self::Command { .. } => {}
            Self::Post(post) => {
                found.extend(post.url.expressions());
                found.extend(post.headers.iter().flat_map(|(_, value)| value.expressions()));
                match &post.body {
                    Body::None => {}
                    Body::Json(shape) => found.extend(shape.expressions()),
                    Body::Text(text) => found.extend(text.expressions()),
                }
            }
        }
        found
    }
}
