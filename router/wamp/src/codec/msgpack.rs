//! `MessagePack`: the reader and the writer.

use std::borrow::Cow;
use std::str;

use bytes::BytesMut;

use super::guard::Guard;
use super::sink::Sink;
use super::{Items, Malformed, Read, Shape, Token, Write};
use crate::error::Unconvertible;
use crate::limits::Bounds;

/// A cursor over `MessagePack`.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    guard: Guard,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], bounds: &Bounds) -> Self {
        Self {
            bytes,
            at: 0,
            guard: Guard::new(bounds),
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Truncated)?;
        let end = self.at.checked_add(length).ok_or(Malformed::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(Malformed::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self, width: u64) -> Result<u64, Malformed> {
        Ok(self
            .take(width)?
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A signed number of `width` bytes.
    fn signed(&mut self, width: u64) -> Result<Token<'a>, Malformed> {
        let number = self.number(width)?;
        let unused = 64 - 8 * width;
        let number = (number << unused).cast_signed() >> unused;
        Ok(u64::try_from(number).map_or(Token::Int(number), Token::UInt))
    }

    fn text(&mut self, length: u64) -> Result<&'a str, Malformed> {
        let at = self.at;
        str::from_utf8(self.take(length)?).map_err(|_| Malformed::Syntax("invalid UTF-8 in a string", at))
    }

    fn items(&mut self, length: u64) -> Result<Items, Malformed> {
        self.guard.enter()?;
        Ok(Items {
            left: Some(length),
            is_first: true,
            close: 0,
            levels: 1,
        })
    }

    /// Passes over `length` values, one behind the other.
    fn skip_all(&mut self, length: u64) -> Result<(), Malformed> {
        self.guard.count_all(length)?;
        self.guard.enter()?;
        for _ in 0..length {
            self.skip_counted()?;
        }
        self.guard.leave();
        Ok(())
    }

    fn skip_counted(&mut self) -> Result<(), Malformed> {
        let at = self.at;
        match self.byte()? {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Ok(()),
            head @ 0x80..=0x8f => self.skip_all(2 * u64::from(head & 15)),
            head @ 0x90..=0x9f => self.skip_all(u64::from(head & 15)),
            head @ 0xa0..=0xbf => self.text(u64::from(head & 31)).map(drop),
            head @ 0xc4..=0xc6 => {
                let length = self.number(1 << (head - 0xc4))?;
                self.take(length).map(drop)
            }
            head @ 0xc7..=0xc9 => {
                let length = self.number(1 << (head - 0xc7))?;
                self.take(length + 1).map(drop)
            }
            0xca => self.take(4).map(drop),
            0xcb => self.take(8).map(drop),
            head @ 0xcc..=0xcf => self.take(1 << (head - 0xcc)).map(drop),
            head @ 0xd0..=0xd3 => self.take(1 << (head - 0xd0)).map(drop),
            head @ 0xd4..=0xd8 => self.take(1 + (1 << (head - 0xd4))).map(drop),
            head @ 0xd9..=0xdb => {
                let length = self.number(1 << (head - 0xd9))?;
                self.text(length).map(drop)
            }
            head @ 0xdc..=0xdd => {
                let length = self.number(2 << (head - 0xdc))?;
                self.skip_all(length)
            }
            head @ 0xde..=0xdf => {
                let pairs = self.number(2 << (head - 0xde))?;
                self.skip_all(2 * pairs)
            }
            0xc1 => Err(Malformed::Syntax("the byte 0xc1, which MessagePack never uses,", at)),
        }
    }
}

impl<'a> Read<'a> for Reader<'a> {
    fn token(&mut self) -> Result<Token<'a>, Malformed> {
        self.guard.count()?;
        let at = self.at;
        Ok(match self.byte()? {
            head @ 0x00..=0x7f => Token::UInt(head.into()),
            head @ 0x80..=0x8f => Token::Map(self.items(u64::from(head & 15))?),
            head @ 0x90..=0x9f => Token::Array(self.items(u64::from(head & 15))?),
            head @ 0xa0..=0xbf => Token::Text(Cow::Borrowed(self.text(u64::from(head & 31))?)),
            0xc0 => Token::Null,
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            head @ 0xc4..=0xc6 => {
                let length = self.number(1 << (head - 0xc4))?;
                Token::Bytes(Cow::Borrowed(self.take(length)?))
            }
            // The form that msgpackr, and with it wampy, gives to JavaScript's undefined: extension type 0, data 0.
            0xd4 if self.bytes[self.at..].starts_with(&[0, 0]) => {
                self.at += 2;
                Token::Null
            }
            0xc7..=0xc9 | 0xd4..=0xd8 => return Err(Malformed::Unsupported("an extension type of MessagePack")),
            0xca => Token::Float(f32::from_be_bytes(self.take(4)?.try_into().expect("four bytes")).into()),
            0xcb => Token::Float(f64::from_be_bytes(self.take(8)?.try_into().expect("eight bytes"))),
            head @ 0xcc..=0xcf => Token::UInt(self.number(1 << (head - 0xcc))?),
            head @ 0xd0..=0xd3 => self.signed(1 << (head - 0xd0))?,
            head @ 0xd9..=0xdb => {
                let length = self.number(1 << (head - 0xd9))?;
                Token::Text(Cow::Borrowed(self.text(length)?))
            }
            head @ 0xdc..=0xdd => {
                let length = self.number(2 << (head - 0xdc))?;
                Token::Array(self.items(length)?)
            }
            head @ 0xde..=0xdf => {
                let pairs = self.number(2 << (head - 0xde))?;
                Token::Map(self.items(pairs)?)
            }
            head @ 0xe0..=0xff => Token::Int(i64::from(head.cast_signed())),
            0xc1 => return Err(Malformed::Syntax("the byte 0xc1, which MessagePack never uses,", at)),
        })
    }

    fn more(&mut self, items: &mut Items) -> Result<bool, Malformed> {
        match items.left {
            None | Some(0) => {
                self.guard.leave();
                Ok(false)
            }
            Some(left) => {
                items.left = Some(left - 1);
                Ok(true)
            }
        }
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.token()?
            .text()
            .ok_or(Malformed::Unsupported("a dictionary key that is not a string"))
    }

    fn skip(&mut self) -> Result<(), Malformed> {
        self.guard.count()?;
        self.skip_counted()
    }

    fn shape(&mut self) -> Shape {
        match self.bytes.get(self.at) {
            Some(0x90..=0x9f | 0xdc..=0xdd) => Shape::Array,
            Some(0x80..=0x8f | 0xde..=0xdf) => Shape::Map,
            _ => Shape::Other,
        }
    }

    fn position(&self) -> usize {
        self.at
    }

    fn end(&mut self) -> Result<(), Malformed> {
        if self.at < self.bytes.len() {
            return Err(Malformed::Syntax("something follows the message", self.at));
        }
        Ok(())
    }
}

/// Writes `MessagePack` with the shortest heads.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: Sink<'a>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut BytesMut) -> Self {
        Self { out: Sink::new(out) }
    }

    /// A head of the form: `short` for lengths below `1 << bits`, else `long` and two or four bytes (`long + 1`).
    #[allow(
        clippy::cast_possible_truncation,
        reason = "each arm is guarded; messages are far below 4 GiB"
    )]
    fn head(&mut self, length: usize, short: u8, bits: u32, long: u8) {
        match length {
            _ if length >> bits == 0 => self.out.put_array([short | length as u8]),
            0..=0xffff => {
                self.out.put_array([long]);
                self.out.put_array((length as u16).to_be_bytes());
            }
            _ => {
                self.out.put_array([long + 1]);
                self.out.put_array((length as u32).to_be_bytes());
            }
        }
    }

    fn begin(&mut self, length: Option<usize>, short: u8, long: u8) -> usize {
        if let Some(length) = length {
            self.head(length, short, 4, long);
        } else {
            self.out.put_array([long + 1]);
            self.out.put_array([0; 4]);
        }
        self.out.len()
    }

    /// Puts the length into a head that was written before it was known.
    fn mend(&mut self, mark: usize, length: Option<usize>) {
        if let Some(length) = length {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            self.out.settled()[mark - 4..mark].copy_from_slice(&length.to_be_bytes());
        }
    }
}

impl Write for Writer<'_> {
    fn null(&mut self) {
        self.out.put_array([0xc0]);
    }

    fn boolean(&mut self, value: bool) {
        self.out.put_array([0xc2 | u8::from(value)]);
    }

    #[allow(clippy::cast_possible_truncation, reason = "each arm is guarded by its range")]
    fn uint(&mut self, value: u64) {
        match value {
            0..=0x7f => self.out.put_array([value as u8]),
            0x80..=0xff => self.out.put_array([0xcc, value as u8]),
            0x100..=0xffff => {
                self.out.put_array([0xcd]);
                self.out.put_array((value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.put_array([0xce]);
                self.out.put_array((value as u32).to_be_bytes());
            }
            _ => {
                self.out.put_array([0xcf]);
                self.out.put_array(value.to_be_bytes());
            }
        }
    }

    fn int(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.uint(value);
        } else if let Ok(value @ -32..) = i8::try_from(value) {
            self.out.put_array(value.to_be_bytes());
        } else if let Ok(value) = i8::try_from(value) {
            self.out.put_array([0xd0]);
            self.out.put_array(value.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.out.put_array([0xd1]);
            self.out.put_array(value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.put_array([0xd2]);
            self.out.put_array(value.to_be_bytes());
        } else {
            self.out.put_array([0xd3]);
            self.out.put_array(value.to_be_bytes());
        }
    }

    fn float(&mut self, value: f64) -> Result<(), Unconvertible> {
        self.out.put_array([0xcb]);
        self.out.put_array(value.to_be_bytes());
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, reason = "guarded by its range")]
    fn text(&mut self, value: &str) {
        match value.len() {
            length @ 0x20..=0xff => self.out.put_array([0xd9, length as u8]),
            length => self.head(length, 0xa0, 5, 0xda),
        }
        self.out.put(value.as_bytes());
    }

    #[allow(clippy::cast_possible_truncation, reason = "guarded by its range")]
    fn bytes(&mut self, value: &[u8]) {
        match value.len() {
            length @ 0..=0xff => self.out.put_array([0xc4, length as u8]),
            length => self.head(length, 0, 0, 0xc5),
        }
        self.out.put(value);
    }

    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn array(&mut self, length: Option<usize>) -> usize {
        self.begin(length, 0x90, 0xdc)
    }

    fn end_array(&mut self, mark: usize, length: Option<usize>) {
        self.mend(mark, length);
    }

    fn map(&mut self, pairs: Option<usize>) -> usize {
        self.begin(pairs, 0x80, 0xde)
    }

    fn end_map(&mut self, mark: usize, pairs: Option<usize>) {
        self.mend(mark, pairs);
    }

    fn raw(&mut self, elements: &[u8]) {
        self.out.put(elements);
    }

    fn gap(&mut self) -> usize {
        self.out.len()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Serializer, decode};
    use crate::limits::Bounds;
    use crate::message::{Match, Message};

    #[test]
    fn an_option_that_javascript_left_undefined_is_as_good_as_none() {
        // SUBSCRIBE with {match: undefined}, as wampy sends it.
        let frame = Bytes::copy_from_slice(&hex::decode("94200181a56d61746368d40000a3612e62").unwrap());
        let message = decode(Serializer::MessagePack, &frame, &Bounds::JOINED);
        let Ok(Message::Subscribe(subscribe)) = message else {
            panic!("{message:?}")
        };
        assert_eq!(
            (&subscribe.topic, subscribe.options.policy),
            (&"a.b".into(), Match::Exact)
        );
    }
}
