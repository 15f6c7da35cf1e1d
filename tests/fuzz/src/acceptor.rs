//! The handshake: whatever a client says before it has joined ends in a challenge, an admission or a refusal that can be
//! told, and nobody is admitted who was to prove something and did not.

use bytes::{Bytes, BytesMut};
use wamp::acceptor::{Acceptor, Proof, Step};
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;

/// Checks one input: an octet that says what is asked of the client, then frames, each behind an octet for its length.
pub fn acceptor(data: &[u8]) {
    let [how, rest @ ..] = data else { return };
    let mut acceptor = Acceptor::default();
    let mut rest = rest;
    let mut must_prove = false;
    while let [length, more @ ..] = rest {
        let (frame, after) = more.split_at(usize::from(*length).min(more.len()));
        rest = after;
        let serializer = Serializer::ALL[usize::from(how >> 4) % Serializer::ALL.len()];
        let Ok(message) = codec::decode(serializer, &Bytes::copy_from_slice(frame), &Bounds::JOINING) else {
            continue;
        };
        let mut step = acceptor.receive(message);
        if let Step::Find(asked) = &step {
            assert!(!asked.methods.is_empty());
            let key = asked.public_key().ok();
            let proof = match (how & 3, key) {
                (0, _) => Ok(Proof::None),
                (1, key) => Ok(Proof::Cryptosign(key)),
                (2, _) => Ok(Proof::Cryptosign(None)),
                _ => Err(asked.no_matching_method(&[])),
            };
            must_prove = matches!(proof, Ok(Proof::Cryptosign(_)));
            step = acceptor.found(proof, [9; 32]);
        }
        match step {
            // An input cannot hold a signature of these challenges by chance.
            Step::Admit(_) => return assert!(!must_prove, "somebody came in without proof"),
            Step::Refuse(abort) => return write(serializer, Message::Abort(abort)),
            Step::Send(message) => write(serializer, message),
            Step::Gone => return,
            Step::Find(_) => unreachable!("it was answered"),
        }
    }
}

fn write(serializer: Serializer, message: Message) {
    codec::encode(serializer, &message, &mut BytesMut::new()).expect("what the router says has a form everywhere");
}
