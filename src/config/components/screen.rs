//! `[components.screen]`: what locks where the desktop does not.

use components::screen::Settings;

use crate::config::read::{ConfigError, Section};

/// Words of a command: a program with its options is far shorter.
const MAX_WORDS: usize = 32;
/// Bytes of one word: a path has at most so many (`PATH_MAX`).
const MAX_WORD_BYTES: usize = 4_096;

pub(super) fn read(mut section: Section<'_>) -> Result<Settings, ConfigError> {
    let lock_command = section.get("lock_command").map(|field| {
        let is_word = |word: &str| !word.is_empty() && word.len() <= MAX_WORD_BYTES && !word.contains('\0');
        let accepted = format!("a word of 1 to {MAX_WORD_BYTES} bytes, the program first");
        field.list(MAX_WORDS, &accepted, |word| is_word(word).then(|| word.to_owned()))
    });
    section.finish()?;
    Ok(Settings {
        lock_command: lock_command.transpose()?.unwrap_or_default(),
    })
}
