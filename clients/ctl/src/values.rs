//! Words of the command line to arguments of WAMP, and values to text for people.

use client::{Args, Dict, Value};

use crate::failure::Failure;

/// Arguments from words: `key=value` is a keyword argument, everything else a positional one.
pub(crate) fn arguments(words: &[String]) -> Result<Args, Failure> {
    let mut args = Args::default();
    for word in words {
        match word.split_once('=').filter(|(key, _)| is_keyword(key)) {
            Some((key, text)) => drop(args.kwargs.insert(key.to_owned(), value(text)?)),
            None => args.args.push(value(word)?),
        }
    }
    Ok(args)
}

fn is_keyword(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value from a word: JSON, or plain text where it is none. What begins like a list, a dictionary or a quoted text
/// must be one: a forgotten bracket should not become text.
fn value(word: &str) -> Result<Value, Failure> {
    match serde_json::from_str(word) {
        Ok(value) => Ok(value),
        Err(error) if word.trim_start().starts_with(['[', '{', '"']) => {
            Err(Failure::Usage(format!("{word} is not JSON: {error}")))
        }
        Err(_) => Ok(word.into()),
    }
}

/// A number, as an option or an argument takes one.
///
/// # Errors
/// With a sentence, when it is something else, or not finite.
pub(crate) fn decimal(word: &str) -> Result<f64, String> {
    let number = word.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "a number like 40 or 2.5 is expected".to_owned())
}

/// A value for people: text as it is, everything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Null
        | Value::Bool(_)
        | Value::UInt(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Dict(_) => serde_json::to_string(value).unwrap_or_else(|error| error.to_string()),
    }
}

/// Arguments for people, an argument a line. A result of null alone is no line.
pub(crate) fn lines(args: &Args) -> String {
    if args.kwargs.is_empty() && args.args == [Value::Null] {
        return String::new();
    }
    let positional = args.args.iter().map(text);
    let keywords = args.kwargs.iter().map(|(key, value)| format!("{key}={}", text(value)));
    positional.chain(keywords).collect::<Vec<_>>().join("\n")
}

/// Arguments for programs.
pub(crate) fn row(args: Args) -> Dict {
    Dict::from([
        ("args".to_owned(), Value::List(args.args)),
        ("kwargs".to_owned(), Value::Dict(args.kwargs)),
    ])
}

/// A text of a dictionary; empty where there is none.
pub(crate) fn get<'a>(row: &'a Value, key: &str) -> &'a str {
    row.as_dict()
        .and_then(|dict| dict.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A number of a dictionary.
pub(crate) fn number(row: &Value, key: &str) -> u64 {
    row.as_dict()
        .and_then(|dict| dict.get(key))
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// A truth value of a dictionary.
pub(crate) fn truth(row: &Value, key: &str) -> bool {
    row.as_dict()
        .and_then(|dict| dict.get(key))
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Args, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        arguments(&words).map_err(|failure| failure.to_string())
    }

    #[test]
    fn words_become_values_of_the_kind_they_look_like() {
        let args = of(&[
            "7",
            "-7",
            "0.5",
            "true",
            "null",
            "text",
            "\"7\"",
            "[1,{\"a\":2}]",
            "18446744073709551615",
        ]);
        let inner = Value::Dict(Dict::from([("a".to_owned(), Value::UInt(2))]));
        assert_eq!(
            args.unwrap().args,
            [
                Value::UInt(7),
                Value::Int(-7),
                Value::Float(0.5),
                Value::Bool(true),
                Value::Null,
                "text".into(),
                "7".into(),
                Value::List(vec![Value::UInt(1), inner]),
                Value::UInt(u64::MAX),
            ]
        );
    }

    #[test]
    fn a_word_with_a_name_and_an_equals_sign_is_a_keyword_argument() {
        let args = of(&["a=1", "b_2=x=y", "=x", "1=2", "\"c=3\"", "a b=4"]).unwrap();
        assert_eq!(
            args.kwargs,
            Dict::from([("a".to_owned(), Value::UInt(1)), ("b_2".to_owned(), "x=y".into())])
        );
        assert_eq!(
            args.args,
            ["=x".into(), "1=2".into(), "c=3".into(), Value::from("a b=4")]
        );
    }

    #[test]
    fn what_begins_like_json_must_be_json() {
        for word in ["[1,2", "{\"a\":}", "\"open"] {
            assert!(of(&[word]).unwrap_err().contains("is not JSON"), "{word}");
        }
    }

    #[test]
    fn a_number_is_finite_and_anything_else_is_answered_with_what_one_looks_like() {
        assert_eq!((decimal("40"), decimal("-2.5")), (Ok(40.0), Ok(-2.5)));
        for word in ["", "loud", "1,5", "nan", "inf", "1e999"] {
            assert!(decimal(word).unwrap_err().contains("like 40 or 2.5"), "{word}");
        }
    }

    #[test]
    fn people_see_text_without_quotes_and_nothing_for_nothing() {
        let args = Args::from(vec!["text".into(), Value::List(vec!["a".into()])]).with("key", 1_u64);
        assert_eq!(lines(&args), "text\n[\"a\"]\nkey=1");
        assert_eq!(lines(&Value::Null.into()), "");
        assert_eq!(lines(&Args::default()), "");
    }
}
