//! The terminal while `deskconnctl top` has it: another screen than the one that was there, keys that come one by one, and
//! everything as it was when this is dropped.
//!
//! A few control sequences do: crates for whole screens bring an event loop of their own beside tokio's.

use std::io::{self, Write as _};

use tokio::io::{AsyncReadExt as _, Stdin};

use crate::failure::Failure;
use crate::system::{self, SingleKeys};

/// The other screen, and no cursor; back (xterm, "DEC Private Mode Set", 1049 and 25).
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// To the first place; away with the rest of the line, of the screen (ECMA-48 §8.3.21, 8.3.41, 8.3.39).
const HOME: &str = "\u{1b}[H";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";
/// The size where the terminal does not say it.
const USUAL: (usize, usize) = (80, 24);

/// A terminal that is drawn on.
#[derive(Debug)]
pub(super) struct Screen {
    /// Given back after the last word to the screen.
    _keys: SingleKeys,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> Result<Self, Failure> {
        let failed = |error| Failure::failed(format!("the terminal cannot be read key by key: {error}"));
        let keys = SingleKeys::take().map_err(failed)?;
        put(ENTER);
        Ok(Self { _keys: keys })
    }

    /// Columns and lines.
    pub(super) fn size() -> (usize, usize) {
        let size = system::terminal_size();
        size.filter(|(columns, lines)| *columns > 0 && *lines > 0)
            .unwrap_or(USUAL)
    }

    /// Draws these lines, none of which may be wider than the terminal, in place of all that was there.
    pub(super) fn draw(lines: &[String]) {
        let mut frame = HOME.to_owned();
        frame += &lines.join(&format!("{CLEAR_LINE}\r\n"));
        frame += CLEAR_LINE;
        frame += CLEAR_BELOW;
        put(&frame);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put(LEAVE);
    }
}

fn put(text: &str) {
    let mut stdout = io::stdout().lock();
    // A terminal that is gone is told by the end of its keys.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Char(char),
    Other,
}

/// The keys as they are hit.
#[derive(Debug)]
pub(super) struct Keys {
    stdin: Stdin,
    has_ended: bool,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self {
            stdin: tokio::io::stdin(),
            has_ended: false,
        }
    }

    /// The next key. Where keys are none, as in `< /dev/null`, it waits for ever.
    pub(super) async fn next(&mut self) -> Key {
        let mut bytes = [0; 16];
        if !self.has_ended {
            match self.stdin.read(&mut bytes).await {
                Ok(count @ 1..) => return key(&bytes[..count]),
                Ok(0) | Err(_) => self.has_ended = true,
            }
        }
        std::future::pending().await
    }
}

/// What was hit. Keys without a letter send several bytes, the first of them escape.
fn key(bytes: &[u8]) -> Key {
    const CTRL_C: u8 = 3;
    const ESCAPE: u8 = 0x1b;
    match bytes {
        [CTRL_C | b'q' | b'Q', ..] | [ESCAPE] => Key::Quit,
        [ESCAPE, ..] => Key::Other,
        [letter, ..] => Key::Char(char::from(*letter)),
        [] => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_quit_are_told_from_those_that_send_escape_first() {
        for bytes in [&b"q"[..], b"Q", b"\x03", b"\x1b"] {
            assert_eq!(key(bytes), Key::Quit, "{bytes:?}");
        }
        assert_eq!(key(b"\x1b[A"), Key::Other, "an arrow");
        assert_eq!(key(b"e"), Key::Char('e'));
    }
}
