//! Files of this user on systems that are not Unix: replaced as a whole, and as private as the profile that they are in,
//! whose access list they inherit.
//!
//! What stands in the files is not known here.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

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
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        let facts = file.metadata().map_err(|error| failed("look at", &path, &error))?;
        if !facts.is_file() {
            return Err(Failure::failed(format!("{} is no file", path.display())));
        }
        // All at once: a buffer that grew would leave parts of a key behind where it was before.
        let length = usize::try_from(facts.len().min(limit)).unwrap_or_default();
        let mut content = Zeroizing::new(Vec::with_capacity(length + 1));
        let read = file.take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| failed("read", &path, &error))?;
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
        let made = std::fs::create_dir_all(&self.0);
        made.map_err(|error| failed("make", &self.0, &error))?;
        let path = self.path(name);
        let opened = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = opened.map_err(|error| failed("open", &path, &error))?;
        file.lock().map_err(|error| failed("lock", &path, &error))?;
        Ok(Lock { _file: file })
    }

    /// Replaces a file as a whole: whoever reads it finds the old content or the new one.
    pub(super) fn replace(&self, name: &str, content: &[u8], _lock: &Lock) -> Result<(), Failure> {
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        // What a crash left; the lock says that nobody is writing it.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &new, &error)),
            _ => {}
        }
        let written = write(&new, content).and_then(|()| std::fs::rename(&new, &path));
        written.map_err(|error| failed("write", &path, &error))
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot {what} {}: {error}", path.display()))
}
