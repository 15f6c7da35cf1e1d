//! Errors about what is not there, which often merely follow from something that is wrong and was read over.

use toml::de::{DeTable, DeValue};

use super::{ConfigError, Field, Section, Source};

impl Source<'_> {
    /// Whether nothing below this value is read over.
    fn is_whole(&self, value: &DeValue<'_>) -> bool {
        match value {
            DeValue::Table(table) => self.is_whole_table(table),
            DeValue::Array(array) => array
                .iter()
                .all(|item| !self.is_left_out(item.span().start) && self.is_whole(item.get_ref())),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => true,
        }
    }

    fn is_whole_table(&self, table: &DeTable<'_>) -> bool {
        let is_kept = |offset: usize| !self.is_left_out(offset);
        table.iter().all(|(key, value)| {
            is_kept(key.span().start) && is_kept(value.span().start) && self.is_whole(value.get_ref())
        })
    }
}

impl Section<'_> {
    /// An error about something that the table lacks. It is not told where something in the table is wrong and read over, from which
    /// it may merely follow.
    pub(in crate::config) fn lacks(&self, what: String) -> ConfigError {
        let is_whole = self.table.is_none_or(|table| self.source.is_whole_table(table));
        ConfigError {
            follows: !is_whole,
            ..self.error(what)
        }
    }
}

impl Field<'_> {
    /// An error about a list that lacks something, told as that of a table.
    pub(in crate::config) fn lacks(&self, accepted: &str) -> ConfigError {
        ConfigError {
            follows: !self.source.is_whole(self.value),
            ..self.error(accepted)
        }
    }
}
