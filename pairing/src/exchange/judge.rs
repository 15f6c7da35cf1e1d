//! How the desktop judges what a device sends: the channel, the keys, the secret, the identity.
//!
//! It does not know whose turn it is; [`super::desktop`] asks it when a message is due.

use std::time::Duration;

use rand::TryCryptoRng;
use subtle::ConstantTimeEq;

use super::cpace::Share;
use super::desktop::{Channel, Facts};
use super::messages::{Confirm, Mode, PakeA, PakeB};
use super::parties;
use super::transcript::{Keys, Side, Unconfirmed};
use super::why::Why;
use crate::device::Kind;
use crate::identity::DeviceKey;
use crate::noise::NoisePublic;
use crate::question::{Applicant, Request};
use crate::trust::Trust;
use crate::window::{Shut, Terms, Windows};

/// Judges `conf_a`. The attempt that was counted ends here, one way or the other.
pub(super) fn confirmation(
    windows: &mut Windows,
    keys: &Keys,
    key: &DeviceKey,
    frame: &[u8],
    now: Duration,
) -> Result<Terms, Why> {
    let checked = match Confirm::decode(frame) {
        Ok(confirm) => keys.check(Side::Device, &confirm, key).map_err(|wrong| match wrong {
            Unconfirmed::Mac => Why::WrongCode,
            Unconfirmed::Signature => Why::BadSignature,
        }),
        Err(_) => Err(Why::Malformed),
    };
    if let Err(why) = checked {
        windows.fail(now);
        return Err(why);
    }
    windows.claim().ok_or(Why::Expired)
}

/// What `pake_a` is judged by.
pub(super) struct Greeted<'a> {
    pub(super) facts: &'a Facts,
    pub(super) channel: &'a Channel,
    pub(super) request: Request,
    pub(super) sid: [u8; 16],
    pub(super) hello: &'a [u8],
}

impl Greeted<'_> {
    /// Judges `pake_a`, counts the attempt, and makes `pake_b`.
    pub(super) fn answer<R>(
        &self,
        windows: &mut Windows,
        frame: &[u8],
        trust: &Trust,
        now: Duration,
        random: &mut R,
    ) -> Result<(Keys, Box<Applicant>, Vec<u8>), Why>
    where
        R: TryCryptoRng + ?Sized,
    {
        let message = PakeA::decode(frame).map_err(|_| Why::Malformed)?;
        self.check_channel(&message)?;
        let (key, noise) = self.check_keys(&message, trust)?;
        let secrets = windows.secrets(now).ok_or(Why::Expired)?;
        let digits;
        let secret: &[u8] = match (message.mode, &secrets.link) {
            (Mode::Link, Some(link)) => link.bytes(),
            (Mode::Link, None) => return Err(Why::NoLink),
            (Mode::Code, _) => {
                digits = secrets.code.digits();
                digits.as_slice()
            }
        };
        let share = Share::generate(secret, &parties(&self.facts.did), &self.sid, random)?;
        let session = share
            .respond(&message.share, &message.associated(), self.hello, &self.sid)
            .map_err(|_| Why::BadKey)?;
        windows.count_attempt(now).map_err(|shut| match shut {
            Shut::Closed => Why::Expired,
            Shut::Busy => Why::Busy,
        })?;
        let pake_b = PakeB { share: *share.public() }.encode();
        let applicant = Box::new(Applicant {
            request: self.request,
            key,
            noise: Some(noise),
            name: Some(message.name),
            kind: message.kind,
            wants: Some(message.want).filter(|want| !want.is_empty()),
            address: self.channel.address.clone(),
        });
        let keys = Keys::new(&session, self.hello, frame, &pake_b);
        Ok((keys, applicant, pake_b))
    }

    /// The channel that the device sees must be the one that ends here.
    fn check_channel(&self, message: &PakeA) -> Result<(), Why> {
        let own = self.facts.spki.filter(|_| self.channel.is_tls);
        match message.seen {
            Some(seen) if own != Some(seen) => return Err(Why::OtherCertificate),
            // A page cannot look at its own certificate. Everybody else can.
            None if self.channel.is_tls && message.kind != Kind::Web => return Err(Why::NoCertificate),
            Some(_) | None => {}
        }
        let is_same = |theirs: &[u8; 32]| {
            let own = self.channel.exporter.as_ref();
            own.is_some_and(|own| own.ct_eq(theirs).into())
        };
        match &message.exporter {
            Some(exporter) if !is_same(exporter) => Err(Why::OtherSession),
            Some(_) | None => Ok(()),
        }
    }

    fn check_keys(&self, message: &PakeA, trust: &Trust) -> Result<(DeviceKey, NoisePublic), Why> {
        let key = DeviceKey::from_bytes(&message.sign).map_err(|_| Why::BadKey)?;
        let noise = NoisePublic::from_bytes(&message.noise).map_err(|_| Why::BadKey)?;
        if key.is(&self.facts.sign) || noise.is(&self.facts.noise) {
            return Err(Why::OwnKey);
        }
        trust.check_keys(&message.sign, Some(&message.noise))?;
        Ok((key, noise))
    }
}
