//! Files on systems that are not Unix: as private as the profile that they are in, whose access list they inherit.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::failed;
use crate::failure::Failure;

/// Opens a file to read it, and says how long it is; `None` when there is none.
pub(super) fn open(_directory: &Path, path: &Path) -> Result<Option<(File, u64)>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    let facts = file.metadata().map_err(|error| failed("look at", path, error))?;
    if !facts.is_file() {
        return Err(Failure::failed(format!("{} is no file", path.display())));
    }
    Ok(Some((file, facts.len())))
}

/// Makes the directory if it is missing.
pub(super) fn make(directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| failed("make", directory, error))
}

/// Opens a file that is locked, making it if need be.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Makes a file that is not there.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Nothing is to be waited for: a directory is no file here.
pub(super) const fn settle(_directory: &Path) -> io::Result<()> {
    Ok(())
}
