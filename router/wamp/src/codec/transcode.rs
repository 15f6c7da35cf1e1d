//! From one format to another without building a tree, and into trees where somebody wants one.

use super::{Items, Malformed, Read, Token, Write};
use crate::error::Unconvertible;
use crate::value::{Dict, Value};

impl From<Malformed> for Unconvertible {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Unsupported(what) | Malformed::Syntax(what, _) => Self(what),
            Malformed::TooDeep => Self("they are nested too deeply"),
            Malformed::Truncated
            | Malformed::TooManyValues
            | Malformed::Shape(..)
            | Malformed::Option(_)
            | Malformed::UnknownMessage(_) => Self("they are not well formed"),
        }
    }
}

/// Copies the `elements` values of a payload from `reader` to `writer`.
pub(super) fn elements<'a>(
    mut reader: impl Read<'a>,
    writer: &mut impl Write,
    elements: u8,
) -> Result<(), Unconvertible> {
    for number in 0..elements {
        if number > 0 {
            reader.separator()?;
        }
        copy(&mut reader, writer)?;
    }
    Ok(())
}

/// Reads the `elements` values of a payload: arguments and keyword arguments.
pub(super) fn arguments<'a>(mut reader: impl Read<'a>, elements: u8) -> Result<(Vec<Value>, Dict), Unconvertible> {
    let mut args = Vec::new();
    let mut kwargs = Dict::new();
    if elements > 0 {
        let value = value(&mut reader)?;
        // What is no list is a payload that only its receivers understand.
        args = if let Value::List(list) = value {
            list
        } else {
            vec![value]
        };
    }
    if elements > 1 {
        reader.separator()?;
        if let Value::Dict(dict) = value(&mut reader)? {
            kwargs = dict;
        }
    }
    Ok((args, kwargs))
}

fn copy<'a>(reader: &mut impl Read<'a>, writer: &mut impl Write) -> Result<(), Unconvertible> {
    match reader.token()? {
        Token::Null => writer.null(),
        Token::Bool(value) => writer.boolean(value),
        Token::UInt(value) => writer.uint(value),
        Token::Int(value) => writer.int(value),
        Token::Float(value) => writer.float(value)?,
        Token::Text(value) => writer.argument(&value)?,
        Token::Bytes(value) => writer.bytes(&value),
        Token::Array(mut items) => {
            let mark = writer.array(known(&items));
            let mut length = 0;
            let mend = items.length().is_none();
            while reader.more(&mut items)? {
                copy(reader, writer)?;
                length += 1;
            }
            writer.end_array(mark, mend.then_some(length));
        }
        Token::Map(mut items) => {
            let mark = writer.map(known(&items));
            let mut pairs = 0;
            let mend = items.length().is_none();
            while reader.more(&mut items)? {
                writer.key(&reader.key()?);
                copy(reader, writer)?;
                pairs += 1;
            }
            writer.end_map(mark, mend.then_some(pairs));
        }
    }
    Ok(())
}

fn known(items: &Items) -> Option<usize> {
    items.length().and_then(|length| usize::try_from(length).ok())
}

/// Reads one value into a tree. Nothing is allocated ahead of what was really read.
pub(super) fn value<'a>(reader: &mut impl Read<'a>) -> Result<Value, Malformed> {
    Ok(match reader.token()? {
        Token::Null => Value::Null,
        Token::Bool(value) => Value::Bool(value),
        Token::UInt(value) => Value::UInt(value),
        Token::Int(value) => Value::Int(value),
        Token::Float(value) => Value::Float(value),
        Token::Text(value) => Value::Text(value.into_owned()),
        Token::Bytes(value) => Value::Bytes(value.into_owned()),
        Token::Array(mut items) => {
            let mut list = Vec::new();
            while reader.more(&mut items)? {
                list.push(value(reader)?);
            }
            Value::List(list)
        }
        Token::Map(items) => Value::Dict(dict(reader, items)?),
    })
}

/// Reads the pairs of a map that was entered.
pub(super) fn dict<'a>(reader: &mut impl Read<'a>, mut items: Items) -> Result<Dict, Malformed> {
    let mut dict = Dict::new();
    while reader.more(&mut items)? {
        let key = reader.key()?.into_owned();
        dict.insert(key, value(reader)?);
    }
    Ok(dict)
}
