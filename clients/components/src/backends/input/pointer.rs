//! A mouse by the kernel's uinput. It is there while it is used, and for some minutes after that.

use std::io;

use evdev::uinput::VirtualDevice;
use evdev::{
    AttributeSet, BusType, EventType, InputEvent, InputId, KeyCode, KeyEvent, RelativeAxisCode as Axis,
    RelativeAxisEvent,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::{Button, Motion, Pointer};
use crate::backends::virtual_device::{IDLE, Virtual};
use crate::backends::{Failure, Missing};

/// The mouse's name, as the desktop lists it.
pub const DEVICE_NAME: &str = "deskconn pointer";

/// A notch of a wheel in the units of the fine axes (kernel: input/event-codes, `REL_WHEEL_HI_RES`).
pub const NOTCH: i32 = 120;

/// The mouse.
#[derive(Debug)]
pub struct UinputPointer {
    device: Virtual,
    /// Fine turns of the two wheels that are no notch yet.
    turned: Mutex<(i32, i32)>,
}

impl UinputPointer {
    /// A mouse that is made when it is first used.
    pub(in crate::backends) fn new() -> Self {
        Self {
            device: Virtual::new("the uinput device that moves the pointer", make, Some(IDLE)),
            turned: Mutex::default(),
        }
    }

    async fn scroll(&self, x: i32, y: i32) -> Result<(), Failure> {
        let mut turned = self.turned.lock().await;
        // The kernel's wheel turns up.
        let events = turn(&mut turned, x, -y);
        Ok(self.device.with(|device| emit(device, &events)).await?)
    }
}

impl Pointer for UinputPointer {
    fn act(&self, motion: Motion) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            match motion {
                Motion::Move { x, y } => {
                    let events = [relative(Axis::REL_X, x), relative(Axis::REL_Y, y)];
                    let events: Vec<_> = events.into_iter().flatten().collect();
                    Ok(self.device.with(|device| emit(device, &events)).await?)
                }
                Motion::Click(button) => {
                    let code = code(button);
                    let click = |device: &mut VirtualDevice| {
                        device.emit(&[*KeyEvent::new(code, 1)])?;
                        device.emit(&[*KeyEvent::new(code, 0)])
                    };
                    Ok(self.device.with(click).await?)
                }
                Motion::Scroll { x, y } => self.scroll(x, y).await,
            }
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.device.missing().boxed()
    }
}

fn make() -> io::Result<VirtualDevice> {
    let buttons: AttributeSet<KeyCode> = [Button::Left, Button::Right, Button::Middle]
        .into_iter()
        .map(code)
        .collect();
    let axes: AttributeSet<Axis> = [
        Axis::REL_X,
        Axis::REL_Y,
        Axis::REL_WHEEL,
        Axis::REL_HWHEEL,
        Axis::REL_WHEEL_HI_RES,
        Axis::REL_HWHEEL_HI_RES,
    ]
    .into_iter()
    .collect();
    VirtualDevice::builder()?
        .name(DEVICE_NAME)
        .input_id(InputId::new(BusType::BUS_VIRTUAL, 0, 0, 1))
        .with_keys(&buttons)?
        .with_relative_axes(&axes)?
        .build()
}

const fn code(button: Button) -> KeyCode {
    match button {
        Button::Left => KeyCode::BTN_LEFT,
        Button::Right => KeyCode::BTN_RIGHT,
        Button::Middle => KeyCode::BTN_MIDDLE,
    }
}

/// Nothing at all is no report.
fn emit(device: &mut VirtualDevice, events: &[InputEvent]) -> io::Result<()> {
    if events.is_empty() { Ok(()) } else { device.emit(events) }
}

fn relative(axis: Axis, value: i32) -> Option<InputEvent> {
    let event = *RelativeAxisEvent::new(axis, value);
    debug_assert_eq!(event.event_type(), EventType::RELATIVE);
    (value != 0).then_some(event)
}

/// The events of a turn to the right and up: the fine axes always, the coarse ones for every notch that is full.
fn turn(turned: &mut (i32, i32), x: i32, y: i32) -> Vec<InputEvent> {
    let notches = |turned: &mut i32, by: i32| {
        let all = turned.saturating_add(by);
        *turned = all % NOTCH;
        all / NOTCH
    };
    let (across, up) = (notches(&mut turned.0, x), notches(&mut turned.1, y));
    [
        relative(Axis::REL_HWHEEL_HI_RES, x),
        relative(Axis::REL_HWHEEL, across),
        relative(Axis::REL_WHEEL_HI_RES, y),
        relative(Axis::REL_WHEEL, up),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(turned: &mut (i32, i32), x: i32, y: i32) -> Vec<(u16, i32)> {
        let events = turn(turned, x, y);
        events.into_iter().map(|event| (event.code(), event.value())).collect()
    }

    #[test]
    fn a_wheel_reports_a_notch_when_the_fine_turns_make_one() {
        let mut turned = (0, 0);
        let (fine, coarse) = (Axis::REL_WHEEL_HI_RES.0, Axis::REL_WHEEL.0);
        assert_eq!(turns(&mut turned, 0, 60), [(fine, 60)]);
        assert_eq!(turns(&mut turned, 0, 60), [(fine, 60), (coarse, 1)]);
        assert_eq!(turns(&mut turned, 0, -300), [(fine, -300), (coarse, -2)]);
        assert_eq!(turns(&mut turned, 0, -60), [(fine, -60), (coarse, -1)]);
        assert_eq!(turns(&mut turned, 0, 0), []);
        let across = turns(&mut turned, 240, 0);
        assert_eq!(across, [(Axis::REL_HWHEEL_HI_RES.0, 240), (Axis::REL_HWHEEL.0, 2)]);
    }
}
