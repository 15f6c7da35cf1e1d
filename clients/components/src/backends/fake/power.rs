//! A machine that stays on whatever it is told.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::power::{Power, PowerState};
use crate::backends::{Failure, Missing};

/// Remembers what it was told to become.
#[derive(Debug, Default)]
pub struct FakePower {
    told: Mutex<Vec<PowerState>>,
    lacks: Mutex<Option<PowerState>>,
}

impl FakePower {
    /// What it was told so far.
    pub fn told(&self) -> Vec<PowerState> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it cannot become this.
    pub fn lack(&self, state: PowerState) {
        *self.lacks.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }

    fn lacks(&self, state: PowerState) -> bool {
        *self.lacks.lock().unwrap_or_else(PoisonError::into_inner) == Some(state)
    }
}

impl Power for FakePower {
    fn go(&self, state: PowerState) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            if self.lacks(state) {
                return Err(Failure::Refused("the machine cannot".into()));
            }
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(state);
            Ok(())
        }
        .boxed()
    }

    fn can(&self) -> BoxFuture<'_, Result<Vec<(PowerState, String)>, Failure>> {
        let says = |state| if self.lacks(state) { "na" } else { "yes" };
        async move { Ok(PowerState::ALL.map(|state| (state, says(state).to_owned())).to_vec()) }.boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { None }.boxed()
    }
}
