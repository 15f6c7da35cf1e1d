//! The words of an expression.

use wamp::value::Value;

/// A word, and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// A number or a quoted text.
    Value(Value),
    /// A name, or one of the operators that are words.
    Name(String),
    /// Everything else.
    Sign(&'static str),
}

/// The longer ones first, so that `<=` is not taken for `<`.
const SIGNS: [&str; 20] = [
    "==", "!=", "<=", ">=", "//", "**", "<", ">", "+", "-", "*", "/", "%", "~", "(", ")", "[", "]", "|", ",",
];

/// The words of a text. In braces they end with `}}`, whose place is given too; elsewhere with the text.
pub(super) fn words(source: &str, in_braces: bool) -> Result<(Vec<Token>, usize), String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        let at = source.len() - rest.len();
        if in_braces && rest.starts_with("}}") {
            return Ok((tokens, at));
        }
        let Some(first) = rest.chars().next() else {
            if in_braces {
                return Err("`{{` is not closed by `}}`".to_owned());
            }
            return Ok((tokens, at));
        };
        let (word, length) = match first {
            '0'..='9' => number(rest)?,
            '"' | '\'' => quoted(rest, first)?,
            '.' => (Word::Sign("."), 1),
            _ if first.is_ascii_alphabetic() || first == '_' => name(rest),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("`{first}` means nothing here"))?;
                (Word::Sign(sign), sign.len())
            }
        };
        tokens.push(Token { word, at });
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn name(rest: &str) -> (Word, usize) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    (Word::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
}

/// Digits, and a fraction if digits follow the dot: `args[0].x` has no number `0.`.
fn number(rest: &str) -> Result<(Word, usize), String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    let fraction = match rest.get(whole..).and_then(|rest| rest.strip_prefix('.')) {
        Some(behind) => digits(behind),
        None => 0,
    };
    let length = if fraction > 0 { whole + 1 + fraction } else { whole };
    let text = rest.get(..length).unwrap_or_default();
    let value = match fraction {
        0 => text.parse().ok().map(Value::UInt),
        _ => text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Value::Float),
    };
    let value = value.ok_or_else(|| format!("{text} is too large a number"))?;
    Ok((Word::Value(value), length))
}

/// A text in quotes; `\` takes the next character as it is, `\n` is a new line.
fn quoted(rest: &str, quote: char) -> Result<(Word, usize), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            _ if character == quote => return Ok((Word::Value(Value::Text(text)), at + 1)),
            _ => text.push(character),
        }
    }
    Err(format!("the text that begins with {quote} does not end"))
}
