//! The configuration file: TOML, every key optional, an unknown key an error that names the nearest known one.
//!
//! `examples/deskconn.toml` is the whole of it with its defaults. This module reads and checks; it opens no socket,
//! looks for no device and keeps no state. What a command switches (`discovery off`) is kept by [`crate::store`].

mod advertise;
mod authenticator;
mod components;
mod kept;
mod limits;
mod link;
mod principal;
mod read;
mod realm;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::components::Settings;
use pairing::window::{DEFAULT_ATTEMPTS, DEFAULT_TTL, MAX_ATTEMPTS, MAX_TTL};

pub use advertise::Advertise;
pub use authenticator::Authenticator;
pub use kept::{Kept, MAX_KEPT_RULES};
pub use limits::Limits;
pub use link::{Forward, Link, MAX_ADDRESSES, MAX_FORWARDS, MAX_LINKS};
pub use principal::{Login, Principal};
pub use read::ConfigError;
use read::{Section, Source};
pub use realm::{Action, DESKTOP_REALM, Disclose, MAX_REALMS, MAX_ROWS, Match, Realm, Role, Rule};
pub use tls::{CertificateFiles, Tls};

/// The port of deskconn.
pub const PORT: u16 = 5020;

/// The largest file that is read; the longest sensible one is a hundredth of it.
pub const MAX_FILE: u64 = 1 << 20;

/// Entries of the plain lists: more addresses, interfaces or origins than one machine has.
pub const MAX_LIST: usize = 64;

/// The longest instance name in bytes: a label of DNS has 63 (RFC 6763 §4.1.1), and a name that is taken on the
/// network gets ` (2)` to ` (999)` appended.
pub const MAX_INSTANCE: usize = 57;

/// The longest text of other kinds.
const MAX_TEXT: usize = 255;

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What is logged: a level, or levels by target, in the words of `tracing`.
    pub log: String,
    /// Users of this machine who own its desktop wherever they sit; for the system service alone.
    pub owners: Vec<String>,
    /// The desktop's functions.
    pub desktop: Desktop,
    /// Where the daemon listens.
    pub listen: Listen,
    /// How it shows itself on the network.
    pub discovery: Discovery,
    /// The window in which a code works.
    pub pairing: Pairing,
    /// What older clients need.
    pub compat: Compat,
    /// The front door of browsers.
    pub http: Http,
    /// What single functions are told.
    pub components: Settings,
    /// How much is taken from anybody.
    pub limits: Limits,
    /// Certificates beside the daemon's own.
    pub tls: Tls,
    /// Further services to show on the network.
    pub advertise: Vec<Advertise>,
    /// Further realms.
    pub realms: Vec<Realm>,
}

/// `[desktop]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desktop {
    /// Without it the daemon is a plain router.
    pub enabled: bool,
    /// Which functions.
    pub components: Components,
}

/// Which functions of the desktop are offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Components {
    /// All that the machine can do.
    All,
    /// These, by name.
    Only(Vec<String>),
}

/// `[listen]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Addresses of HTTP, WebSocket and RawSocket.
    pub tcp: Vec<SocketAddr>,
    /// UDP addresses of QUIC; none if nothing is said.
    pub quic: Vec<SocketAddr>,
    /// The Unix socket.
    pub unix: Unix,
}

/// The Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unix {
    /// At the place of [`crate::paths`].
    Auto,
    /// None.
    Off,
    /// Here.
    At(PathBuf),
}

/// `[discovery]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Whether the desktop shows itself.
    pub enabled: bool,
    /// Its name on the network; without it the computer's.
    pub name: Option<String>,
    /// The interfaces to use, by name or by a beginning with `*`; empty means every real one.
    pub allow: Vec<String>,
    /// Interfaces not to use, in the same form.
    pub deny: Vec<String>,
    /// The weight of the SRV record.
    pub weight: u16,
    /// The priority of the SRV record.
    pub priority: u16,
}

/// `[pairing]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// How long a window stays open.
    pub ttl: Duration,
    /// How many codes may be tried.
    pub attempts: u8,
}

/// `[compat]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compat {
    /// Paired keys may log in over a plain WebSocket from the network.
    pub plain_devices: bool,
    /// Browser extensions of this machine may read and set the brightness without a key.
    pub anonymous_brightness: bool,
    /// Further Unix sockets.
    pub sockets: Vec<PathBuf>,
}

/// `[http]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Pages of the user's own that may connect.
    pub allowed_origins: Vec<String>,
    /// Whether programs may call and publish by single requests.
    pub bridge: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self::parse(Path::new("built-in"), "").expect("an empty file leaves every default")
    }
}

impl Config {
    /// Reads a file. An absent one is an error only when `is_asked_for`, that is given by `--config`.
    ///
    /// # Errors
    /// With the file, the line, the key and what is accepted.
    pub fn load(file: &Path, is_asked_for: bool) -> Result<Self, ConfigError> {
        let error = |what: String| ConfigError {
            file: file.to_owned(),
            line: None,
            what,
        };
        let text = match read_bounded(file) {
            Ok(text) => text,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound && !is_asked_for => {
                return Ok(Self::default());
            }
            Err(other) => return Err(error(format!("the configuration cannot be read: {other}"))),
        };
        if text.len() as u64 > MAX_FILE {
            return Err(error(format!(
                "this has more than {MAX_FILE} bytes and is no configuration"
            )));
        }
        let text = String::from_utf8(text).map_err(|_| error("this is not text in UTF-8".into()))?;
        Self::parse(file, &text)
    }

    /// Reads a text; `file` is what errors call it.
    ///
    /// # Errors
    /// With the file, the line, the key and what is accepted.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let source = Source::new(file, text);
        let table = source.parse()?;
        read_all(Section::root(&source, &table))
    }
}

fn read_bounded(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut text = Vec::new();
    std::fs::File::open(file)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn read_all(mut root: Section<'_>) -> Result<Config, ConfigError> {
    let desktop = read_desktop(root.section("desktop")?)?;
    let config = Config {
        log: root
            .get("log")
            .map(|field| field.short(MAX_TEXT))
            .transpose()?
            .unwrap_or_else(|| "info".into()),
        owners: match root.get("owners") {
            Some(field) => field.list(MAX_LIST, "the name of a user", |text| {
                (1..=MAX_TEXT).contains(&text.len()).then(|| text.to_owned())
            })?,
            None => Vec::new(),
        },
        listen: read_listen(root.section("listen")?, desktop.enabled)?,
        discovery: read_discovery(root.section("discovery")?, desktop.enabled)?,
        pairing: read_pairing(root.section("pairing")?)?,
        compat: read_compat(root.section("compat")?)?,
        http: read_http(root.section("http")?)?,
        components: components::read(root.section("components")?)?,
        limits: Limits::read(root.section("limits")?)?,
        tls: tls::read(root.section("tls")?)?,
        advertise: advertise::read(root.sections("advertise", advertise::MAX_ADVERTISED)?)?,
        realms: realm::read(root.sections("realm", MAX_REALMS)?)?,
        desktop,
    };
    realm::check_authenticators(&config.realms, config.desktop.enabled, |what| root.error(what))?;
    root.finish()?;
    Ok(config)
}

fn read_desktop(mut section: Section<'_>) -> Result<Desktop, ConfigError> {
    let enabled = section
        .get("enabled")
        .map(|field| field.boolean())
        .transpose()?
        .unwrap_or(true);
    let components = match section.get("components") {
        None => Components::All,
        Some(field) if field.is_text() => field.text("\"all\" or a list of names", |text| {
            (text == "all").then_some(Components::All)
        })?,
        Some(field) => Components::Only(field.list(MAX_LIST, "the name of a component", |text| Some(text.to_owned()))?),
    };
    section.finish()?;
    Ok(Desktop { enabled, components })
}

fn read_listen(mut section: Section<'_>, is_desktop: bool) -> Result<Listen, ConfigError> {
    let accepted = "an address with a port, like \"0.0.0.0:5020\" or \"[::]:5020\"";
    let tcp = match section.get("tcp") {
        Some(field) => field.list(MAX_LIST, accepted, |text| text.parse().ok())?,
        None => vec![SocketAddr::from(([0, 0, 0, 0], PORT)), SocketAddr::from(([0; 8], PORT))],
    };
    let quic = match section.get("quic") {
        Some(field) => field.list(MAX_LIST, accepted, |text| text.parse().ok())?,
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

fn socket_path(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    (path.is_absolute() && crate::paths::check_socket(&path).is_ok()).then_some(path)
}

fn read_discovery(mut section: Section<'_>, is_desktop: bool) -> Result<Discovery, ConfigError> {
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

fn read_pairing(mut section: Section<'_>) -> Result<Pairing, ConfigError> {
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

fn read_compat(mut section: Section<'_>) -> Result<Compat, ConfigError> {
    let mut switch = |key| {
        section
            .get(key)
            .map(|field| field.boolean())
            .transpose()
            .map(Option::unwrap_or_default)
    };
    let plain_devices = switch("plain_devices")?;
    let anonymous_brightness = switch("anonymous_brightness")?;
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

fn read_http(mut section: Section<'_>) -> Result<Http, ConfigError> {
    let accepted = "an origin as browsers send it, like \"https://example.org\" or \"http://localhost:8000\"";
    let allowed_origins = match section.get("allowed_origins") {
        Some(field) => field.list(MAX_LIST, accepted, read_origin)?,
        None => Vec::new(),
    };
    let bridge = section.get("bridge").map(|field| field.boolean()).transpose()?;
    section.finish()?;
    Ok(Http {
        allowed_origins,
        bridge: bridge.unwrap_or_default(),
    })
}

/// Scheme and authority, nothing behind it (RFC 6454 §6.2); small letters, since browsers send them so.
fn read_origin(text: &str) -> Option<String> {
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

#[cfg(test)]
mod tests;
