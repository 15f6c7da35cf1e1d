//! TLS and Noise as the router offers them and the client uses them.

use std::sync::Arc;
use std::time::Duration;

use client::tls::{self, Trust};
use client::{Closed, ConnectError, Options, Session, Target, Value};
use router::{Channel, Limits, Origins, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{OPEN_REALM, Way, soon};
use crate::vault::{Identity, Vault, static_key, target};

const SECURE: [Way; 4] = [Way::Wss, Way::Rss, Way::Noise, Way::Quic];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_is_told_what_a_client_came_on() {
    let vault = Vault::start();
    let mut channels = Vec::new();
    for way in Way::OVER_THE_NETWORK {
        let _session = vault.join(way).await;
        let peer = vault.gate.peers().pop().unwrap();
        let is_raw = matches!(way, Way::RawSocket | Way::Rss);
        assert_eq!(peer.transport == Transport::RawSocket, is_raw, "{way:?}");
        assert_eq!(peer.transport == Transport::Quic, way == Way::Quic);
        assert_eq!(peer.is_private(), SECURE.contains(&way), "{way:?}");
        match (way, &peer.channel) {
            (Way::WebSocket | Way::RawSocket, Channel::Plain)
            | (Way::Wss | Way::Rss | Way::Quic, Channel::Tls { .. }) => {}
            (Way::Noise, Channel::Noise { key, .. }) => assert_eq!(*key, vault.identity.device),
            (_, other) => panic!("{way:?} came as {other:?}"),
        }
        channels.push(peer.channel);
    }
    // Each has values of its own: a login that is bound to one cannot be used on another.
    assert_ne!(channels[2], channels[3]);
    assert_eq!(format!("{channels:?}"), "[Plain, Plain, Tls, Tls, Noise, Tls]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_a_tls_connection_know_the_same_values() {
    let vault = Vault::start();
    let stream = TcpStream::connect(vault.address).await.unwrap();
    let connected = tls::connect(stream, Trust::Pin(vault.identity.pin)).await.unwrap();
    let link = link::rawsocket::connect(connected.stream, client::Serializer::Json, wamp::limits::Bounds::JOINED);
    let session = Session::over(link.await.unwrap(), Options::new("realm1"))
        .await
        .unwrap();
    let Channel::Tls {
        exporter_pair,
        exporter_login,
        ..
    } = vault.gate.last_channel()
    else {
        panic!()
    };
    assert!(connected.exporters.pair == exporter_pair && connected.exporters.login == exporter_login);
    session.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_a_pin_is_told_to_pair_and_one_with_keys_never_speaks_plain() {
    // Nobody may even be connected to.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let open = || Options::new("realm1");
    let (pinned, noisy) = (open().pin([1; 32]), open().noise(Identity::new().login));
    for (way, options) in [
        (Way::Wss, open()),
        (Way::Rss, open()),
        (Way::Quic, open()),
        (Way::Wss, noisy.clone()),
        (Way::WebSocket, pinned.clone()),
        (Way::RawSocket, pinned),
        (Way::RawSocket, noisy),
    ] {
        let target = target(way, address);
        let error = Session::connect(&target, options).await.unwrap_err();
        match (way, &error) {
            (Way::Wss | Way::Rss | Way::Quic, ConnectError::NoPin(_)) => assert!(error.to_string().contains("pairing")),
            (Way::WebSocket | Way::RawSocket, ConnectError::WouldBePlain(_)) => {}
            (_, other) => panic!("{target}: {other}"),
        }
    }
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "something was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_with_other_keys_is_named_as_such() {
    let vault = Vault::start();
    let join = async |way, options| {
        Session::connect(&vault.target(way), options)
            .await
            .unwrap_err()
            .to_string()
    };
    for way in [Way::Wss, Way::Rss, Way::Quic] {
        let error = join(way, Options::new("realm1").pin([1; 32])).await;
        assert!(
            error.contains("another key than the one that was paired with"),
            "{error}"
        );
    }
    let mut login = vault.identity.login.clone();
    login.desktop = static_key().1;
    let error = join(Way::Noise, Options::new("realm1").noise(login)).await;
    assert!(error.contains("it may have another key than expected"), "{error}");
    assert!(vault.gate.peers().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_inside_noise_ends_with_goodbye_when_its_time_is_over_and_others_go_on() {
    let limits = Limits {
        noise_session: Duration::from_millis(200),
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let others = [
        vault.join(Way::Wss).await,
        vault.join(Way::Rss).await,
        vault.join(Way::WebSocket).await,
    ];
    let session = vault.join(Way::Noise).await;
    let closed = soon("the end", session.closed()).await;
    let Closed::ByRouter(reason, sentence) = closed else {
        panic!("{closed}")
    };
    assert_eq!(reason, wamp::error::CLOSE_NORMAL);
    assert!(sentence.contains("open another"), "{sentence}");
    for (number, other) in others.iter().enumerate() {
        let procedure = format!("com.p{number}");
        other
            .register(&procedure, |_| async { Ok(Value::Null.into()) })
            .await
            .unwrap();
    }
}

#[test]
fn a_session_inside_noise_may_live_for_a_day() {
    assert_eq!(Limits::default().noise_session, Duration::from_secs(86_400));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_without_keys_offers_neither() {
    // A plain router has no keys.
    let desk = crate::support::Desk::with(&format!("[desktop]\nenabled = false\n{OPEN_REALM}")).await;
    let identity = Identity::new();
    for way in SECURE {
        let options = identity.options(way, Options::new("realm1"));
        let error = Session::connect(&target(way, desk.address()), options)
            .await
            .unwrap_err();
        let is_right = if way == Way::Noise {
            error.to_string().contains("HTTP status 400")
        } else {
            matches!(error, ConnectError::Tls(..))
        };
        assert!(is_right, "{error}");
    }
}

/// Limits under which slow peers are closed soon.
fn impatient() -> Limits {
    Limits {
        handshake: Duration::from_secs(2),
        login: Duration::from_secs(2),
        joining_per_address: 5,
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_stop_in_the_middle_of_a_handshake_are_closed_in_time_and_their_places_are_free() {
    let vault = Vault::with(impatient(), Arc::new(Origins::default()));
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: deskconn.noise.1\r\n\r\n",
        vault.address
    );
    // Within TLS before and in the first message, and within Noise before and in its first message.
    let half = [upgrade.as_bytes(), &[0x82, 0x80 | 112, 0, 0, 0, 0, 1, 2]].concat();
    let beginnings = [b"\x16", &b"\x16\x03\x01\x02\x00\x01"[..], upgrade.as_bytes(), &half];
    let mut slow = Vec::new();
    for beginning in beginnings {
        let mut stream = TcpStream::connect(vault.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        slow.push(stream);
    }
    // Past TLS, and silent inside.
    let stream = TcpStream::connect(vault.address).await.unwrap();
    let mut silent = tls::connect(stream, Trust::Anybody).await.unwrap().stream;
    for stream in &mut slow {
        let _ = soon("the end", stream.read_to_end(&mut Vec::new())).await;
    }
    let _ = soon("the end", silent.read_to_end(&mut Vec::new())).await;
    assert!(vault.gate.peers().is_empty());
    let joined = async {
        for way in SECURE {
            let options = || vault.options(way, Options::new("realm1"));
            while Session::connect(&vault.target(way), options()).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
    };
    soon("a free place", joined).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_length_inside_tls_is_refused_before_anything_is_read() {
    let vault = Vault::start();
    let connect = async || {
        let stream = TcpStream::connect(vault.address).await.unwrap();
        tls::connect(stream, Trust::Pin(vault.identity.pin))
            .await
            .unwrap()
            .stream
    };
    // RawSocket: 16 MiB before the join.
    let mut stream = connect().await;
    stream
        .write_all(&[0x7f, 0xf1, 0, 0, 0, 0xff, 0xff, 0xff])
        .await
        .unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    let _ = soon("the refusal", stream.read_to_end(&mut answer)).await;
    assert!(String::from_utf8_lossy(&answer).contains("wamp.error.payload_size_exceeded"));
    // WebSocket: 2^31 bytes and more.
    for length in [1_u64 << 31, (1 << 63) - 1] {
        let mut stream = connect().await;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n",
            vault.address
        );
        let head = [&[0x81, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]].concat();
        stream.write_all(&[request.as_bytes(), &head].concat()).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        let _ = soon("the refusal", stream.read_to_end(&mut answer)).await;
        assert!(String::from_utf8_lossy(&answer).contains("wamp.error.payload_size_exceeded"));
    }
}

/// Asks over TLS and gives the status.
async fn ask(vault: &Vault, request: &str) -> u16 {
    let stream = TcpStream::connect(vault.address).await.unwrap();
    let mut stream = tls::connect(stream, Trust::Pin(vault.identity.pin))
        .await
        .unwrap()
        .stream;
    stream
        .write_all(request.replace('\n', "\r\n").as_bytes())
        .await
        .unwrap();
    stream.flush().await.unwrap();
    let mut head = vec![0; "HTTP/1.1 200".len()];
    soon("the answer", stream.read_exact(&mut head)).await.unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_tls_the_router_s_own_origin_is_the_one_with_https() {
    let vault = Vault::start();
    let address = vault.address;
    let upgrade = |host: &str, origin: &str| {
        format!(
            "GET /ws HTTP/1.1\nHost: {host}\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: wamp.2.json\nOrigin: {origin}\n\n"
        )
    };
    let own = address.to_string();
    for (host, origin, status) in [
        (own.as_str(), format!("https://{address}"), 101),
        (&own, format!("http://{address}"), 403),
        (&own, "null".to_owned(), 403),
        (&own, "https://evil.example".to_owned(), 403),
        ("evil.example", format!("https://{address}"), 421),
        ("127.0.0.1", format!("https://{address}"), 421),
    ] {
        assert_eq!(ask(&vault, &upgrade(host, &origin)).await, status, "{host} {origin}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_rawsocket_or_http_that_finds_no_place_is_told_so_and_others_are_closed() {
    let limits = Limits {
        joining_per_address: 1,
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let mut holder = TcpStream::connect(vault.address).await.unwrap();
    holder.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
    soon("the handshake", holder.read_exact(&mut [0; 4])).await.unwrap();
    let error = Session::connect(&vault.target(Way::RawSocket), Options::new("realm1"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("as many connections as it takes"), "{error}");
    // Who says nothing, or something else, is closed and holds nothing.
    for (beginning, told) in [
        (&b""[..], &b""[..]),
        (b"G", b"HTTP/1.1 503"),
        (b"g", b""),
        (b"\x16\x03", b""),
    ] {
        let mut stream = TcpStream::connect(vault.address).await.unwrap();
        let _ = stream.write_all(beginning).await;
        let mut answer = Vec::new();
        let _ = soon("the end", stream.read_to_end(&mut answer)).await;
        assert!(
            answer.starts_with(told) && answer.is_empty() == told.is_empty(),
            "{beginning:?}"
        );
    }
    // More at a time than are told anything: each of them is closed as well.
    let mut many = Vec::new();
    for _ in 0..100 {
        many.push(TcpStream::connect(vault.address).await.unwrap());
    }
    for mut stream in many {
        let _ = soon("the end", stream.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_no_websocket_keeps_the_place_of_its_connection() {
    let limits = Limits {
        joining_per_address: 1,
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let mut held = TcpStream::connect(vault.address).await.unwrap();
    // A question that is answered, after which the connection goes on.
    let request = format!("GET /nothing HTTP/1.1\r\nHost: {}\r\n\r\n", vault.address);
    held.write_all(request.as_bytes()).await.unwrap();
    soon("the answer", held.read_exact(&mut [0; 12])).await.unwrap();
    let target: Target = vault.target(Way::RawSocket);
    let refused = Session::connect(&target, Options::new("realm1")).await;
    assert!(refused.is_err());
}
