//! Tests of the list of devices; no file is touched.

use rand::SeedableRng;
use rand::rngs::StdRng;
use time::macros::datetime;

use super::*;
use crate::device::Kind;
use crate::grant::{Allow, Match};
use crate::identity::Identity;

const NOW: OffsetDateTime = datetime!(2026-11-21 10:20:30.123456 +2);

fn random() -> StdRng {
    StdRng::seed_from_u64(11)
}

fn key(seed: u64) -> DeviceKey {
    let identity = Identity::generate(&mut StdRng::seed_from_u64(seed)).unwrap();
    DeviceKey::from_bytes(&identity.public()).unwrap()
}

fn phone(seed: u64) -> NewDevice {
    NewDevice {
        key: key(seed),
        name: Some("Pixel 9".into()),
        kind: Kind::Android,
        role: "remote".into(),
        grants: Vec::new(),
        address: Some("192.168.1.34".into()),
        legacy: true,
    }
}

fn call(uri: &str) -> Grant {
    Grant {
        uri: uri.into(),
        matching: Match::Exact,
        allow: Allow {
            call: true,
            ..Allow::default()
        },
        until: Some(datetime!(2030-01-01 0:00 UTC)),
        confirm: true,
        while_unlocked: false,
    }
}

#[test]
fn a_device_is_found_by_its_id_and_by_its_key_in_any_case() {
    let mut trust = Trust::default();
    let device = trust.add(phone(1), NOW, &mut random()).unwrap();
    assert_eq!(device.id.len(), 10);
    assert_eq!(trust.find(&device.id), Some(&device));
    assert_eq!(trust.find(&key(1).to_hex()), Some(&device));
    assert_eq!(trust.find(&key(1).to_hex().to_uppercase()), Some(&device));
    assert_eq!(trust.find_key(key(1).bytes()), Some(&device));
    for unknown in ["", "d_00000000", &key(2).to_hex(), &device.id.to_uppercase()] {
        assert_eq!(trust.find(unknown), None, "{unknown:?}");
    }
    assert_eq!(trust.find_key(key(2).bytes()), None);
}

#[test]
fn the_file_form_is_the_documented_one() {
    let mut trust = Trust::default();
    let mut new = phone(1);
    new.grants = vec![call("org.deskconn.screen.unlock")];
    trust.add(new, NOW, &mut random()).unwrap();
    let value = serde_json::to_value(&trust).unwrap();
    let id = value["devices"][0]["id"].clone();
    let expected = serde_json::json!({"version": 1, "devices": [{
        "id": id, "name": "Pixel 9", "kind": "android", "role": "remote",
        "grants": [{"uri": "org.deskconn.screen.unlock", "match": "exact", "allow": {"call": true},
                    "until": "2030-01-01T00:00:00Z", "confirm": true}],
        "keys": {"sign": key(1).to_hex()},
        "paired_at": "2026-11-21T08:20:30Z", "last_seen": "2026-11-21T08:20:30Z",
        "last_address": "192.168.1.34", "legacy": true,
    }]});
    assert_eq!(value, expected);
    assert_eq!(serde_json::from_value::<Trust>(value).unwrap(), trust);
}

#[test]
fn pairing_a_known_key_again_replaces_the_entry_and_keeps_its_id() {
    let mut trust = Trust::default();
    let mut random = random();
    let first = trust.add(phone(1), NOW, &mut random).unwrap().id;
    let second = trust.add(phone(2), NOW, &mut random).unwrap().id;
    assert_ne!(first, second);
    let again = NewDevice {
        name: Some("Tablet".into()),
        role: "slides".into(),
        legacy: false,
        ..phone(1)
    };
    let device = trust.add(again, NOW + time::Duration::days(1), &mut random).unwrap();
    assert_eq!(
        (device.id.as_str(), device.name.as_str(), device.role.as_str()),
        (first.as_str(), "Tablet", "slides")
    );
    assert!(!device.legacy);
    let ids: Vec<&str> = trust.devices().iter().map(|device| device.id.as_str()).collect();
    assert_eq!(ids, [first, second]);
}

#[test]
fn a_revoked_device_is_gone_and_its_key_unknown() {
    let mut trust = Trust::default();
    let id = trust.add(phone(1), NOW, &mut random()).unwrap().id;
    assert_eq!(trust.revoke(&id).unwrap().keys.sign, key(1));
    assert_eq!(trust.find_key(key(1).bytes()), None);
    assert_eq!(trust.revoke(&id), Err(TrustError::NoSuchDevice(id)));
}

#[test]
fn name_role_and_last_sight_change_in_place() {
    let mut trust = Trust::default();
    let id = trust.add(phone(1), NOW, &mut random()).unwrap().id;
    assert_eq!(trust.rename(&id, " Zoë\u{202E}'s \n").unwrap().name, "Zoë's");
    assert_eq!(trust.rename(&id, "\u{202E}"), Err(TrustError::NoName));
    assert_eq!(trust.set_role(&id, "media").unwrap().role, "media");
    assert_eq!(trust.set_role(&id, "Media!"), Err(TrustError::BadRole("Media!".into())));
    trust
        .seen(&id, datetime!(2027-01-01 0:00:00.9 UTC), Some("10.0.0.9"))
        .unwrap();
    trust.seen(&id, datetime!(2027-01-02 0:00 UTC), None).unwrap();
    let device = trust.find(&id).unwrap();
    assert_eq!(device.last_seen, Some(datetime!(2027-01-02 0:00 UTC)));
    assert_eq!(device.last_address.as_deref(), Some("10.0.0.9"));
    assert_eq!((device.name.as_str(), device.role.as_str()), ("Zoë's", "media"));
}

#[test]
fn changes_to_a_device_that_is_not_there_say_so() {
    let mut trust = Trust::default();
    let missing = TrustError::NoSuchDevice("d_nobody00".into());
    assert_eq!(trust.rename("d_nobody00", "x").unwrap_err(), missing);
    assert_eq!(trust.set_role("d_nobody00", "media").unwrap_err(), missing);
    assert_eq!(trust.seen("d_nobody00", NOW, None).unwrap_err(), missing);
    assert!(missing.to_string().contains("deskconnctl devices"));
}

#[test]
fn a_device_without_a_visible_name_gets_one_from_its_kind() {
    let mut trust = Trust::default();
    let new = NewDevice {
        name: Some("\u{1b}".into()),
        ..phone(1)
    };
    assert_eq!(trust.add(new, NOW, &mut random()).unwrap().name, "unnamed android");
}

#[test]
fn the_list_takes_its_limit_and_not_one_more_but_a_known_key_still_fits() {
    let mut trust = Trust::default();
    let mut random = random();
    let limit = MAX_DEVICES as u64;
    for seed in 0..limit {
        trust.add(phone(seed), NOW, &mut random).unwrap();
    }
    assert_eq!(trust.add(phone(limit), NOW, &mut random), Err(TrustError::Full));
    assert!(trust.add(phone(0), NOW, &mut random).is_ok());
    assert_eq!(trust.devices().len(), MAX_DEVICES);
    let mut value = serde_json::to_value(&trust).unwrap();
    assert!(serde_json::from_value::<Trust>(value.clone()).is_ok());
    let mut one_more = value["devices"][0].clone();
    one_more["id"] = "d_zzzzzzzz".into();
    one_more["keys"]["sign"] = key(limit).to_hex().into();
    value["devices"].as_array_mut().unwrap().push(one_more);
    assert!(
        serde_json::from_value::<Trust>(value)
            .unwrap_err()
            .to_string()
            .contains("revoke one")
    );
}

#[test]
fn grants_and_roles_take_their_limit_and_not_one_more() {
    let mut trust = Trust::default();
    let with = |grants: usize, role: usize| NewDevice {
        grants: vec![call("a.b"); grants],
        role: "r".repeat(role),
        ..phone(1)
    };
    assert!(trust.add(with(MAX_GRANTS, MAX_ROLE_BYTES), NOW, &mut random()).is_ok());
    assert_eq!(
        trust.add(with(MAX_GRANTS + 1, 1), NOW, &mut random()),
        Err(TrustError::TooManyGrants)
    );
    assert!(matches!(
        trust.add(with(0, MAX_ROLE_BYTES + 1), NOW, &mut random()),
        Err(TrustError::BadRole(_))
    ));
    assert!(matches!(
        trust.add(with(0, 0), NOW, &mut random()),
        Err(TrustError::BadRole(_))
    ));
}

#[test]
fn a_file_that_breaks_a_rule_is_refused_with_the_rule() {
    let mut trust = Trust::default();
    trust.add(phone(1), NOW, &mut random()).unwrap();
    let good = serde_json::to_value(&trust).unwrap();
    let broken = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = good.clone();
        change(&mut value);
        serde_json::from_value::<Trust>(value).unwrap_err().to_string()
    };
    assert!(broken(&|v| v["version"] = 2.into()).contains("version 2"));
    assert!(broken(&|v| v["devices"][0]["id"] = "d_x".into()).contains("no id of a device"));
    assert!(broken(&|v| v["devices"][0]["role"] = "".into()).contains("no name of a role"));
    assert!(broken(&|v| v["devices"][0]["name"] = "\n".into()).contains("visible"));
    assert!(broken(&|v| v["devices"][0]["keys"]["sign"] = "00".into()).contains("Ed25519"));
    assert!(broken(&|v| v["devices"][0]["paired_at"] = "yesterday".into()).contains("year"));
    assert!(broken(&|v| v["devices"][0]["colour"] = "red".into()).contains("colour"));
    let twice = broken(&|v| {
        let copy = v["devices"][0].clone();
        v["devices"].as_array_mut().unwrap().push(copy);
    });
    assert!(twice.contains("same id or key"));
}

#[test]
fn a_device_is_let_in_until_it_expires() {
    let mut trust = Trust::default();
    let mut device = trust.add(phone(1), NOW, &mut random()).unwrap();
    assert!(device.is_current(datetime!(2100-01-01 0:00 UTC)));
    device.expires = Some(datetime!(2027-01-01 0:00 UTC));
    assert!(device.is_current(datetime!(2026-12-31 23:59:59 UTC)));
    assert!(!device.is_current(datetime!(2027-01-01 0:00 UTC)));
}

#[test]
fn ids_come_from_the_random_source_and_never_repeat() {
    let (mut one, mut other) = (Trust::default(), Trust::default());
    let first = one.add(phone(1), NOW, &mut random()).unwrap().id;
    assert_eq!(
        other.add(phone(2), NOW, &mut random()).unwrap().id,
        first,
        "the same dice give the same id"
    );
    // The same dice again would collide with the first id: the next draw is taken instead.
    let second = one.add(phone(2), NOW, &mut random()).unwrap().id;
    assert_ne!(first, second);
}
