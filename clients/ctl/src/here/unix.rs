//! The Unix sockets of desktops: which there may be, and a session over the first that answers.

use std::io;
use std::path::PathBuf;

use client::{ConnectError, Options, Session, Target};

use super::NAME_ANOTHER;
#[cfg(target_os = "linux")]
use crate::args::Global;
use crate::failure::Failure;

/// Where the system's desktops have their socket: the service of the distribution, and the snap's.
const SYSTEM_SOCKETS: [&str; 2] = [
    "/run/deskconn/deskconn.sock",
    "/var/snap/deskconn/common/run/deskconn.sock",
];

/// The system's desktop on this machine, or the one at an address that was given.
#[cfg(target_os = "linux")]
pub(crate) async fn system(global: &Global, options: Options) -> Result<Session, ConnectError> {
    if let Some(at) = &global.at {
        return Session::connect(&at.parse()?, options).await;
    }
    let mut last = None;
    for socket in sockets(0, &|name| std::env::var_os(name).map(PathBuf::from)) {
        match Session::connect(&Target::Unix(socket), options.clone()).await {
            Err(error @ ConnectError::Unreachable(..)) => last = last.or(Some(error)),
            other => return other,
        }
    }
    Err(last.unwrap_or_else(|| ConnectError::Target(SYSTEM_SOCKETS[0].to_owned())))
}

/// Where the desktop on this machine may have its socket: that of this user, then that of the system.
pub(crate) fn sockets_here() -> Vec<PathBuf> {
    sockets(rustix::process::geteuid().as_raw(), &|name| {
        std::env::var_os(name).map(PathBuf::from)
    })
}

/// The desktop on this machine: the user's own, then the system's.
pub(crate) async fn open(options: Options) -> Result<Session, Failure> {
    let sockets = sockets_here();
    let mut closed = None;
    for socket in &sockets {
        match Session::connect(&Target::Unix(socket.clone()), options.clone()).await {
            Ok(session) => return Ok(session),
            Err(ConnectError::Unreachable(_, error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                closed = Some(socket);
            }
            // Whom the system's desktop does not know it leaves without a word.
            Err(ConnectError::NotWamp(..)) => closed = Some(socket),
            Err(ConnectError::Unreachable(..)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(socket) = closed {
        let socket = socket.display();
        let why = format!("a desktop runs at {socket}, but does not let this user in");
        let hint = "it is its own user's, or the system's, which is for whoever sits at the machine and for the users named \
                    in `owners` of its configuration";
        return Err(Failure::failed(why).hint(hint));
    }
    let places: Vec<String> = sockets.iter().map(|socket| socket.display().to_string()).collect();
    let failure = Failure::NotFound(format!("no desktop is running here (looked at {})", places.join(", ")));
    Err(failure
        .hint(format!("start one: `{}`, or `deskconnd` in a terminal", how_to_start()))
        .hint(format!("or name one: {NAME_ANOTHER}")))
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
