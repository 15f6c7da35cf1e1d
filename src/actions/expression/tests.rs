//! Tests of expressions: what they compute, what they refuse, and that no text and no payload makes them large or slow.

use wamp::value::{Dict, Value};

use super::*;

fn scope() -> Dict {
    let sensor = Dict::from([
        ("unit".to_owned(), Value::from("W")),
        ("watt".to_owned(), Value::Float(1520.46)),
        (
            "phases".to_owned(),
            Value::List(vec![Value::UInt(3), Value::Int(-1), Value::Float(2.5)]),
        ),
    ]);
    Dict::from([
        (
            "args".to_owned(),
            Value::List(vec![Value::UInt(1700), Value::from("unavailable")]),
        ),
        ("kwargs".to_owned(), Value::Dict(sensor)),
        ("value".to_owned(), Value::UInt(1700)),
        ("topic".to_owned(), Value::from("home.inverter.power")),
    ])
}

fn value(source: &str) -> Result<Value, String> {
    let expression = Expression::parse(source)?;
    expression.value(&scope()).map_err(|trouble| trouble.to_string())
}

fn assert_all(rows: &[(&str, Value)]) {
    for (source, expected) in rows {
        assert_eq!(value(source).as_ref(), Ok(expected), "{source}");
    }
}

fn assert_refused(rows: &[(&str, &str)]) {
    for (source, sentence) in rows {
        let error = value(source).expect_err(source);
        assert!(error.contains(sentence), "{source}: {error}");
    }
}

#[test]
fn values_are_reached_and_compared() {
    assert_all(&[
        ("value > 1500", true.into()),
        ("args[0] >= 1700 and kwargs.unit == 'W'", true.into()),
        ("kwargs['watt'] < 1500 or not (value != 1700)", true.into()),
        ("args[-1]", "unavailable".into()),
        ("1 == 1.0 and 1 != '1'", true.into()),
        (
            "'inverter' in topic and 3 in kwargs.phases and 'unit' in kwargs",
            true.into(),
        ),
        ("4 not in kwargs.phases", true.into()),
        ("'22:30' <= '23:00'", true.into()),
        ("not true or true", true.into()),
        ("'high' if value > 1000 else 'low'", "high".into()),
        ("kwargs.gone is defined or args[7] is not defined", true.into()),
        ("kwargs.gone | default('x')", "x".into()),
        ("null | default(7)", 7_u64.into()),
    ]);
}

#[test]
fn numbers_are_computed_as_whole_as_they_are() {
    assert_all(&[
        ("1 + 2 * 3 - 4", 3_u64.into()),
        ("(1 + 2) * -3", (-9_i64).into()),
        ("7 / 2", 3.5.into()),
        ("7 % 4 + -1 % 4", 6_u64.into()),
        ("18446744073709551615", u64::MAX.into()),
        ("2 - 3.5", (-1.5).into()),
        ("kwargs.watt | round(1)", 1520.5.into()),
        ("kwargs.watt | round", 1520_u64.into()),
        ("'12.5' | float * 2", 25.0.into()),
        ("' 12 ' | int + '3.9' | int", 15_u64.into()),
        ("-3 | abs", (-3_i64).into()),
        ("(-3) | abs", 3_u64.into()),
    ]);
    assert_refused(&[
        ("18446744073709551615 + 1", "too large"),
        ("18446744073709551616", "too large"),
        ("1 / 0", "divided by 0"),
        ("1 % 0.0", "divided by 0"),
        ("'x' | int", "finds no number"),
        ("value | round(16)", "digits up to 15"),
    ]);
}

#[test]
fn texts_and_lists_are_put_together_and_taken_apart() {
    assert_all(&[
        ("value ~ ' W'", "1700 W".into()),
        ("'a' + 'b'", "ab".into()),
        ("kwargs.phases | join('/')", "3/-1/2.5".into()),
        ("kwargs.phases | max + kwargs.phases | min", 2_u64.into()),
        ("kwargs.phases | first + kwargs.phases | length", 6_u64.into()),
        ("[1, 'a', [true]] | tojson", "[1,\"a\",[true]]".into()),
        ("' Ab ' | trim | upper ~ 'Ab' | lower", "ABab".into()),
        ("'1,5' | replace(',', '.') | float", 1.5.into()),
        ("topic | startswith('home.') and topic | endswith('power')", true.into()),
        ("'it\\'s' ~ \"\\n\"", "it's\n".into()),
    ]);
}

#[test]
fn what_has_no_order_or_no_sum_is_an_error_and_not_false() {
    assert_refused(&[
        ("args[1] > 1500", "a text and a number cannot be compared"),
        ("null > 1", "null and a number cannot be compared"),
        ("'1' + 1", "cannot be computed with"),
        ("1 in 2", "cannot be in"),
        ("value and true", "a number is no truth"),
        ("kwargs.gone > 1", "there is no `gone` in a dictionary"),
        ("args[7]", "there is no `7` in a list"),
        ("value.x", "there is no `x` in a number"),
        ("device", "there is no `device` here"),
        ("[] | first", "item in an empty list"),
        ("value | upper", "needs a text"),
    ]);
    let condition = Expression::parse("value").unwrap().holds(&scope()).unwrap_err();
    assert_eq!(condition.to_string(), "`value` is a number, and not true or false");
}

#[test]
fn what_is_no_expression_says_where() {
    assert_refused(&[
        ("", "a value is expected at its end"),
        ("value >", "a value is expected at its end"),
        ("value > 1500 W", "an operator is expected at `W`"),
        ("value == == 1", "a value is expected at `== 1`"),
        ("(value", "`)` is expected at its end"),
        ("valeu > 1", "did you mean `value`?"),
        ("watt > 1", "a text stands in quotes"),
        ("value ? 1", "`?` means nothing here"),
        ("'open", "does not end"),
        ("value | shout", "there is no filter `shout`"),
        ("value | round(1, 2)", "takes 0 to 1 arguments, not 2"),
        ("value | abs(1)", "takes no arguments"),
        ("1 if 2", "`else` is expected"),
        ("1 is odd", "`defined` is expected"),
        ("1 not 2", "`in` is expected"),
        ("and", "a value is expected at `and`"),
    ]);
}

#[test]
fn an_expression_is_read_up_to_its_limits_and_not_past_them() {
    let long = |length: usize| format!("1{}", " ".repeat(length - 1));
    assert!(Expression::parse(&long(MAX_SOURCE)).is_ok());
    assert!(
        Expression::parse(&long(MAX_SOURCE + 1))
            .unwrap_err()
            .contains("4096 bytes")
    );
    // A level of brackets is two parts, and what is inside the last two more.
    let deep = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&deep(MAX_NODES / 2 - 1)).is_ok());
    assert!(
        Expression::parse(&deep(MAX_NODES / 2))
            .unwrap_err()
            .contains("256 parts")
    );
    for endless in ["not ", "-", "[", "1+", "1 if true else "] {
        let source = endless.repeat(MAX_NODES) + "1";
        assert!(Expression::parse(&source).is_err(), "{endless}");
    }
}

#[test]
fn names_are_needed_unless_it_is_said_what_is_done_without_them() {
    for (source, expected) in [
        (
            "value > 1500 and kwargs['unit'] == topic",
            vec!["kwargs", "topic", "value"],
        ),
        (
            "not device.name in [reading, -value]",
            vec!["device", "reading", "value"],
        ),
        (
            "value if present else results[0] | default(args[0]) | int",
            vec!["args", "present", "value"],
        ),
        ("device.name | default('x') ~ kwargs.a is defined", vec![]),
        ("device is defined and device.name == 'x'", vec![]),
        ("args[0] + [value] | default(1)", vec!["args"]),
        ("1 + 2", vec![]),
    ] {
        let names = Expression::parse(source)
            .unwrap()
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        assert_eq!(names, expected, "{source}");
    }
}

#[test]
fn a_result_grows_up_to_its_limit_and_not_past_it() {
    let of = |source: &str, length: usize| {
        let scope = Dict::from([("value".to_owned(), Value::from("x".repeat(length)))]);
        Expression::parse(source).unwrap().value(&scope)
    };
    // Joining counts both halves.
    assert!(of("value ~ value", MAX_OUTPUT / 2).is_ok());
    assert!(of("value ~ value", MAX_OUTPUT / 2 + 1).is_err());
    assert!(
        of("value | replace('x', value)", 1_000).is_err(),
        "a million bytes are not built first"
    );
    assert!(
        of(
            "value | replace('', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy')",
            2_000
        )
        .is_err()
    );
    assert!(of("[value, value] | join(value)", MAX_OUTPUT / 2).is_err());
}

#[test]
fn words_at_random_are_read_or_refused_and_what_is_read_has_a_value_or_says_why_not() {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};
    const WORDS: [&str; 40] = [
        "value",
        "args",
        "kwargs",
        "topic",
        "1",
        "0",
        "-",
        "2.5",
        "'x'",
        "''",
        "null",
        "true",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".unit",
        ".",
        "[0]",
        "[-1]",
        "+",
        "*",
        "/",
        "%",
        "~",
        "==",
        "<",
        ">=",
        "in",
        "not",
        "and",
        "or",
        "if",
        "else",
        "is defined",
        "| default(0)",
        "| join(',')",
        "| replace('', 'y')",
        "| round(3)",
    ];
    let mut random = StdRng::seed_from_u64(10);
    let (mut values, mut troubles, mut refused) = (0, 0, 0);
    for _ in 0..50_000 {
        let count = random.random_range(1..12);
        let words: Vec<&str> = (0..count).map(|_| WORDS[random.random_range(0..WORDS.len())]).collect();
        match Expression::parse(&words.join(" ")) {
            Err(_) => refused += 1,
            Ok(expression) => match expression.value(&scope()) {
                Ok(value) => {
                    assert!(size(&value) <= 8 * MAX_OUTPUT, "{words:?}");
                    values += 1;
                }
                Err(_) => troubles += 1,
            },
        }
    }
    assert!(
        values > 1_000 && troubles > 500 && refused > 10_000,
        "{values} {troubles} {refused}"
    );
}
