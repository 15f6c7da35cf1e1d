//! Names that come from strangers, made safe to show in a terminal, a notification or a page.
//!
//! It does not judge what a name says: whether a device is the one it calls itself is decided by its key and by
//! the person who is asked.

/// The longest name in characters: longer ones push the fingerprint out of sight in a prompt.
pub const MAX_NAME_CHARS: usize = 64;

/// The name without characters that move the cursor, break the line or turn the writing direction, without blanks
/// at its ends, cut to [`MAX_NAME_CHARS`]. `None` when nothing visible is left.
#[must_use]
pub fn clean(raw: &str) -> Option<String> {
    let visible = visible(raw, MAX_NAME_CHARS);
    let name = visible.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The text without characters that move the cursor, break the line or turn the writing direction, cut to `most`
/// characters.
#[must_use]
pub fn visible(raw: &str, most: usize) -> String {
    raw.chars().filter(|c| !is_unsafe(*c)).take(most).collect()
}

/// Control characters (a terminal obeys them), line and paragraph separators, and the bidirectional controls of
/// Unicode Standard Annex 9, section 2, with which `exe.gpj` shows as `jpg.exe`.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200E}' | '\u{200F}'      // marks
            | '\u{202A}'..='\u{202E}'                 // embeddings and overrides
            | '\u{2066}'..='\u{2069}'                 // isolates
            | '\u{2028}' | '\u{2029}'                 // separators
            | '\u{FEFF}' | '\u{200B}') // invisible: two names that look alike would differ
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_honest_name_is_kept_as_it_is() {
        for name in ["Pixel 9", "Zoë’s phone", "電話", "👩‍💻 laptop"] {
            assert_eq!(clean(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn escapes_line_ends_and_direction_marks_are_removed() {
        assert_eq!(clean("\u{1b}[2Jphone\r\n\u{7}").as_deref(), Some("[2Jphone"));
        assert_eq!(
            clean("a\u{202E}b\u{2066}c\u{200F}d\u{2028}e\u{061C}").as_deref(),
            Some("abcde")
        );
        assert_eq!(clean("\u{9b}31mred").as_deref(), Some("31mred"));
    }

    #[test]
    fn a_name_of_nothing_visible_is_no_name() {
        for name in ["", "   ", "\u{202E}\u{0}\n", "\u{FEFF}"] {
            assert_eq!(clean(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_name_of_the_limit_stays_and_one_past_it_is_cut() {
        let limit = "é".repeat(MAX_NAME_CHARS);
        assert_eq!(clean(&limit), Some(limit.clone()));
        assert_eq!(clean(&format!("{limit}x")), Some(limit));
    }

    #[test]
    fn a_name_of_a_megabyte_costs_no_more_than_its_beginning() {
        let cleaned = clean(&"x".repeat(1 << 20)).unwrap();
        assert_eq!(cleaned.len(), MAX_NAME_CHARS);
    }
}
