//! Lines as a caller meets them, on a chip that a test holds.

use std::time::Duration;

use super::*;
use crate::backends::fake::{Fake, FakeGpio};
use crate::backends::gpio::LineId;
use crate::testing::{Published, ask};

fn line(name: &str, offset: u32, direction: Direction, active_low: bool) -> Configured {
    Configured {
        name: name.into(),
        wanted: Wanted {
            chip: None,
            line: LineId::Offset(offset),
            direction,
            active_low,
            initial: false,
            bias: None,
        },
    }
}

fn stage() -> (Arc<FakeGpio>, Lines) {
    let fake = Arc::new(Fake::default());
    let mut named = line("named", 0, Direction::Out, false);
    named.wanted.line = LineId::Name("line6".into());
    let lines = vec![
        line("lamp", 4, Direction::Out, false),
        line("relay", 5, Direction::Out, true),
        line("door", 2, Direction::In, false),
        named,
    ];
    let lines = Lines::new(&fake.machine().gpio, Settings { lines });
    (Arc::clone(&fake.gpio), lines)
}

fn gone() -> Missing {
    Missing {
        what: "the GPIO line",
        reason: "it is unplugged".into(),
        mend: "attach the chip again".into(),
    }
}

#[tokio::test]
async fn an_output_is_driven_and_everything_can_be_read() {
    let (chip, lines) = stage();
    assert_eq!(ask(&lines, &GET, &["lamp".into()]).await, Ok(false.into()));
    assert_eq!(ask(&lines, &SET, &["lamp".into(), true.into()]).await, Ok(true.into()));
    assert!(chip.is_on(4));
    chip.drive(2, true);
    assert_eq!(ask(&lines, &GET, &["door".into()]).await, Ok(true.into()));
    let listed = ask(&lines, &LIST, &[]).await.unwrap();
    let row = |index: usize| shown(&listed.as_list().unwrap()[index]);
    assert_eq!(row(0), "chip=fake direction=out line=4 name=lamp value=true");
    assert_eq!(row(3), "chip=fake direction=out line=6 name=named value=false");
}

/// A row in one line, so that a test can read it.
fn shown(row: &Value) -> String {
    let entries = row.as_dict().unwrap().iter();
    let entries = entries.map(|(key, value)| match (value.as_str(), value.as_u64(), value.as_bool()) {
        (Some(text), _, _) => format!("{key}={text}"),
        (_, Some(number), _) => format!("{key}={number}"),
        (_, _, Some(truth)) => format!("{key}={truth}"),
        (None, None, None) => format!("{key}=null"),
    });
    entries.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_not_configured_or_no_output_is_refused() {
    let (chip, lines) = stage();
    let refusal = ask(&lines, &GET, &["heater".into()]).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "there is no line \"heater\"; there are \"lamp\", \"relay\", \"door\" and \"named\""
    );
    let refusal = ask(&lines, &SET, &["door".into(), true.into()]).await.unwrap_err();
    assert_eq!(refusal.to_string(), "\"door\" is an input; only an output can be set");
    let refusal = ask(&lines, &SET, &["lamp".into(), Value::UInt(1)]).await.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
    assert!(!chip.is_on(2) && chip.requests().is_empty());
}

#[tokio::test]
async fn changes_are_told_whoever_made_them_and_an_equal_value_is_none() {
    let (chip, lines) = stage();
    let lines = Arc::new(lines);
    let mut published = Published::by(Arc::clone(&lines) as _);
    assert_eq!(published.next().await, None);
    let event = |name: &str, value: bool| Some((ON_CHANGED.uri, vec![name.into(), value.into()]));
    chip.drive(2, true);
    assert_eq!(published.next().await, event("door", true));
    ask(&*lines, &SET, &["lamp".into(), true.into()]).await.unwrap();
    assert_eq!(published.next().await, event("lamp", true));
    assert_eq!(
        published.next().await,
        Some((older::ON_OUT_LOW.uri, vec![Value::UInt(4)]))
    );
    ask(&*lines, &SET, &["lamp".into(), true.into()]).await.unwrap();
    assert_eq!(published.next().await, None);
    ask(&*lines, &older::SET_OUT_HIGH, &[Value::UInt(5)]).await.unwrap();
    assert_eq!(published.next().await, event("relay", true));
    assert_eq!(
        published.next().await,
        Some((older::ON_OUT_HIGH.uri, vec![Value::UInt(5)]))
    );
}

#[tokio::test]
async fn outputs_are_taken_when_it_starts_and_held() {
    let (chip, lines) = stage();
    let _announcing = Published::by(Arc::new(lines)).next().await;
    assert_eq!(chip.requests().len(), 4, "each line is taken once");
    assert_eq!(chip.requests()[1].line, LineId::Offset(5));
}

#[tokio::test]
async fn a_chip_that_comes_back_gets_its_outputs_again_and_its_inputs_are_compared() {
    let (chip, lines) = stage();
    let lines = Arc::new(lines);
    let mut published = Published::by(Arc::clone(&lines) as _);
    assert_eq!(published.next().await, None);
    ask(&*lines, &SET, &["named".into(), true.into()]).await.unwrap();
    while published.next().await.is_some() {}

    chip.miss(Some(gone()));
    let refusal = ask(&*lines, &GET, &["named".into()]).await.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.unavailable");
    assert!(lines.missing().await.is_some());
    let listed = ask(&*lines, &LIST, &[]).await.unwrap();
    let row = shown(&listed.as_list().unwrap()[0]);
    assert_eq!(row, "chip=null direction=out line=4 name=lamp value=null");
    chip.drive(2, true);
    chip.drive(6, false);

    chip.miss(None);
    let event = published.wait().await;
    assert_eq!(event, (ON_CHANGED.uri, vec!["door".into(), true.into()]));
    // Each line is looked for at its own time.
    let driven = chip.becomes(6, true);
    tokio::time::timeout(Duration::from_secs(20), driven).await.unwrap();
    assert_eq!(ask(&*lines, &GET, &["named".into()]).await, Ok(true.into()));
}

#[tokio::test]
async fn other_settings_keep_the_lines_that_are_written_as_before_and_take_the_others_anew() {
    let (chip, lines) = stage();
    let lines = Arc::new(lines);
    let mut published = Published::by(Arc::clone(&lines) as _);
    for name in ["lamp", "relay"] {
        ask(&*lines, &SET, &[name.into(), true.into()]).await.unwrap();
    }
    while published.next().await.is_some() {}
    let taken = chip.requests().len();

    // The lamp stays; the relay is called otherwise, the door is another line; what was named is gone.
    let next = crate::Settings {
        gpio: Settings {
            lines: vec![
                line("pump", 5, Direction::Out, true),
                line("lamp", 4, Direction::Out, false),
                line("door", 1, Direction::In, false),
            ],
        },
        ..crate::Settings::default()
    };
    lines.reconfigure(&next);
    // At once, while those who followed the relay still hold its line.
    assert_eq!(
        ask(&*lines, &GET, &["pump".into()]).await,
        Ok(false.into()),
        "it begins anew"
    );
    assert_eq!(
        ask(&*lines, &GET, &["lamp".into()]).await,
        Ok(true.into()),
        "it was held on"
    );
    for gone in ["relay", "named"] {
        let refusal = ask(&*lines, &GET, &[gone.into()]).await.unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("there are \"pump\", \"lamp\" and \"door\""),
            "{refusal}"
        );
    }
    assert_eq!(published.next().await, None);
    chip.drive(2, true);
    chip.drive(1, true);
    let event = |name: &str, value: bool| Some((ON_CHANGED.uri, vec![name.into(), value.into()]));
    assert_eq!(published.next().await, event("door", true));
    ask(&*lines, &SET, &["pump".into(), true.into()]).await.unwrap();
    assert_eq!(published.next().await, event("pump", true));
    assert_eq!(chip.requests().len(), taken + 2, "only two are new");

    // The same again changes nothing; none at all is followed without a turn, and lets go.
    lines.reconfigure(&next);
    while published.next().await.is_some() {}
    assert_eq!(chip.requests().len(), taken + 2);
    lines.reconfigure(&crate::Settings::default());
    assert_eq!(ask(&*lines, &LIST, &[]).await, Ok(Value::List(Vec::new())));
    lines.reconfigure(&next);
    assert_eq!(
        ask(&*lines, &GET, &["lamp".into()]).await,
        Ok(false.into()),
        "it was let go"
    );
}

#[tokio::test]
async fn older_clients_see_pins_whose_high_is_zero_on_the_wire() {
    let (chip, lines) = stage();
    // What `active_low` says changes the logical value alone.
    for (pin, logical) in [(4, false), (5, true)] {
        ask(&lines, &older::SET_OUT_HIGH, &[Value::UInt(pin)]).await.unwrap();
        assert_eq!(chip.is_on(u32::try_from(pin).unwrap()), logical);
        let state = ask(&lines, &older::GET_STATE, &[Value::UInt(pin)]).await.unwrap();
        let expected = format!("direction=out pin_number={pin} value=0 value_verbose=on");
        assert_eq!(shown(&state), expected);
        ask(&lines, &older::SET_OUT_LOW, &[Value::UInt(pin)]).await.unwrap();
        assert_eq!(chip.is_on(u32::try_from(pin).unwrap()), !logical);
    }
    let states = ask(&lines, &older::GET_STATES, &[]).await.unwrap();
    assert_eq!(states.as_list().unwrap().len(), 4);
    let refusal = ask(&lines, &older::SET_OUT_HIGH, &[Value::UInt(9)]).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "there is no pin \"9\"; there are \"4\", \"5\", \"2\" and \"6\""
    );
    let refusal = ask(&lines, &older::SET_OUT_HIGH, &[Value::UInt(2)]).await.unwrap_err();
    assert!(refusal.to_string().contains("is an input"), "{refusal}");
}
