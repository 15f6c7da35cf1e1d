//! The log: which form it has, and what of it is written, which a reload may change.
//!
//! Events have fields beside their sentence, and those of a connection stand in the span `session`: `peer`, `session` (its
//! id), `realm` and `authid`, which of a paired device is its id.

mod journal;

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
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
pub(crate) fn filter(config: &Config) -> Result<EnvFilter> {
    EnvFilter::try_new(&config.log).with_context(|| format!("log = \"{}\" is no filter", config.log))
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
