//! A GPIO chip that is not there: eight lines, whose other ends a test holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::backends::Missing;
use crate::backends::gpio::{Direction, Gpio, Line, LineId, Wanted};

/// Lines of the chip.
const LINES: u32 = 8;

/// The chip and who holds its lines.
#[derive(Debug, Default)]
pub struct FakeGpio {
    lines: Mutex<BTreeMap<u32, watch::Sender<bool>>>,
    missing: Mutex<Option<Missing>>,
    /// How often the chip was unplugged. A line of before is dead, whatever comes later.
    unplugged: watch::Sender<u64>,
    requests: Mutex<Vec<Wanted>>,
    /// Who holds each line: the kernel gives it to nobody else.
    held: Mutex<BTreeMap<u32, Weak<FakeLine>>>,
}

impl FakeGpio {
    /// Somebody outside drives a line.
    pub fn drive(&self, offset: u32, value: bool) {
        self.level(offset).send_replace(value);
    }

    /// What is on a line, logically.
    pub fn is_on(&self, offset: u32) -> bool {
        *self.level(offset).borrow()
    }

    /// Waits until that is on a line, logically.
    ///
    /// # Panics
    /// Never: the chip has its lines for as long as it is there.
    pub async fn becomes(&self, offset: u32, value: bool) {
        let mut level = self.level(offset).subscribe();
        let seen = level.wait_for(|level| *level == value).await;
        seen.expect("the chip holds the other end");
    }

    /// The chip is unplugged, or comes back.
    pub fn miss(&self, missing: Option<Missing>) {
        self.unplugged
            .send_modify(|times| *times += u64::from(missing.is_some()));
        *locked(&self.missing) = missing;
    }

    /// What was asked for so far.
    pub fn requests(&self) -> Vec<Wanted> {
        locked(&self.requests).clone()
    }

    fn level(&self, offset: u32) -> watch::Sender<bool> {
        locked(&self.lines).entry(offset).or_default().clone()
    }

    fn present(&self) -> Result<(), Missing> {
        locked(&self.missing).clone().map_or(Ok(()), Err)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpio for FakeGpio {
    fn request(&self, wanted: Wanted) -> BoxFuture<'_, Result<Arc<dyn Line>, Missing>> {
        async move {
            self.present()?;
            let offset = match &wanted.line {
                LineId::Offset(offset) => Some(*offset).filter(|offset| *offset < LINES),
                // The lines have the names of their numbers.
                LineId::Name(name) => name.strip_prefix("line").and_then(|number| number.parse().ok()),
            };
            let offset = offset.ok_or_else(|| Missing {
                what: "the GPIO line",
                reason: "the chip has no such line".into(),
                mend: "correct it in the configuration".into(),
            })?;
            let born = *self.unplugged.borrow();
            let holder = locked(&self.held).get(&offset).and_then(Weak::upgrade);
            if holder.is_some_and(|holder| holder.born == born) {
                return Err(Missing {
                    what: "the GPIO line",
                    reason: "somebody holds it".into(),
                    mend: "end the program that holds it".into(),
                });
            }
            let level = self.level(offset);
            if wanted.direction == Direction::Out {
                level.send_replace(wanted.initial);
            }
            let line = Arc::new(FakeLine {
                offset,
                direction: wanted.direction,
                seen: tokio::sync::Mutex::new(level.subscribe()),
                level,
                born,
                unplugged: self.unplugged.subscribe(),
            });
            locked(&self.requests).push(wanted);
            locked(&self.held).insert(offset, Arc::downgrade(&line));
            Ok(line as Arc<dyn Line>)
        }
        .boxed()
    }
}

#[derive(Debug)]
struct FakeLine {
    offset: u32,
    direction: Direction,
    level: watch::Sender<bool>,
    seen: tokio::sync::Mutex<watch::Receiver<bool>>,
    born: u64,
    unplugged: watch::Receiver<u64>,
}

impl FakeLine {
    fn present(&self) -> Result<(), Missing> {
        let is_dead = *self.unplugged.borrow() != self.born;
        if is_dead { Err(gone()) } else { Ok(()) }
    }
}

fn gone() -> Missing {
    Missing {
        what: "the GPIO line",
        reason: "it was unplugged".into(),
        mend: "attach the chip again".into(),
    }
}

impl Line for FakeLine {
    fn chip(&self) -> &'static str {
        "fake"
    }

    fn offset(&self) -> u32 {
        self.offset
    }

    fn value(&self) -> BoxFuture<'_, Result<bool, Missing>> {
        std::future::ready(self.present().map(|()| *self.level.borrow())).boxed()
    }

    fn set(&self, value: bool) -> BoxFuture<'_, Result<(), Missing>> {
        let present = self.present();
        if present.is_ok() {
            self.level.send_replace(value);
        }
        std::future::ready(present).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, Result<bool, Missing>> {
        async move {
            let (mut seen, mut unplugged) = (self.seen.lock().await, self.unplugged.clone());
            let changed = async {
                if self.direction == Direction::Out {
                    std::future::pending::<()>().await;
                }
                let _ = seen.changed().await;
                *seen.borrow_and_update()
            };
            let lost = unplugged.wait_for(|times| *times != self.born);
            tokio::select! {
                biased;
                _ = lost => Err(gone()),
                value = changed => Ok(value),
            }
        }
        .boxed()
    }
}
