//! The configuration file: TOML, every key optional, an unknown key an error that names the nearest known one.
//!
//! `examples/deskconn.toml` is the whole of it with its defaults, and [`mod@reference`] what that and the reader say together.
//! This module reads and checks; it opens no socket,
//! looks for no device and keeps no state. What a command switches (`discovery off`) is kept by [`crate::store`].

pub mod action;
mod advertise;
mod authenticator;
mod components;
mod effect;
mod http;
mod kept;
mod limits;
mod link;
mod origin;
mod principal;
mod read;
mod realm;
pub mod reference;
mod sections;
mod tls;
mod warnings;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::components::Settings;
pub use advertise::Advertise;
pub use authenticator::Authenticator;
pub use effect::{EFFECTS, Effect};
pub use http::Http;
pub use kept::{Kept, MAX_KEPT_RULES};
pub use limits::Limits;
pub(crate) use limits::size;
pub use link::{Forward, Link, MAX_ADDRESSES, MAX_FORWARDS, MAX_LINKS};
pub use origin::Origin;
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
    /// How that is written.
    pub log_format: LogFormat,
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
    /// What is told of the figures.
    pub metrics: Metrics,
    /// Certificates beside the daemon's own.
    pub tls: Tls,
    /// Further services to show on the network.
    pub advertise: Vec<Advertise>,
    /// Further realms.
    pub realms: Vec<Realm>,
    /// What is done when something happens.
    pub actions: Vec<action::Action>,
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

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// To the journal where systemd reads it, and as text everywhere else.
    #[default]
    Auto,
    /// Lines for people.
    Text,
    /// An object of JSON a line.
    Json,
    /// Entries with fields for systemd's journal.
    Journal,
}

/// `[metrics]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Addresses where anybody gets the figures at `/metrics`; none if nothing is said.
    pub listen: Vec<SocketAddr>,
    /// How often the figures are published while somebody listens; `None`: never.
    pub interval: Option<Duration>,
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
        Self::load_whole(file, is_asked_for, 1).map_err(|mut errors| errors.swap_remove(0))
    }

    /// The same, with everything that is wrong, but no more than `most` mistakes.
    ///
    /// # Errors
    /// At least one.
    pub fn load_whole(file: &Path, is_asked_for: bool, most: usize) -> Result<Self, Vec<ConfigError>> {
        match read_text(file, is_asked_for).map_err(|error| vec![error])? {
            Some(text) => Self::parse_whole(file, &text, most),
            None => Ok(Self::default()),
        }
    }

    /// Reads a text; `file` is what errors call it.
    ///
    /// # Errors
    /// With the file, the line, the key and what is accepted.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        Self::parse_whole(file, text, 1).map_err(|mut errors| errors.swap_remove(0))
    }

    /// The same, with everything that is wrong: after a mistake what stands there is read over. Of more mistakes than
    /// `most` the first are told.
    ///
    /// # Errors
    /// At least one.
    fn parse_whole(file: &Path, text: &str, most: usize) -> Result<Self, Vec<ConfigError>> {
        let source = Source::new(file, text);
        let table = source.parse()?;
        let mut errors = Vec::new();
        loop {
            let error = match read_all(Section::root(&source, &table)) {
                Ok(config) if errors.is_empty() => return Ok(config),
                Ok(_) => return Err(errors),
                Err(error) => error,
            };
            let is_new = source.leave_out(error.offset);
            if !error.follows && errors.last() != Some(&error) {
                errors.push(error);
            }
            if errors.len() >= most || !is_new {
                return Err(errors);
            }
        }
    }
}

/// The text of the file; none where it is not there and need not be.
fn read_text(file: &Path, is_asked_for: bool) -> Result<Option<String>, ConfigError> {
    let error = |what: String| ConfigError {
        file: file.to_owned(),
        line: None,
        what,
        follows: false,
        offset: None,
    };
    let text = match read_bounded(file) {
        Ok(text) => text,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound && !is_asked_for => return Ok(None),
        Err(other) => return Err(error(format!("the configuration cannot be read: {other}"))),
    };
    if text.len() as u64 > MAX_FILE {
        return Err(error(format!(
            "this has more than {MAX_FILE} bytes and is no configuration"
        )));
    }
    let text = String::from_utf8(text).map_err(|_| error("this is not text in UTF-8".into()))?;
    Ok(Some(text))
}

fn read_bounded(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut text = Vec::new();
    std::fs::File::open(file)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn read_all(mut root: Section<'_>) -> Result<Config, ConfigError> {
    let desktop = sections::read_desktop(root.section("desktop")?)?;
    let listen = sections::read_listen(root.section("listen")?, desktop.enabled)?;
    let config = Config {
        log: sections::read_log(&mut root)?,
        log_format: sections::read_log_format(&mut root)?,
        owners: match root.get("owners") {
            Some(field) => field.list(MAX_LIST, "the name of a user", |text| {
                (1..=MAX_TEXT).contains(&text.len()).then(|| text.to_owned())
            })?,
            None => Vec::new(),
        },
        discovery: sections::read_discovery(root.section("discovery")?, desktop.enabled)?,
        pairing: sections::read_pairing(root.section("pairing")?)?,
        compat: sections::read_compat(root.section("compat")?)?,
        http: http::read(root.section("http")?)?,
        components: components::read(root.section("components")?)?,
        limits: Limits::read(root.section("limits")?)?,
        metrics: sections::read_metrics(root.section("metrics")?, &listen.tcp)?,
        tls: tls::read(root.section("tls")?)?,
        advertise: advertise::read(root.sections("advertise", advertise::MAX_ADVERTISED)?)?,
        realms: realm::read(root.sections("realm", MAX_REALMS)?)?,
        actions: action::read(root.sections("action", action::MAX_ACTIONS)?)?,
        desktop,
        listen,
    };
    action::check(&config, |index, what| root.error_in("action", index, what))?;
    let of_realm = |index, what| root.error_in("realm", index, what);
    realm::check_authenticators(&config.realms, config.desktop.enabled, of_realm)?;
    root.finish()?;
    Ok(config)
}

#[cfg(test)]
mod tests;
