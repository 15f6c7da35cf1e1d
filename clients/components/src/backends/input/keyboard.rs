//! A keyboard by the kernel's uinput, with the keys of the main block. It is there while it is used, and for some minutes
//! after that.
//!
//! Left out are the keys that end things: power, sleep, and `SysRq`, with which a remote could restart the machine.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, BusType, InputId, KeyCode, KeyEvent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::layout::{self, Layout, Names};
use super::{Keyboard, Modifiers, Stroke};
use crate::backends::bus::Bus;
use crate::backends::thread::blocking;
use crate::backends::virtual_device::{IDLE, Virtual};
use crate::backends::{Failure, Missing};

/// The keyboard's name, as the desktop lists it.
pub const DEVICE_NAME: &str = "deskconn keyboard";

/// The key codes it has, as ranges: the main block with its keypad, the keys of Japanese and Korean keyboards, and F13 to
/// F24. Not 99, `KEY_SYSRQ`, nor anything else that means something to the system.
const KEYS: [std::ops::RangeInclusive<u16>; 6] = [1..=98, 100..=111, 117..=117, 121..=127, 183..=194, 139..=139];

/// Whether the keyboard has that key.
#[must_use]
pub fn has(code: u16) -> bool {
    KEYS.iter().any(|range| range.contains(&code))
}

/// The keyboard.
#[derive(Debug)]
pub struct UinputKeyboard {
    device: Virtual,
    system: Arc<Bus>,
    file: PathBuf,
    /// The layout that was used last, which is expensive to read.
    last: Mutex<Option<Arc<Layout>>>,
}

impl UinputKeyboard {
    /// A keyboard that is made when it is first used; the system's layout is asked of localed on that bus, or else read
    /// from `file`.
    pub(in crate::backends) fn new(system: Arc<Bus>, file: PathBuf) -> Self {
        Self {
            device: Virtual::new("the uinput device that types", make, Some(IDLE)),
            system,
            file,
            last: Mutex::default(),
        }
    }

    async fn read_layout(&self, names: Option<Names>) -> Result<Arc<Layout>, Missing> {
        let names = match names {
            Some(names) => names,
            None => layout::of_system(&self.system, &self.file).await,
        };
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| *known.names() == names) {
            return Ok(Arc::clone(known));
        }
        let layout = blocking(move || Layout::read(names)).await?;
        Ok(Arc::clone(last.insert(Arc::new(layout))))
    }
}

impl Keyboard for UinputKeyboard {
    fn layout(&self, names: Option<Names>) -> BoxFuture<'_, Result<Arc<Layout>, Missing>> {
        self.read_layout(names).boxed()
    }

    fn press(&self, stroke: Stroke) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let events = events(stroke);
            // Each with a report of its own, in one go: nothing can come between a modifier and its release.
            let press = |device: &mut VirtualDevice| {
                events
                    .iter()
                    .try_for_each(|(code, value)| device.emit(&[*KeyEvent::new(*code, *value)]))
            };
            Ok(self.device.with(press).await?)
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.device.missing().boxed()
    }
}

fn make() -> io::Result<VirtualDevice> {
    let keys: AttributeSet<KeyCode> = KEYS.into_iter().flatten().map(KeyCode::new).collect();
    VirtualDevice::builder()?
        .name(DEVICE_NAME)
        .input_id(InputId::new(BusType::BUS_VIRTUAL, 0, 0, 1))
        .with_keys(&keys)?
        .build()
}

/// What happens in a stroke, in order: code and 1 for down or 0 for up.
fn events(stroke: Stroke) -> Vec<(KeyCode, i32)> {
    let Modifiers {
        ctrl,
        shift,
        alt,
        altgr,
        meta,
    } = stroke.modifiers;
    let held = [
        (ctrl, KeyCode::KEY_LEFTCTRL),
        (shift, KeyCode::KEY_LEFTSHIFT),
        (alt, KeyCode::KEY_LEFTALT),
        (altgr, KeyCode::KEY_RIGHTALT),
        (meta, KeyCode::KEY_LEFTMETA),
    ];
    let held = held.into_iter().filter(|(is_held, _)| *is_held).map(|(_, code)| code);
    let down: Vec<KeyCode> = held.chain([KeyCode::new(stroke.code)]).collect();
    let up = down.iter().rev().map(|code| (*code, 0)).collect::<Vec<_>>();
    down.into_iter().map(|code| (code, 1)).chain(up).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_down_before_the_key_and_up_after_it() {
        let modifiers = Modifiers {
            ctrl: true,
            shift: true,
            ..Modifiers::default()
        };
        let order = events(Stroke {
            code: KeyCode::KEY_T.code(),
            modifiers,
        });
        let (ctrl, shift, key) = (KeyCode::KEY_LEFTCTRL, KeyCode::KEY_LEFTSHIFT, KeyCode::KEY_T);
        assert_eq!(
            order,
            [(ctrl, 1), (shift, 1), (key, 1), (key, 0), (shift, 0), (ctrl, 0)]
        );
    }

    #[test]
    fn keys_that_end_things_are_not_on_it() {
        for code in [
            KeyCode::KEY_SYSRQ,
            KeyCode::KEY_POWER,
            KeyCode::KEY_SLEEP,
            KeyCode::KEY_SUSPEND,
            KeyCode::KEY_RESTART,
            KeyCode::KEY_PAUSE,
        ] {
            assert!(!has(code.code()), "{code:?}");
        }
        // A keyboard to udev's input_id is what has all of the first 31.
        assert!((1..=31).all(has));
    }
}
