//! Private files of this user: in a directory that nobody else may enter, replaced as a whole, refused when others could
//! have read or changed them.
//!
//! What stands in the files is not known here.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{self, FileType, FlockOperation, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Bits of a mode that give others something.
const OTHERS: RawMode = 0o077;
/// Read and written by their owner.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

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
        if !self.is_private()? {
            return Ok(None);
        }
        let path = self.path(name);
        // NONBLOCK: opening a pipe that somebody put there would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let handle = match fs::open(&path, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(failed("read", &path, error)),
        };
        let stat = fs::fstat(&handle).map_err(|error| failed("look at", &path, error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Failure::failed(format!("{} is no file", path.display())));
        }
        check(&path, &stat, "600")?;
        // All at once: a buffer that grew would leave parts of a key behind where it was before.
        let length = u64::try_from(stat.st_size).unwrap_or_default().min(limit);
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1));
        let read = File::from(handle).take(limit + 1).read_to_end(&mut content);
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
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|error| failed("make", &self.0, error))?;
        self.is_private()?;
        let path = self.path(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let handle = fs::open(&path, flags, FILE_MODE).map_err(|error| failed("open", &path, error))?;
        fs::flock(&handle, FlockOperation::LockExclusive).map_err(|error| failed("lock", &path, error))?;
        Ok(Lock { _file: handle.into() })
    }

    /// Replaces a file as a whole: whoever reads it finds the old content or the new one, whatever happens.
    pub(super) fn replace(&self, name: &str, content: &[u8], _lock: &Lock) -> Result<(), Failure> {
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        // What a crash left; the lock says that nobody is writing it.
        match fs::unlink(&new) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed("remove", &new, error)),
        }
        let written = write(&new, content).and_then(|()| {
            std::fs::rename(&new, &path)?;
            File::open(&self.0)?.sync_all()
        });
        written.map_err(|error| failed("write", &path, error))
    }

    /// Whether the directory is there; an error when others may enter it.
    fn is_private(&self) -> Result<bool, Failure> {
        match fs::stat(&self.0) {
            Ok(stat) => check(&self.0, &stat, "700").map(|()| true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(failed("look at", &self.0, error)),
        }
    }
}

fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = fs::open(path, flags, FILE_MODE)?;
    // The umask may have taken bits away.
    fs::fchmod(&handle, FILE_MODE)?;
    let mut file = File::from(handle);
    file.write_all(content)?;
    file.sync_all()
}

fn check(path: &Path, stat: &Stat, mend: &str) -> Result<(), Failure> {
    let shown = path.display();
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own {
        let owner = stat.st_uid;
        return Err(Failure::failed(format!(
            "{shown} belongs to the user with the number {owner}, not to this one ({own})"
        )));
    }
    if stat.st_mode & OTHERS != 0 {
        return Err(Failure::failed(format!(
            "{shown} is open to others (mode {:o}); close it with `chmod {mend} {shown}`",
            stat.st_mode & 0o777
        )));
    }
    Ok(())
}

fn failed(what: &str, path: &Path, error: impl Into<std::io::Error>) -> Failure {
    Failure::failed(format!("cannot {what} {}: {}", path.display(), error.into()))
}
