//! Where the configuration comes from, to read it again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Config, ConfigError};

/// Mistakes that are told at once: more than that nobody mends at once either.
const MAX_ERRORS: usize = 20;

/// The file, and what the command line says beside it.
#[derive(Clone)]
pub struct Origin {
    file: PathBuf,
    is_asked_for: bool,
    amend: Arc<dyn Fn(&mut Config) + Send + Sync>,
}

impl Origin {
    /// This file, which need not be there unless it `is_asked_for`. What is read goes through `amend`.
    pub fn new(
        file: impl Into<PathBuf>,
        is_asked_for: bool,
        amend: impl Fn(&mut Config) + Send + Sync + 'static,
    ) -> Self {
        Self {
            file: file.into(),
            is_asked_for,
            amend: Arc::new(amend),
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the file is another one than the usual.
    #[must_use]
    pub const fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Reads it as it is now.
    ///
    /// # Errors
    /// Everything that is wrong with it; of more than twenty mistakes the first, and that there are more.
    pub fn load(&self) -> Result<Config, Vec<ConfigError>> {
        let loaded = Config::load_whole(&self.file, self.is_asked_for, MAX_ERRORS + 1);
        let mut config = loaded.map_err(|mut errors| {
            if errors.len() > MAX_ERRORS {
                errors.truncate(MAX_ERRORS);
                errors.push(ConfigError {
                    file: self.file.clone(),
                    line: None,
                    what: "there are more mistakes, which are told when these are mended".to_owned(),
                    follows: false,
                    offset: None,
                });
            }
            errors
        })?;
        (self.amend)(&mut config);
        Ok(config)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Origin")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
