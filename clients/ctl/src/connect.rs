//! From the global options to a session: the desktop of this user over its Unix socket, or another one by its address.
//! Those that this command line is paired with are the business of [`crate::distant`].

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use client::{ConnectError, Options, Serializer, Session, SigningKey, Target};

use crate::args::Global;
use crate::distant;
use crate::failure::Failure;
use crate::key;

/// The realm of desktops.
const REALM: &str = "deskconn";
/// The port of desktops.
pub(crate) const PORT: u16 = 5020;
/// How long opening a session may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the system's desktops have their socket: the service of the distribution, and the snap's.
const SYSTEM_SOCKETS: [&str; 2] = [
    "/run/deskconn/deskconn.sock",
    "/var/snap/deskconn/common/run/deskconn.sock",
];

/// Opens a session.
pub(crate) async fn open(global: &Global) -> Result<Session, Failure> {
    let realm = global.realm.as_deref().unwrap_or(REALM);
    let mut options = Options {
        patience: PATIENCE,
        ..Options::new(realm)
    };
    if let Some(serializer) = global.serializer {
        options.serializers = vec![Serializer::from(serializer)];
    }
    if let Some(name) = &global.desktop {
        return distant::open(name, global, options).await;
    }
    match &global.at {
        Some(at) => {
            options.key = login(global, realm)?;
            Ok(Session::connect(&target(at)?, options).await?)
        }
        None => local(options).await,
    }
}

/// The key to log in with: the one that was asked for; or the usual one, if it is there and this is a desktop.
fn login(global: &Global, realm: &str) -> Result<Option<SigningKey>, Failure> {
    if global.anonymous {
        return Ok(None);
    }
    if let Some(path) = &global.key {
        return key::read(path).map(Some);
    }
    let usual = key::default_path().filter(|path| realm == REALM && path.exists());
    usual.map(|path| key::read(&path)).transpose()
}

/// An address as people write it: a whole one, or a host with or without a port.
fn target(at: &str) -> Result<Target, Failure> {
    if at.contains("://") || at.starts_with("unix:") {
        return Ok(at.parse()?);
    }
    let is_bare_v6 = at.parse::<std::net::Ipv6Addr>().is_ok();
    let host = if is_bare_v6 { format!("[{at}]") } else { at.to_owned() };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let host = if has_port { host } else { format!("{host}:{PORT}") };
    Ok(format!("ws://{host}/ws").parse()?)
}

/// The system's desktop on this machine, or the one at an address that was given.
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
async fn local(options: Options) -> Result<Session, Failure> {
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
        .hint("or name one: --desktop NAME for one of `deskconnctl desktops`, --at HOST:PORT for any"))
}

/// The command that starts the desktop of this user; root's is the system's, and a snap has a service for all.
pub(crate) fn how_to_start() -> &'static str {
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
    fn addresses_are_understood_as_people_write_them() {
        for (at, expected) in [
            ("192.168.1.5", "ws://192.168.1.5:5020/ws"),
            ("192.168.1.5:80", "ws://192.168.1.5:80/ws"),
            ("desk.local", "ws://desk.local:5020/ws"),
            ("::1", "ws://[::1]:5020/ws"),
            ("[::1]", "ws://[::1]:5020/ws"),
            ("[::1]:80", "ws://[::1]:80/ws"),
            ("ws://desk.local:80/other", "ws://desk.local:80/other"),
            ("rs://desk.local:80", "rs://desk.local:80"),
            ("unix:/run/x.sock", "unix:/run/x.sock"),
        ] {
            assert_eq!(target(at).unwrap().to_string(), expected, "{at}");
        }
        for at in ["", ":80", "host:99999", "http://host:80", "unix:relative"] {
            assert!(matches!(target(at), Err(Failure::Usage(_))), "{at}");
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
