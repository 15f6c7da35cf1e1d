//! One monitor: what it was last told and said, and the task that talks to it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connectors::Attached;
use super::protocol::{self, BRIGHTNESS, Control, DdcError, I2c};
use super::{Open, PATIENCE, missing};
use crate::backends::thread::blocking;
use crate::backends::{Display, DisplayKind, Missing};

/// The shortest time between two sentences that set a brightness. Monitors keep it in a memory that wears out.
pub(super) const WRITE_EVERY: Duration = Duration::from_secs(1);

/// How old what a monitor said may be when somebody asks.
const FRESH: Duration = Duration::from_secs(5);

/// A monitor that answers.
#[derive(Debug)]
pub(super) struct Monitor {
    line: Arc<Line>,
    state: Arc<StdMutex<State>>,
    /// The newest wish, by its number.
    wish: watch::Sender<Option<(u64, u8)>>,
    /// The last wish that was told it, and how that went.
    done: watch::Receiver<(u64, Option<Missing>)>,
    /// Aborted with the monitor.
    _teller: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    /// What it will be once the newest wish has been told.
    percent: u8,
    /// What it said or took last.
    shown: u8,
    max: u16,
    /// When it was last told or asked.
    known: Instant,
    wishes: u64,
    /// A wish told now would have to wait.
    is_busy: bool,
}

impl State {
    /// A wish was told, or could not be.
    fn note(&mut self, number: u64, percent: u8, was_taken: bool) {
        self.known = Instant::now();
        if was_taken {
            self.shown = percent;
            return;
        }
        // It is what it was, unless somebody wishes something else already; and what that is, is for itself to say.
        if self.wishes == number {
            self.percent = self.shown;
        }
        self.known = self.known.checked_sub(FRESH).unwrap_or(self.known);
    }
}

/// The way to it: one sentence at a time, on a thread.
struct Line {
    id: String,
    name: String,
    path: PathBuf,
    i2c: Arc<Mutex<Box<dyn I2c>>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} at {}", self.id, self.path.display())
    }
}

impl Line {
    /// Says a sentence. One that never ends keeps the monitor, and the next one says that there is no answer.
    async fn say<T: Send + 'static>(
        &self,
        say: impl FnOnce(&mut dyn I2c) -> Result<T, DdcError> + Send + 'static,
    ) -> Result<T, Missing> {
        let said = async {
            let mut i2c = Arc::clone(&self.i2c).lock_owned().await;
            blocking(move || say(&mut **i2c)).await
        };
        let result = match timeout(PATIENCE, said).await {
            Ok(result) => result,
            Err(_) => Err(DdcError::Bus(std::io::ErrorKind::TimedOut.into())),
        };
        result.map_err(|error| missing(&self.name, &self.path, &error))
    }
}

impl Monitor {
    /// Opens the bus and asks the monitor what it is.
    pub(super) async fn open(attached: &Attached, path: PathBuf, open: Arc<Open>) -> Result<Self, Missing> {
        let device = path.clone();
        let opened = blocking(move || open(&device)).await;
        let i2c = opened.map_err(|error| missing(&attached.name, &path, &DdcError::Bus(error)))?;
        let line = Arc::new(Line {
            id: attached.id.clone(),
            name: attached.name.clone(),
            path,
            i2c: Arc::new(Mutex::new(i2c)),
        });
        let control = line.say(|i2c| protocol::get(i2c, BRIGHTNESS)).await?;
        let state = Arc::new(StdMutex::new(State {
            percent: percent(control),
            shown: percent(control),
            max: control.max,
            known: Instant::now(),
            wishes: 0,
            is_busy: false,
        }));
        let (wish, wishes) = watch::channel(None);
        let (told, done) = watch::channel((0, None));
        let mut teller = JoinSet::new();
        teller.spawn(tell(Arc::clone(&line), Arc::clone(&state), wishes, told));
        Ok(Self {
            line,
            state,
            wish,
            done,
            _teller: teller,
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.line.id
    }

    pub(super) fn display(&self) -> Display {
        Display {
            id: self.line.id.clone(),
            name: self.line.name.clone(),
            kind: DisplayKind::External,
            percent: locked(&self.state).percent,
        }
    }

    /// Asks it how bright it is, if that was long ago and nothing is being told.
    pub(super) async fn refresh(&self) {
        let is_due = |state: &State| !state.is_busy && state.known.elapsed() >= FRESH;
        if !is_due(&locked(&self.state)) {
            return;
        }
        let answer = self.line.say(|i2c| protocol::get(i2c, BRIGHTNESS)).await;
        let mut state = locked(&self.state);
        if is_due(&state) {
            // One that does not answer now shows what it said last, and is not asked again by the next who looks.
            state.known = Instant::now();
            if let Ok(control) = answer {
                state.shown = percent(control);
                state.percent = state.shown;
            }
        }
    }

    /// Lets what it said be old.
    #[cfg(test)]
    pub(super) fn grow_old(&self) {
        let mut state = locked(&self.state);
        state.known = state.known.checked_sub(FRESH).unwrap();
    }

    /// Sets it: at once if it can be told now, else as soon as it can.
    pub(super) async fn set(&self, percent: u8) -> Result<(), Missing> {
        self.refresh().await;
        let (number, can_wait) = {
            let mut state = locked(&self.state);
            if state.percent == percent {
                return Ok(());
            }
            state.wishes += 1;
            state.percent = percent;
            let was_busy = std::mem::replace(&mut state.is_busy, true);
            self.wish.send_replace(Some((state.wishes, percent)));
            (state.wishes, !was_busy)
        };
        if !can_wait {
            return Ok(());
        }
        let mut done = self.done.clone();
        let told = timeout(PATIENCE * 2, done.wait_for(|(last, _)| *last >= number)).await;
        match told {
            Ok(Ok(told)) => told.1.clone().map_or(Ok(()), Err),
            Ok(Err(_)) | Err(_) => {
                let error = DdcError::Bus(std::io::ErrorKind::TimedOut.into());
                Err(missing(&self.line.name, &self.line.path, &error))
            }
        }
    }
}

/// Tells the monitor the newest wish, and then leaves it in peace for a while, until it is aborted.
async fn tell(
    line: Arc<Line>,
    state: Arc<StdMutex<State>>,
    mut wishes: watch::Receiver<Option<(u64, u8)>>,
    told: watch::Sender<(u64, Option<Missing>)>,
) {
    while wishes.changed().await.is_ok() {
        let Some((number, percent)) = *wishes.borrow_and_update() else {
            continue;
        };
        let raw = raw(percent, locked(&state).max);
        let result = line.say(move |i2c| protocol::set(i2c, BRIGHTNESS, raw)).await;
        locked(&state).note(number, percent, result.is_ok());
        told.send_replace((number, result.err()));
        sleep(WRITE_EVERY).await;
        let mut state = locked(&state);
        state.is_busy = wishes.has_changed().unwrap_or_default();
    }
}

fn locked(state: &StdMutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn percent(control: Control) -> u8 {
    let (now, max) = (u32::from(control.now), u32::from(control.max));
    let percent = (now * 100 + max / 2).checked_div(max).unwrap_or_default();
    u8::try_from(percent).map_or(100, |percent| percent.min(100))
}

fn raw(percent: u8, max: u16) -> u16 {
    let raw = (u32::from(percent) * u32::from(max) + 50) / 100;
    u16::try_from(raw).unwrap_or(max).min(max)
}
