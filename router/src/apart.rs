//! A future that is woken apart from the task that it is in.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Polls a future only when that was woken itself, and not with everything else that its task waits for: a session's task
/// runs for each message that is read or written, and to look whether the other is to be done, or whether the session has
/// come to one of its ends, costs as much as the message.
#[derive(Debug)]
pub(crate) struct Apart<F> {
    future: F,
    bell: Arc<Bell>,
    /// Rings the bell.
    waker: Waker,
    /// The task that the bell wakes.
    task: Waker,
}

#[derive(Debug)]
struct Bell {
    has_rung: AtomicBool,
    task: Mutex<Waker>,
}

impl Bell {
    fn task(&self) -> std::sync::MutexGuard<'_, Waker> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        // The task stays known: it may look between these two lines and not again after the second.
        self.task().wake_by_ref();
    }
}

impl<F> Apart<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::new(Bell {
            has_rung: AtomicBool::new(true),
            task: Mutex::new(Waker::noop().clone()),
        });
        Self {
            future,
            waker: Arc::clone(&bell).into(),
            bell,
            task: Waker::noop().clone(),
        }
    }

    /// Has it polled when its task is polled next, though nothing has woken it.
    pub(crate) fn poll_again(&self) {
        self.bell.has_rung.store(true, Ordering::Release);
    }
}

impl<F: Future + Unpin> Future for Apart<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if !this.task.will_wake(cx.waker()) {
            this.task.clone_from(cx.waker());
            this.bell.task().clone_from(cx.waker());
        }
        // What rings from here on is seen by the poll below, or by the next.
        if !this.bell.has_rung.load(Ordering::Relaxed) || !this.bell.has_rung.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
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
        let mut apart = Apart::new(counted);
        for _ in 0..3 {
            often.notify_one();
            tokio::select! {
                biased;
                () = &mut apart => panic!("nobody rang"),
                () = often.notified() => {}
            }
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        tokio::join!(&mut apart, async { rare.notify_one() });
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_task_that_takes_it_over_is_woken_in_its_turn() {
        let rare = Arc::new(Notify::new());
        let ring = Arc::clone(&rare);
        let mut apart = Apart::new(Box::pin(async move { rare.notified().await }));
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut apart).poll(cx))).await;
        assert!(polled.is_pending());
        let other = tokio::spawn(apart);
        tokio::task::yield_now().await;
        ring.notify_one();
        other.await.unwrap();
    }

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_ring_wakes_the_task_and_not_only_the_first_since_it_looked() {
        let counter = Arc::<Counter>::default();
        let task = Waker::from(Arc::clone(&counter));
        let mut cx = Context::from_waker(&task);
        let mut bell = None;
        let future = pin!(poll_fn(|cx| {
            bell = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        let mut apart = Apart::new(future);
        assert!(Pin::new(&mut apart).poll(&mut cx).is_pending());
        drop(apart);
        let bell = bell.expect("it was polled");
        // The task may have looked between what the first has noted and its waking: then it needs the second.
        bell.wake_by_ref();
        bell.wake_by_ref();
        assert_eq!(counter.0.load(Ordering::Relaxed), 2);
    }
}
