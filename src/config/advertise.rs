//! `[[advertise]]`: services of the user's own that the daemon shows on the network beside itself.
//!
//! It checks the forms of RFC 6763 and RFC 6335 and publishes nothing; [`crate::discovery`] does.

use client::discovery::is_service_type;

use super::read::Section;
use super::{ConfigError, MAX_INSTANCE};

/// Services one file may show: each costs packets on every network and a row in every browser.
pub(super) const MAX_ADVERTISED: usize = 16;

/// Bytes of one string of a TXT record (RFC 1035 §3.3.14).
const MAX_TXT_STRING: usize = 255;

/// Bytes of a whole TXT record that fits in one packet (RFC 6763 §6.2).
const MAX_TXT: usize = 1300;

/// A service of the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// Its type, like `_http._tcp`.
    pub service_type: String,
    /// Its instance name; without one the desktop's.
    pub name: Option<String>,
    /// Its port.
    pub port: u16,
    /// Its TXT record as key and value, in order.
    pub txt: Vec<(String, String)>,
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Result<Vec<Advertise>, ConfigError> {
    sections.into_iter().map(read_one).collect()
}

fn read_one(mut section: Section<'_>) -> Result<Advertise, ConfigError> {
    let accepted = "a service type like \"_http._tcp\": 1 to 15 letters, digits and hyphens, then ._tcp or ._udp";
    let service_type = section.need("type", accepted)?;
    let service_type = service_type.text(accepted, |text| is_service_type(text).then(|| text.to_owned()))?;
    let name = section.get("name").map(|field| field.short(MAX_INSTANCE)).transpose()?;
    let port = section
        .need("port", "a port from 1 to 65535")?
        .number(1..=u64::from(u16::MAX))?;
    let txt = match section.get("txt") {
        Some(field) => {
            let accepted = "\"key=value\" of at most 255 bytes, with a key of printable ASCII";
            let txt = field.list(MAX_TXT_STRING, accepted, read_txt)?;
            let size: usize = txt.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
            if size > MAX_TXT {
                return Err(field.error(&format!("at most {MAX_TXT} bytes in all")));
            }
            txt
        }
        None => Vec::new(),
    };
    section.finish()?;
    Ok(Advertise {
        service_type,
        name,
        port: u16::try_from(port).unwrap_or(u16::MAX),
        txt,
    })
}

/// RFC 6763 §6.4: printable ASCII without `=`, not empty.
fn read_txt(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (is_key && text.len() <= MAX_TXT_STRING).then(|| (key.to_owned(), value.to_owned()))
}
