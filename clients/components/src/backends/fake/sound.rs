//! An output that nobody hears.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::backends::sound::{Loudness, Sound};
use crate::backends::{Failure, Missing};

/// An output at 50 percent.
#[derive(Debug)]
pub struct FakeSound {
    told: watch::Sender<Option<Loudness>>,
}

impl Default for FakeSound {
    fn default() -> Self {
        let half = Loudness {
            percent: 50,
            is_muted: false,
        };
        Self {
            told: watch::Sender::new(Some(half)),
        }
    }
}

impl FakeSound {
    /// Somebody else changes it; `None` for a server that goes away.
    pub fn change(&self, now: Option<Loudness>) {
        self.told.send_replace(now);
    }

    fn set(&self, set: impl FnOnce(&mut Loudness)) -> Result<Loudness, Failure> {
        let mut now = self.now()?;
        set(&mut now);
        self.told.send_replace(Some(now));
        Ok(now)
    }

    fn now(&self) -> Result<Loudness, Failure> {
        let missing = Missing {
            what: "the sound server",
            reason: "it is away".into(),
            mend: "fetch it".into(),
        };
        self.told.borrow().ok_or(Failure::Missing(missing))
    }
}

impl Sound for FakeSound {
    fn loudness(&self) -> BoxFuture<'_, Result<Loudness, Failure>> {
        async { self.now() }.boxed()
    }

    fn set_percent(&self, percent: u8) -> BoxFuture<'_, Result<Loudness, Failure>> {
        async move { self.set(|now| now.percent = percent.into()) }.boxed()
    }

    fn mute(&self, is_muted: bool) -> BoxFuture<'_, Result<Loudness, Failure>> {
        async move { self.set(|now| now.is_muted = is_muted) }.boxed()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn changes(&self) -> watch::Receiver<Option<Loudness>> {
        self.told.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { None }.boxed()
    }
}
