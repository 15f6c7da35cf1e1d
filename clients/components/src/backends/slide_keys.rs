//! Slide keys by the kernel's uinput: one keyboard with those keys, made once
//! and kept. Works on every compositor, on the console and before login.
//!
//! It knows key codes, not characters: what a key means is up to the keyboard
//! layout, which is why only keys that every layout has are offered.

use std::io;

use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, BusType, InputId, KeyCode, KeyEvent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::virtual_device::Virtual;
use super::{Failure, Key, Keys, Missing};

/// The keyboard's name, as the desktop lists it.
pub const DEVICE_NAME: &str = "deskconn slides";

/// The slide keyboard.
#[derive(Debug)]
pub struct SlideKeys {
    keyboard: Virtual,
}

impl SlideKeys {
    /// A keyboard that is made when it is first asked for, or asked about.
    pub(super) fn new() -> Self {
        Self {
            keyboard: Virtual::new("the uinput device that types slide keys", make, None),
        }
    }
}

impl Keys for SlideKeys {
    fn tap(&self, key: Key) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let code = code(key);
            // Each emit ends with a SYN_REPORT: a press and a release in one report
            // would be no key stroke (kernel: input/event-codes).
            let tap = |device: &mut VirtualDevice| {
                device.emit(&[*KeyEvent::new(code, 1)])?;
                device.emit(&[*KeyEvent::new(code, 0)])
            };
            Ok(self.keyboard.with(tap).await?)
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.keyboard.prepare().boxed()
    }
}

fn make() -> io::Result<VirtualDevice> {
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
