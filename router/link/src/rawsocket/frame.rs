//! The frames of RawSocket (WAMP specification, "RawSocket Transport", Framing).

use crate::wire::{Fault, Header, Kind, MAX_HEADER};

/// Octets in front of every frame.
const SIZE: usize = 4;
/// The length that has a bit of its own, since 24 bits cannot say it.
const LONGEST: usize = 1 << 24;
/// The bit that says so.
const LONGEST_BIT: u8 = 0b1000;
const RESERVED_BITS: u8 = 0b1111_0000;
const TYPE_BITS: u8 = 0b0111;

pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let Some(&[first, a, b, c]) = bytes.first_chunk::<SIZE>() else {
        return Ok(None);
    };
    let fault = |sentence: String| Fault::new(0, sentence);
    if first & RESERVED_BITS != 0 {
        return Err(fault(format!(
            "a frame begins with 0x{first:02x}, which uses reserved bits"
        )));
    }
    let length = u64::from(u32::from_be_bytes([0, a, b, c]));
    let length = match (first & LONGEST_BIT != 0, length) {
        (false, length) => length,
        (true, 0) => LONGEST as u64,
        (true, _) => {
            return Err(fault(
                "a frame has both the bit for 16 MiB and another length".to_owned(),
            ));
        }
    };
    let kind = match first & TYPE_BITS {
        0 => Kind::Message {
            encoding: None,
            is_last: true,
        },
        1 => Kind::Ping,
        2 => Kind::Pong,
        other => return Err(fault(format!("there is no frame of type {other}"))),
    };
    Ok(Some(Header {
        size: SIZE,
        length,
        mask: None,
        kind,
    }))
}

pub(crate) fn write(kind: Kind, length: usize, header: &mut [u8; MAX_HEADER]) -> usize {
    let kind = match kind {
        Kind::Message { .. } => 0,
        Kind::Ping => 1,
        Kind::Pong => 2,
        Kind::Close => unreachable!("RawSocket has no such frame, and nobody asks for it"),
    };
    let [_, a, b, c] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let extra = if length == LONGEST { LONGEST_BIT } else { 0 };
    header[..SIZE].copy_from_slice(&[kind | extra, a, b, c]);
    if length == LONGEST {
        header[1..SIZE].fill(0);
    }
    SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Kind = Kind::Message {
        encoding: None,
        is_last: true,
    };

    fn header(bytes: [u8; 4]) -> Option<(Kind, u64)> {
        let header = parse(&bytes).ok()??;
        assert_eq!((header.size, header.mask), (4, None));
        Some((header.kind, header.length))
    }

    #[test]
    fn lengths_to_16_mib_are_written_and_read_back() {
        for (length, expected) in [
            (0, [0, 0, 0, 0]),
            (1, [0, 0, 0, 1]),
            (0x0001_0203, [0, 1, 2, 3]),
            (LONGEST - 1, [0, 255, 255, 255]),
            (LONGEST, [8, 0, 0, 0]),
        ] {
            let mut bytes = [0xff; MAX_HEADER];
            assert_eq!(write(MESSAGE, length, &mut bytes), 4);
            assert_eq!(bytes[..4], expected, "{length}");
            assert_eq!(header(expected), Some((MESSAGE, length as u64)));
        }
    }

    #[test]
    fn every_first_octet_is_a_known_frame_or_a_violation() {
        for first in 0..=u8::MAX {
            let expected = match first {
                0 | 8 => Some(MESSAGE),
                1 | 9 => Some(Kind::Ping),
                2 | 10 => Some(Kind::Pong),
                _ => None,
            };
            assert_eq!(header([first, 0, 0, 0]).map(|(kind, _)| kind), expected, "{first:#04x}");
        }
    }

    #[test]
    fn the_bit_for_16_mib_goes_with_no_other_length() {
        for length in [[0, 0, 1], [255, 255, 255]] {
            let [a, b, c] = length;
            let fault = parse(&[8, a, b, c]).unwrap_err();
            assert!(fault.violation.sentence.contains("16 MiB"), "{fault:?}");
        }
    }

    #[test]
    fn a_header_is_read_when_its_last_octet_has_come() {
        for count in 0..4 {
            assert_eq!(parse(&[0; 3][..count.min(3)]).unwrap(), None);
        }
    }
}
