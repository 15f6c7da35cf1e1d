//! What comes from the network, made harmless for a terminal: text is shown, and never obeyed.

/// For a person at a terminal: without what a terminal obeys, and without what turns the direction of writing (Unicode
/// Standard Annex 9, section 2), which could make one name look like another.
pub(crate) fn for_a_terminal(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    replaced(text, |c| is_control(c) || turns(c))
}

/// For a pipe, behind which there may be a terminal all the same: without control characters (ECMA-48, C0 and C1), of
/// which only the end of a line and the tab stay. `--json` has every character as it was.
pub(crate) fn for_a_pipe(text: &str) -> String {
    replaced(text, is_control)
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    for_a_terminal(text).replace(['\n', '\t'], " ")
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

fn replaced(text: &str, is_unsafe: impl Fn(char) -> bool) -> String {
    // Lines of other systems end with both.
    let text = text.replace("\r\n", "\n");
    let replace = |c: char| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_replaced() {
        assert_eq!(
            for_a_terminal("a\u{1b}[2Jb\u{202e}c\u{9b}d\r"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}"
        );
        let harmless = "two\nlines\tand a tab, é 電話";
        assert_eq!(for_a_terminal(harmless), harmless);
        assert_eq!(one_line("two\nlines"), "two lines");
    }

    #[test]
    fn a_pipe_gets_no_control_characters_and_writing_from_right_to_left_as_it_is() {
        assert_eq!(for_a_pipe("\u{1b}]0;x\u{7}\u{90}"), "\u{fffd}]0;x\u{fffd}\u{fffd}");
        assert_eq!(for_a_pipe("\u{200f}שלום\u{200e} a\r\nb"), "\u{200f}שלום\u{200e} a\nb");
    }
}
