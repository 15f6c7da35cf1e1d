//! Tests of the list of devices; no file is touched.

use rand::SeedableRng;
use rand::rngs::StdRng;
use time::macros::datetime;

use super::*;
use crate::device::Kind;
use crate::grant::Allow;
use crate::identity::Identity;
use crate::noise::NoiseKey;

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
        noise: None,
        name: Some("Pixel 9".into()),
        kind: Kind::Android,
        role: "remote".into(),
        grants: Vec::new(),
        address: Some("192.168.1.34".into()),
        expires: None,
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

fn with_noise(seed: u64, noise: u8) -> NewDevice {
    let public = NoiseKey::from_bytes(&[noise; 32]).public();
    NewDevice {
        noise: Some(NoisePublic::from_bytes(&public).unwrap()),
        legacy: false,
        ..phone(seed)
    }
}

#[test]
fn a_device_is_found_by_its_key_for_noise_which_stands_in_the_file() {
    let mut trust = Trust::default();
    let device = trust.add(with_noise(1, 5), NOW, &mut random()).unwrap();
    let public = NoiseKey::from_bytes(&[5; 32]).public();
    assert_eq!(trust.find_noise_key(&public), Some(&device));
    assert_eq!(trust.find_noise_key(key(1).bytes()), None);
    let value = serde_json::to_value(&trust).unwrap();
    assert_eq!(value["devices"][0]["keys"]["noise"], hex::encode(public));
    assert_eq!(serde_json::from_value::<Trust>(value).unwrap(), trust);
}

#[test]
fn a_key_for_noise_belongs_to_one_device() {
    let mut trust = Trust::default();
    let mut random = random();
    let first = trust.add(with_noise(1, 5), NOW, &mut random).unwrap();
    let taken = TrustError::KeyInUse(first.id.clone());
    assert_eq!(trust.add(with_noise(2, 5), NOW, &mut random), Err(taken.clone()));
    assert!(taken.to_string().contains("devices revoke d_"));
    let second = trust.add(with_noise(2, 6), NOW, &mut random).unwrap();
    assert_eq!(trust.add(with_noise(2, 5), NOW, &mut random), Err(taken));
    assert_eq!(trust.add(with_noise(2, 7), NOW, &mut random).unwrap().id, second.id);
    let mut value = serde_json::to_value(&trust).unwrap();
    value["devices"][1]["keys"]["noise"] = value["devices"][0]["keys"]["noise"].clone();
    let refused = serde_json::from_value::<Trust>(value).unwrap_err().to_string();
    assert!(refused.contains("same id or key"), "{refused}");
}

#[test]
fn a_device_that_was_prepared_is_inserted_unless_its_id_or_keys_were_taken_meanwhile() {
    let mut trust = Trust::default();
    let prepared = trust.prepare(with_noise(1, 5), NOW, &mut random()).unwrap();
    assert!(trust.devices().is_empty());
    let mut elsewhere = trust.clone();
    elsewhere.add(with_noise(2, 6), NOW, &mut random()).unwrap();
    let taken = TrustError::Twice(prepared.id.clone());
    assert_eq!(
        elsewhere.insert(prepared.clone()),
        Err(taken),
        "the same dice gave the same id"
    );
    let mut elsewhere = trust.clone();
    let holder = elsewhere
        .add(with_noise(3, 5), NOW, &mut StdRng::seed_from_u64(12))
        .unwrap()
        .id;
    assert_eq!(elsewhere.insert(prepared.clone()), Err(TrustError::KeyInUse(holder)));
    assert_eq!(trust.insert(prepared.clone()).unwrap(), prepared);
    assert_eq!(trust.find(&prepared.id), Some(&prepared));
}

#[test]
fn a_page_that_was_not_seen_for_thirty_days_is_not_let_in_and_other_devices_are() {
    let mut trust = Trust::default();
    let page = NewDevice {
        kind: Kind::Web,
        ..phone(1)
    };
    let id = trust.add(page, NOW, &mut random()).unwrap().id;
    let end = datetime!(2026-12-21 8:20:30 UTC);
    let second = time::Duration::SECOND;
    let is_current = |trust: &Trust, now| trust.find(&id).unwrap().is_current(now);
    assert!(is_current(&trust, end - second));
    assert!(!is_current(&trust, end));
    trust.seen(&id, end - second, None).unwrap();
    assert!(is_current(&trust, end));
    let mut unseen = trust.find(&id).unwrap().clone();
    unseen.last_seen = None;
    assert!(!unseen.is_current(end));
    unseen.paired_at = datetime!(9999-12-31 0:00 UTC);
    assert!(unseen.is_current(end));
    assert_eq!(
        trust
            .add(phone(2), NOW, &mut StdRng::seed_from_u64(12))
            .unwrap()
            .idle_days,
        None
    );
}

#[test]
fn a_grant_replaces_the_one_for_the_same_uri_and_match_and_can_be_taken_back() {
    let mut trust = Trust::default();
    let id = trust.add(phone(1), NOW, &mut random()).unwrap().id;
    trust.grant(&id, call("org.deskconn.screen.unlock")).unwrap();
    let prefix = Grant {
        matching: Match::Prefix,
        ..call("org.deskconn.power.")
    };
    trust.grant(&id, prefix).unwrap();
    let quiet = Grant {
        confirm: false,
        ..call("org.deskconn.screen.unlock")
    };
    let grants = &trust.grant(&id, quiet.clone()).unwrap().grants;
    assert_eq!((grants.len(), &grants[0]), (2, &quiet));
    let missing = TrustError::NoSuchGrant("org.deskconn.power.".into());
    assert_eq!(trust.deny(&id, "org.deskconn.power.", Match::Exact), Err(missing));
    assert_eq!(
        trust.deny(&id, "org.deskconn.power.", Match::Prefix).unwrap().grants,
        [quiet]
    );
    let open = Grant {
        matching: Match::Prefix,
        ..call("org.deskconn.power")
    };
    assert!(matches!(trust.grant(&id, open), Err(TrustError::BadGrant(_))));
}

#[test]
fn a_device_takes_grants_to_the_limit_and_not_one_more_but_a_known_one_is_still_replaced() {
    let mut trust = Trust::default();
    let id = trust.add(phone(1), NOW, &mut random()).unwrap().id;
    for number in 0..MAX_GRANTS {
        trust.grant(&id, call(&format!("a.b{number}"))).unwrap();
    }
    assert_eq!(trust.grant(&id, call("a.b")), Err(TrustError::TooManyGrants));
    assert!(trust.grant(&id, call("a.b0")).is_ok());
}

#[test]
fn the_owner_sets_and_lifts_the_end_of_a_device() {
    let mut trust = Trust::default();
    let id = trust.add(phone(1), NOW, &mut random()).unwrap().id;
    let end = datetime!(2027-01-01 0:00:00.5 UTC);
    let device = trust.set_expires(&id, Some(end)).unwrap();
    assert_eq!(device.expires, Some(datetime!(2027-01-01 0:00 UTC)));
    assert_eq!(trust.set_expires(&id, None).unwrap().expires, None);
    assert!(trust.set_expires("d_nobody00", None).is_err());
}
