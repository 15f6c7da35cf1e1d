//! Writing JSON.

use std::io::Write as _;

use bytes::{BufMut as _, BytesMut};

use super::super::Write;
use super::super::sink::Sink;
use super::plain_length;
use crate::error::Unconvertible;
use crate::value::{BINARY_MARK, binary_to_text, integral};

/// The numbers below 100 in two digits each: ids have up to sixteen, and a division for each has its price.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number: u8 = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

/// The last two digits of a number.
fn pair(number: u64) -> [u8; 2] {
    PAIRS[usize::try_from(number % 100).expect("it is small")]
}

/// Writes JSON without blanks.
#[derive(Debug)]
pub(in crate::codec) struct Writer<'a> {
    out: Sink<'a>,
    needs_comma: bool,
}

impl<'a> Writer<'a> {
    pub(in crate::codec) const fn new(out: &'a mut BytesMut) -> Self {
        Self {
            out: Sink::new(out),
            needs_comma: false,
        }
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.out.put_array([b',']);
        }
        self.needs_comma = true;
    }

    /// An element, or a key, that is a string.
    fn quote(&mut self, text: &str) {
        self.separate();
        self.out.put_array([b'"']);
        let mut rest = text.as_bytes();
        loop {
            let plain = plain_length(rest);
            self.out.put(rest.get(..plain).unwrap_or_default());
            let Some(&byte) = rest.get(plain) else { break };
            self.escape(byte);
            rest = rest.get(plain + 1..).unwrap_or_default();
        }
        self.out.put_array([b'"']);
    }

    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                self.out.put_array(*b"\\u00");
                self.out
                    .put_array([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                return;
            }
        };
        self.out.put_array([b'\\', short]);
    }

    fn open(&mut self, bracket: u8) -> usize {
        self.separate();
        self.out.put_array([bracket]);
        self.needs_comma = false;
        0
    }

    fn close(&mut self, bracket: u8) {
        self.out.put_array([bracket]);
        self.needs_comma = true;
    }

    /// An element that is a number.
    fn decimal(&mut self, mut number: u64, is_negative: bool) {
        self.separate();
        if is_negative {
            self.out.put_array([b'-']);
        }
        let mut digits = number.checked_ilog10().unwrap_or_default() as usize + 1;
        let place = self.out.place(digits);
        while number >= 100 {
            digits -= 2;
            place[digits..digits + 2].copy_from_slice(&pair(number));
            number /= 100;
        }
        let [ten, one] = pair(number);
        if digits == 2 {
            place[0] = ten;
        }
        place[digits - 1] = one;
    }
}

impl Write for Writer<'_> {
    fn null(&mut self) {
        self.separate();
        self.out.put_array(*b"null");
    }

    fn boolean(&mut self, value: bool) {
        self.separate();
        if value {
            self.out.put_array(*b"true");
        } else {
            self.out.put_array(*b"false");
        }
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
            write!(self.out.settled().writer(), "{value:.1}").expect("memory takes it");
        } else {
            serde_json::to_writer(self.out.settled().writer(), &value).expect("memory takes it");
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
        self.out.put_array([b':']);
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
        self.separate();
        self.out.put_array(*b"{}");
    }

    fn raw(&mut self, elements: &[u8]) {
        if !elements.is_empty() {
            self.separate();
            self.out.put(elements);
        }
    }

    fn gap(&mut self) -> usize {
        self.separate();
        self.out.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_are_written_in_full() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let around = powers.flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(7)]);
        for number in around.chain([u64::MAX]) {
            let mut out = BytesMut::new();
            Writer::new(&mut out).uint(number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for number in [-1, -10, -99, i64::MIN] {
            let mut out = BytesMut::new();
            Writer::new(&mut out).int(number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
