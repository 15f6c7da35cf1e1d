//! GPIO: lines that the configuration names, read, driven and followed.
//!
//! Nobody reaches a line that the configuration does not name. Outputs are taken when the component starts and held as
//! long as it runs, since a line that nobody holds loses its value.

use std::sync::Arc;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

mod line;
mod older;
#[cfg(test)]
mod tests;

use self::line::Slot;
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
    slots: Vec<Slot>,
    /// What was driven by a call: the line's place in `slots` and its value.
    driven: broadcast::Sender<(usize, bool)>,
}

impl Lines {
    /// The lines of these settings on those chips.
    #[must_use]
    pub fn new(gpio: &Arc<dyn Gpio>, settings: Settings) -> Self {
        let slot = |configured| Slot::new(Arc::clone(gpio), configured);
        Self {
            slots: settings.lines.into_iter().map(slot).collect(),
            driven: broadcast::Sender::new(CHANGES),
        }
    }

    async fn answer(&self, procedure: &'static Procedure, mut arguments: Arguments) -> Result<Value, Refusal> {
        match procedure.uri {
            uri if uri == LIST.uri => {
                arguments.end()?;
                Ok(Value::List(join_all(self.slots.iter().map(Slot::describe)).await))
            }
            uri if uri == GET.uri => {
                let name = arguments.text("line")?;
                arguments.end()?;
                Ok(self.slots[self.find(name)?].value().await?.into())
            }
            uri if uri == SET.uri => {
                let name = arguments.text("line")?;
                let value = arguments.boolean("value")?;
                arguments.end()?;
                let index = self.find(name)?;
                self.drive(index, value).await?;
                Ok(value.into())
            }
            _ => self.answer_older(procedure, arguments).await,
        }
    }

    fn find(&self, name: String) -> Result<usize, Failure> {
        let index = self.slots.iter().position(|slot| slot.name() == name);
        index.ok_or_else(|| Failure::NoSuch {
            what: "line",
            asked: name,
            known: self.slots.iter().map(|slot| slot.name().to_owned()).collect(),
        })
    }

    async fn drive(&self, index: usize, value: bool) -> Result<(), Refusal> {
        let slot = &self.slots[index];
        if slot.wanted().direction == Direction::In {
            let sentence = format!("\"{}\" is an input; only an output can be set", slot.name());
            return Err(Refusal::BadArgument(sentence));
        }
        if slot.set(value).await? {
            // Without anybody to tell it is not told.
            let _ = self.driven.send((index, value));
        }
        Ok(())
    }

    async fn publish(&self, publish: &Announce, index: usize, value: bool) {
        let slot = &self.slots[index];
        publish(ON_CHANGED.uri, vec![slot.name().into(), value.into()]).await;
        if let Some((topic, pin)) = older::told(slot, value) {
            publish(topic, vec![pin]).await;
        }
    }

    async fn publish_driven(&self, publish: &Announce) {
        let mut driven = self.driven.subscribe();
        loop {
            match driven.recv().await {
                Ok((index, value)) => self.publish(publish, index, value).await,
                Err(broadcast::error::RecvError::Lagged(count)) => {
                    tracing::warn!(count, "outputs were driven faster than it could be told");
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    async fn follow(&self, publish: &Announce, index: usize) {
        loop {
            let value = self.slots[index].changed().await;
            self.publish(publish, index, value).await;
        }
    }
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
            let followed = (0..self.slots.len()).map(|index| self.follow(publish, index));
            tokio::join!(self.publish_driven(publish), join_all(followed));
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async {
            join_all(self.slots.iter().map(Slot::missing))
                .await
                .into_iter()
                .flatten()
                .next()
        }
        .boxed()
    }
}
