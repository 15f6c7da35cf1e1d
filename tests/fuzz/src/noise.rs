//! Noise behind its handshake: pieces of messages, against a second, simple way of putting them together.

use std::thread_local;

use link::ReadError;
use link::noise::{Responder, Secret, accept};
use snow::{Builder, StatelessTransportState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;

use crate::connection::End;

const BOUNDS: Bounds = Bounds {
    message_bytes: 1000,
    ..Bounds::JOINED
};

thread_local! {
    static RUNTIME: Runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime can be made");
}

/// Checks one input: frames, each with an octet that says of which kind it is, one for its length, and its content.
pub fn noise(data: &[u8]) {
    let frames = read(data);
    let (messages, end) = RUNTIME.with(|runtime| runtime.block_on(exchange(&frames)));
    let (expected, expected_end) = expect(&frames);
    assert_eq!(format!("{messages:?}"), format!("{expected:?}"));
    assert_eq!(end, expected_end);
}

enum Frame<'a> {
    /// A piece with this octet in front, encrypted as it should be.
    Piece(u8, &'a [u8]),
    /// Bytes that nobody encrypted.
    Raw(&'a [u8]),
}

fn read(mut data: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    while let [kind, length, rest @ ..] = data {
        let (content, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        frames.push(match kind {
            0xff => Frame::Raw(content),
            // Mostly the two octets that mean something.
            kind => Frame::Piece(if *kind < 0xf0 { kind & 1 } else { *kind }, content),
        });
        data = rest;
    }
    frames
}

fn expect(frames: &[Frame<'_>]) -> (Vec<Message>, End) {
    let (mut messages, mut whole) = (Vec::new(), Vec::new());
    for frame in frames {
        let (flag, content) = match frame {
            // Its length is looked at first: 17 bytes of it would be no data.
            Frame::Raw(content) => {
                let data = content.len().checked_sub(17);
                let is_too_long = data.is_some_and(|data| whole.len() + data > BOUNDS.message_bytes);
                return (messages, if is_too_long { End::Violation } else { End::Lost });
            }
            Frame::Piece(flag, content) => (*flag, *content),
        };
        whole.extend_from_slice(content);
        let is_wrong = flag > 1 || flag == 1 && content.is_empty() || whole.len() > BOUNDS.message_bytes;
        if is_wrong {
            return (messages, End::Violation);
        }
        if flag == 1 {
            continue;
        }
        match codec::decode(Serializer::Json, &std::mem::take(&mut whole).into(), &BOUNDS) {
            Ok(message) => messages.push(message),
            Err(_) => return (messages, End::Violation),
        }
    }
    (messages, End::Lost)
}

fn protocol() -> snow::params::NoiseParams {
    "Noise_IK_25519_ChaChaPoly_SHA256"
        .parse()
        .expect("the library knows it")
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("frames are short").to_be_bytes();
    [&[0x82, 0x80 | 126][..], &length, &[0; 4], payload].concat()
}

async fn exchange(frames: &[Frame<'_>]) -> (Vec<Message>, End) {
    let (near, far) = UnixStream::pair().expect("a pair of sockets can be made");
    let responder = Responder {
        secret: Secret::new([1; 32].into()),
        did: [2; 32],
    };
    let read = async {
        let (mut link, _) = accept(far, [], &responder, BOUNDS)
            .await
            .expect("the handshake is in order");
        let mut messages = Vec::new();
        loop {
            match link.reader.next().await {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return (messages, End::Closed),
                Err(ReadError::Violation(_)) => return (messages, End::Violation),
                Err(ReadError::Io(_)) => return (messages, End::Lost),
            }
        }
    };
    let (outcome, ()) = tokio::join!(read, send(near, frames));
    outcome
}

async fn send(mut stream: UnixStream, frames: &[Frame<'_>]) {
    let cipher = handshake(&mut stream).await;
    let mut bytes = Vec::new();
    for (nonce, content) in frames.iter().enumerate() {
        match content {
            Frame::Raw(content) => bytes.extend(frame(content)),
            Frame::Piece(flag, content) => {
                let plain = [&[*flag][..], content].concat();
                let mut sealed = vec![0; plain.len() + 16];
                cipher
                    .write_message(nonce as u64, &plain, &mut sealed)
                    .expect("it has room");
                bytes.extend(frame(&sealed));
            }
        }
    }
    // The other end may have had enough.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn handshake(stream: &mut UnixStream) -> StatelessTransportState {
    let public = desktop();
    let prologue = [&b"deskconn.noise.1"[..], &[2; 32]].concat();
    let mut state = Builder::new(protocol())
        .local_private_key(&[3; 32])
        .and_then(|builder| builder.remote_public_key(&public))
        .and_then(|builder| builder.prologue(&prologue))
        .and_then(Builder::build_initiator)
        .expect("the keys are in order");
    let mut message = [0; 512];
    let length = state.write_message(b"wamp.2.json", &mut message).expect("it has room");
    stream
        .write_all(&frame(&message[..length]))
        .await
        .expect("the other end reads");
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.expect("the other end answers");
    let answer = &mut message[..usize::from(head[1])];
    stream.read_exact(answer).await.expect("the other end answers");
    state
        .read_message(answer, &mut [0; 512])
        .expect("the answer is in order");
    state.into_stateless_transport_mode().expect("the handshake is done")
}

/// The public half of the desktop's key.
fn desktop() -> Vec<u8> {
    use snow::resolvers::{CryptoResolver as _, DefaultResolver};
    let mut key = DefaultResolver
        .resolve_dh(&snow::params::DHChoice::Curve25519)
        .expect("the library has it");
    key.set(&[1; 32]);
    key.pubkey().to_vec()
}
