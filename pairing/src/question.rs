//! What the owner is asked about a device whose code was right, and what becomes of the device by the answer. All
//! forms of pairing ask the same question under numbers of one row, so that one answer serves them all.
//!
//! It asks nobody, and does not know how a device proved itself: that is the business of the forms
//! ([`crate::exchange`], [`crate::legacy`]).

use std::time::Duration;

use crate::device::{Kind, NewDevice};
use crate::identity::DeviceKey;
use crate::name;
use crate::noise::NoisePublic;
use crate::window::Terms;

/// How long the owner may take to answer: to walk to the desktop and compare two fingerprints.
pub const APPROVAL_TIME: Duration = Duration::from_secs(60);

/// The longest address that is kept: an IPv6 address with a scope and a port.
pub(crate) const MAX_ADDRESS_CHARS: usize = 80;

/// A number for one device at the door; never reused while the daemon runs.
pub type Request = u64;

/// What the owner is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The number to answer with.
    pub request: Request,
    /// The name the device will have.
    pub name: Option<String>,
    /// What it says it is.
    pub kind: Kind,
    /// Where it comes from.
    pub address: Option<String>,
    /// Its key, by which the desktop may know it already.
    pub key: DeviceKey,
    /// To be compared with what the device shows.
    pub fingerprint: String,
    /// The role it will have.
    pub role: String,
    /// The role it asked for, which may be more than it will have; made safe to show.
    pub wants: Option<String>,
    /// Whether it came by the legacy form, so that its code and its key could be read or changed on the way.
    pub legacy: bool,
    /// Until when an answer counts.
    pub expires: Duration,
}

/// There is no question with this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request {0} is not waiting for an answer; it was answered, ran out of time, or went away")]
pub struct NotAsked(pub Request);

/// What a device says of itself.
#[derive(Debug)]
pub(crate) struct Applicant {
    pub(crate) request: Request,
    pub(crate) key: DeviceKey,
    /// `None` in the legacy form.
    pub(crate) noise: Option<NoisePublic>,
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) wants: Option<String>,
    pub(crate) address: Option<String>,
}

impl Applicant {
    /// The same under the terms of the window whose code it had. The name that the owner chose wins, and of the roles
    /// the window's, unless the device asks for less.
    pub(crate) fn on(self, terms: Terms) -> Candidate {
        let name = terms.name.as_deref().or(self.name.as_deref()).and_then(name::clean);
        let lesser = self.wants.as_ref().filter(|wants| terms.lesser_roles.contains(wants));
        Candidate {
            role: lesser.unwrap_or(&terms.role).clone(),
            applicant: Self {
                name,
                wants: self.wants.as_deref().and_then(name::clean),
                address: self.address.map(|text| text.chars().take(MAX_ADDRESS_CHARS).collect()),
                ..self
            },
            terms,
        }
    }
}

/// A device whose code was right.
#[derive(Debug)]
pub(crate) struct Candidate {
    applicant: Applicant,
    terms: Terms,
    role: String,
}

impl Candidate {
    pub(crate) fn request(&self) -> Request {
        self.applicant.request
    }

    /// The question, which is open until `expires`.
    pub(crate) fn question(&self, expires: Duration) -> Question {
        Question {
            request: self.applicant.request,
            name: self.applicant.name.clone(),
            kind: self.applicant.kind,
            address: self.applicant.address.clone(),
            key: self.applicant.key,
            fingerprint: self.applicant.key.fingerprint(),
            role: self.role.clone(),
            wants: self.applicant.wants.clone(),
            legacy: self.is_legacy(),
            expires,
        }
    }

    /// The device after a yes; `role` replaces the one that was asked about.
    pub(crate) fn approved(self, role: Option<&str>) -> NewDevice {
        NewDevice {
            legacy: self.is_legacy(),
            key: self.applicant.key,
            noise: self.applicant.noise,
            name: self.applicant.name,
            kind: self.applicant.kind,
            role: role.map_or(self.role, str::to_owned),
            grants: self.terms.grants,
            address: self.applicant.address,
            expires: self.terms.expires,
        }
    }

    fn is_legacy(&self) -> bool {
        self.applicant.noise.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    fn applicant(wants: Option<&str>) -> Applicant {
        Applicant {
            request: 7,
            key: DeviceKey::from_bytes(&Identity::from_seed(&[1; 32]).public()).unwrap(),
            noise: None,
            name: Some("Pixel 9".into()),
            kind: Kind::Android,
            wants: wants.map(str::to_owned),
            address: None,
        }
    }

    fn terms() -> Terms {
        Terms {
            lesser_roles: vec!["slides".into()],
            ..Terms::for_role("remote")
        }
    }

    #[test]
    fn a_device_gets_less_when_it_asks_for_less_and_never_more() {
        for (wants, gets) in [
            (None, "remote"),
            (Some("remote"), "remote"),
            (Some("slides"), "slides"),
            (Some("full"), "remote"),
        ] {
            let candidate = applicant(wants).on(terms());
            let question = candidate.question(Duration::ZERO);
            assert_eq!((question.role.as_str(), question.wants.as_deref()), (gets, wants));
            assert_eq!(candidate.approved(None).role, gets);
        }
        assert_eq!(
            applicant(Some("slides")).on(terms()).approved(Some("media")).role,
            "media"
        );
    }

    #[test]
    fn what_a_stranger_wants_is_made_safe_to_show() {
        let candidate = applicant(Some("\u{1b}[2Jslides\u{202E}")).on(terms());
        assert_eq!(candidate.question(Duration::ZERO).wants.as_deref(), Some("[2Jslides"));
    }
}
