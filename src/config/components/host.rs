//! `[components.host]`: how often the machine tells how it is.

use components::host::{MAX_INTERVAL_S, MIN_INTERVAL_S, Settings};

use crate::config::read::{ConfigError, Section};

pub(super) fn read(mut section: Section<'_>) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    if let Some(field) = section.get("interval_s") {
        let accepted = format!("a whole number from {MIN_INTERVAL_S} to {MAX_INTERVAL_S}, or \"off\"");
        field.accepts(&accepted);
        settings.interval_s = match field.is_text() {
            true => field.text(&accepted, |text| (text == "off").then_some(None))?,
            false => {
                let number = field.number(MIN_INTERVAL_S..=MAX_INTERVAL_S);
                Some(number.map_err(|_| field.error(&accepted))?)
            }
        };
    }
    section.finish()?;
    Ok(settings)
}
