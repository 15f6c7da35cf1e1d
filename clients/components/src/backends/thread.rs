//! Work that blocks, on a thread of its own.

use std::panic::resume_unwind;

/// Does it and waits for it. When the program ends before it has begun, this never ends: whoever waits is dropped.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn work_that_never_begins_because_the_program_ends_is_no_panic() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let context = runtime.handle().clone();
        runtime.shutdown_background();
        let _entered = context.enter();
        assert_eq!(blocking(|| "done").now_or_never(), None);
    }
}
