//! A session's events: publishing and subscribing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};
use wamp::id::{PublicationId, SubscriptionId};
use wamp::message::{Match, Message, Publish, PublishOptions, Subscribe, SubscribeOptions, Unsubscribe};

use crate::args::Args;
use crate::error::Error;
use crate::session::Session;
use crate::subscription::{QUEUE, Subscriber, Subscription};
use crate::table::Table;

impl Session {
    /// Publishes, and does not wait for the router.
    ///
    /// # Errors
    /// The session has ended, or the arguments cannot be sent.
    pub async fn publish(&self, topic: &str, args: impl Into<Args>) -> Result<(), Error> {
        let payload = args.into().encode(self.0.serializer)?;
        let options = PublishOptions::default();
        let publish = |table: &mut Table| {
            let request = table.next_request()?;
            Ok((
                Message::Publish(Publish {
                    request,
                    options,
                    topic: topic.into(),
                    payload,
                }),
                (),
            ))
        };
        self.request(publish).await
    }

    /// Publishes and waits until the router has taken it.
    ///
    /// # Errors
    /// The router refuses it, or the session has ended.
    pub async fn publish_acknowledged(&self, topic: &str, args: impl Into<Args>) -> Result<PublicationId, Error> {
        let options = PublishOptions {
            acknowledge: true,
            ..PublishOptions::default()
        };
        self.publish_and_wait(topic, args.into(), options).await
    }

    async fn publish_and_wait(&self, topic: &str, args: Args, options: PublishOptions) -> Result<PublicationId, Error> {
        let payload = args.encode(self.0.serializer)?;
        let (answer, published) = oneshot::channel();
        let publish = |table: &mut Table| {
            let request = table.publish(answer)?;
            Ok((
                Message::Publish(Publish {
                    request,
                    options,
                    topic: topic.into(),
                    payload,
                }),
                (),
            ))
        };
        self.request(publish).await?;
        self.wait(published).await
    }

    /// Publishes an event that the router keeps for those who subscribe later, in place of the last one of the topic, and
    /// waits until it has (WAMP specification, "Event Retention").
    ///
    /// # Errors
    /// The router refuses it, or the session has ended.
    pub async fn publish_retained(&self, topic: &str, args: impl Into<Args>) -> Result<PublicationId, Error> {
        let options = PublishOptions {
            acknowledge: true,
            retain: true,
            ..PublishOptions::default()
        };
        self.publish_and_wait(topic, args.into(), options).await
    }

    /// Subscribes to a topic.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn subscribe(&self, topic: &str) -> Result<Subscription, Error> {
        self.subscribe_with(topic, SubscribeOptions::default()).await
    }

    /// Subscribes to every topic that matches.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn subscribe_matching(&self, topic: &str, policy: Match) -> Result<Subscription, Error> {
        let options = SubscribeOptions {
            policy,
            ..SubscribeOptions::default()
        };
        self.subscribe_with(topic, options).await
    }

    /// Subscribes to every topic that matches, and gets first what the router has kept of them: those events have
    /// [`Event::retained`](crate::Event::retained).
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn subscribe_retained(&self, topic: &str, policy: Match) -> Result<Subscription, Error> {
        let options = SubscribeOptions {
            policy,
            get_retained: true,
            ..SubscribeOptions::default()
        };
        self.subscribe_with(topic, options).await
    }

    async fn subscribe_with(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription, Error> {
        let number = self.0.next_subscriber.fetch_add(1, Ordering::Relaxed);
        let (sender, events) = mpsc::channel(QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let subscriber = Subscriber {
            number,
            events: sender,
            takes_retained: options.get_retained,
            dropped: Arc::clone(&dropped),
        };
        let (answer, subscribed) = oneshot::channel();
        let subscribe = |table: &mut Table| {
            let request = table.subscribe(subscriber, answer)?;
            Ok((
                Message::Subscribe(Subscribe {
                    request,
                    options,
                    topic: topic.into(),
                }),
                (),
            ))
        };
        self.request(subscribe).await?;
        let id = self.wait(subscribed).await?;
        Ok(Subscription {
            session: self.clone(),
            id,
            number,
            events,
            dropped,
        })
    }

    pub(crate) fn end_subscription(&self, subscription: SubscriptionId, number: u64) {
        let mut table = self.table();
        if let Some(request) = table.unsubscribe(subscription, number) {
            self.send_soon(Message::Unsubscribe(Unsubscribe { request, subscription }));
        }
    }
}
