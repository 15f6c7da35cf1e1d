//! Takes a display to a brightness, at once or in a fade. The newest goal wins:
//! a fade that was overtaken ends, and none of its steps comes after a newer
//! value.
//!
//! It knows no arguments and no procedures; `brightness` does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::backends::{Backlight, Display, Failure};

/// The pace of a fade. Twenty steps a second look smooth and leave the bus
/// and the event queues in peace.
const FADE_STEP: Duration = Duration::from_millis(50);

/// The displays, and the fades on their way.
#[derive(Debug)]
pub(crate) struct Dimmer {
    goals: Arc<Goals>,
    /// Aborted when the dimmer is dropped.
    fades: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Goals {
    backlight: Arc<dyn Backlight>,
    /// How often each display was given a new goal. Held while a value is set,
    /// so that looking whether a goal is the newest and acting on it is one.
    newest: Mutex<BTreeMap<String, u64>>,
}

impl Dimmer {
    /// Dims by that backlight.
    pub(crate) fn new(backlight: Arc<dyn Backlight>) -> Self {
        let goals = Goals {
            backlight,
            newest: Mutex::default(),
        };
        Self {
            goals: Arc::new(goals),
            fades: Mutex::default(),
        }
    }

    /// The backlight itself.
    pub(crate) fn backlight(&self) -> &dyn Backlight {
        &*self.goals.backlight
    }

    /// The display of that id, or the first.
    pub(crate) async fn find(&self, asked: Option<String>) -> Result<Display, Failure> {
        let mut displays = self.goals.backlight.displays().await?;
        let Some(asked) = asked else {
            return Ok(displays.swap_remove(0));
        };
        match displays.iter().position(|display| display.id == asked) {
            Some(index) => Ok(displays.swap_remove(index)),
            None => Err(Failure::NoSuch {
                what: "display",
                asked,
                known: displays.into_iter().map(|display| display.id).collect(),
            }),
        }
    }

    /// Takes a display to a brightness and says how it is now: there, or at the
    /// start of its fade.
    pub(crate) async fn go(&self, display: Display, goal: u8, duration: Duration) -> Result<Display, Failure> {
        let number = self.goals.new_goal(&display.id).await;
        if duration.is_zero() {
            let now = self.goals.step(&display.id, goal, number).await?;
            // Overtaken by another caller: the display is theirs.
            return Ok(now.unwrap_or(display));
        }
        let mut fades = self.fades.lock().await;
        while fades.try_join_next().is_some() {}
        fades.spawn(Arc::clone(&self.goals).fade(display.clone(), goal, number, duration));
        Ok(display)
    }

    /// Waits for a fade to end; whether it ended by itself.
    #[cfg(test)]
    pub(crate) async fn fade_ended(&self) -> bool {
        self.fades
            .lock()
            .await
            .join_next()
            .await
            .is_some_and(|ended| ended.is_ok())
    }
}

impl Goals {
    async fn new_goal(&self, display: &str) -> u64 {
        let mut newest = self.newest.lock().await;
        let number = newest.entry(display.to_owned()).or_default();
        *number += 1;
        *number
    }

    /// Sets a value towards a goal; `None` if there is a newer goal.
    async fn step(&self, display: &str, percent: u8, number: u64) -> Result<Option<Display>, Failure> {
        let newest = self.newest.lock().await;
        if newest.get(display) != Some(&number) {
            return Ok(None);
        }
        self.backlight.set(Some(display.to_owned()), percent).await.map(Some)
    }

    /// Goes from where the display is to the goal in equal steps. Ends early
    /// when there is a newer goal or the display fails; the next call says why.
    async fn fade(self: Arc<Self>, from: Display, goal: u8, number: u64, duration: Duration) {
        let steps = (duration.as_millis() / FADE_STEP.as_millis()).max(1);
        let steps = i32::try_from(steps).expect("the longest fade has 1200 steps");
        let way = i32::from(goal) - i32::from(from.percent);
        let mut pace = interval(FADE_STEP);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for step in 1..=steps {
            pace.tick().await;
            let now = i32::from(from.percent) + way * step / steps;
            let now = u8::try_from(now).expect("between two percentages lie percentages");
            if !matches!(self.step(&from.id, now.max(1), number).await, Ok(Some(_))) {
                return;
            }
        }
    }
}
