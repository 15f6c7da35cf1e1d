//! `[components.<name>]`: what single functions of the desktop are told.

use components::Settings;

use super::read::{ConfigError, Section};

pub(super) fn read(section: Section<'_>) -> Result<Settings, ConfigError> {
    section.finish()?;
    Ok(Settings::default())
}
