//! Long lines for a terminal: broken between words, so that what belongs to a name stands below itself.

use unicode_width::UnicodeWidthStr as _;

/// A line whose text begins in column `indent`, in lines of at most so many columns that all begin there. A word that is
/// longer than a line stays whole: it may be a path or a command, to be copied.
pub(super) fn folded(text: &str, indent: usize, columns: usize) -> String {
    let mut folded = String::new();
    let mut column = indent;
    for (index, word) in text.split(' ').enumerate() {
        let width = word.width();
        if index > 0 && column > indent && column + 1 + width > columns {
            folded.push('\n');
            folded.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += width;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fits_stays_and_one_column_less_breaks_it_between_words() {
        assert_eq!(folded("12345 78", 2, 10), "12345 78");
        assert_eq!(folded("12345 78", 2, 9), "12345\n  78");
        assert_eq!(folded("a  b", 0, 9), "a  b");
        assert_eq!(folded("電話 番", 1, 7), "電話\n 番");
    }

    #[test]
    fn a_word_that_is_longer_than_a_line_stays_whole() {
        assert_eq!(folded("see /a/long/path now", 4, 10), "see\n    /a/long/path\n    now");
        assert_eq!(folded("/a/long/path", 4, 2), "/a/long/path");
    }
}
