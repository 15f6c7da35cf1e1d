//! Noise messages as values: what is put in comes out, and nothing else does.

use super::*;
use crate::noise::protocol;

/// Both ends of one direction.
fn ends() -> (Sealer, Opener) {
    let pair = snow::Builder::new(protocol()).generate_keypair().unwrap();
    let mut initiator = snow::Builder::new(protocol())
        .local_private_key(&pair.private)
        .and_then(|builder| builder.remote_public_key(&pair.public))
        .and_then(snow::Builder::build_initiator)
        .unwrap();
    let mut responder = snow::Builder::new(protocol())
        .local_private_key(&pair.private)
        .and_then(snow::Builder::build_responder)
        .unwrap();
    let (mut message, mut payload) = ([0; 512], [0; 512]);
    let length = initiator.write_message(&[], &mut message).unwrap();
    responder.read_message(&message[..length], &mut payload).unwrap();
    let length = responder.write_message(&[], &mut message).unwrap();
    initiator.read_message(&message[..length], &mut payload).unwrap();
    (
        Sealer::new(initiator.into_stateless_transport_mode().unwrap().into()),
        Opener::new(responder.into_stateless_transport_mode().unwrap().into()),
    )
}

impl Sealer {
    fn seal(&mut self, message: &[u8]) -> Vec<Bytes> {
        let encode = |buffer: &mut BytesMut| {
            buffer.extend_from_slice(message);
            Ok::<_, ()>(())
        };
        self.fill(0, encode).unwrap();
        let mut sealed = Vec::new();
        while let Some(piece) = self.next_piece() {
            let (length, mut buffer) = (piece.len(), BytesMut::new());
            piece.seal_into(&mut buffer);
            assert_eq!(length, buffer.len());
            sealed.push(buffer.freeze());
        }
        sealed
    }

    /// A Noise message with this plaintext, whatever it means.
    fn raw(&mut self, plain: &[u8]) -> Bytes {
        let mut sealed = vec![0; plain.len() + TAG];
        self.cipher.write_message(self.nonce, plain, &mut sealed).unwrap();
        self.nonce += 1;
        sealed.into()
    }
}

/// Different everywhere, so that a byte in the wrong place is found.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251).to_le_bytes()[0]).collect()
}

fn is_not_genuine(opened: &Result<Option<Bytes>, ReadError>) -> bool {
    matches!(opened, Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::InvalidData)
}

fn violation(opened: Result<Option<Bytes>, ReadError>) -> Violation {
    match opened {
        Err(ReadError::Violation(violation)) => violation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_of_any_length_comes_out_as_it_went_in_from_as_few_pieces_as_possible() {
    let (mut sealer, mut opener) = ends();
    let sizes = [
        0,
        1,
        MAX_DATA - 1,
        MAX_DATA,
        MAX_DATA + 1,
        2 * MAX_DATA,
        2 * MAX_DATA + 1,
        1 << 20,
    ];
    for size in sizes {
        let message = bytes(size);
        let sealed = sealer.seal(&message);
        assert_eq!(sealed.len(), size.div_ceil(MAX_DATA).max(1), "{size}");
        assert!(sealed.iter().all(|piece| piece.len() <= MAX_MESSAGE));
        let mut opened = None;
        for piece in &sealed {
            assert_eq!(opened, None);
            opened = opener.open(piece, size).unwrap();
        }
        assert!(opened.as_deref() == Some(&message[..]), "{size}");
        assert_eq!(opener.begun.capacity(), 0, "an idle session keeps nothing");
    }
    sealer.rest();
    assert_eq!(sealer.plain.capacity(), 0);
}

#[test]
fn one_bit_anywhere_is_enough_to_refuse() {
    let (mut sealer, mut opener) = ends();
    let sealed = sealer.seal(b"a message").remove(0);
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(is_not_genuine(&opener.open(&altered.into(), 100)), "{bit}");
    }
    assert_eq!(opener.open(&sealed, 100).unwrap().unwrap(), "a message");
}

#[test]
fn what_is_repeated_left_out_moved_or_cut_off_is_refused() {
    let three = || {
        let (mut sealer, opener) = ends();
        let sealed: Vec<_> = (0..3).flat_map(|number| sealer.seal(&[number; 10])).collect();
        (sealed, opener)
    };
    let (sealed, mut opener) = three();
    for (number, piece) in sealed.iter().enumerate() {
        let message = opener.open(piece, 10).unwrap().unwrap();
        assert_eq!(usize::from(message[0]), number);
        assert!(is_not_genuine(&opener.open(piece, 10)), "repeated");
    }
    let (sealed, mut opener) = three();
    assert!(is_not_genuine(&opener.open(&sealed[1], 10)), "left out");
    let (sealed, mut opener) = three();
    opener.open(&sealed[0], 10).unwrap().unwrap();
    assert!(is_not_genuine(&opener.open(&sealed[2], 10)), "moved");
    for length in 0..sealed[0].len() {
        let (sealed, mut opener) = three();
        let cut = sealed[0].slice(..length);
        assert!(is_not_genuine(&opener.open(&cut, 10)), "cut to {length}");
    }
    let (mut sealer, _) = ends();
    let (_, mut opener) = ends();
    let other = sealer.seal(b"of another session").remove(0);
    assert!(is_not_genuine(&opener.open(&other, 100)));
}

#[test]
fn a_piece_of_one_message_cannot_be_put_into_another() {
    let (mut sealer, mut opener) = ends();
    let first = sealer.seal(&bytes(MAX_DATA + 1));
    let second = sealer.seal(&bytes(MAX_DATA + 1));
    assert_eq!(opener.open(&first[0], 1 << 20).unwrap(), None);
    assert!(is_not_genuine(&opener.open(&second[1], 1 << 20)));
}

#[test]
fn a_message_may_be_as_long_as_the_bound_and_one_byte_more_is_refused_before_memory_grows() {
    let (mut sealer, mut opener) = ends();
    let sealed = sealer.seal(&bytes(1000));
    assert!(opener.open(&sealed[0], 1000).unwrap().is_some());
    let sealed = sealer.seal(&bytes(1001));
    assert_eq!(
        violation(opener.open(&sealed[0], 1000)).reason,
        wamp::error::PAYLOAD_SIZE_EXCEEDED
    );
    // The same from pieces, whose lengths add up.
    let (mut sealer, mut opener) = ends();
    for _ in 0..10 {
        let piece = sealer.raw(&[&[MORE][..], &[b'x'; 100]].concat());
        assert_eq!(opener.open(&piece, 1000).unwrap(), None);
    }
    let before = opener.begun.capacity();
    let piece = sealer.raw(&[LAST, b'x']);
    assert_eq!(
        violation(opener.open(&piece, 1000)).reason,
        wamp::error::PAYLOAD_SIZE_EXCEEDED
    );
    assert_eq!(opener.begun.capacity(), before);
    assert!(before <= 2000, "{before}");
}

#[test]
fn frames_are_bounded_by_the_message_and_by_noise() {
    assert_eq!(Opener::longest_frame(1000), 1000 + OVERHEAD);
    assert_eq!(Opener::longest_frame(MAX_DATA), MAX_MESSAGE);
    assert_eq!(Opener::longest_frame(MAX_DATA + 1), MAX_MESSAGE);
    assert_eq!(Opener::longest_frame(usize::MAX), MAX_MESSAGE);
}

#[test]
fn an_octet_in_front_that_says_nothing_known_is_a_violation() {
    let (mut sealer, mut opener) = ends();
    for flag in 2..=u8::MAX {
        let sealed = sealer.raw(&[flag, b'x']);
        let sentence = violation(opener.open(&sealed, 10)).sentence;
        assert!(sentence.contains("0 or 1"), "{sentence}");
    }
}

#[test]
fn pieces_with_nothing_in_them_are_a_violation_first_and_later() {
    let (mut sealer, mut opener) = ends();
    let empty = sealer.raw(&[MORE]);
    assert!(violation(opener.open(&empty, 10)).sentence.contains("empty"));
    let (mut sealer, mut opener) = ends();
    let (piece, empty) = (sealer.raw(&[MORE, b'x']), sealer.raw(&[MORE]));
    assert_eq!(opener.open(&piece, 10).unwrap(), None);
    assert!(violation(opener.open(&empty, 10)).sentence.contains("empty"));
    // The last piece may be empty: that ends.
    let (mut sealer, mut opener) = ends();
    let (piece, last) = (sealer.raw(&[MORE, b'x']), sealer.raw(&[LAST]));
    assert_eq!(opener.open(&piece, 10).unwrap(), None);
    assert_eq!(opener.open(&last, 10).unwrap().unwrap(), "x");
}

#[test]
fn a_message_that_cannot_be_encoded_sends_nothing_and_uses_no_nonce() {
    let (mut sealer, mut opener) = ends();
    assert_eq!(sealer.fill(0, |_| Err("no")), Err("no"));
    assert!(sealer.next_piece().is_none());
    let sealed = sealer.seal(b"next").remove(0);
    assert_eq!(opener.open(&sealed, 10).unwrap().unwrap(), "next");
}
