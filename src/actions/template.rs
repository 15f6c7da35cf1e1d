//! Texts with expressions in them: `{{ value }} W`, and values that are made of such texts.

use wamp::value::{Dict, Value};

use super::expression::{Expression, MAX_OUTPUT, Trouble, check_length, shown};

/// What a value becomes where it is put into a text, so that it stays one part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Text for people: as it is.
    None,
    /// Part of a URL: everything but letters, digits and `-._~` percent-encoded (RFC 3986 §2.3).
    Url,
    /// Part of a WAMP URI: one component, without dots, blanks and `#`.
    Uri,
    /// Part of a header of HTTP: no control characters.
    Header,
}

/// A text with expressions in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Expression(Expression),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// With a sentence that says what is wrong in an expression.
    pub fn parse(source: &str) -> Result<Self, String> {
        check_length(source)?;
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((before, behind)) = rest.split_once("{{") {
            check_text(before)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (expression, end) = Expression::parse_in_braces(behind)?;
            parts.push(Part::Expression(expression));
            rest = behind.get(end..).unwrap_or_default();
        }
        check_text(rest)?;
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it has no expressions.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part, Part::Expression(_)))
    }

    /// What stands before the first expression.
    #[must_use]
    pub fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            Some(Part::Expression(_)) | None => "",
        }
    }

    /// The same with every expression in the place of which `text` stands.
    #[must_use]
    pub fn with_all(&self, text: &str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Expression(_) => text.to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// Its expressions, in their order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Expression(expression) => Some(expression),
        })
    }

    /// Its value: that of its expression, with its kind, where it is one expression and nothing else; otherwise a text.
    ///
    /// # Errors
    /// An expression has no value, or the text would be too long.
    pub fn value(&self, scope: &Dict) -> Result<Value, Trouble> {
        match self.parts.as_slice() {
            [Part::Expression(expression)] => expression.value(scope),
            _ => self.text(scope, Escape::None).map(Value::Text),
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// As [`Template::value`], and when a value cannot stand in such a text.
    pub fn text(&self, scope: &Dict, escape: Escape) -> Result<String, Trouble> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Expression(expression) => {
                    let value = shown(&expression.value(scope)?);
                    text.push_str(&escaped(value, escape, expression.source())?);
                }
            }
            if text.len() > MAX_OUTPUT {
                return Err(Trouble::Wrong(format!(
                    "the text would have more than {MAX_OUTPUT} bytes"
                )));
            }
        }
        Ok(text)
    }
}

/// What Jinja has and this has not.
fn check_text(text: &str) -> Result<(), String> {
    if text.contains("{%") || text.contains("{#") {
        return Err(
            "there are no statements and no comments, only {{ expressions }}; choose with `a if b else c`".to_owned(),
        );
    }
    Ok(())
}

fn escaped(value: String, escape: Escape, source: &str) -> Result<String, Trouble> {
    let refuse = |wanted: &str| {
        let shown: String = value.chars().take(40).flat_map(char::escape_debug).collect();
        Trouble::Wrong(format!("`{source}` is \"{shown}\" here, and {wanted}"))
    };
    match escape {
        Escape::None => Ok(value),
        Escape::Url => Ok(percent_encoded(&value)),
        Escape::Uri => {
            let is_bad = |c: char| c == '.' || c == '#' || c.is_whitespace() || c.is_control();
            if value.is_empty() || value.contains(is_bad) {
                return Err(refuse("only one component of a URI can stand there"));
            }
            Ok(value)
        }
        Escape::Header => {
            if value.contains(char::is_control) {
                return Err(refuse("a header has no control characters"));
            }
            Ok(value)
        }
    }
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A value whose texts are templates, as it stands in the configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A number, or true or false.
    Plain(Value),
    /// A text.
    Text(Template),
    /// A list.
    List(Vec<Self>),
    /// A dictionary.
    Dict(std::collections::BTreeMap<String, Self>),
}

/// Its numbers are finite: the configuration takes no others.
impl Eq for Shape {}

impl Shape {
    /// The expressions in it.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(template) => template.expressions().collect(),
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Dict(items) => items.values().flat_map(Self::expressions).collect(),
        }
    }

    /// What it becomes.
    ///
    /// # Errors
    /// As [`Template::value`].
    pub fn value(&self, scope: &Dict) -> Result<Value, Trouble> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::Text(template) => template.value(scope),
            Self::List(items) => items
                .iter()
                .map(|item| item.value(scope))
                .collect::<Result<_, _>>()
                .map(Value::List),
            Self::Dict(items) => dict(items, scope).map(Value::Dict),
        }
    }
}

/// What a dictionary of shapes becomes.
///
/// # Errors
/// As [`Template::value`].
pub fn dict(items: &std::collections::BTreeMap<String, Shape>, scope: &Dict) -> Result<Dict, Trouble> {
    let one = |(key, item): (&String, &Shape)| Ok((key.clone(), item.value(scope)?));
    items.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Dict {
        let args = Value::List(vec![Value::UInt(1700), "a b/../c?x=1#y".into()]);
        Dict::from([("args".to_owned(), args), ("value".to_owned(), Value::UInt(1700))])
    }

    fn text(source: &str, escape: Escape) -> Result<String, String> {
        let text = Template::parse(source).unwrap().text(&scope(), escape);
        text.map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn one_expression_alone_keeps_its_kind_and_every_other_text_is_a_text() {
        let value = |source: &str| Template::parse(source).unwrap().value(&scope()).unwrap();
        assert_eq!(value("{{ value }}"), Value::UInt(1700));
        assert_eq!(value("{{ value > 1500 }}"), Value::Bool(true));
        assert_eq!(value(" {{ value }}"), Value::from(" 1700"));
        assert_eq!(value("{{ value }}{{ value }}"), Value::from("17001700"));
        assert_eq!(value("plain"), Value::from("plain"));
        assert_eq!(value(""), Value::from(""));
        assert_eq!(value("{{ '}}' ~ \"{{\" }}"), Value::from("}}{{"));
    }

    #[test]
    fn a_value_stays_one_part_of_a_url() {
        assert_eq!(
            text("http://plug/{{ args[1] }}?on={{ value }}", Escape::Url).unwrap(),
            "http://plug/a%20b%2F..%2Fc%3Fx%3D1%23y?on=1700"
        );
        assert_eq!(text("{{ 'ü@x:1' }}", Escape::Url).unwrap(), "%C3%BC%40x%3A1");
    }

    #[test]
    fn a_value_stays_one_component_of_a_uri() {
        assert_eq!(
            text("org.plug.{{ value }}.set", Escape::Uri).unwrap(),
            "org.plug.1700.set"
        );
        for bad in ["'a.b'", "''", "'a b'", "'a#'", "args[1]"] {
            let refused = text(&format!("org.plug.{{{{ {bad} }}}}.set"), Escape::Uri).unwrap_err();
            assert!(refused.contains("one component"), "{refused}");
        }
    }

    #[test]
    fn a_value_cannot_end_a_header() {
        assert_eq!(
            text("Bearer {{ args[1] }}", Escape::Header).unwrap(),
            "Bearer a b/../c?x=1#y"
        );
        let refused = text("{{ 'a\\nHost: b' }}", Escape::Header).unwrap_err();
        assert!(refused.contains("a\\nHost"), "{refused}");
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (source, sentence) in [
            ("{{ value", "not closed"),
            ("{{ valu }}", "did you mean `value`?"),
            ("{% if value %}", "no statements"),
            ("{{ }}", "a value is expected at its end"),
        ] {
            let error = Template::parse(source).unwrap_err();
            assert!(error.contains(sentence), "{source}: {error}");
        }
    }

    #[test]
    fn a_template_is_read_up_to_its_limit_and_not_past_it() {
        use super::super::expression::MAX_SOURCE;
        assert!(Template::parse(&"x".repeat(MAX_SOURCE)).is_ok());
        assert!(Template::parse(&"x".repeat(MAX_SOURCE + 1)).is_err());
    }

    #[test]
    fn a_text_grows_up_to_its_limit_and_not_past_it() {
        let of = |length: usize| {
            let scope = Dict::from([("value".to_owned(), "x".repeat(length).into())]);
            Template::parse("{{ value }}").unwrap().text(&scope, Escape::None)
        };
        assert_eq!(of(MAX_OUTPUT).unwrap().len(), MAX_OUTPUT);
        assert!(of(MAX_OUTPUT + 1).is_err());
    }

    #[test]
    fn shapes_are_filled_in_all_through() {
        let text = |source: &str| Shape::Text(Template::parse(source).unwrap());
        let shape = Shape::Dict(
            [(
                "on".to_owned(),
                Shape::List(vec![text("{{ value > 1 }}"), Shape::Plain(Value::Null)]),
            )]
            .into(),
        );
        let expected = Dict::from([("on".to_owned(), Value::List(vec![true.into(), Value::Null]))]);
        assert_eq!(shape.value(&scope()).unwrap(), Value::Dict(expected));
    }
}
