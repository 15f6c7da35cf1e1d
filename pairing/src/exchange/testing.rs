//! A desktop and a device for the tests of the exchange: real machines, a clock that the test moves, and frames that
//! the test may touch on their way.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;
use crate::device::Kind;
use crate::identity::Identity;
use crate::link::{Link, LinkSecret};
use crate::noise::NoiseKey;
use crate::question::{NotAsked, Question, Request};
use crate::trust::Trust;
use crate::window::{Secrets, Terms, Windows};

pub(super) const CODE: u64 = 48_319_027;
pub(super) const SPKI: [u8; 32] = [0x51; 32];
pub(super) const EXPORTER: [u8; 32] = [0xe7; 32];
pub(super) const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
pub(super) const LINK_SECRET: [u8; 16] = [0x4c; 16];

pub(super) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn code(number: u64) -> Secret {
    Secret::Code(crate::code::Code::from_number(number).unwrap())
}

pub(super) fn link(secret: [u8; 16], did: &[u8; 32]) -> Secret {
    Secret::Link(Link::new(
        "192.168.1.20",
        5020,
        LinkSecret::from_bytes(secret),
        did,
        u32::MAX,
    ))
}

/// A desktop whose window opened at 0 s with the code [`CODE`] and a link.
pub(super) struct Desk {
    pub(super) identity: Identity,
    pub(super) windows: Windows,
    pub(super) machine: Desktop,
    pub(super) trust: Trust,
    pub(super) random: StdRng,
}

impl Desk {
    pub(super) fn with(seed: u64, terms: Terms) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let identity = Identity::generate(&mut random).unwrap();
        let noise = NoiseKey::generate(&mut random).unwrap().public();
        let facts = Facts::new(&identity, noise, Some(SPKI), "Living room");
        let mut desk = Self {
            identity,
            windows: Windows::default(),
            machine: Desktop::new(facts),
            trust: Trust::default(),
            random,
        };
        desk.open(terms, 0);
        desk
    }

    pub(super) fn new() -> Self {
        Self::with(1, Terms::for_role("remote"))
    }

    pub(super) fn open(&mut self, terms: Terms, now: u64) {
        let secrets = Secrets {
            code: crate::code::Code::from_number(CODE).unwrap(),
            link: Some(LinkSecret::from_bytes(LINK_SECRET)),
        };
        self.windows.open(secrets, terms, false, at(now)).unwrap();
    }

    pub(super) fn begin(&mut self, channel: Channel, now: u64) -> Result<(Request, Vec<u8>), Why> {
        self.machine
            .begin(&mut self.windows, channel, at(now), &mut self.random)
    }

    pub(super) fn receive(&mut self, request: Request, frame: &[u8], now: u64) -> Step {
        let own = Own {
            identity: &self.identity,
            trust: &self.trust,
        };
        self.machine
            .receive(&mut self.windows, request, frame, own, at(now), &mut self.random)
    }

    pub(super) fn allow(&mut self, request: Request, role: Option<&str>, now: u64) -> Result<Step, NotAsked> {
        let hosts = ["192.168.1.20".to_owned(), "deskconn-2eae5088.local".to_owned()];
        let place = Place::new("deskconn", &hosts, 5020, "/ws").unwrap();
        let verdict = Verdict::Allow {
            role,
            trust: &self.trust,
            place: &place,
            at: NOON,
        };
        self.machine
            .answer(&mut self.windows, request, verdict, at(now), &mut self.random)
    }

    pub(super) fn deny(&mut self, request: Request, now: u64) -> Result<Step, NotAsked> {
        self.machine
            .answer(&mut self.windows, request, Verdict::Deny, at(now), &mut self.random)
    }

    /// How many attempts are left, found out by using them up on a copy of the time.
    pub(super) fn use_up_attempts(&mut self, now: u64) -> usize {
        let mut left = 0;
        while self.windows.count_attempt(at(now)).is_ok() {
            self.windows.fail(at(now));
            left += 1;
        }
        left
    }
}

/// A connection over TLS that ends at the desktop.
pub(super) fn tls() -> Channel {
    Channel {
        is_tls: true,
        exporter: Some(EXPORTER),
        address: Some("192.168.1.34".into()),
    }
}

/// A connection without TLS.
pub(super) fn plain() -> Channel {
    Channel {
        address: Some("192.168.1.34".into()),
        ..Channel::default()
    }
}

/// What a device sees of [`tls`].
pub(super) fn sight() -> Sight {
    Sight {
        spki: Some(SPKI),
        exporter: Some(EXPORTER),
    }
}

pub(super) fn introduction(seed: u64) -> Introduction {
    let mut random = StdRng::seed_from_u64(1000 + seed);
    Introduction {
        identity: Identity::generate(&mut random).unwrap(),
        noise: NoiseKey::generate(&mut random).unwrap(),
        name: "Pixel\u{202E} 9".into(),
        kind: Kind::Android,
        want: "remote".into(),
    }
}

/// A device with its own dice.
pub(super) struct Phone {
    pub(super) machine: Joiner,
    pub(super) random: StdRng,
}

impl Phone {
    pub(super) fn with(secret: Secret, me: Introduction, sight: Sight) -> Self {
        Self {
            machine: Joiner::begin(secret, me, sight).unwrap(),
            random: StdRng::seed_from_u64(7),
        }
    }

    pub(super) fn new(number: u64) -> Self {
        Self::with(code(number), introduction(1), sight())
    }

    pub(super) fn receive(&mut self, frame: &[u8]) -> Progress {
        self.machine.receive(frame, &mut self.random)
    }
}

pub(super) fn sent(step: Step) -> Vec<u8> {
    match step {
        Step::Send(frame) => frame,
        other @ (Step::Ask(..) | Step::Store(_) | Step::End(_)) => panic!("nothing to send: {other:?}"),
    }
}

pub(super) fn reply(progress: Progress) -> Vec<u8> {
    match progress {
        Progress::Send(frame) => frame,
        other @ (Progress::Waiting { .. } | Progress::Paired(..) | Progress::Failed(_)) => {
            panic!("nothing to send: {other:?}")
        }
    }
}

/// How an exchange ended.
#[derive(Debug)]
pub(super) struct End {
    /// What the desktop stored.
    pub(super) stored: Option<Box<crate::device::Device>>,
    pub(super) joined: Option<Box<Joined>>,
    pub(super) why: Option<Why>,
    pub(super) failure: Option<Failure>,
    pub(super) question: Option<Question>,
}

/// Carries all frames between the two over `change`, which gets the number of a frame and the frame; the owner says
/// yes. What one side ends the other is told.
pub(super) fn run(
    desk: &mut Desk,
    phone: &mut Phone,
    channel: Channel,
    now: u64,
    change: &mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> End {
    let mut end = End {
        stored: None,
        joined: None,
        why: None,
        failure: None,
        question: None,
    };
    let (request, hello) = desk.begin(channel, now).unwrap();
    let mut number = 0;
    let mut next = hello;
    loop {
        let frame = change(number, next);
        let progress = phone.receive(&frame);
        number += 1;
        let out = match progress {
            Progress::Send(frame) => frame,
            Progress::Waiting { .. } => match desk.allow(request, None, now) {
                Ok(Step::Send(frame)) => {
                    next = frame;
                    continue;
                }
                other => panic!("no grant: {other:?}"),
            },
            Progress::Paired(joined, frame) => {
                end.joined = Some(joined);
                frame
            }
            Progress::Failed(failure) => {
                if let Some(frame) = failure.frame() {
                    end.why = match desk.receive(request, &frame, now) {
                        Step::End(why) => Some(why),
                        Step::Send(_) | Step::Ask(..) | Step::Store(_) => None,
                    };
                }
                end.failure = Some(failure);
                return end;
            }
        };
        let frame = change(number, out);
        number += 1;
        match desk.receive(request, &frame, now) {
            Step::Send(frame) => next = frame,
            Step::Ask(question, frame) => {
                end.question = Some(question);
                next = frame;
            }
            Step::Store(device) => {
                end.stored = Some(Box::new(desk.trust.insert(*device).unwrap()));
                return end;
            }
            Step::End(why) => {
                if let Progress::Failed(failure) = phone.receive(&why.frame()) {
                    end.failure = Some(failure);
                }
                end.why = Some(why);
                return end;
            }
        }
    }
}

/// Carries the frames as they are.
pub(super) fn honest(_: usize, frame: Vec<u8>) -> Vec<u8> {
    frame
}

/// An exchange until the owner is asked.
pub(super) fn asked(desk: &mut Desk, phone: &mut Phone, now: u64) -> Request {
    let (request, hello) = desk.begin(tls(), now).unwrap();
    let pake_a = reply(phone.receive(&hello));
    let pake_b = sent(desk.receive(request, &pake_a, now));
    let conf_a = reply(phone.receive(&pake_b));
    let Step::Ask(question, conf_b) = desk.receive(request, &conf_a, now) else {
        panic!("not asked")
    };
    assert_eq!(question.request, request);
    assert!(matches!(phone.receive(&conf_b), Progress::Waiting { .. }));
    request
}

/// An exchange until the device has confirmed the grant, which is not delivered yet.
pub(super) fn granted(desk: &mut Desk, phone: &mut Phone, now: u64) -> (Request, Vec<u8>) {
    let request = asked(desk, phone, now);
    let grant = sent(desk.allow(request, None, now).unwrap());
    let Progress::Paired(_, done) = phone.receive(&grant) else {
        panic!("not paired")
    };
    (request, done)
}
