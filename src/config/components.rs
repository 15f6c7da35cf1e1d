//! `[components.<name>]`: what single functions of the desktop are told.

mod command;
mod gpio;
mod host;
mod keyboard;
mod screen;
#[cfg(test)]
mod tests;

use components::Settings;

use super::read::{ConfigError, Section};

/// The longest name of a command or a line: it is typed on command lines.
const MAX_NAME: usize = 64;

/// What such a name is.
const NAME: &str = "1 to 64 letters, digits, dots, hyphens and underscores";

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_part)
}

pub(super) fn read(mut section: Section<'_>) -> Result<Settings, ConfigError> {
    let settings = Settings {
        command: command::read(&mut section)?,
        host: host::read(section.section("host")?)?,
        gpio: gpio::read(&mut section)?,
        keyboard: keyboard::read(section.section("keyboard")?)?,
        screen: screen::read(section.section("screen")?)?,
    };
    section.finish()?;
    Ok(settings)
}
