//! Files on Unix: in a directory that nobody else may enter, refused when others could have read or changed them.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{self, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use super::failed;
use crate::failure::Failure;

/// Bits of a mode that give others something.
const OTHERS: RawMode = 0o077;
/// Read and written by their owner.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Opens a file of this directory to read it, and says how long it is; `None` when there is none.
pub(super) fn open(directory: &Path, path: &Path) -> Result<Option<(File, u64)>, Failure> {
    if !is_private(directory)? {
        return Ok(None);
    }
    // NONBLOCK: opening a pipe that somebody put there would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let handle = match fs::open(path, flags, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    let stat = fs::fstat(&handle).map_err(|error| failed("look at", path, error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Failure::failed(format!("{} is no file", path.display())));
    }
    check(path, &stat, "600")?;
    let length = u64::try_from(stat.st_size).unwrap_or_default();
    Ok(Some((File::from(handle), length)))
}

/// Makes the directory if it is missing.
pub(super) fn make(directory: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| failed("make", directory, error))?;
    is_private(directory).map(drop)
}

/// Opens a file that is locked, making it if need be.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(fs::open(path, flags, FILE_MODE)?.into())
}

/// Makes a file that is not there.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = fs::open(path, flags, FILE_MODE)?;
    // The umask may have taken bits away.
    fs::fchmod(&handle, FILE_MODE)?;
    Ok(handle.into())
}

/// Waits until the disk has the names of the directory.
pub(super) fn settle(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Whether the directory is there; an error when others may enter it.
fn is_private(directory: &Path) -> Result<bool, Failure> {
    match fs::stat(directory) {
        Ok(stat) => check(directory, &stat, "700").map(|()| true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(failed("look at", directory, error)),
    }
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
