//! The state directory: files that are read without following links and replaced as a whole.
//!
//! It knows names and bytes. What is in a file, and what is done when a file is damaged, is decided in
//! [`super`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::StoreError;

/// Only the owner reads and writes.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Any access of the group or of others.
const STRANGERS: u32 = 0o077;

/// The directory, held open and locked, so that it stays the same one and nobody else changes it.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    handle: OwnedFd,
}

/// Why the directory cannot be used, in two kinds: without it the daemon runs on, against it the daemon does not start.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is missing and cannot be made, or nothing can be written in it.
    NotWritable(String),
    /// It is not safe, or somebody else works in it.
    Refused(StoreError),
}

impl StateDir {
    /// Opens the directory, making it if need be, and locks it until this value is dropped.
    pub(super) fn open(path: &Path) -> Result<Self, Unusable> {
        make(path).map_err(|error| unusable(path, "created", &error))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = fs::open(path, flags, Mode::empty()).map_err(|error| unusable(path, "opened", &error.into()))?;
        let state = Self {
            path: path.to_owned(),
            handle,
        };
        let stat = fs::fstat(&state.handle).map_err(|error| Unusable::Refused(state.io("look at", "", error)))?;
        state.check_owner("", &stat, "700").map_err(Unusable::Refused)?;
        match fs::flock(&state.handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(state),
            Err(Errno::WOULDBLOCK) => Err(Unusable::Refused(StoreError::InUse(state.path))),
            Err(error) => Err(Unusable::Refused(state.io("lock", "", error))),
        }
    }

    /// Tries to write, since neither the mode nor the uid tells whether that works.
    pub(super) fn check_writable(&self) -> Result<(), String> {
        let told = |error: StoreError| error.to_string();
        self.create("probe").map_err(told)?;
        self.remove("probe.new").map_err(told)
    }

    /// Removes what a crash may have left of these. The lock says that nobody else is writing them.
    pub(super) fn clear(&self, names: &[&str]) -> Result<(), StoreError> {
        names.iter().try_for_each(|name| self.remove(name))
    }

    /// The same directory once more, without the lock.
    pub(super) fn again(&self) -> Result<Self, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = fs::openat(&self.handle, ".", flags, Mode::empty()).map_err(|error| self.io("open", "", error))?;
        Ok(Self {
            path: self.path.clone(),
            handle,
        })
    }

    /// The content of a file, `None` when there is none. `limit` bounds what is read.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        // NONBLOCK: opening a pipe that somebody put there would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let handle = match fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(StoreError::NotAFile(self.path.join(name))),
            Err(error) => return Err(self.io("open", name, error)),
        };
        let stat = fs::fstat(&handle).map_err(|error| self.io("look at", name, error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(StoreError::NotAFile(self.path.join(name)));
        }
        self.check_owner(name, &stat, "600")?;
        // All at once: a buffer that grew would leave parts of a key behind where it was before.
        let expected = u64::try_from(stat.st_size).unwrap_or_default().min(limit);
        let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or_default() + 1);
        let read = File::from(handle).take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| self.io("read", name, error))?;
        if content.len() as u64 > limit {
            return Err(StoreError::TooLarge {
                path: self.path.join(name),
                limit,
            });
        }
        Ok(Some(content))
    }

    /// Whether something has this name, be it a file or not. What cannot be looked at counts as there.
    pub(super) fn has(&self, name: &str) -> bool {
        !matches!(
            fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW),
            Err(Errno::NOENT)
        )
    }

    /// Replaces a file as a whole: whoever reads it finds the old content or the new one, whatever happens.
    /// With `keep` the old content stays under `<name>.bak`.
    ///
    /// Once the file is in place there is no way back. If the disk then does not confirm it, that is logged: a change
    /// that was called refused although it holds would be worse than one that a power cut may undo.
    pub(crate) fn replace(&self, name: &str, content: &[u8], keep: bool) -> Result<(), StoreError> {
        let new = format!("{name}.new");
        let written = self.create(name).and_then(|mut file| {
            let all = file.write_all(content).and_then(|()| file.sync_all());
            all.map_err(|error| self.io("write", &new, error))
        });
        let moved = written
            .and_then(|()| if keep { self.keep_old(name) } else { Ok(()) })
            .and_then(|()| self.rename(&new, name));
        if let Err(error) = moved {
            // The old file is untouched; what is left of the new one would only be in the way of the next try.
            let _ = self.remove(&new);
            return Err(error);
        }
        if let Err(error) = fs::fsync(&self.handle) {
            let path = self.path_of(name);
            tracing::warn!(
                "{} was replaced, but the disk did not confirm it ({error}): after a power cut the old content may be back",
                path.display()
            );
        }
        Ok(())
    }

    /// Replaces a file as a whole, as [`StateDir::replace`] does, without waiting for the disk: a crash of the daemon takes
    /// nothing, a power cut may bring the old content back or take the last of it.
    pub(super) fn replace_soon(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let new = format!("{name}.new");
        let written = self.create(name).and_then(|mut file| {
            let all = file.write_all(content);
            all.map_err(|error| self.io("write", &new, error))
        });
        let moved = written.and_then(|()| self.rename(&new, name));
        if moved.is_err() {
            let _ = self.remove(&new);
        }
        moved
    }

    /// Makes `<name>.new`, never one that is there: a leftover of a crash is removed first, since the lock says that
    /// nobody else is writing it.
    fn create(&self, name: &str) -> Result<File, StoreError> {
        let new = format!("{name}.new");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || fs::openat(&self.handle, new.as_str(), flags, FILE_MODE);
        let handle = match open() {
            Err(Errno::EXIST) => self
                .remove(&new)
                .and_then(|()| open().map_err(|error| self.io("create", &new, error))),
            other => other.map_err(|error| self.io("create", &new, error)),
        }?;
        // The umask may have taken bits away.
        fs::fchmod(&handle, FILE_MODE).map_err(|error| self.io("protect", &new, error))?;
        Ok(File::from(handle))
    }

    /// Gives the old content a second name, by a link that is moved into place, so that there is no moment without
    /// one. A file system without links keeps no backup.
    fn keep_old(&self, name: &str) -> Result<(), StoreError> {
        let (link, backup) = (format!("{name}.bak.new"), format!("{name}.bak"));
        self.remove(&link)?;
        match fs::linkat(&self.handle, name, &self.handle, link.as_str(), AtFlags::empty()) {
            Ok(()) => self.rename(&link, &backup),
            Err(Errno::NOENT | Errno::PERM | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(self.io("link", name, error)),
        }
    }

    /// Opens a file to append to it, making it if need be, and gives its length.
    pub(crate) fn append(&self, name: &str) -> Result<(File, u64), StoreError> {
        let flags =
            OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let handle = match fs::openat(&self.handle, name, flags, FILE_MODE) {
            Ok(handle) => handle,
            Err(Errno::LOOP | Errno::NXIO) => return Err(StoreError::NotAFile(self.path.join(name))),
            Err(error) => return Err(self.io("open", name, error)),
        };
        let stat = fs::fstat(&handle).map_err(|error| self.io("look at", name, error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(StoreError::NotAFile(self.path.join(name)));
        }
        self.check_owner(name, &stat, "600")?;
        Ok((File::from(handle), u64::try_from(stat.st_size).unwrap_or_default()))
    }

    /// Gives a file another name, replacing what has it; none is as good as one.
    pub(crate) fn move_if_there(&self, from: &str, to: &str) -> Result<(), StoreError> {
        match fs::renameat(&self.handle, from, &self.handle, to) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.io("move into place", to, error)),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        fs::renameat(&self.handle, from, &self.handle, to).map_err(|error| self.io("move into place", to, error))
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        match fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.io("remove", name, error)),
        }
    }

    /// The path of a file, for messages.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.path.clone()
        } else {
            self.path.join(name)
        }
    }

    fn check_owner(&self, name: &str, stat: &Stat, mode: &'static str) -> Result<(), StoreError> {
        let own = rustix::process::geteuid().as_raw();
        if stat.st_uid != own {
            return Err(StoreError::ForeignOwner {
                path: self.path_of(name),
                owner: stat.st_uid,
                own,
            });
        }
        if stat.st_mode & STRANGERS != 0 {
            return Err(StoreError::OpenToOthers {
                path: self.path_of(name),
                mode: stat.st_mode & 0o777,
                mend: mode,
            });
        }
        Ok(())
    }

    /// An error of a file that was opened here.
    pub(crate) fn failed(&self, what: &'static str, name: &str, error: io::Error) -> StoreError {
        self.io(what, name, error)
    }

    fn io(&self, what: &'static str, name: &str, error: impl Into<io::Error>) -> StoreError {
        StoreError::Io {
            what,
            path: self.path_of(name),
            error: error.into(),
        }
    }
}

/// Why the directory is of no use. Where there may be one that this user is not let into, this desktop's keys may be in it:
/// with new ones every paired device would take the desktop for somebody in between.
fn unusable(path: &Path, what: &str, error: &io::Error) -> Unusable {
    use std::os::unix::fs::MetadataExt as _;
    let missing = || Unusable::NotWritable(format!("{} cannot be {what}: {error}", path.display()));
    if error.kind() != io::ErrorKind::PermissionDenied {
        return missing();
    }
    let own = rustix::process::geteuid().as_raw();
    match std::fs::metadata(path) {
        Ok(found) if found.uid() != own => Unusable::Refused(StoreError::ForeignOwner {
            path: path.to_owned(),
            owner: found.uid(),
            own,
        }),
        Ok(_) => Unusable::Refused(StoreError::Closed(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let seen = path.ancestors().find(|above| std::fs::metadata(above).is_ok());
            Unusable::Refused(StoreError::OutOfSight {
                path: path.to_owned(),
                above: seen.unwrap_or(Path::new("/")).to_owned(),
                own,
            })
        }
        Err(_) => missing(),
    }
}

/// Makes the directory and its missing parents, readable by the owner alone.
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
