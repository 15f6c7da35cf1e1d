//! The sections of the configuration that are one table with a few keys: what each key takes, and what it is without it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pairing::window::{DEFAULT_ATTEMPTS, DEFAULT_TTL, MAX_ATTEMPTS, MAX_TTL};

use super::read::{Field, Section};
use super::{
    Compat, Components, ConfigError, Desktop, Discovery, Listen, LogFormat, MAX_INSTANCE, MAX_LIST, MAX_TEXT, Metrics,
    PORT, Pairing, Unix,
};

/// How often the figures are published, where nothing else is said: what a person who looks at a dashboard takes for now.
const METRICS_INTERVAL: Duration = Duration::from_secs(10);

/// The longest pause between two of them: beyond an hour nobody takes them for those of now.
const MAX_METRICS_INTERVAL: u64 = 3_600;

pub(super) fn read_desktop(mut section: Section<'_>) -> Result<Desktop, ConfigError> {
    let enabled = section
        .get("enabled")
        .map(|field| field.boolean())
        .transpose()?
        .unwrap_or(true);
    let components = match section.get("components") {
        None => Components::All,
        Some(field) => {
            let accepted = "\"all\" or a list of names";
            field.accepts(accepted);
            match field.is_text() {
                true => field.text(accepted, |text| (text == "all").then_some(Components::All))?,
                false => {
                    let known: Vec<_> = ::components::names().collect();
                    let one = format!("one of {}", known.join(", "));
                    let name = |text: &str| known.contains(&text).then(|| text.to_owned());
                    Components::Only(field.list(MAX_LIST, &one, name)?)
                }
            }
        }
    };
    section.finish()?;
    Ok(Desktop { enabled, components })
}

pub(super) fn read_listen(mut section: Section<'_>, is_desktop: bool) -> Result<Listen, ConfigError> {
    let accepted = "an address with a port, like \"0.0.0.0:5020\" or \"[::]:5020\"";
    let tcp = match section.get("tcp") {
        Some(field) => read_addresses(&field, accepted, &[])?,
        None => vec![SocketAddr::from(([0, 0, 0, 0], PORT)), SocketAddr::from(([0; 8], PORT))],
    };
    let quic = match section.get("quic") {
        Some(field) => read_addresses(&field, accepted, &[])?,
        None => Vec::new(),
    };
    let unix = match section.get("unix") {
        Some(field) => field.text(
            "\"auto\", \"off\" or an absolute path of at most 107 bytes",
            |text| match text {
                "auto" => Some(Unix::Auto),
                "off" => Some(Unix::Off),
                path => socket_path(path).map(Unix::At),
            },
        )?,
        None if is_desktop => Unix::Auto,
        None => Unix::Off,
    };
    section.finish()?;
    Ok(Listen { tcp, quic, unix })
}

/// Addresses to listen on, of which none is one of the others or of `taken` already: the second would be refused as taken by
/// another program.
fn read_addresses(field: &Field<'_>, accepted: &str, taken: &[SocketAddr]) -> Result<Vec<SocketAddr>, ConfigError> {
    let addresses: Vec<SocketAddr> = field.list(MAX_LIST, accepted, |text| text.parse().ok())?;
    let covers = |one: &SocketAddr, other: &SocketAddr| {
        let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
        // Port 0 is another one each time.
        one.port() == other.port() && one.port() != 0 && one.is_ipv4() == other.is_ipv4() && (one == other || is_any)
    };
    for (index, address) in addresses.iter().enumerate() {
        let mut others = addresses.iter().take(index).chain(taken);
        if let Some(other) = others.find(|other| covers(address, other)) {
            return Err(field.error(&format!("without {address}, because {other} is listened on already")));
        }
    }
    Ok(addresses)
}

fn socket_path(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    (path.is_absolute() && crate::paths::check_socket(&path).is_ok()).then_some(path)
}

pub(super) fn read_discovery(mut section: Section<'_>, is_desktop: bool) -> Result<Discovery, ConfigError> {
    let enabled = section
        .get("enabled")
        .map(|field| field.boolean())
        .transpose()?
        .unwrap_or(is_desktop);
    let name = section.get("name").map(|field| field.short(MAX_INSTANCE)).transpose()?;
    let mut interfaces = |key| match section.get(key) {
        Some(field) => field.list(
            MAX_LIST,
            "the name of an interface, or a beginning with * like \"docker*\"",
            |text| {
                let name = text.strip_suffix('*').unwrap_or(text);
                (!text.is_empty() && !name.contains('*')).then(|| text.to_owned())
            },
        ),
        None => Ok(Vec::new()),
    };
    let (allow, deny) = (interfaces("allow")?, interfaces("deny")?);
    let mut number = |key| match section.get(key) {
        Some(field) => field
            .number(0..=u64::from(u16::MAX))
            .map(|number| u16::try_from(number).unwrap_or(u16::MAX)),
        None => Ok(0),
    };
    let (weight, priority) = (number("weight")?, number("priority")?);
    section.finish()?;
    Ok(Discovery {
        enabled,
        name,
        allow,
        deny,
        weight,
        priority,
    })
}

pub(super) fn read_pairing(mut section: Section<'_>) -> Result<Pairing, ConfigError> {
    let ttl = match section.get("ttl_s") {
        Some(field) => Duration::from_secs(field.number(1..=MAX_TTL.as_secs())?),
        None => DEFAULT_TTL,
    };
    let attempts = match section.get("attempts") {
        Some(field) => u8::try_from(field.number(1..=u64::from(MAX_ATTEMPTS))?).unwrap_or(MAX_ATTEMPTS),
        None => DEFAULT_ATTEMPTS,
    };
    section.finish()?;
    Ok(Pairing { ttl, attempts })
}

pub(super) fn read_compat(mut section: Section<'_>) -> Result<Compat, ConfigError> {
    let plain_devices = section.switch("plain_devices")?;
    let anonymous_brightness = section.switch("anonymous_brightness")?;
    let sockets = match section.get("sockets") {
        Some(field) => field.list(MAX_LIST, "an absolute path of at most 107 bytes", socket_path)?,
        None => Vec::new(),
    };
    section.finish()?;
    Ok(Compat {
        plain_devices,
        anonymous_brightness,
        sockets,
    })
}

/// `taken` are the addresses of [`Listen`].
pub(super) fn read_metrics(mut section: Section<'_>, taken: &[SocketAddr]) -> Result<Metrics, ConfigError> {
    let accepted = "an address with a port, like \"127.0.0.1:9464\"";
    let listen = match section.get("listen") {
        Some(field) => read_addresses(&field, accepted, taken)?,
        None => Vec::new(),
    };
    let interval = match section.get("interval_s") {
        Some(field) => Duration::from_secs(field.number(0..=MAX_METRICS_INTERVAL)?),
        None => METRICS_INTERVAL,
    };
    section.finish()?;
    Ok(Metrics {
        listen,
        interval: (!interval.is_zero()).then_some(interval),
    })
}

pub(super) fn read_log(root: &mut Section<'_>) -> Result<String, ConfigError> {
    let accepted = "\"error\", \"warn\", \"info\", \"debug\", \"trace\" or \"off\", or levels by target like \
                    \"info,deskconn_router=debug\"";
    let Some(field) = root.get("log") else {
        return Ok("info".to_owned());
    };
    field.accepts(accepted);
    let text = field.short(MAX_TEXT).map_err(|_| field.error(accepted))?;
    match crate::logging::check_filter(&text) {
        Ok(()) => Ok(text),
        Err(why) => Err(field.error(&format!("{accepted}: {why}"))),
    }
}

pub(super) fn read_log_format(root: &mut Section<'_>) -> Result<LogFormat, ConfigError> {
    let accepted = "\"auto\", \"text\", \"json\" or \"journal\"";
    let format = root.get("log_format").map(|field| {
        field.text(accepted, |text| {
            Some(match text {
                "auto" => LogFormat::Auto,
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                "journal" => LogFormat::Journal,
                _ => return None,
            })
        })
    });
    Ok(format.transpose()?.unwrap_or_default())
}
