//! The device's end of the exchange: for the command line of another computer, and for the tests of the desktop's end.
//!
//! It believes nothing of the desktop but what the secret confirms, and stores nothing: it gives what to store.

use std::fmt;

use rand::TryCryptoRng;

use super::cpace::Share;
use super::joined::{DesktopKeys, Joined};
use super::messages::{self, BadHello, Confirm, Grant, Hello, Mode, PakeA, PakeB};
use super::parties;
use super::transcript::{Keys, Side, Unconfirmed};
use super::why::Code;
use crate::device::Kind;
use crate::identity::{DeviceKey, Identity, did_of};
use crate::link::Link;
use crate::name;
use crate::noise::{NoiseKey, NoisePublic};
use crate::random::NoRandom;
use crate::trust::MAX_ROLE_BYTES;

/// What the person gave the device.
#[derive(Clone, Debug)]
pub enum Secret {
    /// The digits that were typed.
    Code(crate::code::Code),
    /// The link that was scanned or pasted.
    Link(Link),
}

/// Who the device is.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// Its identity, for cryptosign.
    pub identity: Identity,
    /// Its key for Noise.
    pub noise: NoiseKey,
    /// What it calls itself.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The role it would like; empty for whatever the desktop offers.
    pub want: String,
}

/// What the device sees of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// SHA-256 of the SubjectPublicKeyInfo in the certificate that was shown; `None` without TLS.
    pub spki: Option<[u8; 32]>,
    /// What it exports of the TLS session under [`super::EXPORTER_LABEL`], if it can.
    pub exporter: Option<[u8; 32]>,
}

/// What the program does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Send this frame.
    Send(Vec<u8>),
    /// The secret was right, on both ends; somebody at the desktop is asked now.
    Waiting {
        /// The desktop's name, safe to show.
        desktop: String,
        /// The fingerprint of this device's key, to be compared with the one at the desktop.
        fingerprint: String,
    },
    /// Store this, then send the frame. The desktop stores the device when the frame has come, and closes the
    /// connection; an `error` frame instead (give it to [`Joiner::receive`]) means that it could not, and what was
    /// stored is to be forgotten.
    Paired(Box<Joined>, Vec<u8>),
    /// It is over. Send [`Failure::frame`], if there is one, and close the connection.
    Failed(Failure),
}

/// Why a device was not paired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The desktop said so.
    #[error("{}", told(*.0))]
    Told(Code),
    /// The desktop speaks another version.
    #[error("this desktop pairs in another way than this program knows; bring both to the same version")]
    Version,
    /// A frame was not the message that was due.
    #[error("the desktop sent something that is not the message due")]
    Malformed,
    /// The link is to another desktop.
    #[error("another desktop answers at this address than the one that showed the link")]
    OtherDesktop,
    /// Somebody else's certificate.
    #[error("somebody is in between: the connection shows another certificate than the desktop has")]
    OtherCertificate,
    /// The keys that were shown cannot be a desktop's.
    #[error("the desktop shows keys that cannot be its own")]
    BadKey,
    /// The secret was wrong, or somebody changed a message.
    #[error(
        "the code was wrong, or somebody changed the messages on the way; type it again, and if it is wrong again, get a new code at the desktop"
    )]
    WrongCode,
    /// The desktop does not have the identity it shows.
    #[error("the desktop does not have the identity it shows")]
    BadSignature,
    /// A role that no role can have.
    #[error("a role has at most {MAX_ROLE_BYTES} letters")]
    BadRole,
    /// No randomness.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

fn told(code: Code) -> &'static str {
    match code {
        Code::Closed => "pairing is closed at the desktop; open it with `deskconnctl pair`",
        Code::Busy => "the desktop is pairing another device; try again when that is done",
        Code::Expired => "the time for pairing was over; get a new code at the desktop",
        Code::Refused => "the request was not approved at the desktop",
        Code::Mismatch => {
            "the code was wrong, or somebody is in between; type it again, and if it is wrong again, get a new code at the desktop"
        }
    }
}

impl Failure {
    /// The last frame to send; `None` when it was the desktop that ended it.
    #[must_use]
    pub fn frame(&self) -> Option<Vec<u8>> {
        match self {
            Self::Told(_) => None,
            Self::Version
            | Self::Malformed
            | Self::OtherDesktop
            | Self::OtherCertificate
            | Self::BadKey
            | Self::WrongCode
            | Self::BadSignature
            | Self::BadRole
            | Self::NoRandom(_) => Some(messages::encode_error(Code::Mismatch)),
        }
    }
}

impl From<BadHello> for Failure {
    fn from(bad: BadHello) -> Self {
        match bad {
            BadHello::Malformed => Self::Malformed,
            BadHello::Version => Self::Version,
        }
    }
}

impl From<super::cbor::Malformed> for Failure {
    fn from(_: super::cbor::Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Unconfirmed> for Failure {
    fn from(wrong: Unconfirmed) -> Self {
        match wrong {
            Unconfirmed::Mac => Self::WrongCode,
            Unconfirmed::Signature => Self::BadSignature,
        }
    }
}

/// The machine.
pub struct Joiner {
    me: Introduction,
    sight: Sight,
    stage: Stage,
}

/// A desktop whose `hello` was acceptable.
struct Greeting {
    frame: Vec<u8>,
    hello: Hello,
    keys: DesktopKeys,
}

enum Stage {
    Begun(Secret),
    Shared(Share, Box<Greeting>, PakeA),
    Confirmed(Keys, Box<Greeting>),
    Waiting(Keys, Box<Greeting>),
    /// Paired or failed; nothing but an error is expected.
    Over,
}

impl fmt::Debug for Joiner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Begun(_) => "Begun",
            Stage::Shared(..) => "Shared",
            Stage::Confirmed(..) => "Confirmed",
            Stage::Waiting(..) => "Waiting",
            Stage::Over => "Over",
        };
        out.debug_struct("Joiner")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

impl Joiner {
    /// A machine that waits for `hello`.
    ///
    /// # Errors
    /// When the role it wants is too long for one.
    pub fn begin(secret: Secret, me: Introduction, sight: Sight) -> Result<Self, Failure> {
        if me.want.len() > MAX_ROLE_BYTES {
            return Err(Failure::BadRole);
        }
        Ok(Self {
            me,
            sight,
            stage: Stage::Begun(secret),
        })
    }

    /// Takes a frame from the desktop. Takes up to 64 bytes from `random`.
    pub fn receive<R>(&mut self, frame: &[u8], random: &mut R) -> Progress
    where
        R: TryCryptoRng + ?Sized,
    {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Some(code) = messages::decode_error(frame) {
            return Progress::Failed(Failure::Told(code));
        }
        let next = match stage {
            Stage::Begun(secret) => self.greeted(&secret, frame, random),
            Stage::Shared(share, greeting, pake_a) => self.answered(&share, greeting, &pake_a, frame),
            Stage::Confirmed(keys, greeting) => self.confirmed(keys, greeting, frame),
            Stage::Waiting(keys, greeting) => granted(&keys, &greeting, frame),
            Stage::Over => Err(Failure::Malformed),
        };
        match next {
            Ok((stage, progress)) => {
                self.stage = stage;
                progress
            }
            Err(failure) => Progress::Failed(failure),
        }
    }

    fn greeted<R>(&self, secret: &Secret, frame: &[u8], random: &mut R) -> Result<(Stage, Progress), Failure>
    where
        R: TryCryptoRng + ?Sized,
    {
        let hello = Hello::decode(frame)?;
        let keys = self.check(secret, &hello)?;
        let parties = parties(&hello.did);
        let (mode, share) = match secret {
            Secret::Code(code) => {
                let digits = code.digits();
                (
                    Mode::Code,
                    Share::generate(digits.as_slice(), &parties, &hello.sid, random)?,
                )
            }
            Secret::Link(link) => {
                let secret = link.secret.bytes();
                (Mode::Link, Share::generate(secret, &parties, &hello.sid, random)?)
            }
        };
        let pake_a = PakeA {
            mode,
            share: *share.public(),
            sign: self.me.identity.public(),
            noise: self.me.noise.public(),
            seen: self.sight.spki,
            name: name::clean(&self.me.name).unwrap_or_default(),
            kind: self.me.kind,
            want: self.me.want.clone(),
            exporter: self.sight.exporter,
        };
        let out = pake_a.encode();
        let greeting = Box::new(Greeting {
            frame: frame.to_vec(),
            hello,
            keys,
        });
        Ok((Stage::Shared(share, greeting, pake_a), Progress::Send(out)))
    }

    /// Whether the desktop can be the one that is meant. Most of it is believed only after `conf_b`.
    fn check(&self, secret: &Secret, hello: &Hello) -> Result<DesktopKeys, Failure> {
        if let Secret::Link(link) = secret
            && !link.is_to(&hello.did)
        {
            return Err(Failure::OtherDesktop);
        }
        if self.sight.spki.is_some() && self.sight.spki != hello.spki {
            return Err(Failure::OtherCertificate);
        }
        let keys = DesktopKeys {
            sign: DeviceKey::from_bytes(&hello.sign).map_err(|_| Failure::BadKey)?,
            noise: NoisePublic::from_bytes(&hello.noise).map_err(|_| Failure::BadKey)?,
            spki: hello.spki,
        };
        let is_reflected = keys.sign.is(&self.me.identity.public()) || keys.noise.is(&self.me.noise.public());
        if is_reflected || did_of(&hello.sign) != hello.did {
            return Err(Failure::BadKey);
        }
        Ok(keys)
    }

    fn answered(
        &self,
        share: &Share,
        greeting: Box<Greeting>,
        pake_a: &PakeA,
        frame: &[u8],
    ) -> Result<(Stage, Progress), Failure> {
        let pake_b = PakeB::decode(frame)?;
        let session = share
            .initiate(
                &pake_b.share,
                &pake_a.associated(),
                &greeting.frame,
                &greeting.hello.sid,
            )
            .map_err(|_| Failure::BadKey)?;
        let keys = Keys::new(&session, &greeting.frame, &pake_a.encode(), frame);
        let conf_a = keys.confirm(Side::Device, &self.me.identity).encode();
        Ok((Stage::Confirmed(keys, greeting), Progress::Send(conf_a)))
    }

    fn confirmed(&self, keys: Keys, greeting: Box<Greeting>, frame: &[u8]) -> Result<(Stage, Progress), Failure> {
        keys.check(Side::Desktop, &Confirm::decode(frame)?, &greeting.keys.sign)?;
        let own = DeviceKey::from_bytes(&self.me.identity.public()).map_err(|_| Failure::BadKey)?;
        let progress = Progress::Waiting {
            desktop: name::clean(&greeting.hello.name).unwrap_or_default(),
            fingerprint: own.fingerprint(),
        };
        Ok((Stage::Waiting(keys, greeting), progress))
    }
}

fn granted(keys: &Keys, greeting: &Greeting, frame: &[u8]) -> Result<(Stage, Progress), Failure> {
    let plain = keys
        .open(Side::Desktop, messages::decode_box(frame)?)
        .ok_or(Failure::Malformed)?;
    let grant = Grant::decode(&plain)?;
    let joined = Joined::new(&greeting.hello, greeting.keys.clone(), grant);
    let done = messages::encode_box(&keys.seal(Side::Device, &messages::done()));
    Ok((Stage::Over, Progress::Paired(Box::new(joined), done)))
}
