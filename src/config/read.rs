//! Reading TOML with errors a person can act on: each names the file, the line, the key and what is accepted.
//!
//! It knows nothing of deskconn's keys: [`super`] asks for them, and what nobody asked for is an unknown key.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none when the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub what: String,
}

impl std::error::Error for ConfigError {}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}, line {line}: {}", self.file.display(), self.what),
            None => write!(out, "{}: {}", self.file.display(), self.what),
        }
    }
}

/// The text that is being read.
#[derive(Debug)]
pub(super) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    /// Every key that was asked for, for the test that the documentation is complete.
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            asked: RefCell::default(),
        }
    }

    /// Parses the text.
    pub(super) fn parse(&self) -> Result<DeTable<'a>, ConfigError> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => {
                let what = format!("this is not TOML: {}", error.message());
                Err(self.error(error.span().map(|span| span.start), what))
            }
        }
    }

    /// Every key that was asked for so far.
    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    fn error(&self, offset: Option<usize>, what: String) -> ConfigError {
        let before = |offset: usize| self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        ConfigError {
            file: self.file.to_owned(),
            line: offset.map(|offset| before(offset) + 1),
            what,
        }
    }
}

/// A table whose keys are asked for one by one.
#[derive(Debug)]
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    /// The path before a key, empty or with a dot at its end.
    path: String,
    /// Where the table begins.
    offset: usize,
    table: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(source: &'a Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            source,
            path: String::new(),
            offset: 0,
            table: Some(table),
            asked: Vec::new(),
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.push(key);
        let path = format!("{}{key}", self.path);
        self.source.asked.borrow_mut().insert(path.clone());
        let value = self.table?.get(key)?;
        Some(Field {
            source: self.source,
            path,
            offset: value.span().start,
            value: value.get_ref(),
        })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str, accepted: &str) -> Result<Field<'a>, ConfigError> {
        match self.get(key) {
            Some(field) => Ok(field),
            None => Err(self.error(format!("`{}{key}` is missing; it is {accepted}", self.path))),
        }
    }

    /// A table below this one; an absent one is as good as an empty one.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Self, ConfigError> {
        match self.get(key) {
            Some(field) => field.section(),
            None => Ok(Self {
                source: self.source,
                path: format!("{}{key}.", self.path),
                offset: self.offset,
                table: None,
                asked: Vec::new(),
            }),
        }
    }

    /// The tables of `[[key]]`, at most `limit`.
    pub(super) fn sections(&mut self, key: &'static str, limit: usize) -> Result<Vec<Self>, ConfigError> {
        let Some(field) = self.get(key) else {
            return Ok(Vec::new());
        };
        let accepted = format!(
            "at most {limit} tables, each begun with [[{}]] or in braces",
            field.path
        );
        let Some(array) = field.value.as_array().filter(|array| array.len() <= limit) else {
            return Err(field.error(&accepted));
        };
        array
            .iter()
            .map(|value| field.item(value.span().start, value.get_ref()).section())
            .collect()
    }

    /// Fails when there is a key nobody asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let Some(table) = self.table else { return Ok(()) };
        let unknown = table.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref()));
        let Some(first) = unknown.min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let key = first.get_ref().as_ref();
        let distance = |known: &str| strsim::damerau_levenshtein(key, known);
        let nearest = self.asked.iter().min_by_key(|known| distance(known));
        // One slip, and one more for every four letters; beyond that a guess would mislead.
        let advice = match nearest.filter(|known| distance(known) <= 1 + key.len() / 4) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("known here are: {}", self.asked.join(", ")),
        };
        let what = format!("there is no key `{}{key}`; {advice}", self.path);
        Err(self.source.error(Some(first.span().start), what))
    }

    /// An error about the table as a whole.
    pub(super) fn error(&self, what: String) -> ConfigError {
        self.source.error(Some(self.offset), what)
    }
}

/// A value with the place it stands at.
#[derive(Debug)]
pub(super) struct Field<'a> {
    source: &'a Source<'a>,
    path: String,
    offset: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Field<'a> {
    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.error("true or false"))
    }

    /// A whole number in a range.
    pub(super) fn number(&self, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let number = self
            .value
            .as_integer()
            .and_then(|text| u64::from_str_radix(text.as_str(), text.radix()).ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.error(&format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// The same, or `"unlimited"`.
    pub(super) fn bound(&self, range: RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
        if self.value.as_str() == Some("unlimited") {
            return Ok(None);
        }
        let accepted = format!(
            "a whole number from {} to {}, or \"unlimited\"",
            range.start(),
            range.end()
        );
        self.number(range).map(Some).map_err(|_| self.error(&accepted))
    }

    /// A text that `read` understands.
    pub(super) fn text<T>(&self, accepted: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, ConfigError> {
        self.value.as_str().and_then(read).ok_or_else(|| self.error(accepted))
    }

    /// A text of 1 to `limit` bytes without control characters.
    pub(super) fn short(&self, limit: usize) -> Result<String, ConfigError> {
        let is_short = |text: &str| (1..=limit).contains(&text.len()) && !text.chars().any(char::is_control);
        self.text(&format!("a text of 1 to {limit} bytes"), |text| {
            is_short(text).then(|| text.to_owned())
        })
    }

    /// A list of at most `limit` texts that `read` understands.
    pub(super) fn list<T>(
        &self,
        limit: usize,
        accepted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some(array) = self.value.as_array().filter(|array| array.len() <= limit) else {
            return Err(self.error(&format!("a list of at most {limit} texts, each {accepted}")));
        };
        array
            .iter()
            .map(|value| self.item(value.span().start, value.get_ref()).text(accepted, &read))
            .collect()
    }

    /// Whether the value is a text, where a text or a list is accepted.
    pub(super) fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// A table.
    fn section(self) -> Result<Section<'a>, ConfigError> {
        let Some(table) = self.value.as_table() else {
            return Err(self.error("a table"));
        };
        let path = format!("{}.", self.path);
        Ok(Section {
            source: self.source,
            path,
            offset: self.offset,
            table: Some(table),
            asked: Vec::new(),
        })
    }

    fn item(&self, offset: usize, value: &'a DeValue<'a>) -> Self {
        Self {
            source: self.source,
            path: self.path.clone(),
            offset,
            value,
        }
    }

    /// An error about this value.
    pub(super) fn error(&self, accepted: &str) -> ConfigError {
        self.source
            .error(Some(self.offset), format!("`{}` must be {accepted}", self.path))
    }
}
