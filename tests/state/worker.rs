//! The store's changes one after the other, said aloud: what `inject.py` kills, and makes fail, at every system call.
//!
//! usage: state-worker DIRECTORY work     pairs, renames, flushes, switches and revokes
//!        state-worker DIRECTORY show     opens the directory and shows what is in it
//!
//! Each line is JSON. `{"begin": …}` stands before a change; `{"state": …}` after it, with what the memory holds then,
//! and `refused` beside it if the change was refused. It makes no judgement: `inject.py` does.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use deskconnd::store::{Store, StoreError};
use pairing::device::{Kind, NewDevice};
use pairing::identity::DeviceKey;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use time::OffsetDateTime;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, command] = arguments.as_slice() else {
        say(&json!({"usage": "state-worker DIRECTORY work|show"}));
        return ExitCode::from(2);
    };
    say(&json!({"begin": "open"}));
    match Store::open(Path::new(directory)) {
        Err(error) => {
            say(&json!({"failed": error.to_string()}));
            ExitCode::FAILURE
        }
        Ok(store) => {
            say(&shown(&store));
            if command == "work" {
                work(&store);
            }
            ExitCode::SUCCESS
        }
    }
}

/// One line, one system call, and no buffer that a kill could empty.
fn say(line: &Value) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn shown(store: &Store) -> Value {
    let devices = store.with_trust(|trust| {
        let row = |device: &pairing::Device| json!([device.name, device.role, device.last_address]);
        trust.devices().iter().map(row).collect::<Vec<_>>()
    });
    let (_, tls) = store.tls();
    json!({
        "state": {"devices": devices, "discovery": store.switches().discovery},
        "keys": [store.identity().id(), hex::encode(store.noise_public()), hex::encode(sha2_of(&tls))],
        "read_only": store.read_only(),
    })
}

fn sha2_of(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

fn change(store: &Store, name: &str, change: impl FnOnce() -> Result<(), StoreError>) {
    say(&json!({"begin": name}));
    let result = change();
    let mut line = shown(store);
    if let Err(error) = result {
        line["refused"] = error.to_string().into();
    }
    say(&line);
}

fn work(store: &Store) {
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a year of four digits");
    let id_of = |name: &str| {
        let found = store.with_trust(|trust| {
            let device = trust.devices().iter().find(|device| device.name == name);
            device.map(|device| device.id.clone())
        });
        found.unwrap_or_default()
    };
    for (number, name) in [(1_u8, "phone"), (2, "tablet")] {
        change(store, "pair", || {
            let key = ed25519_dalek::SigningKey::from_bytes(&[number; 32]).verifying_key();
            let new = NewDevice {
                key: DeviceKey::from_bytes(key.as_bytes()).expect("a key of our own is good"),
                name: Some(name.to_owned()),
                kind: Kind::Lib,
                role: "remote".to_owned(),
                grants: Vec::new(),
                address: None,
                legacy: false,
                noise: None,
                expires: None,
            };
            // Ids come from a fixed seed, so that each run makes the same system calls.
            let mut random = StdRng::from_seed([number; 32]);
            store.change_trust(|trust| trust.add(new, now, &mut random).map(drop))
        });
    }
    // Asked for before the change: the store is locked while it runs.
    let (phone, tablet) = (id_of("phone"), id_of("tablet"));
    change(store, "rename", || {
        store.change_trust(|trust| trust.rename(&phone, "telephone").map(drop))
    });
    change(store, "flush", || {
        store.note_trust(|trust| trust.seen(&phone, now, Some("192.0.2.7")))?;
        store.flush()
    });
    change(store, "switch", || store.set_discovery(false));
    change(store, "revoke", || {
        store.change_trust(|trust| trust.revoke(&tablet).map(drop))
    });
}
