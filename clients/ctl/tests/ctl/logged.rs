//! What the daemons of this process log.
//!
//! There is one subscriber for all tests and threads: whether anybody wants what a place of the program logs is remembered
//! for the process, and with a subscriber of one thread alone the first to come by, a thread without any, says no for it.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Mutex, Once};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing_subscriber::filter::LevelFilter;

/// Everything, of all tests.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

thread_local! {
    /// Where the lines of this thread go as well: to the test that runs in it.
    static READER: RefCell<Option<UnboundedSender<String>>> = const { RefCell::new(None) };
}

struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(line);
        READER.with_borrow(|reader| {
            if let Some(reader) = reader {
                // A test that is over reads no more.
                reader.send(String::from_utf8_lossy(line).into_owned()).ok();
            }
        });
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on, in every detail.
pub(crate) fn begin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(|| Log)
            .with_ansi(false)
            .init();
    });
}

/// What all threads have logged.
pub(crate) fn by_all() -> Vec<u8> {
    LOG.lock().unwrap().clone()
}

/// What this thread logs from now on, line by line.
pub(crate) fn on_this_thread() -> UnboundedReceiver<String> {
    begin();
    let (sender, lines) = unbounded_channel();
    READER.set(Some(sender));
    lines
}
