//! The Unix sockets of desktops: which there may be, and a session over the first that answers.

use std::io;
use std::path::{Path, PathBuf};

use client::{Client, ConnectError, Options, Session, Target};

use super::NAME_ANOTHER;
#[cfg(target_os = "linux")]
use crate::args::Global;
use crate::failure::Failure;

/// Where the system's desktops have their socket: the service of the distribution, and the snap's.
const SYSTEM_SOCKETS: [&str; 2] = [
    "/run/deskconn/deskconn.sock",
    "/var/snap/deskconn/common/run/deskconn.sock",
];

/// Keeps a session open with the system's desktop on this machine, or with the one at an address that was given.
#[cfg(target_os = "linux")]
pub(crate) async fn keep_system(global: &Global, options: Options) -> Result<Client, ConnectError> {
    let nowhere = || ConnectError::Target(SYSTEM_SOCKETS[0].to_owned());
    let targets = match &global.at {
        Some(at) => vec![at.parse()?],
        None => sockets(0, &|name| std::env::var_os(name).map(PathBuf::from))
            .into_iter()
            .map(Target::Unix)
            .collect(),
    };
    let mut last = None;
    for target in targets {
        let unreached = match Client::builder(options.clone()).at(target).open().await {
            Ok(client) => return Ok(client),
            Err(unreached) => unreached,
        };
        match unreached.into_worst() {
            Some(error @ ConnectError::Unreachable(..)) => last = last.or(Some(error)),
            other => return Err(other.unwrap_or_else(nowhere)),
        }
    }
    Err(last.unwrap_or_else(nowhere))
}

/// Where the desktop on this machine may have its socket: that of this user, then that of the system.
pub(crate) fn sockets_here() -> Vec<PathBuf> {
    sockets(rustix::process::geteuid().as_raw(), &|name| {
        std::env::var_os(name).map(PathBuf::from)
    })
}

/// The desktop on this machine: the user's own, then the system's.
pub(crate) async fn open(options: Options) -> Result<Session, Failure> {
    let mut absent = Absent::default();
    for socket in sockets_here() {
        let target = Target::Unix(socket.clone());
        match Session::connect(&target, options.clone()).await {
            Ok(session) => return Ok(session),
            Err(error) => absent.missed(socket, error)?,
        }
    }
    Err(absent.failure())
}

/// Keeps a session with it open: with that one, whatever another does meanwhile.
pub(crate) async fn keep(options: Options) -> Result<Client, Failure> {
    let mut absent = Absent::default();
    for socket in sockets_here() {
        let target = Target::Unix(socket.clone());
        match Client::builder(options.clone()).at(target).open().await {
            Ok(client) => return Ok(client),
            Err(unreached) => match unreached.into_worst() {
                Some(error) => absent.missed(socket, error)?,
                None => return Err(absent.failure()),
            },
        }
    }
    Err(absent.failure())
}

/// The sockets behind which there is no desktop for this user.
#[derive(Default)]
struct Absent {
    sockets: Vec<PathBuf>,
    closed: Option<PathBuf>,
    /// A directory on the way to one of them that hides whether it is there.
    hiding: Option<PathBuf>,
}

impl Absent {
    /// Nobody lets this user in here; what a desktop itself says is an error.
    fn missed(&mut self, socket: PathBuf, error: ConnectError) -> Result<(), Failure> {
        let is_forbidden = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        // Whom the system's desktop does not know it leaves without a word.
        let is_closed = matches!(&error, ConnectError::Unreachable(_, why) if is_forbidden(why))
            || matches!(error, ConnectError::NotWamp(..));
        if !is_closed && !matches!(error, ConnectError::Unreachable(..)) {
            return Err(error.into());
        }
        if is_closed {
            match hidden_by(&socket) {
                Some(directory) => self.hiding = Some(directory),
                None => self.closed = Some(socket.clone()),
            }
        }
        self.sockets.push(socket);
        Ok(())
    }

    fn failure(self) -> Failure {
        if let Some(socket) = self.closed {
            let socket = socket.display();
            let why = format!("a desktop runs at {socket}, but does not let this user in");
            let hint = "it is its own user's, or the system's, which is for whoever sits at the machine and for the users \
                        named in `owners` of its configuration";
            return Failure::failed(why).hint(hint);
        }
        if let Some(directory) = self.hiding {
            let why = format!(
                "no desktop could be looked for: {} cannot be looked into",
                directory.display()
            );
            return Failure::failed(why).hint(how_to_open(&directory));
        }
        let places: Vec<String> = self.sockets.iter().map(|socket| socket.display().to_string()).collect();
        let failure = Failure::NotFound(format!("no desktop is running here (looked at {})", places.join(", ")));
        failure
            .hint(format!("start one: `{}`, or `deskconnd` in a terminal", how_to_start()))
            .hint(format!("or name one: {NAME_ANOTHER}"))
    }
}

/// The directory on the way to a socket that does not let this user see whether the socket is there.
pub(crate) fn hidden_by(socket: &Path) -> Option<PathBuf> {
    let seen = std::fs::symlink_metadata(socket);
    let is_hidden = seen.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    let hides = |above: &&Path| std::fs::metadata(above).is_ok();
    is_hidden.then(|| socket.ancestors().find(hides).unwrap_or(Path::new("/")).to_owned())
}

/// What opens a directory to this user.
pub(crate) fn how_to_open(directory: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let (shown, own) = (directory.display(), rustix::process::geteuid().as_raw());
    match std::fs::metadata(directory) {
        Ok(found) if found.uid() == own => format!("chmod 700 {shown}"),
        Ok(found) => format!(
            "it belongs to another user ({}), and so would a desktop there: ask that user; if it is yours: sudo chown {own} {shown}",
            found.uid()
        ),
        Err(error) => format!("see what {shown} is: {error}"),
    }
}

/// Whether one runs, for a person.
pub(crate) fn news() -> String {
    let is_running = sockets_here()
        .iter()
        .any(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok());
    if is_running {
        return "A desktop is running here.".to_owned();
    }
    let start = how_to_start();
    format!("No desktop is running here. Start it: {start}, or deskconnd in a terminal.")
}

/// The command that starts the desktop of this user; root's is the system's, and a snap has a service for all.
fn how_to_start() -> &'static str {
    let snap = std::env::var_os("SNAP_NAME");
    let is_in_snap = snap.is_some_and(|name| name == "deskconn");
    start_command(rustix::process::geteuid().is_root(), is_in_snap)
}

const fn start_command(is_root: bool, is_in_snap: bool) -> &'static str {
    match (is_in_snap, is_root) {
        (true, _) => "sudo snap start --enable deskconn",
        (false, true) => "systemctl start deskconnd",
        (false, false) => "systemctl --user start deskconnd",
    }
}

/// Where the socket may be. `deskconnd` puts it there by the same rules.
fn sockets(uid: u32, variable: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let mut sockets = Vec::new();
    if uid != 0 {
        let in_runtime = |directory: PathBuf| directory.join("deskconn/deskconn.sock");
        sockets.extend(absolute("XDG_RUNTIME_DIR").map(in_runtime));
        sockets.push(in_runtime(format!("/run/user/{uid}").into()));
        let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        sockets.extend(data.map(|data| data.join("deskconn/run/deskconn.sock")));
    }
    sockets.extend(absolute("SNAP_COMMON").map(|common| common.join("run/deskconn.sock")));
    sockets.extend(SYSTEM_SOCKETS.map(PathBuf::from));
    let mut unlike = Vec::new();
    for socket in sockets {
        if !unlike.contains(&socket) {
            unlike.push(socket);
        }
    }
    unlike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desktop_is_started_by_what_it_is_installed_with() {
        assert_eq!(start_command(false, false), "systemctl --user start deskconnd");
        assert_eq!(start_command(true, false), "systemctl start deskconnd");
        for is_root in [false, true] {
            assert_eq!(start_command(is_root, true), "sudo snap start --enable deskconn");
        }
    }

    #[test]
    fn a_directory_that_hides_a_socket_is_told_from_a_socket_that_is_closed() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let (shut, socket) = (
            home.path().join("shut"),
            home.path().join("shut/deskconn/deskconn.sock"),
        );
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        std::fs::write(&socket, "").unwrap();
        assert_eq!(hidden_by(&socket), None, "it is there to be seen");
        assert_eq!(how_to_open(&shut), format!("chmod 700 {}", shut.display()));
        std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o000)).unwrap();
        if std::fs::metadata(&socket).is_ok() {
            println!("SKIPPED: root sees everything");
            return;
        }
        assert_eq!(hidden_by(&socket), Some(shut.clone()));
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let mut absent = Absent::default();
        let missed = absent.missed(
            socket.clone(),
            ConnectError::Unreachable(socket.display().to_string(), denied),
        );
        assert!(missed.is_ok());
        let told = absent.failure().to_string();
        assert_eq!(
            told,
            format!(
                "no desktop could be looked for: {} cannot be looked into",
                shut.display()
            )
        );
        std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_directory_of_another_user_is_opened_by_giving_it_back() {
        let told = how_to_open(Path::new("/"));
        let own = rustix::process::geteuid().as_raw();
        match own {
            0 => assert_eq!(told, "chmod 700 /"),
            own => assert_eq!(
                told,
                format!(
                    "it belongs to another user (0), and so would a desktop there: ask that user; if it is yours: sudo chown {own} /"
                )
            ),
        }
    }

    #[test]
    fn the_users_own_sockets_come_before_the_systems() {
        let variable = |name: &str| match name {
            "XDG_RUNTIME_DIR" => Some("/tmp/run".into()),
            "HOME" => Some("/home/joe".into()),
            _ => None,
        };
        let expected = [
            "/tmp/run/deskconn/deskconn.sock",
            "/run/user/1000/deskconn/deskconn.sock",
            "/home/joe/.local/share/deskconn/run/deskconn.sock",
            "/run/deskconn/deskconn.sock",
            "/var/snap/deskconn/common/run/deskconn.sock",
        ];
        assert_eq!(sockets(1000, &variable), expected.map(PathBuf::from));
        assert_eq!(sockets(0, &variable), SYSTEM_SOCKETS.map(PathBuf::from));
    }

    #[test]
    fn no_socket_is_tried_twice_and_relative_variables_mean_nothing() {
        let variable = |name: &str| match name {
            "XDG_RUNTIME_DIR" => Some("/run/user/1000".into()),
            "XDG_DATA_HOME" | "HOME" => Some("relative".into()),
            _ => None,
        };
        let sockets = sockets(1000, &variable);
        assert_eq!(sockets.len(), 3, "{sockets:?}");
    }
}
