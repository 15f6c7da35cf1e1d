//! Tests of the store where it cannot keep what it is told.

use std::fs;
use std::path::PathBuf;

use super::tests::{home, pair, paired, refused};
use super::*;

#[test]
fn two_daemons_do_not_share_a_directory() {
    let (_home, state) = home();
    let first = Store::open(&state).unwrap();
    assert!(refused(&state).contains("another deskconnd"));
    drop(first);
    assert!(Store::open(&state).is_ok());
}

#[test]
fn where_nothing_can_be_made_the_store_works_for_this_run_and_says_why() {
    // A directory below an ordinary file, and one in a file system of the kernel, where not even root may make one.
    let (home, _) = home();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for place in [file.join("deskconn"), PathBuf::from("/sys/deskconn")] {
        let store = Store::open(&place).unwrap();
        assert!(
            !store.tls().0.is_empty() && store.noise_public() != [0; 32],
            "keys for this run"
        );
        let reason = store.read_only().unwrap().to_owned();
        assert!(reason.contains(&place.display().to_string()), "{reason}");
        let error = pair(&store, "one").unwrap_err().to_string();
        assert!(error.contains("refused") && error.contains(&reason), "{error}");
        assert!(paired(&store).is_empty());
        assert!(store.set_discovery(false).is_err());
        assert_eq!(store.switches(), Switches::default());
        assert_ne!(store.identity().id(), Store::open(&place).unwrap().identity().id());
    }
}

#[test]
fn a_write_that_fails_changes_nothing_and_the_old_list_stays_whole() {
    // A directory where the new file is to be made: no user may write there, not even root.
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    let id = pair(&store, "one").unwrap();
    let before = fs::read(state.join(DEVICES)).unwrap();
    fs::create_dir(state.join("devices.json.new")).unwrap();
    let error = store.change_trust(|trust| trust.revoke(&id)).unwrap_err();
    assert!(error.to_string().contains("devices.json.new"), "{error}");
    assert_eq!(paired(&store), ["one"]);
    assert_eq!(fs::read(state.join(DEVICES)).unwrap(), before);
}

#[test]
fn a_directory_that_can_only_be_read_keeps_its_identity_and_its_devices() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    pair(&store, "one").unwrap();
    let id = store.identity().id();
    drop(store);
    fs::create_dir(state.join("probe.new")).unwrap();
    let store = Store::open(&state).unwrap();
    assert!(store.read_only().unwrap().contains("probe.new"));
    assert_eq!((store.identity().id(), paired(&store)), (id, vec!["one".to_owned()]));
    assert!(matches!(pair(&store, "two"), Err(StoreError::ReadOnly(_))));
    assert_eq!(paired(&store), ["one"]);
}

#[test]
fn no_debug_form_shows_the_seed() {
    let (_home, state) = home();
    let store = Store::open(&state).unwrap();
    let seed = hex::encode(*store.identity().seed());
    let text = format!("{store:?} {store:#?}");
    let noise = store.noise_secret();
    assert!(
        !text.contains(&format!("{:?}", &noise[..4])) && !text.contains(&hex::encode(*noise)),
        "{text}"
    );
    assert!(
        !text.contains(&seed) && !text.contains(&format!("{:?}", &store.identity().seed()[..4])),
        "{text}"
    );
}
