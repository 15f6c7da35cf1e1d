//! URIs: the names of procedures, topics, realms and errors.
//!
//! A [`Uri`] is text of any form, as it came; whether it is well formed depends on where it is used, so
//! [`UriRules::check`] is asked there. It keeps a slice of the received frame while a message is
//! routed; what is stored takes a [`Uri::to_stored`] copy, so that a small name never pins a large frame.

use std::{borrow::Borrow, fmt, str};

use bytes::Bytes;

use crate::limits::{MAX_LOOSE_URI, MAX_STRICT_URI};
use crate::message::Match;

/// A URI as it came over the wire: UTF-8 text, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(Bytes);

impl Uri {
    /// A URI known when the program is written.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// A URI from bytes that must be UTF-8.
    #[must_use]
    pub fn from_utf8(bytes: Bytes) -> Option<Self> {
        str::from_utf8(&bytes).is_ok().then_some(Self(bytes))
    }

    /// A URI that shares the memory of the frame in which the text stands.
    pub(crate) fn within(frame: &Bytes, text: &str) -> Self {
        Self(frame.slice_ref(text.as_bytes()))
    }

    /// The text.
    ///
    /// # Panics
    /// Never: every constructor checks the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("checked when it was made")
    }

    /// The bytes of the text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A copy that shares no memory with the frame the URI came in.
    #[must_use]
    pub fn to_stored(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

/// Lets maps keyed by [`Uri`] be searched by bytes; both hash alike.
impl Borrow<[u8]> for Uri {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Uri {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Uri {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl PartialEq<str> for Uri {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Uri {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Which URIs a realm takes (WAMP specification, "URIs": strict and loose rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UriRules {
    /// Components of lower-case letters, digits and underscores, at most [`MAX_STRICT_URI`] bytes in all.
    Strict,
    /// Components of anything but white space, control characters, `.` and `#`, at most [`MAX_LOOSE_URI`] bytes in all.
    #[default]
    Loose,
}

impl UriRules {
    /// Says whether `uri` may be used with match policy `policy`; only wildcard patterns may have empty components,
    /// and a prefix may be empty or end with a dot.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn check(self, uri: &Uri, policy: Match) -> Result<(), &'static str> {
        let longest = match self {
            Self::Strict => MAX_STRICT_URI,
            Self::Loose => MAX_LOOSE_URI,
        };
        let bytes = uri.as_bytes();
        if bytes.len() > longest {
            return Err("the URI is too long");
        }
        let body = match policy {
            Match::Exact => bytes,
            Match::Prefix if bytes.is_empty() => return Ok(()),
            Match::Prefix => bytes.strip_suffix(b".").unwrap_or(bytes),
            Match::Wildcard if bytes.is_empty() => return Err("a wildcard pattern must have at least one component"),
            Match::Wildcard => bytes,
        };
        if policy != Match::Wildcard && has_empty_component(body) {
            return Err("the URI has an empty component");
        }
        match self {
            Self::Strict if !body.iter().all(|&byte| is_strict(byte)) => {
                Err("the URI may have only lower-case letters, digits, underscores and dots")
            }
            Self::Loose if !is_loose(body) => Err("the URI has white space, a control character or '#'"),
            Self::Strict | Self::Loose => Ok(()),
        }
    }
}

fn has_empty_component(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.first() == Some(&b'.') || bytes.last() == Some(&b'.') || has_two_dots(bytes)
}

/// Eight bytes at a time, as in [`is_loose`].
fn has_two_dots(bytes: &[u8]) -> bool {
    let mut chunks = bytes.chunks_exact(8);
    // The high bit of a byte that is a dot; of bytes outside ASCII nothing is said.
    let dots = |word: u64| {
        let other = word ^ (ONES * b'.' as u64);
        !((other & !HIGH).wrapping_add(!HIGH) | other) & HIGH
    };
    let mut last = 0;
    for chunk in &mut chunks {
        let dots = dots(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        if dots & (dots << 8 | last) != 0 {
            return true;
        }
        last = dots >> 56;
    }
    let rest = chunks.remainder();
    let begins_with_dot = rest.first() == Some(&b'.');
    begins_with_dot && last != 0 || rest.windows(2).any(|pair| pair == b"..")
}

/// One in each byte.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The high bit of each byte.
const HIGH: u64 = ONES << 7;

const fn is_strict(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.')
}

fn is_loose(bytes: &[u8]) -> bool {
    let forbidden = |byte: &u8| *byte <= b' ' || *byte == b'#' || *byte == 0x7f;
    // Eight bytes at a time: a byte that is too small borrows, and so does a byte that equals one that is sought. Bytes
    // outside ASCII have the high bit themselves.
    let mut chunks = bytes.chunks_exact(8);
    let is_plain = |word: u64| {
        let equals = |byte: u8| (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
        (word | word.wrapping_sub(ONES * 0x21) | equals(b'#') | equals(0x7f)) & HIGH == 0
    };
    let mut all_plain = true;
    for chunk in &mut chunks {
        all_plain &= is_plain(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
    }
    let rest = chunks.remainder();
    if all_plain && rest.is_ascii() {
        return !rest.iter().any(forbidden);
    }
    if bytes.iter().any(forbidden) {
        return false;
    }
    // Only a URI with bytes outside ASCII can hold one of Unicode's other blanks or controls.
    bytes.is_ascii()
        || str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_whitespace() || c.is_control()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(uri: &str, policy: Match) -> bool {
        UriRules::Strict.check(&uri.into(), policy).is_ok()
    }

    fn loose(uri: &str, policy: Match) -> bool {
        UriRules::Loose.check(&uri.into(), policy).is_ok()
    }

    #[test]
    fn an_exact_uri_has_no_empty_component() {
        for rules in [strict, loose] {
            assert!(rules("com.myapp.topic1", Match::Exact));
            for bad in ["", ".", "com.", ".com", "com..topic"] {
                assert!(!rules(bad, Match::Exact), "{bad}");
            }
        }
    }

    #[test]
    fn a_wildcard_pattern_may_have_empty_components() {
        for rules in [strict, loose] {
            assert!(rules("com..topic", Match::Wildcard));
            assert!(rules("..", Match::Wildcard));
            assert!(!rules("", Match::Wildcard));
        }
    }

    #[test]
    fn a_prefix_may_be_empty_or_end_with_a_dot_but_not_with_two() {
        for rules in [strict, loose] {
            assert!(rules("", Match::Prefix));
            assert!(rules("com.my", Match::Prefix));
            assert!(rules("com.my.", Match::Prefix));
            assert!(!rules("com.my..", Match::Prefix));
        }
    }

    #[test]
    fn loose_rules_take_what_is_printable_and_strict_rules_only_small_ascii() {
        assert!(loose("com.Zürich.a-b", Match::Exact));
        assert!(!strict("com.Zürich", Match::Exact));
        assert!(!strict("com.a-b", Match::Exact));
        for bad in ["com.a b", "com.a#b", "com.a\u{a0}b", "com.a\u{7f}", "com.\u{0}"] {
            assert!(!loose(bad, Match::Exact), "{bad:?}");
        }
    }

    #[test]
    fn what_no_uri_may_have_is_found_at_every_place() {
        let plain = "abcdefgh.jklmnop.rstuvwx.z0";
        let without_dots = plain.replace('.', "_");
        for length in 2..=plain.len() {
            for place in 0..length {
                let (plain, _) = plain.split_at(length);
                let (before, _) = plain.split_at(place);
                let (_, behind) = without_dots.split_at(place);
                for (bad, is_allowed) in [
                    (" ", false),
                    ("#", false),
                    ("\u{7f}", false),
                    ("\0", false),
                    ("\u{a0}", false),
                    ("ü", true),
                ] {
                    let uri = format!("{before}{bad}{behind}");
                    assert_eq!(loose(&uri, Match::Wildcard), is_allowed, "{uri:?}");
                }
                let (before, behind) = without_dots.split_at(place);
                let dots = format!("{before}..{behind}");
                assert!(!loose(&dots, Match::Exact), "{dots}");
                assert!(loose(&dots, Match::Wildcard), "{dots}");
            }
            let (uri, _) = plain.split_at(length);
            let uri = uri.trim_end_matches('.');
            assert!(loose(uri, Match::Exact) && strict(uri, Match::Exact), "{uri}");
        }
        // Beside bytes that look alike in their lower bits.
        assert!(loose("aaaaaaa.®aaaaaaa", Match::Exact) && loose("a®.aaaaaa.®", Match::Exact));
    }

    #[test]
    fn the_longest_uri_is_taken_and_one_byte_more_is_refused() {
        assert!(strict(&"a".repeat(MAX_STRICT_URI), Match::Exact));
        assert!(!strict(&"a".repeat(MAX_STRICT_URI + 1), Match::Exact));
        assert!(loose(&"a".repeat(MAX_LOOSE_URI), Match::Exact));
        assert!(!loose(&"a".repeat(MAX_LOOSE_URI + 1), Match::Exact));
    }

    #[test]
    fn a_stored_copy_equals_its_original() {
        let uri = Uri::from("com.a");
        assert_eq!(uri.to_stored(), uri);
        assert!(Uri::from_utf8(Bytes::from_static(b"\xff")).is_none());
    }
}
