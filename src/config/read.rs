//! Reading TOML with errors a person can act on: each names the file, the line, the key and what is accepted.
//!
//! It knows nothing of deskconn's keys: [`super`] asks for them, and what nobody asked for is an unknown key.

mod any;
mod lack;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

pub(super) use self::any::Any;

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none when the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub what: String,
    /// Whether it may merely follow from a mistake that was told before: then it is not told.
    pub(super) follows: bool,
    /// Where in the text the mistake stands.
    pub(super) offset: Option<usize>,
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
    /// Every key that was asked for, with the sentences that say what was accepted for it: what the reference is made of.
    /// None where nobody wants to know.
    asked: Option<RefCell<BTreeMap<String, Vec<String>>>>,
    /// Where values stand that are wrong, which was told: they are read over, to find what else is wrong.
    left_out: RefCell<BTreeSet<usize>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            asked: None,
            left_out: RefCell::default(),
        }
    }

    /// One that notes what it is asked for.
    pub(super) fn that_notes(file: &'a Path, text: &'a str) -> Self {
        Self {
            asked: Some(RefCell::default()),
            ..Self::new(file, text)
        }
    }

    /// Parses the text.
    ///
    /// # Errors
    /// Everything in it that is not TOML.
    pub(super) fn parse(&self) -> Result<DeTable<'a>, Vec<ConfigError>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Ok(table.into_inner());
        }
        let error = |error: &toml::de::Error| {
            let what = format!("this is not TOML: {}", error.message());
            self.error(error.span().map(|span| span.start), what)
        };
        Err(errors.iter().map(error).collect())
    }

    /// Reads over what stands at this place from now on; `false` if it was read over already.
    pub(super) fn leave_out(&self, offset: Option<usize>) -> bool {
        offset.is_some_and(|offset| self.left_out.borrow_mut().insert(offset))
    }

    fn is_left_out(&self, offset: usize) -> bool {
        self.left_out.borrow().contains(&offset)
    }

    /// Every key that was asked for so far, with what was accepted for it where it was there.
    pub(super) fn into_asked(self) -> BTreeMap<String, Vec<String>> {
        self.asked.map(RefCell::into_inner).unwrap_or_default()
    }

    fn note(&self, key: &str, accepted: Option<&str>) {
        let Some(asked) = &self.asked else { return };
        let mut asked = asked.borrow_mut();
        let sentences = asked.entry(key.to_owned()).or_default();
        if let Some(accepted) = accepted.filter(|accepted| !sentences.iter().any(|other| other == accepted)) {
            sentences.push(accepted.to_owned());
        }
    }

    fn error(&self, offset: Option<usize>, what: String) -> ConfigError {
        let before = |offset: usize| self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        ConfigError {
            file: self.file.to_owned(),
            line: offset.map(|offset| before(offset) + 1),
            what,
            follows: false,
            offset,
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
        self.find(key).filter(|field| !self.source.is_left_out(field.offset))
    }

    /// The same, also when it is read over.
    fn find(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.push(key);
        let path = format!("{}{key}", self.path);
        self.source.note(&path, None);
        let value = self.table?.get(key)?;
        Some(Field {
            source: self.source,
            path,
            offset: value.span().start,
            value: value.get_ref(),
            is_noted: Cell::new(false),
        })
    }

    /// Whether a key is there. It still has to be asked for.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str, accepted: &str) -> Result<Field<'a>, ConfigError> {
        match self.get(key) {
            Some(field) => Ok(field),
            None if self.table.is_some_and(|table| table.contains_key(key)) => Err(ConfigError {
                follows: true,
                ..self.error(format!("{key} is wrong"))
            }),
            None => Err(self.error(format!("`{}{key}` is missing; it is {accepted}", self.path))),
        }
    }

    /// `true` or `false`; what is absent is `false`.
    pub(super) fn switch(&mut self, key: &'static str) -> Result<bool, ConfigError> {
        self.get(key).map_or(Ok(false), |field| field.boolean())
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
        // An array of tables stands where its first table does, and that alone may be read over.
        let source = self.source;
        let is_wanted = |field: &Field<'_>| field.value.is_array() || !source.is_left_out(field.offset);
        let Some(field) = self.find(key).filter(is_wanted) else {
            return Ok(Vec::new());
        };
        let accepted = format!(
            "at most {limit} tables, each begun with [[{}]] or in braces",
            field.path
        );
        let Some(array) = field.value.as_array().filter(|array| array.len() <= limit) else {
            return Err(field.error(&accepted));
        };
        field.accepts(&format!("at most {limit} of them"));
        let wanted = array
            .iter()
            .filter(|value| !self.source.is_left_out(value.span().start));
        wanted
            .map(|value| field.item(value.span().start, value.get_ref()).section())
            .collect()
    }

    /// Fails when there is a key nobody asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let Some(table) = self.table else { return Ok(()) };
        let unknown = table.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref()));
        let unknown = unknown.filter(|key| !self.source.is_left_out(key.span().start));
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

    /// An error about one of the tables of `[[key]]`.
    pub(super) fn error_in(&self, key: &str, index: usize, what: String) -> ConfigError {
        let array = self.table.and_then(|table| table.get(key)?.get_ref().as_array());
        // Tables with a mistake are read over, and not counted.
        let mut wanted = array
            .into_iter()
            .flatten()
            .map(|item| item.span().start)
            .filter(|offset| !self.source.is_left_out(*offset));
        self.source.error(wanted.nth(index).or(Some(self.offset)), what)
    }
}

/// A value with the place it stands at.
#[derive(Debug)]
pub(super) struct Field<'a> {
    source: &'a Source<'a>,
    path: String,
    offset: usize,
    value: &'a DeValue<'a>,
    /// Whether it is noted already what it accepts.
    is_noted: Cell<bool>,
}

impl<'a> Field<'a> {
    /// Notes what is accepted here, for the reference. Only the first word counts: whoever accepts values of several kinds says
    /// so before reading one of them.
    pub(super) fn accepts(&self, accepted: &str) {
        if !self.is_noted.replace(true) {
            self.source.note(&self.path, Some(accepted));
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        self.accepts("true or false");
        self.value.as_bool().ok_or_else(|| self.error("true or false"))
    }

    /// A whole number in a range.
    pub(super) fn number(&self, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.accepts(&accepted);
        let number = self
            .value
            .as_integer()
            .and_then(|text| u64::from_str_radix(text.as_str(), text.radix()).ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.error(&accepted))
    }

    /// The same, or `"unlimited"`.
    pub(super) fn bound(&self, range: RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
        let accepted = format!(
            "a whole number from {} to {}, or \"unlimited\"",
            range.start(),
            range.end()
        );
        self.accepts(&accepted);
        if self.value.as_str() == Some("unlimited") {
            return Ok(None);
        }
        self.number(range).map(Some).map_err(|_| self.error(&accepted))
    }

    /// A text that `read` understands.
    pub(super) fn text<T>(&self, accepted: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, ConfigError> {
        self.accepts(accepted);
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
        let whole = format!("a list of at most {limit} texts, each {accepted}");
        self.accepts(&whole);
        let Some(array) = self.value.as_array().filter(|array| array.len() <= limit) else {
            return Err(self.error(&whole));
        };
        let wanted = array
            .iter()
            .filter(|value| !self.source.is_left_out(value.span().start));
        wanted
            .map(|value| {
                let item = self.item(value.span().start, value.get_ref());
                item.is_noted.set(true);
                let read = item.text(accepted, &read);
                // Of several it is to be seen which.
                read.map_err(|error| match item.value.as_str() {
                    Some(text) => {
                        let text: String = text.chars().take(60).collect();
                        item.error(&format!("{accepted}, not {text:?}"))
                    }
                    None => error,
                })
            })
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
            is_noted: Cell::new(false),
        }
    }

    /// An error about this value.
    pub(super) fn error(&self, accepted: &str) -> ConfigError {
        self.source
            .error(Some(self.offset), format!("`{}` must be {accepted}", self.path))
    }
}
