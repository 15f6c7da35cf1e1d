//! The battery of the machine: as UPower sums it up, or where that is not there as the kernel has it.

mod supplies;

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::SelectAll;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use zbus::{MessageStream, OwnedVariant};

use super::bus::{self, Bus};
use super::thread::blocking;
use super::{Failure, Missing, RECONNECT_EVERY, whole_percent};

const NAME: &str = "org.freedesktop.UPower";
const DEVICE: &str = "org.freedesktop.UPower.Device";
/// What is to be shown where one battery is shown (UPower's reference manual, "`GetDisplayDevice`").
const DISPLAY_DEVICE: &str = "/org/freedesktop/UPower/devices/DisplayDevice";

/// How often the battery is looked at where nobody tells of its changes: the kernel's files do not.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What a battery does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatteryState {
    /// It becomes fuller.
    Charging,
    /// The machine lives on it.
    Discharging,
    /// There is nothing left.
    Empty,
    /// There is no room left.
    Full,
    /// Neither, with room left: it is spared.
    Idle,
    /// Nobody can tell.
    Unknown,
}

/// All batteries of the machine together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Battery {
    /// How full, 0 to 100.
    pub percent: u8,
    /// What it does.
    pub state: BatteryState,
    /// When it is empty, at the pace of this moment.
    pub time_to_empty: Option<Duration>,
    /// When it is full, at the pace of this moment.
    pub time_to_full: Option<Duration>,
}

impl Battery {
    /// Whether it is worth telling after `told`: times are guesses that change with each look.
    fn is_news(self, told: Self) -> bool {
        (self.percent, self.state) != (told.percent, told.state)
    }
}

/// Looks at the battery.
pub trait Batteries: Debug + Send + Sync {
    /// The battery; `None` on a machine without one.
    fn battery(&self) -> BoxFuture<'_, Result<Option<Battery>, Failure>>;

    /// Follows it, for as long as it is polled.
    fn follow(&self) -> BoxFuture<'_, ()>;

    /// The battery when its percentage or state last changed; `None` until somebody has looked.
    fn changes(&self) -> watch::Receiver<Option<Option<Battery>>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// The battery of this machine.
#[derive(Debug)]
pub struct MachineBattery {
    bus: Arc<Bus>,
    supplies: PathBuf,
    told: watch::Sender<Option<Option<Battery>>>,
}

impl MachineBattery {
    /// By UPower on that bus, else by the power supplies in this directory.
    pub(super) fn new(bus: Arc<Bus>, supplies: PathBuf) -> Self {
        Self {
            bus,
            supplies,
            told: watch::Sender::new(None),
        }
    }

    async fn battery(&self) -> Result<Option<Battery>, Missing> {
        let found = match self.by_upower().await {
            Some(found) => found,
            None => self.by_kernel().await?,
        };
        self.tell(found);
        Ok(found)
    }

    /// The battery as UPower has it; `None` where there is no UPower.
    async fn by_upower(&self) -> Option<Option<Battery>> {
        let connection = self.bus.connection().await.ok()?;
        let properties: HashMap<String, OwnedVariant> =
            bus::call(&connection, NAME, DISPLAY_DEVICE, bus::PROPERTIES, "GetAll", &DEVICE)
                .await
                .ok()?;
        Some(of_properties(&properties))
    }

    async fn by_kernel(&self) -> Result<Option<Battery>, Missing> {
        let directory = self.supplies.clone();
        let read = blocking(move || supplies::battery(&directory)).await;
        read.map_err(|error| Missing {
            what: "the batteries of this machine",
            reason: format!("{}: {error}", self.supplies.display()),
            mend: "install UPower, or let this program read the kernel's power supplies".into(),
        })
    }

    fn tell(&self, found: Option<Battery>) {
        self.told.send_if_modified(|told| {
            let is_news = match (*told, found) {
                (Some(Some(told)), Some(found)) => found.is_news(told),
                (told, found) => told != Some(found),
            };
            if is_news {
                *told = Some(found);
            }
            is_news
        });
    }

    /// Looks whenever UPower says something, and now and then beside that.
    async fn follow(&self) {
        let wake = Notify::new();
        let hear = async {
            loop {
                if let Ok(signals) = self.signals().await {
                    // What changed before anybody listened is looked at now.
                    wake.notify_one();
                    signals.for_each(async |_| wake.notify_one()).await;
                    wake.notify_one();
                }
                sleep(RECONNECT_EVERY).await;
            }
        };
        let look = async {
            loop {
                // What cannot be seen now is looked for again.
                let _ = self.battery().await;
                let _ = timeout(LOOK_EVERY, wake.notified()).await;
            }
        };
        tokio::join!(hear, look);
    }

    /// What UPower says of the battery that is shown, and its coming and going.
    async fn signals(&self) -> Result<SelectAll<MessageStream>, Missing> {
        let connection = self.bus.connection().await?;
        let signals = bus::signals(&connection, vec![bus::said_by(NAME, DISPLAY_DEVICE)], &[NAME]).await;
        signals.map_err(|error| Missing {
            what: "UPower",
            reason: bus::reason(&error),
            mend: "look at the D-Bus system bus".into(),
        })
    }
}

/// The battery of these properties of `org.freedesktop.UPower.Device`; `None` if there is none to be shown.
fn of_properties(properties: &HashMap<String, OwnedVariant>) -> Option<Battery> {
    let flag = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
    let seconds = |name: &str| {
        let seconds = properties.get(name).and_then(|value| i64::try_from(value).ok())?;
        // 0 is "not known".
        let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
        Some(Duration::from_secs(seconds))
    };
    if flag("IsPresent") != Some(true) {
        return None;
    }
    let percentage = properties.get("Percentage").and_then(|value| f64::try_from(value).ok());
    let state = properties.get("State").and_then(|value| u32::try_from(value).ok());
    Some(Battery {
        percent: whole_percent(percentage.unwrap_or_default(), 0),
        state: match state {
            Some(1) => BatteryState::Charging,
            Some(2) => BatteryState::Discharging,
            Some(3) => BatteryState::Empty,
            Some(4) => BatteryState::Full,
            Some(5 | 6) => BatteryState::Idle,
            _ => BatteryState::Unknown,
        },
        time_to_empty: seconds("TimeToEmpty"),
        time_to_full: seconds("TimeToFull"),
    })
}

impl Batteries for MachineBattery {
    fn battery(&self) -> BoxFuture<'_, Result<Option<Battery>, Failure>> {
        async { self.battery().await.map_err(Failure::Missing) }.boxed()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        Self::follow(self).boxed()
    }

    fn changes(&self) -> watch::Receiver<Option<Option<Battery>>> {
        self.told.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.battery().await.err() }.boxed()
    }
}
