//! GPIO: lines that the configuration names, read, driven and followed.
//!
//! Nobody reaches a line that the configuration does not name. Outputs are taken when the component starts and held as
//! long as the configuration names them as it did, since a line that nobody holds loses its value.

use std::sync::{Arc, Mutex, PoisonError};

use client::Value;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};

mod line;
mod older;
#[cfg(test)]
mod tests;

use self::line::{End, Slot};
use crate::backends::gpio::{Direction, Gpio, Wanted};
use crate::backends::{Failure, Missing};
use crate::{Announce, Arguments, Component, Entry, Home, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "gpio",
    procedures: &[
        LIST,
        GET,
        SET,
        older::SET_OUT_HIGH,
        older::SET_OUT_LOW,
        older::GET_STATE,
        older::GET_STATES,
    ],
    topics: &[ON_CHANGED, older::ON_OUT_HIGH, older::ON_OUT_LOW],
    home: Home::Machine,
    make: |machine, settings| Arc::new(Lines::new(&machine.gpio, settings.gpio.clone())),
};

/// Lines of one configuration: each is a request that is held. The largest header of a single-board computer has 40 pins.
pub const MAX_LINES: usize = 64;

/// Changes that wait to be published. Each is one that was called for, or an edge; the realm takes thousands a second.
const CHANGES: usize = 256;

const ROLES: &[&str] = &["gpio", "full"];

const LIST: Procedure = Procedure::new(
    "org.deskconn.gpio.list",
    "() → [{chip, line, name, direction, value}]",
    "The lines that the configuration names",
    ROLES,
);
const GET: Procedure = Procedure::new("org.deskconn.gpio.get", "(line) → bool", "What a line is now", ROLES);
const SET: Procedure = Procedure::new(
    "org.deskconn.gpio.set",
    "(line, value) → bool",
    "Drive an output",
    ROLES,
);

/// Told when a line changes: an input by itself, an output by a call.
pub const ON_CHANGED: Topic = Topic::new("org.deskconn.gpio.on_changed", "[line, value]", "A line changed", ROLES);

/// The lines that may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// In the order of the configuration; no two have the same name.
    pub lines: Vec<Configured>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// By what it is called here.
    pub name: String,
    /// Where it is and how it is used.
    pub wanted: Wanted,
}

/// The configured lines.
#[derive(Debug)]
pub struct Lines {
    gpio: Arc<dyn Gpio>,
    /// In the order of the configuration.
    slots: watch::Sender<Slots>,
    /// The ends of those that were in it before, and may still be held by a call.
    former: Mutex<Vec<End>>,
    /// What was driven by a call.
    driven: broadcast::Sender<(Arc<Slot>, bool)>,
}

/// The lines of a moment. One that the next configuration has as well is in both.
type Slots = Arc<[Arc<Slot>]>;

impl Lines {
    /// The lines of these settings on those chips.
    #[must_use]
    pub fn new(gpio: &Arc<dyn Gpio>, settings: Settings) -> Self {
        let slot = |configured| Arc::new(Slot::new(Arc::clone(gpio), configured, Vec::new()));
        Self {
            gpio: Arc::clone(gpio),
            slots: watch::Sender::new(settings.lines.into_iter().map(slot).collect()),
            former: Mutex::default(),
            driven: broadcast::Sender::new(CHANGES),
        }
    }

    async fn answer(&self, procedure: &'static Procedure, mut arguments: Arguments) -> Result<Value, Refusal> {
        match procedure.uri {
            uri if uri == LIST.uri => {
                arguments.end()?;
                let slots = self.slots();
                Ok(Value::List(join_all(slots.iter().map(|slot| slot.describe())).await))
            }
            uri if uri == GET.uri => {
                let name = arguments.text("line")?;
                arguments.end()?;
                Ok(self.find(name)?.value().await?.into())
            }
            uri if uri == SET.uri => {
                let name = arguments.text("line")?;
                let value = arguments.boolean("value")?;
                arguments.end()?;
                self.drive(self.find(name)?, value).await?;
                Ok(value.into())
            }
            _ => self.answer_older(procedure, arguments).await,
        }
    }

    fn slots(&self) -> Slots {
        Arc::clone(&self.slots.borrow())
    }

    fn find(&self, name: String) -> Result<Arc<Slot>, Failure> {
        let slots = self.slots();
        let found = slots.iter().find(|slot| slot.name() == name);
        found.map(Arc::clone).ok_or_else(|| Failure::NoSuch {
            what: "line",
            asked: name,
            known: slots.iter().map(|slot| slot.name().to_owned()).collect(),
        })
    }

    async fn drive(&self, slot: Arc<Slot>, value: bool) -> Result<(), Refusal> {
        if slot.wanted().direction == Direction::In {
            let sentence = format!("\"{}\" is an input; only an output can be set", slot.name());
            return Err(Refusal::BadArgument(sentence));
        }
        if slot.set(value).await? {
            // Without anybody to tell it is not told.
            let _ = self.driven.send((slot, value));
        }
        Ok(())
    }

    async fn publish(publish: &Announce, slot: &Slot, value: bool) {
        publish(ON_CHANGED.uri, vec![slot.name().into(), value.into()]).await;
        if let Some((topic, pin)) = older::told(slot, value) {
            publish(topic, vec![pin]).await;
        }
    }

    async fn publish_driven(&self, publish: &Announce) {
        let mut driven = self.driven.subscribe();
        loop {
            match driven.recv().await {
                Ok((slot, value)) => Self::publish(publish, &slot, value).await,
                Err(broadcast::error::RecvError::Lagged(count)) => {
                    tracing::warn!(count, "outputs were driven faster than it could be told");
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// Follows a line until the configuration names it no more. What it has become is told to the end.
    async fn follow_one(&self, publish: &Announce, slot: Arc<Slot>) {
        let mut changes = self.slots.subscribe();
        loop {
            let value = tokio::select! {
                value = slot.changed() => value,
                _ = changes.wait_for(|slots| !is_among(slots, &slot)) => return,
            };
            Self::publish(publish, &slot, value).await;
        }
    }

    /// Follows the lines of each configuration.
    async fn follow(&self, publish: &Announce) {
        let mut changes = self.slots.subscribe();
        let (mut slots, mut followed) = (Slots::default(), FuturesUnordered::new());
        loop {
            let next = Arc::clone(&changes.borrow_and_update());
            let new = next.iter().filter(|slot| !is_among(&slots, slot));
            followed.extend(new.map(|slot| self.follow_one(publish, Arc::clone(slot))));
            slots = next;
            tokio::select! {
                Some(()) = followed.next() => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }
}

fn is_among(slots: &Slots, slot: &Arc<Slot>) -> bool {
    slots.iter().any(|it| Arc::ptr_eq(it, slot))
}

impl Component for Lines {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        async move {
            tokio::join!(self.publish_driven(publish), self.follow(publish));
        }
        .boxed()
    }

    /// Lines that are written as before are held on, so that outputs keep what they are.
    fn reconfigure(&self, settings: &crate::Settings) {
        let before = self.slots();
        let wanted = &settings.gpio.lines;
        let gone = before.iter().filter(|slot| !wanted.contains(slot.configured()));
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|end| end.has_changed().is_ok());
        former.extend(gone.map(|slot| slot.end()));
        let slot = |configured: &Configured| {
            let same = before.iter().find(|slot| slot.configured() == configured);
            let new = || Slot::new(Arc::clone(&self.gpio), configured.clone(), former.clone());
            same.map_or_else(|| Arc::new(new()), Arc::clone)
        };
        let next: Slots = wanted.iter().map(slot).collect();
        let is_same = before.len() == next.len() && before.iter().zip(&*next).all(|(a, b)| Arc::ptr_eq(a, b));
        if !is_same {
            self.slots.send_replace(next);
        }
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async {
            let slots = self.slots();
            join_all(slots.iter().map(|slot| slot.missing()))
                .await
                .into_iter()
                .flatten()
                .next()
        }
        .boxed()
    }
}
