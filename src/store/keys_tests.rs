//! Tests of the store where a key is gone, or is moved away as its error says.

use std::fs;
use std::path::Path;

use crate::store::files::StateDir;
use crate::store::keys::lost;
use crate::store::tests::{follow, home, pair, paired, refused};
use crate::store::{DEVICES, IDENTITY, NOISE, Store, tls};

/// What the next start says is lost.
fn told_lost(state: &Path) -> Vec<String> {
    lost(&StateDir::open(state).unwrap())
}

/// Does what stands between the backquotes of a sentence.
fn follow_what_is_said(told: &str) {
    follow(told.split('`').nth(1).unwrap());
}

fn id(state: &Path) -> String {
    Store::open(state).unwrap().identity().id()
}

#[test]
fn a_lost_identity_beside_other_state_stops_the_start_and_comes_back_from_a_backup() {
    let (home, state) = home();
    pair(&Store::open(&state).unwrap(), "one").unwrap();
    let (before, backup) = (id(&state), home.path().join("backup"));
    fs::rename(state.join(IDENTITY), &backup).unwrap();
    let told = refused(&state);
    assert!(
        told.contains("identity.key is missing, though noise.key, tls.key, tls.crt, devices.json of the same desktop"),
        "{told}"
    );
    assert!(told.contains("Restore it from a backup"), "{told}");
    assert!(!state.join(IDENTITY).exists(), "no new identity was made");
    fs::rename(&backup, state.join(IDENTITY)).unwrap();
    assert_eq!(id(&state), before);
    assert_eq!(paired(&Store::open(&state).unwrap()), ["one"]);
}

#[test]
fn each_file_that_is_made_after_the_identity_tells_that_there_was_one() {
    for left in [NOISE, tls::KEY, tls::CERTIFICATE, DEVICES] {
        let (_home, state) = home();
        pair(&Store::open(&state).unwrap(), "one").unwrap();
        for name in [IDENTITY, NOISE, tls::KEY, tls::CERTIFICATE, DEVICES] {
            if name != left {
                fs::remove_file(state.join(name)).unwrap();
            }
        }
        let told = refused(&state);
        assert!(
            told.contains(&format!("identity.key is missing, though {left} of")),
            "{told}"
        );
    }
}

#[test]
fn the_way_that_a_lost_identity_names_begins_another_desktop_and_throws_nothing_away() {
    let (_home, state) = home();
    pair(&Store::open(&state).unwrap(), "one").unwrap();
    let before = id(&state);
    fs::remove_file(state.join(IDENTITY)).unwrap();
    follow_what_is_said(&refused(&state));
    let store = Store::open(&state).unwrap();
    assert_ne!(store.identity().id(), before);
    assert!(paired(&store).is_empty());
    for name in [NOISE, tls::KEY, tls::CERTIFICATE, DEVICES] {
        assert!(state.join(format!("{name}.old")).exists(), "{name}");
    }
}

#[test]
fn the_way_that_a_damaged_key_names_works_with_the_next_start() {
    for name in [IDENTITY, NOISE, tls::KEY] {
        let (_home, state) = home();
        pair(&Store::open(&state).unwrap(), "one").unwrap();
        let before = id(&state);
        fs::write(state.join(name), "not a key\n").unwrap();
        follow_what_is_said(&refused(&state));
        let store = Store::open(&state).unwrap();
        let is_another = name == IDENTITY;
        assert_eq!(store.identity().id() != before, is_another, "{name}");
        assert_eq!(paired(&store).is_empty(), is_another, "{name}");
        assert!(state.join(format!("{name}.damaged")).exists(), "{name}");
    }
}

#[test]
fn a_lost_key_of_noise_is_made_anew_and_who_has_to_pair_again_is_said() {
    let (_home, state) = home();
    drop(Store::open(&state).unwrap());
    assert!(told_lost(&state).is_empty(), "nothing is lost");
    fs::remove_file(state.join(NOISE)).unwrap();
    let told = told_lost(&state);
    assert_eq!(told.len(), 1);
    let expected = format!("{} is missing", state.join(NOISE).display());
    assert!(
        told[0].starts_with(&expected) && told[0].contains("paired again"),
        "{told:?}"
    );
    drop(Store::open(&state).unwrap());
    assert!(told_lost(&state).is_empty(), "the next start has one");
}

#[test]
fn a_lost_list_beside_its_backup_is_said_with_the_command_that_brings_it_back() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    pair(&store, "one").unwrap();
    pair(&store, "two").unwrap();
    drop(store);
    assert!(told_lost(&state).is_empty(), "nothing is lost");
    fs::remove_file(state.join(DEVICES)).unwrap();
    assert!(paired(&Store::open(&state).unwrap()).is_empty());
    let told = told_lost(&state);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("no device is paired"), "{told:?}");
    follow_what_is_said(&told[0]);
    assert!(told_lost(&state).is_empty());
    assert_eq!(paired(&Store::open(&state).unwrap()), ["one"]);
}

#[test]
fn nothing_is_lost_where_no_desktop_was() {
    let (_home, state) = home();
    assert!(told_lost(&state).is_empty());
}
