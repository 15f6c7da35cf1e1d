//! Links over real sockets: both ends ours, one end ours and one another library's, one end ours and one raw bytes.

#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "in a test a panic is the answer, and memory does not matter"
)]

// The name under which the samples know it.
extern crate wamp as deskconn_wamp;

/// One message of every kind, as the codec is tested with.
#[path = "../../../wamp/tests/codec/advanced.rs"]
mod advanced;
mod hostile;
mod local;
mod noise;
mod rawsocket;
mod roundtrip;
#[path = "../../../wamp/tests/codec/samples.rs"]
mod samples;
mod support;
mod tls;
mod websocket;
