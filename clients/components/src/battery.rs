//! The battery: how full, and for how long.

use std::sync::Arc;

use client::{Dict, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::battery::{Batteries, Battery as Reading, BatteryState};
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "battery",
    procedures: PROCEDURES,
    topics: &[ON_CHANGED],
    home: Home::Machine,
    make: |machine, _| Arc::new(Battery::new(Arc::clone(&machine.battery))),
};

const ROLES: &[&str] = &["remote", "full"];

const GET: Procedure = Procedure::new(
    "org.deskconn.battery.get",
    "() → {percent, state, time_to_empty_s?, time_to_full_s?} or null",
    "The battery; null on a machine without one",
    ROLES,
);

/// Every procedure of the battery.
pub const PROCEDURES: &[Procedure] = &[GET];

/// Told when the battery's percentage or state changes.
pub const ON_CHANGED: Topic = Topic::new(
    "org.deskconn.battery.on_changed",
    "[battery or null]",
    "The battery is fuller or emptier, or does something else",
    ROLES,
);

/// The battery of the machine.
#[derive(Debug)]
pub struct Battery {
    batteries: Arc<dyn Batteries>,
}

impl Battery {
    /// That one.
    #[must_use]
    pub fn new(batteries: Arc<dyn Batteries>) -> Self {
        Self { batteries }
    }

    async fn get(&self, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        Ok(describe(self.batteries.battery().await?))
    }
}

fn describe(battery: Option<Reading>) -> Value {
    let Some(battery) = battery else {
        return Value::Null;
    };
    let state = match battery.state {
        BatteryState::Charging => "charging",
        BatteryState::Discharging => "discharging",
        BatteryState::Empty => "empty",
        BatteryState::Full => "full",
        BatteryState::Idle => "idle",
        BatteryState::Unknown => "unknown",
    };
    let mut row = Dict::from([
        ("percent".to_owned(), u64::from(battery.percent).into()),
        ("state".to_owned(), state.into()),
    ]);
    let times = [
        ("time_to_empty_s", battery.time_to_empty),
        ("time_to_full_s", battery.time_to_full),
    ];
    let known = times
        .into_iter()
        .filter_map(|(key, time)| Some((key.to_owned(), time?.as_secs().into())));
    row.extend(known);
    Value::Dict(row)
}

impl Component for Battery {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, _procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.get(arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        let tell = async move {
            let mut changes = self.batteries.changes();
            let mut last = *changes.borrow_and_update();
            while changes.changed().await.is_ok() {
                let now = *changes.borrow_and_update();
                // What is first seen is no change.
                if let (Some(_), Some(battery)) = (std::mem::replace(&mut last, now), now) {
                    publish(ON_CHANGED.uri, vec![describe(battery)]).await;
                }
            }
        };
        async move {
            tokio::select! {
                () = self.batteries.follow() => {}
                () = tell => {}
            }
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.batteries.missing()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backends::fake::FakeBattery;
    use crate::testing::Published;

    const HALF: Reading = Reading {
        percent: 50,
        state: BatteryState::Discharging,
        time_to_empty: Some(Duration::from_secs(5_400)),
        time_to_full: None,
    };

    fn stage() -> (Arc<FakeBattery>, Battery) {
        let fake = Arc::new(FakeBattery::default());
        let battery = Battery::new(Arc::clone(&fake) as Arc<dyn Batteries>);
        (fake, battery)
    }

    fn half() -> Value {
        Value::dict([
            ("percent", 50_u64.into()),
            ("state", "discharging".into()),
            ("time_to_empty_s", 5_400_u64.into()),
        ])
    }

    #[tokio::test]
    async fn a_battery_is_said_with_the_times_that_are_known_and_none_is_null() {
        let (fake, battery) = stage();
        assert_eq!(battery.call(&GET, Arguments::default()).await, Ok(Value::Null));
        fake.change(Some(HALF));
        assert_eq!(battery.call(&GET, Arguments::default()).await, Ok(half()));
        let surplus = Arguments::new(vec![Value::UInt(1)], Dict::new());
        assert!(battery.call(&GET, surplus).await.is_err());
    }

    #[tokio::test]
    async fn each_change_is_told_and_what_is_first_seen_is_none() {
        let (fake, battery) = stage();
        let mut published = Published::by(Arc::new(battery));
        fake.change(None);
        assert_eq!(published.next().await, None);
        fake.change(Some(HALF));
        assert_eq!(published.next().await, Some((ON_CHANGED.uri, vec![half()])));
        fake.change(None);
        assert_eq!(published.next().await, Some((ON_CHANGED.uri, vec![Value::Null])));
    }
}
