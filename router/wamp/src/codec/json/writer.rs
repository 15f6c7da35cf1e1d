//! Writing JSON.

use std::io::Write as _;

use bytes::{BufMut as _, BytesMut};

use super::super::Write;
use super::plain_length;
use crate::error::Unconvertible;
use crate::value::{BINARY_MARK, binary_to_text, integral};

/// Writes JSON without blanks.
#[derive(Debug)]
pub(in crate::codec) struct Writer<'a> {
    out: &'a mut BytesMut,
    needs_comma: bool,
}

impl<'a> Writer<'a> {
    pub(in crate::codec) const fn new(out: &'a mut BytesMut) -> Self {
        Self {
            out,
            needs_comma: false,
        }
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.out.put_u8(b',');
        }
        self.needs_comma = true;
    }

    /// An element, or a key, that is a string.
    fn quote(&mut self, text: &str) {
        self.out.put_slice(if self.needs_comma { b",\"" } else { b"\"" });
        self.needs_comma = true;
        let mut rest = text.as_bytes();
        loop {
            let plain = plain_length(rest);
            self.out.put_slice(rest.get(..plain).unwrap_or_default());
            let Some(&byte) = rest.get(plain) else { break };
            self.escape(byte);
            rest = rest.get(plain + 1..).unwrap_or_default();
        }
        self.out.put_u8(b'"');
    }

    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                self.out.put_slice(b"\\u00");
                self.out.put_u8(HEX[usize::from(byte >> 4)]);
                self.out.put_u8(HEX[usize::from(byte & 15)]);
                return;
            }
        };
        self.out.put_slice(&[b'\\', short]);
    }

    fn open(&mut self, bracket: u8) -> usize {
        self.separate();
        self.out.put_u8(bracket);
        self.needs_comma = false;
        0
    }

    fn close(&mut self, bracket: u8) {
        self.out.put_u8(bracket);
        self.needs_comma = true;
    }

    /// An element that is a number, with the comma before it: one piece, because each has its price.
    fn decimal(&mut self, mut number: u64, is_negative: bool) {
        // The digits of 2^64, a sign and a comma.
        let mut piece = [0_u8; 22];
        let mut at = piece.len();
        loop {
            at -= 1;
            piece[at] = b'0' + u8::try_from(number % 10).expect("a digit");
            number /= 10;
            if number == 0 {
                break;
            }
        }
        for (byte, is_there) in [(b'-', is_negative), (b',', self.needs_comma)] {
            if is_there {
                at -= 1;
                piece[at] = byte;
            }
        }
        self.needs_comma = true;
        self.out.put_slice(&piece[at..]);
    }
}

impl Write for Writer<'_> {
    fn null(&mut self) {
        self.separate();
        self.out.put_slice(b"null");
    }

    fn boolean(&mut self, value: bool) {
        self.separate();
        self.out.put_slice(if value { b"true" } else { b"false" });
    }

    fn uint(&mut self, value: u64) {
        self.decimal(value, false);
    }

    fn int(&mut self, value: i64) {
        self.decimal(value.unsigned_abs(), value < 0);
    }

    fn float(&mut self, value: f64) -> Result<(), Unconvertible> {
        if !value.is_finite() {
            return Err(Unconvertible("JSON has no infinite numbers and no NaN"));
        }
        self.separate();
        // An integral float keeps its point, so that it stays a float for the receiver.
        if integral(value.abs()).is_some() {
            write!(self.out.writer(), "{value:.1}").expect("memory takes it");
        } else {
            serde_json::to_writer(self.out.writer(), &value).expect("memory takes it");
        }
        Ok(())
    }

    fn text(&mut self, value: &str) {
        self.quote(value);
    }

    fn argument(&mut self, value: &str) -> Result<(), Unconvertible> {
        // WAMP specification, "Binary conversion of JSON Strings": such a string would be taken for binary.
        if value.starts_with(BINARY_MARK) {
            return Err(Unconvertible("JSON has no text that begins with the character U+0000"));
        }
        self.text(value);
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) {
        self.quote(&binary_to_text(value));
    }

    fn key(&mut self, key: &str) {
        self.quote(key);
        self.out.put_u8(b':');
        self.needs_comma = false;
    }

    fn array(&mut self, _length: Option<usize>) -> usize {
        self.open(b'[')
    }

    fn end_array(&mut self, _mark: usize, _length: Option<usize>) {
        self.close(b']');
    }

    fn map(&mut self, _pairs: Option<usize>) -> usize {
        self.open(b'{')
    }

    fn end_map(&mut self, _mark: usize, _pairs: Option<usize>) {
        self.close(b'}');
    }

    fn empty_map(&mut self) {
        self.out.put_slice(if self.needs_comma { b",{}" } else { b"{}" });
        self.needs_comma = true;
    }

    fn raw(&mut self, elements: &[u8]) {
        if !elements.is_empty() {
            self.separate();
            self.out.put_slice(elements);
        }
    }

    fn gap(&mut self) -> usize {
        self.separate();
        self.out.len()
    }
}
