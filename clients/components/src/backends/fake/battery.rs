//! A battery that is never used up.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::backends::battery::{Batteries, Battery};
use crate::backends::{Failure, Missing};

/// The battery of a machine that has none until it is given one.
#[derive(Debug)]
pub struct FakeBattery {
    told: watch::Sender<Option<Option<Battery>>>,
}

impl Default for FakeBattery {
    fn default() -> Self {
        Self {
            told: watch::Sender::new(None),
        }
    }
}

impl FakeBattery {
    /// From now on this is the battery.
    pub fn change(&self, battery: Option<Battery>) {
        self.told.send_replace(Some(battery));
    }
}

impl Batteries for FakeBattery {
    fn battery(&self) -> BoxFuture<'_, Result<Option<Battery>, Failure>> {
        async { Ok((*self.told.borrow()).flatten()) }.boxed()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn changes(&self) -> watch::Receiver<Option<Option<Battery>>> {
        self.told.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { None }.boxed()
    }
}
