//! Pairing for plain WAMP libraries: the procedure `pair(otp, pubkey)`, and an `otp` in the `authextra` of a login.
//!
//! The code and the key travel readably, so this form is off unless the owner opens a window for it, comes only
//! over private links unless the owner says otherwise, and always asks a person who compares fingerprints.
//! It opens no session and stores no device: it says what to do next.
//!
//! ```text
//! claim ──► (the daemon checks the signature, if the device came by logging in) ──► ask ──► answer
//!   │                          │ bad: withdraw                                       │        │
//!   └► refused                 └► withdrawn                       time over: refused ┘        └► granted, or refused
//! ```

use std::time::Duration;

use crate::code::Code;
use crate::device::{Kind, NewDevice};
use crate::identity::{BadKey, DeviceKey};
use crate::question::{APPROVAL_TIME, Applicant, Candidate, NotAsked, Question, Request};
use crate::window::{Closed, Shut, Terms, Windows};

/// How long a device may take between its code and the proof of its key: the life of a session that is not let in.
pub const PROOF_TIME: Duration = Duration::from_secs(10);

/// What a device brings.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The code; `None` when what was sent cannot be one. It costs an attempt all the same.
    pub otp: Option<Code>,
    /// The key to be trusted.
    pub key: [u8; 32],
    /// The key the session has proved or offers to prove, if it logs in with one.
    pub session_key: Option<[u8; 32]>,
    /// What the device calls itself.
    pub name: Option<String>,
    /// What it says it is.
    pub kind: Kind,
    /// Where it comes from, as shown to the owner.
    pub address: Option<String>,
    /// Whether nobody else can listen: loopback, a Unix socket or TLS.
    pub is_private: bool,
}

/// What the daemon does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the owner.
    Ask(Question),
    /// Store this device, then let it in.
    Granted(Request, Box<NewDevice>),
    /// Tell the device no.
    Refused(Request, Refusal),
}

/// Why a device is refused. The log and the owner see all of it; the device sees [`Refusal::told`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No window is open for this form.
    #[error("no pairing window of the legacy form is open")]
    Closed,
    /// Another device is at it.
    #[error("another device is being paired")]
    Busy,
    /// The code is wrong.
    #[error("the code was wrong")]
    WrongCode,
    /// The key cannot be used.
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// The key is the desktop's own.
    #[error("the key is this desktop's own")]
    OwnKey,
    /// The key is not the one of the session.
    #[error("the key is another one than the session's own")]
    OtherKey,
    /// Others could listen.
    #[error("the code came over a network that others can listen to")]
    Insecure,
    /// The owner said no.
    #[error("it was refused at the desktop")]
    Denied,
    /// The owner said nothing.
    #[error("nobody answered at the desktop in time")]
    Unanswered,
    /// The key was not proved in time.
    #[error("the key was not proved in time")]
    Unproved,
    /// The owner closed the window meanwhile.
    #[error("pairing was closed at the desktop")]
    Cancelled,
}

impl Refusal {
    /// The sentence for the device. It does not say whether a window is open or a code was near.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Closed | Self::Busy | Self::WrongCode => {
                "the code is wrong or no longer valid; get a new one at the desktop with `deskconnctl pair --legacy`"
            }
            Self::BadKey(_) | Self::OwnKey => {
                "the public key must be the 64 hexadecimal digits of your own Ed25519 key"
            }
            Self::OtherKey => "the public key must be the one this session logs in with",
            Self::Insecure => {
                "this form of pairing sends the code readably; the desktop's owner can allow it on this network with \
                 `deskconnctl pair --legacy --insecure-network`"
            }
            Self::Denied | Self::Unanswered | Self::Cancelled => "the request was not approved at the desktop",
            Self::Unproved => "the key was not proved in time",
        }
    }
}

/// The machine; one device at a time is between its code and its answer.
#[derive(Debug)]
pub struct Legacy {
    /// The desktop's own key, which is never let in as a device's.
    own_key: [u8; 32],
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    candidate: Candidate,
    /// Until when the present stage lasts.
    until: Duration,
    is_asked: bool,
}

impl Legacy {
    /// A machine for the desktop with this public key.
    #[must_use]
    pub fn new(own_key: [u8; 32]) -> Self {
        Self { own_key, pending: None }
    }

    /// Takes what a device brings. With the right code the window is claimed and the device has [`PROOF_TIME`]
    /// until [`Legacy::ask`].
    ///
    /// # Errors
    /// With the reason. Only [`Refusal::WrongCode`] has cost an attempt: the other checks say nothing about the code
    /// and come first, so that a stranger on the network cannot use up the attempts of a window that is not for him.
    pub fn claim(&mut self, windows: &mut Windows, claim: Claim, now: Duration) -> Result<Request, Refusal> {
        let terms = windows.terms(now).filter(|terms| terms.legacy);
        let Some(terms) = terms else {
            return Err(if self.pending.is_some() {
                Refusal::Busy
            } else {
                Refusal::Closed
            });
        };
        if !claim.is_private && !terms.insecure_network {
            return Err(Refusal::Insecure);
        }
        let key = DeviceKey::from_bytes(&claim.key)?;
        if key.is(&self.own_key) {
            return Err(Refusal::OwnKey);
        }
        if claim.session_key.is_some_and(|session| !key.is(&session)) {
            return Err(Refusal::OtherKey);
        }
        let terms = try_code(windows, claim.otp.as_ref(), now)?;
        let request = windows.number();
        self.pending = Some(Pending {
            candidate: Applicant {
                request,
                key,
                noise: None,
                name: claim.name,
                kind: claim.kind,
                wants: None,
                address: claim.address,
            }
            .on(terms),
            until: now.saturating_add(PROOF_TIME),
            is_asked: false,
        });
        Ok(request)
    }

    /// Goes on after the device has proved its key (at once for `pair(otp, pubkey)` of a session that has none).
    pub fn ask(&mut self, windows: &mut Windows, request: Request, now: Duration) -> Step {
        if let Some(step) = self.expire(windows, now) {
            return step;
        }
        let Some(pending) = self
            .pending
            .as_mut()
            .filter(|pending| pending.candidate.request() == request && !pending.is_asked)
        else {
            return Step::Refused(request, Refusal::Unproved);
        };
        pending.is_asked = true;
        pending.until = now.saturating_add(APPROVAL_TIME);
        Step::Ask(pending.candidate.question(pending.until))
    }

    /// Takes the owner's answer; `role` replaces the window's role.
    ///
    /// # Errors
    /// When this request is not being asked about.
    pub fn answer(
        &mut self,
        windows: &mut Windows,
        request: Request,
        allow: bool,
        role: Option<&str>,
        now: Duration,
    ) -> Result<Step, NotAsked> {
        let is_asked =
            |pending: &mut Pending| pending.candidate.request() == request && pending.is_asked && now < pending.until;
        let pending = self.pending.take_if(is_asked).ok_or(NotAsked(request))?;
        if !allow {
            windows.conclude(Closed::Denied);
            return Ok(Step::Refused(request, Refusal::Denied));
        }
        windows.conclude(Closed::Paired);
        Ok(Step::Granted(request, Box::new(pending.candidate.approved(role))))
    }

    /// The device left, or its signature was wrong. The code stays used up.
    pub fn withdraw(&mut self, windows: &mut Windows, request: Request) {
        if self
            .pending
            .take_if(|pending| pending.candidate.request() == request)
            .is_some()
        {
            windows.conclude(Closed::Withdrawn);
        }
    }

    /// The owner closes the window, or the daemon stops.
    pub fn close(&mut self, windows: &mut Windows) -> Option<Step> {
        windows.close();
        self.pending
            .take()
            .map(|pending| Step::Refused(pending.candidate.request(), Refusal::Cancelled))
    }

    /// Ends what has run out of time.
    pub fn expire(&mut self, windows: &mut Windows, now: Duration) -> Option<Step> {
        windows.expire(now);
        let pending = self.pending.take_if(|pending| pending.until <= now)?;
        let (closed, refusal) = match pending.is_asked {
            true => (Closed::Unanswered, Refusal::Unanswered),
            false => (Closed::Withdrawn, Refusal::Unproved),
        };
        windows.conclude(closed);
        Some(Step::Refused(pending.candidate.request(), refusal))
    }

    /// When [`Legacy::expire`] has something to do.
    #[must_use]
    pub fn deadline(&self, windows: &Windows) -> Option<Duration> {
        let pending = self.pending.as_ref().map(|pending| pending.until);
        pending.into_iter().chain(windows.deadline()).min()
    }
}

/// Counts, compares in constant time, and either claims the window or ends the attempt.
fn try_code(windows: &mut Windows, otp: Option<&Code>, now: Duration) -> Result<Terms, Refusal> {
    windows.count_attempt(now).map_err(|shut| match shut {
        Shut::Closed => Refusal::Closed,
        Shut::Busy => Refusal::Busy,
    })?;
    let is_right = match (windows.secrets(now), otp) {
        (Some(secrets), Some(otp)) => secrets.code.matches(otp),
        (Some(_) | None, None) | (None, Some(_)) => false,
    };
    if is_right && let Some(terms) = windows.claim() {
        return Ok(terms);
    }
    windows.fail(now);
    Err(Refusal::WrongCode)
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
