//! The client's side of opening a WebSocket (RFC 6455 §4.1).

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::client::{Response, generate_key};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::http::HeaderMap;
use wamp::codec::Serializer;
use wamp::limits::Bounds;

use super::{Format, Frames};
use crate::wire::{self, Framing};
use crate::{Link, Stream};

/// Bytes of the head of a response. Ours has about 150; proxies add to that.
const MAX_HEAD: usize = 8 << 10;
/// Characters of a refusal's text that are shown.
const MAX_REASON: usize = 200;
/// The status that says that HTTP is over (RFC 9110 §15.2.2).
const SWITCHING_PROTOCOLS: u16 = 101;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host or the path cannot stand in a request.
    #[error("{0:?} has characters that an address does not have; correct it")]
    Address(String),
    /// The connection failed, or was closed.
    #[error("the connection was lost during the WebSocket handshake: {0}")]
    Io(#[from] io::Error),
    /// The answer is not HTTP, or too much of it.
    #[error("the other end does not speak HTTP; is this the right port?")]
    NotHttp,
    /// The answer is HTTP, but no WebSocket: status and text.
    #[error("the other end answers with HTTP status {0} instead of opening a WebSocket: {1}")]
    Refused(u16, String),
    /// The answer breaks RFC 6455.
    #[error("the other end does not open the WebSocket as RFC 6455 says: {0}")]
    Wrong(&'static str),
    /// The answer names a subprotocol that was not offered, or none.
    #[error("the other end speaks none of the subprotocols that were offered: {0}")]
    Subprotocol(String),
}

/// Opens a WebSocket over `stream` and offers these serializers, the most wanted first. `host` is what the router is
/// reached by, with the port.
///
/// # Errors
/// The other end refuses, or does not speak WAMP over WebSocket.
///
/// # Panics
/// No serializer is offered.
pub async fn connect(
    stream: impl Into<Stream>,
    host: &str,
    path: &str,
    serializers: &[Serializer],
    bounds: Bounds,
) -> Result<Link, ConnectError> {
    let formats: Vec<_> = serializers.iter().copied().map(Format::from).collect();
    connect_as(stream, host, path, &formats, bounds).await
}

/// The same for any subprotocols of WAMP.
///
/// # Errors
/// The other end refuses, or speaks none of them.
///
/// # Panics
/// None is offered.
pub async fn connect_as(
    stream: impl Into<Stream>,
    host: &str,
    path: &str,
    formats: &[Format],
    bounds: Bounds,
) -> Result<Link, ConnectError> {
    assert!(!formats.is_empty(), "somebody who connects must speak something");
    let offers: Vec<_> = formats.iter().map(|format| format.subprotocol()).collect();
    let opened = open(stream.into(), host, path, &offers).await?;
    let chosen = formats.iter().find(|format| format.subprotocol() == opened.subprotocol);
    let chosen = chosen.expect("what was not offered is refused");
    let settings = chosen.settings(Framing::WebSocketClient, bounds);
    Ok(wire::link(opened.stream, &opened.rest, settings))
}

/// Opens a WebSocket over `stream` for binary messages of at most `longest` bytes in this subprotocol.
///
/// # Errors
/// The other end refuses, or does not speak that subprotocol.
pub async fn connect_frames(
    stream: impl Into<Stream>,
    host: &str,
    path: &str,
    subprotocol: &str,
    longest: usize,
) -> Result<Frames, ConnectError> {
    let opened = open(stream.into(), host, path, &[subprotocol]).await?;
    Ok(Frames::new(
        opened.stream,
        &opened.rest,
        Framing::WebSocketClient,
        longest,
    ))
}

/// A WebSocket.
struct Opened<'a> {
    stream: Stream,
    /// What was read beyond the response.
    rest: BytesMut,
    /// The offer that was taken.
    subprotocol: &'a str,
}

async fn open<'a>(mut stream: Stream, host: &str, path: &str, offers: &[&'a str]) -> Result<Opened<'a>, ConnectError> {
    let key = generate_key();
    stream.write_all(request(host, path, &key, offers)?.as_bytes()).await?;
    stream.flush().await?;
    let (response, rest) = response(&mut stream).await?;
    let subprotocol = check(&response, &rest, &key, offers)?;
    Ok(Opened {
        stream,
        rest,
        subprotocol,
    })
}

fn request(host: &str, path: &str, key: &str, offers: &[&str]) -> Result<String, ConnectError> {
    let is_wrong = |text: &str| text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_graphic());
    for text in [host, path] {
        if is_wrong(text) {
            return Err(ConnectError::Address(text.to_owned()));
        }
    }
    Ok(format!(
        "GET {path} HTTP/1.1\r\n\
         Host: {host}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {}\r\n\
         \r\n",
        offers.join(", ")
    ))
}

/// The head of the response, and what was read beyond it.
async fn response(stream: &mut Stream) -> Result<(Response, BytesMut), ConnectError> {
    let mut bytes = BytesMut::with_capacity(1 << 10);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match Response::try_parse(&bytes) {
            Ok(Some((size, response))) => {
                let rest = bytes.split_off(size);
                return Ok((response, rest));
            }
            Ok(None) if bytes.len() < MAX_HEAD => {}
            Ok(None) | Err(_) => return Err(ConnectError::NotHttp),
        }
    }
}

/// The offer that was taken.
fn check<'a>(response: &Response, rest: &[u8], key: &str, offers: &[&'a str]) -> Result<&'a str, ConnectError> {
    let status = response.status().as_u16();
    let headers = response.headers();
    if status != SWITCHING_PROTOCOLS {
        let text: String = String::from_utf8_lossy(rest)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MAX_REASON)
            .collect();
        return Err(ConnectError::Refused(status, text.trim().to_owned()));
    }
    if !has_token(headers, "Upgrade", "websocket") || !has_token(headers, "Connection", "upgrade") {
        return Err(ConnectError::Wrong("Upgrade or Connection is missing"));
    }
    if headers
        .get("Sec-WebSocket-Accept")
        .is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(ConnectError::Wrong("Sec-WebSocket-Accept does not match"));
    }
    if headers.contains_key("Sec-WebSocket-Extensions") {
        return Err(ConnectError::Wrong("it uses an extension that was not offered"));
    }
    let chosen = headers
        .get("Sec-WebSocket-Protocol")
        .and_then(|protocol| protocol.to_str().ok());
    let taken = chosen.and_then(|chosen| offers.iter().find(|offer| **offer == chosen.trim()));
    taken
        .copied()
        .ok_or_else(|| ConnectError::Subprotocol(offers.join(", ")))
}

fn has_token(headers: &HeaderMap, name: &str, token: &str) -> bool {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and its answer are the example of RFC 6455 §1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const RIGHT: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: wamp.2.cbor\r\n\r\n";

    fn answer(text: &str) -> Result<&str, String> {
        let (size, response) = Response::try_parse(text.as_bytes()).unwrap().unwrap();
        let offers = ["wamp.2.json", "wamp.2.cbor"];
        check(&response, &text.as_bytes()[size..], KEY, &offers).map_err(|error| error.to_string())
    }

    #[test]
    fn the_right_answer_is_taken_and_each_wrong_one_is_named() {
        assert_eq!(answer(RIGHT), Ok("wamp.2.cbor"));
        for (part, instead, sentence) in [
            ("Upgrade: WebSocket", "Upgrade: h2c", "Upgrade or Connection"),
            ("keep-alive, Upgrade", "keep-alive", "Upgrade or Connection"),
            ("s3pP", "s4pP", "Sec-WebSocket-Accept"),
            ("wamp.2.cbor", "wamp.2.flatbuffers", "none of the subprotocols"),
            ("wamp.2.cbor", "wamp.2.msgpack", "none of the subprotocols"),
            ("Sec-WebSocket-Protocol", "X-Other", "none of the subprotocols"),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                "extension",
            ),
        ] {
            let text = RIGHT.replace(part, instead);
            assert_ne!(text, RIGHT, "{part}");
            let error = answer(&text).unwrap_err();
            assert!(error.contains(sentence), "{part}: {error}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_text_and_without_what_a_terminal_obeys() {
        let text = format!("HTTP/1.1 403 Forbidden\r\n\r\nno\u{1b}[31m pages\n{}", "x".repeat(1000));
        let error = answer(&text).unwrap_err();
        assert!(
            error.contains("status 403") && error.contains("no [31m pages x"),
            "{error}"
        );
        assert!(error.len() < 300, "{error}");
    }

    #[test]
    fn a_host_or_path_that_would_break_the_request_is_refused() {
        for (host, path) in [("a\r\nb", "/"), ("", "/"), ("a", "/ b"), ("a", ""), ("é", "/")] {
            assert!(matches!(
                request(host, path, KEY, &["wamp.2.json"]),
                Err(ConnectError::Address(_))
            ));
        }
        let request = request("localhost:5020", "/ws", KEY, &["wamp.2.cbor", "wamp.2.json"]).unwrap();
        assert!(request.starts_with("GET /ws HTTP/1.1\r\nHost: localhost:5020\r\n"));
        assert!(request.contains("\r\nSec-WebSocket-Protocol: wamp.2.cbor, wamp.2.json\r\n"));
    }
}
