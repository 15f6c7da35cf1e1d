//! JSON (RFC 8259): the reader and the writer.

mod reader;
mod writer;

pub(super) use reader::Reader;
pub(super) use writer::Writer;

/// Bytes of a long string that are looked at together: the compiler makes a few vector instructions of them.
const BLOCK: usize = 64;

/// How many bytes of a string come before the next quote, backslash or control character.
///
/// Looks at whole blocks of a long string first, then at eight bytes at a time: a byte below 0x20 borrows in the
/// subtraction, and a byte that equals the sought one becomes zero, which borrows too. Bytes from 0x80 on are part of
/// UTF-8 sequences and pass.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is_plain = |block: &&[u8]| {
        !block
            .iter()
            .fold(false, |is_special, byte| is_special | is_special_byte(*byte))
    };
    let mut length = bytes.chunks_exact(BLOCK).take_while(is_plain).count() * BLOCK;
    for chunk in bytes.get(length..).unwrap_or_default().chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        let special = word.wrapping_sub(ONES * 0x20) & !word
            | has_zero(word ^ (ONES * b'"' as u64))
            | has_zero(word ^ (ONES * b'\\' as u64));
        if special & HIGH != 0 {
            break;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    let special = rest.iter().position(|byte| is_special_byte(*byte));
    length + special.unwrap_or(rest.len())
}

/// Whether a string cannot just have this byte.
const fn is_special_byte(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_first_special_byte_wherever_that_is() {
        let mut bytes: Vec<u8> = ["ä", "b", "\u{7f}", "€"]
            .concat()
            .bytes()
            .cycle()
            .take(3 * BLOCK)
            .collect();
        assert_eq!(plain_length(&bytes), bytes.len());
        for at in 0..bytes.len() {
            for special in [b'"', b'\\', 0, 0x1f] {
                let plain = std::mem::replace(&mut bytes[at], special);
                assert_eq!(plain_length(&bytes), at);
                assert_eq!(plain_length(&bytes[..at]), at);
                bytes[at] = plain;
            }
        }
    }
}
