//! Reading JSON.

use std::borrow::Cow;
use std::str;

use super::super::guard::Guard;
use super::super::{CHECKED, Items, Malformed, Read, Shape, Token};
use super::plain_length;
use crate::limits::{Bounds, MAX_NUMBER};
use crate::value::text_to_binary;

/// A cursor over JSON text.
#[derive(Debug)]
pub(in crate::codec) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    guard: Guard,
}

impl<'a> Reader<'a> {
    pub(in crate::codec) fn new(bytes: &'a [u8], bounds: &Bounds) -> Result<Self, Malformed> {
        let text = str::from_utf8(bytes).map_err(|error| Malformed::Syntax("invalid UTF-8", error.valid_up_to()))?;
        Ok(Self {
            text,
            bytes,
            at: 0,
            guard: Guard::new(bounds),
        })
    }

    /// A reader over the elements of a payload, which are known to be well formed.
    pub(in crate::codec) fn of_checked(bytes: &'a [u8]) -> Self {
        Self::new(bytes, &CHECKED).expect("a payload is checked when it is made")
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that means something, not yet taken.
    fn peek(&mut self) -> Result<u8, Malformed> {
        self.blank();
        self.bytes.get(self.at).copied().ok_or(Malformed::Truncated)
    }

    const fn wrong<T>(&self, what: &'static str) -> Result<T, Malformed> {
        Err(Malformed::Syntax(what, self.at))
    }

    fn literal<T>(&mut self, word: &'static str, value: T) -> Result<T, Malformed> {
        if !self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            return self.wrong("an unknown word");
        }
        self.at += word.len();
        Ok(value)
    }

    /// Passes over a string, from quote to quote; `true` if it has escapes.
    fn pass_string(&mut self) -> Result<bool, Malformed> {
        if self.peek()? != b'"' {
            return self.wrong("a string was expected");
        }
        self.at += 1;
        let mut has_escapes = false;
        loop {
            self.at += plain_length(self.bytes.get(self.at..).unwrap_or_default());
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.pass_escape()?;
                }
                Some(_) => return self.wrong("a control character in a string"),
                None => return Err(Malformed::Truncated),
            }
        }
    }

    fn pass_escape(&mut self) -> Result<(), Malformed> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(Malformed::Truncated)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return self.wrong("an escape without four hexadecimal digits");
                }
                self.at += 6;
            }
            Some(_) => return self.wrong("an unknown escape"),
            None => return Err(Malformed::Truncated),
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.blank();
        let start = self.at;
        let has_escapes = self.pass_string()?;
        let quoted = self.text.get(start..self.at).expect("quotes are character boundaries");
        if has_escapes {
            let unescaped =
                serde_json::from_str(quoted).map_err(|_| Malformed::Syntax("an unpaired surrogate", start))?;
            return Ok(Cow::Owned(unescaped));
        }
        let inner = self
            .text
            .get(start + 1..self.at - 1)
            .expect("quotes are character boundaries");
        Ok(Cow::Borrowed(inner))
    }

    /// Passes over a number; `true` if it has a fraction or an exponent.
    fn pass_number(&mut self) -> Result<bool, Malformed> {
        let bytes = self.bytes;
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let start = self.at;
        let first = start + usize::from(bytes.get(start) == Some(&b'-'));
        let mut at = digits(first);
        if at == first || (at - first > 1 && bytes[first] == b'0') {
            return self.wrong("a value was expected");
        }
        let mut is_float = false;
        if bytes.get(at) == Some(&b'.') {
            is_float = true;
            let fraction = at + 1;
            at = digits(fraction);
            if at == fraction {
                return self.wrong("a number without digits behind the point");
            }
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            is_float = true;
            let exponent = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            at = digits(exponent);
            if at == exponent {
                return self.wrong("a number without digits in its exponent");
            }
        }
        if at - start > MAX_NUMBER {
            return self.wrong("a number of more than 1,000 characters");
        }
        self.at = at;
        Ok(is_float)
    }

    /// The whole number that comes next, if it is one of those that messages are full of: without a sign, and short
    /// enough that it cannot be too large.
    fn short_number(&mut self) -> Option<u64> {
        const LONGEST: usize = 18;
        let rest = self.bytes.get(self.at..)?;
        let mut number = 0;
        let mut length = 0;
        while let Some(digit @ b'0'..=b'9') = rest.get(length) {
            number = number * 10 + u64::from(digit - b'0');
            length += 1;
            if length > LONGEST {
                return None;
            }
        }
        let has_needless_zero = length > 1 && rest[0] == b'0';
        if length == 0 || has_needless_zero || matches!(rest.get(length), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += length;
        Some(number)
    }

    fn number(&mut self) -> Result<Token<'a>, Malformed> {
        if let Some(number) = self.short_number() {
            return Ok(Token::UInt(number));
        }
        let start = self.at;
        let is_float = self.pass_number()?;
        let text = self.text.get(start..self.at).expect("digits are characters");
        if !is_float {
            if let Ok(number) = text.parse() {
                return Ok(Token::UInt(number));
            }
            if let Ok(number) = text.parse() {
                return Ok(if number == 0 {
                    Token::UInt(0)
                } else {
                    Token::Int(number)
                });
            }
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Float(number)),
            _ => Err(Malformed::Unsupported("a number that is too large")),
        }
    }

    fn enter(&mut self, close: u8) -> Result<Items, Malformed> {
        self.at += 1;
        self.guard.enter()?;
        Ok(Items {
            left: None,
            is_first: true,
            close,
            levels: 1,
        })
    }
}

impl<'a> Read<'a> for Reader<'a> {
    fn token(&mut self) -> Result<Token<'a>, Malformed> {
        self.guard.count()?;
        match self.peek()? {
            b'[' => Ok(Token::Array(self.enter(b']')?)),
            b'{' => Ok(Token::Map(self.enter(b'}')?)),
            b'n' => self.literal("null", Token::Null),
            b't' => self.literal("true", Token::Bool(true)),
            b'f' => self.literal("false", Token::Bool(false)),
            b'"' => {
                let text = self.string()?;
                match text_to_binary(&text) {
                    None => Ok(Token::Text(text)),
                    Some(Ok(bytes)) => Ok(Token::Bytes(Cow::Owned(bytes))),
                    Some(Err(_)) => Err(Malformed::Unsupported("a binary string that is not base64")),
                }
            }
            _ => self.number(),
        }
    }

    fn more(&mut self, items: &mut Items) -> Result<bool, Malformed> {
        let next = self.peek()?;
        if next == items.close {
            self.at += 1;
            self.guard.leave();
            return Ok(false);
        }
        if !items.is_first {
            if next != b',' {
                return self.wrong("a comma was expected");
            }
            self.at += 1;
        }
        items.is_first = false;
        Ok(true)
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.guard.count()?;
        let key = self.string()?;
        if self.peek()? != b':' {
            return self.wrong("a colon was expected");
        }
        self.at += 1;
        Ok(key)
    }

    fn skip(&mut self) -> Result<(), Malformed> {
        self.guard.count()?;
        let (close, is_map) = match self.peek()? {
            b'[' => (b']', false),
            b'{' => (b'}', true),
            b'"' => return self.pass_string().map(|_| ()),
            b'n' => return self.literal("null", ()),
            b't' => return self.literal("true", ()),
            b'f' => return self.literal("false", ()),
            _ => return self.pass_number().map(|_| ()),
        };
        let mut items = self.enter(close)?;
        while self.more(&mut items)? {
            if is_map {
                self.guard.count()?;
                self.pass_string()?;
                if self.peek()? != b':' {
                    return self.wrong("a colon was expected");
                }
                self.at += 1;
            }
            self.skip()?;
        }
        Ok(())
    }

    /// No key is anything else.
    fn skip_dict(&mut self) -> Result<(), Malformed> {
        self.skip()
    }

    fn shape(&mut self) -> Shape {
        match self.peek() {
            Ok(b'[') => Shape::Array,
            Ok(b'{') => Shape::Map,
            _ => Shape::Other,
        }
    }

    fn position(&self) -> usize {
        self.at
    }

    fn end(&mut self) -> Result<(), Malformed> {
        self.blank();
        if self.at < self.bytes.len() {
            self.wrong("something follows the message")
        } else {
            Ok(())
        }
    }

    fn separator(&mut self) -> Result<(), Malformed> {
        if self.peek()? != b',' {
            return self.wrong("a comma was expected");
        }
        self.at += 1;
        Ok(())
    }
}
