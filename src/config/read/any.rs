//! Values of any kind, and tables that may stand alone or in a list.

use super::{ConfigError, Field, Section};

/// A value of any kind, as far as JSON has it too.
#[derive(Debug)]
pub(in crate::config) enum Any<'a> {
    /// A text.
    Text(&'a str),
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Whole(i128),
    /// Another number, finite.
    Float(f64),
    /// A list.
    List(Vec<Field<'a>>),
    /// A table.
    Table(Vec<(String, Field<'a>)>),
}

impl<'a> Field<'a> {
    /// One table, or a list of at most `limit` of them, but not none.
    pub(in crate::config) fn tables(self, limit: usize) -> Result<Vec<Section<'a>>, ConfigError> {
        let accepted = format!("a table in braces, or a list of 1 to {limit} of them");
        self.accepts(&accepted);
        if self.value.is_table() {
            return Ok(vec![self.section()?]);
        }
        let array = self.value.as_array().filter(|array| (1..=limit).contains(&array.len()));
        let array = array.ok_or_else(|| self.error(&accepted))?;
        array
            .iter()
            .map(|value| self.item(value.span().start, value.get_ref()).section())
            .collect()
    }

    /// A number, whole or not, but finite.
    pub(in crate::config) fn decimal(&self) -> Result<f64, ConfigError> {
        self.accepts("a number");
        let number = match self.any()? {
            #[allow(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
            Any::Whole(number) => Some(number as f64),
            Any::Float(number) => Some(number),
            Any::Text(_) | Any::Bool(_) | Any::List(_) | Any::Table(_) => None,
        };
        number.ok_or_else(|| self.error("a number"))
    }

    /// The value, where any is accepted that JSON has.
    pub(in crate::config) fn any(&self) -> Result<Any<'a>, ConfigError> {
        if let Some(number) = self.value.as_integer() {
            let number = i128::from_str_radix(number.as_str(), number.radix()).ok();
            let is_one = |number: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(number);
            let number = number.filter(is_one);
            return number.map(Any::Whole).ok_or_else(|| self.error("a number of 64 bits"));
        }
        if let Some(number) = self.value.as_float() {
            let number = number.as_str().parse::<f64>().ok().filter(|number| number.is_finite());
            return number.map(Any::Float).ok_or_else(|| self.error("a finite number"));
        }
        if let Some(text) = self.value.as_str() {
            return Ok(Any::Text(text));
        }
        if let Some(truth) = self.value.as_bool() {
            return Ok(Any::Bool(truth));
        }
        if let Some(array) = self.value.as_array() {
            let items = array.iter().map(|value| self.item(value.span().start, value.get_ref()));
            return Ok(Any::List(items.collect()));
        }
        let Some(table) = self.value.as_table() else {
            return Err(self.error("no date; write it as a text"));
        };
        let items = table.iter().map(|(key, value)| {
            let field = self.item(value.span().start, value.get_ref());
            (key.get_ref().to_string(), field)
        });
        Ok(Any::Table(items.collect()))
    }
}
