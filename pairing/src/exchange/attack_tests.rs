//! Somebody in between, and devices that lie: whatever they do, nothing is stored that they wanted, both honest sides
//! notice, and what they learn about the code costs an attempt.

use super::cbor::{Item, Map};
use super::cpace::Share;
use super::messages::{self, Confirm, Hello, Mode, PakeA, PakeB};
use super::testing::*;
use super::transcript::{Keys, Side};
use super::*;
use crate::device::Kind;
use crate::identity::Identity;
use crate::noise::NoiseKey;
use crate::question::Request;
use crate::trust::TrustError;
use crate::window::Terms;

/// An exchange in which one frame has this entry in the place of its own, or none.
fn tampered(number: usize, key: &str, item: Option<&Item<'_>>) -> End {
    let mut desk = Desk::new();
    run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut |at, frame| {
        if at == number {
            Map::decode(&frame).unwrap().with(key, item.cloned()).encode()
        } else {
            frame
        }
    })
}

fn assert_noticed(end: &End, what: &str) {
    assert!(end.stored.is_none(), "{what}: stored");
    assert!(
        end.failure.is_some() && end.why.is_some(),
        "{what}: a side did not notice: {end:?}"
    );
}

#[test]
fn every_bit_of_every_frame_matters() {
    // One bit of each byte, another one from byte to byte; the frames are counted with their lengths by a run before.
    let mut lengths = Vec::new();
    let honest = run(&mut Desk::new(), &mut Phone::new(CODE), tls(), 5, &mut |_, frame| {
        lengths.push(frame.len());
        frame
    });
    assert!(honest.stored.is_some());
    assert_eq!(lengths.len(), 7);
    for (number, length) in lengths.into_iter().enumerate() {
        for place in 0..length {
            let mut desk = Desk::new();
            let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut |at, mut frame| {
                if at == number {
                    frame[place] ^= 1 << (place % 8);
                }
                frame
            });
            assert_noticed(&end, &format!("frame {number}, byte {place}"));
            assert!(desk.trust.devices().is_empty());
        }
    }
}

#[test]
fn every_field_of_hello_is_bound_even_when_its_new_value_is_as_good() {
    let other = Identity::from_seed(&[3; 32]);
    let noise = NoiseKey::from_bytes(&[4; 32]).public();
    let changes: [(&str, Option<Item<'_>>); 9] = [
        ("v", Some(Item::Number(2))),
        ("suite", Some(Item::Text("CPACE-X25519-SHA512"))),
        ("sid", Some(Item::Bytes(&[9; 16]))),
        ("did", Some(Item::Bytes(&[9; 32]))),
        ("ds", Some(Item::Bytes(&other.public()))),
        ("dn", Some(Item::Bytes(&noise))),
        ("spki", Some(Item::Null)),
        ("name", Some(Item::Text("Other desktop"))),
        ("spki", Some(Item::Bytes(&[6; 32]))),
    ];
    for (key, item) in changes {
        assert_noticed(&tampered(0, key, item.as_ref()), key);
    }
}

#[test]
fn every_field_of_the_devices_introduction_is_bound_even_when_its_new_value_is_as_good() {
    let other = Identity::from_seed(&[3; 32]).public();
    let noise = NoiseKey::from_bytes(&[4; 32]).public();
    let share = Share::generate(b"48319027", b"", b"", &mut Desk::new().random).unwrap();
    let changes: [(&str, Option<Item<'_>>); 9] = [
        ("mode", Some(Item::Text("qr"))),
        ("ya", Some(Item::Bytes(share.public()))),
        ("cs", Some(Item::Bytes(&other))),
        ("cn", Some(Item::Bytes(&noise))),
        ("name", Some(Item::Text("Pixel 8"))),
        ("kind", Some(Item::Text("cli"))),
        ("want", Some(Item::Text("full"))),
        ("exporter", None),
        ("seen", Some(Item::Bytes(&[6; 32]))),
    ];
    for (key, item) in changes {
        assert_noticed(&tampered(1, key, item.as_ref()), key);
    }
    let blind = tampered(1, "seen", Some(&Item::Null));
    assert_eq!(blind.why, Some(Why::NoCertificate));
}

#[test]
fn a_foreign_certificate_is_noticed_by_the_device_by_the_desktop_or_by_the_keys() {
    let theirs = Sight {
        spki: Some([0x66; 32]),
        exporter: None,
    };
    let mitm = |change: &mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>| {
        let mut phone = Phone::with(code(CODE), introduction(1), theirs.clone());
        run(&mut Desk::new(), &mut phone, tls(), 5, change)
    };
    let put =
        |frame: &[u8], key, bytes: &[u8; 32]| Map::decode(frame).unwrap().with(key, Some(Item::Bytes(bytes))).encode();
    assert_eq!(mitm(&mut honest).failure, Some(Failure::OtherCertificate));
    let rewritten = mitm(&mut |at, frame| {
        if at == 0 {
            put(&frame, "spki", &[0x66; 32])
        } else {
            frame
        }
    });
    assert_eq!(rewritten.why, Some(Why::OtherCertificate));
    assert!(Why::OtherCertificate.is_alarming());
    let both = mitm(&mut |at, frame| match at {
        0 => put(&frame, "spki", &[0x66; 32]),
        1 => put(&frame, "seen", &SPKI),
        _ => frame,
    });
    assert_eq!(
        (both.why, both.failure),
        (Some(Why::WrongCode), Some(Failure::Told(Code::Mismatch)))
    );
}

#[test]
fn another_tls_session_is_noticed_where_the_certificate_is_the_same() {
    let phone = |exporter| Phone::with(code(CODE), introduction(1), Sight { exporter, ..sight() });
    let end = run(&mut Desk::new(), &mut phone(Some([1; 32])), tls(), 5, &mut honest);
    assert_eq!(end.why, Some(Why::OtherSession));
    let deaf = Channel {
        exporter: None,
        ..tls()
    };
    let end = run(&mut Desk::new(), &mut phone(Some(EXPORTER)), deaf, 5, &mut honest);
    assert_eq!(end.why, Some(Why::OtherSession));
    assert!(
        run(&mut Desk::new(), &mut phone(None), tls(), 5, &mut honest)
            .stored
            .is_some()
    );
}

#[test]
fn tls_that_ends_before_the_desktop_is_noticed() {
    let end = run(&mut Desk::new(), &mut Phone::new(CODE), plain(), 5, &mut honest);
    assert_eq!(end.why, Some(Why::OtherCertificate));
}

#[test]
fn a_confirmation_is_worth_nothing_in_another_run() {
    let mut desk = Desk::new();
    let mut phone = Phone::new(CODE);
    let (first, hello) = desk.begin(tls(), 1).unwrap();
    let pake_a = reply(phone.receive(&hello));
    let pake_b = sent(desk.receive(first, &pake_a, 1));
    let conf_a = reply(phone.receive(&pake_b));
    desk.machine.abandon(&mut desk.windows, first, at(1));
    let (second, _) = desk.begin(tls(), 2).unwrap();
    sent(desk.receive(second, &pake_a, 2));
    assert_eq!(desk.receive(second, &conf_a, 2), Step::End(Why::WrongCode));
    assert_eq!(desk.use_up_attempts(2), 1);
}

#[test]
fn what_one_side_says_is_not_taken_back_from_it() {
    let mut desk = Desk::new();
    let mut phone = Phone::new(CODE);
    let (request, hello) = desk.begin(tls(), 1).unwrap();
    let pake_a = reply(phone.receive(&hello));
    let pake_b = sent(desk.receive(request, &pake_a, 1));
    let conf_a = reply(phone.receive(&pake_b));
    assert_eq!(phone.receive(&conf_a), Progress::Failed(Failure::WrongCode));
    assert!(matches!(desk.receive(request, &conf_a, 1), Step::Ask(..)));
    let grant = sent(desk.allow(request, None, 1).unwrap());
    assert_eq!(desk.receive(request, &grant, 1), Step::End(Why::Malformed));
    assert!(desk.trust.devices().is_empty());
}

#[test]
fn done_of_another_run_stores_nothing() {
    let mut other = Desk::with(2, Terms::for_role("remote"));
    let (_, foreign) = granted(&mut other, &mut Phone::new(CODE), 1);
    let mut desk = Desk::new();
    let (request, _) = granted(&mut desk, &mut Phone::new(CODE), 1);
    assert_eq!(desk.receive(request, &foreign, 1), Step::End(Why::Malformed));
}

#[test]
fn points_that_would_give_everybody_the_key_are_refused_and_cost_no_attempt() {
    let not_canonical: [u8; 32] = [0xff; 32];
    for point in [[0; 32], not_canonical] {
        let from_device = tampered(1, "ya", Some(&Item::Bytes(&point)));
        assert_eq!(from_device.why, Some(Why::BadKey));
        let mut desk = Desk::new();
        let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut |at, frame| match at {
            1 => Map::decode(&frame)
                .unwrap()
                .with("ya", Some(Item::Bytes(&point)))
                .encode(),
            _ => frame,
        });
        assert_eq!(end.failure, Some(Failure::Told(Code::Mismatch)));
        assert_eq!(desk.use_up_attempts(5), 3);
        let from_desktop = tampered(2, "yb", Some(&Item::Bytes(&point)));
        assert_eq!(from_desktop.failure, Some(Failure::BadKey));
        assert!(from_desktop.stored.is_none());
    }
}

#[test]
fn weak_keys_and_ones_own_are_refused() {
    let desk = Desk::new();
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for (key, bytes) in [("cs", neutral), ("cs", [0; 32]), ("cn", [0; 32]), ("cn", [0xff; 32])] {
        assert_eq!(
            tampered(1, key, Some(&Item::Bytes(&bytes))).why,
            Some(Why::BadKey),
            "{key}"
        );
    }
    let hello = Hello::decode(&Desk::new().begin(tls(), 1).unwrap().1).unwrap();
    for (key, bytes) in [("cs", desk.identity.public()), ("cn", hello.noise)] {
        assert_eq!(
            tampered(1, key, Some(&Item::Bytes(&bytes))).why,
            Some(Why::OwnKey),
            "{key}"
        );
    }
    let me = introduction(1);
    for (key, bytes) in [
        ("ds", neutral),
        ("ds", me.identity.public()),
        ("dn", [0; 32]),
        ("dn", me.noise.public()),
        ("did", [0; 32]),
    ] {
        let end = tampered(0, key, Some(&Item::Bytes(&bytes)));
        assert_eq!(end.failure, Some(Failure::BadKey), "{key}");
    }
}

/// A device that has the code, and plays `pake_a` and `conf_a` as it likes.
fn liar(desk: &mut Desk, change: impl FnOnce(&mut PakeA), signer: &Identity) -> Step {
    liar_with_keys(desk, change, signer).0
}

/// The same with its keys and the number of its exchange, if it came that far.
fn liar_with_keys(
    desk: &mut Desk,
    change: impl FnOnce(&mut PakeA),
    signer: &Identity,
) -> (Step, Option<(Request, Keys)>) {
    let (request, hello_frame) = desk.begin(tls(), 1).unwrap();
    let hello = Hello::decode(&hello_frame).unwrap();
    let share = Share::generate(b"48319027", &parties(&hello.did), &hello.sid, &mut desk.random).unwrap();
    let mut message = PakeA {
        mode: Mode::Code,
        share: *share.public(),
        sign: signer.public(),
        noise: NoiseKey::from_bytes(&[4; 32]).public(),
        seen: Some(SPKI),
        name: "liar".into(),
        kind: Kind::Cli,
        want: "remote".into(),
        exporter: None,
    };
    change(&mut message);
    let pake_a = message.encode();
    let pake_b_frame = match desk.receive(request, &pake_a, 1) {
        Step::Send(frame) => frame,
        other @ (Step::Ask(..) | Step::Store(_) | Step::End(_)) => return (other, None),
    };
    let pake_b = PakeB::decode(&pake_b_frame).unwrap();
    let session = share
        .initiate(&pake_b.share, &message.associated(), &hello_frame, &hello.sid)
        .unwrap();
    let keys = Keys::new(&session, &hello_frame, &pake_a, &pake_b_frame);
    let conf_a: Confirm = keys.confirm(Side::Device, signer);
    let step = desk.receive(request, &conf_a.encode(), 1);
    (step, Some((request, keys)))
}

#[test]
fn only_the_agreed_words_store_a_device() {
    let mine = Identity::from_seed(&[8; 32]);
    let no = Map::of([("ok", Item::Bool(false))]).encode();
    let more = Map::of([("ok", Item::Bool(true)), ("id", Item::Null)]).encode();
    for (words, is_stored) in [
        (messages::done(), true),
        (no, false),
        (more, false),
        (Vec::new(), false),
    ] {
        let mut desk = Desk::new();
        let (_, run) = liar_with_keys(&mut desk, |_| (), &mine);
        let (request, keys) = run.unwrap();
        sent(desk.allow(request, None, 1).unwrap());
        let done = messages::encode_box(&keys.seal(Side::Device, &words));
        let step = desk.receive(request, &done, 1);
        assert_eq!(matches!(step, Step::Store(_)), is_stored, "{step:?}");
        assert_eq!(step == Step::End(Why::Malformed), !is_stored);
    }
}

#[test]
fn nobody_pairs_a_key_that_is_not_his() {
    let victim = introduction(1).identity.public();
    let mine = Identity::from_seed(&[8; 32]);
    let mut desk = Desk::new();
    assert_eq!(
        liar(&mut desk, |message| message.sign = victim, &mine),
        Step::End(Why::BadSignature)
    );
    assert_eq!(desk.use_up_attempts(1), 2);
    assert!(
        matches!(liar(&mut Desk::new(), |_| (), &mine), Step::Ask(..)),
        "with his own he is asked about"
    );
}

#[test]
fn the_key_for_noise_of_another_device_is_refused_before_the_code_is_looked_at() {
    let mut desk = Desk::new();
    let stored = run(&mut desk, &mut Phone::new(CODE), tls(), 1, &mut honest)
        .stored
        .unwrap();
    desk.open(Terms::for_role("remote"), 1);
    let taken = introduction(1).noise.public();
    let step = liar(
        &mut desk,
        |message| message.noise = taken,
        &Identity::from_seed(&[8; 32]),
    );
    assert_eq!(step, Step::End(Why::Trust(TrustError::KeyInUse(stored.id))));
    assert_eq!(desk.use_up_attempts(1), 3);
}

#[test]
fn messages_out_of_turn_end_the_exchange() {
    let mut frames = Vec::new();
    run(&mut Desk::new(), &mut Phone::new(CODE), tls(), 5, &mut |_, frame| {
        frames.push(frame.clone());
        frame
    });
    for (due, _) in frames.iter().enumerate() {
        for (sent, frame) in frames.iter().enumerate().filter(|(sent, _)| *sent != due) {
            let mut desk = Desk::new();
            let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut |at, honest| {
                if at == due { frame.clone() } else { honest }
            });
            assert_noticed(&end, &format!("{sent} in place of {due}"));
        }
    }
    let mut desk = Desk::new();
    let request = asked(&mut desk, &mut Phone::new(CODE), 1);
    assert_eq!(
        desk.receive(request, &frames[6], 1),
        Step::End(Why::Malformed),
        "before the owner answered"
    );
}

#[test]
fn a_frame_of_more_than_the_limit_is_refused_whatever_is_in_it() {
    let mut desk = Desk::new();
    let (request, _) = desk.begin(tls(), 1).unwrap();
    let step = desk.receive(request, &vec![0xa0; MAX_FRAME_BYTES + 1], 1);
    assert_eq!(step, Step::End(Why::Malformed));
    assert_eq!(
        Phone::new(CODE).receive(&vec![0; 1 << 20]),
        Progress::Failed(Failure::Malformed)
    );
}
