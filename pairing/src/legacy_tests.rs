//! Tests of pairing by `pair(otp, pubkey)` and by an `otp` at login.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::grant::Grant;
use crate::identity::Identity;
use crate::question::MAX_ADDRESS_CHARS;
use crate::window::LEGACY_TTL;

const CODE: u64 = 48_319_027;

fn key(seed: u64) -> [u8; 32] {
    Identity::generate(&mut StdRng::seed_from_u64(seed)).unwrap().public()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn claim(otp: u64) -> Claim {
    Claim {
        otp: Code::from_number(otp).ok(),
        key: key(1),
        session_key: None,
        name: Some("Pixel\u{202E} 9".into()),
        kind: Kind::Android,
        address: Some("192.168.1.34".into()),
        is_private: true,
    }
}

fn terms() -> Terms {
    Terms {
        legacy: true,
        ttl: LEGACY_TTL,
        ..Terms::for_role("slides")
    }
}

/// A desktop whose window opened at 0 s.
struct Desk {
    windows: Windows,
    legacy: Legacy,
}

impl Desk {
    fn with(terms: Terms) -> Self {
        let mut windows = Windows::default();
        windows
            .open(Code::from_number(CODE).unwrap(), terms, false, at(0))
            .unwrap();
        Self {
            windows,
            legacy: Legacy::new(key(99)),
        }
    }

    fn open() -> Self {
        Self::with(terms())
    }

    fn claim(&mut self, claim: Claim, now: u64) -> Result<Request, Refusal> {
        self.legacy.claim(&mut self.windows, claim, at(now))
    }

    fn ask(&mut self, request: Request, now: u64) -> Step {
        self.legacy.ask(&mut self.windows, request, at(now))
    }

    fn answer(&mut self, request: Request, allow: bool, now: u64) -> Result<Step, NotAsked> {
        self.legacy.answer(&mut self.windows, request, allow, None, at(now))
    }

    fn asked(&mut self, now: u64) -> Request {
        let request = self.claim(claim(CODE), now).unwrap();
        assert!(matches!(self.ask(request, now), Step::Ask(_)));
        request
    }
}

#[test]
fn the_right_code_and_a_yes_give_a_device() {
    let unlock = r#"{"uri": "org.deskconn.screen.unlock", "allow": {"call": true}}"#;
    let grant: Grant = serde_json::from_str(unlock).unwrap();
    let mut desk = Desk::with(Terms {
        grants: vec![grant.clone()],
        ..terms()
    });
    let request = desk.claim(claim(CODE), 5).unwrap();
    let Step::Ask(question) = desk.ask(request, 6) else {
        panic!("no question")
    };
    assert_eq!(question.name.as_deref(), Some("Pixel 9"));
    assert_eq!(
        question.fingerprint,
        DeviceKey::from_bytes(&key(1)).unwrap().fingerprint()
    );
    assert_eq!(
        (question.kind, question.role.as_str(), question.expires),
        (Kind::Android, "slides", at(66))
    );
    assert_eq!(question.address.as_deref(), Some("192.168.1.34"));
    let Step::Granted(granted, device) = desk.answer(request, true, 65).unwrap() else {
        panic!("not granted")
    };
    assert_eq!(granted, request);
    assert!(device.key.is(&key(1)) && device.legacy);
    assert_eq!((device.role.as_str(), device.grants), ("slides", vec![grant]));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Paired));
}

#[test]
fn a_code_is_spent_after_one_use() {
    let mut desk = Desk::open();
    let request = desk.asked(1);
    assert_eq!(
        desk.claim(
            Claim {
                key: key(2),
                ..claim(CODE)
            },
            2
        ),
        Err(Refusal::Busy)
    );
    desk.answer(request, true, 3).unwrap();
    assert_eq!(
        desk.claim(
            Claim {
                key: key(2),
                ..claim(CODE)
            },
            4
        ),
        Err(Refusal::Closed)
    );
}

#[test]
fn three_wrong_codes_close_the_window_for_the_right_one_too() {
    let mut desk = Desk::open();
    for wrong in [CODE + 1, CODE - 1, 12_345_678] {
        assert_eq!(desk.claim(claim(wrong), 1), Err(Refusal::WrongCode));
    }
    assert_eq!(desk.claim(claim(CODE), 1), Err(Refusal::Closed));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Burned));
}

#[test]
fn something_that_cannot_be_a_code_costs_an_attempt() {
    let mut desk = Desk::open();
    for _ in 0..3 {
        assert_eq!(
            desk.claim(
                Claim {
                    otp: None,
                    ..claim(CODE)
                },
                1
            ),
            Err(Refusal::WrongCode)
        );
    }
    assert_eq!(desk.claim(claim(CODE), 1), Err(Refusal::Closed));
}

#[test]
fn a_code_is_right_in_the_last_moment_of_its_minute_and_not_after() {
    let mut desk = Desk::open();
    assert!(desk.claim(claim(CODE), 59).is_ok());
    let mut desk = Desk::open();
    assert_eq!(desk.claim(claim(CODE), 60), Err(Refusal::Closed));
    assert_eq!(desk.legacy.expire(&mut desk.windows, at(60)), None);
    assert_eq!(desk.windows.take_closed(), Some(Closed::Expired));
}

#[test]
fn a_window_of_another_form_is_closed_for_this_one_and_loses_no_attempt() {
    let mut desk = Desk::with(Terms {
        attempts: 1,
        legacy: false,
        ..terms()
    });
    for _ in 0..5 {
        assert_eq!(desk.claim(claim(CODE), 1), Err(Refusal::Closed));
    }
    assert!(desk.windows.is_open(at(1)));
}

#[test]
fn an_open_network_is_refused_unless_the_owner_allowed_it_and_costs_no_attempt() {
    let far = |otp| Claim {
        is_private: false,
        ..claim(otp)
    };
    let mut desk = Desk::open();
    for _ in 0..5 {
        assert_eq!(desk.claim(far(CODE), 1), Err(Refusal::Insecure));
    }
    assert!(desk.claim(claim(CODE), 1).is_ok());
    let mut desk = Desk::with(Terms {
        insecure_network: true,
        ..terms()
    });
    assert!(desk.claim(far(CODE), 1).is_ok());
}

#[test]
fn keys_that_prove_nothing_are_refused_before_the_code_is_looked_at() {
    let mut desk = Desk::with(Terms { attempts: 1, ..terms() });
    assert_eq!(
        desk.claim(
            Claim {
                key: [0; 32],
                ..claim(12_345_678)
            },
            1
        ),
        Err(Refusal::BadKey(BadKey))
    );
    assert_eq!(
        desk.claim(
            Claim {
                key: key(99),
                ..claim(12_345_678)
            },
            1
        ),
        Err(Refusal::OwnKey)
    );
    let other = Claim {
        session_key: Some(key(2)),
        ..claim(12_345_678)
    };
    assert_eq!(desk.claim(other, 1), Err(Refusal::OtherKey));
    assert!(
        desk.claim(
            Claim {
                session_key: Some(key(1)),
                ..claim(CODE)
            },
            1
        )
        .is_ok()
    );
}

#[test]
fn a_device_that_does_not_prove_its_key_in_ten_seconds_is_refused() {
    let mut desk = Desk::open();
    let request = desk.claim(claim(CODE), 55).unwrap();
    assert_eq!(desk.legacy.deadline(&desk.windows), Some(at(65)));
    assert_eq!(desk.ask(request, 65), Step::Refused(request, Refusal::Unproved));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Withdrawn));
    let mut desk = Desk::open();
    let request = desk.claim(claim(CODE), 55).unwrap();
    assert!(matches!(desk.ask(request, 64), Step::Ask(_)));
}

#[test]
fn silence_is_a_no_after_a_minute() {
    let mut desk = Desk::open();
    let request = desk.asked(1);
    assert_eq!(desk.legacy.deadline(&desk.windows), Some(at(61)));
    assert_eq!(desk.legacy.expire(&mut desk.windows, at(60)), None);
    let refused = Step::Refused(request, Refusal::Unanswered);
    assert_eq!(desk.legacy.expire(&mut desk.windows, at(61)), Some(refused));
    assert_eq!(desk.answer(request, true, 61), Err(NotAsked(request)));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Unanswered));
    assert_eq!(desk.legacy.deadline(&desk.windows), None);
}

#[test]
fn a_yes_that_comes_too_late_is_no_yes_even_before_the_timer_runs() {
    let mut desk = Desk::open();
    let request = desk.asked(1);
    assert_eq!(desk.answer(request, true, 61), Err(NotAsked(request)));
}

#[test]
fn a_no_refuses_and_closes() {
    let mut desk = Desk::open();
    let request = desk.asked(1);
    assert_eq!(
        desk.answer(request, false, 2),
        Ok(Step::Refused(request, Refusal::Denied))
    );
    assert_eq!(desk.windows.take_closed(), Some(Closed::Denied));
    assert_eq!(desk.answer(request, true, 2), Err(NotAsked(request)));
}

#[test]
fn an_answer_to_a_question_that_was_not_asked_changes_nothing() {
    let mut desk = Desk::open();
    let request = desk.claim(claim(CODE), 1).unwrap();
    assert_eq!(desk.answer(request, true, 2), Err(NotAsked(request)), "not asked yet");
    assert!(matches!(desk.ask(request, 2), Step::Ask(_)));
    assert_eq!(desk.answer(request + 1, true, 2), Err(NotAsked(request + 1)));
    assert!(matches!(desk.ask(request, 3), Step::Refused(_, _)), "asked once only");
    assert!(matches!(desk.answer(request, true, 3), Ok(Step::Granted(_, _))));
}

#[test]
fn a_device_that_leaves_withdraws_its_request_and_the_code_stays_spent() {
    let mut desk = Desk::open();
    let request = desk.asked(1);
    desk.legacy.withdraw(&mut desk.windows, request + 1);
    assert_eq!(desk.windows.take_closed(), None);
    desk.legacy.withdraw(&mut desk.windows, request);
    assert_eq!(desk.windows.take_closed(), Some(Closed::Withdrawn));
    assert_eq!(desk.answer(request, true, 2), Err(NotAsked(request)));
    assert_eq!(desk.claim(claim(CODE), 2), Err(Refusal::Closed));
}

#[test]
fn closing_the_window_refuses_the_device_at_the_door() {
    let mut desk = Desk::open();
    let request = desk.asked(1);
    let refused = Step::Refused(request, Refusal::Cancelled);
    assert_eq!(desk.legacy.close(&mut desk.windows), Some(refused));
    assert_eq!(desk.windows.take_closed(), Some(Closed::Cancelled));
    assert_eq!(desk.legacy.close(&mut desk.windows), None);
}

#[test]
fn the_owner_may_give_another_role_and_the_name_of_the_window_wins() {
    let mut desk = Desk::with(Terms {
        name: Some("Living room".into()),
        ..terms()
    });
    let request = desk.asked(1);
    let step = desk
        .legacy
        .answer(&mut desk.windows, request, true, Some("media"), at(2))
        .unwrap();
    let Step::Granted(_, device) = step else {
        panic!("not granted")
    };
    assert_eq!(
        (device.role.as_str(), device.name.as_deref()),
        ("media", Some("Living room"))
    );
}

#[test]
fn what_a_device_is_told_does_not_depend_on_how_near_it_was() {
    assert_eq!(Refusal::Closed.told(), Refusal::WrongCode.told());
    assert_eq!(Refusal::Busy.told(), Refusal::WrongCode.told());
    assert_eq!(Refusal::Denied.told(), Refusal::Unanswered.told());
}

#[test]
fn an_address_is_cut_at_its_limit() {
    let mut desk = Desk::open();
    let long = Claim {
        address: Some("a".repeat(MAX_ADDRESS_CHARS + 1)),
        ..claim(CODE)
    };
    let request = desk.claim(long, 1).unwrap();
    let Step::Ask(question) = desk.ask(request, 1) else {
        panic!("no question")
    };
    assert_eq!(question.address.map(|address| address.len()), Some(MAX_ADDRESS_CHARS));
}
