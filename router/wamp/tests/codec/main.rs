//! The three codecs: the specification's own vectors, golden bytes, conversions, bounds, and what is no message.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in a test a panic is the answer, also to a message that should not be there"
)]

mod advanced;
mod bounds;
mod golden;
mod malformed;
mod options;
mod samples;
mod transcode;
mod vectors;

use bytes::{Bytes, BytesMut};
use deskconn_wamp::codec::{self, Serializer};
use deskconn_wamp::error::{Unconvertible, Violation};
use deskconn_wamp::limits::Bounds;
use deskconn_wamp::message::Message;

fn encode(serializer: Serializer, message: &Message) -> Result<Bytes, Unconvertible> {
    let mut out = BytesMut::new();
    codec::encode(serializer, message, &mut out).map(|()| out.freeze())
}

fn decode(serializer: Serializer, frame: impl Into<Bytes>) -> Result<Message, Violation> {
    codec::decode(serializer, &frame.into(), &Bounds::JOINED)
}
