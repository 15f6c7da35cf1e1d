//! Packets of mDNS, which anybody on the local network may send.

use client::discovery::wire::{MAX_NAME, MAX_PACKET, Message, Name, Record, kind};

/// A packet is its header of 12 bytes and then questions and records of at least 5: a name of one byte, a type, a class.
const MOST_ENTRIES: usize = (MAX_PACKET - 12) / 5;

/// Checks one packet.
pub fn mdns(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    assert!(data.len() <= MAX_PACKET, "a packet that is too long was read");
    let records = || {
        [&message.answers, &message.authority, &message.additional]
            .into_iter()
            .flatten()
    };
    assert!(
        message.questions.len() + records().count() <= MOST_ENTRIES,
        "a packet has more than fits in it"
    );
    for question in &message.questions {
        check(&question.name);
    }
    for Record { name, kind, data, .. } in records() {
        check(name);
        // Content is as long as it was; names in it are written out.
        let most = if matches!(*kind, kind::PTR | kind::SRV) {
            6 + MAX_NAME
        } else {
            MAX_PACKET
        };
        assert!(data.len() <= most, "content grew to {} bytes", data.len());
    }
    let written = message.write();
    let read = Message::read(&written);
    // Names that were pointers before may make it longer than a packet.
    if written.len() <= MAX_PACKET {
        assert_eq!(read.as_ref(), Some(&message), "what was written is read otherwise");
    } else {
        assert_eq!(read, None, "a packet that is too long was read");
    }
}

/// A name is labels of 1 to 63 bytes, then one of none, and 255 bytes at most (RFC 1035 §3.1).
fn check(name: &Name) {
    let bytes = name.bytes();
    assert!(bytes.len() <= MAX_NAME, "a name of {} bytes", bytes.len());
    let mut rest = bytes;
    while let [length @ 1..=63, labels @ ..] = rest {
        rest = &labels[usize::from(*length)..];
    }
    assert_eq!(rest, [0], "a name does not end where it should: {bytes:?}");
}
