//! Tests of `[[action]]`: what is read, and that every mistake says what would be right.

use std::path::Path;

use super::*;

fn parse(text: &str) -> Result<Vec<Action>, String> {
    let config = Config::parse(Path::new("config.toml"), text);
    config.map(|config| config.actions).map_err(|error| error.to_string())
}

/// An action with this `when` and this `then`.
fn one(when: &str, then: &str) -> Result<Action, String> {
    parse(&format!("[[action]]\nname = \"a\"\nwhen = {when}\nthen = {then}\n")).map(|mut actions| actions.remove(0))
}

fn event(when: &str) -> Event {
    one(when, NOTIFY).unwrap().when.remove(0).event
}

const NOTIFY: &str = "{ notify = \"x\" }";
const TOPIC: &str = "{ topic = \"a.b\" }";

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[test]
fn what_has_to_happen_is_read_with_its_defaults() {
    let Event::Topic(topic) =
        event("{ topic = \"home.\", match = \"prefix\", if = \"value > 1\", for = \"1h30m\", stale = \"90s\" }")
    else {
        panic!()
    };
    assert_eq!(
        (topic.matching, topic.held),
        (crate::config::Match::Prefix, minutes(90))
    );
    assert_eq!((topic.stale, topic.is_state()), (Some(Duration::from_secs(90)), true));
    let time = Clock {
        hour: 22,
        minute: 30,
        second: 0,
    };
    let late = minutes(60);
    assert_eq!(
        event("{ at = \"22:30\" }"),
        Event::At {
            time,
            days: Days::ALL,
            late
        }
    );
    let Event::At { days, .. } = event("{ at = \"22:30:05\", days = \"weekdays\", late = \"2h\" }") else {
        panic!()
    };
    assert_eq!(days.names().collect::<Vec<_>>(), ["mon", "tue", "wed", "thu", "fri"]);
    assert_eq!(event("{ every = \"1d\" }"), Event::Every(minutes(24 * 60)));
    let host = |side, threshold, hysteresis, reading| Event::Host {
        reading,
        side,
        threshold: Number(threshold),
        hysteresis: Number(hysteresis),
        held: Duration::ZERO,
    };
    assert_eq!(
        event("{ host = \"memory.percent\", above = 90 }"),
        host(Side::Above, 90.0, 4.5, Reading::MemoryPercent)
    );
    assert_eq!(
        event("{ host = \"disk./mnt/a.b.free\", below = \"20GiB\", hysteresis = 1024 }"),
        host(
            Side::Below,
            20.0 * 1_073_741_824.0,
            1_024.0,
            Reading::DiskFree("/mnt/a.b".into())
        )
    );
}

#[test]
fn there_may_be_several_whens_and_thens() {
    let action = one(
        &format!("[{TOPIC}, {{ every = \"5m\" }}]"),
        &format!("[{NOTIFY}, {NOTIFY}]"),
    )
    .unwrap();
    assert_eq!((action.when.len(), action.then.len(), action.enabled), (2, 2, true));
    let list = |count: usize, one: &str| format!("[{}]", vec![one; count].join(", "));
    assert!(one(&list(MAX_WHENS, TOPIC), &list(MAX_STEPS, NOTIFY)).is_ok());
    assert!(one(&list(MAX_WHENS + 1, TOPIC), NOTIFY).unwrap_err().contains("1 to 8"));
    assert!(
        one(TOPIC, &list(MAX_STEPS + 1, NOTIFY))
            .unwrap_err()
            .contains("1 to 16")
    );
    assert!(one("[]", NOTIFY).unwrap_err().contains("1 to 8"));
}

#[test]
fn arguments_keep_their_kinds() {
    let then = "{ call = \"a.{{ value }}.set\", args = [1, -2, 1.5, true, \"{{ value }}\", [\"x\"]], kwargs = { on = { deep = \"y\" } } }";
    let What::Call { args, kwargs, .. } = one(TOPIC, then).unwrap().then.remove(0).what else {
        panic!()
    };
    let scope = wamp::value::Dict::from([("value".to_owned(), 7_u64.into())]);
    let args: Vec<_> = args
        .iter()
        .map(|arg| serde_json::to_string(&arg.value(&scope).unwrap()).unwrap())
        .collect();
    assert_eq!(args, ["1", "-2", "1.5", "true", "7", "[\"x\"]"]);
    assert!(kwargs.contains_key("on"));
}

#[test]
fn a_mistake_says_what_would_be_right() {
    for (when, then, sentence) in [
        ("{ at = \"24:00\" }", NOTIFY, "a time of day"),
        ("{ at = \"7:00\" }", NOTIFY, "a time of day"),
        ("{ at = \"07:00\", days = [\"monday\"] }", NOTIFY, "\"mon\", \"tue\""),
        ("{ at = \"07:00\", late = \"25h\" }", NOTIFY, "at most 86400 s"),
        ("{ every = \"500ms\" }", NOTIFY, "a second at least"),
        ("{ every = \"30m1h\" }", NOTIFY, "1h30m"),
        ("{ topic = \"a b\" }", NOTIFY, "a URI like"),
        ("{ topic = \"a\", for = \"1m\" }", NOTIFY, "no `if`"),
        ("{ topic = \"a\", if = \"valu > 1\" }", NOTIFY, "did you mean `value`?"),
        ("{ topic = \"a\", at = \"07:00\" }", NOTIFY, "two things"),
        ("{ topc = \"a\" }", NOTIFY, "none of `topic`"),
        ("{ topic = \"a\", fro = \"1m\" }", NOTIFY, "did you mean `for`?"),
        (
            "{ device = \"a\", is = \"there\" }",
            NOTIFY,
            "\"present\" or \"absent\"",
        ),
        ("{ host = \"cpu\", above = 1 }", NOTIFY, "\"memory.percent\""),
        ("{ host = \"load\" }", NOTIFY, "either `above` or `below`"),
        ("{ host = \"load\", above = \"1GiB\" }", NOTIFY, "a number"),
        ("{ host = \"load\", above = 1, hysteresis = -1 }", NOTIFY, "0 or more"),
        (TOPIC, "{ notify = \"{{ value\" }", "not closed"),
        (TOPIC, "{ notify = \"a\", call = \"b\" }", "two steps"),
        (TOPIC, "{ call = \"a..b\" }", "one component"),
        (TOPIC, "{ call = \"a\", args = 1 }", "a list of arguments"),
        (TOPIC, "{ call = \"a\", args = [1979-05-27] }", "no date"),
        (TOPIC, "{ call = \"a\", timeout = \"11m\" }", "at most 600 s"),
        (TOPIC, "{ post = \"ftp://a\" }", "http:// or https://"),
        (TOPIC, "{ post = \"{{ value }}://a\" }", "http:// or https://"),
        (TOPIC, "{ post = \"http://{{ value }}/x\" }", "written out"),
        (TOPIC, "{ post = \"http://192.0.2.20{{ value }}/x\" }", "written out"),
        (TOPIC, "{ post = \"http://a:{{ value }}\" }", "written out"),
        (TOPIC, "{ post = \"http://a:99999/\" }", "invalid port"),
        (TOPIC, "{ post = \"http://me:pw@a/\" }", "`token_file`"),
        (
            TOPIC,
            "{ post = \"http://a\", json = 1, body = \"x\" }",
            "a request has one",
        ),
        (
            TOPIC,
            "{ post = \"http://a\", method = \"GET\", body = \"x\" }",
            "the method is GET",
        ),
        (
            TOPIC,
            "{ post = \"http://a\", headers = { Host = \"b\" } }",
            "may be chosen",
        ),
        (TOPIC, "{ post = \"http://a\", redirects = 6 }", "0 to 5"),
        (TOPIC, "{ post = \"http://a\", retries = 6 }", "0 to 5"),
        (TOPIC, "{ command = \"backup\" }", "no [[components.command]]"),
        (TOPIC, "{}", "none of `call`"),
    ] {
        let error = one(when, then).expect_err(&format!("{when} {then}"));
        assert!(
            error.contains(sentence) && error.contains("line") | error.contains("action"),
            "{when} {then}: {error}"
        );
    }
}

#[test]
fn rates_are_read_up_to_their_limits_and_not_past_them() {
    let with = |rate: &str| {
        let text = format!("[[action]]\nname = \"a\"\nwhen = {TOPIC}\nthen = {NOTIFY}\nat_most = \"{rate}\"\n");
        parse(&text).map(|actions| actions[0].at_most)
    };
    let rate = |count, period| Ok(Some(Rate { count, period }));
    assert_eq!(with("1/10m"), rate(1, minutes(10)));
    assert_eq!(with("1000/1s"), rate(MAX_RATE, Duration::from_secs(1)));
    assert_eq!(with("1/366d"), rate(1, minutes(366 * 24 * 60)));
    for bad in ["1001/1s", "0/1s", "1/999ms", "1/367d", "1", "1/", "/1m", "-1/1m"] {
        assert!(with(bad).unwrap_err().contains("\"1/10m\""), "{bad}");
    }
}

#[test]
fn as_many_actions_are_read_as_there_may_be_and_not_one_more() {
    let many = |count: usize| {
        let one = |number| format!("[[action]]\nname = \"a{number}\"\nwhen = {TOPIC}\nthen = {NOTIFY}\n");
        parse(&(0..count).map(one).collect::<String>())
    };
    assert_eq!(many(MAX_ACTIONS).unwrap().len(), MAX_ACTIONS);
    assert!(many(MAX_ACTIONS + 1).unwrap_err().contains("at most 128"));
}

#[test]
fn names_are_for_shells_and_different() {
    let named = |name: &str| {
        parse(&format!(
            "[[action]]\nname = \"{name}\"\nwhen = {TOPIC}\nthen = {NOTIFY}\n"
        ))
    };
    assert!(named(&"x".repeat(64)).is_ok() && named("boiler-on_2").is_ok());
    for bad in ["", "-x", "A", "a b", "ä", &"x".repeat(65)] {
        assert!(named(bad).unwrap_err().contains("small letters"), "{bad:?}");
    }
    let twice = format!("[[action]]\nname = \"a\"\nwhen = {TOPIC}\nthen = {NOTIFY}\n").repeat(2);
    assert!(parse(&twice).unwrap_err().contains("different for every action"));
}

#[test]
fn a_plain_router_has_the_actions_that_need_no_desktop() {
    const REALM: &str =
        "[desktop]\nenabled = false\n[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"anonymous\"\nrules = []\n";
    let with = |keys: &str| parse(&format!("{REALM}[[action]]\nname = \"a\"\nwhen = {TOPIC}\n{keys}\n"));
    assert!(with("realm = \"home\"\nthen = { publish = \"a\" }").is_ok());
    assert!(
        with("then = { publish = \"a\" }")
            .unwrap_err()
            .contains("`realm` names another one")
    );
    assert!(
        with("realm = \"home\"\nthen = { notify = \"a\" }")
            .unwrap_err()
            .contains("needs the desktop")
    );
    let left_out = "[desktop]\ncomponents = [\"slides\"]\n";
    let text = format!("{left_out}[[action]]\nname = \"a\"\nwhen = {TOPIC}\nthen = {NOTIFY}\n");
    assert!(parse(&text).unwrap_err().contains("leaves out"));
}

#[test]
fn arguments_headers_and_waits_are_read_up_to_their_limits_and_not_past_them() {
    let deep = |depth: usize| format!("{{ call = \"a\", args = {}{} }}", "[".repeat(depth), "]".repeat(depth));
    assert!(one(TOPIC, &deep(then::MAX_DEPTH)).is_ok());
    assert!(
        one(TOPIC, &deep(then::MAX_DEPTH + 1))
            .unwrap_err()
            .contains("levels deep")
    );
    let headers = |count: usize| {
        let rows: Vec<_> = (0..count).map(|number| format!("x-{number} = \"1\"")).collect();
        format!("{{ post = \"http://a\", headers = {{ {} }} }}", rows.join(", "))
    };
    assert!(one(TOPIC, &headers(then::MAX_HEADERS)).is_ok());
    assert!(
        one(TOPIC, &headers(then::MAX_HEADERS + 1))
            .unwrap_err()
            .contains("at most 16 headers")
    );
    let waits = |span: &str| {
        let text = format!("[[action]]\nname = \"a\"\nwhen = {TOPIC}\nthen = {NOTIFY}\ndebounce = \"{span}\"\n");
        parse(&text).map(|actions| actions[0].debounce)
    };
    assert_eq!(waits("1h"), Ok(Some(MAX_DEBOUNCE)));
    assert!(waits("3601s").unwrap_err().contains("at most 3600 s"));
    let lasts = |span: &str| {
        one(
            &format!("{{ topic = \"a\", if = \"value\", for = \"{span}\" }}"),
            NOTIFY,
        )
    };
    assert!(lasts("366d").is_ok() && lasts("367d").is_err() && lasts("0s").is_err());
}
