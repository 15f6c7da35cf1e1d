//! One action as it stands: what its triggers have seen, whether it may be done, what became of it. No clock of its own.
//!
//! What happens goes through four gates: the condition, the trigger's own state (`for`, hysteresis), the debounce, and how
//! often the action may be done. What comes out is to be done now.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wamp::value::{Dict, Value};

use super::figures::Figures;
use super::limit::{Limiter, Verdict};
use super::moment::{Moment, shown};
use super::trigger::Trigger;
use crate::config::action::{Action, Event};

/// How long the clock on the wall is believed to go on as it does. It can be put forward, and the machine can sleep.
pub(super) const LONGEST_LOOK: Duration = Duration::from_secs(30);

/// Something that has triggered an action.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Occasion {
    /// `topic`, `time`, `device`, `host` or `hand`.
    pub(super) trigger: &'static str,
    /// What expressions can speak of.
    pub(super) scope: Dict,
}

/// A paired device as expressions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
}

/// An action and how it stands with it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) action: Arc<Action>,
    pub(super) is_on: bool,
    triggers: Vec<Trigger>,
    /// What waits for quiet, and until when.
    waiting: Option<(Duration, Occasion)>,
    pub(super) limiter: Limiter,
    pub(super) figures: Figures,
}

impl Plan {
    /// `checked` is up to when its times of day have been seen to, if that is known from an earlier run of the daemon.
    pub(super) fn new(action: Arc<Action>, is_on: bool, checked: Option<Timestamp>, now: &Moment) -> Self {
        let triggers = action.when.iter().map(|when| Trigger::new(&when.event, checked, now));
        Self {
            triggers: triggers.collect(),
            is_on,
            waiting: None,
            limiter: Limiter::new(action.at_most),
            figures: Figures::default(),
            action,
        }
    }

    /// Switches it. What it has seen is forgotten: only what happens from now on counts.
    pub(super) fn switch(&mut self, is_on: bool, now: &Moment) {
        let fresh = Self::new(Arc::clone(&self.action), is_on, None, now);
        let figures = std::mem::take(&mut self.figures).without_error();
        *self = Self { figures, ..fresh };
    }

    /// An event of this `when` has come. The scope has `args`, `kwargs`, `value`, `topic` and `publisher`.
    pub(super) fn heard(
        &mut self,
        index: usize,
        scope: &mut Dict,
        is_retained: bool,
        now: &Moment,
    ) -> Option<Occasion> {
        let topic = scope
            .get("topic")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let holds = self.holds(index, "topic", scope, now)?;
        let action = Arc::clone(&self.action);
        let Event::Topic(spec) = &action.when.get(index)?.event else {
            return None;
        };
        let trigger = self.triggers.get_mut(index)?;
        let triggers = trigger
            .heard(spec, &topic, holds, is_retained, scope, now)
            .map_err(|full| self.figures.unfit(full));
        if !triggers.unwrap_or_default() {
            return None;
        }
        let occasion = Occasion {
            trigger: "topic",
            scope: scope.clone(),
        };
        self.triggered(occasion, now)
    }

    /// A device has come or gone, or is known to be there or not when the daemon begins.
    pub(super) fn met(&mut self, device: &Known, is_present: bool, is_first: bool, now: &Moment) -> Vec<Occasion> {
        let action = Arc::clone(&self.action);
        let mut found = Vec::new();
        for (index, when) in action.when.iter().enumerate() {
            let Event::Device {
                device: wanted,
                is_present: wanted_present,
                ..
            } = &when.event
            else {
                continue;
            };
            if *wanted != device.id && *wanted != device.name {
                continue;
            }
            let mut scope = Dict::from([
                ("device".to_owned(), device.value()),
                ("present".to_owned(), is_present.into()),
            ]);
            let condition = self.holds(index, "device", &mut scope, now).unwrap_or(false);
            let is_so = is_present == *wanted_present && condition;
            let triggers = self.triggers.get_mut(index);
            if triggers.is_some_and(|trigger| trigger.met(&when.event, &device.id, is_so, is_first, &scope, now)) {
                found.extend(self.triggered(
                    Occasion {
                        trigger: "device",
                        scope,
                    },
                    now,
                ));
            }
        }
        found
    }

    /// This machine has been measured.
    pub(super) fn measured(&mut self, report: &super::host::Measured, now: &Moment) -> Vec<Occasion> {
        let action = Arc::clone(&self.action);
        let mut found = Vec::new();
        for (index, when) in action.when.iter().enumerate() {
            let Event::Host { reading, .. } = &when.event else {
                continue;
            };
            let Some(value) = report.get(reading) else {
                self.figures.unfit(super::dry::not_told(reading));
                continue;
            };
            let mut scope = Dict::from([
                ("reading".to_owned(), reading.to_string().into()),
                ("value".to_owned(), value.into()),
            ]);
            let condition = self.holds(index, "host", &mut scope, now).unwrap_or(false);
            let triggers = self.triggers.get_mut(index);
            if triggers.is_some_and(|trigger| trigger.measured(&when.event, value, condition, &scope, now)) {
                found.extend(self.triggered(Occasion { trigger: "host", scope }, now));
            }
        }
        found
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: &Moment) -> Vec<Occasion> {
        // What is missed meanwhile is not made up for: switching it on begins anew.
        if !self.is_on {
            return Vec::new();
        }
        let action = Arc::clone(&self.action);
        let mut found = Vec::new();
        for (index, when) in action.when.iter().enumerate() {
            let Some(trigger) = self.triggers.get_mut(index) else {
                continue;
            };
            let (occasions, missed) = trigger.tick(&when.event, now);
            if missed {
                self.figures
                    .leave_out(1, "its time passed unseen, longer ago than `late` allows", &action.name);
            }
            for mut occasion in occasions {
                // What was held had its condition looked at with each word of it.
                let is_time = occasion.trigger == "time";
                if is_time && self.holds(index, "time", &mut occasion.scope, now) != Some(true) {
                    continue;
                }
                found.extend(self.triggered(occasion, now));
            }
        }
        if self.waiting.as_ref().is_some_and(|(due, _)| now.elapsed >= *due)
            && let Some((_, occasion)) = self.waiting.take()
        {
            found.extend(self.limited(occasion, now));
        }
        found
    }

    /// When [`Plan::tick`] has something to do, as time since the beginning.
    pub(super) fn deadline(&self, now: &Moment) -> Option<Duration> {
        if !self.is_on {
            return None;
        }
        let triggers = self.action.when.iter().zip(&self.triggers);
        let triggers = triggers.filter_map(|(when, trigger)| trigger.deadline(&when.event, now));
        triggers.chain(self.waiting.as_ref().map(|(due, _)| *due)).min()
    }

    /// Its next time of day or interval, for people.
    pub(super) fn next(&self, now: &Moment) -> Option<Timestamp> {
        let triggers = self.action.when.iter().zip(&self.triggers);
        triggers
            .filter_map(|(when, trigger)| trigger.next(&when.event, now))
            .min()
    }

    /// Up to when its times of day have been seen to.
    pub(super) fn checked(&self) -> Option<Timestamp> {
        self.triggers.iter().filter_map(Trigger::checked).min()
    }

    /// Whether the condition of a `when` holds. One that cannot be decided does not hold, and says why. `None` where the
    /// action is off.
    fn holds(&mut self, index: usize, trigger: &'static str, scope: &mut Dict, now: &Moment) -> Option<bool> {
        if !self.is_on {
            return None;
        }
        let when = self.action.when.get(index)?;
        let Some(condition) = &when.condition else {
            return Some(true);
        };
        complete(scope, &self.action, trigger, now);
        match condition.holds(scope) {
            Ok(holds) => Some(holds),
            Err(trouble) => {
                self.figures
                    .unfit(format!("`if = \"{}\"`: {trouble}", condition.source()));
                Some(false)
            }
        }
    }

    fn triggered(&mut self, mut occasion: Occasion, now: &Moment) -> Option<Occasion> {
        if !self.is_on {
            return None;
        }
        complete(&mut occasion.scope, &self.action, occasion.trigger, now);
        if let Some(quiet) = self.action.debounce {
            self.waiting = Some((now.elapsed + quiet, occasion));
            return None;
        }
        self.limited(occasion, now)
    }

    fn limited(&mut self, occasion: Occasion, now: &Moment) -> Option<Occasion> {
        let name = &self.action.name;
        match self.limiter.ask(now.elapsed) {
            Verdict::Run => return Some(occasion),
            Verdict::TooOften => self
                .figures
                .leave_out(1, "it was done as often as `at_most` allows", name),
            Verdict::Pauses => self.figures.leave_out(1, "it pauses", name),
            Verdict::BeginsPause => {
                let why = format!(
                    "paused for {} minutes: it ran {} times in a minute, as one does that triggers itself; if that is meant, \
                     give it an `at_most`",
                    super::limit::PAUSE.as_secs() / 60,
                    super::limit::USUAL.count
                );
                tracing::warn!(action = %name, "{why}");
                self.figures.fail(why);
                self.figures.leave_out(1, "it pauses", name);
            }
        }
        None
    }
}

/// Adds what every expression can speak of.
pub(super) fn complete(scope: &mut Dict, action: &Action, trigger: &str, now: &Moment) {
    scope.insert("action".to_owned(), action.name.as_str().into());
    scope.insert("trigger".to_owned(), trigger.into());
    scope.insert("now".to_owned(), now.value());
}

impl Known {
    pub(super) fn value(&self) -> Value {
        let text = |text: &String| Value::from(text.as_str());
        Value::Dict(Dict::from([
            ("id".to_owned(), text(&self.id)),
            ("kind".to_owned(), text(&self.kind)),
            ("name".to_owned(), text(&self.name)),
        ]))
    }
}

/// The occasion of a time that was planned for then.
pub(super) fn of_time(planned: Timestamp) -> Occasion {
    Occasion {
        trigger: "time",
        scope: Dict::from([("value".to_owned(), shown(planned).into())]),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
