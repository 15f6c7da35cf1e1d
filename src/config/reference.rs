//! The reference of the configuration: of every key what it takes, its default, what it is for, and when a change counts.
//!
//! What a key is for and what it is by default stands in `examples/deskconn.toml`; what it takes says the reader while it reads
//! that; whether it may be left out, and whether what stands there is the default, is tried. `docs/CONFIGURATION.md` and the
//! page of the manual are made of this, so a key without a line and a sentence in that file is an error here.

use std::collections::BTreeMap;
use std::path::Path;

use super::read::{ConfigError, Section, Source};
use super::{Config, EFFECTS, Effect, read_all};

/// The file that says it.
const EXAMPLE: &str = include_str!("../../examples/deskconn.toml");

/// How errors call it.
const NAME: &str = "examples/deskconn.toml";

/// The whole of it, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The tables, that of the file itself first.
    pub tables: Vec<Table>,
}

/// A table, or many of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its heading, like `[limits]` or `[[realm.role]]`; empty for the file itself.
    pub heading: String,
    /// What it is.
    pub about: String,
    /// Of `[[…]]` how many there may be.
    pub takes: Option<String>,
    /// Its keys.
    pub keys: Vec<Key>,
    path: String,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in the table.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// What it takes.
    pub takes: String,
    /// What holds where it is left out.
    pub absent: Absent,
    /// When a change of it counts.
    pub effect: Effect,
    line: usize,
}

/// What holds where a key is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This value, as TOML writes it.
    Default(String),
    /// What its sentence says, or nothing; a value may look so.
    Nothing(String),
    /// The file is refused.
    Refused,
}

/// The text with the lines taken in that begin with `#` and no blank.
#[must_use]
pub fn in_force(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", item(line).unwrap_or(line)))
        .collect()
}

/// A line without the `#` that keeps it from being in force; none if it is a comment or empty.
fn item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('#').unwrap_or(line);
    (!rest.is_empty() && !rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// Reads the file, and tries what it says.
///
/// # Errors
/// A key that the reader asks for has no line of its own, or no sentence.
pub fn reference() -> Result<Reference, ConfigError> {
    let text = in_force(EXAMPLE);
    let source = Source::that_notes(Path::new(NAME), &text);
    let table = source.parse().map_err(|mut errors| errors.swap_remove(0))?;
    let whole = read_all(Section::root(&source, &table))?;
    drop(table);
    let mut asked = source.into_asked();
    let mut tables = tables();
    for table in &mut tables {
        if let Some(sentences) = asked.remove(&table.path) {
            table.takes = sentences.into_iter().next();
        }
        for key in &mut table.keys {
            key.complete(&table.path, &mut asked, (&text, &whole))?;
        }
    }
    // `[components]` has nothing but tables of its own.
    let is_above = |key: &str| tables.iter().any(|table| table.path.starts_with(&format!("{key}.")));
    if let Some(key) = asked.keys().find(|key| !is_above(key)) {
        return Err(error(None, format!("`{key}` has no line of its own")));
    }
    Ok(Reference { tables })
}

fn error(line: Option<usize>, what: String) -> ConfigError {
    ConfigError {
        file: NAME.into(),
        line,
        what,
        follows: false,
        offset: None,
    }
}

impl Key {
    /// Adds what the reader says, and tries what happens without the key.
    fn complete(
        &mut self,
        table: &str,
        asked: &mut BTreeMap<String, Vec<String>>,
        (text, whole): (&str, &Config),
    ) -> Result<(), ConfigError> {
        let path = join(table, &self.name);
        let sentences = asked.remove(&path).unwrap_or_default();
        if self.about.is_empty() || sentences.is_empty() {
            let what = format!("`{path}` has no sentence before its first line");
            return Err(error(Some(self.line + 1), what));
        }
        self.takes = sentences.join("; or ");
        self.effect = Effect::of(&path);
        let others = text.lines().enumerate().filter(|(number, _)| *number != self.line);
        let others: String = others.map(|(_, line)| format!("{line}\n")).collect();
        if let Absent::Nothing(value) = &self.absent {
            self.absent = match Config::parse(Path::new(NAME), &others) {
                Err(_) => Absent::Refused,
                Ok(config) if config == *whole => Absent::Default(value.clone()),
                Ok(_) => Absent::Nothing(value.clone()),
            };
        }
        Ok(())
    }
}

fn join(table: &str, key: &str) -> String {
    match table {
        "" => key.to_owned(),
        table => format!("{table}.{key}"),
    }
}

/// The tables and keys of the file with their sentences.
fn tables() -> Vec<Table> {
    let mut tables = vec![table("", "")];
    let (mut at, mut comment) = (0, Vec::new());
    for (number, line) in EXAMPLE.lines().enumerate() {
        let Some(item) = item(line) else {
            match line.strip_prefix("# ") {
                Some(text) => comment.push(text),
                None => comment.clear(),
            }
            continue;
        };
        let about = std::mem::take(&mut comment).join(" ");
        if item.starts_with('[') {
            let path = item.trim_matches(['[', ']']);
            let known = tables.iter().position(|table| table.path == path);
            at = known.unwrap_or_else(|| {
                tables.push(table(item, path));
                tables.len() - 1
            });
            if tables[at].about.is_empty() {
                tables[at].about = about;
            }
        } else if let Some((name, value)) = item.split_once(" = ")
            && !tables[at].keys.iter().any(|key| key.name == name)
        {
            tables[at].keys.push(Key {
                name: name.to_owned(),
                about,
                takes: String::new(),
                absent: Absent::Nothing(value.to_owned()),
                effect: Effect::Reload,
                line: number,
            });
        }
    }
    // A table that is written in one line, as a value, is no key.
    let paths: Vec<_> = tables.iter().map(|table| table.path.clone()).collect();
    for table in &mut tables {
        let path = table.path.clone();
        table.keys.retain(|key| !paths.contains(&join(&path, &key.name)));
    }
    tables.retain(|table| table.path.is_empty() || !table.keys.is_empty());
    tables
}

fn table(heading: &str, path: &str) -> Table {
    Table {
        heading: heading.to_owned(),
        about: String::new(),
        takes: None,
        keys: Vec::new(),
        path: path.to_owned(),
    }
}

impl Reference {
    /// As `docs/CONFIGURATION.md` has it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from(INTRODUCTION);
        for table in &self.tables {
            let heading = match table.heading.as_str() {
                "" => "Before the tables".to_owned(),
                heading => format!("`{heading}`"),
            };
            text.push_str(&format!("\n## {heading}\n\n"));
            let takes = table.takes.as_ref().map(|takes| match takes.starts_with("at most") {
                true => format!("There may be {takes}."),
                false => format!("Takes {takes}."),
            });
            let about: Vec<_> = [table.about.clone()].into_iter().chain(takes).collect();
            let about = about.join(" ");
            if !about.trim().is_empty() {
                text.push_str(&format!("{}\n\n", about.trim()));
            }
            text.push_str("| key | what it is for | takes | without it | a change counts |\n|---|---|---|---|---|\n");
            for key in &table.keys {
                text.push_str(&key.row());
            }
        }
        text.push_str(RESTARTS);
        for (path, effect) in EFFECTS.iter() {
            let Effect::Restart(reason) = effect else { continue };
            let what = match *path {
                "" => "all others".to_owned(),
                path => format!("`{path}`"),
            };
            text.push_str(&format!("| {what} | {reason} |\n"));
        }
        text
    }
}

impl Key {
    fn row(&self) -> String {
        let absent = match &self.absent {
            Absent::Default(value) => format!("`{value}`"),
            Absent::Nothing(value) => format!("— (looks like `{value}`)"),
            Absent::Refused => "needed".to_owned(),
        };
        let effect = match self.effect {
            Effect::Reload => "on reload".to_owned(),
            Effect::Restart(_) => "after a restart".to_owned(),
        };
        let cells = [
            format!("`{}`", self.name),
            self.about.clone(),
            self.takes.clone(),
            absent,
            effect,
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        format!("| {} |\n", cells.join(" | "))
    }
}

const RESTARTS: &str = "
## What a reload leaves as it is

The daemon reads its file again on SIGHUP (`systemctl reload deskconnd`). What has changed of these counts after a restart:

| key or table | because |
|---|---|
";

const INTRODUCTION: &str = "\
# Configuration

deskconnd needs no configuration. Where it has one, it is a file in [TOML](https://toml.io): `~/.config/deskconn/config.toml` for the \
daemon of a user, `/etc/deskconn/config.toml` for the service of the system, `/var/snap/deskconn/common/deskconn/config.toml` in a snap, \
or what `deskconnd --config FILE` names. Every key may be left out but those that say *needed*: without one of \
these a table is refused, or is of another kind.

`examples/deskconn.toml` is the same as a file to copy from. A key that is not known is an error that names its line and the \
nearest known one; `deskconnd --check` looks at the file without starting anything. `man deskconn.toml` shows this page.

This page is made of that file and of the daemon's own reader: `UPDATE_DOCS=1 cargo test --test it papers`.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(table: &str, name: &str) -> Key {
        let reference = reference().unwrap();
        let table = reference.tables.into_iter().find(|it| it.path == table).unwrap();
        table.keys.into_iter().find(|key| key.name == name).unwrap()
    }

    #[test]
    fn a_key_has_the_range_that_the_reader_takes_and_the_default_that_it_was_seen_to_have() {
        let depth = key("limits", "depth");
        assert_eq!(depth.takes, "a whole number from 4 to 128");
        assert_eq!(depth.absent, Absent::Default("32".into()));
        assert_eq!(depth.about, "Levels of nesting in a message; tags of CBOR are levels.");
        assert!(key("limits", "sessions").takes.ends_with("or \"unlimited\""));
        let sorts = key("realm.role.rules", "disclose");
        assert_eq!(sorts.takes, "true, false or \"always\"");
    }

    #[test]
    fn what_a_table_needs_and_what_has_no_default_is_told_apart() {
        assert_eq!(key("realm.role.rules", "uri").absent, Absent::Refused);
        assert_eq!(
            key("realm.role.rules", "match").absent,
            Absent::Default("\"exact\"".into())
        );
        assert_eq!(
            key("discovery", "name").absent,
            Absent::Nothing("\"Living room\"".into())
        );
    }

    #[test]
    fn every_row_of_the_effects_is_about_something_that_there_is() {
        let reference = reference().unwrap();
        let paths: Vec<_> = (reference.tables.iter())
            .flat_map(|table| table.keys.iter().map(|key| join(&table.path, &key.name)))
            .collect();
        for (path, _) in EFFECTS.iter() {
            let below = format!("{path}.");
            assert!(
                path.is_empty() || paths.iter().any(|it| it == path || it.starts_with(&below)),
                "there is no key {path}"
            );
        }
    }
}
