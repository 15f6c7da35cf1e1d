//! The maps of the protocol in CBOR (RFC 8949): text keys, few values, one encoding.
//!
//! Written in the core deterministic encoding of section 4.2.1. What is read must be in it too, byte for byte: a map
//! that is decoded and encoded again has to be the frame that came. That leaves no second encoding of a message, no
//! indefinite length, no key twice and no byte behind the end. It knows no message.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// Entries of a map: twice as many as the largest message has.
const MAX_ENTRIES: u64 = 16;

/// Texts in a list: twice as many as a grant has hosts.
const MAX_TEXTS: u64 = 16;

/// The bytes are not a message. One error for everything: the other side learns nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// A value in a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    Number(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Texts(Vec<&'a str>),
}

impl<'a> Item<'a> {
    /// Bytes, or null.
    pub(super) fn optional(bytes: Option<&'a [u8; 32]>) -> Self {
        bytes.map_or(Self::Null, |bytes| Self::Bytes(bytes))
    }

    fn decode(decoder: &mut Decoder<'a>) -> Result<Self, Malformed> {
        let item = match decoder.datatype()? {
            Type::Null => decoder.null().map(|()| Self::Null),
            Type::Bool => decoder.bool().map(Self::Bool),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().map(Self::Number),
            Type::Bytes => decoder.bytes().map(Self::Bytes),
            Type::String => decoder.str().map(Self::Text),
            Type::Array => return Self::texts(decoder),
            Type::Undefined
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int
            | Type::F16
            | Type::F32
            | Type::F64
            | Type::Simple
            | Type::BytesIndef
            | Type::StringIndef
            | Type::ArrayIndef
            | Type::Map
            | Type::MapIndef
            | Type::Tag
            | Type::Break
            | Type::Unknown(_) => return Err(Malformed),
        };
        Ok(item?)
    }

    fn texts(decoder: &mut Decoder<'a>) -> Result<Self, Malformed> {
        let count = decoder.array()?.filter(|count| *count <= MAX_TEXTS).ok_or(Malformed)?;
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(decoder.str()?);
        }
        Ok(Self::Texts(texts))
    }

    fn encode(&self, out: &mut Encoder<Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        match self {
            Self::Null => out.null()?,
            Self::Bool(value) => out.bool(*value)?,
            Self::Number(value) => out.u64(*value)?,
            Self::Bytes(value) => out.bytes(value)?,
            Self::Text(value) => out.str(value)?,
            Self::Texts(values) => {
                out.array(values.len() as u64)?;
                values.iter().try_for_each(|value| out.str(value).map(|_| ()))?;
                out
            }
        };
        Ok(())
    }
}

/// A map, to be written, or being read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Map<'a>(Vec<(&'a str, Item<'a>)>);

impl<'a> Map<'a> {
    /// A map of these entries, whose keys differ.
    pub(super) fn of(entries: impl IntoIterator<Item = (&'a str, Item<'a>)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        // The encoding of a short text begins with its length, so shorter keys come first.
        entries.sort_by_key(|(key, _)| (key.len(), *key));
        Self(entries)
    }

    /// The one encoding.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        let written = out.map(self.0.len() as u64).map(|_| ()).and_then(|()| {
            self.0
                .iter()
                .try_for_each(|(key, item)| out.str(key).map(|_| ()).and_then(|()| item.encode(&mut out)))
        });
        written.expect("writing to memory does not fail");
        out.into_writer()
    }

    /// Reads a map that is the whole of `bytes`, whose length the caller has bounded.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let count = decoder.map()?.filter(|count| *count <= MAX_ENTRIES).ok_or(Malformed)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push((decoder.str()?, Item::decode(&mut decoder)?));
        }
        let map = Self::of(entries);
        let is_double = map
            .0
            .windows(2)
            .any(|pair| matches!(pair, [one, other] if one.0 == other.0));
        if is_double || map.encode() != bytes {
            return Err(Malformed);
        }
        Ok(map)
    }

    /// Takes an entry out, if it is there.
    pub(super) fn take(&mut self, key: &str) -> Option<Item<'a>> {
        let at = self.0.iter().position(|(known, _)| *known == key)?;
        Some(self.0.remove(at).1)
    }

    /// The same with this entry in the place of the one of its key, if any; without it when there is nothing to put.
    #[cfg(test)]
    pub(super) fn with(mut self, key: &'a str, item: Option<Item<'a>>) -> Self {
        self.take(key);
        Self::of(self.0.into_iter().chain(item.map(|item| (key, item))))
    }

    /// Takes bytes of a fixed length.
    pub(super) fn bytes<const N: usize>(&mut self, key: &str) -> Result<[u8; N], Malformed> {
        self.slice(key)?.try_into().map_err(|_| Malformed)
    }

    /// Takes bytes of any length.
    pub(super) fn slice(&mut self, key: &str) -> Result<&'a [u8], Malformed> {
        match self.take(key) {
            Some(Item::Bytes(bytes)) => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    /// Takes 32 bytes or null; the key must be there.
    pub(super) fn bytes_or_null(&mut self, key: &str) -> Result<Option<[u8; 32]>, Malformed> {
        match self.take(key) {
            Some(Item::Null) => Ok(None),
            Some(Item::Bytes(bytes)) => bytes.try_into().map(Some).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    /// Takes text.
    pub(super) fn text(&mut self, key: &str) -> Result<&'a str, Malformed> {
        match self.take(key) {
            Some(Item::Text(text)) => Ok(text),
            _ => Err(Malformed),
        }
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<&'a str>, Malformed> {
        match self.take(key) {
            Some(Item::Texts(texts)) => Ok(texts),
            _ => Err(Malformed),
        }
    }

    /// Takes a number.
    pub(super) fn number(&mut self, key: &str) -> Result<u64, Malformed> {
        match self.take(key) {
            Some(Item::Number(number)) => Ok(number),
            _ => Err(Malformed),
        }
    }

    /// Nothing is left that was not taken.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_written_in_the_one_order_and_read_again() {
        let map = Map::of([
            ("name", Item::Text("é")),
            ("v", Item::Number(1)),
            ("dn", Item::Bytes(&[1, 2])),
            ("hosts", Item::Texts(vec!["a", "b"])),
            ("ds", Item::Null),
            ("ok", Item::Bool(true)),
        ]);
        let bytes = map.encode();
        assert_eq!(
            hex::encode(&bytes),
            "a6617601626 46e42010262 6473f6626f6bf5646e616d6562c3a965686f73747382616161 62".replace(' ', "")
        );
        assert_eq!(Map::decode(&bytes), Ok(map));
    }

    #[test]
    fn only_the_one_encoding_is_read() {
        let good = hex::decode("a2617601626f6bf5").unwrap(); // {"v": 1, "ok": true}
        assert!(Map::decode(&good).is_ok());
        let bad = [
            ("", "nothing"),
            ("80", "no map"),
            ("a2626f6bf5617601", "keys in another order"),
            ("a2617601617601", "a key twice"),
            ("a2617601617602", "a key twice with another value"),
            ("bf617601626f6bf5ff", "an indefinite length"),
            ("a261761801626f6bf5", "a number longer than it need be"),
            ("a2780176 01626f6bf5", "a length longer than it need be"),
            ("b80261 7601626f6bf5", "a count longer than it need be"),
            ("a2617601626f6bf500", "a byte behind the end"),
            ("a2617601626f6b", "an end too early"),
            ("a3617601626f6bf5", "an entry too few"),
            ("a1617601626f6bf5", "an entry too many"),
            ("a10101", "a key that is no text"),
            ("a1417601", "a key of bytes"),
            ("a16176f7", "undefined"),
            ("a16176f93c00", "a float"),
            ("a1617620", "a negative number"),
            ("a16176c101", "a tag"),
            ("a16176a0", "a map in it"),
            ("a161768101", "a list of numbers"),
            ("a161769fff", "a list of indefinite length"),
            ("a161765f4101ff", "bytes of indefinite length"),
            ("a161767f6161ff", "text of indefinite length"),
            ("a1617661ff", "text that is not UTF-8"),
            ("a161765b7fffffffffffffff00", "bytes of 2^63"),
            ("bb7fffffffffffffff", "entries of 2^63"),
            ("a161769b7fffffffffffffff", "texts of 2^63"),
        ];
        for (text, why) in bad {
            let bytes = hex::decode(text.replace(' ', "")).unwrap();
            assert_eq!(Map::decode(&bytes), Err(Malformed), "{why}");
        }
    }

    #[test]
    fn entries_and_texts_are_read_to_their_limit_and_not_past_it() {
        let keys: Vec<String> = (0..=MAX_ENTRIES).map(|number| format!("{number:02}")).collect();
        let map = |count: usize| Map::of(keys.iter().take(count).map(|key| (key.as_str(), Item::Null))).encode();
        assert!(Map::decode(&map(16)).is_ok());
        assert!(Map::decode(&map(17)).is_err());
        let texts = |count: usize| Map::of([("t", Item::Texts(vec!["x"; count]))]).encode();
        assert!(Map::decode(&texts(16)).is_ok());
        assert!(Map::decode(&texts(17)).is_err());
    }

    #[test]
    fn what_is_missing_left_over_or_of_another_type_is_an_error() {
        let bytes = Map::of([("n", Item::Number(1)), ("b", Item::Bytes(&[0; 31]))]).encode();
        let map = Map::decode(&bytes).unwrap();
        assert_eq!(map.clone().bytes::<32>("b"), Err(Malformed));
        assert_eq!(map.clone().bytes_or_null("b"), Err(Malformed));
        assert_eq!(map.clone().bytes_or_null("x"), Err(Malformed));
        assert_eq!(map.clone().text("n"), Err(Malformed));
        assert_eq!(map.clone().texts("n"), Err(Malformed));
        assert_eq!(map.clone().number("b"), Err(Malformed));
        assert_eq!(map.clone().number("x"), Err(Malformed));
        let mut rest = map;
        rest.number("n").unwrap();
        assert_eq!(rest.end(), Err(Malformed));
    }
}
