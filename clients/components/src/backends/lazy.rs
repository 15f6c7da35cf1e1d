//! Something that is opened when it is first needed and looked for again after
//! it was missing or lost, at most once in `RETRY_EVERY`.
//!
//! It does not watch anything by itself: only a call looks again.

use std::time::Instant;

use super::{Missing, RETRY_EVERY};

/// A thing that may be there.
#[derive(Debug)]
pub(crate) enum Lazy<T> {
    /// Nobody has looked, or it was lost.
    Unopened,
    /// It is there.
    Open(T),
    /// It was not there when somebody looked last.
    Missing(Missing, Instant),
}

impl<T> Lazy<T> {
    /// The thing, opened by `open` if it is time to look.
    pub(crate) async fn get(&mut self, open: impl AsyncFnOnce() -> Result<T, Missing>) -> Result<&mut T, Missing> {
        let look = match self {
            Self::Open(_) => false,
            Self::Unopened => true,
            Self::Missing(_, looked) => looked.elapsed() >= RETRY_EVERY,
        };
        if look {
            *self = match open().await {
                Ok(thing) => Self::Open(thing),
                Err(missing) => Self::Missing(missing, Instant::now()),
            };
        }
        match self {
            Self::Open(thing) => Ok(thing),
            Self::Missing(missing, _) => Err(missing.clone()),
            Self::Unopened => unreachable!("it has just been looked for"),
        }
    }

    /// Forgets it, so that the next call opens it anew.
    pub(crate) fn lose(&mut self) {
        *self = Self::Unopened;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(reason: &str) -> Missing {
        Missing {
            what: "the thing",
            reason: reason.into(),
            mend: "wait".into(),
        }
    }

    #[tokio::test]
    async fn a_missing_thing_is_looked_for_once_until_the_pause_is_over() {
        let mut lazy = Lazy::<u8>::Unopened;
        assert_eq!(
            lazy.get(async || Err(missing("first"))).await.unwrap_err().reason,
            "first"
        );
        assert_eq!(lazy.get(async || Ok(1)).await.unwrap_err().reason, "first");

        let Lazy::Missing(_, looked) = &mut lazy else {
            panic!("it is missing")
        };
        *looked = looked.checked_sub(RETRY_EVERY).unwrap();
        assert_eq!(*lazy.get(async || Ok(1)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_lost_thing_is_opened_again_at_once() {
        let mut lazy = Lazy::Unopened;
        assert_eq!(*lazy.get(async || Ok(1)).await.unwrap(), 1);
        assert_eq!(*lazy.get(async || Ok(2)).await.unwrap(), 1);
        lazy.lose();
        assert_eq!(*lazy.get(async || Ok(3)).await.unwrap(), 3);
    }
}
