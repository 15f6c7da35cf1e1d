//! Tests of the places, each with surroundings of its own.

use super::*;

fn around(uid: u32, home: Option<&str>, variables: &'static [(&str, &str)], writable: &'static [&str]) -> Places {
    Places {
        uid,
        home: home.map(PathBuf::from),
        variables,
        writable,
    }
}

struct Places {
    uid: u32,
    home: Option<PathBuf>,
    variables: &'static [(&'static str, &'static str)],
    writable: &'static [&'static str],
}

impl Places {
    fn with<R>(&self, use_it: impl FnOnce(&Surroundings<'_>) -> R) -> R {
        use_it(&Surroundings {
            uid: self.uid,
            home: self.home.clone(),
            variable: &|name| {
                self.variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value.into())
            },
            is_writable: &|path| self.writable.iter().any(|writable| Path::new(writable) == path),
        })
    }

    fn find(&self) -> Paths {
        self.with(|around| Paths::find(around).unwrap())
    }
}

#[test]
fn a_user_with_everything_set_gets_what_is_set() {
    let variables = &[
        ("XDG_CONFIG_HOME", "/c"),
        ("XDG_DATA_HOME", "/d"),
        ("XDG_RUNTIME_DIR", "/r"),
        ("STATE_DIRECTORY", "/not/ours"),
    ];
    let paths = around(1000, Some("/home/u"), variables, &["/r", "/run/user/1000"]).find();
    assert_eq!(paths.config, Path::new("/c/deskconn/config.toml"));
    assert_eq!(paths.state, Path::new("/d/deskconn"));
    assert_eq!(paths.socket, Path::new("/r/deskconn/deskconn.sock"));
    assert!(!paths.is_system);
}

#[test]
fn a_user_with_nothing_set_gets_the_usual_places() {
    let paths = around(1000, Some("/home/u"), &[], &["/run/user/1000"]).find();
    assert_eq!(paths.config, Path::new("/home/u/.config/deskconn/config.toml"));
    assert_eq!(paths.state, Path::new("/home/u/.local/share/deskconn"));
    assert_eq!(paths.socket, Path::new("/run/user/1000/deskconn/deskconn.sock"));
}

#[test]
fn without_a_writable_runtime_directory_the_socket_is_below_the_state() {
    for variables in [
        &[][..],
        &[("XDG_RUNTIME_DIR", "/read/only")],
        &[("XDG_RUNTIME_DIR", "relative")],
    ] {
        let paths = around(1000, Some("/home/u"), variables, &["relative"]).find();
        assert_eq!(
            paths.socket,
            Path::new("/home/u/.local/share/deskconn/run/deskconn.sock"),
            "{variables:?}"
        );
    }
}

#[test]
fn an_unwritable_runtime_variable_falls_back_to_the_directory_of_logind() {
    let paths = around(
        1000,
        Some("/home/u"),
        &[("XDG_RUNTIME_DIR", "/gone")],
        &["/run/user/1000"],
    )
    .find();
    assert_eq!(paths.socket, Path::new("/run/user/1000/deskconn/deskconn.sock"));
}

#[test]
fn relative_xdg_paths_are_ignored() {
    let paths = around(1000, Some("/home/u"), &[("XDG_DATA_HOME", "data")], &[]).find();
    assert_eq!(paths.state, Path::new("/home/u/.local/share/deskconn"));
}

#[test]
fn a_user_without_a_home_is_told_the_variable_to_set() {
    let error = around(1000, None, &[], &[]).with(|around| Paths::find(around).unwrap_err());
    assert_eq!(
        error,
        PathError::NoHome {
            variable: "XDG_DATA_HOME"
        }
    );
    assert!(error.to_string().contains("XDG_DATA_HOME"));
    let variables = &[("XDG_DATA_HOME", "/d"), ("XDG_CONFIG_HOME", "/c")];
    assert_eq!(
        around(1000, None, variables, &[]).find().state,
        Path::new("/d/deskconn")
    );
}

#[test]
fn root_is_the_system_service_and_ignores_the_variables_of_a_login() {
    let login = &[
        ("XDG_RUNTIME_DIR", "/run/user/0"),
        ("XDG_DATA_HOME", "/home/root/d"),
        ("XDG_CONFIG_HOME", "/home/root/c"),
    ];
    let paths = around(0, Some("/home/root"), login, &["/run/user/0"]).find();
    assert_eq!(paths.config, Path::new("/etc/deskconn/config.toml"));
    assert_eq!(paths.state, Path::new("/var/lib/deskconn"));
    assert_eq!(paths.socket, Path::new("/run/deskconn/deskconn.sock"));
    assert!(paths.is_system);
}

#[test]
fn systemd_hands_over_directories_and_the_first_of_several_is_ours() {
    let handed = &[
        ("STATE_DIRECTORY", "/s/deskconn:/s/other"),
        ("RUNTIME_DIRECTORY", "/r/deskconn"),
        ("CONFIGURATION_DIRECTORY", "/e/deskconn"),
        ("SNAP_COMMON", "/var/snap/deskconn/common"),
    ];
    let paths = around(0, None, handed, &[]).find();
    assert_eq!(paths.config, Path::new("/e/deskconn/config.toml"));
    assert_eq!(paths.state, Path::new("/s/deskconn"));
    assert_eq!(paths.socket, Path::new("/r/deskconn/deskconn.sock"));
}

#[test]
fn in_a_snap_everything_is_below_its_common_directory() {
    let paths = around(0, None, &[("SNAP_COMMON", "/var/snap/deskconn/common")], &[]).find();
    assert_eq!(
        paths.config,
        Path::new("/var/snap/deskconn/common/deskconn/config.toml")
    );
    assert_eq!(paths.state, Path::new("/var/snap/deskconn/common/deskconn"));
    assert_eq!(paths.socket, Path::new("/var/snap/deskconn/common/run/deskconn.sock"));
}

#[test]
fn a_local_program_searches_the_users_places_and_then_the_systems() {
    let user = around(1000, Some("/home/u"), &[("XDG_RUNTIME_DIR", "/r")], &[]);
    let expected = [
        "/r/deskconn/deskconn.sock",
        "/run/user/1000/deskconn/deskconn.sock",
        "/home/u/.local/share/deskconn/run/deskconn.sock",
        "/run/deskconn/deskconn.sock",
    ];
    assert_eq!(
        user.with(|around| Paths::sockets(around).unwrap()),
        expected.map(PathBuf::from)
    );
    let root = around(0, None, &[], &[]);
    assert_eq!(
        root.with(|around| Paths::sockets(around).unwrap()),
        [PathBuf::from("/run/deskconn/deskconn.sock")]
    );
}

#[test]
fn wherever_the_daemon_puts_its_socket_a_local_program_looks() {
    for writable in [&["/r", "/run/user/7"][..], &["/run/user/7"], &[]] {
        let places = around(7, Some("/home/u"), &[("XDG_RUNTIME_DIR", "/r")], writable);
        let socket = places.find().socket;
        assert!(
            places.with(|around| Paths::sockets(around).unwrap()).contains(&socket),
            "{socket:?}"
        );
    }
}

#[test]
fn the_longest_socket_path_of_the_kernel_is_taken_and_one_byte_more_is_refused() {
    let directory = tempfile::Builder::new().prefix("s").tempdir_in("/tmp").unwrap();
    let fill = |length: usize| {
        let missing = length - directory.path().as_os_str().len() - 1;
        directory.path().join("x".repeat(missing))
    };
    let longest = fill(MAX_SOCKET_PATH);
    assert_eq!(check_socket(&longest), Ok(()));
    std::os::unix::net::UnixListener::bind(&longest).unwrap();
    let longer = fill(MAX_SOCKET_PATH + 1);
    let error = check_socket(&longer).unwrap_err();
    assert!(
        error.to_string().contains("108 bytes") && error.to_string().contains("[listen]"),
        "{error}"
    );
    assert!(std::os::unix::net::UnixListener::bind(&longer).is_err());
}

#[test]
fn this_process_has_places() {
    let paths = Paths::of_this_process().unwrap();
    assert!(paths.state.is_absolute() && paths.socket.ends_with(SOCKET_NAME));
}
