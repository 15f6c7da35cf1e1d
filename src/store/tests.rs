//! Tests of the store with real files in a directory of their own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use pairing::device::{Kind, NewDevice};
use pairing::identity::DeviceKey;
use pairing::trust::TrustError;
use rand::rngs::SysRng;
use tempfile::TempDir;

use super::*;

/// What the first start makes, in the order of a listing.
const KEYS: [&str; 4] = [IDENTITY, NOISE, tls::CERTIFICATE, tls::KEY];

/// A home whose `state` is the directory of the store, not made yet.
pub(super) fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("share/deskconn");
    (home, state)
}

/// The same with two paired devices in it.
fn home_of_two() -> (TempDir, PathBuf) {
    let (home, state) = home();
    let store = Store::open(&state).unwrap();
    pair(&store, "one").unwrap();
    pair(&store, "two").unwrap();
    (home, state)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(state: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(state)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn phone(name: &str) -> NewDevice {
    let key = Identity::generate(&mut SysRng).unwrap().public();
    NewDevice {
        key: DeviceKey::from_bytes(&key).unwrap(),
        noise: None,
        name: Some(name.into()),
        kind: Kind::Lib,
        role: "remote".into(),
        grants: Vec::new(),
        address: None,
        expires: None,
        legacy: true,
    }
}

pub(super) fn pair(store: &Store, name: &str) -> Result<String, StoreError> {
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    store
        .change_trust(|trust| trust.add(phone(name), now, &mut SysRng))
        .map(|device| device.id)
}

pub(super) fn paired(store: &Store) -> Vec<String> {
    store.with_trust(|trust| trust.devices().iter().map(|device| device.name.clone()).collect())
}

/// Does what a command of an error message says. Not by a shell: between its fork and its exec a child holds the locks
/// of all stores of this process.
pub(super) fn follow(line: &str) {
    for command in line.split(" && ") {
        match command.split(' ').collect::<Vec<_>>()[..] {
            ["mv", from, to] => fs::rename(from, to).unwrap(),
            ["cp", from, to] => drop(fs::copy(from, to).unwrap()),
            _ => panic!("{line}"),
        }
    }
}

pub(super) fn refused(state: &Path) -> String {
    Store::open(state).unwrap_err().to_string()
}

#[test]
fn the_first_start_makes_a_closed_directory_with_an_identity_that_stays() {
    let (_home, state) = home();
    let first = Store::open(&state).unwrap();
    assert_eq!(first.read_only(), None);
    assert_eq!((mode(&state), mode(state.parent().unwrap())), (0o700, 0o700));
    assert_eq!(mode(&state.join(IDENTITY)), 0o600);
    assert_eq!(names(&state), KEYS);
    for name in KEYS {
        assert_eq!(mode(&state.join(name)), 0o600, "{name}");
    }
    let keys = |store: &Store| {
        (
            store.identity().id(),
            store.noise_secret(),
            store.noise_public(),
            store.tls(),
        )
    };
    let made = keys(&first);
    drop(first);
    assert!(keys(&Store::open(&state).unwrap()) == made);
}

#[test]
fn devices_and_switches_survive_a_restart() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    assert_eq!(store.switches(), Switches { discovery: None });
    let id = pair(&store, "Pixel 9").unwrap();
    store.set_discovery(false).unwrap();
    drop(store);
    let store = Store::open(&state).unwrap();
    assert_eq!(paired(&store), ["Pixel 9"]);
    assert_eq!(store.with_trust(|trust| trust.devices()[0].id.clone()), id);
    assert_eq!(store.switches(), Switches { discovery: Some(false) });
    for name in [DEVICES, SWITCHES] {
        assert_eq!(mode(&state.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_refused_change_changes_neither_the_memory_nor_the_file() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    pair(&store, "Pixel 9").unwrap();
    let before = fs::read(state.join(DEVICES)).unwrap();
    let error = store.change_trust(|trust| trust.revoke("d_nobody00")).unwrap_err();
    assert!(
        matches!(error, StoreError::Trust(TrustError::NoSuchDevice(_))),
        "{error}"
    );
    assert_eq!(fs::read(state.join(DEVICES)).unwrap(), before);
    assert_eq!(paired(&store), ["Pixel 9"]);
}

#[test]
fn each_change_keeps_the_list_before_it() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    pair(&store, "one").unwrap();
    assert!(!state.join("devices.json.bak").exists());
    pair(&store, "two").unwrap();
    let backup: Trust = serde_json::from_slice(&fs::read(state.join("devices.json.bak")).unwrap()).unwrap();
    assert_eq!(backup.devices().len(), 1);
    assert_eq!(mode(&state.join("devices.json.bak")), 0o600);
    assert_eq!(
        names(&state),
        [&[DEVICES, "devices.json.bak"], &KEYS[..]].concat(),
        "nothing temporary is left"
    );
}

#[test]
fn what_may_be_lost_reaches_the_disk_by_a_flush() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    let id = pair(&store, "one").unwrap();
    let (file, inode) = (state.join(DEVICES), fs::metadata(state.join(DEVICES)).unwrap().ino());
    let later = OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap();
    store
        .note_trust(|trust| trust.seen(&id, later, Some("10.0.0.9")))
        .unwrap();
    assert_eq!(fs::metadata(&file).unwrap().ino(), inode, "not written yet");
    store.flush().unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("10.0.0.9"));
    let inode = fs::metadata(&file).unwrap().ino();
    store.flush().unwrap();
    assert_eq!(fs::metadata(&file).unwrap().ino(), inode, "nothing to write");
}

#[test]
fn an_identity_or_directory_open_to_others_is_refused_with_the_command_that_closes_it() {
    let (_home, state) = home();
    drop(Store::open(&state).unwrap());
    for (path, open, closed) in [
        (state.join(NOISE), 0o640, 0o600),
        (state.join(tls::KEY), 0o604, 0o600),
        (state.join(IDENTITY), 0o640, 0o600),
        (state.join(IDENTITY), 0o604, 0o600),
        (state.clone(), 0o710, 0o700),
    ] {
        chmod(&path, open);
        let told = refused(&state);
        assert!(told.contains(&format!("chmod {closed:o} {}", path.display())), "{told}");
        chmod(&path, closed);
        assert!(Store::open(&state).is_ok());
    }
}

#[test]
fn a_list_of_devices_open_to_others_is_refused_too() {
    let (_home, state) = home();
    pair(&Store::open(&state).unwrap(), "one").unwrap();
    chmod(&state.join(DEVICES), 0o644);
    assert!(refused(&state).contains("mode 644"));
}

#[test]
fn files_of_another_user_are_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can give a file away");
        return;
    }
    let (_home, state) = home();
    drop(Store::open(&state).unwrap());
    for path in [state.join(IDENTITY), state.clone()] {
        std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
        let told = refused(&state);
        assert!(told.contains("user 65534") && told.contains("sudo chown 0"), "{told}");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
}

#[test]
fn links_pipes_and_directories_in_place_of_a_file_are_refused_and_not_followed() {
    let (home, state) = home();
    drop(Store::open(&state).unwrap());
    let identity = state.join(IDENTITY);
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&identity, &elsewhere).unwrap();
    symlink(&elsewhere, &identity).unwrap();
    assert!(refused(&state).contains("not an ordinary file"));
    fs::remove_file(&identity).unwrap();
    fs::create_dir(&identity).unwrap();
    assert!(refused(&state).contains("not an ordinary file"));
    fs::remove_dir(&identity).unwrap();
    let mode = rustix::fs::Mode::from_bits_truncate(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &identity, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(
        refused(&state).contains("not an ordinary file"),
        "and the pipe was not waited for"
    );
}

#[test]
fn a_link_in_place_of_a_file_to_be_written_is_replaced_and_its_target_left_alone() {
    let (home, state) = home();
    let store = Store::open(&state).unwrap();
    let target = home.path().join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, state.join("devices.json.new")).unwrap();
    symlink(&target, state.join("devices.json.bak.new")).unwrap();
    pair(&store, "one").unwrap();
    pair(&store, "two").unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(fs::symlink_metadata(state.join(DEVICES)).unwrap().is_file());
}

#[test]
fn what_a_crash_left_behind_is_cleared_away() {
    let (_home, state) = home();
    drop(Store::open(&state).unwrap());
    for leftover in [
        "identity.key.new",
        "devices.json.new",
        "devices.json.bak.new",
        "state.json.new",
        "state.json.bak.new",
        "noise.key.new",
        "tls.key.new",
        "tls.crt.new",
        "probe.new",
    ] {
        fs::write(state.join(leftover), "half").unwrap();
    }
    let store = Store::open(&state).unwrap();
    assert_eq!(store.read_only(), None);
    assert_eq!(names(&state), KEYS);
    pair(&store, "one").unwrap();
    pair(&store, "two").unwrap();
    assert_eq!(paired(&store), ["one", "two"]);
    assert_eq!(names(&state), [&[DEVICES, "devices.json.bak"], &KEYS[..]].concat());
}

#[test]
fn a_damaged_list_stops_the_start_and_is_left_as_it_is() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    pair(&store, "one").unwrap();
    let file = state.join(DEVICES);
    drop(store);
    let whole = fs::read(&file).unwrap();
    for damaged in [
        &whole[..whole.len() / 2],
        b"",
        b"[]",
        b"{\"version\": 0, \"devices\": []}",
        b"\xff\xfe",
    ] {
        fs::write(&file, damaged).unwrap();
        let told = refused(&state);
        assert!(
            told.contains("devices.json is damaged") && told.contains(".damaged"),
            "{told}"
        );
        assert!(!told.contains(".bak"), "there is no backup to go back to: {told}");
        assert_eq!(fs::read(&file).unwrap(), damaged);
    }
}

#[test]
fn a_list_of_a_later_version_stops_the_start_and_nobody_is_told_to_begin_anew() {
    let (_home, state) = home_of_two();
    let later = br#"{"version": 9, "devices": [], "what_nobody_knows_yet": {}}"#;
    fs::write(state.join(DEVICES), later).unwrap();
    let told = refused(&state);
    assert!(
        told.contains("devices.json has version 9") && told.contains("a later one"),
        "{told}"
    );
    assert!(!told.contains("mv ") && !told.contains("cp "), "{told}");
    assert_eq!(fs::read(state.join(DEVICES)).unwrap(), later);
}

#[test]
fn the_way_back_that_a_damaged_list_names_works() {
    let (_home, state) = home_of_two();
    fs::write(state.join(DEVICES), "{").unwrap();
    let told = refused(&state);
    let command = told.split('`').find(|part| part.starts_with("cp ")).unwrap();
    follow(command);
    assert_eq!(paired(&Store::open(&state).unwrap()), ["one"]);
}

#[test]
fn a_damaged_key_is_never_replaced_by_a_new_one() {
    let (_home, state) = home();
    drop(Store::open(&state).unwrap());
    for name in [IDENTITY, NOISE, tls::KEY] {
        let whole = fs::read(state.join(name)).unwrap();
        for damaged in [&b""[..], b"00", b"not a key\n", b"\xff\xfe", &whole[..whole.len() / 2]] {
            fs::write(state.join(name), damaged).unwrap();
            let told = refused(&state);
            assert!(
                told.contains(&format!("{name} holds no key")) && told.contains("mv "),
                "{told}"
            );
            assert_eq!(fs::read(state.join(name)).unwrap(), damaged);
        }
        fs::write(state.join(name), whole).unwrap();
    }
    assert!(Store::open(&state).is_ok());
}

#[test]
fn a_damaged_switch_is_not_guessed() {
    let (_home, state) = home();
    drop(Store::open(&state).unwrap());
    fs::write(state.join(SWITCHES), "{\"discovery\": \"off\"}").unwrap();
    chmod(&state.join(SWITCHES), 0o600);
    assert!(refused(&state).contains("state.json is damaged"));
}

#[test]
fn a_file_is_read_up_to_its_limit_and_refused_past_it() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    store.set_discovery(true).unwrap();
    drop(store);
    let text = fs::read_to_string(state.join(SWITCHES)).unwrap();
    let limit = usize::try_from(MAX_SWITCHES).unwrap();
    fs::write(state.join(SWITCHES), format!("{text:limit$}")).unwrap();
    assert_eq!(Store::open(&state).unwrap().switches().discovery, Some(true));
    fs::write(state.join(SWITCHES), format!("{text:width$}", width = limit + 1)).unwrap();
    assert!(refused(&state).contains("more than 4096 bytes"));
}
