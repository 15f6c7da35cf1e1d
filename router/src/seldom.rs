//! A future that is hardly ever woken, in a task that is woken all the time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Polls a future only when that was woken itself, and not with everything else that its task waits for: a session's task
/// runs for each message, and the ends that a session may come to cost more to look at than the message.
#[derive(Debug)]
pub(crate) struct Seldom<F> {
    future: F,
    bell: Arc<Bell>,
    /// Rings the bell.
    waker: Waker,
    /// The task that the bell wakes.
    task: Option<Waker>,
}

#[derive(Debug)]
struct Bell {
    has_rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F> Seldom<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::new(Bell {
            has_rung: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            future,
            waker: Arc::clone(&bell).into(),
            bell,
            task: None,
        }
    }
}

impl<F: Future + Unpin> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if !this.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            this.bell.task.register(cx.waker());
            this.task = Some(cx.waker().clone());
        }
        if !this.bell.has_rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // The bell lets go of the task when it rings. What rings from here on is seen by the poll below, or by the next.
        this.bell.task.register(cx.waker());
        this.bell.has_rung.store(false, Ordering::Release);
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_not_with_the_others() {
        let polls = AtomicUsize::new(0);
        let (rare, often) = (Notify::new(), Notify::new());
        let mut rung = pin!(rare.notified());
        let counted = pin!(poll_fn(|cx| {
            polls.fetch_add(1, Ordering::Relaxed);
            rung.as_mut().poll(cx)
        }));
        let mut seldom = Seldom::new(counted);
        for _ in 0..3 {
            often.notify_one();
            tokio::select! {
                biased;
                () = &mut seldom => panic!("nobody rang"),
                () = often.notified() => {}
            }
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        tokio::join!(&mut seldom, async { rare.notify_one() });
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_task_that_takes_it_over_is_woken_in_its_turn() {
        let rare = Arc::new(Notify::new());
        let ring = Arc::clone(&rare);
        let mut seldom = Seldom::new(Box::pin(async move { rare.notified().await }));
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut seldom).poll(cx))).await;
        assert!(polled.is_pending());
        let other = tokio::spawn(seldom);
        tokio::task::yield_now().await;
        ring.notify_one();
        other.await.unwrap();
    }
}
