//! What is said of arguments that are wrong.

use super::*;

fn arguments(args: &[Value], kwargs: &[(&str, Value)]) -> Arguments {
    let kwargs = kwargs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    Arguments::new(args.to_vec(), kwargs)
}

fn sentence<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
    refusal.to_string()
}

#[test]
fn what_is_wrong_with_an_argument_is_said() {
    let text = Value::Text("bright".into());
    assert_eq!(
        sentence(arguments(&[], &[]).percent()),
        "argument 1 (percent) has to be a number, not missing"
    );
    assert_eq!(
        sentence(arguments(&[text], &[]).percent()),
        "argument 1 (percent) has to be a number, not text"
    );
    let nan = Value::Float(f64::NAN);
    assert_eq!(
        sentence(arguments(&[nan], &[]).percent()),
        "argument 1 (percent) has to be a number, not such a number"
    );
    let mut both = arguments(&[Value::UInt(5), Value::List(vec![])], &[]);
    assert_eq!(both.percent(), Ok(5.0));
    assert!(sentence(both.display()).starts_with("argument 2 (display) has to be an id"));
}

#[test]
fn texts_and_truth_values_are_taken_as_such_and_nothing_else_as_them() {
    let mut given = arguments(
        &[Value::Text("lamp".into()), Value::Bool(true)],
        &[("body", Value::Text("long".into()))],
    );
    assert_eq!(given.text("line"), Ok("lamp".to_owned()));
    assert_eq!(given.boolean("value"), Ok(true));
    assert_eq!(given.keyword_text("body"), Ok(Some("long".to_owned())));
    assert_eq!(given.keyword_text("app"), Ok(None));
    assert_eq!(given.end(), Ok(()));
    let mut wrong = arguments(&[Value::UInt(1), Value::UInt(1)], &[("body", Value::Bool(true))]);
    assert_eq!(
        sentence(wrong.text("line")),
        "argument 1 (line) has to be text, not such an integer"
    );
    assert_eq!(
        sentence(wrong.boolean("value")),
        "argument 2 (value) has to be true or false, not such an integer"
    );
    assert_eq!(
        sentence(wrong.keyword_text("body")),
        "the keyword argument body has to be text, not a truth value"
    );
    assert!(sentence(arguments(&[], &[]).text("line")).ends_with("not missing"));
}

#[test]
fn whole_numbers_are_taken_within_their_range_and_not_past_it() {
    let given = |value| arguments(&[value], &[]).integer("pin", 1..=40);
    assert_eq!((given(Value::UInt(1)), given(Value::UInt(40))), (Ok(1), Ok(40)));
    assert_eq!(
        sentence(given(Value::UInt(41))),
        "argument 1 (pin) has to be a whole number of 1 to 40, not such an integer"
    );
    assert!(sentence(given(Value::UInt(0))).contains("1 to 40"));
    assert!(sentence(given(Value::Float(1.5))).contains("1 to 40"));
    assert!(sentence(given(Value::Null)).ends_with("not missing"));
}

#[test]
fn what_is_left_over_is_refused() {
    assert_eq!(arguments(&[], &[]).end(), Ok(()));
    assert_eq!(
        sentence(arguments(&[Value::Null, Value::Null, Value::Null], &[]).end()),
        "takes at most 0 arguments, not 3"
    );
    let mut one = arguments(&[Value::UInt(5), Value::UInt(6)], &[]);
    one.percent().unwrap();
    assert_eq!(sentence(one.end()), "takes at most 1 arguments, not 2");
    let surplus = arguments(&[], &[("until", Value::UInt(1))]);
    assert_eq!(sentence(surplus.end()), "takes no keyword argument \"until\"");
}

#[test]
fn a_null_for_a_display_is_no_display() {
    let mut null = arguments(&[Value::Null], &[]);
    assert_eq!(null.display(), Ok(None));
    assert_eq!(null.end(), Ok(()));
}

#[test]
fn an_argument_may_also_come_by_its_name() {
    let mut named = arguments(
        &[],
        &[("display", Value::Text("panel".into())), ("percent", Value::UInt(7))],
    );
    assert_eq!(named.percent(), Ok(7.0));
    assert_eq!(named.display(), Ok(Some("panel".into())));
    assert_eq!(named.end(), Ok(()));
    let mut twice = arguments(&[Value::UInt(7)], &[("percent", Value::UInt(8))]);
    twice.percent().unwrap();
    assert_eq!(sentence(twice.end()), "takes no keyword argument \"percent\"");
}

#[test]
fn a_whole_number_by_its_name_is_taken_within_its_range_and_not_past_it() {
    let given = |value| arguments(&[], &[("duration_ms", value)]).keyword_integer("duration_ms", 0..=60_000);
    assert_eq!(given(Value::UInt(60_000)), Ok(Some(60_000)));
    assert_eq!(given(Value::Float(250.0)), Ok(Some(250)));
    assert_eq!(given(Value::Null), Ok(None));
    assert!(sentence(given(Value::UInt(60_001))).contains("0 to 60000"));
    assert!(sentence(given(Value::Int(-1))).contains("0 to 60000"));
    assert!(sentence(given(Value::Text("1 s".into()))).ends_with("not text"));
    let any = |value| arguments(&[], &[("limit", value)]).keyword_integer("limit", 0..=u64::MAX);
    assert_eq!(any(Value::UInt(u64::MAX)), Ok(Some(u64::MAX)));
    assert_eq!(
        sentence(any(Value::Int(-1))),
        "the keyword argument limit has to be a whole number, not such an integer"
    );
}

#[test]
fn a_switch_is_off_unless_it_is_given_and_takes_nothing_but_truth_values() {
    let given = |value| arguments(&[], &[("force", value)]).switch("force");
    assert_eq!(arguments(&[], &[]).switch("force"), Ok(false));
    assert_eq!((given(Value::Bool(true)), given(Value::Null)), (Ok(true), Ok(false)));
    assert_eq!(
        sentence(given("yes".into())),
        "the keyword argument force has to be true or false, not text"
    );
}

#[test]
fn what_may_be_null_has_to_be_there_all_the_same() {
    let time = |mut given: Arguments| given.any_or_null("time", "a time, or null");
    assert_eq!(time(arguments(&[Value::Null], &[])), Ok(None));
    assert_eq!(time(arguments(&[], &[("time", Value::Null)])), Ok(None));
    assert_eq!(time(arguments(&[7_u64.into()], &[])), Ok(Some(7_u64.into())));
    let expected = "argument 1 (time) has to be a time, or null, not missing";
    assert_eq!(sentence(time(arguments(&[], &[]))), expected);
}

#[test]
fn keyword_arguments_that_are_left_are_handed_on_unless_positions_are_left_too() {
    let rest = |args: &[Value]| arguments(args, &[("until", Value::UInt(1))]).rest();
    assert_eq!(rest(&[]).unwrap()["until"], Value::UInt(1));
    assert_eq!(sentence(rest(&[Value::UInt(5)])), "takes at most 0 arguments, not 1");
}
