//! One whole exchange with known secrets, byte for byte: `vectors/exchange.json`, which clients in other languages are
//! tested against, and docs/PAIRING.md prints.

use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};
use serde_json::{Value, json};

use super::cpace::Share;
use super::messages::{self, Hello, PakeA, PakeB};
use super::testing::*;
use super::transcript::{Keys, Side};
use super::*;
use crate::device::Kind;
use crate::identity::Identity;
use crate::link::{Link, LinkSecret};
use crate::noise::NoiseKey;
use crate::trust::Trust;
use crate::window::{Terms, Windows};

const VECTORS: &str = include_str!("../../vectors/exchange.json");
const DOCUMENT: &str = include_str!("../../../docs/PAIRING.md");

/// Gives the bytes it was made of, once.
struct Known(Vec<u8>);

impl TryRng for Known {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("the exchange draws bytes")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("the exchange draws bytes")
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&std::mem::replace(&mut self.0, rest));
        Ok(())
    }
}
impl TryCryptoRng for Known {}

fn counting<const N: usize>(from: u8) -> [u8; N] {
    std::array::from_fn(|place| from.wrapping_add(u8::try_from(place).unwrap()))
}

/// The secrets of the vector: every one counts up from a byte of its own.
struct Secrets {
    desktop: Identity,
    desktop_noise: NoiseKey,
    device: Identity,
    device_noise: NoiseKey,
    spki: [u8; 32],
    sid: [u8; 16],
    ya: [u8; 64],
    yb: [u8; 64],
    id: [u8; 5],
}

fn secrets() -> Secrets {
    Secrets {
        desktop: Identity::from_seed(&counting(0x10)),
        desktop_noise: NoiseKey::from_bytes(&counting(0x30)),
        device: Identity::from_seed(&counting(0x50)),
        device_noise: NoiseKey::from_bytes(&counting(0x70)),
        spki: counting(0x90),
        sid: counting(0xb0),
        ya: counting(0xc0),
        yb: counting(0x01),
        id: counting(0xd0),
    }
}

/// Runs the exchange and gives its frames in their order.
fn frames(known: &Secrets) -> Vec<Vec<u8>> {
    let facts = Facts::new(
        &known.desktop,
        known.desktop_noise.public(),
        Some(known.spki),
        "Living room",
    );
    let (mut windows, mut desktop) = (Windows::default(), Desktop::new(facts));
    let digits: crate::code::Code = "4831-9027".parse().unwrap();
    windows.open(digits, Terms::for_role("remote"), false, at(0)).unwrap();
    let me = Introduction {
        identity: known.device.clone(),
        noise: known.device_noise.clone(),
        name: "Pixel 9".into(),
        kind: Kind::Android,
        want: "remote".into(),
    };
    let sight = Sight {
        spki: Some(known.spki),
        exporter: None,
    };
    let mut joiner = Joiner::begin(code(CODE), me, sight).unwrap();
    let mut dice = Known([known.sid.as_slice(), &known.yb, &known.id].concat());
    let mut ya = Known(known.ya.to_vec());
    let trust = Trust::default();
    let own = Own {
        identity: &known.desktop,
        trust: &trust,
    };
    let receive = |desktop: &mut Desktop, windows: &mut Windows, request, frame: &[u8], dice: &mut Known| {
        desktop.receive(windows, request, frame, own, at(1), dice)
    };
    let (request, hello) = desktop.begin(&mut windows, tls(), at(1), &mut dice).unwrap();
    let pake_a = reply(joiner.receive(&hello, &mut ya));
    let pake_b = sent(receive(&mut desktop, &mut windows, request, &pake_a, &mut dice));
    let conf_a = reply(joiner.receive(&pake_b, &mut ya));
    let Step::Ask(_, conf_b) = receive(&mut desktop, &mut windows, request, &conf_a, &mut dice) else {
        panic!("not asked")
    };
    assert!(matches!(joiner.receive(&conf_b, &mut ya), Progress::Waiting { .. }));
    let hosts = ["192.168.1.20".to_owned(), "deskconn.local".to_owned()];
    let verdict = Verdict::Allow {
        role: None,
        trust: &trust,
        place: &Place::new("deskconn", &hosts, 5020, "/ws").unwrap(),
        at: NOON,
    };
    let grant = desktop
        .answer(&mut windows, request, verdict, at(2), &mut dice)
        .unwrap();
    let grant = sent(grant);
    let Progress::Paired(_, done) = joiner.receive(&grant, &mut ya) else {
        panic!("not paired")
    };
    assert!(matches!(
        receive(&mut desktop, &mut windows, request, &done, &mut dice),
        Step::Store(_)
    ));
    vec![hello, pake_a, pake_b, conf_a, conf_b, grant, done]
}

/// The whole of it as the file has it.
fn computed() -> Value {
    let known = secrets();
    let frames = frames(&known);
    let [hello, pake_a, pake_b, conf_a, conf_b, grant, done] = frames.as_slice() else {
        panic!("seven frames")
    };
    let hello_message = Hello::decode(hello).unwrap();
    let pake_a_message = PakeA::decode(pake_a).unwrap();
    let parties = parties(&hello_message.did);
    let share = Share::generate(b"48319027", &parties, &known.sid, &mut Known(known.ya.to_vec())).unwrap();
    let pake_b_message = PakeB::decode(pake_b).unwrap();
    let associated = pake_a_message.associated();
    let isk = share
        .initiate(&pake_b_message.share, &associated, hello, &known.sid)
        .unwrap();
    let keys = Keys::new(&isk, hello, pake_a, pake_b);
    let plain = |side, frame: &[u8]| hex::encode(&*keys.open(side, messages::decode_box(frame).unwrap()).unwrap());
    let link = Link::new(
        "192.168.1.20",
        5020,
        LinkSecret::from_bytes(counting(0xe0)),
        &hello_message.did,
        1_795_254_000,
    );
    json!({
        "desktop": {
            "sign_seed": hex::encode(*known.desktop.seed()), "sign": hex::encode(hello_message.sign),
            "noise_secret": hex::encode(*known.desktop_noise.bytes()), "noise": hex::encode(hello_message.noise),
            "did": hex::encode(hello_message.did), "spki": hex::encode(known.spki), "name": hello_message.name,
        },
        "device": {
            "sign_seed": hex::encode(*known.device.seed()), "sign": hex::encode(pake_a_message.sign),
            "noise_secret": hex::encode(*known.device_noise.bytes()), "noise": hex::encode(pake_a_message.noise),
            "fingerprint": crate::identity::DeviceKey::from_bytes(&pake_a_message.sign).unwrap().fingerprint(),
            "name": pake_a_message.name, "kind": "android", "want": "remote",
        },
        "code": "4831-9027", "prs": hex::encode("48319027"),
        "ya_random": hex::encode(known.ya), "yb_random": hex::encode(known.yb), "device_id_random": hex::encode(known.id),
        "ci": hex::encode(&parties), "ad_a": hex::encode(&associated), "isk": hex::encode(*isk),
        "th": hex::encode(keys.th()), "keys": keys.shown(),
        "frames": {
            "hello": hex::encode(hello), "pake_a": hex::encode(pake_a), "pake_b": hex::encode(pake_b),
            "conf_a": hex::encode(conf_a), "conf_b": hex::encode(conf_b), "grant": hex::encode(grant), "done": hex::encode(done),
        },
        "grant_plain": plain(Side::Desktop, grant), "done_plain": plain(Side::Device, done),
        "link": link.url().as_str(), "link_secret": hex::encode(counting::<16>(0xe0)),
    })
}

#[test]
fn the_exchange_is_the_one_of_the_vectors() {
    let expected: Value = serde_json::from_str(VECTORS).unwrap();
    let found = computed();
    assert_eq!(found, expected, "{found:#}");
}

#[test]
fn the_document_prints_the_vectors() {
    fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => map.values().for_each(|value| texts(value, found)),
            Value::String(text) => found.push(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => panic!("the vectors are texts"),
        }
    }
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut found = Vec::new();
    texts(&vectors, &mut found);
    assert!(found.len() > 30);
    let missing: Vec<_> = found.into_iter().filter(|text| !DOCUMENT.contains(text)).collect();
    assert!(missing.is_empty(), "docs/PAIRING.md lacks {missing:#?}");
}
