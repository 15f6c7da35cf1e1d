//! Messages to bytes and back, in JSON, `MessagePack` and CBOR.
//!
//! Each format is a `Read` and a `Write` of a few methods; what the messages look like is written down once, in
//! `decode` and `encode`, for all formats. Decoding reads the header, checks that the arguments behind it are well
//! formed and within [`Bounds`], and keeps them as one slice of the frame.

mod cbor;
mod decode;
mod elements;
mod encode;
mod fields;
mod guard;
mod json;
mod msgpack;
mod options;
mod sink;
mod transcode;
mod values;

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Unconvertible, Violation};
use crate::limits::Bounds;
use crate::message::Message;
use crate::payload::{ArgumentsError, Payload};
use crate::value::{Dict, Value, integral};

/// The format of a session's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Serializer {
    /// JSON (RFC 8259).
    Json,
    /// `MessagePack`, version 5 of its specification.
    MessagePack,
    /// CBOR (RFC 8949).
    Cbor,
}

impl Serializer {
    /// Every serializer, in the order in which this implementation prefers them.
    pub const ALL: [Self; 3] = [Self::Json, Self::MessagePack, Self::Cbor];

    /// The number under which tables of all serializers keep it.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in `wamp.2.<name>`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "msgpack",
            Self::Cbor => "cbor",
        }
    }
}

/// Reads one message out of `frame`.
///
/// # Errors
/// The frame is not one well-formed message within `bounds`.
pub fn decode(serializer: Serializer, frame: &Bytes, bounds: &Bounds) -> Result<Message, Violation> {
    if frame.len() > bounds.message_bytes {
        return Err(Violation::too_long(frame.len(), bounds.message_bytes));
    }
    let decoded = match serializer {
        Serializer::Json => {
            json::Reader::new(frame, bounds).and_then(|reader| decode::message(reader, serializer, frame))
        }
        Serializer::MessagePack => decode::message(msgpack::Reader::new(frame, bounds), serializer, frame),
        Serializer::Cbor => decode::message(cbor::Reader::new(frame, bounds), serializer, frame),
    };
    decoded.map_err(|malformed| Violation::new(malformed.sentence(bounds)))
}

/// Appends `message` to `out`.
///
/// # Errors
/// The arguments came in another serializer and have no form in this one; `out` is as it was.
pub fn encode(serializer: Serializer, message: &Message, out: &mut BytesMut) -> Result<(), Unconvertible> {
    encode_apart(serializer, message, usize::MAX, out).map(|_| ())
}

/// Arguments that an encoded message lacks: they are to be sent at their place of it.
#[derive(Debug)]
pub struct Apart {
    /// Before which byte of what `out` holds they belong.
    pub at: usize,
    /// The arguments, as they came.
    pub bytes: Bytes,
}

/// Appends `message` to `out`, but for arguments of `least` bytes or more that are in this serializer already: whoever
/// sends can send those from where they are.
///
/// # Errors
/// As those of [`encode`].
pub fn encode_apart(
    serializer: Serializer,
    message: &Message,
    least: usize,
    out: &mut BytesMut,
) -> Result<Option<Apart>, Unconvertible> {
    let start = out.len();
    let written = match serializer {
        Serializer::Json => encode::message(json::Writer::new(out), (serializer, least), message),
        Serializer::MessagePack => encode::message(msgpack::Writer::new(out), (serializer, least), message),
        Serializer::Cbor => encode::message(cbor::Writer::new(out), (serializer, least), message),
    };
    written.inspect_err(|_| out.truncate(start))
}

pub(crate) fn write_arguments(
    serializer: Serializer,
    args: &[Value],
    kwargs: &Dict,
    out: &mut BytesMut,
) -> Result<(), Unconvertible> {
    match serializer {
        Serializer::Json => values::arguments(json::Writer::new(out), args, kwargs),
        Serializer::MessagePack => values::arguments(msgpack::Writer::new(out), args, kwargs),
        Serializer::Cbor => values::arguments(cbor::Writer::new(out), args, kwargs),
    }
}

pub(crate) fn read_arguments(payload: &Payload) -> Result<(Vec<Value>, Dict), Unconvertible> {
    let bytes = &payload.bytes;
    match payload.serializer {
        Serializer::Json => transcode::arguments(json::Reader::of_checked(bytes), payload.elements),
        Serializer::MessagePack => transcode::arguments(msgpack::Reader::new(bytes, &CHECKED), payload.elements),
        Serializer::Cbor => transcode::arguments(cbor::Reader::new(bytes, &CHECKED), payload.elements),
    }
}

/// Bounds for bytes that were decoded once already, by whatever bounds then held: only the depth still guards recursion.
const CHECKED: Bounds = Bounds {
    message_bytes: usize::MAX,
    depth: guard::DEEPEST,
    values: usize::MAX,
};

pub(crate) fn to_value<T: Serialize>(value: &T) -> Result<Value, ArgumentsError> {
    Ok(rmp_serde::from_slice(&rmp_serde::to_vec_named(value)?)?)
}

pub(crate) fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ArgumentsError> {
    Ok(rmp_serde::from_slice(&rmp_serde::to_vec(value)?)?)
}

/// One step of reading.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    UInt(u64),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Array(Items),
    Map(Items),
}

impl<'a> Token<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer of zero or more; integral floats count, because some peers have no integers.
    fn uint(self) -> Option<u64> {
        match self {
            Self::UInt(number) => Some(number),
            Self::Float(number) => integral(number),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Array(_)
            | Self::Map(_) => None,
        }
    }

    const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// How far the reader is in an array or map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Items {
    /// Elements (or pairs) still to come; `None` where the end is marked instead of the length.
    left: Option<u64>,
    /// Whether nothing was read yet.
    is_first: bool,
    /// What closes it, in formats that mark the end.
    close: u8,
    /// Levels of nesting that end with it: its own, and those of the tags in front of it.
    levels: u16,
}

/// What the next value is, as far as the shape of a message depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Array,
    Map,
    Other,
}

/// A cursor over the bytes of one format. It counts depth and values against its bounds.
pub(crate) trait Read<'a> {
    /// Reads a scalar whole, or enters an array or map.
    fn token(&mut self) -> Result<Token<'a>, Malformed>;
    /// Says whether there is another element (or key), and leaves the array or map when there is none.
    fn more(&mut self, items: &mut Items) -> Result<bool, Malformed>;
    /// Reads the key of a pair.
    fn key(&mut self) -> Result<Cow<'a, str>, Malformed>;
    /// Checks one value and passes over it.
    fn skip(&mut self) -> Result<(), Malformed>;
    /// Checks a map whose keys must be strings, and passes over it. Of maps within it [`Read::skip`] does not ask that.
    fn skip_dict(&mut self) -> Result<(), Malformed> {
        if let Token::Map(mut items) = self.token()? {
            while self.more(&mut items)? {
                self.key()?;
                self.skip()?;
            }
        }
        Ok(())
    }
    /// What comes next.
    fn shape(&mut self) -> Shape;
    /// Bytes read so far.
    fn position(&self) -> usize;
    /// Checks that nothing follows.
    fn end(&mut self) -> Result<(), Malformed>;
    /// Passes what stands between two elements of a payload.
    fn separator(&mut self) -> Result<(), Malformed> {
        Ok(())
    }
}

/// Writes values of one format. Lengths are given beforehand where they are known, and mended afterwards where not.
pub(crate) trait Write {
    fn null(&mut self);
    fn boolean(&mut self, value: bool);
    fn uint(&mut self, value: u64);
    fn int(&mut self, value: i64);
    fn float(&mut self, value: f64) -> Result<(), Unconvertible>;
    /// Text of our own.
    fn text(&mut self, value: &str);
    /// Text that a peer chose, which may have no form in the format.
    fn argument(&mut self, value: &str) -> Result<(), Unconvertible> {
        self.text(value);
        Ok(())
    }
    fn bytes(&mut self, value: &[u8]);
    fn key(&mut self, key: &str);
    /// Begins an array; the mark goes to [`Write::end_array`].
    fn array(&mut self, length: Option<usize>) -> usize;
    fn end_array(&mut self, mark: usize, length: Option<usize>);
    /// Begins a map of so many pairs.
    fn map(&mut self, pairs: Option<usize>) -> usize;
    fn end_map(&mut self, mark: usize, pairs: Option<usize>);
    /// A map of nothing: what Options and Details are most often.
    fn empty_map(&mut self) {
        let mark = self.map(Some(0));
        self.end_map(mark, None);
    }
    /// Copies elements that are encoded already.
    fn raw(&mut self, elements: &[u8]);
    /// Leaves elements that are encoded already to somebody else, and says before which byte they belong.
    fn gap(&mut self) -> usize;
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// They are not of the format, at this place.
    Syntax(&'static str, usize),
    /// They break off.
    Truncated,
    /// Arrays and maps are nested too deeply.
    TooDeep,
    /// There are too many values.
    TooManyValues,
    /// There is something no value stands for (checked only when it must be understood).
    Unsupported(&'static str),
    /// They are of the format, but not the message they claim to be: message and field.
    Shape(&'static str, &'static str),
    /// A known key of Options or Details has a value that it cannot have.
    Option(Box<WrongOption>),
    /// No message has this code.
    UnknownMessage(u64),
}

/// A key of Options or Details whose value does not go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongOption {
    message: &'static str,
    key: Box<str>,
    what: &'static str,
}

impl Items {
    /// The number of elements or pairs, where the format says it in front.
    const fn length(&self) -> Option<u64> {
        self.left
    }
}

impl Malformed {
    /// What the peer is told, who was to keep within these bounds.
    fn sentence(self, bounds: &Bounds) -> String {
        match self {
            Self::Syntax(what, at) => format!("the message is not well formed: {what} at byte {at}"),
            Self::Truncated => "the message breaks off".to_owned(),
            Self::TooDeep => {
                let most = bounds.depth.min(guard::DEEPEST);
                format!("the message is nested too deeply: {most} levels are taken")
            }
            Self::TooManyValues => {
                let most = bounds.values;
                format!("the message has too many values: {most} are taken, elements, keys and values of keys together")
            }
            Self::Unsupported(what) => format!("the message holds {what}"),
            Self::Shape(message, what) => format!("{message}: {what}"),
            Self::Option(wrong) => {
                let WrongOption { message, key, what } = *wrong;
                format!("{message}: {key} in its options or details: {what}")
            }
            Self::UnknownMessage(code) => format!("there is no message with code {code}"),
        }
    }
}
