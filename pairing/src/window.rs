//! The pairing window: a code works only after somebody at the desktop asked for it, for a short time, a few
//! attempts, once. Every form of pairing goes through the same window, so that a second form gives no second chance.
//!
//! It asks nobody and stores nothing: approval is the business of the form (see [`crate::legacy`]).
//! All moments are the time since the daemon started, from a clock that never goes back.

use std::fmt;
use std::time::Duration;

use rand::TryCryptoRng;
use time::OffsetDateTime;

use crate::code::Code;
use crate::grant::Grant;
use crate::link::LinkSecret;
use crate::question::Request;
use crate::random::NoRandom;

/// How long a window stays open unless the configuration or the owner says otherwise.
pub const DEFAULT_TTL: Duration = Duration::from_secs(180);

/// The same for the legacy form, whose code travels readably and is worth more to a listener.
pub const LEGACY_TTL: Duration = Duration::from_secs(60);

/// The longest window: time to walk through a house, not to forget that it is open.
pub const MAX_TTL: Duration = Duration::from_secs(600);

/// Attempts of one window unless the configuration says otherwise.
pub const DEFAULT_ATTEMPTS: u8 = 3;

/// The most attempts: ten guesses hit one of 90 million codes with a chance of 10⁻⁷.
pub const MAX_ATTEMPTS: u8 = 10;

/// Two windows burned within this time look like somebody guessing, not like somebody mistyping …
pub const BURN_SPAN: Duration = Duration::from_secs(600);

/// … and new windows are refused for this long, unless the owner insists.
pub const BURN_PAUSE: Duration = Duration::from_secs(600);

/// What a device shows that it has been at the desktop: the code that was typed, or the secret of the link that was
/// scanned. Both are wiped with the window they belong to.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The digits.
    pub code: Code,
    /// The secret of the link; `None` when the window has no link.
    pub link: Option<LinkSecret>,
}

impl Secrets {
    /// Draws both from `random`, which must be fit for secrets.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate<R: TryCryptoRng + ?Sized>(random: &mut R) -> Result<Self, NoRandom> {
        Ok(Self {
            code: Code::generate(random)?,
            link: Some(LinkSecret::generate(random)?),
        })
    }
}

impl From<Code> for Secrets {
    fn from(code: Code) -> Self {
        Self { code, link: None }
    }
}

/// What the owner offers to the device that comes with the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The role the device gets.
    pub role: String,
    /// Roles that a device may ask for instead, each of which allows less. A wish for any other role is not heard.
    pub lesser_roles: Vec<String>,
    /// What it gets beside the role.
    pub grants: Vec<Grant>,
    /// The name it gets, whatever it calls itself.
    pub name: Option<String>,
    /// The moment from which the device is no longer let in, if it is a guest.
    pub expires: Option<OffsetDateTime>,
    /// How long the window stays open.
    pub ttl: Duration,
    /// How many codes may be tried.
    pub attempts: u8,
    /// Whether the window is for the legacy form, which then is the only one that may use it: a code that travels
    /// readably must not be worth anything in the other form.
    pub legacy: bool,
    /// Whether the legacy form may come over a network that others can listen to.
    pub insecure_network: bool,
}

impl Terms {
    /// The usual terms for a role.
    #[must_use]
    pub fn for_role(role: &str) -> Self {
        Self {
            role: role.to_owned(),
            lesser_roles: Vec::new(),
            grants: Vec::new(),
            name: None,
            expires: None,
            ttl: DEFAULT_TTL,
            attempts: DEFAULT_ATTEMPTS,
            legacy: false,
            insecure_network: false,
        }
    }

    fn check(&self) -> Result<(), NotOpened> {
        if self.ttl.is_zero() || self.ttl > MAX_TTL {
            return Err(NotOpened::BadTtl);
        }
        if self.attempts == 0 || self.attempts > MAX_ATTEMPTS {
            return Err(NotOpened::BadAttempts);
        }
        Ok(())
    }
}

/// Why a window is no longer open; for the owner, never for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// A device was paired.
    Paired,
    /// Nobody came in time.
    Expired,
    /// Too many wrong codes.
    Burned,
    /// The owner closed it, or the daemon stops.
    Cancelled,
    /// The owner said no.
    Denied,
    /// The code was right and the owner did not answer in time.
    Unanswered,
    /// The code was right and the device left, or could not prove its key.
    Withdrawn,
}

impl fmt::Display for Closed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Paired => "a device was paired",
            Self::Expired => "nobody came in time",
            Self::Burned => "too many wrong codes were tried",
            Self::Cancelled => "pairing was closed at the desktop",
            Self::Denied => "the device was refused at the desktop",
            Self::Unanswered => "the question at the desktop was not answered in time",
            Self::Withdrawn => "the device went away before it was paired, or did not have the key it showed",
        })
    }
}

/// Why an attempt was not even compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// No window is open.
    Closed,
    /// Another device is at it right now.
    Busy,
}

/// Why no window was opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// One is open.
    #[error("pairing is open already, for {} s more; use its code, or end the `deskconnctl pair` or close the app's \
             window that opened it", left.as_secs())]
    AlreadyOpen {
        /// Until it expires by itself.
        left: Duration,
    },
    /// A device is being asked about.
    #[error("a device is being paired right now; answer its question first")]
    Busy,
    /// Two windows were burned.
    #[error("two codes were used up by wrong guesses within {} minutes, so pairing is refused for {} s more; \
             if the wrong guesses were yours, insist with `deskconnctl pair --force`", BURN_SPAN.as_secs() / 60, left.as_secs())]
    Paused {
        /// Until the refusal ends.
        left: Duration,
    },
    /// A window of no or too much time.
    #[error("a pairing window stays open for 1 to {} seconds", MAX_TTL.as_secs())]
    BadTtl,
    /// No or too many attempts.
    #[error("a pairing window allows 1 to {MAX_ATTEMPTS} attempts")]
    BadAttempts,
}

/// The one window of a desktop, and the memory of burned ones.
#[derive(Debug, Default)]
pub struct Windows {
    state: State,
    /// When the last window was burned.
    burned_at: Option<Duration>,
    /// Until when new windows are refused.
    paused_until: Option<Duration>,
    /// Why the last window closed, until somebody asks.
    untold: Option<Closed>,
    /// How many requests were numbered.
    requests: Request,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open(Box<Window>),
    /// The code was used; the device it belongs to is being asked about.
    Claimed,
}

#[derive(Debug)]
struct Window {
    secrets: Secrets,
    terms: Terms,
    expires: Duration,
    attempts_left: u8,
    /// Whether an attempt was counted and has not ended.
    is_tried: bool,
}

impl Windows {
    /// Opens a window and says when it expires. `force` overrides the pause after burned windows.
    ///
    /// # Errors
    /// When one is open, the terms are out of range, or windows were burned.
    pub fn open(
        &mut self,
        secrets: impl Into<Secrets>,
        terms: Terms,
        force: bool,
        now: Duration,
    ) -> Result<Duration, NotOpened> {
        terms.check()?;
        self.expire(now);
        match &self.state {
            State::Open(window) => {
                return Err(NotOpened::AlreadyOpen {
                    left: window.expires.saturating_sub(now),
                });
            }
            State::Claimed => return Err(NotOpened::Busy),
            State::Closed => {}
        }
        if let Some(until) = self.paused_until.filter(|until| now < *until && !force) {
            return Err(NotOpened::Paused {
                left: until.saturating_sub(now),
            });
        }
        let expires = now.saturating_add(terms.ttl);
        let attempts_left = terms.attempts;
        self.paused_until = None;
        self.untold = None;
        self.state = State::Open(Box::new(Window {
            secrets: secrets.into(),
            terms,
            expires,
            attempts_left,
            is_tried: false,
        }));
        Ok(expires)
    }

    /// The terms of the open window.
    #[must_use]
    pub fn terms(&self, now: Duration) -> Option<&Terms> {
        match &self.state {
            State::Open(window) if now < window.expires => Some(&window.terms),
            State::Open(_) | State::Closed | State::Claimed => None,
        }
    }

    /// Whether a code would be looked at; what `pair=1` in mDNS says.
    #[must_use]
    pub fn is_open(&self, now: Duration) -> bool {
        self.terms(now).is_some()
    }

    /// The secrets of the open window, for a form that compares without showing them.
    #[must_use]
    pub fn secrets(&self, now: Duration) -> Option<&Secrets> {
        match &self.state {
            State::Open(window) if now < window.expires => Some(&window.secrets),
            State::Open(_) | State::Closed | State::Claimed => None,
        }
    }

    /// A number for a device at the door. Every form of pairing takes its numbers here, so that the owner's answer
    /// names one device, whatever form it came by.
    pub(crate) fn number(&mut self) -> Request {
        self.requests += 1;
        self.requests
    }

    /// Counts an attempt, before anything is answered, so that hanging up costs one too. It must be followed by
    /// [`Windows::fail`] or [`Windows::claim`]; until then others are told that somebody is at it.
    ///
    /// # Errors
    /// When no window is open, or another attempt is running.
    pub fn count_attempt(&mut self, now: Duration) -> Result<(), Shut> {
        self.expire(now);
        match &mut self.state {
            State::Open(window) if window.is_tried => Err(Shut::Busy),
            State::Open(window) => {
                window.attempts_left = window.attempts_left.saturating_sub(1);
                window.is_tried = true;
                Ok(())
            }
            State::Claimed => Err(Shut::Busy),
            State::Closed => Err(Shut::Closed),
        }
    }

    /// Ends a counted attempt that was wrong. The last one burns the window.
    pub fn fail(&mut self, now: Duration) {
        let State::Open(window) = &mut self.state else {
            return;
        };
        window.is_tried = false;
        if window.attempts_left > 0 {
            return;
        }
        let is_second = self.burned_at.is_some_and(|at| now.saturating_sub(at) <= BURN_SPAN);
        self.burned_at = Some(now);
        if is_second {
            self.paused_until = Some(now.saturating_add(BURN_PAUSE));
        }
        self.end(Closed::Burned);
    }

    /// Ends a counted attempt that was right: the code is wiped and never works again. The window ends by
    /// [`Windows::conclude`], when it is known what became of the device.
    pub fn claim(&mut self) -> Option<Terms> {
        match std::mem::replace(&mut self.state, State::Claimed) {
            State::Open(window) if window.is_tried => Some(window.terms),
            other @ (State::Open(_) | State::Closed | State::Claimed) => {
                self.state = other;
                None
            }
        }
    }

    /// Ends a claimed window.
    pub fn conclude(&mut self, how: Closed) {
        if matches!(self.state, State::Claimed) {
            self.end(how);
        }
    }

    /// Closes whatever is open, by the owner or because the daemon stops.
    pub fn close(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.end(Closed::Cancelled);
        }
    }

    /// Closes the window when its time is over.
    pub fn expire(&mut self, now: Duration) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.end(Closed::Expired);
        }
    }

    /// When [`Windows::expire`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Open(window) => Some(window.expires),
            State::Closed | State::Claimed => None,
        }
    }

    /// Why the window closed, told once.
    pub fn take_closed(&mut self) -> Option<Closed> {
        self.untold.take()
    }

    fn end(&mut self, why: Closed) {
        self.state = State::Closed;
        self.untold = Some(why);
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
