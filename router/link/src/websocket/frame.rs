//! The frames of WebSocket (RFC 6455 §5).

use super::status::PROTOCOL_ERROR;
use crate::wire::{Encoding, Fault, Header, Kind, MAX_HEADER};

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
/// Lengths up to this one stand in the second byte; the two values above it say that 2 or 8 bytes follow.
const SHORT: usize = 125;
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

pub(crate) fn parse(bytes: &[u8], is_from_client: bool) -> Result<Option<Header>, Fault> {
    let Some(&[first, second]) = bytes.first_chunk() else {
        return Ok(None);
    };
    let fault = |sentence: &str| Fault::new(PROTOCOL_ERROR, sentence);
    if first & RESERVED != 0 {
        return Err(fault("a WebSocket frame uses an extension that was not agreed on"));
    }
    let is_masked = second & MASKED != 0;
    if is_masked != is_from_client {
        return Err(fault(if is_masked {
            "a WebSocket frame of the router is masked"
        } else {
            "a WebSocket frame of the client is not masked"
        }));
    }
    let kind = kind(first)?;
    let Some((length, at)) = length(second & !MASKED, bytes) else {
        return Ok(None);
    };
    if !is_masked {
        return Ok(Some(Header {
            size: at,
            length,
            mask: None,
            kind,
        }));
    }
    let mask = bytes.get(at..).and_then(<[u8]>::first_chunk).copied();
    Ok(mask.map(|mask| Header {
        size: at + 4,
        length,
        mask: Some(mask),
        kind,
    }))
}

fn kind(first: u8) -> Result<Kind, Fault> {
    let is_last = first & FINAL != 0;
    let opcode = first & OPCODE;
    let message = |encoding| Kind::Message { encoding, is_last };
    let kind = match opcode {
        CONTINUATION => message(None),
        TEXT => message(Some(Encoding::Text)),
        BINARY => message(Some(Encoding::Binary)),
        CLOSE => Kind::Close,
        PING => Kind::Ping,
        PONG => Kind::Pong,
        other => {
            let sentence = format!("there is no WebSocket frame with opcode {other}");
            return Err(Fault::new(PROTOCOL_ERROR, sentence));
        }
    };
    if !is_last && opcode >= CLOSE {
        return Err(Fault::new(
            PROTOCOL_ERROR,
            "a control frame of WebSocket comes in pieces",
        ));
    }
    Ok(kind)
}

/// The length, and where it ends; nothing if not all of it has come.
fn length(short: u8, bytes: &[u8]) -> Option<(u64, usize)> {
    match short {
        TWO_BYTES => Some((u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(), 4)),
        EIGHT_BYTES => Some((u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10)),
        length => Some((length.into(), 2)),
    }
}

pub(crate) fn write(kind: Kind, length: usize, mask: Option<[u8; 4]>, header: &mut [u8; MAX_HEADER]) -> usize {
    let opcode = match kind {
        Kind::Message {
            encoding: Some(Encoding::Text),
            ..
        } => TEXT,
        Kind::Message {
            encoding: Some(Encoding::Binary),
            ..
        } => BINARY,
        Kind::Message { encoding: None, .. } => CONTINUATION,
        Kind::Ping => PING,
        Kind::Pong => PONG,
        Kind::Close => CLOSE,
    };
    header[0] = FINAL | opcode;
    let masked = if mask.is_some() { MASKED } else { 0 };
    let mut size = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if length <= SHORT => {
            header[1] = masked | short;
            2
        }
        (_, Ok(length)) => {
            header[1] = masked | TWO_BYTES;
            header[2..4].copy_from_slice(&length.to_be_bytes());
            4
        }
        _ => {
            header[1] = masked | EIGHT_BYTES;
            header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    };
    if let Some(mask) = mask {
        header[size..size + 4].copy_from_slice(&mask);
        size += 4;
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT_MESSAGE: Kind = Kind::Message {
        encoding: Some(Encoding::Text),
        is_last: true,
    };

    #[test]
    fn lengths_are_written_in_as_few_bytes_as_possible_and_read_back() {
        // Nothing in memory is longer.
        let longest = isize::MAX.unsigned_abs();
        for (length, size) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (longest, 10)] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let mut bytes = [0; MAX_HEADER];
                let written = write(TEXT_MESSAGE, length, mask, &mut bytes);
                assert_eq!(written, size + mask.map_or(0, |_| 4));
                let header = parse(&bytes[..written], mask.is_some()).unwrap().unwrap();
                let length = length as u64;
                assert_eq!(
                    header,
                    Header {
                        size: written,
                        length,
                        mask,
                        kind: TEXT_MESSAGE
                    }
                );
                for cut in 0..written {
                    assert_eq!(
                        parse(&bytes[..cut], mask.is_some()).unwrap(),
                        None,
                        "{cut} of {written}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_opcode_is_known_or_a_violation() {
        for opcode in 0..=0x0f {
            let known = matches!(opcode, 0..=2 | 8..=10);
            assert_eq!(parse(&[FINAL | opcode, 0], false).is_ok(), known, "{opcode}");
        }
    }

    #[test]
    fn what_rfc_6455_forbids_in_a_header_is_a_violation_with_status_1002() {
        for (bytes, is_from_client, what) in [
            ([0xc1, 0x80], true, "extension"),
            ([0xa1, 0x80], true, "extension"),
            ([0x91, 0x80], true, "extension"),
            ([0x81, 0x00], true, "not masked"),
            ([0x81, 0x80], false, "masked"),
            ([0x09, 0x80], true, "pieces"),
            ([0x08, 0x80], true, "pieces"),
        ] {
            let fault = parse(&bytes, is_from_client).unwrap_err();
            assert_eq!(fault.status, 1002);
            assert!(fault.violation.sentence.contains(what), "{fault:?}");
        }
    }
}
