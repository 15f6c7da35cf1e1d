//! WebSocket, against another library's reading of the same bytes.

use std::io::{Cursor, Read, Write};

use bytes::Bytes;
use link::websocket::accepted;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;

use crate::connection::{End, serve};

const BOUNDS: Bounds = Bounds {
    message_bytes: 1000,
    ..Bounds::JOINED
};

/// Checks one input: where it is cut, and the frames of a client.
pub fn websocket(data: &[u8]) {
    let outcome = serve(data, |stream| async {
        Some(accepted(stream, [], Serializer::Json, BOUNDS))
    });
    let (expected, was_closed) = read(data.get(1..).unwrap_or_default());
    assert_eq!(format!("{:?}", outcome.messages), format!("{expected:?}"));
    if was_closed {
        // The other library finds a first piece of the wrong kind in order until its last piece comes.
        assert!(
            matches!(outcome.end, Some(End::Closed | End::Violation)),
            "{:?}",
            outcome.end
        );
    }
}

/// The messages up to the first that breaks a rule, and whether the client closed in order behind them.
fn read(data: &[u8]) -> (Vec<Message>, bool) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(BOUNDS.message_bytes))
        .max_frame_size(Some(BOUNDS.message_bytes));
    let mut socket = WebSocket::from_raw_socket(Deaf(Cursor::new(data)), Role::Server, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Text(text)) => {
                match codec::decode(Serializer::Json, &Bytes::from(text), &BOUNDS) {
                    Ok(message) => messages.push(message),
                    Err(_) => return (messages, false),
                }
            }
            Ok(tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_)) => {}
            Ok(tungstenite::Message::Close(_)) => return (messages, true),
            Ok(tungstenite::Message::Binary(_) | tungstenite::Message::Frame(_)) | Err(_) => return (messages, false),
        }
    }
}

/// A connection that takes everything and remembers nothing.
struct Deaf<'a>(Cursor<&'a [u8]>);

impl Read for Deaf<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Deaf<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
