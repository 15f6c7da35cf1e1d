//! An action on a fake clock: what triggers it, once or not, and what does not.

use std::path::Path;

use components::backends::host::{Memory, Report};

use super::super::host;
use super::super::limit::USUAL;
use super::super::trigger::MAX_FOLLOWED;
use super::*;
use crate::config::Config;
use crate::config::action::INSIDE;

/// The plan of an action with this `when`, and further keys.
fn plan(when: &str, keys: &str, now: &Moment) -> Plan {
    let text = format!("[[action]]\nname = \"a\"\nwhen = {when}\nthen = {{ notify = \"x\" }}\n{keys}\n");
    let mut config = Config::parse(Path::new("test.toml"), &text).unwrap();
    Plan::new(Arc::new(config.actions.remove(0)), true, None, now)
}

fn start() -> Moment {
    Moment::at(0, "2026-06-01T12:00")
}

#[test]
fn what_is_inside_a_name_is_what_the_check_of_a_configuration_knows() {
    for (name, value) in [("now", start().value()), ("device", phone().value())] {
        let (_, keys) = INSIDE.iter().find(|(known, _)| *known == name).unwrap();
        let found: Vec<_> = value.as_dict().unwrap().keys().collect();
        assert_eq!(found, *keys);
    }
}

fn event(topic: &str, value: impl Into<Value>) -> Dict {
    let value = value.into();
    Dict::from([
        ("args".to_owned(), Value::List(vec![value.clone()])),
        ("kwargs".to_owned(), Value::Dict(Dict::new())),
        ("topic".to_owned(), topic.into()),
        ("value".to_owned(), value),
    ])
}

fn hear(plan: &mut Plan, value: impl Into<Value>, now: &Moment) -> Option<Occasion> {
    plan.heard(0, &mut event("home.power", value), false, now)
}

fn value_of(occasions: &[Occasion]) -> Vec<Value> {
    occasions.iter().map(|it| it.scope["value"].clone()).collect()
}

/// Looks whenever the plan wants to be looked at, up to a time, and gives when it triggered, in seconds.
fn triggered(plan: &mut Plan, from: &Moment, seconds: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut now = from.clone();
    let end = from.elapsed + Duration::from_secs(seconds);
    while let Some(due) = plan.deadline(&now).filter(|due| *due <= end) {
        let step = due.saturating_sub(now.elapsed);
        now = Moment {
            elapsed: now.elapsed + step,
            wall: now.wall + step,
            zone: now.zone,
        };
        found.extend(plan.tick(&now).iter().map(|_| now.elapsed.as_secs()));
    }
    found
}

const POWER: &str = "{ topic = \"home.power\", if = \"value > 1500\"";

#[test]
fn every_event_of_which_the_condition_holds_triggers() {
    let now = start();
    let mut plan = plan(&format!("{POWER} }}"), "", &now);
    assert!(hear(&mut plan, 1_500_u64, &now).is_none());
    let occasion = hear(&mut plan, 1_501_u64, &now).unwrap();
    assert_eq!(
        (occasion.trigger, &occasion.scope["value"]),
        ("topic", &Value::UInt(1_501))
    );
    assert_eq!(occasion.scope["now"].as_dict().unwrap()["time"], Value::from("12:00"));
    assert_eq!(occasion.scope["now"].as_dict().unwrap()["weekday"], Value::from("mon"));
    assert!(hear(&mut plan, 1_502_u64, &now).is_some(), "and the next one again");
}

#[test]
fn what_cannot_be_decided_does_not_trigger_and_is_told() {
    let now = start();
    let mut plan = plan(&format!("{POWER} }}"), "", &now);
    assert!(hear(&mut plan, "unavailable", &now).is_none());
    assert_eq!(plan.figures.unfit, 1);
    assert_eq!(
        plan.figures.error.as_deref(),
        Some("`if = \"value > 1500\"`: a text and a number cannot be compared")
    );
}

#[test]
fn a_condition_has_to_hold_for_its_time_and_triggers_once_with_the_last_event() {
    let now = start();
    let mut plan = plan(&format!("{POWER}, for = \"10m\" }}"), "", &now);
    assert!(hear(&mut plan, 1_600_u64, &now).is_none());
    assert!(hear(&mut plan, 1_700_u64, &now.plus(300)).is_none());
    assert_eq!(plan.deadline(&now), Some(Duration::from_secs(600)));
    assert!(plan.tick(&now.plus(599)).is_empty());
    assert_eq!(value_of(&plan.tick(&now.plus(600))), [Value::UInt(1_700)]);
    assert_eq!(triggered(&mut plan, &now.plus(600), 7_200), [0_u64; 0], "once");
    hear(&mut plan, 100_u64, &now.plus(700));
    hear(&mut plan, 1_600_u64, &now.plus(800));
    assert_eq!(triggered(&mut plan, &now.plus(800), 7_200), [1_400]);
}

#[test]
fn a_clock_that_is_set_changes_nothing_about_how_long_something_holds() {
    let now = start();
    let mut plan = plan(&format!("{POWER}, for = \"10m\" }}"), "", &now);
    hear(&mut plan, 1_600_u64, &now);
    let set = |elapsed, local| Moment::at(elapsed, local);
    assert!(plan.tick(&set(599, "2026-06-01T18:00")).is_empty(), "put forward");
    assert_eq!(plan.tick(&set(600, "2026-06-01T06:00")).len(), 1, "put back");
}

#[test]
fn each_topic_of_a_pattern_holds_by_itself_and_only_so_many_are_followed() {
    let now = start();
    let when = "{ topic = \"home.\", match = \"prefix\", if = \"value > 1500\", for = \"10m\" }";
    let mut plan = plan(when, "at_most = \"1000/1m\"", &now);
    let say = |plan: &mut Plan, number: usize, value: u64, now: &Moment| {
        plan.heard(0, &mut event(&format!("home.{number}"), value), false, now);
    };
    for number in 0..MAX_FOLLOWED {
        say(&mut plan, number, 2_000, &now);
    }
    assert_eq!(plan.figures.unfit, 0);
    say(&mut plan, MAX_FOLLOWED, 2_000, &now);
    assert_eq!(plan.figures.unfit, 1, "one more than can be followed");
    say(&mut plan, 0, 0, &now.plus(60));
    say(&mut plan, MAX_FOLLOWED, 2_000, &now.plus(60));
    assert_eq!(plan.figures.unfit, 1, "one that does not hold makes room");
    assert_eq!(triggered(&mut plan, &now.plus(60), 3_600).len(), MAX_FOLLOWED);
}

#[test]
fn what_is_retained_is_no_change_but_may_hold_for_long_enough() {
    let now = start();
    let retained = |plan: &mut Plan| plan.heard(0, &mut event("home.power", 2_000_u64), true, &now);
    let mut crossing = plan(&format!("{POWER}, crossing = true }}"), "", &now);
    assert!(retained(&mut crossing).is_none());
    assert!(hear(&mut crossing, 2_000_u64, &now).is_none(), "it was so before");
    assert!(hear(&mut crossing, 1_000_u64, &now).is_none());
    assert!(hear(&mut crossing, 2_000_u64, &now).is_some());
    let mut lasting = plan(&format!("{POWER}, for = \"10m\" }}"), "", &now);
    assert!(retained(&mut lasting).is_none());
    assert_eq!(triggered(&mut lasting, &now, 3_600), [600]);
}

#[test]
fn an_interval_keeps_its_beat_and_makes_up_once_for_what_it_missed() {
    let now = start();
    let mut plan = plan("{ every = \"5m\" }", "", &now);
    assert_eq!(triggered(&mut plan, &now, 900), [300, 600, 900]);
    assert_eq!(plan.tick(&now.plus(2_000)).len(), 1, "1200, 1500 and 1800 were missed");
    assert_eq!(triggered(&mut plan, &now.plus(2_000), 500), [2_100, 2_400]);
}

#[test]
fn a_time_of_day_triggers_and_its_condition_counts_then() {
    let now = start();
    let mut nightly = plan("{ at = \"22:30\" }", "", &now);
    assert_eq!(nightly.next(&now), Some(now.plus(37_800).wall));
    assert!(
        nightly.deadline(&now).unwrap() <= LONGEST_LOOK,
        "a clock can be put forward"
    );
    assert_eq!(triggered(&mut nightly, &now, 2 * 86_400), [37_800, 37_800 + 86_400]);
    let mut weekly = plan("{ at = \"22:30\", if = \"now.weekday == 'tue'\" }", "", &now);
    assert_eq!(triggered(&mut weekly, &now, 2 * 86_400), [37_800 + 86_400]);
}

#[test]
fn a_time_that_passed_while_the_daemon_was_down_is_made_up_for_if_it_is_not_long_ago() {
    let now = start();
    let action = |late: &str| plan(&format!("{{ at = \"11:30\", late = \"{late}\" }}"), "", &now).action;
    let before = Moment::at(0, "2026-06-01T11:00").wall;
    let found = |late: &str, checked| Plan::new(action(late), true, checked, &now).tick(&now).len();
    assert_eq!(found("30m", Some(before)), 1, "at the limit");
    assert_eq!(found("29m", Some(before)), 0, "past it");
    assert_eq!(found("1h", None), 0, "it was not there before");
    let after = Moment::at(0, "2026-06-01T11:31").wall;
    assert_eq!(found("1h", Some(after)), 0, "it was done");
}

fn phone() -> Known {
    Known {
        id: "d_1".into(),
        name: "Pixel".into(),
        kind: "phone".into(),
    }
}

#[test]
fn a_device_that_comes_or_goes_triggers_and_one_that_was_never_there_does_not() {
    let now = start();
    let mut gone = plan("{ device = \"Pixel\", is = \"absent\", for = \"10m\" }", "", &now);
    assert!(gone.met(&phone(), false, true, &now).is_empty());
    assert_eq!(
        triggered(&mut gone, &now, 3_600),
        [0_u64; 0],
        "it was absent from the beginning"
    );
    gone.met(&phone(), true, false, &now.plus(60));
    gone.met(&phone(), false, false, &now.plus(120));
    gone.met(&phone(), true, false, &now.plus(300));
    gone.met(&phone(), false, false, &now.plus(400));
    assert_eq!(triggered(&mut gone, &now.plus(400), 3_600), [1_000]);
    let mut here = plan("{ device = \"d_1\", is = \"present\" }", "", &now);
    here.met(&phone(), false, true, &now);
    let came = here.met(&phone(), true, false, &now);
    assert_eq!(came[0].scope["device"].as_dict().unwrap()["name"], Value::from("Pixel"));
    let other = Known {
        id: "d_2".into(),
        ..phone()
    };
    let mut here = plan("{ device = \"d_1\", is = \"present\" }", "", &now);
    assert!(here.met(&other, true, false, &now).is_empty());
}

fn measured(plan: &mut Plan, percent: u64, now: &Moment) -> usize {
    let memory = Memory {
        total: 100,
        available: 100 - percent,
    };
    let report = Report {
        name: String::new(),
        os: String::new(),
        kernel: String::new(),
        uptime_s: 0,
        load: None,
        memory: Some(memory),
        disks: Vec::new(),
        temperatures: Vec::new(),
    };
    plan.measured(&host::Measured(report), now).len()
}

#[test]
fn a_figure_triggers_when_it_passes_its_threshold_and_not_while_it_trembles() {
    let now = start();
    let mut above = plan("{ host = \"memory.percent\", above = 80, hysteresis = 5 }", "", &now);
    let found: Vec<_> = [80, 81, 90, 79, 81, 75, 81, 74, 80, 81]
        .map(|it| measured(&mut above, it, &now))
        .into();
    assert_eq!(found, [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let mut below = plan("{ host = \"memory.percent\", below = 20, hysteresis = 5 }", "", &now);
    let found: Vec<_> = [20, 19, 25, 19, 26, 19].map(|it| measured(&mut below, it, &now)).into();
    assert_eq!(found, [0, 1, 0, 0, 0, 1]);
    let mut lasting = plan("{ host = \"memory.percent\", above = 80, for = \"2m\" }", "", &now);
    measured(&mut lasting, 90, &now);
    measured(&mut lasting, 70, &now.plus(60));
    measured(&mut lasting, 90, &now.plus(75));
    assert_eq!(triggered(&mut lasting, &now.plus(75), 600), [195]);
}

#[test]
fn a_figure_that_the_machine_does_not_tell_is_told() {
    let now = start();
    let mut plan = plan("{ host = \"disk./mnt.free\", below = \"20GiB\" }", "", &now);
    assert_eq!(measured(&mut plan, 1, &now), 0);
    assert_eq!(
        plan.figures.error.as_deref(),
        Some("this machine does not tell disk./mnt.free")
    );
}

#[test]
fn many_in_a_row_are_done_once_when_it_is_quiet() {
    let now = start();
    let mut plan = plan(&format!("{POWER} }}"), "debounce = \"2s\"", &now);
    for second in 0..5 {
        assert!(hear(&mut plan, 2_000 + second, &now.plus(second)).is_none());
    }
    assert!(plan.tick(&now.plus(5)).is_empty());
    assert_eq!(value_of(&plan.tick(&now.plus(6))), [Value::UInt(2_004)], "the last one");
    assert!(plan.tick(&now.plus(60)).is_empty());
}

#[test]
fn what_comes_too_often_is_left_out_and_counted() {
    let now = start();
    let mut plan = plan(&format!("{POWER} }}"), "at_most = \"1/10m\"", &now);
    assert!(hear(&mut plan, 2_000_u64, &now).is_some());
    assert!(hear(&mut plan, 2_000_u64, &now.plus(599)).is_none());
    assert!(hear(&mut plan, 2_000_u64, &now.plus(600)).is_some());
    assert_eq!(plan.figures.left_out, 1);
}

#[test]
fn an_action_that_triggers_itself_pauses_until_its_owner_or_time_helps() {
    let now = start();
    let mut plan = plan("{ topic = \"home.power\" }", "", &now);
    let runs = (0..1_000).filter(|_| hear(&mut plan, 1_u64, &now).is_some()).count();
    assert_eq!(runs, USUAL.count as usize);
    assert_eq!(plan.figures.left_out, 1_000 - u64::from(USUAL.count));
    assert!(plan.figures.error.as_deref().unwrap().contains("at_most"));
    assert!(plan.limiter.paused_until(now.elapsed).is_some());
    plan.switch(true, &now);
    assert!(hear(&mut plan, 1_u64, &now).is_some());
    assert!(plan.figures.left_out > 0, "its figures stay");
    assert_eq!(plan.figures.error, None, "it pauses no more");
}

#[test]
fn an_action_that_is_off_does_nothing_and_makes_up_for_nothing() {
    let now = start();
    let mut plan = plan(
        "[{ every = \"1h\" }, { at = \"13:00\" }, { topic = \"home.power\" }]",
        "",
        &now,
    );
    plan.switch(false, &now);
    assert_eq!(plan.deadline(&now), None);
    assert!(plan.heard(2, &mut event("home.power", 1_u64), false, &now).is_none());
    assert!(plan.tick(&now.plus(7_200)).is_empty());
    plan.switch(true, &now.plus(7_200));
    assert!(plan.tick(&now.plus(7_200)).is_empty());
    assert_eq!(triggered(&mut plan, &now.plus(7_200), 3_600), [10_800]);
}
