//! Exchanges between honest sides: who is let in, as what, and what both then know.

use super::testing::*;
use super::*;
use crate::code::Code as Digits;
use crate::device::Kind;
use crate::identity::DeviceKey;
use crate::legacy::{Claim, Legacy};
use crate::question::NotAsked;
use crate::window::{Closed, Terms};

#[test]
fn the_right_code_and_a_yes_let_a_device_in_and_both_know_each_other() {
    let mut desk = Desk::new();
    let me = introduction(1);
    let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut honest);
    let question = end.question.unwrap();
    let fingerprint = DeviceKey::from_bytes(&me.identity.public()).unwrap().fingerprint();
    assert_eq!(question.fingerprint, fingerprint);
    assert_eq!(
        (question.name.as_deref(), question.kind),
        (Some("Pixel 9"), Kind::Android)
    );
    assert_eq!(
        (question.role.as_str(), question.wants.as_deref()),
        ("remote", Some("remote"))
    );
    assert_eq!(
        (question.address.as_deref(), question.expires),
        (Some("192.168.1.34"), at(65))
    );
    assert!(!question.legacy);
    let device = end.stored.unwrap();
    assert!(device.keys.sign.is(&me.identity.public()));
    assert!(device.keys.noise.unwrap().is(&me.noise.public()));
    assert_eq!(
        (device.name.as_str(), device.role.as_str(), device.legacy),
        ("Pixel 9", "remote", false)
    );
    let joined = end.joined.unwrap();
    assert_eq!((&joined.device_id, &joined.role), (&device.id, &device.role));
    assert_eq!(joined.did_bytes(), Some(desk.identity.did()));
    assert!(joined.keys.sign.is(&desk.identity.public()));
    assert_eq!((joined.keys.spki, joined.name.as_str()), (Some(SPKI), "Living room"));
    assert_eq!(joined.hosts, ["192.168.1.20", "deskconn-2eae5088.local"]);
    assert_eq!(
        (joined.port, joined.path.as_str(), joined.realm.as_str()),
        (5020, "/ws", "deskconn")
    );
    assert_eq!(joined.expires, None);
    assert_eq!(desk.windows.take_closed(), Some(Closed::Paired));
    assert_eq!((end.why, end.failure), (None, None));
}

#[test]
fn the_record_of_a_device_is_read_from_its_file_again() {
    let mut desk = Desk::new();
    let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut honest);
    let joined = end.joined.unwrap();
    let text = serde_json::to_string(&joined).unwrap();
    assert!(text.contains(&format!(r#""spki":"{}""#, hex::encode(SPKI))), "{text}");
    assert_eq!(serde_json::from_str::<Joined>(&text).unwrap(), *joined);
    let broken = text.replace(&hex::encode(SPKI), "51");
    assert!(
        serde_json::from_str::<Joined>(&broken)
            .unwrap_err()
            .to_string()
            .contains("64 hexadecimal")
    );
}

#[test]
fn the_link_lets_a_device_in_too() {
    let mut desk = Desk::new();
    let secret = link(LINK_SECRET, &desk.identity.did());
    let mut phone = Phone::with(secret, introduction(1), sight());
    let end = run(&mut desk, &mut phone, tls(), 5, &mut honest);
    assert!(end.stored.is_some() && end.joined.is_some());
}

#[test]
fn a_wrong_link_is_a_wrong_code_and_a_link_to_another_desktop_is_noticed_before_anything_is_sent() {
    let mut desk = Desk::new();
    let mut phone = Phone::with(link([1; 16], &desk.identity.did()), introduction(1), sight());
    let end = run(&mut desk, &mut phone, tls(), 5, &mut honest);
    assert_eq!(
        (end.why, end.failure),
        (Some(Why::WrongCode), Some(Failure::Told(Code::Mismatch)))
    );
    let mut phone = Phone::with(link(LINK_SECRET, &[9; 32]), introduction(1), sight());
    let end = run(&mut desk, &mut phone, tls(), 5, &mut honest);
    assert_eq!(end.failure, Some(Failure::OtherDesktop));
    assert_eq!(end.why, Some(Why::Left(Code::Mismatch)));
    assert_eq!(desk.use_up_attempts(5), 2, "only the wrong one cost an attempt");
}

#[test]
fn a_window_without_a_link_takes_codes_only() {
    let mut desk = Desk::new();
    desk.windows.close();
    let digits = Digits::from_number(CODE).unwrap();
    desk.windows
        .open(digits, Terms::for_role("remote"), false, at(0))
        .unwrap();
    let mut phone = Phone::with(link(LINK_SECRET, &desk.identity.did()), introduction(1), sight());
    let end = run(&mut desk, &mut phone, tls(), 5, &mut honest);
    assert_eq!(end.why, Some(Why::NoLink));
    assert!(
        run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut honest)
            .stored
            .is_some()
    );
}

#[test]
fn without_tls_the_certificate_still_comes_with_the_pairing() {
    let mut desk = Desk::new();
    let mut phone = Phone::with(code(CODE), introduction(1), Sight::default());
    let end = run(&mut desk, &mut phone, plain(), 5, &mut honest);
    assert_eq!(end.joined.unwrap().keys.spki, Some(SPKI));
    assert!(end.stored.is_some());
}

#[test]
fn over_tls_only_a_page_may_be_blind_to_the_certificate() {
    for (kind, why) in [
        (Kind::Web, None),
        (Kind::Cli, Some(Why::NoCertificate)),
        (Kind::Ext, Some(Why::NoCertificate)),
    ] {
        let mut desk = Desk::new();
        let me = Introduction {
            kind,
            ..introduction(1)
        };
        let mut phone = Phone::with(code(CODE), me, Sight::default());
        let end = run(&mut desk, &mut phone, tls(), 5, &mut honest);
        assert_eq!(end.stored.is_some(), why.is_none());
        assert_eq!(end.why, why);
    }
}

#[test]
fn a_device_gets_the_lesser_role_it_asks_for_the_owners_choice_and_never_more() {
    let terms = Terms {
        lesser_roles: vec!["slides".into()],
        ..Terms::for_role("remote")
    };
    for (want, role) in [("slides", "slides"), ("full", "remote"), ("", "remote")] {
        let mut desk = Desk::with(1, terms.clone());
        let me = Introduction {
            want: want.into(),
            ..introduction(1)
        };
        let end = run(
            &mut desk,
            &mut Phone::with(code(CODE), me, sight()),
            tls(),
            5,
            &mut honest,
        );
        assert_eq!(
            (end.stored.unwrap().role.as_str(), end.joined.unwrap().role.as_str()),
            (role, role)
        );
    }
    let mut desk = Desk::new();
    let mut phone = Phone::new(CODE);
    let request = asked(&mut desk, &mut phone, 5);
    let grant = sent(desk.allow(request, Some("media"), 6).unwrap());
    let Progress::Paired(joined, _) = phone.receive(&grant) else {
        panic!("not paired")
    };
    assert_eq!(joined.role, "media");
}

#[test]
fn a_guest_is_told_when_it_ends() {
    let terms = Terms {
        expires: Some(NOON),
        ..Terms::for_role("remote")
    };
    let mut desk = Desk::with(1, terms);
    let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut honest);
    assert_eq!(end.stored.unwrap().expires, Some(NOON));
    assert_eq!(end.joined.unwrap().expires, u64::try_from(NOON.unix_timestamp()).ok());
}

#[test]
fn a_device_that_pairs_again_keeps_its_id_even_with_another_key_for_noise() {
    let mut desk = Desk::new();
    let first = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut honest)
        .stored
        .unwrap();
    desk.open(Terms::for_role("slides"), 10);
    let me = Introduction {
        noise: introduction(2).noise,
        ..introduction(1)
    };
    let again = run(
        &mut desk,
        &mut Phone::with(code(CODE), me, sight()),
        tls(),
        11,
        &mut honest,
    );
    let again = again.stored.unwrap();
    assert_eq!((&again.id, again.role.as_str()), (&first.id, "slides"));
    assert_eq!(desk.trust.devices().len(), 1);
}

#[test]
fn a_device_that_could_not_be_stored_is_told_so_after_it_was_paired() {
    let mut desk = Desk::new();
    let mut phone = Phone::new(CODE);
    let (request, done) = granted(&mut desk, &mut phone, 5);
    assert!(matches!(desk.receive(request, &done, 6), Step::Store(_)));
    let full = Why::Trust(crate::trust::TrustError::Full);
    assert_eq!(
        phone.receive(&full.frame()),
        Progress::Failed(Failure::Told(Code::Refused))
    );
}

#[test]
fn a_window_is_for_one_form_and_the_numbers_of_both_forms_are_one_row() {
    let mut desk = Desk::with(
        1,
        Terms {
            legacy: true,
            ..Terms::for_role("remote")
        },
    );
    assert_eq!(desk.begin(tls(), 1).unwrap_err(), Why::Closed);
    let mut legacy = Legacy::new(desk.identity.public());
    let claim = Claim {
        otp: Digits::from_number(CODE).ok(),
        key: introduction(2).identity.public(),
        session_key: None,
        name: None,
        kind: Kind::Lib,
        address: None,
        is_private: true,
    };
    let first = legacy.claim(&mut desk.windows, claim.clone(), at(1)).unwrap();
    legacy.withdraw(&mut desk.windows, first);
    desk.open(Terms::for_role("remote"), 2);
    assert!(legacy.claim(&mut desk.windows, claim, at(2)).is_err());
    let second = asked(&mut desk, &mut Phone::new(CODE), 2);
    assert!(second > first);
    assert_eq!(desk.allow(first, None, 3), Err(NotAsked(first)));
    let answer = legacy.answer(&mut desk.windows, second, true, None, at(3));
    assert_eq!(answer, Err(NotAsked(second)));
    assert!(desk.allow(second, None, 3).is_ok());
}

#[test]
fn no_debug_form_shows_a_secret() {
    let mut desk = Desk::new();
    let mut phone = Phone::with(link(LINK_SECRET, &desk.identity.did()), introduction(1), sight());
    let before = format!("{:?}", phone.machine);
    asked(&mut desk, &mut phone, 5);
    let shown = format!("{before} {:?} {:?} {:?}", desk.machine, phone.machine, introduction(1));
    for secret in ["4831", "76, 76, 76", "4c4c4c"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("NoiseKey(hidden)"));
}
