//! Monitors on cables, dimmed by DDC/CI over their own little bus (`/dev/i2c-*`).
//!
//! A monitor takes a tenth of a second for a sentence and may wear out the memory it keeps its brightness in. So each has a
//! task of its own that talks to it on a thread, tells it the newest wish and none in between, at most once in
//! [`monitor::WRITE_EVERY`]; who sets it faster hears at once what it will be. Monitors that come and go are followed.
//!
//! What somebody does with the monitor's own buttons is seen when it is next asked, no sooner: it does not tell.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use i2cdev::core::I2CDevice;
use i2cdev::linux::LinuxI2CDevice;
use tokio::sync::{Mutex, watch};

mod connectors;
mod monitor;
mod protocol;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use self::connectors::Attached;
use self::monitor::Monitor;
use self::protocol::{ADDRESS, I2c};
use super::seen::Seen;
use super::thread::blocking;
use super::{Display, Failure, Missing};

/// How often the connectors are looked at when somebody asks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a monitor that did not answer is left alone. Some take a while to wake up, many never answer.
const LEAVE_ALONE: Duration = Duration::from_secs(30);

/// How long a sentence to a monitor may take with all its tries; the bus itself gives up after a second each time.
const PATIENCE: Duration = Duration::from_secs(5);

const WHAT: &str = "the brightness of a monitor on a cable";

/// Opens the bus of that device file.
type Open = dyn Fn(&Path) -> io::Result<Box<dyn I2c>> + Send + Sync;

/// The monitors of this machine.
pub(super) struct Monitors {
    connectors: PathBuf,
    devices: PathBuf,
    open: Arc<Open>,
    known: Mutex<Known>,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Known {
    monitors: BTreeMap<String, (Attached, Result<Arc<Monitor>, Silent>)>,
    looked: Option<Instant>,
}

/// A monitor that did not answer.
#[derive(Debug)]
struct Silent {
    why: Missing,
    since: Instant,
}

impl fmt::Debug for Monitors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Monitors")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Monitors {
    /// The monitors at the connectors below that directory, whose buses are in the other one.
    pub(super) fn new(connectors: PathBuf, devices: PathBuf) -> Self {
        Self::with(connectors, devices, Arc::new(open))
    }

    fn with(connectors: PathBuf, devices: PathBuf, open: Arc<Open>) -> Self {
        Self {
            connectors,
            devices,
            open,
            known: Mutex::default(),
            seen: Seen::none(),
        }
    }

    /// Those that answer, as they are now.
    pub(super) async fn displays(&self) -> Vec<Display> {
        for monitor in self.look().await {
            monitor.refresh().await;
        }
        self.known().await
    }

    /// Those that answer, as they were last. Only new ones are asked: a question wakes a monitor, and some flicker.
    pub(super) async fn known(&self) -> Vec<Display> {
        let displays: Vec<Display> = self.look().await.iter().map(|monitor| monitor.display()).collect();
        self.seen.all(&displays);
        displays
    }

    /// Sets one of them; `None` if there is none of that name.
    pub(super) async fn set(&self, id: &str, percent: u8) -> Option<Result<Display, Failure>> {
        let monitor = self.look().await.into_iter().find(|monitor| monitor.id() == id)?;
        let set = monitor.set(percent).await;
        let display = monitor.display();
        self.seen.one(&display);
        Some(set.map(|()| display).map_err(Failure::Missing))
    }

    /// Those that answered last, as they change.
    pub(super) fn changes(&self) -> watch::Receiver<Vec<Display>> {
        self.seen.changes()
    }

    /// Why monitors that are attached cannot be set, if one cannot.
    pub(super) async fn missing(&self) -> Option<Missing> {
        self.look().await;
        let known = self.known.lock().await;
        let mut silent = known
            .monitors
            .values()
            .filter_map(|(_, monitor)| monitor.as_ref().err());
        silent.next().map(|silent| silent.why.clone())
    }

    /// The monitors that answer, in the order of their connectors; new ones are asked first.
    async fn look(&self) -> Vec<Arc<Monitor>> {
        let mut known = self.known.lock().await;
        if known.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            let root = self.connectors.clone();
            let attached = blocking(move || connectors::attached(&root)).await;
            self.compare(&mut known, attached).await;
            known.looked = Some(Instant::now());
        }
        let answering = known.monitors.values().filter_map(|(_, monitor)| monitor.as_ref().ok());
        answering.map(Arc::clone).collect()
    }

    async fn compare(&self, known: &mut Known, attached: Vec<Attached>) {
        known.monitors.retain(|_, (before, monitor)| {
            let is_there = attached.contains(before);
            is_there
                && monitor
                    .as_ref()
                    .err()
                    .is_none_or(|silent| silent.since.elapsed() < LEAVE_ALONE)
        });
        for monitor in attached {
            if known.monitors.contains_key(&monitor.id) {
                continue;
            }
            let path = self.devices.join(&monitor.bus);
            let opened = Monitor::open(&monitor, path, Arc::clone(&self.open)).await;
            let opened = opened.map(Arc::new).map_err(|why| Silent {
                why,
                since: Instant::now(),
            });
            known.monitors.insert(monitor.id.clone(), (monitor, opened));
        }
    }
}

/// The real bus.
struct Device(LinuxI2CDevice);

fn open(path: &Path) -> io::Result<Box<dyn I2c>> {
    // Refused where a driver of the kernel has the monitor; then it is a backlight.
    let device = LinuxI2CDevice::new(path, ADDRESS).map_err(io::Error::from)?;
    Ok(Box::new(Device(device)))
}

impl I2c for Device {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes).map_err(io::Error::from)
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read(bytes).map_err(io::Error::from)
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Why a monitor cannot be reached, with what helps.
fn missing(name: &str, path: &Path, error: &protocol::DdcError) -> Missing {
    let kind = match error {
        protocol::DdcError::Bus(error) => Some(error.kind()),
        protocol::DdcError::Noise | protocol::DdcError::Unsupported => None,
    };
    let mend = match kind {
        Some(io::ErrorKind::PermissionDenied) if crate::snap_name().is_some() => {
            "no plug of the snap reaches a monitor on a cable; the packages for the system do"
        }
        Some(io::ErrorKind::PermissionDenied) => {
            "install packaging/udev/70-deskconn.rules into /etc/udev/rules.d, run `sudo udevadm control --reload && \
             sudo udevadm trigger --subsystem-match=i2c-dev`, and be logged in at the machine itself"
        }
        Some(io::ErrorKind::NotFound) => "load the kernel module: sudo modprobe i2c-dev",
        _ => "switch DDC/CI on in the monitor's own menu; docks and adapters may not pass it on",
    };
    Missing {
        what: WHAT,
        reason: format!("{name}, {}: {error}", path.display()),
        mend: mend.into(),
    }
}
