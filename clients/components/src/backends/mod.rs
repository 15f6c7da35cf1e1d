//! How this machine types keys, locks its screen and dims its display: the
//! operating system, and nothing of WAMP.
//!
//! * [`Keys`] by the kernel's uinput ([`slide_keys`]),
//! * [`Locker`] by logind, the session bus and a configured program
//!   ([`locker`], over `logind`, `screensaver` and [`lock_command`]),
//! * [`Backlight`] by the desktop's service, by sysfs through logind
//!   ([`backlight`]), and by DDC/CI for monitors on cables ([`displays`]),
//! * [`Notifier`] by the notification service of the session bus
//!   ([`notifier`]),
//! * [`players::Players`] by MPRIS on the session bus ([`mpris`]),
//! * a pointer and a keyboard by uinput too ([`input`]),
//! * [`gpio`] by the kernel's character device,
//! * [`host::Host`], how the machine is,
//! * [`program`]s of the person's own,
//! * [`sound::Sound`] by PulseAudio's protocol ([`pulse`]),
//! * [`opener::Opener`] by the desktop's portal or `xdg-open` ([`opener`]),
//! * [`power::Power`] by logind ([`power`]),
//! * [`battery::Batteries`] by UPower or sysfs ([`battery`]),
//! * and [`fake`] of all for tests that have no such machine.
//!
//! A [`Machine`] holds one of each. What is missing is not an error when it is
//! opened: each call says so, with the step that mends it, and looks again at
//! most once in [`RETRY_EVERY`], so that mending needs no restart.
//!
//! Making a machine takes nothing away from anybody: devices and services are
//! opened when they are first asked for, or when their component starts.
//!
//! Nothing here decides who may do what, and nothing here logs: the daemon logs
//! what the components miss.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

pub mod backlight;
pub mod battery;
mod bus;
mod ddc;
pub mod displays;
pub mod fake;
pub mod gpio;
pub mod host;
pub mod input;
pub(crate) mod lazy;
pub mod lock_command;
pub mod locker;
mod logind;
pub mod mpris;
pub mod notifier;
pub mod opener;
pub mod players;
pub mod power;
pub mod program;
pub mod pulse;
mod screensaver;
pub mod seat;
mod seen;
pub mod slide_keys;
pub mod sound;
mod sysfs;
mod thread;
pub mod virtual_device;

pub use seat::Seat;

/// How often something that is missing is looked for again when it is asked
/// for: soon enough for a person who has just mended it, seldom enough that a
/// caller in a loop does not make the daemon hammer the system.
pub const RETRY_EVERY: Duration = Duration::from_secs(1);

/// How often those who follow a bus or a server that is absent or died try it again by themselves.
const RECONNECT_EVERY: Duration = Duration::from_secs(5);

/// Something the machine lacks: what, why, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be reached: {reason}; {mend}")]
pub struct Missing {
    /// What is not there, as a noun: "the uinput device".
    pub what: &'static str,
    /// Why not, as the system tells it.
    pub reason: String,
    /// The step that mends it, as an instruction.
    pub mend: String,
}

/// Why a backend did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The device or service is not there, or refuses.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// There is nothing of that name.
    #[error("there is no {what} \"{asked}\"; {}", listed(known))]
    NoSuch {
        /// What sort of thing it would be.
        what: &'static str,
        /// What the caller asked for.
        asked: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// The system says no.
    #[error("{0}")]
    Refused(String),
    /// As much is under way as may be.
    #[error("{0}")]
    Busy(String),
}

impl Failure {
    /// What was asked for is none of those that are known.
    fn no_such(what: &'static str, asked: Option<&str>, known: impl IntoIterator<Item = String>) -> Self {
        Self::NoSuch {
            what,
            asked: asked.unwrap_or_default().to_owned(),
            known: known.into_iter().collect(),
        }
    }
}

/// The nearest whole percentage from `least` on; what is no number is the least.
pub(crate) fn whole_percent(percent: f64, least: u8) -> u8 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 100"
    )]
    let whole = percent.round().clamp(f64::from(least), 100.0) as u8;
    whole.max(least)
}

fn listed(known: &[String]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.as_slice() {
        [] => "there is none".to_owned(),
        [one] => format!("there is {one}"),
        [some @ .., last] => format!("there are {} and {last}", some.join(", ")),
    }
}

/// The keys a slide remote needs, and no others: a hijacked remote can turn
/// pages, it cannot type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Next slide.
    PageDown,
    /// Previous slide.
    PageUp,
    /// Start the presentation.
    F5,
    /// End the presentation.
    Escape,
    /// Blank the screen, and back.
    B,
}

impl Key {
    /// Every key there is.
    pub const ALL: [Self; 5] = [Self::PageDown, Self::PageUp, Self::F5, Self::Escape, Self::B];
}

/// Types keys.
pub trait Keys: Debug + Send + Sync {
    /// Presses and releases one key; ends when the kernel has taken both.
    fn tap(&self, key: Key) -> BoxFuture<'_, Result<(), Failure>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// Locks the screen and knows whether it is locked.
pub trait Locker: Debug + Send + Sync {
    /// Locks the screen. `true` once the desktop reports it as locked, `false`
    /// if it was asked and nothing reported a lock in time.
    fn lock(&self) -> BoxFuture<'_, Result<bool, Failure>>;

    /// Unlocks the screen, without a password. `true` once the desktop reports it
    /// as unlocked.
    fn unlock(&self) -> BoxFuture<'_, Result<bool, Failure>>;

    /// What to lock with where nothing else does: a program and its arguments,
    /// or nothing.
    fn fall_back_on(&self, command: Vec<String>);

    /// Whether the screen is locked; `None` when no source on this machine can
    /// tell.
    fn is_locked(&self) -> BoxFuture<'_, Option<bool>>;

    /// The last known answer of [`Locker::is_locked`], as it changes.
    fn changes(&self) -> watch::Receiver<Option<bool>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// What sort of display it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayKind {
    /// Built in, with a backlight of its own.
    Internal,
    /// A monitor on a cable.
    External,
}

/// A display whose brightness can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    /// Stable name, to be given back in calls.
    pub id: String,
    /// A name a person recognises.
    pub name: String,
    /// Built in or on a cable.
    pub kind: DisplayKind,
    /// Brightness now, 0 to 100.
    pub percent: u8,
}

/// Dims displays.
pub trait Backlight: Debug + Send + Sync {
    /// The displays, the one that is meant when none is named first; never
    /// empty.
    fn displays(&self) -> BoxFuture<'_, Result<Vec<Display>, Failure>>;

    /// Sets the brightness of a display (the first when none is named) to the
    /// nearest step it has, and says what it is then. Writes nothing where
    /// that step is already set.
    fn set(&self, display: Option<String>, percent: u8) -> BoxFuture<'_, Result<Display, Failure>>;

    /// The displays as last seen, whoever changed them. Empty until the first
    /// display is found.
    fn changes(&self) -> watch::Receiver<Vec<Display>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// A question with two answers, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The one line that says what it is about.
    pub summary: String,
    /// The lines below it.
    pub body: String,
    /// The button that says yes.
    pub allow: String,
    /// The button that says no.
    pub deny: String,
}

/// Something to be seen, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The one line that says what it is about.
    pub summary: String,
    /// The lines below it; none if it is empty.
    pub body: String,
    /// What it is from.
    pub app: String,
}

/// Shows something to the person at the desktop, and asks.
pub trait Notifier: Debug + Send + Sync {
    /// Shows a message, and gives the number that the desktop has for it.
    fn show(&self, message: Message) -> BoxFuture<'_, Result<u32, Failure>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;

    /// Shows a question until it is answered, closed, or `withdrawn` ends; `None` when nobody answered it.
    fn ask(&self, notice: Notice, withdrawn: BoxFuture<'static, ()>) -> BoxFuture<'_, Result<Option<bool>, Failure>>;
}

/// Where a machine is looked at. The default is where Linux has these things;
/// tests point elsewhere.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where displays are.
    pub displays: displays::DisplayPlaces,
    /// The root of the file system, for what the kernel tells of the machine.
    pub root: PathBuf,
    /// Where Debian keeps the layout of the keyboard.
    pub keyboard_file: PathBuf,
    /// Address of the system bus, if not the usual one.
    pub system_bus: Option<String>,
    /// Address of the session bus, if not the usual one.
    pub session_bus: Option<String>,
    /// The directory with one entry for each power supply.
    pub power_supplies: PathBuf,
    /// Where the sound server is.
    pub pulse: pulse::Place,
    /// What opens pages where there is no portal.
    pub opener: opener::Program,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            displays: displays::DisplayPlaces::default(),
            root: PathBuf::from("/"),
            keyboard_file: PathBuf::from("/etc/default/keyboard"),
            system_bus: None,
            session_bus: None,
            power_supplies: PathBuf::from("/sys/class/power_supply"),
            pulse: pulse::Place::of_environment(),
            opener: opener::Program::of_environment(),
        }
    }
}

/// Everything a function may use of this machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Types keys.
    pub keys: Arc<dyn Keys>,
    /// Locks the screen.
    pub locker: Arc<dyn Locker>,
    /// Dims displays.
    pub backlight: Arc<dyn Backlight>,
    /// Knows who sits there. Nothing depends on it but a system service.
    pub seat: Arc<dyn Seat>,
    /// Moves the pointer.
    pub pointer: Arc<dyn input::Pointer>,
    /// Types.
    pub keyboard: Arc<dyn input::Keyboard>,
    /// Tells how it is.
    pub host: Arc<host::Host>,
    /// Lines of GPIO chips.
    pub gpio: Arc<dyn gpio::Gpio>,
    /// Shows messages to the person in front, and asks.
    pub notifier: Arc<dyn Notifier>,
    /// Plays music and films.
    pub players: Arc<dyn players::Players>,
    /// Makes what is played louder and quieter.
    pub sound: Arc<dyn sound::Sound>,
    /// Opens pages.
    pub opener: Arc<dyn opener::Opener>,
    /// Switches the machine off, and the like.
    pub power: Arc<dyn power::Power>,
    /// Knows how full the battery is.
    pub battery: Arc<dyn battery::Batteries>,
}

impl Machine {
    /// Who sits at the machine at these places, for those who want nothing else of it.
    #[must_use]
    pub fn seat_alone(places: Places) -> Arc<dyn Seat> {
        let system = Arc::new(bus::Bus::system(places.system_bus));
        Arc::new(seat::LogindSeat::new(Arc::new(logind::Logind::new(system))))
    }

    /// The machine at these places. What it has not stays missing until it is
    /// there.
    ///
    /// Has to be called inside a tokio runtime: what changes by itself (the
    /// lock, the brightness) is followed by tasks that live as long as the
    /// machine.
    #[must_use]
    pub fn detect(places: Places) -> Self {
        let system = Arc::new(bus::Bus::system(places.system_bus));
        let session = Arc::new(bus::Bus::session(places.session_bus));
        let logind = Arc::new(logind::Logind::new(Arc::clone(&system)));
        Self {
            keys: Arc::new(slide_keys::SlideKeys::new()),
            locker: Arc::new(locker::DesktopLocker::start(Arc::clone(&logind), Arc::clone(&session))),
            seat: Arc::new(seat::LogindSeat::new(Arc::clone(&logind))),
            backlight: Arc::new(displays::Displays::start(places.displays, logind, Arc::clone(&session))),
            notifier: Arc::new(notifier::DesktopNotifier::new(Arc::clone(&session))),
            pointer: Arc::new(input::pointer::UinputPointer::new()),
            keyboard: Arc::new(input::keyboard::UinputKeyboard::new(
                Arc::clone(&system),
                places.keyboard_file,
            )),
            host: Arc::new(host::Host::new(places.root)),
            gpio: Arc::new(gpio::chardev::Chardev::default()),
            players: Arc::new(mpris::Mpris::new(Arc::clone(&session))),
            sound: Arc::new(pulse::Pulse::new(places.pulse)),
            opener: Arc::new(opener::DesktopOpener::new(session, places.opener)),
            power: Arc::new(power::LogindPower::new(Arc::clone(&system))),
            battery: Arc::new(battery::MachineBattery::new(system, places.power_supplies)),
        }
    }
}
