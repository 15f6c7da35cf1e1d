//! A man in the middle who shows other keys, leads to another desktop, or answers as if nothing better were spoken.

use std::sync::Arc;

use client::tls::{self, Trust};
use client::{ConnectError, Options, PairingChannel, Session};
use link::noise::HandshakeError;
use router::Channel;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::{Act, CALLS, From, SECURE, STALLED, Scene, Tamper, Units, honest};
use crate::support::{PATIENCE, Way, soon};
use crate::vault::{Identity, target};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_led_to_another_desktop_does_not_talk_to_it() {
    let (here, elsewhere) = (Scene::start().await, Scene::start().await);
    let before = elsewhere.vault.gate.peers().len();
    for (way, units) in SECURE {
        let proxy = elsewhere.proxy(units, honest()).await;
        assert_eq!(
            here.run(way, proxy.address, (10, PATIENCE)).await.answered,
            0,
            "{way:?}"
        );
        // The same way leads to the right one.
        let proxy = here.proxy(units, honest()).await;
        assert_eq!(
            here.run(way, proxy.address, (10, PATIENCE)).await.answered,
            CALLS,
            "{way:?}"
        );
    }
    assert_eq!(elsewhere.vault.gate.peers().len(), before);
}

/// Somebody who ends TLS with a certificate of his own, and passes what is inside on through TLS of his own.
async fn in_the_middle_of_tls(router: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = Identity::new();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(mut near) = tls::accept(client, Arc::clone(&own.config)).await else {
                continue;
            };
            let far = TcpStream::connect(router).await.unwrap();
            let mut far = tls::connect(far, Trust::Anybody).await.unwrap();
            let _ = copy_bidirectional(&mut near.stream, &mut far.stream).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_his_own_is_refused_by_whoever_has_a_pin_and_seen_by_whoever_pairs() {
    let scene = Scene::start().await;
    let before = scene.vault.gate.peers().len();
    let address = in_the_middle_of_tls(scene.vault.address).await;
    for way in [Way::Wss, Way::Rss] {
        let error = scene.join(way, address, PATIENCE).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::Tls(_, tls::ConnectError::OtherKey)),
            "{error}"
        );
    }
    assert_eq!(scene.vault.gate.peers().len(), before);
    // He can do it: a client that takes any certificate gets through, and is told by two values that he is there.
    let stream = TcpStream::connect(address).await.unwrap();
    let connected = tls::connect(stream, Trust::Anybody).await.unwrap();
    assert_ne!(connected.spki, scene.vault.identity.pin);
    let link = link::rawsocket::connect(connected.stream, client::Serializer::Json, wamp::limits::Bounds::JOINED);
    let link = soon("the handshake", link).await.unwrap();
    let _session = Session::over(link, Options::new("realm1")).await.unwrap();
    let Channel::Tls {
        exporter_pair,
        exporter_login,
        ..
    } = scene.vault.gate.last_channel()
    else {
        panic!()
    };
    assert!(connected.exporters.pair != exporter_pair && connected.exporters.login != exporter_login);
}

/// Something that answers everybody like this, and what it was sent.
async fn impostor(answer: &'static [u8]) -> (std::net::SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut sent = vec![stream.read_u8().await.unwrap()];
        stream.write_all(answer).await.unwrap();
        let _ = stream.read_to_end(&mut sent).await;
        sent
    });
    (address, task)
}

/// A ServerHello of TLS 1.2 that chooses ECDHE-ECDSA with AES-128-GCM (RFC 5246 §7.4.1.3, RFC 5289).
const TLS_1_2: [u8; 47] = {
    let mut hello = [7; 47];
    let head = [0x16, 0x03, 0x03, 0, 42, 2, 0, 0, 38, 0x03, 0x03];
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    [hello[43], hello[44], hello[45], hello[46]] = [0, 0xc0, 0x2b, 0];
    hello
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_answers_tls_in_plain_or_with_an_older_one_learns_nothing() {
    let identity = Identity::new();
    for answer in [
        &TLS_1_2[..],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        &[0x7f, 0xf1, 0, 0],
    ] {
        for way in [Way::Wss, Way::Rss] {
            let (address, sent) = impostor(answer).await;
            let options = identity.options(way, Options::new("realm1"));
            let error = Session::connect(&target(way, address), options).await.unwrap_err();
            assert!(
                matches!(error, ConnectError::Tls(_, tls::ConnectError::Handshake(_))),
                "{error}"
            );
            let sent = soon("the end", sent).await.unwrap();
            // Records of a TLS handshake and its alerts (RFC 8446, section 5.1), and nothing that was meant for inside.
            let mut rest = &sent[..];
            while let [kind, _, _, high, low, behind @ ..] = rest {
                assert!((0x14..=0x16).contains(kind), "{kind:#x}");
                rest = &behind[usize::from(u16::from_be_bytes([*high, *low]))..];
            }
            assert!(sent[0] == 0x16 && rest.is_empty(), "{rest:?}");
            for inside in ["HTTP", "realm1"] {
                assert!(
                    !sent.windows(inside.len()).any(|part| part == inside.as_bytes()),
                    "{inside}"
                );
            }
        }
        // Who pairs takes any certificate, but not none.
        let (address, _sent) = impostor(answer).await;
        assert!(PairingChannel::open(&address.to_string(), PATIENCE).await.is_err());
    }
}

/// Puts one subprotocol in the place of another in the heads that pass in these directions.
fn renaming(directions: &'static [From]) -> Tamper {
    Box::new(move |from, number, unit| {
        if number > 0 || !directions.contains(&from) {
            return Act::Send(unit);
        }
        let head = String::from_utf8(unit).unwrap();
        let renamed = match from {
            From::Client => head.replace("deskconn.noise.1", "wamp.2.json"),
            From::Router => head.replace("wamp.2.json", "deskconn.noise.1"),
        };
        assert_ne!(renamed, head);
        Act::Send(renamed.into_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_strips_noise_from_the_handshake_gets_no_session() {
    let scene = Scene::start().await;
    let before = scene.vault.gate.peers().len();
    // The client is answered with what it did not ask for.
    let proxy = scene.proxy(Units::Frames, renaming(&[From::Client])).await;
    let error = scene.join(Way::Noise, proxy.address, PATIENCE).await.unwrap_err();
    let ConnectError::Noise(_, HandshakeError::WebSocket(why)) = &error else {
        panic!("{error}")
    };
    assert!(why.to_string().contains("deskconn.noise.1"), "{why}");
    assert!(!proxy.has_seen(b"realm1"));
    // Or with what it asked for, while the router speaks plain: neither understands the other.
    let proxy = scene
        .proxy(Units::Frames, renaming(&[From::Client, From::Router]))
        .await;
    assert!(scene.join(Way::Noise, proxy.address, STALLED).await.is_err());
    assert!(!proxy.has_seen(b"realm1"));
    assert_eq!(scene.vault.gate.peers().len(), before);
}
