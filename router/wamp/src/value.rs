//! A tree of values: what clients, components and the handshake work with. The router never builds one for a payload.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Keyword arguments, Options and Details: keys in order, so that encoding is deterministic.
pub type Dict = BTreeMap<String, Value>;

/// A dictionary with these entries.
#[must_use]
pub fn dict<const N: usize>(entries: [(&str, Value); N]) -> Dict {
    entries.map(|(key, value)| (key.to_owned(), value)).into()
}

/// Any value a WAMP message can carry.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of zero or more.
    UInt(u64),
    /// An integer below zero (constructors see to that).
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes; in JSON a string of `\0` and base64 (WAMP specification, "Binary conversion of JSON Strings").
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A dictionary.
    Dict(Dict),
}

/// What marks a JSON string as binary.
pub(crate) const BINARY_MARK: char = '\0';

impl Value {
    /// A dictionary with these entries.
    #[must_use]
    pub fn dict<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Dict(dict(entries))
    }

    /// The integer, if it is one of zero or more; floats without a fraction count, as some peers have no integers.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::UInt(number) => Some(*number),
            Self::Float(number) => integral(*number),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::List(_)
            | Self::Dict(_) => None,
        }
    }

    /// The integer, if it fits; floats without a fraction count.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(number) if *number < 0.0 => integral(-number).and_then(|n| i64::try_from(n).ok()).map(|n| -n),
            Self::UInt(_) | Self::Float(_) => self.as_u64().and_then(|number| i64::try_from(number).ok()),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Bytes(_) | Self::List(_) | Self::Dict(_) => None,
        }
    }

    /// The number, whichever kind it has.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::UInt(number) => Some(*number as f64),
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Bytes(_) | Self::List(_) | Self::Dict(_) => None,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self {
            Some(*truth)
        } else {
            None
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The dictionary, if it is one.
    #[must_use]
    pub const fn as_dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }
}

/// The integer that `number` is, if it is one of `0..=2^53`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be an integer in range"
)]
pub(crate) fn integral(number: f64) -> Option<u64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    ((0.0..=LARGEST).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

pub(crate) fn binary_to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(1 + bytes.len().div_ceil(3) * 4);
    text.push(BINARY_MARK);
    STANDARD.encode_string(bytes, &mut text);
    text
}

/// The bytes that a JSON string stands for: `None` for ordinary text.
pub(crate) fn text_to_binary(text: &str) -> Option<Result<Vec<u8>, base64::DecodeError>> {
    text.strip_prefix(BINARY_MARK).map(|encoded| STANDARD.decode(encoded))
}

macro_rules! from {
    ($($kind:ty => |$value:ident| $into:expr),* $(,)?) => {
        $(impl From<$kind> for Value {
            fn from($value: $kind) -> Self { $into }
        })*
    };
}

from! {
    bool => |value| Self::Bool(value),
    u64 => |value| Self::UInt(value),
    u32 => |value| Self::UInt(value.into()),
    u16 => |value| Self::UInt(value.into()),
    u8 => |value| Self::UInt(value.into()),
    i64 => |value| u64::try_from(value).map_or(Self::Int(value), Self::UInt),
    i32 => |value| Self::from(i64::from(value)),
    f64 => |value| Self::Float(value),
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    Vec<u8> => |value| Self::Bytes(value),
    Vec<Value> => |value| Self::List(value),
    Dict => |value| Self::Dict(value),
    () => |_value| Self::Null,
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::UInt(value) => serializer.serialize_u64(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) if serializer.is_human_readable() => serializer.serialize_str(&binary_to_text(value)),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::List(value) => serializer.collect_seq(value),
            Self::Dict(value) => serializer.collect_map(value),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_json = deserializer.is_human_readable();
        deserializer.deserialize_any(Builder { is_json })
    }
}

/// Builds a value from whatever a deserializer finds.
struct Builder {
    /// Whether strings may stand for binary.
    is_json: bool,
}

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Value::deserialize(inner)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        match self.is_json.then(|| text_to_binary(&text)).flatten() {
            Some(bytes) => bytes.map(Value::Bytes).map_err(E::custom),
            None => Ok(Value::Text(text)),
        }
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(bytes.to_vec().into())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(bytes.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut dict = Dict::new();
        while let Some((key, value)) = entries.next_entry()? {
            dict.insert(key, value);
        }
        Ok(Value::Dict(dict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integral_float_passes_for_an_integer_and_others_do_not() {
        assert_eq!(Value::Float(7.0).as_u64(), Some(7));
        assert_eq!(Value::Float(-7.0).as_i64(), Some(-7));
        for float in [0.5, -1.0, 1e17, f64::NAN, f64::INFINITY] {
            assert_eq!(Value::Float(float).as_u64(), None, "{float}");
        }
    }

    #[test]
    fn json_carries_binary_as_marked_base64() {
        let value = Value::List(vec![vec![1_u8, 2, 255].into(), "text".into(), (-3).into()]);
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, r#"["\u0000AQL/","text",-3]"#);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }

    #[test]
    fn message_pack_carries_binary_as_it_is() {
        let value = Value::Dict(Dict::from([
            ("b".to_owned(), vec![0_u8, 9].into()),
            ("n".to_owned(), ().into()),
        ]));
        let bytes = rmp_serde::to_vec(&value).unwrap();
        assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), value);
    }
}
