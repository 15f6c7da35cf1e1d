//! `[components.keyboard]`: by which layout text is typed.

use components::backends::input::Names;
use components::keyboard::Settings;

use crate::config::read::{ConfigError, Section};

pub(super) fn read(mut section: Section<'_>) -> Result<Settings, ConfigError> {
    let accepted = "the name of a layout, or of a variant, as `localectl` lists them";
    let mut name = |key| {
        let field = section.get(key);
        field
            .map(|field| field.text(accepted, |text| is_name(text).then(|| text.to_owned())))
            .transpose()
    };
    let (layout, variant) = (name("layout")?, name("variant")?);
    if layout.is_none() && variant.is_some() {
        section.need("layout", "the layout that the variant belongs to")?;
    }
    section.finish()?;
    let names = |layout| Names {
        layout,
        variant: variant.unwrap_or_default(),
        ..Names::default()
    };
    Ok(Settings {
        layout: layout.map(names),
    })
}

/// Names of XKB; what has other characters could be a path.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=super::MAX_NAME).contains(&text.len()) && text.bytes().all(is_part)
}
