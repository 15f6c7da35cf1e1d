//! One configured line: taken when it is needed, taken again when its chip was away.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use client::Value;
use futures_util::future::join_all;
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use super::Configured;
use crate::backends::Missing;
use crate::backends::gpio::{Direction, Gpio, Line, LineId, Wanted};
use crate::backends::lazy::Lazy;

/// How often a line that is not there is looked for: each look opens every chip of the machine.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a call may hold a line that the configuration names no more, before it is asked for again nevertheless: it takes
/// milliseconds, and on a broken bus it never ends.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(5);

/// A number that no line has: a chip has 16 bits of them (`ngpio`).
const UNKNOWN: u32 = u32::MAX;

/// A line, whether it is there or not.
#[derive(Debug)]
pub(super) struct Slot {
    gpio: Arc<dyn Gpio>,
    configured: Configured,
    line: Mutex<Lazy<Arc<dyn Line>>>,
    /// What an output was last told to be: a chip that comes back gets that.
    told: AtomicBool,
    followed: Mutex<Followed>,
    /// Its number on the chip, once it is known.
    offset: AtomicU32,
    /// Slots of former configurations. They may have the same line, which the kernel gives to one at a time.
    former: Vec<End>,
    /// Ends with this slot.
    alive: watch::Sender<()>,
}

/// Where the end of a slot is seen, when nothing holds it any more.
pub(super) type End = watch::Receiver<()>;

/// What whoever follows the line has seen, to notice what changed while the chip was away.
#[derive(Debug, Default)]
struct Followed {
    line: Option<Weak<dyn Line>>,
    seen: Option<bool>,
}

impl Slot {
    /// A line that is taken as soon as the `former` slots are gone.
    pub(super) fn new(gpio: Arc<dyn Gpio>, configured: Configured, former: Vec<End>) -> Self {
        let offset = match configured.wanted.line {
            LineId::Offset(offset) => offset,
            LineId::Name(_) => UNKNOWN,
        };
        Self {
            gpio,
            line: Mutex::new(Lazy::Unopened),
            told: AtomicBool::new(configured.wanted.initial),
            followed: Mutex::default(),
            offset: AtomicU32::new(offset),
            former,
            alive: watch::Sender::new(()),
            configured,
        }
    }

    /// Where its end is seen.
    pub(super) fn end(&self) -> End {
        self.alive.subscribe()
    }

    pub(super) const fn configured(&self) -> &Configured {
        &self.configured
    }

    pub(super) fn name(&self) -> &str {
        &self.configured.name
    }

    pub(super) const fn wanted(&self) -> &Wanted {
        &self.configured.wanted
    }

    /// Its number on the chip, where that is known.
    pub(super) fn offset(&self) -> Option<u32> {
        Some(self.offset.load(Ordering::Relaxed)).filter(|offset| *offset != UNKNOWN)
    }

    pub(super) async fn value(&self) -> Result<bool, Missing> {
        let line = self.line().await?;
        self.check(&line, line.value().await).await
    }

    /// Drives the line; whether that changed it.
    pub(super) async fn set(&self, value: bool) -> Result<bool, Missing> {
        let line = self.line().await?;
        let before = self.check(&line, line.value().await).await?;
        self.check(&line, line.set(value).await).await?;
        self.told.store(value, Ordering::Relaxed);
        Ok(before != value)
    }

    /// The next value that it takes by itself. While the chip is away this waits for it. For one caller.
    pub(super) async fn changed(&self) -> bool {
        let mut followed = self.followed.lock().await;
        loop {
            match self.next_value(&mut followed).await {
                Ok(Some(value)) => return value,
                Ok(None) => {}
                // Whoever asks is told why.
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn next_value(&self, followed: &mut Followed) -> Result<Option<bool>, Missing> {
        let line = self.line().await?;
        let is_new = followed
            .line
            .replace(Arc::downgrade(&line))
            .is_none_or(|before| !Weak::ptr_eq(&before, &Arc::downgrade(&line)));
        if !is_new {
            let value = self.check(&line, line.changed().await).await?;
            followed.seen = Some(value);
            return Ok(Some(value));
        }
        let now = self.check(&line, line.value().await).await?;
        let before = followed.seen.replace(now);
        let is_input = self.wanted().direction == Direction::In;
        Ok(before.filter(|before| is_input && *before != now).map(|_| now))
    }

    pub(super) async fn missing(&self) -> Option<Missing> {
        self.value().await.err()
    }

    /// As `gpio.list` shows it.
    pub(super) async fn describe(&self) -> Value {
        let value = self.value().await.ok();
        let line = self.line().await.ok();
        let wanted = self.wanted();
        let chip = line.map(|line| line.chip().to_owned()).or_else(|| wanted.chip.clone());
        let number = self.offset().map(u64::from).map(Value::from);
        let number = number.or_else(|| match &wanted.line {
            LineId::Name(name) => Some(name.as_str().into()),
            LineId::Offset(_) => None,
        });
        let direction = match wanted.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        Value::dict([
            ("chip", Value::from(chip)),
            ("line", number.unwrap_or(Value::Null)),
            ("name", self.name().into()),
            ("direction", direction.into()),
            ("value", value.into()),
        ])
    }

    async fn line(&self) -> Result<Arc<dyn Line>, Missing> {
        let mut line = self.line.lock().await;
        let wanted = Wanted {
            initial: self.told.load(Ordering::Relaxed),
            ..self.wanted().clone()
        };
        let request = async || {
            self.former_are_gone().await;
            self.gpio.request(wanted).await
        };
        let line = line.get(request).await?;
        self.offset.store(line.offset(), Ordering::Relaxed);
        Ok(Arc::clone(line))
    }

    async fn former_are_gone(&self) {
        let gone = self.former.iter().cloned().map(|mut end| async move {
            // Nothing is ever sent.
            let _ = end.changed().await;
        });
        // What then still holds the line is told by the kernel.
        let _ = timeout(GIVEN_UP_WITHIN, join_all(gone)).await;
    }

    /// Gives the line up if that failed, so that it is taken anew.
    async fn check<T>(&self, line: &Arc<dyn Line>, result: Result<T, Missing>) -> Result<T, Missing> {
        if result.is_err() {
            let mut held = self.line.lock().await;
            if matches!(&*held, Lazy::Open(held) if Arc::ptr_eq(held, line)) {
                held.lose();
            }
        }
        result
    }
}
