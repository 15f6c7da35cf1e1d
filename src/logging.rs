//! The log: which form it has, and what of it is written, which a reload may change.
//!
//! Events have fields beside their sentence, and those of a connection stand in the span `session`: `peer`, `session` (its
//! id), `realm` and `authid`, which of a paired device is its id.

mod journal;

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use self::journal::Journal;
use crate::config::{Config, LogFormat};

/// The log of this process.
#[derive(Debug, Clone)]
pub struct Log(reload::Handle<EnvFilter, Registry>);

/// What of the log is written.
///
/// # Errors
/// The configuration has a filter that is none.
fn filter(config: &Config) -> Result<EnvFilter> {
    EnvFilter::try_new(&config.log).with_context(|| format!("log = \"{}\" is no filter", config.log))
}

/// Whether a text says what of the log is written.
///
/// `tracing` takes a word that is no level for a target of which everything is written, and then writes nothing of all others:
/// one slip in `log`, and nobody is told of errors any more. So each part has to have a level.
///
/// # Errors
/// With a sentence that names the part that is wrong.
pub(crate) fn check_filter(text: &str) -> Result<(), String> {
    // A filter may name spans with their fields, `[session{peer=local}]=debug`, in which commas divide nothing.
    let mut depth = 0_usize;
    let parts = text.split(|c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for part in parts {
        if part.trim() != part {
            return Err(format!("\"{part}\" begins or ends with a blank"));
        }
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(format!("\"{level}\" is no level"));
        }
    }
    EnvFilter::try_new(text).map(drop).map_err(|error| error.to_string())
}

impl Log {
    /// Begins to write, on the standard error or to the journal.
    ///
    /// # Errors
    /// The filter is none, or the journal is wanted and not there.
    pub fn start(config: &Config) -> Result<Self> {
        let (filter, handle) = reload::Layer::new(filter(config)?);
        let registry = tracing_subscriber::registry().with(filter);
        let text = || {
            let is_terminal = std::io::stderr().is_terminal();
            fmt::layer().with_ansi(is_terminal).with_writer(std::io::stderr)
        };
        match config.log_format {
            LogFormat::Auto => match journal::is_standard_error().then(Journal::open) {
                Some(Ok(journal)) => registry.with(journal).init(),
                // Lines on the standard error reach the journal as well.
                Some(Err(_)) | None => registry.with(text()).init(),
            },
            LogFormat::Text => registry.with(text()).init(),
            LogFormat::Json => {
                let json = fmt::layer().json().flatten_event(true).with_span_list(false);
                registry.with(json.with_writer(std::io::stderr)).init();
            }
            LogFormat::Journal => {
                let journal = Journal::open();
                let journal = journal.context("log_format is \"journal\", and systemd's journal takes nothing")?;
                registry.with(journal).init();
            }
        }
        Ok(Self(handle))
    }

    /// Writes what this configuration wants from now on. The form stays.
    ///
    /// # Errors
    /// Its filter is none.
    pub fn follow(&self, config: &Config) -> Result<()> {
        self.0.reload(filter(config)?).context("the log is closed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_named_and_does_not_silence_the_log() {
        for right in [
            "info",
            "WARN",
            "off",
            "info,deskconn_router=debug",
            "warn,deskconnd=trace",
            "info,[session{peer=local}]=debug",
        ] {
            assert_eq!(check_filter(right), Ok(()), "{right}");
        }
        for (wrong, named) in [
            ("verbose", "\"verbose\""),
            ("info,deskconn_router=loud", "\"loud\""),
            ("info,deskconn_router", "\"deskconn_router\""),
            ("info,", "\"\""),
            ("warn, deskconnd=trace", "\" deskconnd=trace\""),
            ("deskconnd=", "\"\""),
        ] {
            let told = check_filter(wrong).unwrap_err();
            assert!(told.contains(named), "{wrong}: {told}");
        }
    }
}
