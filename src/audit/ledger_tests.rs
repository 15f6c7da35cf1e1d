//! Tests of what is written and what is merely counted, with a clock made of numbers.

use super::*;

const SPAN: Duration = OF_STRANGERS.span;
const PER_SUBJECT: u32 = OF_STRANGERS.per_subject;
const PER_KIND: u32 = OF_STRANGERS.per_kind;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn time(seconds: u64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + at(seconds)
}

fn failed(address: &str) -> Entry {
    Entry::new(Kind::LoginFailed).address(Some(address))
}

/// How many of `count` equal entries are written.
fn written(ledger: &mut Ledger, entry: &Entry, count: u32, seconds: u64) -> u32 {
    let admitted = (0..count).filter(|_| ledger.admit(entry.clone(), at(seconds), time(seconds)).is_some());
    u32::try_from(admitted.count()).unwrap()
}

#[test]
fn one_subject_fills_its_share_and_the_rest_becomes_one_line() {
    let mut ledger = Ledger::default();
    let entry = failed("192.0.2.7");
    assert_eq!(written(&mut ledger, &entry, PER_SUBJECT, 0), PER_SUBJECT);
    assert_eq!(ledger.deadline(), None, "nothing was left out yet");
    assert_eq!(written(&mut ledger, &entry, 37, 5), 0);
    assert_eq!(ledger.deadline(), Some(SPAN));
    assert!(ledger.expire(SPAN - at(1)).is_empty());
    let told = ledger.expire(SPAN);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].kind, told[0].address.as_deref(), told[0].detail.as_deref()),
        (
            Kind::LoginFailed,
            Some("192.0.2.7"),
            Some("and 37 more within a minute")
        )
    );
    assert_eq!(ledger.deadline(), None);
    assert_eq!(written(&mut ledger, &entry, 1, 60), 1, "a new minute");
}

#[test]
fn what_was_left_out_is_told_even_when_the_same_goes_on() {
    let mut ledger = Ledger::default();
    let entry = failed("192.0.2.7");
    written(&mut ledger, &entry, PER_SUBJECT + 1, 0);
    assert_eq!(written(&mut ledger, &entry, 1, 61), 0, "the count is not told yet");
    assert_eq!(
        ledger.expire(at(61))[0].detail.as_deref(),
        Some("and 2 more within a minute")
    );
}

#[test]
fn each_subject_and_each_kind_has_a_share_of_its_own() {
    let mut ledger = Ledger::default();
    assert_eq!(written(&mut ledger, &failed("192.0.2.7"), 100, 0), PER_SUBJECT);
    assert_eq!(written(&mut ledger, &failed("192.0.2.8"), 100, 0), PER_SUBJECT);
    let denied = Entry::new(Kind::Denied).address(Some("192.0.2.7"));
    assert_eq!(written(&mut ledger, &denied, 100, 0), PER_SUBJECT);
}

#[test]
fn many_subjects_together_fill_no_more_than_the_share_of_a_kind() {
    let mut ledger = Ledger::default();
    let all: u32 = (0..200)
        .map(|last| written(&mut ledger, &failed(&format!("192.0.2.{last}")), 2, 0))
        .sum();
    assert_eq!(all, PER_KIND);
    let granted = Entry::new(Kind::PairingGranted);
    assert_eq!(
        written(&mut ledger, &granted, 1_000, 0),
        1_000,
        "what only the owner causes is never left out"
    );
}

#[test]
fn subjects_past_the_bound_are_counted_together() {
    let mut ledger = Ledger::default();
    for number in 0..u32::try_from(MAX_SUBJECTS).unwrap() + 50 {
        written(
            &mut ledger,
            &failed(&std::net::Ipv4Addr::from(number).to_string()),
            1,
            0,
        );
    }
    assert_eq!(ledger.shares[&Kind::LoginFailed].subjects.len(), MAX_SUBJECTS + 1);
    let denied = Entry::new(Kind::Denied).address(Some("192.0.2.7"));
    written(&mut ledger, &denied, 1, 0);
    assert!(
        ledger.shares[&Kind::Denied].subjects.contains_key("192.0.2.7"),
        "those of another kind have names still"
    );
    let told = ledger.expire(SPAN);
    assert!(
        told.iter().any(|entry| entry.subject().is_empty()),
        "the last ones have no name of their own"
    );
    assert!(ledger.shares.is_empty());
}

#[test]
fn an_action_that_is_done_each_second_writes_a_few_lines_an_hour() {
    let mut ledger = Ledger::default();
    let done = Entry::new(Kind::ActionDone).action("boiler");
    let mut lines = 0;
    for second in 0..2 * 3_600 {
        lines += ledger.expire(at(second)).len();
        lines += written(&mut ledger, &done, 1, second) as usize;
    }
    let told = ledger.expire(at(2 * 3_600));
    assert_eq!(lines, 2 * OF_ACTIONS.per_subject as usize + 1);
    assert_eq!(told[0].action.as_deref(), Some("boiler"));
    assert_eq!(told[0].detail.as_deref(), Some("and 3596 more within an hour"));
    let failed = Entry::new(Kind::ActionFailed).action("boiler");
    assert_eq!(
        written(&mut ledger, &failed, 1, 7_200),
        1,
        "that it fails is not hidden by that it was done"
    );
}

#[test]
fn many_actions_together_fill_no_more_than_their_share() {
    let mut ledger = Ledger::default();
    let done = |number: u32| Entry::new(Kind::ActionDone).action(&number.to_string());
    let all: u32 = (0..100).map(|number| written(&mut ledger, &done(number), 2, 0)).sum();
    assert_eq!(all, OF_ACTIONS.per_kind);
}

#[test]
fn no_two_entries_have_the_same_time() {
    let mut ledger = Ledger::default();
    let records = [5, 5, 5, 6].map(|second| ledger.record(Entry::new(Kind::Revoked), time(second)));
    let times = records.map(|record| record.moment().unwrap());
    let lines = [
        "1970-01-01T00:00:05.000000Z",
        "1970-01-01T00:00:05.000001Z",
        "1970-01-01T00:00:05.000002Z",
        "1970-01-01T00:00:06.000000Z",
    ];
    assert_eq!(times, lines);
}

#[test]
fn a_file_takes_lines_up_to_its_bound() {
    assert!(!is_full(MAX_FILE - 100, 100));
    assert!(is_full(MAX_FILE - 100, 101));
    assert!(
        !is_full(0, MAX_FILE + 1),
        "an empty file takes any line, or there would be no end of files"
    );
}

#[test]
fn fields_are_cut_at_their_bound_and_ports_are_left_out() {
    let entry = Entry::new(Kind::Denied)
        .detail("é".repeat(300))
        .address(Some("[::ffff:192.0.2.7]:4242"));
    assert_eq!(entry.detail.unwrap().chars().count(), crate::audit::MAX_TEXT);
    assert_eq!(entry.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(failed("somewhere").address.as_deref(), Some("somewhere"));
}

#[test]
fn every_kind_is_read_back_as_what_it_was_written() {
    for kind in Kind::ALL {
        let record = Ledger::default().record(Entry::new(kind), time(5));
        assert_eq!(serde_json::from_str::<Record>(&record.line()).unwrap(), record);
    }
    assert!(serde_json::from_str::<Kind>("\"nonsense\"").is_err());
}
