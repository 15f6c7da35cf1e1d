//! Who gets in over which kind of connection, where a test on loopback cannot come from.

use std::net::SocketAddr;

use pairing::exchange::Facts;
use pairing::window::Terms;
use pairing::{DeviceKey, Kind, NewDevice};
use rand::rngs::SysRng;
use router::Transport;

use super::*;

const KEY: [u8; 32] = [9; 32];

/// A desktop with one paired device, and a window of the legacy form if it is said whether from the network too.
fn access(window: Option<bool>, configuration: &str) -> (tempfile::TempDir, Access) {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&home.path().join("state")).unwrap());
    let now = OffsetDateTime::now_utc();
    let paired = store.change_trust(|trust| trust.add(device(Kind::Lib), now, &mut SysRng));
    paired.unwrap();
    let audit = Audit::start(Err("nothing is kept".to_owned()));
    let facts = Facts::new(store.identity(), store.noise_public(), None, "desk");
    let (desk, _told) = Desk::new(Arc::clone(&store), audit.clone(), facts);
    if let Some(insecure_network) = window {
        let terms = Terms {
            legacy: true,
            insecure_network,
            ..Terms::for_role("remote")
        };
        desk.open(terms, false).unwrap();
    }
    let (consents, _news) = Consents::new(Arc::clone(&store));
    let config = Config::parse(std::path::Path::new("test.toml"), configuration).unwrap();
    let access = Access::new(
        &config,
        (store, desk, consents),
        audit,
        Household::of_user(1000),
        (Authorizers::new().0, &Authenticators::new().0),
    )
    .unwrap();
    (home, access)
}

fn device(kind: Kind) -> NewDevice {
    NewDevice {
        key: DeviceKey::from_bytes(key().verifying_key().as_bytes()).unwrap(),
        noise: None,
        name: None,
        kind,
        role: "remote".to_owned(),
        grants: Vec::new(),
        address: None,
        expires: None,
        legacy: true,
    }
}

fn key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&KEY)
}

/// Somebody on the network.
fn stranger() -> Peer {
    Peer {
        transport: Transport::WebSocket,
        address: Some(SocketAddr::from(([192, 0, 2, 7], 4711))),
        uid: None,
        origin: None,
        channel: router::Channel::Plain,
    }
}

fn login() -> Asked {
    let public = hex::encode(key().verifying_key().as_bytes());
    Asked {
        realm: DESKTOP_REALM.into(),
        authid: None,
        authrole: None,
        methods: vec!["cryptosign".to_owned()],
        authextra: Dict::from([("pubkey".to_owned(), public.into())]),
        features: Default::default(),
        resumption: None,
        opening: None,
        ping: None,
        proved: Default::default(),
    }
}

async fn role_of_a_paired_key(access: &Access) -> Result<String, Abort> {
    let (asked, peer) = (login(), stranger());
    let proof = access.find(&asked, &peer).await?;
    assert!(matches!(proof, Proof::Cryptosign(Some(_))), "{proof:?}");
    let principal = access.admit(&asked, &peer).await?;
    Ok(principal.role.name().to_string())
}

#[tokio::test]
async fn a_paired_key_gets_nothing_over_a_plain_network() {
    let (_home, access) = access(None, "");
    let refused = role_of_a_paired_key(&access).await.unwrap_err();
    assert_eq!(refused.reason, wamp::error::AUTHENTICATION_DENIED);
}

#[tokio::test]
async fn a_window_for_this_machine_is_closed_to_the_network() {
    let (_home, access) = access(Some(false), "");
    assert!(role_of_a_paired_key(&access).await.is_err());
}

#[tokio::test]
async fn a_window_that_is_open_to_the_network_is_for_codes_and_makes_a_stranger_of_a_paired_key() {
    let (_home, access) = access(Some(true), "");
    assert_eq!(role_of_a_paired_key(&access).await.unwrap(), roles::PAIRING);
}

#[tokio::test]
async fn the_owner_can_let_paired_keys_in_over_a_plain_network() {
    let (_home, access) = access(None, "[compat]\nplain_devices = true\n");
    assert_eq!(role_of_a_paired_key(&access).await.unwrap(), "remote");
}

/// Somebody on this machine, who may prove a key.
fn neighbour() -> Peer {
    Peer {
        address: Some(SocketAddr::from(([127, 0, 0, 1], 4711))),
        ..stranger()
    }
}

/// Ends the time of the paired device, and gives its id.
fn end(access: &Access) -> String {
    let past = OffsetDateTime::now_utc() - std::time::Duration::from_secs(1);
    let change = |trust: &mut pairing::Trust| {
        let id = trust.devices()[0].id.clone();
        trust.set_expires(&id, Some(past)).map(|device| device.id.clone())
    };
    access.store.change_trust(change).unwrap()
}

#[tokio::test]
async fn whose_time_is_over_is_told_so_and_what_helps_once_the_key_is_proved() {
    let (_home, access) = access(None, "");
    let id = end(&access);
    let proof = access.find(&login(), &neighbour()).await.unwrap();
    assert_eq!(
        proof,
        Proof::Cryptosign(Some(key().verifying_key())),
        "it is asked as others are"
    );
    let refused = access.admit(&login(), &neighbour()).await.unwrap_err();
    assert_eq!(refused.reason, wamp::error::AUTHENTICATION_DENIED);
    let sentence = refused.details["message"].as_str().unwrap();
    assert!(sentence.contains("time of this device is over"), "{sentence}");
    assert!(
        sentence.ends_with(&format!("deskconnctl devices expire {id} never")),
        "{sentence}"
    );
}

#[tokio::test]
async fn whose_time_is_over_may_pair_again_while_a_window_is_open() {
    let (_home, access) = access(Some(false), "");
    end(&access);
    let principal = access.admit(&login(), &neighbour()).await.unwrap();
    assert_eq!(principal.role.name().to_string(), roles::PAIRING);
}

#[tokio::test]
async fn a_page_that_was_not_opened_for_too_long_is_as_unknown_as_any() {
    let (_home, access) = access(None, "");
    let long_ago = OffsetDateTime::now_utc() - std::time::Duration::from_secs(365 * 86_400);
    let change = access
        .store
        .change_trust(|trust| trust.add(device(Kind::Web), long_ago, &mut SysRng));
    change.unwrap();
    let proof = access.find(&login(), &neighbour()).await.unwrap();
    assert_eq!(proof, Proof::Cryptosign(None));
}
