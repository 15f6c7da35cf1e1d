//! Events that wait on disk for the other router (`docs/QUEUES.md`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use client::{Error, Queue, QueueError, Undeliverable};
use tokio::time::sleep;
use wamp::message::PublishOptions;
use wamp::payload::Payload;
use wamp::uri::Uri;

use super::end::Side;
use super::link::{Link, RETRY};

/// After the other router said that it cannot take an event now.
const PAUSE: Duration = Duration::from_secs(5);

impl Link {
    /// Puts an event into the queue; when this returns it is on disk.
    pub(super) async fn keep(
        &self,
        queue: &Arc<Queue>,
        topic: Uri,
        payload: Payload,
        options: PublishOptions,
    ) -> Result<(), String> {
        let queue = Arc::clone(queue);
        let push = move || queue.push_as_it_is(topic.as_str(), payload, options);
        let pushed = tokio::task::spawn_blocking(push)
            .await
            .map_err(|error| error.to_string())?;
        pushed.map_err(|error: QueueError| error.to_string())?;
        self.counters.queued.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Delivers what waits, in one session there after the other.
    pub(super) async fn deliver(self: Arc<Self>, queue: Arc<Queue>) {
        // What an earlier run has left counts as its own.
        self.counters.queued.fetch_add(queue.len() as u64, Ordering::Relaxed);
        loop {
            let there = self.end(Side::There).wait().await;
            let refused = |refused: client::Refused| {
                self.counters.queued.fetch_sub(1, Ordering::Relaxed);
                self.drop_events(Side::Here, 1, &refused.to_string());
            };
            let end = there.session.closed();
            match queue.flush(&there.session, refused).await {
                Ok(_) => tokio::select! {
                    () = queue.pushed() => {}
                    _ = end => {}
                },
                Err(Undeliverable::Client(Error::Request(_))) => sleep(PAUSE).await,
                Err(Undeliverable::Client(_)) => {
                    end.await;
                }
                Err(error @ (Undeliverable::Unsupported | Undeliverable::Queue(_))) => {
                    tracing::warn!(link = self.name, "events that are kept cannot be delivered: {error}");
                    sleep(RETRY).await;
                }
            }
            // The next session is another one.
            if there.session.has_ended() {
                self.end(Side::There).leave(there.session.id()).await;
            }
        }
    }
}
