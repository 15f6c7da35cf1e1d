//! DDC/CI, the few sentences of it that set a brightness (VESA DDC/CI 1.1, chapter 4): ask for a control and set it.
//!
//! Monitors are slow, and now and then they answer with nothing or with noise: each question is asked some times, with the
//! pauses that the standard wants.

use std::io;
use std::time::Duration;

/// The bytes of a monitor's bus, at its address.
pub(super) trait I2c: Send {
    /// Sends bytes in one transfer.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads as many bytes as fit in one transfer.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()>;

    /// Gives the monitor time.
    fn pause(&mut self, time: Duration);
}

/// The address of a display that listens to DDC/CI, in seven bits.
pub(super) const ADDRESS: u16 = 0x37;

/// The control for brightness (VESA MCCS 2.2).
pub(super) const BRIGHTNESS: u8 = 0x10;

/// Addresses with the bit for the direction, as they count in checksums: the display's, the host's, and the one that the
/// display's answers count with.
const DISPLAY: u8 = 0x6E;
const HOST: u8 = 0x51;
const ANSWER: u8 = 0x50;

/// How long a display may think about a question: 40 ms; and how long it is busy after it was told something: 50 ms. A
/// little more, since clocks differ.
const THINK: Duration = Duration::from_millis(50);
const SETTLE: Duration = Duration::from_millis(60);

/// How often something is tried. Displays on docks and long cables lose every third sentence.
pub(super) const TRIES: usize = 4;

/// A control of a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) now: u16,
    pub(super) max: u16,
}

/// Why a display did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum DdcError {
    #[error("{0}")]
    Bus(#[from] io::Error),
    #[error("it answered {TRIES} times with nothing that makes sense")]
    Noise,
    #[error("it has no control for its brightness")]
    Unsupported,
}

/// Asks what a control is.
pub(super) fn get(i2c: &mut dyn I2c, control: u8) -> Result<Control, DdcError> {
    again(i2c, |i2c| {
        i2c.write(&sentence(&[0x01, control]))?;
        i2c.pause(THINK);
        let mut answer = [0; 11];
        i2c.read(&mut answer)?;
        read_answer(&answer, control)
    })
}

/// Sets a control. A display says nothing to that.
pub(super) fn set(i2c: &mut dyn I2c, control: u8, value: u16) -> Result<(), DdcError> {
    let [high, low] = value.to_be_bytes();
    again(i2c, |i2c| {
        i2c.write(&sentence(&[0x03, control, high, low]))?;
        i2c.pause(SETTLE);
        Ok(())
    })
}

/// Tries until it works, or no try is left; what a display does not have it will not have the next time.
fn again<T>(i2c: &mut dyn I2c, mut act: impl FnMut(&mut dyn I2c) -> Result<T, DdcError>) -> Result<T, DdcError> {
    let mut tries = 1;
    loop {
        match act(i2c) {
            Err(DdcError::Bus(_) | DdcError::Noise) if tries < TRIES => i2c.pause(SETTLE),
            result => return result,
        }
        tries += 1;
    }
}

/// A sentence to the display: who says it, its length, its content and a checksum over all and the display's address.
fn sentence(content: &[u8]) -> Vec<u8> {
    let length = 0x80 | u8::try_from(content.len()).unwrap_or_default();
    let mut bytes = vec![HOST, length];
    bytes.extend_from_slice(content);
    bytes.push(checksum(DISPLAY, &bytes));
    bytes
}

fn checksum(start: u8, bytes: &[u8]) -> u8 {
    bytes.iter().fold(start, |sum, byte| sum ^ byte)
}

fn read_answer(answer: &[u8; 11], control: u8) -> Result<Control, DdcError> {
    let [
        from,
        length,
        kind,
        result,
        of,
        _,
        max_high,
        max_low,
        now_high,
        now_low,
        sum,
    ] = *answer;
    let Some(content) = answer.get(..10) else {
        return Err(DdcError::Noise);
    };
    // A display that is not ready says so with an empty sentence, which is no error of its own here.
    if (from, length, kind, of) != (DISPLAY, 0x88, 0x02, control) || sum != checksum(ANSWER, content) {
        return Err(DdcError::Noise);
    }
    let found = Control {
        max: u16::from_be_bytes([max_high, max_low]),
        now: u16::from_be_bytes([now_high, now_low]),
    };
    if result != 0 || found.max == 0 {
        return Err(DdcError::Unsupported);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::ddc::simulated::{Fault, Simulated};

    #[test]
    fn a_brightness_is_asked_and_set_with_the_bytes_and_pauses_of_the_standard() {
        let mut monitor = Simulated::new(75, 100);
        assert_eq!(get(&mut monitor, BRIGHTNESS).unwrap(), Control { now: 75, max: 100 });
        assert_eq!(monitor.written(), [vec![0x51, 0x82, 0x01, 0x10, 0xAC]]);
        set(&mut monitor, BRIGHTNESS, 50).unwrap();
        assert_eq!(monitor.written()[1], [0x51, 0x84, 0x03, 0x10, 0x00, 0x32, 0x9A]);
        assert_eq!(get(&mut monitor, BRIGHTNESS).unwrap().now, 50);
        assert!(monitor.was_given_time(), "it was hurried");
    }

    #[test]
    fn what_goes_wrong_once_is_tried_again() {
        for fault in [Fault::Silence, Fault::NotReady, Fault::BadChecksum, Fault::OtherControl] {
            let mut monitor = Simulated::new(30, 100);
            monitor.fail(fault, TRIES - 1);
            assert_eq!(get(&mut monitor, BRIGHTNESS).unwrap().now, 30, "{fault:?}");
            monitor.fail(fault, TRIES);
            assert!(get(&mut monitor, BRIGHTNESS).is_err(), "{fault:?}");
        }
        let mut monitor = Simulated::new(30, 100);
        monitor.fail(Fault::Silence, TRIES - 1);
        set(&mut monitor, BRIGHTNESS, 80).unwrap();
        assert_eq!(monitor.brightness(), 80);
    }

    #[test]
    fn a_monitor_without_the_control_is_not_asked_again() {
        let mut monitor = Simulated::new(0, 0);
        assert!(matches!(get(&mut monitor, BRIGHTNESS), Err(DdcError::Unsupported)));
        assert_eq!(monitor.written().len(), 1);
    }
}
