//! Peers that mean harm, or know no better.

use deskconn_link::{Link, ReadError, noise, rawsocket, websocket};
use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use wamp::codec::Serializer;
use wamp::limits::Bounds;

use crate::support::{Socket, Transport, call, receive, soon};

/// The router's end, past its handshake, and a raw peer.
async fn past_handshake(transport: Transport, serializer: Serializer) -> (Link, UnixStream) {
    let (mut peer, stream) = UnixStream::pair().unwrap();
    let link = match transport {
        Transport::WebSocket => websocket::accepted(stream, [], serializer, Bounds::JOINED),
        Transport::Batched => websocket::accepted(stream, [], websocket::Format::batched(serializer), Bounds::JOINED),
        Transport::RawSocket => {
            let number = 1 + u8::try_from(serializer.index()).unwrap();
            peer.write_all(&[0x7f, 0xf0 | number, 0, 0]).await.unwrap();
            let link = rawsocket::accept(stream, Bounds::JOINED, 1 << 20).await.unwrap();
            peer.read_exact(&mut [0; 4]).await.unwrap();
            link
        }
        Transport::Noise => {
            let (link, past) = crate::noise::past_handshake(Bounds::JOINED).await;
            return (link, past.stream);
        }
    };
    (link, peer)
}

#[tokio::test]
async fn garbage_ends_in_an_error_and_never_in_a_panic() {
    let mut random = StdRng::seed_from_u64(1);
    let transports = [
        Transport::WebSocket,
        Transport::RawSocket,
        Transport::Noise,
        Transport::Batched,
    ];
    for round in 0..800 {
        let transport = transports[round % 4];
        let serializer = Serializer::ALL[round / 4 % 3];
        let (mut link, mut peer) = past_handshake(transport, serializer).await;
        let mut garbage = vec![0; random.random_range(1..300)];
        random.fill_bytes(&mut garbage);
        if round / 4 % 4 == 0 {
            // A header that may be right, so that the garbage is a message.
            garbage[0] = [0x82, 0, 0x82, 0x82][round % 4];
        }
        peer.write_all(&garbage).await.unwrap();
        drop(peer);
        loop {
            match soon(link.reader.next()).await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(ReadError::Violation(violation)) => {
                    assert!(!violation.sentence.is_empty());
                    break;
                }
                Err(ReadError::Io(_)) => break,
            }
        }
    }
}

#[tokio::test]
async fn bytes_that_come_one_by_one_make_the_same_messages() {
    for transport in [Transport::WebSocket, Transport::RawSocket, Transport::Noise] {
        let (responder, initiator, _) = crate::support::introduced();
        let (near, far) = Socket::Unix.pair().await;
        // What a client of ours sends, byte by byte through a pipe.
        let (mut pipe, end) = UnixStream::pair().unwrap();
        let message = call(Serializer::MessagePack, 300);
        let client = async {
            let mut client = match transport {
                Transport::WebSocket | Transport::Batched => {
                    let serializers = [Serializer::MessagePack];
                    websocket::connect(near, "localhost", "/", &serializers, Bounds::JOINED)
                        .await
                        .unwrap()
                }
                Transport::RawSocket => rawsocket::connect(near, Serializer::MessagePack, Bounds::JOINED)
                    .await
                    .unwrap(),
                Transport::Noise => {
                    let serializers = [Serializer::MessagePack];
                    noise::connect(near, "localhost", "/", &initiator, &serializers, Bounds::JOINED)
                        .await
                        .unwrap()
                }
            };
            client.writer.send(message.clone()).await.unwrap();
            client.writer.send(message.clone()).await.unwrap();
            client
        };
        let router = async {
            match transport {
                Transport::WebSocket | Transport::Batched => crate::support::upgrade(end.into(), Bounds::JOINED).await,
                Transport::RawSocket => rawsocket::accept(end, Bounds::JOINED, 1 << 20).await.unwrap(),
                Transport::Noise => {
                    let end = crate::support::upgraded_to_noise(end.into()).await;
                    noise::accept(end, [], &responder, Bounds::JOINED).await.unwrap().0
                }
            }
        };
        let trickle = async {
            let deskconn_link::Stream::Unix(mut far) = far else {
                panic!()
            };
            let mut byte = [0];
            loop {
                tokio::select! {
                    read = far.read(&mut byte) => {
                        if read.unwrap() == 0 { break }
                        pipe.write_all(&byte).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    back = async { let mut back = [0; 512]; pipe.read(&mut back).await.map(|count| back[..count].to_vec()) } => {
                        far.write_all(&back.unwrap()).await.unwrap();
                    }
                }
            }
        };
        let take = async {
            let (mut router, client) = tokio::join!(router, client);
            assert_eq!(receive(&mut router).await, message);
            assert_eq!(receive(&mut router).await, message);
            drop(client);
        };
        soon(async { tokio::join!(trickle, take) }).await;
    }
}

#[tokio::test]
async fn a_peer_that_pings_and_takes_no_answer_is_not_read_any_more() {
    for (transport, ping) in [
        (
            Transport::WebSocket,
            [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'p'; 125]].concat(),
        ),
        (Transport::RawSocket, [&[1, 0, 0x10, 0][..], &[b'p'; 4096]].concat()),
    ] {
        let (mut link, mut peer) = past_handshake(transport, Serializer::Json).await;
        let flood = ping.repeat(1000);
        let mut sent = 0;
        // 64 MiB are far more than the sockets hold: sending ends only because the reader has stopped.
        while sent < 64 << 20 {
            assert!(link.reader.next().now_or_never().is_none());
            let Some(written) = peer.write(&flood[sent % flood.len()..]).now_or_never() else {
                break;
            };
            sent += written.unwrap();
        }
        assert!(
            sent < 16 << 20,
            "{sent} bytes of pings were read and none of their answers was taken"
        );
        // It goes on as soon as the peer takes what it asked for.
        let drain = async {
            let mut buffer = vec![0; 1 << 16];
            let mut taken = 0;
            while taken < sent / 2 {
                taken += peer.read(&mut buffer).await.unwrap();
            }
        };
        tokio::select! {
            read = link.reader.next() => panic!("{read:?}"),
            () = soon(drain) => {}
        }
    }
}

#[tokio::test]
async fn a_message_with_very_many_pieces_is_put_together_or_refused() {
    let (mut link, mut peer) = past_handshake(Transport::WebSocket, Serializer::Json).await;
    let piece = [0x00, 0x81, 0, 0, 0, 0, b' '];
    let send = async {
        peer.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'[']).await.unwrap();
        // It fails when the router has had enough.
        let _ = peer.write_all(&piece.repeat((1 << 20) + 1)).await;
    };
    let read = async {
        let read = link.reader.next().await;
        drop(link);
        read
    };
    let (read, ()) = soon(async { tokio::join!(read, send) }).await;
    let Err(ReadError::Violation(violation)) = read else {
        panic!("{read:?}")
    };
    assert_eq!(violation.reason, wamp::error::PAYLOAD_SIZE_EXCEEDED);
}

#[tokio::test]
async fn a_batch_is_sent_as_one_websocket_message_and_read_as_several() {
    for serializer in Serializer::ALL {
        let (mut link, mut peer) = past_handshake(Transport::Batched, serializer).await;
        let mut batch = std::collections::VecDeque::from([call(serializer, 3).into(), call(serializer, 5).into()]);
        link.writer.send_all(&mut batch, &mut Vec::new()).await.unwrap();
        let mut header = [0; 2];
        peer.read_exact(&mut header).await.unwrap();
        let mut body = vec![0; usize::from(header[1])];
        peer.read_exact(&mut body).await.unwrap();
        // It is masked with nothing, as a client may do.
        let masked = [&[header[0], 0x80 | header[1], 0, 0, 0, 0], &body[..]].concat();
        peer.write_all(&masked).await.unwrap();
        assert_eq!(receive(&mut link).await, call(serializer, 3));
        assert_eq!(receive(&mut link).await, call(serializer, 5));
    }
}
