//! A monitor that understands DDC/CI and is not there, with the faults that real ones have.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::protocol::I2c;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not answer on the bus.
    Silence,
    /// It says that it is not ready.
    NotReady,
    /// A bit was lost.
    BadChecksum,
    /// It answers another question.
    OtherControl,
}

/// The monitor; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Simulated(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: watch::Sender<u16>,
    max: u16,
    written: Vec<Vec<u8>>,
    fault: Option<(Fault, usize)>,
    /// Since the last sentence.
    paused: Duration,
    was_hurried: bool,
    is_asked: bool,
}

impl Simulated {
    pub(super) fn new(now: u16, max: u16) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: watch::Sender::new(now),
            max,
            written: Vec::new(),
            fault: None,
            paused: Duration::MAX,
            was_hurried: false,
            is_asked: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every sentence it was told.
    pub(super) fn written(&self) -> Vec<Vec<u8>> {
        self.state().written.clone()
    }

    /// The brightnesses it was set to.
    pub(super) fn set_to(&self) -> Vec<u8> {
        self.written().iter().filter(|it| it[2] == 3).map(|it| it[5]).collect()
    }

    pub(super) fn brightness(&self) -> u16 {
        *self.state().now.borrow()
    }

    /// Waits until it is that bright.
    pub(super) async fn becomes(&self, brightness: u16) {
        let mut now = self.state().now.subscribe();
        let seen = now.wait_for(|now| *now == brightness).await;
        seen.expect("the monitor is there");
    }

    /// Somebody presses the buttons below the screen.
    pub(super) fn turn(&self, now: u16) {
        self.state().now.send_replace(now);
    }

    /// The next so many transfers go wrong.
    pub(super) fn fail(&self, fault: Fault, times: usize) {
        self.state().fault = Some((fault, times));
    }

    pub(super) fn was_given_time(&self) -> bool {
        !self.state().was_hurried
    }
}

impl State {
    fn fault(&mut self, is_read: bool) -> Option<Fault> {
        let (fault, left) = self.fault.as_mut()?;
        if *left == 0 || (is_read == (*fault == Fault::Silence)) {
            return None;
        }
        *left -= 1;
        Some(*fault)
    }
}

impl I2c for Simulated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.was_hurried |= state.paused < Duration::from_millis(50);
        state.paused = Duration::ZERO;
        if state.fault(false).is_some() {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        assert_eq!(
            bytes.iter().fold(0x6E, |sum, byte| sum ^ byte),
            0,
            "the checksum of {bytes:x?}"
        );
        state.written.push(bytes.to_vec());
        state.is_asked = bytes[2] == 1;
        if bytes[2] == 3 {
            state.now.send_replace(u16::from_be_bytes([bytes[4], bytes[5]]));
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        assert!(state.is_asked, "it was not asked");
        state.was_hurried |= state.paused < Duration::from_millis(40);
        state.paused = Duration::MAX;
        let fault = state.fault(true);
        if fault == Some(Fault::NotReady) {
            bytes[..3].copy_from_slice(&[0x6E, 0x80, 0xBE]);
            return Ok(());
        }
        let [max_high, max_low] = state.max.to_be_bytes();
        let [now_high, now_low] = state.now.borrow().to_be_bytes();
        let control = if fault == Some(Fault::OtherControl) { 0x12 } else { 0x10 };
        let result = u8::from(state.max == 0);
        let mut answer = vec![0x6E, 0x88, 2, result, control, 0, max_high, max_low, now_high, now_low];
        let sum = answer.iter().fold(0x50, |sum, byte| sum ^ byte);
        answer.push(if fault == Some(Fault::BadChecksum) { !sum } else { sum });
        bytes.copy_from_slice(&answer);
        Ok(())
    }

    fn pause(&mut self, time: Duration) {
        let mut state = self.state();
        state.paused = state.paused.saturating_add(time);
    }
}
