//! JSON (RFC 8259): the reader and the writer.

mod reader;
mod writer;

pub(super) use reader::Reader;
pub(super) use writer::Writer;

/// How many bytes of a string come before the next quote, backslash or control character.
///
/// Looks at eight bytes at a time: a byte below 0x20 borrows in the subtraction, and a byte that equals the
/// sought one becomes zero, which borrows too. Bytes from 0x80 on are part of UTF-8 sequences and pass.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let mut chunks = bytes.chunks_exact(8);
    let mut length = 0;
    for chunk in &mut chunks {
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
    length
        + rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
            .unwrap_or(rest.len())
}
