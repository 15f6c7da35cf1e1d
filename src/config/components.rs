//! `[components.<name>]`: what single functions of the desktop are told.

mod command;
#[cfg(test)]
mod tests;

use components::Settings;

use super::read::{ConfigError, Section};

pub(super) fn read(mut section: Section<'_>) -> Result<Settings, ConfigError> {
    let settings = Settings {
        command: command::read(&mut section)?,
    };
    section.finish()?;
    Ok(settings)
}
