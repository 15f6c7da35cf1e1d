//! Tests of the messages: what is written is read again, and nothing else is read.

use super::*;

fn hello() -> Hello {
    Hello {
        sid: [1; 16],
        did: [2; 32],
        sign: [3; 32],
        noise: [4; 32],
        spki: Some([5; 32]),
        name: "desk".into(),
    }
}

fn pake_a() -> PakeA {
    PakeA {
        mode: Mode::Link,
        share: [1; 32],
        sign: [2; 32],
        noise: [3; 32],
        seen: None,
        name: "phone".into(),
        kind: Kind::Ios,
        want: "remote".into(),
        exporter: Some([4; 32]),
    }
}

fn grant() -> Grant {
    Grant {
        device_id: "d_5tq2abcd".into(),
        role: "remote".into(),
        realm: "deskconn".into(),
        hosts: vec!["192.168.1.20".into(), "fd00::1".into()],
        port: 5020,
        path: "/ws".into(),
        expires: None,
    }
}

/// The frame with one entry put in the place of another, or beside the others.
fn with<'a>(frame: &'a [u8], key: &'a str, item: Option<Item<'a>>) -> Vec<u8> {
    Map::decode(frame).unwrap().with(key, item).encode()
}

#[test]
fn every_message_is_read_as_it_was_written() {
    for hello in [hello(), Hello { spki: None, ..hello() }] {
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }
    let other = PakeA {
        exporter: None,
        seen: Some([9; 32]),
        mode: Mode::Code,
        ..pake_a()
    };
    for message in [pake_a(), other] {
        assert_eq!(PakeA::decode(&message.encode()), Ok(message));
    }
    let pake_b = PakeB { share: [7; 32] };
    assert_eq!(PakeB::decode(&pake_b.encode()), Ok(pake_b));
    let confirm = Confirm {
        mac: [1; 32],
        signature: [2; 64],
    };
    assert_eq!(Confirm::decode(&confirm.encode()), Ok(confirm));
    for grant in [
        grant(),
        Grant {
            expires: Some(1),
            ..grant()
        },
    ] {
        assert_eq!(Grant::decode(&grant.encode()), Ok(grant));
    }
    assert_eq!(decode_box(&encode_box(b"sealed")), Ok(b"sealed".as_slice()));
}

#[test]
fn a_hello_of_another_version_or_suite_is_told_apart_from_garbage() {
    let frame = hello().encode();
    assert_eq!(
        Hello::decode(&with(&frame, "v", Some(Item::Number(2)))),
        Err(BadHello::Version)
    );
    assert_eq!(
        Hello::decode(&with(&frame, "suite", Some(Item::Text("SPAKE2")))),
        Err(BadHello::Version)
    );
    assert_eq!(Hello::decode(b"hello"), Err(BadHello::Malformed));
}

#[test]
fn a_missing_an_unknown_and_a_mistyped_field_are_refused() {
    let frame = hello().encode();
    for key in ["v", "suite", "sid", "did", "ds", "dn", "spki", "name"] {
        assert_eq!(
            Hello::decode(&with(&frame, key, None)),
            Err(BadHello::Malformed),
            "{key}"
        );
        let wrong = Hello::decode(&with(&frame, key, Some(Item::Bool(true))));
        assert_eq!(wrong, Err(BadHello::Malformed), "{key}");
    }
    let unknown = with(&frame, "expires", Some(Item::Null));
    assert_eq!(Hello::decode(&unknown), Err(BadHello::Malformed));
    let frame = pake_a().encode();
    for key in ["mode", "ya", "cs", "cn", "seen", "name", "kind", "want"] {
        assert_eq!(PakeA::decode(&with(&frame, key, None)), Err(Malformed), "{key}");
        assert_eq!(
            PakeA::decode(&with(&frame, key, Some(Item::Bool(true)))),
            Err(Malformed),
            "{key}"
        );
    }
    for item in [Item::Null, Item::Bytes(&[0; 31])] {
        assert_eq!(PakeA::decode(&with(&frame, "exporter", Some(item))), Err(Malformed));
    }
    assert_eq!(
        PakeA::decode(&with(&frame, "expires", Some(Item::Null))),
        Err(Malformed)
    );
    assert_eq!(
        PakeA::decode(&with(&frame, "mode", Some(Item::Text("nfc")))),
        Err(Malformed)
    );
    assert_eq!(
        PakeA::decode(&with(&frame, "kind", Some(Item::Text("toaster")))),
        Err(Malformed)
    );
    let frame = grant().encode();
    for key in ["device_id", "role", "realm", "hosts", "port", "path"] {
        assert_eq!(Grant::decode(&with(&frame, key, None)), Err(Malformed), "{key}");
        assert_eq!(
            Grant::decode(&with(&frame, key, Some(Item::Bool(true)))),
            Err(Malformed),
            "{key}"
        );
    }
    assert_eq!(
        Grant::decode(&with(&frame, "port", Some(Item::Number(65_536)))),
        Err(Malformed)
    );
    assert_eq!(
        Grant::decode(&with(&frame, "expires", Some(Item::Null))),
        Err(Malformed)
    );
}

#[test]
fn what_is_associated_is_everything_but_the_share() {
    let one = pake_a();
    let other = PakeA {
        share: [99; 32],
        ..pake_a()
    };
    assert_eq!(one.associated(), other.associated());
    let named = PakeA {
        name: "other".into(),
        ..pake_a()
    };
    assert_ne!(one.associated(), named.associated());
    let silent = PakeA {
        exporter: None,
        ..pake_a()
    };
    assert_ne!(one.associated(), silent.associated());
}

#[test]
fn texts_are_read_to_their_limits_and_not_past_them() {
    let named = |bytes: usize| {
        let name = "n".repeat(bytes);
        Hello { name, ..hello() }.encode()
    };
    assert!(Hello::decode(&named(MAX_NAME_BYTES)).is_ok());
    assert!(Hello::decode(&named(MAX_NAME_BYTES + 1)).is_err());
    let wanting = |bytes: usize, name: usize| {
        PakeA {
            want: "w".repeat(bytes),
            name: "n".repeat(name),
            ..pake_a()
        }
        .encode()
    };
    assert!(PakeA::decode(&wanting(MAX_ROLE_BYTES, MAX_NAME_BYTES)).is_ok());
    assert!(PakeA::decode(&wanting(MAX_ROLE_BYTES + 1, 1)).is_err());
    assert!(PakeA::decode(&wanting(1, MAX_NAME_BYTES + 1)).is_err());
}

#[test]
fn the_largest_grant_fits_a_frame_and_a_host_more_is_refused() {
    let largest = |hosts: usize, host: usize, text: usize| {
        Grant {
            device_id: "d_5tq2abcd".into(),
            role: "r".repeat(MAX_ROLE_BYTES),
            realm: "r".repeat(text),
            hosts: vec!["h".repeat(host); hosts],
            port: u16::MAX,
            path: "p".repeat(text),
            expires: Some(u64::MAX),
        }
        .encode()
    };
    let frame = encode_box(&[largest(MAX_HOSTS, MAX_HOST_BYTES, MAX_PLACE_TEXT_BYTES), vec![0; 16]].concat());
    assert!(frame.len() <= MAX_FRAME_BYTES, "{}", frame.len());
    assert!(Grant::decode(&largest(MAX_HOSTS, MAX_HOST_BYTES, MAX_PLACE_TEXT_BYTES)).is_ok());
    assert!(Grant::decode(&largest(MAX_HOSTS + 1, 1, 1)).is_err());
    assert!(Grant::decode(&largest(1, MAX_HOST_BYTES + 1, 1)).is_err());
    assert!(Grant::decode(&largest(1, 1, MAX_PLACE_TEXT_BYTES + 1)).is_err());
}

#[test]
fn a_frame_of_the_limit_is_read_and_one_past_it_is_not() {
    let sealed = |bytes: usize| encode_box(&vec![0; bytes]);
    let rest = sealed(4000).len() - 4000;
    assert!(decode_box(&sealed(MAX_FRAME_BYTES - rest)).is_ok());
    assert_eq!(decode_box(&sealed(MAX_FRAME_BYTES - rest + 1)), Err(Malformed));
}
