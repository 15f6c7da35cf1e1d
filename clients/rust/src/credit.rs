//! Intermediate results that go no faster than they are taken (`docs/BACKPRESSURE.md`), at both ends.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wamp::message::{CallOptions, Flow};

/// Intermediate results for which a caller keeps room, however many it grants: what it grants it should take.
const MAX_ROOM: u32 = 4_096;

/// How many intermediate results a callee may still send.
#[derive(Debug, Clone)]
pub(crate) struct Credit(Arc<Semaphore>);

/// None yet.
impl Default for Credit {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

/// Credit of what has ended is waited for no longer.
#[derive(Debug)]
pub(crate) struct Open(pub(crate) Credit);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.close();
    }
}

impl Credit {
    /// What an invocation begins with, if its caller said something of it.
    pub(crate) fn of(credit: u32) -> Option<Self> {
        let granted = Self::default();
        (credit > 0).then(|| {
            granted.grant(credit);
            granted
        })
    }

    /// The caller takes more.
    pub(crate) fn grant(&self, more: u32) {
        let room = Semaphore::MAX_PERMITS - self.0.available_permits();
        self.0.add_permits(usize::try_from(more).unwrap_or(room).min(room));
    }

    /// Waits until one more may be sent; `false` if nothing may be sent any more. It may be dropped and called again.
    pub(crate) async fn spend(&self) -> bool {
        let permit = self.0.acquire().await;
        permit.map(|permit| permit.forget()).is_ok()
    }
}

/// What a caller has granted, and must grant again when it has taken half of it: then a callee that is not slower never waits.
#[derive(Debug)]
pub(crate) struct Window {
    size: u32,
    taken: u32,
}

impl Window {
    pub(crate) fn of(options: &CallOptions) -> Option<Self> {
        let size = options.flow.as_ref()?.credit;
        (size > 0).then_some(Self { size, taken: 0 })
    }

    /// One of which nothing is granted yet.
    pub(crate) const fn empty(size: u32) -> Self {
        Self { size, taken: size }
    }

    /// Intermediate results for which there must be room.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.size.min(MAX_ROOM)).unwrap_or(1)
    }

    /// One was taken.
    pub(crate) const fn take(&mut self) {
        self.taken += 1;
    }

    /// What is to be granted now.
    pub(crate) fn due(&self) -> Option<Flow> {
        let is_due = self.taken > 0 && self.taken >= self.size / 2;
        is_due.then_some(Flow {
            credit: self.taken,
            await_credit: false,
        })
    }

    /// So much was granted.
    pub(crate) const fn granted(&mut self, credit: u32) {
        self.taken -= credit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(credit: u32) -> Option<Window> {
        let flow = Flow {
            credit,
            await_credit: false,
        };
        Window::of(&CallOptions {
            flow: Some(Box::new(flow)),
            ..CallOptions::default()
        })
    }

    #[test]
    fn half_of_the_window_is_granted_again_when_it_was_taken() {
        assert!(window(0).is_none() && Window::of(&CallOptions::default()).is_none());
        for (size, at) in [(1, 1), (2, 1), (3, 1), (10, 5)] {
            let mut window = window(size).unwrap();
            for _ in 1..at {
                window.take();
                assert_eq!(window.due(), None, "of {size}");
            }
            window.take();
            let flow = window.due().unwrap();
            assert_eq!(flow.credit, at, "of {size}");
            window.granted(flow.credit);
            assert_eq!(window.due(), None);
        }
    }

    #[tokio::test]
    async fn as_much_as_one_likes_is_not_too_much() {
        let credit = Credit::of(u32::MAX).unwrap();
        credit.grant(u32::MAX);
        credit.spend().await;
        assert!(Credit::of(0).is_none());
    }
}
