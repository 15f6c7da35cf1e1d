//! The desktop's end of the exchange: one device at a time, from `hello` until it is to be stored.
//!
//! It shares the window, and with it the attempts, with every other form of pairing. It opens no window, asks nobody
//! and stores nothing: it says when that is due.

use std::time::Duration;

use rand::TryCryptoRng;

use super::grant::Verdict;
use super::judge::{self, Greeted};
use super::messages::{self, Hello};
use super::transcript::{Keys, Side};
use super::why::Why;
use super::{CRYPTO_TIME, DONE_TIME};
use crate::device::Device;
use crate::identity::Identity;
use crate::name;
use crate::question::{APPROVAL_TIME, Applicant, Candidate, NotAsked, Question, Request};
use crate::random;
use crate::trust::Trust;
use crate::window::{Closed, Windows};

/// What the desktop says of itself in `hello`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// [`Identity::did`].
    pub did: [u8; 32],
    /// [`Identity::public`].
    pub sign: [u8; 32],
    /// The public key for Noise.
    pub noise: [u8; 32],
    /// SHA-256 of the SubjectPublicKeyInfo of the TLS certificate; `None` without TLS.
    pub spki: Option<[u8; 32]>,
    /// What people call it.
    pub name: String,
}

impl Facts {
    /// The facts of the desktop with this identity. Of the name stays what is safe to show.
    #[must_use]
    pub fn new(identity: &Identity, noise: [u8; 32], spki: Option<[u8; 32]>, raw_name: &str) -> Self {
        Self {
            did: identity.did(),
            sign: identity.public(),
            noise,
            spki,
            name: name::clean(raw_name).unwrap_or_default(),
        }
    }
}

/// The connection that a device came over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Whether it is TLS, which ends at this desktop.
    pub is_tls: bool,
    /// What the desktop exports of that TLS session under [`super::EXPORTER_LABEL`].
    pub exporter: Option<[u8; 32]>,
    /// Where it comes from, as shown to the owner.
    pub address: Option<String>,
}

/// What the desktop has that a frame is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// Signs for the desktop.
    pub identity: &'a Identity,
    /// The devices that are trusted already.
    pub trust: &'a Trust,
}

/// What the daemon does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this frame.
    Send(Vec<u8>),
    /// Send this frame, and ask the owner.
    Ask(Question, Vec<u8>),
    /// Store this device ([`Trust::insert`]), then close the connection normally. If it cannot be stored, send
    /// [`Why::frame`] of the reason instead: the device then forgets what it was granted.
    Store(Box<Device>),
    /// Send [`Why::frame`] and close the connection.
    End(Why),
}

/// The machine.
#[derive(Debug)]
pub struct Desktop {
    facts: Facts,
    run: Option<Run>,
}

/// One exchange.
#[derive(Debug)]
struct Run {
    request: Request,
    channel: Channel,
    /// Until when the present stage lasts.
    until: Duration,
    stage: Stage,
}

enum Stage {
    /// `hello` is out.
    Greeted { sid: [u8; 16], hello: Vec<u8> },
    /// `pake_b` is out and an attempt is counted.
    Answered { keys: Keys, applicant: Box<Applicant> },
    /// `conf_b` is out and the owner is asked.
    Asked { keys: Keys, candidate: Box<Candidate> },
    /// `grant` is out.
    Granted { keys: Keys, device: Box<Device> },
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Greeted { .. } => "Greeted",
            Self::Answered { .. } => "Answered",
            Self::Asked { .. } => "Asked",
            Self::Granted { .. } => "Granted",
        })
    }
}

impl Desktop {
    /// A machine for the desktop with these facts.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self { facts, run: None }
    }

    /// Gives the desktop another name; of it stays what is safe to show. A run that has begun goes on with the old one.
    pub fn rename(&mut self, raw_name: &str) {
        self.facts.name = name::clean(raw_name).unwrap_or_default();
    }

    /// Takes a device that has connected, and gives `hello` for it and the number of its exchange. Takes 16 bytes
    /// from `random`.
    ///
    /// # Errors
    /// When another device is at it, or no window is open for this form.
    pub fn begin<R>(
        &mut self,
        windows: &mut Windows,
        channel: Channel,
        now: Duration,
        random: &mut R,
    ) -> Result<(Request, Vec<u8>), Why>
    where
        R: TryCryptoRng + ?Sized,
    {
        if self.run.is_some() {
            return Err(Why::Busy);
        }
        if !is_open(windows, now) {
            return Err(Why::Closed);
        }
        let sid = *random::draw(random)?;
        let facts = &self.facts;
        let hello = Hello {
            sid,
            did: facts.did,
            sign: facts.sign,
            noise: facts.noise,
            spki: facts.spki,
            name: facts.name.clone(),
        }
        .encode();
        let request = windows.number();
        self.run = Some(Run {
            request,
            channel,
            until: now.saturating_add(CRYPTO_TIME),
            stage: Stage::Greeted {
                sid,
                hello: hello.clone(),
            },
        });
        Ok((request, hello))
    }

    /// Takes a frame of this exchange. Takes up to 64 bytes from `random`.
    pub fn receive<R>(
        &mut self,
        windows: &mut Windows,
        request: Request,
        frame: &[u8],
        own: Own<'_>,
        now: Duration,
        random: &mut R,
    ) -> Step
    where
        R: TryCryptoRng + ?Sized,
    {
        if let Some((ended, why)) = self.expire(windows, now)
            && ended == request
        {
            return Step::End(why);
        }
        let Some(run) = self.run.take_if(|run| run.request == request) else {
            return Step::End(Why::Over);
        };
        if let Some(code) = messages::decode_error(frame) {
            give_up(windows, &run.stage, Closed::Withdrawn, now);
            return Step::End(Why::Left(code));
        }
        let Run { channel, stage, .. } = run;
        let (until, stage, step) = match stage {
            Stage::Greeted { sid, hello } => {
                let greeted = Greeted {
                    facts: &self.facts,
                    channel: &channel,
                    request,
                    sid,
                    hello: &hello,
                };
                match greeted.answer(windows, frame, own.trust, now, random) {
                    // The clock of the exchange runs on: both halves of the arithmetic share the ten seconds.
                    Ok((keys, applicant, pake_b)) => {
                        let stage = Stage::Answered { keys, applicant };
                        (run.until, stage, Step::Send(pake_b))
                    }
                    Err(why) => return Step::End(why),
                }
            }
            Stage::Answered { keys, applicant } => {
                match judge::confirmation(windows, &keys, &applicant.key, frame, now) {
                    Ok(terms) => {
                        let until = now.saturating_add(APPROVAL_TIME);
                        let candidate = Box::new(applicant.on(terms));
                        let conf_b = keys.confirm(Side::Desktop, own.identity).encode();
                        let step = Step::Ask(candidate.question(until), conf_b);
                        (until, Stage::Asked { keys, candidate }, step)
                    }
                    Err(why) => return Step::End(why),
                }
            }
            Stage::Granted { keys, device } => {
                let plain = messages::decode_box(frame)
                    .ok()
                    .and_then(|it| keys.open(Side::Device, it));
                if plain.is_some_and(|plain| *plain == messages::done()) {
                    windows.conclude(Closed::Paired);
                    return Step::Store(device);
                }
                windows.conclude(Closed::Withdrawn);
                return Step::End(Why::Malformed);
            }
            // It is not the device's turn.
            Stage::Asked { .. } => {
                windows.conclude(Closed::Withdrawn);
                return Step::End(Why::Malformed);
            }
        };
        self.run = Some(Run {
            request,
            channel,
            until,
            stage,
        });
        step
    }

    /// Takes the owner's answer: `grant` is sent, or the exchange ends. Takes up to 40 bytes from `random`.
    ///
    /// # Errors
    /// When this request is not being asked about.
    pub fn answer<R>(
        &mut self,
        windows: &mut Windows,
        request: Request,
        verdict: Verdict<'_>,
        now: Duration,
        random: &mut R,
    ) -> Result<Step, NotAsked>
    where
        R: TryCryptoRng + ?Sized,
    {
        let is_asked =
            |run: &mut Run| run.request == request && matches!(run.stage, Stage::Asked { .. }) && now < run.until;
        let Some(Run {
            channel,
            stage: Stage::Asked { keys, candidate },
            ..
        }) = self.run.take_if(is_asked)
        else {
            return Err(NotAsked(request));
        };
        let Verdict::Allow { role, trust, place, at } = verdict else {
            windows.conclude(Closed::Denied);
            return Ok(Step::End(Why::Denied));
        };
        let device = match trust.prepare(candidate.approved(role), at, random) {
            Ok(device) => Box::new(device),
            Err(error) => {
                windows.conclude(Closed::Withdrawn);
                return Ok(Step::End(error.into()));
            }
        };
        let sealed = keys.seal(Side::Desktop, &place.grant(&device).encode());
        self.run = Some(Run {
            request,
            channel,
            until: now.saturating_add(DONE_TIME),
            stage: Stage::Granted { keys, device },
        });
        Ok(Step::Send(messages::encode_box(&sealed)))
    }

    /// Whether the owner is being asked under this number.
    #[must_use]
    pub fn is_asking(&self, request: Request) -> bool {
        let run = self.run.as_ref().filter(|run| run.request == request);
        run.is_some_and(|run| matches!(run.stage, Stage::Asked { .. }))
    }

    /// The device's connection is gone. An attempt that was counted stays counted.
    pub fn abandon(&mut self, windows: &mut Windows, request: Request, now: Duration) {
        if let Some(run) = self.run.take_if(|run| run.request == request) {
            give_up(windows, &run.stage, Closed::Withdrawn, now);
        }
    }

    /// The owner closes the window, or the daemon stops: whose exchange ends by it.
    pub fn close(&mut self, windows: &mut Windows) -> Option<(Request, Why)> {
        windows.close();
        self.run.take().map(|run| (run.request, Why::Cancelled))
    }

    /// Ends what has run out of time: whose exchange, if any.
    pub fn expire(&mut self, windows: &mut Windows, now: Duration) -> Option<(Request, Why)> {
        windows.expire(now);
        let run = self.run.take_if(|run| {
            let needs_window = matches!(run.stage, Stage::Greeted { .. } | Stage::Answered { .. });
            run.until <= now || (needs_window && !is_open(windows, now))
        })?;
        let (closed, why) = match run.stage {
            Stage::Greeted { .. } | Stage::Answered { .. } => (Closed::Withdrawn, Why::Expired),
            Stage::Asked { .. } => (Closed::Unanswered, Why::Unanswered),
            Stage::Granted { .. } => (Closed::Withdrawn, Why::Unconfirmed),
        };
        give_up(windows, &run.stage, closed, now);
        Some((run.request, why))
    }

    /// When [`Desktop::expire`] has something to do; [`Windows::deadline`] counts too.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.run.as_ref().map(|run| run.until)
    }
}

/// Whether a window is open for this form.
fn is_open(windows: &Windows, now: Duration) -> bool {
    windows.terms(now).is_some_and(|terms| !terms.legacy)
}

/// Ends the attempt or the window that an exchange at this stage holds.
fn give_up(windows: &mut Windows, stage: &Stage, how: Closed, now: Duration) {
    match stage {
        Stage::Greeted { .. } => {}
        Stage::Answered { .. } => windows.fail(now),
        Stage::Asked { .. } | Stage::Granted { .. } => windows.conclude(how),
    }
}
