//! Private files of this user: in a directory of their own, replaced as a whole. How others are kept out is a matter of the system:
//! `unix` looks at owners and modes, `elsewhere` relies on the profile.
//!
//! What stands in the files is not known here.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

#[cfg(not(unix))]
use self::elsewhere as system;
#[cfg(unix)]
use self::unix as system;
use crate::failure::Failure;

/// The directory.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

/// Holds off other runs of this program that change the same files; dropping it lets them go on.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Directory {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The content of a file, `None` when there is none; `limit` bounds what is read.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let path = self.path(name);
        let Some((file, length)) = system::open(&self.0, &path)? else {
            return Ok(None);
        };
        // All at once: a buffer that grew would leave parts of a key behind where it was before.
        let length = usize::try_from(length.min(limit)).unwrap_or_default();
        let mut content = Zeroizing::new(Vec::with_capacity(length + 1));
        let read = file.take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| failed("read", &path, error))?;
        if content.len() as u64 > limit {
            let path = path.display();
            return Err(Failure::failed(format!(
                "{path} has more than {limit} bytes, which nothing of ours has"
            )));
        }
        Ok(Some(content))
    }

    /// Waits until no other run of this program changes the files, and makes the directory if it is missing.
    pub(super) fn lock(&self, name: &str) -> Result<Lock, Failure> {
        system::make(&self.0)?;
        let path = self.path(name);
        let file = system::open_lock(&path).map_err(|error| failed("open", &path, error))?;
        file.lock().map_err(|error| failed("lock", &path, error))?;
        Ok(Lock { _file: file })
    }

    /// Replaces a file as a whole: whoever reads it finds the old content or the new one, whatever happens.
    pub(super) fn replace(&self, name: &str, content: &[u8], _lock: &Lock) -> Result<(), Failure> {
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        // What a crash left; the lock says that nobody is writing it.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &new, error)),
            _ => {}
        }
        let written = system::create(&new).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            system::settle(&self.0)
        });
        written.map_err(|error| failed("write", &path, error))
    }
}

fn failed(what: &str, path: &Path, error: impl Into<std::io::Error>) -> Failure {
    Failure::failed(format!("cannot {what} {}: {}", path.display(), error.into()))
}
