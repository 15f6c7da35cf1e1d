//! Arguments of calls, events and results.

use serde::de::DeserializeOwned;
use wamp::codec::Serializer;
use wamp::error::Unconvertible;
use wamp::payload::{ArgumentsError, Payload};
use wamp::value::{Dict, Value};

/// Positional and keyword arguments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Args {
    /// By position.
    pub args: Vec<Value>,
    /// By name.
    pub kwargs: Dict,
}

impl Args {
    /// Positional arguments of the program's own types: a tuple, an array, a list.
    ///
    /// # Errors
    /// They are no sequence, or hold something that has no value.
    pub fn of<T: serde::Serialize>(args: &T) -> Result<Self, ArgumentsError> {
        Ok(Payload::from_args(Serializer::MessagePack, args)?.to_values()?.into())
    }

    /// The same with one keyword argument more.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.kwargs.insert(key.to_owned(), value.into());
        self
    }

    /// The first positional argument, or null: what most procedures answer with.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.args.into_iter().next().unwrap_or(Value::Null)
    }

    /// The positional arguments as the program's own type, usually a tuple.
    ///
    /// # Errors
    /// The arguments are of other types, or fewer, or more.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, ArgumentsError> {
        to(&self.args)
    }

    pub(crate) fn encode(&self, serializer: Serializer) -> Result<Payload, Unconvertible> {
        Payload::from_values(serializer, &self.args, &self.kwargs)
    }

    pub(crate) fn decode(payload: &Payload) -> Result<Self, Unconvertible> {
        payload.to_values().map(Into::into)
    }
}

/// Positional arguments as the program's own type.
pub(crate) fn to<T: DeserializeOwned>(args: &[Value]) -> Result<T, ArgumentsError> {
    Payload::from_values(Serializer::MessagePack, args, &Dict::new())?.to_args()
}

impl From<(Vec<Value>, Dict)> for Args {
    fn from((args, kwargs): (Vec<Value>, Dict)) -> Self {
        Self { args, kwargs }
    }
}

impl From<Vec<Value>> for Args {
    fn from(args: Vec<Value>) -> Self {
        Self {
            args,
            kwargs: Dict::new(),
        }
    }
}

impl<const N: usize> From<[Value; N]> for Args {
    fn from(args: [Value; N]) -> Self {
        Vec::from(args).into()
    }
}

impl From<()> for Args {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// One positional argument.
impl From<Value> for Args {
    fn from(value: Value) -> Self {
        vec![value].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_types_become_arguments_and_come_back() {
        let args = Args::of(&("x", 3_u8, vec![1.5, 2.5])).unwrap();
        assert_eq!(args.args.len(), 3);
        let (text, number, list): (String, u8, Vec<f64>) = args.to().unwrap();
        assert_eq!((text.as_str(), number, list), ("x", 3, vec![1.5, 2.5]));
        assert!(args.to::<(String,)>().is_err());
        assert!(Args::of(&"no sequence").is_err());
    }
}
