//! Tests of a state directory that the daemon's user is not let into.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

use super::*;

/// What the start says where the system refused to make or open the directory.
fn told(path: &Path, errno: Errno) -> Unusable {
    unusable(path, "opened", &errno.into())
}

#[test]
fn a_directory_of_another_user_that_stays_shut_stops_the_start_with_the_command_that_gives_it_back() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can give a directory away");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    chown(home.path(), Some(65534), None).unwrap();
    let Unusable::Refused(error) = told(home.path(), Errno::ACCESS) else {
        panic!("the daemon would go on with new keys");
    };
    let expected = format!(
        "belongs to user 65534 and this daemon runs as user 0; if it is yours, run: sudo chown 0 {}",
        home.path().display()
    );
    assert!(error.to_string().contains(&expected), "{error}");
}

#[test]
fn a_directory_that_its_own_user_may_not_open_stops_the_start_with_the_command_that_opens_it() {
    let home = tempfile::tempdir().unwrap();
    let Unusable::Refused(error) = told(home.path(), Errno::ACCESS) else {
        panic!("the daemon would go on with new keys");
    };
    assert!(
        error
            .to_string()
            .ends_with(&format!("chmod 700 {}", home.path().display())),
        "{error}"
    );
}

#[test]
fn a_directory_behind_a_closed_one_stops_the_start_and_names_the_closed_one() {
    let home = tempfile::tempdir().unwrap();
    let (above, state) = (home.path().join("share"), home.path().join("share/deskconn"));
    fs::create_dir_all(&state).unwrap();
    fs::set_permissions(&above, Permissions::from_mode(0o000)).unwrap();
    if fs::metadata(&state).is_ok() {
        println!("SKIPPED: root is let through everywhere");
        return;
    }
    let Err(Unusable::Refused(error)) = StateDir::open(&state) else {
        panic!("the daemon would go on with new keys");
    };
    fs::set_permissions(&above, Permissions::from_mode(0o700)).unwrap();
    let expected = format!(
        "{} cannot be looked at, since {} does not let user",
        state.display(),
        above.display()
    );
    assert!(error.to_string().contains(&expected), "{error}");
}

#[test]
fn where_there_is_no_directory_and_none_may_be_made_the_daemon_goes_on() {
    let home = tempfile::tempdir().unwrap();
    for errno in [Errno::ACCESS, Errno::PERM, Errno::ROFS] {
        let Unusable::NotWritable(reason) = told(&home.path().join("deskconn"), errno) else {
            panic!("a place where nothing can be kept stops the start: {errno}");
        };
        assert!(reason.contains("deskconn cannot be opened"), "{reason}");
    }
}
