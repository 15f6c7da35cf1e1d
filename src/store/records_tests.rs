//! What is found in bytes that should be records.

use super::*;

fn journal(records: &[&[u8]]) -> Vec<u8> {
    let mut content = MAGIC.to_vec();
    for record in records {
        framed(record, &mut content).unwrap();
    }
    content
}

#[test]
fn damage_is_told_with_its_place_its_records_and_its_bytes() {
    let mut content = journal(&[b"one", b"two", b"three", b"four", b"five"]);
    let whole = read(&content);
    assert_eq!((whole.damage, whole.good), (None, content.len()));
    let first = MAGIC.len() + HEAD;
    content[first] ^= 1;
    let third = first + 3 + HEAD + 3 + HEAD;
    content[third] ^= 1;
    // And a last record that was cut short.
    content.pop();
    let found = read(&content);
    assert_eq!(found.records, [&b"two"[..], b"four"]);
    let cut = HEAD + 3;
    assert_eq!(
        found.damage,
        Some(Damage {
            at: MAGIC.len(),
            skipped: 2,
            bytes: 2 * HEAD + 3 + 5 + cut
        })
    );
    assert_eq!(found.good, content.len() - cut);
}

#[test]
fn a_length_is_not_believed_unless_a_whole_record_stands_where_it_ends() {
    // Two damaged records in a row: the length of the first leads to the second, which proves nothing.
    let mut content = journal(&[b"one", b"two", b"three"]);
    content[MAGIC.len() + HEAD] ^= 1;
    content[MAGIC.len() + HEAD + 3 + HEAD] ^= 1;
    let found = read(&content);
    assert!(found.records.is_empty(), "{found:?}");
    assert_eq!(
        found.damage.map(|damage| damage.bytes),
        Some(content.len() - MAGIC.len())
    );
}

#[test]
fn a_last_record_with_a_wrong_byte_is_damaged_and_not_cut_short() {
    let mut content = journal(&[b"one", b"two"]);
    let last = content.len() - 1;
    content[last] ^= 1;
    let found = read(&content);
    assert_eq!(found.records, [b"one"]);
    assert!(found.damage.is_some());
}

#[test]
fn bytes_that_could_be_many_records_are_not_searched_for_ever() {
    // Each length fits, and each checksum is wrong: all of them together would be some hundred gigabytes.
    let count = 1 << 20;
    let mut content = journal(&[b"one"]);
    content.extend_from_slice(&u32::MAX.to_le_bytes());
    content.extend((0..count).flat_map(|_| [0x01, 0x00, 0x08, 0x00]));
    let begin = std::time::Instant::now();
    let found = read(&content);
    assert_eq!(found.records, [b"one"]);
    assert!(found.damage.is_some(), "what is not known counts as damage");
    assert!(begin.elapsed() < std::time::Duration::from_secs(60));
}
