//! What is remembered of desktops, in real files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pairing::exchange::DesktopKeys;
use pairing::{DeviceKey, Identity, NoiseKey, NoisePublic};
use tempfile::TempDir;

use super::*;

fn home() -> (TempDir, Desktops) {
    let home = tempfile::tempdir().unwrap();
    let desktops = Desktops(Directory::new(home.path().join("data/deskconn")));
    (home, desktops)
}

/// A desktop whose id begins with these digits.
fn desktop(did: &str, name: &str) -> Joined {
    Joined {
        did: format!("{did:0<64}"),
        name: name.to_owned(),
        keys: DesktopKeys {
            sign: DeviceKey::from_bytes(&Identity::from_seed(&[1; 32]).public()).unwrap(),
            noise: NoisePublic::from_bytes(&NoiseKey::from_bytes(&[2; 32]).public()).unwrap(),
            spki: Some([3; 32]),
        },
        hosts: vec!["x".repeat(253); 8],
        port: 65535,
        path: "/ws".to_owned(),
        realm: "deskconn".to_owned(),
        device_id: "d_0a1b2c3d".to_owned(),
        role: "remote".to_owned(),
        expires: Some(u64::MAX),
    }
}

fn mode(desktops: &Desktops, name: &str) -> u32 {
    fs::metadata(desktops.0.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_desktop_that_is_joined_again_replaces_what_was_known_of_it() {
    let (_home, desktops) = home();
    assert_eq!(desktops.list().unwrap(), []);
    let (one, two) = (desktop("aaaa", "Desk"), desktop("bbbb", "Attic"));
    assert_eq!(desktops.put(&one).unwrap(), None);
    assert_eq!(desktops.put(&two).unwrap(), None);
    let renamed = Joined {
        name: "Office".to_owned(),
        ..one.clone()
    };
    assert_eq!(desktops.put(&renamed).unwrap(), Some(one));
    assert_eq!(desktops.list().unwrap(), [renamed.clone(), two.clone()]);
    desktops.forget(&renamed).unwrap();
    assert_eq!(desktops.list().unwrap(), [two]);
}

#[test]
fn a_desktop_is_found_by_its_name_or_the_beginning_of_its_id() {
    let (_home, desktops) = home();
    for (did, name) in [
        ("abcd1", "Desk"),
        ("abcd2", "Attic"),
        ("ef001", "Attic"),
        ("99999", "abcd1"),
    ] {
        desktops.put(&desktop(did, name)).unwrap();
    }
    let found = |wanted: &str| desktops.find(wanted).map(|it| it.name);
    assert_eq!(found("desk").unwrap(), "Desk");
    assert_eq!(found("ABCD2").unwrap(), "Attic");
    assert_eq!(found("abcd1").unwrap(), "abcd1", "a name counts before an id");
    for several in ["Attic", "abcd"] {
        assert!(matches!(found(several), Err(Failure::Usage(_))), "{several}");
    }
    for none in ["Cellar", "abc", "", "0000"] {
        assert!(found(none).unwrap_err().is_not_found(), "{none}");
    }
}

#[test]
fn nobody_else_may_read_what_is_stored() {
    let (_home, desktops) = home();
    desktops.put(&desktop("aaaa", "Desk")).unwrap();
    let keys = desktops.keys().unwrap();
    assert_eq!(desktops.keys().unwrap().identity.public(), keys.identity.public());
    assert_eq!(
        (
            mode(&desktops, ""),
            mode(&desktops, NAME),
            mode(&desktops, "client.key")
        ),
        (0o700, 0o600, 0o600)
    );
    let open = |name: &str, mode| fs::set_permissions(desktops.0.path(name), fs::Permissions::from_mode(mode)).unwrap();
    for (name, wrong, right) in [(NAME, 0o640, 0o600), ("", 0o755, 0o700)] {
        open(name, wrong);
        let sentence = desktops.list().unwrap_err().to_string();
        assert!(sentence.contains(&format!("chmod {right:o}")), "{sentence}");
        assert!(desktops.put(&desktop("bbbb", "Attic")).is_err());
        open(name, right);
    }
    open("client.key", 0o604);
    assert!(desktops.keys().unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_link_in_place_of_a_file_is_not_followed() {
    let (home, desktops) = home();
    desktops.put(&desktop("aaaa", "Desk")).unwrap();
    let elsewhere = home.path().join("elsewhere");
    fs::rename(desktops.0.path(NAME), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, desktops.0.path(NAME)).unwrap();
    assert!(desktops.list().is_err());
}

#[test]
fn as_many_desktops_as_the_limit_fit_and_one_more_is_refused() {
    let (_home, desktops) = home();
    for number in 0..MAX_DESKTOPS {
        desktops
            .put(&desktop(&format!("{number:04x}"), &"\u{1f4bb}".repeat(64)))
            .unwrap();
    }
    let sentence = desktops.put(&desktop("ffff", "Desk")).unwrap_err().to_string();
    assert!(
        sentence.contains("knows 64 desktops") && sentence.contains("forget"),
        "{sentence}"
    );
    assert_eq!(desktops.list().unwrap().len(), MAX_DESKTOPS);
    fs::write(
        desktops.0.path(NAME),
        vec![b' '; usize::try_from(MAX_BYTES).unwrap() + 1],
    )
    .unwrap();
    assert!(desktops.list().unwrap_err().to_string().contains("more than"));
}

#[test]
fn a_damaged_list_is_named_and_one_of_another_version_is_left_alone() {
    let (_home, desktops) = home();
    desktops.put(&desktop("aaaa", "Desk")).unwrap();
    let whole = fs::read_to_string(desktops.0.path(NAME)).unwrap();
    for (text, words) in [
        (whole.get(..100).unwrap().to_owned(), "damaged"),
        (whole.replace("\"realm\"", "\"rea1m\""), "damaged"),
        (whole.replace("\"version\": 1", "\"version\": 2"), "form 2"),
    ] {
        fs::write(desktops.0.path(NAME), &text).unwrap();
        assert!(desktops.list().unwrap_err().to_string().contains(words));
        assert!(desktops.put(&desktop("bbbb", "Attic")).is_err());
        assert_eq!(fs::read_to_string(desktops.0.path(NAME)).unwrap(), text);
    }
}

#[test]
fn runs_that_change_the_list_at_once_lose_nothing() {
    let (_home, desktops) = home();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let desktops = &desktops;
            scope.spawn(move || desktops.put(&desktop(&format!("{number:04x}"), "Desk")).unwrap());
        }
    });
    assert_eq!(desktops.list().unwrap().len(), 8);
}
