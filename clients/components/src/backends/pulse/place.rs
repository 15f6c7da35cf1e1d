//! Where the sound server of a user is found: `pulse-client.conf(5)` and the environment variables of PulseAudio's
//! clients. Servers on other machines are not this desktop's sound, and are not spoken to.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Where to look.
#[derive(Debug, Clone)]
pub struct Place {
    /// `PULSE_SERVER`: the server by its address.
    pub server: Option<String>,
    /// `PULSE_RUNTIME_PATH`, or `pulse` in `XDG_RUNTIME_DIR`: the directory with its socket.
    pub runtime: Option<PathBuf>,
    /// Files that may hold the secret by which a server of another user knows its clients, the first that can be read
    /// counts. A server of the same user needs none.
    pub cookies: Vec<PathBuf>,
}

/// A server that may be there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) socket: PathBuf,
    pub(super) cookie: Vec<u8>,
}

/// The length of the secret (`PA_NATIVE_COOKIE_LENGTH`); servers take no other, also from those that need none.
const COOKIE_BYTES: usize = 256;

/// The run-time directory of the session, by what `XDG_RUNTIME_DIR` says: snapd gives a snap one of its own, `snap.NAME`
/// below it, which need not exist, and in which no server of the session is.
#[must_use]
pub fn session_runtime(given: PathBuf) -> PathBuf {
    let name = given.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match given.parent() {
        Some(parent) if name.starts_with("snap.") => parent.to_owned(),
        _ => given,
    }
}

impl Place {
    /// As the environment says.
    #[must_use]
    pub fn of_environment() -> Self {
        let path = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = |name: &str| path("HOME").map(|home| home.join(name));
        let config = path("XDG_CONFIG_HOME").or_else(|| home(".config"));
        Self {
            server: std::env::var("PULSE_SERVER").ok().filter(|server| !server.is_empty()),
            runtime: path("PULSE_RUNTIME_PATH")
                .or_else(|| path("XDG_RUNTIME_DIR").map(|path| session_runtime(path).join("pulse"))),
            cookies: [
                path("PULSE_COOKIE"),
                config.map(|config| config.join("pulse/cookie")),
                home(".pulse-cookie"),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    /// The server, or why it cannot be known. Blocks, as reading a file does.
    pub(super) fn server(&self) -> Result<Server, String> {
        let named = self.server.as_deref().and_then(local_address);
        let socket = match (&self.server, named, &self.runtime) {
            (Some(_), Some(socket), _) => socket,
            (Some(server), None, _) => return Err(format!("PULSE_SERVER is {server}, which is not on this machine")),
            (None, _, Some(runtime)) => runtime.join("native"),
            (None, _, None) => return Err("neither PULSE_SERVER nor XDG_RUNTIME_DIR says where it is".into()),
        };
        let mut cookie = self.cookies.iter().find_map(|path| cookie(path)).unwrap_or_default();
        cookie.resize(COOKIE_BYTES, 0);
        Ok(Server { socket, cookie })
    }
}

fn cookie(path: &Path) -> Option<Vec<u8>> {
    let mut cookie = Vec::new();
    let file = File::open(path).ok()?;
    file.take(COOKIE_BYTES as u64).read_to_end(&mut cookie).ok()?;
    Some(cookie)
}

/// The first socket of a list of addresses, each of which may begin with the machine it holds for.
fn local_address(servers: &str) -> Option<PathBuf> {
    servers.split_whitespace().find_map(|server| {
        let address = match server.strip_prefix('{') {
            Some(rest) => rest.split_once('}')?.1,
            None => server,
        };
        let path = address.strip_prefix("unix:").unwrap_or(address);
        path.starts_with('/').then(|| PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snap_finds_the_servers_of_the_session_above_its_own_directory() {
        let above = |given: &str| session_runtime(given.into());
        assert_eq!(above("/run/user/7/snap.deskconn"), Path::new("/run/user/7"));
        assert_eq!(above("/run/user/7"), Path::new("/run/user/7"));
        assert_eq!(above("/"), Path::new("/"));
    }

    fn place(server: Option<&str>) -> Place {
        Place {
            server: server.map(str::to_owned),
            runtime: Some("/run/user/7/pulse".into()),
            cookies: Vec::new(),
        }
    }

    fn socket(server: Option<&str>) -> Result<PathBuf, String> {
        place(server).server().map(|server| server.socket)
    }

    #[test]
    fn a_server_is_named_or_in_the_runtime_directory() {
        assert_eq!(socket(None), Ok("/run/user/7/pulse/native".into()));
        for named in ["unix:/s", "/s", "{0123abcd}unix:/s", "tcp:desk unix:/s"] {
            assert_eq!(socket(Some(named)), Ok("/s".into()), "{named}");
        }
        let nowhere = Place {
            runtime: None,
            ..place(None)
        };
        assert!(nowhere.server().unwrap_err().contains("XDG_RUNTIME_DIR"));
    }

    #[test]
    fn a_server_on_another_machine_is_not_spoken_to() {
        for named in ["tcp:desk:4713", "desk", "{0123abcd"] {
            assert!(socket(Some(named)).unwrap_err().contains(named), "{named}");
        }
    }

    #[test]
    fn the_first_cookie_that_can_be_read_counts_and_each_has_its_length() {
        assert_eq!(
            place(None).server().unwrap().cookie,
            vec![0; 256],
            "a server of the same user needs none"
        );
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cookie");
        for length in [255, 256, 257] {
            std::fs::write(&path, vec![7; length]).unwrap();
            let cookies = vec![directory.path().join("none"), path.clone()];
            let cookie = Place { cookies, ..place(None) }.server().unwrap().cookie;
            assert_eq!((cookie.len(), cookie[254]), (256, 7));
            assert_eq!(cookie[255], if length < 256 { 0 } else { 7 });
        }
    }
}
