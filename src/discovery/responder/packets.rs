//! Records: when two are the same, when one is asked for, and how many fit in a packet.

use client::discovery::wire::{Message, Question, Record, kind};

/// Bytes of records in one packet, so that it fits in a frame of Ethernet with the headers of IPv6.
pub(super) const PACKET_BYTES: usize = 1380;

pub(super) fn asks_for(question: &Question, record: &Record) -> bool {
    question.name == record.name && (question.kind == record.kind || question.kind == kind::ANY)
}

/// The same record, whatever its time to live. Names inside are compared as names are.
pub(super) fn is_same(one: &Record, other: &Record) -> bool {
    one.kind == other.kind
        && one.name == other.name
        && match one.kind {
            kind::PTR => one.data.eq_ignore_ascii_case(&other.data),
            // Three numbers, then the host.
            kind::SRV => match (one.data.split_at_checked(6), other.data.split_at_checked(6)) {
                (Some((one, host)), Some((other, to))) => one == other && host.eq_ignore_ascii_case(to),
                _ => false,
            },
            _ => one.data == other.data,
        }
}

/// Whether somebody knows our record well enough to do without it: for half its time at least (RFC 6762 §7.1).
pub(super) fn is_known(known: &[Record], own: &Record) -> bool {
    known
        .iter()
        .any(|known| is_same(known, own) && known.ttl >= own.ttl / 2)
}

/// Responses with these records that fit in a packet each.
pub(super) fn responses(records: impl IntoIterator<Item = Record>) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut left = 0;
    for record in records {
        let is_new = messages.is_empty() || record.size() > left;
        if is_new {
            left = PACKET_BYTES;
            messages.push(Message {
                is_response: true,
                ..Message::default()
            });
        }
        left = left.saturating_sub(record.size());
        if let Some(message) = messages.last_mut() {
            message.answers.push(record);
        }
    }
    messages
}

/// Adds to the last response what still fits.
pub(super) fn add(messages: &mut [Message], additional: impl IntoIterator<Item = Record>) {
    let Some(last) = messages.last_mut() else { return };
    let mut left = PACKET_BYTES.saturating_sub(last.answers.iter().map(Record::size).sum());
    for record in additional {
        let Some(rest) = left.checked_sub(record.size()) else {
            return;
        };
        left = rest;
        last.additional.push(record);
    }
}
