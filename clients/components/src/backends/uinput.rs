//! Keys by the kernel's uinput: one keyboard with the slide keys, made once and
//! kept. Works on every compositor, on the console and before login.
//!
//! It knows key codes, not characters: what a key means is up to the keyboard
//! layout, which is why only keys that every layout has are offered.

use std::io;
use std::time::{Duration, Instant};

use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, BusType, InputId, KeyCode, KeyEvent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::lazy::Lazy;
use super::{Failure, Key, Keys, Missing};

/// The keyboard's name, as the desktop lists it.
pub const DEVICE_NAME: &str = "deskconn slides";

/// A desktop has to find a new keyboard and open it before it hears its keys.
/// Measured under Xorg in the VM: keys typed 100 ms after the keyboard was made
/// are lost, after 300 ms they arrive. Only a key that comes earlier than this
/// waits, and only for the rest.
pub const SETTLE: Duration = Duration::from_millis(500);

const WHAT: &str = "the uinput device that types slide keys";

/// The slide keyboard.
#[derive(Debug)]
pub struct Uinput {
    keyboard: Mutex<Lazy<Keyboard>>,
}

#[derive(Debug)]
struct Keyboard {
    device: VirtualDevice,
    made: Instant,
}

impl Uinput {
    /// A keyboard that is made when it is first asked for, or asked about.
    pub(super) fn new() -> Self {
        Self {
            keyboard: Mutex::new(Lazy::Unopened),
        }
    }
}

impl Keys for Uinput {
    fn tap(&self, key: Key) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let mut lazy = self.keyboard.lock().await;
            let keyboard = lazy.get(Keyboard::make).await?;
            tokio::time::sleep(SETTLE.saturating_sub(keyboard.made.elapsed())).await;
            let typed = keyboard.tap(code(key));
            if typed.is_err() {
                lazy.lose();
            }
            typed.map_err(|error| Failure::Missing(missing(&error)))
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.keyboard.lock().await.get(Keyboard::make).await.err() }.boxed()
    }
}

impl Keyboard {
    async fn make() -> Result<Self, Missing> {
        // Registering a device waits for the kernel's other input handlers.
        tokio::task::spawn_blocking(make_device)
            .await
            .expect("making a device does not panic and is not aborted")
            .map(|device| Self {
                device,
                made: Instant::now(),
            })
            .map_err(|error| missing(&error))
    }

    fn tap(&mut self, code: KeyCode) -> io::Result<()> {
        // Each emit ends with a SYN_REPORT: a press and a release in one report
        // would be no key stroke (kernel: input/event-codes).
        self.device.emit(&[*KeyEvent::new(code, 1)])?;
        self.device.emit(&[*KeyEvent::new(code, 0)])
    }
}

fn make_device() -> io::Result<VirtualDevice> {
    let keys: AttributeSet<KeyCode> = Key::ALL.into_iter().map(code).collect();
    VirtualDevice::builder()?
        .name(DEVICE_NAME)
        .input_id(InputId::new(BusType::BUS_VIRTUAL, 0, 0, 1))
        .with_keys(&keys)?
        .build()
}

fn code(key: Key) -> KeyCode {
    match key {
        Key::PageDown => KeyCode::KEY_PAGEDOWN,
        Key::PageUp => KeyCode::KEY_PAGEUP,
        Key::F5 => KeyCode::KEY_F5,
        Key::Escape => KeyCode::KEY_ESC,
        Key::B => KeyCode::KEY_B,
    }
}

fn missing(error: &io::Error) -> Missing {
    let mend = if error.kind() == io::ErrorKind::PermissionDenied {
        "install packaging/udev/70-deskconn.rules into /etc/udev/rules.d, run `sudo udevadm control --reload && \
         sudo udevadm trigger /dev/uinput`, and be logged in at the machine itself"
    } else {
        "load the kernel module: sudo modprobe uinput"
    };
    Missing {
        what: WHAT,
        reason: format!("/dev/uinput: {error}"),
        mend: mend.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_device_is_mended_by_the_rules_and_an_absent_one_by_the_module() {
        let refused = missing(&io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(refused.mend.contains("70-deskconn.rules"), "{refused}");
        let absent = missing(&io::Error::from(io::ErrorKind::NotFound));
        assert!(absent.mend.contains("modprobe uinput"), "{absent}");
    }
}
