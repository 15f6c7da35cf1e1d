//! Values of our own, written in any format.

use super::Write;
use crate::error::Unconvertible;
use crate::value::{Dict, Value};

/// Writes the elements of a payload from values.
pub(super) fn arguments<W: Write>(mut writer: W, args: &[Value], kwargs: &Dict) -> Result<(), Unconvertible> {
    write_list(&mut writer, args)?;
    if !kwargs.is_empty() {
        write_dict(&mut writer, kwargs)?;
    }
    Ok(())
}

fn write_list(writer: &mut impl Write, list: &[Value]) -> Result<(), Unconvertible> {
    let mark = writer.array(Some(list.len()));
    for value in list {
        write_value(writer, value)?;
    }
    writer.end_array(mark, None);
    Ok(())
}

pub(super) fn write_dict(writer: &mut impl Write, dict: &Dict) -> Result<(), Unconvertible> {
    let mark = writer.map(Some(dict.len()));
    for (key, value) in dict {
        writer.key(key);
        write_value(writer, value)?;
    }
    writer.end_map(mark, None);
    Ok(())
}

fn write_value(writer: &mut impl Write, value: &Value) -> Result<(), Unconvertible> {
    match value {
        Value::Null => writer.null(),
        Value::Bool(value) => writer.boolean(*value),
        Value::UInt(value) => writer.uint(*value),
        Value::Int(value) => writer.int(*value),
        Value::Float(value) => writer.float(*value)?,
        Value::Text(value) => writer.argument(value)?,
        Value::Bytes(value) => writer.bytes(value),
        Value::List(list) => write_list(writer, list)?,
        Value::Dict(dict) => write_dict(writer, dict)?,
    }
    Ok(())
}
