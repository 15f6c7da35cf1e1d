//! The configuration file and the state directory.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use super::Check;
use super::system::{Peer, Person, complaints};

/// Bits of a mode that give others something.
const OTHERS: u32 = 0o077;
/// Less than this and the next change of the list of devices may not be stored.
const LITTLE_SPACE: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Facts {
    /// The configuration file that is in use.
    pub(super) config: PathBuf,
    /// Whether it can be read.
    readable: Result<(), io::ErrorKind>,
    /// What the daemon's program finds wrong in it; none where that is not here.
    mistakes: Option<Vec<String>>,
    state: PathBuf,
    directory: Result<Directory, io::ErrorKind>,
    /// Who must be able to use them.
    uid: u32,
}

/// The state directory.
#[derive(Debug)]
struct Directory {
    uid: u32,
    mode: u32,
    is_read_only: bool,
    free_bytes: u64,
    /// Whether this program may write there, where it is run by the user in question.
    is_writable: Option<bool>,
}

pub(super) async fn look(person: &Person, daemon: Option<&Peer>) -> Facts {
    let uid = daemon.map_or(person.uid, |daemon| daemon.uid);
    let process = daemon.and_then(Peer::process);
    // Only the same user and root may see what the daemon was started with.
    let environment = process.as_ref().and_then(|process| process.environ().ok());
    let variable = |name: &str| match &environment {
        Some(environment) => environment.get(&OsString::from(name)).cloned(),
        None => std::env::var_os(name),
    };
    let (usual, state) = places(uid, &variable);
    let given = process.as_ref().and_then(|process| {
        let given = given(&process.cmdline().ok()?)?;
        Some(process.cwd().ok()?.join(given))
    });
    let config = given.unwrap_or(usual);
    let is_own = uid == rustix::process::geteuid().as_raw();
    let readable = File::open(&config).map(drop).map_err(|error| error.kind());
    let mistakes = match readable {
        Ok(()) => mistakes(&program(), &config).await,
        Err(_) => None,
    };
    Facts {
        readable,
        mistakes,
        directory: directory(&state, is_own).map_err(|error| error.kind()),
        config,
        state,
        uid,
    }
}

/// The daemon's program: it is installed beside this one, or where programs are.
fn program() -> PathBuf {
    let beside = std::env::current_exe().map(|path| path.with_file_name("deskconnd"));
    let beside = beside.ok().filter(|path| access(path, Access::EXEC_OK).is_ok());
    beside.unwrap_or_else(|| "deskconnd".into())
}

/// What the daemon's program says that is wrong in a configuration, a sentence each.
async fn mistakes(program: &Path, config: &Path) -> Option<Vec<String>> {
    let arguments = ["--check".as_ref(), "--config".as_ref(), config.as_os_str()];
    let (is_right, said) = complaints(program, &arguments).await?;
    let mistakes = said.lines().filter_map(|line| line.strip_prefix("deskconnd: "));
    let mistakes: Vec<_> = mistakes.map(str::to_owned).collect();
    // A program of that name that does not know `--check` has said nothing about the file.
    (is_right == mistakes.is_empty()).then_some(mistakes)
}

/// The value of `--config`.
fn given(arguments: &[String]) -> Option<PathBuf> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    None
}

/// The configuration file and the state directory, by the rules of `deskconnd`.
fn places(uid: u32, variable: &dyn Fn(&str) -> Option<OsString>) -> (PathBuf, PathBuf) {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if uid == 0 {
        let snap = absolute("SNAP_COMMON").map(|common| common.join("deskconn"));
        let place = |name: &str, usual: &str| absolute(name).or_else(|| snap.clone()).unwrap_or_else(|| usual.into());
        return (
            place("CONFIGURATION_DIRECTORY", "/etc/deskconn").join("config.toml"),
            place("STATE_DIRECTORY", "/var/lib/deskconn"),
        );
    }
    let home = absolute("HOME")
        .or_else(std::env::home_dir)
        .unwrap_or_else(|| "/".into());
    let config = absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
    let data = absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
    (config.join("deskconn/config.toml"), data.join("deskconn"))
}

fn directory(path: &Path, is_own: bool) -> io::Result<Directory> {
    let metadata = path.metadata()?;
    let file_system = statvfs(path)?;
    Ok(Directory {
        uid: metadata.uid(),
        mode: metadata.mode() & 0o7777,
        is_read_only: file_system.f_flag.contains(StatVfsMountFlags::RDONLY),
        free_bytes: file_system.f_bavail.saturating_mul(file_system.f_frsize),
        is_writable: is_own.then(|| access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()),
    })
}

pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    vec![configuration(facts), state(facts)]
}

fn configuration(facts: &Facts) -> Check {
    const CHECK: &str = "configuration";
    let shown = facts.config.display();
    match facts.readable {
        Ok(()) => match facts.mistakes.as_deref() {
            None => Check::unknown(
                CHECK,
                format!("{shown}: deskconnd, which knows what is right in it, does not say"),
                format!("deskconnd --check --config {shown}"),
            ),
            Some([]) => Check::ok(CHECK, shown.to_string()),
            Some([mistake, others @ ..]) => {
                let more = match others.len() {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                let mend = format!("correct it, and see: deskconnd --check --config {shown}");
                Check::failed(CHECK, format!("{mistake}{more}"), mend)
            }
        },
        Err(io::ErrorKind::NotFound) => Check::ok(CHECK, format!("the defaults: there is no {shown}")),
        Err(io::ErrorKind::PermissionDenied) if facts.uid != rustix::process::geteuid().as_raw() => Check::unknown(
            CHECK,
            format!("this user may not read {shown}"),
            "sudo deskconnctl doctor",
        ),
        Err(kind) => Check::failed(
            CHECK,
            format!("{shown} cannot be read: {kind}"),
            format!("chmod u+r {shown}, and see that it is a file"),
        ),
    }
}

fn state(facts: &Facts) -> Check {
    const CHECK: &str = "state";
    let shown = facts.state.display();
    let directory = match &facts.directory {
        Ok(directory) => directory,
        Err(io::ErrorKind::NotFound) => {
            return Check::ok(CHECK, format!("nothing yet: the daemon makes {shown}"));
        }
        Err(io::ErrorKind::PermissionDenied) => {
            let found = format!("this user may not look at {shown}");
            return Check::unknown(CHECK, found, "sudo deskconnctl doctor");
        }
        Err(kind) => return Check::failed(CHECK, format!("{shown}: {kind}"), format!("see what {shown} is")),
    };
    if directory.uid != facts.uid {
        let found = format!(
            "{shown} belongs to user {}, and the daemon runs as {}",
            directory.uid, facts.uid
        );
        return Check::failed(CHECK, found, format!("sudo chown -R {} {shown}", facts.uid));
    }
    if directory.mode & OTHERS != 0 {
        let found = format!("others may use {shown} (mode {:o}), where keys are", directory.mode);
        return Check::failed(CHECK, found, format!("chmod 700 {shown}"));
    }
    if directory.is_read_only {
        let found = format!("the file system of {shown} can only be read: no device can be paired");
        return Check::failed(CHECK, found, "mount it for writing: sudo mount -o remount,rw …");
    }
    if directory.is_writable == Some(false) {
        let found = format!("the daemon's user may not write in {shown}: no device can be paired");
        return Check::failed(CHECK, found, format!("chmod 700 {shown}"));
    }
    if directory.free_bytes < LITTLE_SPACE {
        let (free, wanted) = (directory.free_bytes >> 10, LITTLE_SPACE >> 10);
        let found = format!(
            "the file system of {shown} has {free} KiB free, of {wanted} that are wanted: devices may not be stored"
        );
        return Check::failed(CHECK, found, "make room there (df -h says how much)");
    }
    Check::ok(CHECK, shown.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn facts() -> Facts {
        Facts {
            config: "/home/joe/.config/deskconn/config.toml".into(),
            readable: Ok(()),
            mistakes: Some(Vec::new()),
            state: "/home/joe/state".into(),
            directory: Ok(Directory {
                uid: 1000,
                mode: 0o700,
                is_read_only: false,
                free_bytes: LITTLE_SPACE,
                is_writable: Some(true),
            }),
            uid: 1000,
        }
    }

    fn with(change: impl Fn(&mut Directory)) -> Check {
        let mut facts = facts();
        change(facts.directory.as_mut().unwrap());
        state(&facts)
    }

    #[test]
    fn a_private_directory_and_a_readable_file_are_fine() {
        assert!(judge(&facts()).iter().all(|check| check.state == State::Ok));
        let absent = Facts {
            readable: Err(io::ErrorKind::NotFound),
            directory: Err(io::ErrorKind::NotFound),
            ..facts()
        };
        assert!(
            judge(&absent).iter().all(|check| check.state == State::Ok),
            "a first start needs neither"
        );
    }

    #[test]
    fn each_fault_of_the_state_directory_has_its_own_mend() {
        let faults: [(Check, &str); 5] = [
            (with(|it| it.uid = 0), "sudo chown -R 1000 /home/joe/state"),
            (with(|it| it.mode = 0o750), "chmod 700 /home/joe/state"),
            (with(|it| it.is_read_only = true), "remount,rw"),
            (with(|it| it.is_writable = Some(false)), "chmod 700"),
            (with(|it| it.free_bytes = LITTLE_SPACE - 1), "make room"),
        ];
        for (check, mend) in faults {
            assert_eq!(check.state, State::Failed, "{check:?}");
            assert!(check.mend.as_ref().unwrap().contains(mend), "{check:?}");
        }
    }

    #[test]
    fn a_file_system_with_little_room_is_told_in_figures() {
        let found = with(|it| it.free_bytes = 232 << 10).found;
        assert!(found.contains("has 232 KiB free, of 1024 that are wanted"), "{found}");
    }

    #[test]
    fn a_configuration_that_cannot_be_read_fails() {
        let facts = Facts {
            readable: Err(io::ErrorKind::IsADirectory),
            ..facts()
        };
        assert_eq!(configuration(&facts).state, State::Failed);
    }

    #[test]
    fn a_configuration_with_mistakes_fails_with_the_first_of_them() {
        let of = |mistakes: &[&str]| {
            let mistakes = mistakes.iter().map(|it| (*it).to_owned()).collect();
            configuration(&Facts {
                mistakes: Some(mistakes),
                ..facts()
            })
        };
        assert_eq!(of(&[]).state, State::Ok);
        let one = of(&["c.toml, line 1: wrong"]);
        assert_eq!(
            (one.state, one.found.as_str()),
            (State::Failed, "c.toml, line 1: wrong")
        );
        assert!(one.mend.unwrap().contains("deskconnd --check"));
        assert!(of(&["a", "b", "c"]).found.ends_with("a, and 2 more"));
    }

    #[tokio::test]
    async fn what_the_daemons_program_says_is_told_and_another_program_is_not_believed() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("c.toml");
        let said = async |script: &str| {
            let program = home.path().join("deskconnd");
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
            mistakes(&program, &config).await
        };
        let of = |mistakes: &[&str]| Some(mistakes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let asked = "test \"$1 $2 ${3##*/}\" = '--check --config c.toml' || exit 7";
        assert_eq!(said(&format!("{asked}; echo 'warning: it is odd' >&2")).await, of(&[]));
        let wrong = "echo 'deskconnd: line 1' >&2; echo 'deskconnd: line 2' >&2; exit 1";
        assert_eq!(said(&format!("{asked}; {wrong}")).await, of(&["line 1", "line 2"]));
        assert_eq!(said("echo 'usage: something' >&2; exit 2").await, None);
        assert_eq!(mistakes(&home.path().join("nothing"), &config).await, None);
    }

    #[test]
    fn the_places_are_those_of_the_daemon() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/joe".into()),
            "XDG_DATA_HOME" => Some("/data".into()),
            "STATE_DIRECTORY" => Some("/var/lib/other".into()),
            _ => None,
        };
        let (config, state) = places(1000, &variable);
        assert_eq!(config, Path::new("/home/joe/.config/deskconn/config.toml"));
        assert_eq!(state, Path::new("/data/deskconn"));
        let (config, state) = places(0, &variable);
        assert_eq!(config, Path::new("/etc/deskconn/config.toml"));
        assert_eq!(state, Path::new("/var/lib/other"));
    }

    #[test]
    fn the_configuration_that_was_named_is_looked_at() {
        let of = |words: &[&str]| given(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["deskconnd", "--config", "a.toml"]), Some("a.toml".into()));
        assert_eq!(
            of(&["deskconnd", "--config=b.toml", "--port", "1"]),
            Some("b.toml".into())
        );
        assert_eq!(of(&["deskconnd", "--config"]), None);
    }
}
