//! Arguments of a message, kept as the bytes in which they came.
//!
//! In every message that has arguments they are the last elements, so a [`Payload`] is one slice of the received
//! frame. For a receiver with the same serializer it is copied behind a new header; only for a receiver with another
//! one is it converted, and that happens when that receiver's writer encodes.

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, Serializer};
use crate::error::Unconvertible;
use crate::value::{Dict, Value};

/// Arguments (a list) and keyword arguments (a dictionary), both optional, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub(crate) serializer: Serializer,
    /// 0: nothing, 1: arguments, 2: arguments and keyword arguments.
    pub(crate) elements: u8,
    /// The elements one behind the other, with JSON's comma between them; well formed.
    pub(crate) bytes: Bytes,
}

impl Payload {
    /// No arguments at all.
    pub const EMPTY: Self = Self {
        serializer: Serializer::Json,
        elements: 0,
        bytes: Bytes::new(),
    };

    /// Arguments and keyword arguments from values.
    ///
    /// # Errors
    /// `serializer` has no form for one of the values, such as an infinite number in JSON.
    pub fn from_values(serializer: Serializer, args: &[Value], kwargs: &Dict) -> Result<Self, Unconvertible> {
        if args.is_empty() && kwargs.is_empty() {
            return Ok(Self::EMPTY);
        }
        let mut bytes = BytesMut::new();
        codec::write_arguments(serializer, args, kwargs, &mut bytes)?;
        let elements = if kwargs.is_empty() { 1 } else { 2 };
        Ok(Self {
            serializer,
            elements,
            bytes: bytes.freeze(),
        })
    }

    /// One argument, in a form that every serializer has: what the router itself says.
    #[must_use]
    pub fn sentence(text: &str) -> Self {
        Self::from_values(Serializer::Json, &[text.into()], &Dict::new()).unwrap_or(Self::EMPTY)
    }

    /// Positional arguments of the program's own types: `args` must serialize as a sequence (a tuple, an array).
    ///
    /// # Errors
    /// What the serializer says of it, or that it was no sequence.
    pub fn from_args<T: Serialize>(serializer: Serializer, args: &T) -> Result<Self, ArgumentsError> {
        let value = codec::to_value(args)?;
        let list = value.as_list().ok_or(ArgumentsError::NotAList)?;
        Ok(Self::from_values(serializer, list, &Dict::new())?)
    }

    /// The arguments as values.
    ///
    /// # Errors
    /// The payload holds something that has no value, such as an extension type of `MessagePack`.
    pub fn to_values(&self) -> Result<(Vec<Value>, Dict), Unconvertible> {
        codec::read_arguments(self)
    }

    /// The positional arguments as the program's own type, usually a tuple.
    ///
    /// # Errors
    /// The arguments are of other types, or fewer, or more.
    pub fn to_args<T: DeserializeOwned>(&self) -> Result<T, ArgumentsError> {
        let (args, _) = self.to_values()?;
        codec::from_value(&Value::List(args))
    }

    /// Whether there are no arguments at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.elements == 0
    }

    /// Bytes of the arguments as they are held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The serializer in which the bytes are.
    #[must_use]
    pub const fn serializer(&self) -> Serializer {
        self.serializer
    }

    /// The same payload with memory of its own, for what is kept or waits.
    #[must_use]
    pub fn to_stored(&self) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(&self.bytes),
            ..*self
        }
    }
}

/// Arguments do not have the types a program wants them to have.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    /// The bytes hold something that has no value.
    #[error(transparent)]
    Unconvertible(#[from] Unconvertible),
    /// Positional arguments must be a sequence.
    #[error("positional arguments must be a tuple, an array or a list")]
    NotAList,
    /// The program's type could not be written.
    #[error("the arguments cannot be serialized: {0}")]
    Serialize(#[from] rmp_serde::encode::Error),
    /// The values do not fit the program's type.
    #[error("the arguments are not those that are expected: {0}")]
    Deserialize(#[from] rmp_serde::decode::Error),
}
