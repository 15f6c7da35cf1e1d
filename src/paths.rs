//! Where this installation keeps its configuration, its state and its Unix socket.
//!
//! It creates nothing and opens nothing; it only looks whether the run-time directory can be written.
//! The environment is an argument, so that every case is a test.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The longest path of a Unix socket: the kernel's field has 108 bytes with the zero at its end (unix(7)).
pub const MAX_SOCKET_PATH: usize = 107;

/// The name of the socket in its directory.
pub const SOCKET_NAME: &str = "deskconn.sock";

/// What a path is derived from.
pub struct Surroundings<'a> {
    /// The effective user.
    pub uid: u32,
    /// The home directory, also when `HOME` does not say it.
    pub home: Option<PathBuf>,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Whether a directory exists and can be written.
    pub is_writable: &'a dyn Fn(&Path) -> bool,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Surroundings")
            .field("uid", &self.uid)
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// The places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file; it need not exist.
    pub config: PathBuf,
    /// The directory of keys and devices.
    pub state: PathBuf,
    /// The Unix socket.
    pub socket: PathBuf,
    /// Whether this is the system service, which serves several users.
    pub is_system: bool,
}

impl Paths {
    /// The places of this process.
    ///
    /// # Errors
    /// When the user has no home directory and no variable names another place.
    pub fn of_this_process() -> Result<Self, PathError> {
        Self::find(&Surroundings {
            uid: rustix::process::geteuid().as_raw(),
            home: std::env::home_dir(),
            variable: &|name| std::env::var_os(name),
            is_writable: &|path| path.is_dir() && access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        })
    }

    /// The places for these surroundings.
    ///
    /// # Errors
    /// When the user has no home directory and no variable names another place.
    pub fn find(around: &Surroundings<'_>) -> Result<Self, PathError> {
        if around.uid == 0 {
            Ok(of_system(around))
        } else {
            of_user(around)
        }
    }

    /// Where a local program looks for the daemon: the user's socket first, then the system's.
    ///
    /// # Errors
    /// As [`Paths::find`].
    pub fn sockets(around: &Surroundings<'_>) -> Result<Vec<PathBuf>, PathError> {
        let mut sockets = Vec::new();
        if around.uid != 0 {
            let state = user_state(around)?;
            sockets.extend(runtime_directories(around).map(|directory| in_runtime(&directory)));
            sockets.push(in_state(&state));
        }
        sockets.push(of_system(around).socket);
        sockets.dedup();
        Ok(sockets)
    }
}

/// The system service: the directories systemd hands over (systemd.exec(5)), then the snap's, then the usual ones.
/// The XDG variables are a user's and mean nothing here: a root shell carries them by accident.
fn of_system(around: &Surroundings<'_>) -> Paths {
    let snap = (around.variable)("SNAP_COMMON")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let place = |variable: &str, in_snap: &str, usual: &str| {
        handed_over(around, variable)
            .or_else(|| snap.as_ref().map(|snap| snap.join(in_snap)))
            .unwrap_or_else(|| PathBuf::from(usual))
    };
    Paths {
        config: place("CONFIGURATION_DIRECTORY", "deskconn", "/etc/deskconn").join("config.toml"),
        state: place("STATE_DIRECTORY", "deskconn", "/var/lib/deskconn"),
        socket: place("RUNTIME_DIRECTORY", "run", "/run/deskconn").join(SOCKET_NAME),
        is_system: true,
    }
}

/// systemd lists several directories with colons between them; ours is the first.
fn handed_over(around: &Surroundings<'_>, variable: &str) -> Option<PathBuf> {
    let value = (around.variable)(variable)?;
    let first = value.as_bytes().split(|byte| *byte == b':').next()?;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(first));
    path.is_absolute().then_some(path)
}

fn of_user(around: &Surroundings<'_>) -> Result<Paths, PathError> {
    let state = user_state(around)?;
    let usable = runtime_directories(around).find(|directory| (around.is_writable)(directory));
    Ok(Paths {
        config: xdg(around, "XDG_CONFIG_HOME", ".config")?.join("deskconn/config.toml"),
        socket: usable.map_or_else(|| in_state(&state), |directory| in_runtime(&directory)),
        state,
        is_system: false,
    })
}

fn user_state(around: &Surroundings<'_>) -> Result<PathBuf, PathError> {
    Ok(xdg(around, "XDG_DATA_HOME", ".local/share")?.join("deskconn"))
}

/// The XDG base directory specification: a relative path is as good as none.
fn xdg(around: &Surroundings<'_>, variable: &'static str, in_home: &str) -> Result<PathBuf, PathError> {
    let given = (around.variable)(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let at_home = || {
        around
            .home
            .as_ref()
            .filter(|home| home.is_absolute())
            .map(|home| home.join(in_home))
    };
    given.or_else(at_home).ok_or(PathError::NoHome { variable })
}

/// `XDG_RUNTIME_DIR`, and without it the directory logind makes for the user, which a service started by another
/// way than a login does not get told.
fn runtime_directories(around: &Surroundings<'_>) -> impl Iterator<Item = PathBuf> {
    let given = (around.variable)("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let usual = PathBuf::from(format!("/run/user/{}", around.uid));
    given.filter(|given| *given != usual).into_iter().chain([usual])
}

fn in_runtime(directory: &Path) -> PathBuf {
    directory.join("deskconn").join(SOCKET_NAME)
}

fn in_state(state: &Path) -> PathBuf {
    state.join("run").join(SOCKET_NAME)
}

/// Checks that the kernel takes this path for a socket.
///
/// # Errors
/// When it is longer than [`MAX_SOCKET_PATH`].
pub fn check_socket(path: &Path) -> Result<(), PathError> {
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        return Err(PathError::LongSocket {
            path: path.to_owned(),
            length,
        });
    }
    Ok(())
}

/// A place that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No home directory and no variable.
    #[error("this user has no home directory; set {variable} to a directory that deskconn may use")]
    NoHome {
        /// The variable that would help.
        variable: &'static str,
    },
    /// A socket's path that the kernel refuses.
    #[error("the path of the Unix socket has {length} bytes and the kernel takes {MAX_SOCKET_PATH}: {}; \
             choose a shorter one by `unix = \"…\"` below [listen], or a shorter XDG_RUNTIME_DIR", path.display())]
    LongSocket {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
