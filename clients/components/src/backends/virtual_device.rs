//! An input device of our own making by the kernel's uinput: made when it is first used, made anew when it was lost, and,
//! if it is meant to, taken away when nobody has used it for a while.
//!
//! It knows no keys and no buttons; whoever has it does.

use std::fs::OpenOptions;
use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use evdev::uinput::VirtualDevice;
use tokio::sync::Mutex;
use tokio::time::{sleep, sleep_until};

use super::Missing;
use super::lazy::Lazy;
use super::thread::blocking;

/// A desktop has to find a new device and open it before it hears it. Measured
/// under Xorg in the VM: keys typed 100 ms after the keyboard was made are lost,
/// after 300 ms they arrive. Only what comes earlier than this waits, and only
/// for the rest.
pub const SETTLE: Duration = Duration::from_millis(500);

/// How long a device that comes and goes stays when nobody uses it: longer than
/// a person looks at the screen between two strokes.
pub const IDLE: Duration = Duration::from_secs(300);

const PATH: &str = "/dev/uinput";

/// The device.
#[derive(Debug)]
pub(super) struct Virtual {
    what: &'static str,
    make: fn() -> io::Result<VirtualDevice>,
    idle: Option<Duration>,
    state: Arc<Mutex<Lazy<Made>>>,
}

#[derive(Debug)]
struct Made {
    device: VirtualDevice,
    made: Instant,
    used: Instant,
}

impl Virtual {
    /// A device that `make` makes; `what` it is called when it is missing. It stays, or goes after `idle`.
    pub(super) fn new(what: &'static str, make: fn() -> io::Result<VirtualDevice>, idle: Option<Duration>) -> Self {
        Self {
            what,
            make,
            idle,
            state: Arc::new(Mutex::new(Lazy::Unopened)),
        }
    }

    /// Lets `act` use the device, once the desktop has had the time to find it.
    pub(super) async fn with(&self, act: impl FnOnce(&mut VirtualDevice) -> io::Result<()>) -> Result<(), Missing> {
        let mut lazy = self.state.lock().await;
        let is_new = !matches!(&*lazy, Lazy::Open(_));
        let made = lazy.get(async || self.make().await).await?;
        if is_new && let Some(idle) = self.idle {
            tokio::spawn(take_away(Arc::downgrade(&self.state), idle));
        }
        sleep(SETTLE.saturating_sub(made.made.elapsed())).await;
        made.used = Instant::now();
        let acted = act(&mut made.device);
        if acted.is_err() {
            lazy.lose();
        }
        acted.map_err(|error| self.missing_by(&error))
    }

    /// Makes the device now; what is missing for it, if it cannot be made.
    pub(super) async fn prepare(&self) -> Option<Missing> {
        self.state.lock().await.get(async || self.make().await).await.err()
    }

    /// What is missing for it, without making it.
    pub(super) async fn missing(&self) -> Option<Missing> {
        if matches!(&*self.state.lock().await, Lazy::Open(_)) {
            return None;
        }
        // Opening it alone does nothing.
        let opened = OpenOptions::new().write(true).open(PATH);
        opened.err().map(|error| self.missing_by(&error))
    }

    async fn make(&self) -> Result<Made, Missing> {
        // Registering a device waits for the kernel's other input handlers.
        let device = blocking(self.make).await;
        let now = Instant::now();
        let made = |device| Made {
            device,
            made: now,
            used: now,
        };
        device.map(made).map_err(|error| self.missing_by(&error))
    }

    fn missing_by(&self, error: &io::Error) -> Missing {
        missing(self.what, error)
    }
}

/// Takes the device away once nobody has used it for so long.
async fn take_away(state: Weak<Mutex<Lazy<Made>>>, idle: Duration) {
    loop {
        let Some(state) = state.upgrade() else { return };
        let mut lazy = state.lock().await;
        let Lazy::Open(made) = &*lazy else { return };
        let end = made.used + idle;
        if end <= Instant::now() {
            return lazy.lose();
        }
        drop(lazy);
        drop(state);
        sleep_until(end.into()).await;
    }
}

fn missing(what: &'static str, error: &io::Error) -> Missing {
    let connect = crate::snap_connect("uinput");
    missing_with(what, error, connect.as_deref(), crate::uinput_command().as_deref())
}

/// `connect` is the command of the snap this runs in, and `command` that of the sources, where there are any.
fn missing_with(what: &'static str, error: &io::Error, connect: Option<&str>, command: Option<&str>) -> Missing {
    let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
    let mend = match (connect, command) {
        (Some(connect), _) if is_refused => connect.to_owned(),
        (_, Some(command)) if is_refused => {
            format!("{command} (it installs 70-deskconn.rules), and be logged in at the machine itself")
        }
        (_, Some(command)) => format!("{command} (it does modprobe uinput, now and at every start)"),
        (_, None) if is_refused => {
            "install packaging/udev/70-deskconn.rules into /etc/udev/rules.d, run `sudo udevadm control --reload && sudo \
             udevadm trigger /dev/uinput`, and be logged in at the machine itself"
                .to_owned()
        }
        (_, None) => "load the kernel module: sudo modprobe uinput".to_owned(),
    };
    Missing {
        what,
        reason: format!("{PATH}: {error}"),
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_device_is_mended_by_the_rules_and_an_absent_one_by_the_module() {
        let of = |kind, command| missing_with("it", &io::Error::from(kind), None, command);
        for command in [None, Some("sudo /src/packaging/uinput.sh")] {
            let refused = of(io::ErrorKind::PermissionDenied, command);
            assert!(refused.mend.contains("70-deskconn.rules"), "{refused}");
            let absent = of(io::ErrorKind::NotFound, command);
            assert!(absent.mend.contains("modprobe uinput"), "{absent}");
            for it in [refused, absent] {
                assert!(command.is_none_or(|command| it.mend.starts_with(command)), "{it}");
            }
        }
    }

    #[test]
    fn in_a_snap_a_refused_device_is_mended_by_the_plug_and_by_no_rule() {
        let connect = "sudo snap connect deskconn:uinput";
        let of = |kind| missing_with("it", &io::Error::from(kind), Some(connect), None).mend;
        assert_eq!(of(io::ErrorKind::PermissionDenied), connect);
        assert!(of(io::ErrorKind::NotFound).contains("modprobe uinput"));
    }
}
