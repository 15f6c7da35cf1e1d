//! Tests of the pairing window.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn code() -> Code {
    Code::from_number(48_319_027).unwrap()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn opened(now: u64) -> Windows {
    let mut windows = Windows::default();
    windows.open(code(), Terms::for_role("remote"), false, at(now)).unwrap();
    windows
}

fn burn(windows: &mut Windows, now: u64) {
    windows.open(code(), Terms::for_role("remote"), false, at(now)).unwrap();
    for _ in 0..3 {
        windows.count_attempt(at(now)).unwrap();
        windows.fail(at(now));
    }
    assert_eq!(windows.take_closed(), Some(Closed::Burned));
}

#[test]
fn a_window_is_open_until_its_last_moment_and_then_says_why_not() {
    let mut windows = opened(100);
    assert_eq!(windows.deadline(), Some(at(280)));
    assert!(windows.is_open(at(280).saturating_sub(Duration::from_nanos(1))));
    assert!(!windows.is_open(at(280)));
    assert_eq!(windows.count_attempt(at(280)), Err(Shut::Closed));
    assert_eq!(windows.take_closed(), Some(Closed::Expired));
    assert_eq!(windows.take_closed(), None);
}

#[test]
fn an_attempt_is_counted_before_it_is_answered_and_nobody_tries_beside_it() {
    let mut windows = opened(0);
    windows.count_attempt(SECOND).unwrap();
    assert_eq!(windows.count_attempt(SECOND), Err(Shut::Busy));
    windows.fail(SECOND);
    windows.count_attempt(SECOND).unwrap();
    windows.fail(SECOND);
    // The third is the last: it burns the window although the first was only hung up on.
    windows.count_attempt(SECOND).unwrap();
    assert!(windows.is_open(SECOND));
    windows.fail(SECOND);
    assert_eq!(windows.count_attempt(SECOND), Err(Shut::Closed));
    assert!(windows.secrets(SECOND).is_none());
}

#[test]
fn the_last_attempt_may_still_be_right() {
    let mut windows = opened(0);
    for _ in 0..2 {
        windows.count_attempt(SECOND).unwrap();
        windows.fail(SECOND);
    }
    windows.count_attempt(SECOND).unwrap();
    assert_eq!(windows.claim().unwrap().role, "remote");
}

#[test]
fn a_claimed_code_never_works_again_and_the_window_ends_when_its_fate_is_known() {
    let mut windows = opened(0);
    windows.count_attempt(SECOND).unwrap();
    assert!(windows.claim().is_some());
    assert!(windows.claim().is_none());
    assert!(!windows.is_open(SECOND));
    assert!(windows.secrets(SECOND).is_none());
    assert_eq!(windows.count_attempt(SECOND), Err(Shut::Busy));
    assert_eq!(
        windows.open(code(), Terms::for_role("remote"), true, SECOND),
        Err(NotOpened::Busy)
    );
    assert_eq!(windows.take_closed(), None);
    windows.conclude(Closed::Paired);
    assert_eq!(windows.take_closed(), Some(Closed::Paired));
    assert_eq!(windows.count_attempt(SECOND), Err(Shut::Closed));
}

#[test]
fn a_claim_without_a_counted_attempt_gives_nothing() {
    let mut windows = opened(0);
    assert!(windows.claim().is_none());
    assert!(windows.is_open(SECOND));
    windows.conclude(Closed::Paired);
    assert!(windows.is_open(SECOND));
}

#[test]
fn a_second_window_is_refused_while_one_is_open() {
    let mut windows = opened(0);
    let refused = windows
        .open(code(), Terms::for_role("media"), true, at(60))
        .unwrap_err();
    assert_eq!(refused, NotOpened::AlreadyOpen { left: at(120) });
    windows.close();
    assert_eq!(windows.take_closed(), Some(Closed::Cancelled));
    windows.open(code(), Terms::for_role("media"), false, at(60)).unwrap();
}

#[test]
fn two_burned_windows_within_ten_minutes_pause_pairing_for_ten_minutes() {
    let mut windows = Windows::default();
    burn(&mut windows, 0);
    burn(&mut windows, 600);
    let refused = windows
        .open(code(), Terms::for_role("remote"), false, at(1199))
        .unwrap_err();
    assert_eq!(refused, NotOpened::Paused { left: SECOND });
    assert!(refused.to_string().contains("--force"), "{refused}");
    windows
        .open(code(), Terms::for_role("remote"), false, at(1200))
        .unwrap();
}

#[test]
fn two_burned_windows_further_apart_do_not() {
    let mut windows = Windows::default();
    burn(&mut windows, 0);
    burn(&mut windows, 601);
    windows.open(code(), Terms::for_role("remote"), false, at(602)).unwrap();
}

#[test]
fn the_owner_may_insist_and_a_third_burned_window_pauses_again() {
    let mut windows = Windows::default();
    burn(&mut windows, 0);
    burn(&mut windows, 1);
    windows.open(code(), Terms::for_role("remote"), true, at(2)).unwrap();
    windows.close();
    burn(&mut windows, 3);
    assert!(matches!(
        windows.open(code(), Terms::for_role("remote"), false, at(4)),
        Err(NotOpened::Paused { .. })
    ));
}

#[test]
fn a_window_that_expires_or_pairs_does_not_count_as_burned() {
    let mut windows = opened(0);
    windows.count_attempt(SECOND).unwrap();
    windows.fail(SECOND);
    windows.expire(at(180));
    burn(&mut windows, 181);
    windows.open(code(), Terms::for_role("remote"), false, at(182)).unwrap();
}

#[test]
fn terms_are_taken_at_their_limits_and_not_past_them() {
    let with = |ttl: Duration, attempts: u8| {
        let terms = Terms {
            ttl,
            attempts,
            ..Terms::for_role("remote")
        };
        Windows::default().open(code(), terms, false, SECOND)
    };
    assert_eq!(with(MAX_TTL, MAX_ATTEMPTS), Ok(at(601)));
    assert_eq!(with(Duration::from_nanos(1), 1), Ok(SECOND + Duration::from_nanos(1)));
    assert_eq!(with(MAX_TTL + Duration::from_nanos(1), 1), Err(NotOpened::BadTtl));
    assert_eq!(with(Duration::ZERO, 1), Err(NotOpened::BadTtl));
    assert_eq!(with(MAX_TTL, MAX_ATTEMPTS + 1), Err(NotOpened::BadAttempts));
    assert_eq!(with(MAX_TTL, 0), Err(NotOpened::BadAttempts));
}

#[test]
fn no_debug_form_shows_the_code() {
    let mut windows = Windows::default();
    let secrets = Secrets {
        code: code(),
        link: Some(LinkSecret::from_bytes([0x5a; 16])),
    };
    windows.open(secrets, Terms::for_role("remote"), false, at(0)).unwrap();
    let shown = format!("{windows:?}");
    assert!(
        !shown.contains("4831") && !shown.contains("90, 90") && !shown.to_lowercase().contains("5a5a"),
        "{shown}"
    );
}
