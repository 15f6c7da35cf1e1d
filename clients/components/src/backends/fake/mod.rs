//! A machine that is not there, for tests of what stands above the backends: it
//! remembers what it was told and can be told to miss things.
//!
//! It says nothing about how the real backends behave; their own tests and the
//! VM do.

mod battery;
mod gpio;
mod input;
mod opener;
mod players;
mod power;
mod sound;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::backends::battery::Batteries;
use crate::backends::gpio::Gpio;
use crate::backends::host::Host;
use crate::backends::input::{Keyboard, Pointer};
use crate::backends::opener::Opener;
use crate::backends::players::Players;
use crate::backends::power::Power;
use crate::backends::seen::place_of;
use crate::backends::sound::Sound;
use crate::backends::{
    Backlight, Display, DisplayKind, Failure, Key, Keys, Locker, Machine, Message, Missing, Notice, Notifier, Seat,
};

pub use battery::FakeBattery;
pub use gpio::FakeGpio;
pub use input::FakeInput;
pub use opener::FakeOpener;
pub use players::FakePlayers;
pub use power::FakePower;
pub use sound::FakeSound;

/// All backends in one.
#[derive(Debug)]
pub struct Fake {
    state: Mutex<State>,
    locked: watch::Sender<Option<bool>>,
    displays: watch::Sender<Vec<Display>>,
    /// The question that is shown, with the way of its answer.
    notice: watch::Sender<Option<Notice>>,
    choice: watch::Sender<Option<bool>>,
    occupant: watch::Sender<Option<u32>>,
    /// The players.
    pub players: Arc<FakePlayers>,
    /// Its pointer and keyboard.
    pub input: Arc<FakeInput>,
    /// Its GPIO chip.
    pub gpio: Arc<FakeGpio>,
    /// The sound.
    pub sound: Arc<FakeSound>,
    /// The browser.
    pub opener: Arc<FakeOpener>,
    /// Switches the machine off, and the like.
    pub power: Arc<FakePower>,
    /// Knows how full the battery is.
    pub battery: Arc<FakeBattery>,
}

#[derive(Debug, Default)]
struct State {
    taps: Vec<Key>,
    writes: Vec<(String, u8)>,
    shown: Vec<Message>,
    lock_command: Vec<String>,
    missing: Option<Missing>,
}

impl Default for Fake {
    fn default() -> Self {
        let display = |id: &str, kind| Display {
            id: id.into(),
            name: format!("Display {id}"),
            kind,
            percent: 50,
        };
        Self {
            state: Mutex::default(),
            locked: watch::Sender::new(Some(false)),
            displays: watch::Sender::new(vec![
                display("panel", DisplayKind::Internal),
                display("monitor", DisplayKind::External),
            ]),
            notice: watch::Sender::new(None),
            choice: watch::Sender::new(None),
            occupant: watch::Sender::new(None),
            players: Arc::default(),
            battery: Arc::default(),
            power: Arc::default(),
            input: Arc::default(),
            gpio: Arc::default(),
            sound: Arc::default(),
            opener: Arc::default(),
        }
    }
}

impl Fake {
    /// A machine made of this fake, which stays in the test's hands.
    pub fn machine(self: &Arc<Self>) -> Machine {
        Machine {
            keys: Arc::clone(self) as Arc<dyn Keys>,
            locker: Arc::clone(self) as Arc<dyn Locker>,
            backlight: Arc::clone(self) as Arc<dyn Backlight>,
            pointer: Arc::clone(&self.input) as Arc<dyn Pointer>,
            keyboard: Arc::clone(&self.input) as Arc<dyn Keyboard>,
            host: Arc::new(Host::new("/".into())),
            gpio: Arc::clone(&self.gpio) as Arc<dyn Gpio>,
            notifier: Arc::clone(self) as Arc<dyn Notifier>,
            seat: Arc::clone(self) as Arc<dyn Seat>,
            players: Arc::clone(&self.players) as Arc<dyn Players>,
            battery: Arc::clone(&self.battery) as Arc<dyn Batteries>,
            power: Arc::clone(&self.power) as Arc<dyn Power>,
            sound: Arc::clone(&self.sound) as Arc<dyn Sound>,
            opener: Arc::clone(&self.opener) as Arc<dyn Opener>,
        }
    }

    /// The keys tapped so far.
    pub fn taps(&self) -> Vec<Key> {
        self.state().taps.clone()
    }

    /// Each brightness that was written, with its display.
    pub fn writes(&self) -> Vec<(String, u8)> {
        self.state().writes.clone()
    }

    /// The messages shown so far.
    pub fn shown(&self) -> Vec<Message> {
        self.state().shown.clone()
    }

    /// What it was told to lock with where nothing else does.
    pub fn lock_command(&self) -> Vec<String> {
        self.state().lock_command.clone()
    }

    /// From now on every call misses this; `None` mends it.
    pub fn miss(&self, missing: Option<Missing>) {
        self.state().missing = missing;
    }

    /// The desktop reports this lock state.
    pub fn report_lock(&self, state: Option<bool>) {
        self.locked.send_replace(state);
    }

    /// What the desktop reports now.
    pub fn lock_state(&self) -> Option<bool> {
        *self.locked.borrow()
    }

    /// Somebody else changes the brightness of the first display.
    pub fn turn_knob(&self, percent: u8) {
        self.displays.send_modify(|displays| {
            if let Some(display) = displays.first_mut() {
                display.percent = percent;
            }
        });
    }

    /// Somebody sits down at the machine, or nobody does any more.
    pub fn seat(&self, uid: Option<u32>) {
        self.occupant.send_replace(uid);
    }

    /// The question that is shown, as it changes.
    pub fn notice(&self) -> watch::Receiver<Option<Notice>> {
        self.notice.subscribe()
    }

    /// The person presses a button of the question that is shown.
    pub fn choose(&self, allow: bool) {
        self.choice.send_replace(Some(allow));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn present(&self) -> Result<MutexGuard<'_, State>, Failure> {
        let state = self.state();
        match &state.missing {
            Some(missing) => Err(Failure::Missing(missing.clone())),
            None => Ok(state),
        }
    }

    fn write(&self, asked: Option<&str>, percent: u8) -> Result<Display, Failure> {
        let mut state = self.present()?;
        let known = self.displays.borrow().clone();
        let index = place_of(asked, known.iter().map(|display| &display.id))?;
        if known[index].percent != percent {
            state.writes.push((known[index].id.clone(), percent));
            self.displays.send_modify(|displays| displays[index].percent = percent);
        }
        Ok(self.displays.borrow()[index].clone())
    }
}

impl Keys for Fake {
    fn tap(&self, key: Key) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            self.present()?.taps.push(key);
            Ok(())
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.state().missing.clone() }.boxed()
    }
}

impl Locker for Fake {
    fn lock(&self) -> BoxFuture<'_, Result<bool, Failure>> {
        async {
            drop(self.present()?);
            self.locked.send_replace(Some(true));
            Ok(true)
        }
        .boxed()
    }

    fn unlock(&self) -> BoxFuture<'_, Result<bool, Failure>> {
        async {
            drop(self.present()?);
            self.locked.send_replace(Some(false));
            Ok(true)
        }
        .boxed()
    }

    fn fall_back_on(&self, command: Vec<String>) {
        self.state().lock_command = command;
    }

    fn is_locked(&self) -> BoxFuture<'_, Option<bool>> {
        async { *self.locked.borrow() }.boxed()
    }

    fn changes(&self) -> watch::Receiver<Option<bool>> {
        self.locked.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Keys::missing(self)
    }
}

impl Backlight for Fake {
    fn displays(&self) -> BoxFuture<'_, Result<Vec<Display>, Failure>> {
        async {
            drop(self.present()?);
            Ok(self.displays.borrow().clone())
        }
        .boxed()
    }

    fn set(&self, display: Option<String>, percent: u8) -> BoxFuture<'_, Result<Display, Failure>> {
        async move { self.write(display.as_deref(), percent) }.boxed()
    }

    fn changes(&self) -> watch::Receiver<Vec<Display>> {
        self.displays.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Keys::missing(self)
    }
}

impl Seat for Fake {
    fn occupant(&self) -> watch::Receiver<Option<u32>> {
        self.occupant.subscribe()
    }
}

impl Notifier for Fake {
    fn show(&self, message: Message) -> BoxFuture<'_, Result<u32, Failure>> {
        async move {
            let mut state = self.present()?;
            state.shown.push(message);
            Ok(u32::try_from(state.shown.len()).unwrap_or(u32::MAX))
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Keys::missing(self)
    }

    fn ask(&self, notice: Notice, withdrawn: BoxFuture<'static, ()>) -> BoxFuture<'_, Result<Option<bool>, Failure>> {
        async move {
            drop(self.present()?);
            self.choice.send_replace(None);
            let mut choice = self.choice.subscribe();
            self.notice.send_replace(Some(notice));
            let answer = tokio::select! {
                chosen = choice.wait_for(Option::is_some) => chosen.ok().and_then(|chosen| *chosen),
                () = withdrawn => None,
            };
            self.notice.send_replace(None);
            Ok(answer)
        }
        .boxed()
    }
}
