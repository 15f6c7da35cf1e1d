//! `[http]`: the front door of browsers.

use super::read::Section;
use super::{ConfigError, MAX_LIST};

/// `[http]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Pages of the user's own that may connect.
    pub allowed_origins: Vec<String>,
    /// Whether programs may call and publish by single requests.
    pub bridge: bool,
}

pub(super) fn read(mut section: Section<'_>) -> Result<Http, ConfigError> {
    let accepted = "an origin as browsers send it, like \"https://example.org\" or \"http://localhost:8000\"";
    let allowed_origins = match section.get("allowed_origins") {
        Some(field) => field.list(MAX_LIST, accepted, read_origin)?,
        None => Vec::new(),
    };
    let bridge = section.switch("bridge")?;
    section.finish()?;
    Ok(Http {
        allowed_origins,
        bridge,
    })
}

/// Scheme and authority, nothing behind it (RFC 6454 §6.2); small letters, since browsers send them so.
pub(super) fn read_origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
    let is_authority = !authority.is_empty()
        && authority
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !b"/?#@".contains(&byte));
    (is_scheme && is_authority).then(|| text.to_owned())
}
