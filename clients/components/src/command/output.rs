//! What a program has written, as text and within bounds: what is more is read and thrown away, so that the program
//! itself comes to its end, and the result says that something is missing.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use client::Value;

use crate::backends::program::Stream;

/// The output of one run.
#[derive(Debug)]
pub(super) struct Gathered {
    stdout: Text,
    stderr: Text,
    /// Bytes that still fit, of both together.
    room: usize,
    is_truncated: bool,
    /// Whether it is kept for the result; if not, it goes ahead piece by piece.
    is_kept: bool,
}

/// One output, decoded piece by piece.
#[derive(Debug, Default)]
struct Text {
    kept: String,
    /// The beginning of a character whose rest has not come yet.
    pending: Vec<u8>,
}

impl Gathered {
    pub(super) fn new(room: usize, is_kept: bool) -> Self {
        Self {
            stdout: Text::default(),
            stderr: Text::default(),
            room,
            is_truncated: false,
            is_kept,
        }
    }

    /// Takes a piece, an empty one at the end of the output, and gives what of it fits.
    pub(super) fn take(&mut self, stream: Stream, piece: &[u8]) -> String {
        let text = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let mut decoded = text.decode(piece);
        if decoded.len() > self.room {
            decoded.truncate(decoded.floor_char_boundary(self.room));
            // What comes later does not follow on what was kept.
            self.room = 0;
            self.is_truncated = true;
        } else {
            self.room -= decoded.len();
        }
        if self.is_kept {
            text.kept.push_str(&decoded);
        }
        decoded
    }

    /// The result of a program that has ended so.
    pub(super) fn result(self, status: ExitStatus) -> Value {
        let kept = |text: Text| match self.is_kept {
            true => Value::Text(text.kept),
            false => Value::Null,
        };
        Value::dict([
            ("exit", Value::from(status.code().map(i64::from))),
            ("signal", Value::from(status.signal().map(i64::from))),
            ("stdout", kept(self.stdout)),
            ("stderr", kept(self.stderr)),
            ("truncated", Value::Bool(self.is_truncated)),
        ])
    }
}

impl Text {
    /// The characters that are whole by now; what is no UTF-8 becomes U+FFFD.
    fn decode(&mut self, piece: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.pending);
        let is_end = piece.is_empty();
        bytes.extend_from_slice(piece);
        let mut decoded = String::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (valid, behind, is_begun) = match std::str::from_utf8(rest) {
                Ok(valid) => (valid, &rest[rest.len()..], false),
                Err(error) => {
                    let (valid, behind) = rest.split_at(error.valid_up_to());
                    let valid = std::str::from_utf8(valid).unwrap_or_default();
                    match error.error_len() {
                        Some(wrong) => (valid, &behind[wrong..], false),
                        None => (valid, behind, true),
                    }
                }
            };
            decoded.push_str(valid);
            if is_begun && !is_end {
                self.pending = behind.to_vec();
                break;
            }
            if valid.len() < rest.len() {
                decoded.push(char::REPLACEMENT_CHARACTER);
            }
            rest = if is_begun { &[] } else { behind };
        }
        decoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(pieces: &[&[u8]]) -> String {
        let mut text = Text::default();
        pieces.iter().map(|piece| text.decode(piece)).collect()
    }

    #[test]
    fn a_character_may_come_in_pieces() {
        let euro = "€".as_bytes();
        assert_eq!(
            decoded(&[b"1 ", &euro[..1], &euro[1..2], &euro[2..], b"!", b""]),
            "1 €!"
        );
    }

    #[test]
    fn what_is_no_utf_8_is_replaced_wherever_it_stands() {
        assert_eq!(decoded(&[b"a\xffb\xfe\xfdc", b""]), "a\u{fffd}b\u{fffd}\u{fffd}c");
        assert_eq!(decoded(&[b"a\xe2\x82", b"b", b""]), "a\u{fffd}b");
        assert_eq!(decoded(&[b"cut \xe2\x82", b""]), "cut \u{fffd}");
    }

    #[test]
    fn output_is_kept_up_to_the_limit_in_whole_characters_and_not_past_it() {
        let mut gathered = Gathered::new(6, true);
        assert_eq!(gathered.take(Stream::Stdout, b"123"), "123");
        assert_eq!(gathered.take(Stream::Stderr, b"abc"), "abc");
        assert!(!gathered.is_truncated, "exactly what fits");
        let mut gathered = Gathered::new(5, true);
        assert_eq!(gathered.take(Stream::Stdout, "1234é".as_bytes()), "1234");
        assert!(gathered.is_truncated);
        assert_eq!(gathered.take(Stream::Stdout, b"5"), "", "it would not follow");
    }
}
