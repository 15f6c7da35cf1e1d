//! The elements of a message, one after the other: what every message is decoded from.

use std::borrow::Cow;

use bytes::Bytes;

use super::{Items, Malformed, Read, Serializer, Shape, Token, WrongOption, options, transcode};
use crate::id::{MAX_ID, RequestId};
use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::Dict;

const WRONG_ARGUMENTS: &str = "Arguments must be a list and ArgumentsKw a dictionary";

/// The elements of a message, taken one after the other.
pub(super) struct Fields<'f, R> {
    reader: R,
    items: Items,
    is_over: bool,
    frame: &'f Bytes,
    serializer: Serializer,
    /// The name of the message, for errors.
    pub(super) message: &'static str,
}

impl<'f, R: Read<'f>> Fields<'f, R> {
    /// Enters the array that a message is.
    pub(super) fn new(mut reader: R, serializer: Serializer, frame: &'f Bytes) -> Result<Self, Malformed> {
        let Token::Array(items) = reader.token()? else {
            return Err(Malformed::Shape("message", "it is not an array"));
        };
        Ok(Self {
            reader,
            items,
            is_over: false,
            frame,
            serializer,
            message: "message",
        })
    }

    const fn shape<T>(&self, what: &'static str) -> Result<T, Malformed> {
        Err(Malformed::Shape(self.message, what))
    }

    /// Steps to the next element, which must be there.
    fn step(&mut self) -> Result<(), Malformed> {
        if self.more()? {
            Ok(())
        } else {
            self.shape("it has too few elements")
        }
    }

    pub(super) fn number(&mut self, otherwise: &'static str) -> Result<u64, Malformed> {
        self.step()?;
        self.reader.token()?.uint().map_or_else(|| self.shape(otherwise), Ok)
    }

    pub(super) fn id<T>(&mut self, new: impl Fn(u64) -> Option<T>) -> Result<T, Malformed> {
        const OTHERWISE: &str = "an id is not an integer from 1 to 2^53";
        let number = self.number(OTHERWISE)?;
        new(number).map_or_else(|| self.shape(OTHERWISE), Ok)
    }

    /// A number of messages.
    pub(super) fn count(&mut self) -> Result<u64, Malformed> {
        const OTHERWISE: &str = "a count is not an integer from 0 to 2^53";
        let number = self.number(OTHERWISE)?;
        if number <= MAX_ID {
            Ok(number)
        } else {
            self.shape(OTHERWISE)
        }
    }

    pub(super) fn request(&mut self) -> Result<RequestId, Malformed> {
        self.id(RequestId::new)
    }

    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        self.step()?;
        let text = self.reader.token()?.text().map(Cow::into_owned);
        text.map_or_else(|| self.shape("a string was expected"), Ok)
    }

    pub(super) fn uri(&mut self) -> Result<Uri, Malformed> {
        self.step()?;
        let uri = self.reader.token()?.text().map(|text| options::uri(text, self.frame));
        uri.map_or_else(|| self.shape("a URI is not a string"), Ok)
    }

    pub(super) fn dict(&mut self) -> Result<Dict, Malformed> {
        self.step()?;
        let Token::Map(items) = self.reader.token()? else {
            return self.shape("a dictionary was expected");
        };
        transcode::dict(&mut self.reader, items)
    }

    /// Reads a dictionary of which `set` takes the keys it knows; it says `false` for those it does not.
    pub(super) fn options<T: Default>(&mut self, set: options::Set<'f, T, R>) -> Result<T, Malformed> {
        self.step()?;
        let Token::Map(mut items) = self.reader.token()? else {
            return self.shape("its options or details are not a dictionary");
        };
        let mut options = T::default();
        while self.reader.more(&mut items)? {
            let key = self.reader.key()?;
            match set(&mut options, &key, &mut self.reader, self.frame) {
                Ok(true) => {}
                Ok(false) => self.reader.skip()?,
                Err(malformed) => return Err(self.wrong_option(malformed, &key)),
            }
        }
        Ok(options)
    }

    /// Says of which message and key it is that a value does not go with its key.
    #[cold]
    fn wrong_option(&self, malformed: Malformed, key: &str) -> Malformed {
        let Malformed::Shape(_, what) = malformed else {
            return malformed;
        };
        Malformed::Option(Box::new(WrongOption {
            message: self.message,
            key: key.into(),
            what,
        }))
    }

    /// The request that is answered; `None` is a revocation, which answers none and has Details.
    pub(super) fn answered_request(&mut self) -> Result<Option<RequestId>, Malformed> {
        const OTHERWISE: &str = "an id is not an integer from 1 to 2^53";
        let number = self.number(OTHERWISE)?;
        if number == 0 {
            return Ok(None);
        }
        let request = RequestId::new(number).map_or_else(|| self.shape(OTHERWISE), Ok)?;
        if self.more()? {
            self.reader.skip()?;
        }
        Ok(Some(request))
    }

    /// What a revocation must say.
    pub(super) fn revoked<T>(&self, id: Option<T>) -> Result<T, Malformed> {
        id.map_or_else(|| self.shape("a revocation does not say of what"), Ok)
    }

    /// The arguments: checked, and kept as they are. Empty ones at the end are left out, as the specification
    /// has it for those who send.
    pub(super) fn payload(&mut self) -> Result<Payload, Malformed> {
        let mut start = 0;
        let mut end = 0;
        let mut elements = 0;
        for (number, shape) in [(1, Shape::Array), (2, Shape::Map)] {
            if !self.more()? {
                break;
            }
            let found = self.reader.shape();
            if found == Shape::Other && number == 1 {
                return self.opaque_payload();
            }
            if found != shape {
                return self.shape(WRONG_ARGUMENTS);
            }
            let from = self.reader.position();
            if shape == Shape::Map {
                self.reader.skip_dict()?;
            } else {
                self.reader.skip()?;
            }
            let to = self.reader.position();
            if number == 1 {
                start = from;
            }
            if !is_empty(self.serializer, &self.frame[from..to]) {
                elements = number;
                end = to;
            }
        }
        if elements == 0 {
            return Ok(Payload::EMPTY);
        }
        Ok(Payload {
            serializer: self.serializer,
            elements,
            bytes: self.frame.slice(start..end),
        })
    }

    /// Binary in the place of Arguments: a payload that only its receivers understand, as some peers send what they
    /// have encrypted (the specification's test vectors have samples of it).
    fn opaque_payload(&mut self) -> Result<Payload, Malformed> {
        let from = self.reader.position();
        let Token::Bytes(_) = self.reader.token()? else {
            return self.shape(WRONG_ARGUMENTS);
        };
        Ok(Payload {
            serializer: self.serializer,
            elements: 1,
            bytes: self.frame.slice(from..self.reader.position()),
        })
    }

    /// Says whether there is another element.
    fn more(&mut self) -> Result<bool, Malformed> {
        self.is_over = self.is_over || !self.reader.more(&mut self.items)?;
        Ok(!self.is_over)
    }

    /// Checks that the message has no more elements, and that nothing follows it.
    pub(super) fn finish(&mut self) -> Result<(), Malformed> {
        if self.more()? {
            return self.shape("it has too many elements");
        }
        self.reader.end()
    }
}

fn is_empty(serializer: Serializer, element: &[u8]) -> bool {
    match serializer {
        Serializer::Json => matches!(element, b"[]" | b"{}"),
        Serializer::MessagePack => matches!(element, [0x90 | 0x80]),
        Serializer::Cbor => matches!(element, [0x80 | 0xa0]),
    }
}
