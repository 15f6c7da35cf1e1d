//! What stands in the file of a membership, and what must not.

use std::path::Path;

use super::*;

const JOINED: &str = r#"{
    "did": "1111111111111111111111111111111111111111111111111111111111111111",
    "name": "desk",
    "keys": {
        "sign": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "noise": "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "spki": "2222222222222222222222222222222222222222222222222222222222222222"
    },
    "hosts": ["desk.local", "fd00::7"],
    "port": 5020,
    "path": "/ws",
    "realm": "deskconn",
    "device_id": "d_abcdefgh",
    "role": "remote"
}"#;

fn membership() -> Membership {
    Membership {
        identity: Identity::from_seed(&[7; 32]),
        joined: serde_json::from_str(JOINED).unwrap(),
    }
}

fn error_of(path: &Path) -> String {
    Membership::read(path).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read_again_and_nobody_else_may_read_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lamp.json");
    assert!(Membership::read(&path).unwrap().is_none());
    let written = membership();
    for _ in 0..2 {
        replace(&path, &written.to_bytes().unwrap()).unwrap();
        let read = Membership::read(&path).unwrap().unwrap();
        assert_eq!(read.desktop(), written.desktop());
        assert_eq!(read.identity.public(), written.identity.public());
    }
    assert!(!format!("{written:?}").contains(&"07".repeat(32)), "{written:?}");
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        1,
        "nothing else is left there"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused_with_what_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lamp.json");
    replace(&path, &membership().to_bytes().unwrap()).unwrap();
    for mode in [0o640, 0o604] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(error_of(&path).contains("chmod 600"));
    }
}

#[test]
fn a_damaged_file_is_named_with_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lamp.json");
    let good = membership().to_bytes().unwrap();
    let good = std::str::from_utf8(&good).unwrap();
    for (bad, why) in [
        (String::new(), "EOF"),
        (good.replace("\"version\": 1", "\"version\": 2"), "the form 2"),
        (good.replace(&"07".repeat(32), "07"), "length"),
        (good.replace("spki", "pins"), "pins"),
        (good.replace("\"port\"", "\"ports\""), "ports"),
    ] {
        assert_ne!(bad, good);
        replace(&path, bad.as_bytes()).unwrap();
        let error = error_of(&path);
        assert!(error.contains("lamp.json is damaged") && error.contains(why), "{error}");
    }
}

#[test]
fn the_bound_of_a_file_is_taken_and_one_byte_more_is_not() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lamp.json");
    let mut content = membership().to_bytes().unwrap().to_vec();
    content.resize(usize::try_from(MAX_BYTES).unwrap(), b' ');
    replace(&path, &content).unwrap();
    assert!(Membership::read(&path).unwrap().is_some());
    content.push(b' ');
    replace(&path, &content).unwrap();
    assert!(error_of(&path).contains("more than 8192 bytes"));
}

#[test]
fn a_desktop_is_sought_where_it_was_with_its_certificate_alone() {
    let membership = membership();
    let hosts: Vec<_> = targets(membership.desktop()).iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["wss://desk.local:5020/ws", "wss://[fd00::7]:5020/ws"]);
    let options = membership.options();
    assert_eq!(options.authid.as_deref(), Some("d_abcdefgh"));
    assert_eq!(options.realm, "deskconn");
}

#[test]
fn a_code_and_a_link_are_told_apart_and_anything_else_is_neither() {
    assert!(matches!(secret_of(" 1234-5678 ").unwrap(), Secret::Code(_)));
    let link = "http://192.0.2.7:5020/#p=1.4OHi4-Tl5ufo6err7O3u73ykkaTtfyc0eKywUTmkcz9rAWbw";
    assert!(matches!(secret_of(link).unwrap(), Secret::Link(_)));
    for text in ["", "desk", "123"] {
        let error = secret_of(text).unwrap_err().to_string();
        assert!(error.contains("neither a code nor a link"), "{error}");
    }
}
