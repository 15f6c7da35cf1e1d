//! One attempt to be paired, a step at a time.

use std::time::Duration;

use ::pairing::exchange::{CRYPTO_TIME, DONE_TIME, Failure, Introduction, Joined, Joiner, Progress, Secret, Sight};
use ::pairing::question::APPROVAL_TIME;
use rand::rngs::SysRng;
use tokio::time::timeout;

use super::channel::PairingChannel;
use crate::error::ConnectError;

/// What a message may take on its way beside the time that the desktop has for it.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// An attempt that is under way. Dropping it ends it; the desktop then trusts nobody new.
#[derive(Debug)]
pub struct Attempt {
    channel: PairingChannel,
    joiner: Joiner,
    patience: Duration,
    /// What tells the desktop that its keys are stored.
    done: Option<Vec<u8>>,
}

/// How far it is.
#[derive(Debug)]
pub enum Step {
    /// The secret was right; somebody at the desktop is asked now, for a minute at most.
    Waiting {
        /// The desktop's name, safe to show.
        desktop: String,
        /// The fingerprint of this device's key, to be compared with the one at the desktop.
        fingerprint: String,
    },
    /// The desktop will let this device in: store this, then call [`Attempt::confirm`].
    Accepted(Box<Joined>),
}

/// A device was not paired.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The desktop cannot be reached, or no window is open there.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The secret was wrong, the owner said no, or somebody is in between.
    #[error(transparent)]
    Exchange(#[from] Failure),
    /// The connection ended too soon.
    #[error("the connection was lost: {0}")]
    Lost(String),
}

impl Attempt {
    /// Begins one over this connection, with what the person has read at the desktop.
    ///
    /// # Errors
    /// A role is wanted that no role can be.
    pub fn begin(channel: PairingChannel, secret: Secret, me: Introduction) -> Result<Self, PairError> {
        let sight = Sight {
            spki: Some(channel.spki()),
            exporter: Some(channel.exporter()),
        };
        Ok(Self {
            joiner: Joiner::begin(secret, me, sight)?,
            channel,
            patience: CRYPTO_TIME + ON_THE_WAY,
            done: None,
        })
    }

    /// The next step: first [`Step::Waiting`], then [`Step::Accepted`].
    ///
    /// # Errors
    /// It has failed. A wrong code counts at the desktop, the third closes its window.
    pub async fn next(&mut self) -> Result<Step, PairError> {
        loop {
            let frame = self.frame(self.patience).await?;
            let frame = frame.ok_or_else(|| PairError::Lost("it was closed".to_owned()))?;
            match self.joiner.receive(&frame, &mut SysRng) {
                Progress::Send(frame) => self.send(&frame).await?,
                Progress::Waiting { desktop, fingerprint } => {
                    self.patience = APPROVAL_TIME + DONE_TIME + ON_THE_WAY;
                    return Ok(Step::Waiting { desktop, fingerprint });
                }
                Progress::Paired(joined, done) => {
                    self.done = Some(done);
                    return Ok(Step::Accepted(joined));
                }
                Progress::Failed(failure) => {
                    if let Some(frame) = failure.frame() {
                        // Whether the desktop hears it or not: it is over.
                        let _ = self.channel.send(&frame).await;
                    }
                    return Err(failure.into());
                }
            }
        }
    }

    /// Says that the desktop's keys are stored, after [`Step::Accepted`], and waits until the desktop has stored this device.
    ///
    /// # Errors
    /// It could not: what was stored here is to be forgotten.
    pub async fn confirm(mut self) -> Result<(), PairError> {
        let Some(done) = self.done.take() else {
            return Err(PairError::Lost("it was ended before the desktop had agreed".to_owned()));
        };
        self.send(&done).await?;
        let Some(frame) = self.frame(DONE_TIME + ON_THE_WAY).await? else {
            self.channel.close().await;
            return Ok(());
        };
        match self.joiner.receive(&frame, &mut SysRng) {
            Progress::Failed(failure) => Err(failure.into()),
            Progress::Send(_) | Progress::Waiting { .. } | Progress::Paired(..) => {
                Err(PairError::Lost("it said more than it should".to_owned()))
            }
        }
    }

    async fn send(&mut self, frame: &[u8]) -> Result<(), PairError> {
        let sent = self.channel.send(frame).await;
        sent.map_err(|error| PairError::Lost(error.to_string()))
    }

    async fn frame(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, PairError> {
        match timeout(patience, self.channel.next()).await {
            Ok(frame) => frame.map_err(|error| PairError::Lost(error.to_string())),
            Err(_) => Err(PairError::Lost(format!("nothing came for {} s", patience.as_secs()))),
        }
    }
}
