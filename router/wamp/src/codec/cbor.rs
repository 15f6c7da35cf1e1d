//! CBOR (RFC 8949): the reader and the writer.

use std::borrow::Cow;
use std::str;

use bytes::BytesMut;

use super::guard::Guard;
use super::sink::Sink;
use super::{Items, Malformed, Read, Shape, Token, Write};
use crate::error::Unconvertible;
use crate::limits::Bounds;

const UINT: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
/// The byte that ends what has no length.
const BREAK: u8 = 0xff;
/// Tags 2 and 3 (RFC 8949 §3.4.3): integers beyond 64 bits.
const BIGNUMS: std::ops::RangeInclusive<u64> = 2..=3;

/// A cursor over CBOR.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    guard: Guard,
}

/// The head of an item: its major type, and its argument unless it is of indefinite length.
struct Head {
    major: u8,
    info: u8,
    argument: Option<u64>,
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

    fn head(&mut self) -> Result<Head, Malformed> {
        let at = self.at;
        let first = *self.bytes.get(at).ok_or(Malformed::Truncated)?;
        self.at += 1;
        let (major, info) = (first >> 5, first & 31);
        let argument = match info {
            0..=23 => Some(info.into()),
            24..=27 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
            }
            31 if !matches!(major, UINT | NEGATIVE | TAG) => None,
            _ => return Err(Malformed::Syntax("an ill-formed head", at)),
        };
        Ok(Head { major, info, argument })
    }

    /// The value behind a tag, which is a level of nesting: receivers read one inside of the other. Of a bignum the tag is
    /// more than that; any other only explains the value (64 says: bytes are an array of small numbers, as JavaScript's
    /// encoders write them).
    #[cold]
    fn tagged(&mut self, tag: Option<u64>) -> Result<Token<'a>, Malformed> {
        if tag.is_some_and(|tag| BIGNUMS.contains(&tag)) {
            return Err(Malformed::Unsupported("an integer beyond 64 bits"));
        }
        self.guard.enter()?;
        let mut token = self.token()?;
        if let Token::Array(items) | Token::Map(items) = &mut token {
            items.levels += 1;
        } else {
            self.guard.leave();
        }
        Ok(token)
    }

    #[cold]
    fn skip_tagged(&mut self) -> Result<(), Malformed> {
        self.guard.enter()?;
        self.skip()?;
        self.guard.leave();
        Ok(())
    }

    /// The content of a string: one slice, or chunks until a break.
    fn string(&mut self, major: u8, length: Option<u64>) -> Result<Cow<'a, [u8]>, Malformed> {
        if let Some(length) = length {
            let at = self.at;
            let content = self.take(length)?;
            if major == TEXT && str::from_utf8(content).is_err() {
                return Err(Malformed::Syntax("invalid UTF-8 in a string", at));
            }
            return Ok(Cow::Borrowed(content));
        }
        let mut content = Vec::new();
        loop {
            let at = self.at;
            if self.bytes.get(at) == Some(&BREAK) {
                self.at += 1;
                return Ok(Cow::Owned(content));
            }
            self.guard.count()?;
            let head = self.head()?;
            let (true, Some(length)) = (head.major == major, head.argument) else {
                return Err(Malformed::Syntax("a chunk of another type in a string", at));
            };
            // RFC 8949 §3.2.3: each chunk of a text is a well-formed text.
            content.extend_from_slice(&self.string(major, Some(length))?);
        }
    }

    fn text(&mut self, length: Option<u64>) -> Result<Cow<'a, str>, Malformed> {
        Ok(match self.string(TEXT, length)? {
            Cow::Borrowed(bytes) => Cow::Borrowed(str::from_utf8(bytes).expect("checked when it was read")),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).expect("checked when it was read")),
        })
    }

    /// A float or simple value.
    fn simple(&mut self, head: &Head) -> Result<Token<'a>, Malformed> {
        let at = self.at;
        let argument = head
            .argument
            .ok_or(Malformed::Syntax("a break where a value was expected", at))?;
        Ok(match (head.info, argument) {
            (25, bits) => Token::Float(half(bits)),
            (26, bits) => Token::Float(f32::from_bits(u32::try_from(bits).expect("four bytes")).into()),
            (27, bits) => Token::Float(f64::from_bits(bits)),
            (_, 20) => Token::Bool(false),
            (_, 21) => Token::Bool(true),
            // "undefined" is what JavaScript has beside null.
            (_, 22 | 23) => Token::Null,
            (24, 0..=31) => return Err(Malformed::Syntax("an ill-formed simple value", at)),
            _ => return Err(Malformed::Unsupported("a simple value of CBOR without a meaning")),
        })
    }

    fn enter(&mut self, length: Option<u64>) -> Result<Items, Malformed> {
        self.guard.enter()?;
        Ok(Items {
            left: length,
            is_first: true,
            close: BREAK,
            levels: 1,
        })
    }

    fn skip_items(&mut self, length: Option<u64>, values_each: u64) -> Result<(), Malformed> {
        let mut items = self.enter(length)?;
        while self.more(&mut items)? {
            for _ in 0..values_each {
                self.skip()?;
            }
        }
        Ok(())
    }
}

impl<'a> Read<'a> for Reader<'a> {
    fn token(&mut self) -> Result<Token<'a>, Malformed> {
        self.guard.count()?;
        let head = self.head()?;
        Ok(match (head.major, head.argument) {
            (UINT, Some(number)) => Token::UInt(number),
            (NEGATIVE, Some(number)) => match i64::try_from(number) {
                Ok(number) => Token::Int(-1 - number),
                Err(_) => return Err(Malformed::Unsupported("an integer below -2^63")),
            },
            (BYTES, length) => Token::Bytes(self.string(BYTES, length)?),
            (TEXT, length) => Token::Text(self.text(length)?),
            (ARRAY, length) => Token::Array(self.enter(length)?),
            (MAP, length) => Token::Map(self.enter(length)?),
            (TAG, tag) => return self.tagged(tag),
            _ => self.simple(&head)?,
        })
    }

    fn more(&mut self, items: &mut Items) -> Result<bool, Malformed> {
        let is_over = match &mut items.left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => match self.bytes.get(self.at) {
                Some(&BREAK) => {
                    self.at += 1;
                    true
                }
                Some(_) => false,
                None => return Err(Malformed::Truncated),
            },
        };
        if is_over {
            self.guard.leave_all(items.levels);
        }
        Ok(!is_over)
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.token()?
            .text()
            .ok_or(Malformed::Unsupported("a dictionary key that is not a string"))
    }

    fn skip(&mut self) -> Result<(), Malformed> {
        self.guard.count()?;
        let at = self.at;
        let head = self.head()?;
        match (head.major, head.argument) {
            (UINT | NEGATIVE, _) => Ok(()),
            (BYTES | TEXT, length) => self.string(head.major, length).map(drop),
            (ARRAY, length) => self.skip_items(length, 1),
            (MAP, length) => self.skip_items(length, 2),
            (TAG, _) => self.skip_tagged(),
            (_, None) => Err(Malformed::Syntax("a break where a value was expected", at)),
            (_, Some(0..=31)) if head.info == 24 => Err(Malformed::Syntax("an ill-formed simple value", at)),
            _ => Ok(()),
        }
    }

    fn shape(&mut self) -> Shape {
        match self.bytes.get(self.at).map(|byte| byte >> 5) {
            Some(ARRAY) => Shape::Array,
            Some(MAP) => Shape::Map,
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

/// The number that a half-precision float stands for (IEEE 754 binary16).
#[allow(clippy::cast_precision_loss, reason = "ten bits are exact")]
fn half(bits: u64) -> f64 {
    let fraction = (bits & 0x3ff) as f64;
    let exponent = i32::try_from(bits >> 10 & 0x1f).expect("five bits");
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// Writes CBOR with the shortest heads; floats stay double.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: Sink<'a>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut BytesMut) -> Self {
        Self { out: Sink::new(out) }
    }

    #[allow(clippy::cast_possible_truncation, reason = "each arm is guarded by its range")]
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match argument {
            0..=23 => self.out.put_array([major | argument as u8]),
            24..=0xff => self.out.put_array([major | 24, argument as u8]),
            0x100..=0xffff => {
                self.out.put_array([major | 25]);
                self.out.put_array((argument as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.put_array([major | 26]);
                self.out.put_array((argument as u32).to_be_bytes());
            }
            _ => {
                self.out.put_array([major | 27]);
                self.out.put_array((argument).to_be_bytes());
            }
        }
    }

    fn begin(&mut self, length: Option<usize>, major: u8) -> usize {
        if let Some(length) = length {
            self.head(major, length as u64);
        } else {
            self.out.put_array([major << 5 | 26]);
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
        self.out.put_array([0xf6]);
    }

    fn boolean(&mut self, value: bool) {
        self.out.put_array([0xf4 | u8::from(value)]);
    }

    fn uint(&mut self, value: u64) {
        self.head(UINT, value);
    }

    fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(UINT, value),
            // The argument of a negative integer n is -1 - n, which is its complement.
            Err(_) => self.head(NEGATIVE, (!value).cast_unsigned()),
        }
    }

    fn float(&mut self, value: f64) -> Result<(), Unconvertible> {
        self.out.put_array([0xfb]);
        self.out.put_array(value.to_be_bytes());
        Ok(())
    }

    fn text(&mut self, value: &str) {
        self.head(TEXT, value.len() as u64);
        self.out.put(value.as_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.head(BYTES, value.len() as u64);
        self.out.put(value);
    }

    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn array(&mut self, length: Option<usize>) -> usize {
        self.begin(length, ARRAY)
    }

    fn end_array(&mut self, mark: usize, length: Option<usize>) {
        self.mend(mark, length);
    }

    fn map(&mut self, pairs: Option<usize>) -> usize {
        self.begin(pairs, MAP)
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
