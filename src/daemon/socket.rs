//! The Unix socket and its directory: who owns them, and who may knock.

use std::path::Path;

use anyhow::{Context as _, Result};
use router::Router;

/// Modes of a socket and of a directory of our own for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Modes {
    socket: u32,
    directory: u32,
}

/// Of a user's daemon: nobody else reaches it.
pub(super) const USER_MODES: Modes = Modes {
    socket: 0o600,
    directory: 0o700,
};

/// Of the system service: every user may knock, and the kernel says who it is.
pub(super) const SYSTEM_MODES: Modes = Modes {
    socket: 0o666,
    directory: 0o755,
};

/// Listens there. `is_own_place` for a directory of our own: then it is nobody else's.
pub(super) fn listen_unix(router: &Router, path: &Path, is_own_place: bool, modes: Modes) -> Result<()> {
    crate::paths::check_socket(path)?;
    if let (true, Some(directory)) = (is_own_place, path.parent()) {
        make_directory(directory, modes.directory)?;
    }
    Ok(router.listen_unix(path, modes.socket)?)
}

/// Makes the directory of the socket. Whoever can write in it could put a socket of their own in
/// place of the daemon's.
fn make_directory(directory: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    let place = directory.display();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(directory)
        .with_context(|| format!("the directory {place} cannot be made"))?;
    let found = std::fs::metadata(directory).with_context(|| format!("the directory {place} cannot be looked at"))?;
    let (owner, own) = (found.uid(), rustix::process::geteuid().as_raw());
    anyhow::ensure!(
        owner == own,
        "the directory {place} belongs to user {owner} and this daemon runs as user {own}; remove it: sudo rm -r {place}"
    );
    if found.mode() & 0o777 != mode {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode))
            .with_context(|| format!("the directory {place} cannot be given the mode it needs"))?;
    }
    Ok(())
}
