//! What is posted to a transport of long-poll, against a second, simple reading of the formats.

use std::collections::VecDeque;

use bytes::Bytes;
use link::longpoll::{Fetched, PostError, open};
use link::websocket::Format;
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;

const BOUNDS: Bounds = Bounds {
    message_bytes: 1000,
    ..Bounds::JOINED
};
/// What is written may be longer than what was read: half a float comes back as a whole one.
const WRITTEN: Bounds = Bounds {
    message_bytes: 16 * BOUNDS.message_bytes,
    ..BOUNDS
};

/// Checks one input: the format, and the body of a request.
pub fn longpoll(data: &[u8]) {
    let Some((&first, body)) = data.split_first() else {
        return;
    };
    let serializer = Serializer::ALL[usize::from(first & 3) % Serializer::ALL.len()];
    let format = if first & 4 == 0 {
        serializer.into()
    } else {
        Format::batched(serializer)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime needs nothing");
    runtime.block_on(check(format, body));
}

async fn check(format: Format, body: &[u8]) {
    let (mut link, mailbox) = open(format, BOUNDS);
    let posted = mailbox.post(Bytes::copy_from_slice(body)).await;
    let Some(expected) = read(format, body) else {
        assert!(matches!(posted, Err(PostError::Violation(_))), "{posted:?}");
        assert!(link.reader.next().await.is_err());
        return;
    };
    posted.expect("it is in order");
    for message in &expected {
        let taken = link.reader.next().await.expect("it is in order");
        assert_eq!(format!("{:?}", taken.as_ref()), format!("{:?}", Some(message)));
    }
    // What is written can be fetched and read again.
    let mut batch: VecDeque<_> = expected.iter().cloned().map(Into::into).collect();
    let count = batch.len();
    link.writer.put(&mut batch, &mut Vec::new()).expect("it is open");
    let mut fetched = 0;
    while fetched < count - batch.len() {
        let Fetched::Messages(body) = mailbox.fetch().await else {
            panic!("it is there")
        };
        fetched += read_any(format, &body, &WRITTEN)
            .expect("what is written can be read")
            .len();
    }
}

fn read(format: Format, body: &[u8]) -> Option<Vec<Message>> {
    if body.len() > BOUNDS.message_bytes {
        return None;
    }
    read_any(format, body, &BOUNDS)
}

fn read_any(format: Format, mut body: &[u8], bounds: &Bounds) -> Option<Vec<Message>> {
    let decode = |bytes: &[u8]| codec::decode(format.serializer, &Bytes::copy_from_slice(bytes), bounds).ok();
    if !format.is_batched {
        return Some(vec![decode(body)?]);
    }
    let mut messages = Vec::new();
    while !body.is_empty() {
        let (message, rest) = if format.serializer == Serializer::Json {
            let end = body.iter().position(|byte| matches!(byte, 0x1e | 0x18))?;
            (&body[..end], &body[end + 1..])
        } else {
            let (length, rest) = body.split_first_chunk::<4>()?;
            rest.split_at_checked(u32::from_be_bytes(*length) as usize)?
        };
        messages.push(decode(message)?);
        body = rest;
    }
    (!messages.is_empty()).then_some(messages)
}
