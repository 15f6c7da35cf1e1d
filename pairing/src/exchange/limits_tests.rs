//! Attempts, times and places, with a clock that the test moves: when an exchange ends, and what that costs.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::testing::*;
use super::*;
use crate::device::Kind;
use crate::identity::DeviceKey;
use crate::question::{APPROVAL_TIME, NotAsked};
use crate::window::{Closed, DEFAULT_TTL, Terms};

#[test]
fn three_wrong_codes_close_the_window_for_the_right_one_too() {
    let mut desk = Desk::new();
    for wrong in [CODE + 1, CODE - 1, 10_000_000] {
        let end = run(&mut desk, &mut Phone::new(wrong), tls(), 5, &mut honest);
        assert_eq!(
            (end.why, end.failure),
            (Some(Why::WrongCode), Some(Failure::Told(Code::Mismatch)))
        );
        assert!(end.stored.is_none() && end.joined.is_none() && end.question.is_none());
    }
    assert_eq!(desk.windows.take_closed(), Some(Closed::Burned));
    assert_eq!(desk.begin(tls(), 5).unwrap_err(), Why::Closed);
}

#[test]
fn hanging_up_after_the_desktops_share_costs_an_attempt_and_before_it_costs_none() {
    let mut desk = Desk::new();
    for _ in 0..10 {
        let (request, _) = desk.begin(tls(), 1).unwrap();
        desk.machine.abandon(&mut desk.windows, request, at(1));
    }
    for _ in 0..3 {
        let (request, hello) = desk.begin(tls(), 1).unwrap();
        let pake_a = reply(Phone::new(CODE).receive(&hello));
        sent(desk.receive(request, &pake_a, 1));
        desk.machine.abandon(&mut desk.windows, request, at(1));
    }
    assert_eq!(desk.windows.take_closed(), Some(Closed::Burned));
    assert_eq!(desk.begin(tls(), 1).unwrap_err(), Why::Closed);
}

#[test]
fn a_code_is_good_until_the_last_moment_of_the_window_and_not_after() {
    let last = DEFAULT_TTL.as_secs() - 1;
    let mut desk = Desk::new();
    assert!(
        run(&mut desk, &mut Phone::new(CODE), tls(), last, &mut honest)
            .stored
            .is_some()
    );
    let mut desk = Desk::new();
    let mut phone = Phone::new(CODE);
    let (request, hello) = desk.begin(tls(), last).unwrap();
    let pake_a = reply(phone.receive(&hello));
    let pake_b = sent(desk.receive(request, &pake_a, last));
    let conf_a = reply(phone.receive(&pake_b));
    assert_eq!(desk.receive(request, &conf_a, last + 1), Step::End(Why::Expired));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Expired));
    assert_eq!(desk.begin(tls(), last + 1).unwrap_err(), Why::Closed);
}

#[test]
fn the_arithmetic_has_ten_seconds_in_all() {
    for (late, ends) in [(10, false), (11, true)] {
        let mut desk = Desk::new();
        let mut phone = Phone::new(CODE);
        let (request, hello) = desk.begin(tls(), 1).unwrap();
        assert_eq!(desk.machine.deadline(), Some(at(1) + CRYPTO_TIME));
        let pake_a = reply(phone.receive(&hello));
        let pake_b = sent(desk.receive(request, &pake_a, 9));
        let conf_a = reply(phone.receive(&pake_b));
        let step = desk.receive(request, &conf_a, late);
        assert_eq!(matches!(step, Step::End(Why::Expired)), ends, "{step:?}");
        assert_eq!(matches!(step, Step::Ask(..)), !ends);
    }
    let mut desk = Desk::new();
    let (request, _) = desk.begin(tls(), 1).unwrap();
    assert_eq!(desk.machine.expire(&mut desk.windows, at(10)), None);
    assert_eq!(
        desk.machine.expire(&mut desk.windows, at(11)),
        Some((request, Why::Expired))
    );
    assert_eq!(desk.machine.deadline(), None);
}

#[test]
fn silence_of_the_owner_is_a_no_after_a_minute() {
    let mut desk = Desk::new();
    let request = asked(&mut desk, &mut Phone::new(CODE), 5);
    assert_eq!(desk.machine.deadline(), Some(at(5) + APPROVAL_TIME));
    assert_eq!(desk.machine.expire(&mut desk.windows, at(64)), None);
    assert_eq!(
        desk.allow(request, None, 65),
        Err(NotAsked(request)),
        "a yes too late is no yes"
    );
    assert_eq!(
        desk.machine.expire(&mut desk.windows, at(65)),
        Some((request, Why::Unanswered))
    );
    assert_eq!(desk.windows.take_closed(), Some(Closed::Unanswered));
    assert!(!desk.machine.is_asking(request));
}

#[test]
fn a_no_refuses_and_the_code_is_spent() {
    let mut desk = Desk::new();
    let mut phone = Phone::new(CODE);
    let request = asked(&mut desk, &mut phone, 5);
    assert!(desk.machine.is_asking(request) && !desk.machine.is_asking(request + 1));
    assert_eq!(desk.deny(request, 6), Ok(Step::End(Why::Denied)));
    assert_eq!(
        phone.receive(&Why::Denied.frame()),
        Progress::Failed(Failure::Told(Code::Refused))
    );
    assert_eq!(desk.windows.take_closed(), Some(Closed::Denied));
    assert_eq!(desk.deny(request, 6), Err(NotAsked(request)));
    assert_eq!(desk.begin(tls(), 7).unwrap_err(), Why::Closed);
}

#[test]
fn nothing_is_stored_when_the_device_goes_between_grant_and_done() {
    let mut desk = Desk::new();
    let (request, done) = granted(&mut desk, &mut Phone::new(CODE), 5);
    desk.machine.abandon(&mut desk.windows, request, at(6));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Withdrawn));
    assert_eq!(desk.receive(request, &done, 6), Step::End(Why::Over));
    assert!(desk.trust.devices().is_empty());
    assert_eq!(desk.begin(tls(), 7).unwrap_err(), Why::Closed, "the code is spent");
}

#[test]
fn done_has_ten_seconds() {
    for (late, stored) in [(14, true), (15, false)] {
        let mut desk = Desk::new();
        let (request, done) = granted(&mut desk, &mut Phone::new(CODE), 5);
        assert_eq!(desk.machine.deadline(), Some(at(5) + DONE_TIME));
        let step = desk.receive(request, &done, late);
        assert_eq!(matches!(step, Step::Store(_)), stored);
        assert_eq!(matches!(step, Step::End(Why::Unconfirmed)), !stored);
    }
}

#[test]
fn one_device_at_a_time_and_the_others_are_told_busy() {
    let mut desk = Desk::new();
    let (first, hello) = desk.begin(tls(), 1).unwrap();
    assert_eq!(desk.begin(tls(), 1).unwrap_err(), Why::Busy);
    let mut phone = Phone::new(CODE);
    let pake_a = reply(phone.receive(&hello));
    let pake_b = sent(desk.receive(first, &pake_a, 1));
    assert_eq!(desk.begin(tls(), 1).unwrap_err(), Why::Busy);
    let conf_a = reply(phone.receive(&pake_b));
    assert!(matches!(desk.receive(first, &conf_a, 1), Step::Ask(..)));
    assert_eq!(desk.begin(tls(), 1).unwrap_err(), Why::Busy);
    desk.machine.abandon(&mut desk.windows, first, at(2));
    desk.open(Terms::for_role("remote"), 3);
    let (second, _) = desk.begin(tls(), 3).unwrap();
    assert_ne!(first, second);
    assert_eq!(
        desk.receive(first, &conf_a, 3),
        Step::End(Why::Over),
        "frames of one exchange are nothing to another"
    );
    assert!(desk.begin(tls(), 3).is_err(), "and do not end it");
}

#[test]
fn closing_the_window_ends_the_exchange_at_every_stage() {
    let mut desk = Desk::new();
    let (request, _) = desk.begin(tls(), 1).unwrap();
    assert_eq!(desk.machine.close(&mut desk.windows), Some((request, Why::Cancelled)));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Cancelled));
    desk.open(Terms::for_role("remote"), 2);
    let request = asked(&mut desk, &mut Phone::new(CODE), 3);
    assert_eq!(desk.machine.close(&mut desk.windows), Some((request, Why::Cancelled)));
    assert_eq!(desk.allow(request, None, 3), Err(NotAsked(request)));
    assert_eq!(desk.machine.close(&mut desk.windows), None);
    assert_eq!(Why::Cancelled.code(), Code::Closed);
}

#[test]
fn ten_thousand_devices_that_come_and_go_leave_nothing_behind() {
    let mut desk = Desk::new();
    for _ in 0..10_000 {
        let (request, _) = desk.begin(tls(), 1).unwrap();
        desk.machine.abandon(&mut desk.windows, request, at(1));
    }
    assert_eq!(desk.machine.deadline(), None);
    assert!(
        run(&mut desk, &mut Phone::new(CODE), tls(), 2, &mut honest)
            .stored
            .is_some()
    );
}

#[test]
fn a_desktop_that_is_full_refuses_new_devices_before_their_code_is_looked_at() {
    let mut desk = Desk::new();
    let mut random = StdRng::seed_from_u64(5);
    for seed in 0..crate::trust::MAX_DEVICES {
        let identity =
            crate::identity::Identity::from_seed(&[(seed as u64).to_le_bytes(); 4].concat().try_into().unwrap());
        let new = crate::device::NewDevice {
            key: DeviceKey::from_bytes(&identity.public()).unwrap(),
            noise: None,
            name: None,
            kind: Kind::Lib,
            role: "remote".into(),
            grants: Vec::new(),
            address: None,
            expires: None,
            legacy: true,
        };
        desk.trust.add(new, NOON, &mut random).unwrap();
    }
    let end = run(&mut desk, &mut Phone::new(CODE), tls(), 5, &mut honest);
    assert_eq!(end.failure, Some(Failure::Told(Code::Refused)));
    assert_eq!(desk.use_up_attempts(5), 3);
}
