//! What a `when` has seen: since when its condition holds, of which topics; which side of its threshold a figure is on; up to
//! when its times have been seen to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use wamp::value::Dict;

use super::hold::{Hold, Terms};
use super::moment::Moment;
use super::plan::{LONGEST_LOOK, Occasion, of_time};
use super::schedule::{Look, Schedule};
use crate::config::action::{Event, Side, Topic};

/// Topics of one pattern that are followed at a time, each with its last event. Those that hold make no room; others do.
pub(super) const MAX_FOLLOWED: usize = 64;

/// The state of a `when`.
#[derive(Debug)]
pub(super) enum Trigger {
    /// It needs none: every event counts.
    Each,
    /// It follows states, by their topic or device.
    States(BTreeMap<String, State>),
    /// Its times of day have been seen to up to this one.
    At(Timestamp),
    /// When it is due the next time, since the beginning.
    Every(Duration),
}

/// One state that is followed.
#[derive(Debug)]
pub(super) struct State {
    hold: Hold,
    /// What was heard last.
    scope: Dict,
}

impl Trigger {
    pub(super) fn new(event: &Event, checked: Option<Timestamp>, now: &Moment) -> Self {
        match event {
            Event::Topic(topic) if !topic.is_state() => Self::Each,
            Event::Topic(_) | Event::Device { .. } | Event::Host { .. } => Self::States(BTreeMap::new()),
            // Of a time that lies ahead a wrong clock has told.
            Event::At { .. } => Self::At(checked.filter(|it| *it <= now.wall).unwrap_or(now.wall)),
            Event::Every(span) => Self::Every(now.elapsed + *span),
        }
    }

    /// An event came, of which the condition holds or not; whether that triggers.
    ///
    /// # Errors
    /// Too many topics are followed.
    pub(super) fn heard(
        &mut self,
        spec: &Topic,
        topic: &str,
        holds: bool,
        is_retained: bool,
        scope: &Dict,
        now: &Moment,
    ) -> Result<bool, String> {
        let states = match self {
            Self::States(states) => states,
            Self::Each => return Ok(holds),
            Self::At(_) | Self::Every(_) => return Ok(false),
        };
        if !states.contains_key(topic) && states.len() >= MAX_FOLLOWED {
            states.retain(|_, state| state.hold.since().is_some());
            if states.len() >= MAX_FOLLOWED {
                return Err(format!(
                    "of {MAX_FOLLOWED} topics the condition holds, and no more are followed: {topic} is not"
                ));
            }
        }
        let terms = terms_of(spec);
        let is_new = !states.contains_key(topic);
        let state = states.entry(topic.to_owned()).or_insert_with(|| State {
            hold: Hold::default(),
            scope: Dict::new(),
        });
        if holds {
            state.scope.clone_from(scope);
        }
        // What is retained was so before the daemon began: no change. It may hold for long enough yet.
        if is_new && is_retained && terms.held.is_zero() {
            state.hold = Hold::known(holds, now.elapsed);
            return Ok(false);
        }
        Ok(state.hold.note(holds, terms, now.elapsed))
    }

    /// A device has come or gone.
    pub(super) fn met(
        &mut self,
        event: &Event,
        device: &str,
        is_so: bool,
        is_first: bool,
        scope: &Dict,
        now: &Moment,
    ) -> bool {
        let (Self::States(states), Event::Device { held, .. }) = (self, event) else {
            return false;
        };
        let terms = Terms {
            held: *held,
            stale: None,
        };
        let is_new = is_first && !states.contains_key(device);
        let state = states.entry(device.to_owned()).or_insert_with(|| State {
            hold: Hold::default(),
            scope: Dict::new(),
        });
        state.scope.clone_from(scope);
        if is_new {
            state.hold = Hold::known(is_so, now.elapsed);
            return false;
        }
        state.hold.note(is_so, terms, now.elapsed)
    }

    /// A figure has been measured. Past the threshold it is so; back by the hysteresis it is not so any more.
    pub(super) fn measured(&mut self, event: &Event, value: f64, holds: bool, scope: &Dict, now: &Moment) -> bool {
        let (
            Self::States(states),
            Event::Host {
                side,
                threshold,
                hysteresis,
                held,
                ..
            },
        ) = (self, event)
        else {
            return false;
        };
        let terms = Terms {
            held: *held,
            stale: None,
        };
        let state = states.entry(String::new()).or_insert_with(|| State {
            hold: Hold::default(),
            scope: Dict::new(),
        });
        let was_past = state.hold.since().is_some();
        let is_past = match side {
            Side::Above if was_past => value >= threshold.0 - hysteresis.0,
            Side::Below if was_past => value <= threshold.0 + hysteresis.0,
            Side::Above => value > threshold.0,
            Side::Below => value < threshold.0,
        };
        state.scope.clone_from(scope);
        state.hold.note(is_past && holds, terms, now.elapsed)
    }

    /// What is due now, and whether something was due too long ago.
    pub(super) fn tick(&mut self, event: &Event, now: &Moment) -> (Vec<Occasion>, bool) {
        let due = match (self, event) {
            (Self::At(checked), Event::At { time, days, late }) => {
                let schedule = Schedule {
                    time: *time,
                    days: *days,
                };
                match schedule.look(checked, *late, now) {
                    Look::Due(planned) => vec![of_time(planned)],
                    Look::Nothing => Vec::new(),
                    Look::Missed => return (Vec::new(), true),
                }
            }
            (Self::Every(next), Event::Every(span)) if now.elapsed >= *next => {
                // What was missed is made up for once, and the beat is kept.
                let behind = (now.elapsed - *next).as_nanos() / span.as_nanos().max(1);
                let beats = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
                *next = next.saturating_add(span.saturating_mul(beats));
                vec![of_time(now.wall)]
            }
            (Self::States(states), event) => {
                let (terms, trigger) = terms(event);
                let due = states.values_mut().filter_map(|state| {
                    let scope = state.hold.look(terms, now.elapsed).then(|| state.scope.clone())?;
                    Some(Occasion { trigger, scope })
                });
                due.collect()
            }
            _ => Vec::new(),
        };
        (due, false)
    }

    /// When [`Trigger::tick`] has something to do.
    pub(super) fn deadline(&self, event: &Event, now: &Moment) -> Option<Duration> {
        match self {
            Self::Each => None,
            Self::Every(next) => Some(*next),
            Self::At(_) => {
                let next = self.next(event, now)?;
                let left = Duration::try_from(next.duration_since(now.wall)).unwrap_or_default();
                Some(now.elapsed + left.min(LONGEST_LOOK))
            }
            Self::States(states) => {
                let (terms, _) = terms(event);
                states.values().filter_map(|state| state.hold.due(terms)).min()
            }
        }
    }

    /// The next time that is planned.
    pub(super) fn next(&self, event: &Event, now: &Moment) -> Option<Timestamp> {
        match (self, event) {
            (Self::At(_), Event::At { time, days, .. }) => {
                let schedule = Schedule {
                    time: *time,
                    days: *days,
                };
                schedule.after(now)
            }
            (Self::Every(next), _) => Some(now.wall + next.saturating_sub(now.elapsed)),
            _ => None,
        }
    }

    pub(super) const fn checked(&self) -> Option<Timestamp> {
        if let Self::At(checked) = self {
            Some(*checked)
        } else {
            None
        }
    }
}

fn terms_of(topic: &Topic) -> Terms {
    Terms {
        held: topic.held,
        stale: topic.stale,
    }
}

/// For how long a state has to last, and what triggers then.
fn terms(event: &Event) -> (Terms, &'static str) {
    let of = |held: Duration| Terms { held, stale: None };
    match event {
        Event::Topic(topic) => (terms_of(topic), "topic"),
        Event::Device { held, .. } => (of(*held), "device"),
        Event::Host { held, .. } => (of(*held), "host"),
        Event::At { .. } | Event::Every(_) => (Terms::default(), "time"),
    }
}
