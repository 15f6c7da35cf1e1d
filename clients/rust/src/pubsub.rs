//! A session's events: publishing and subscribing.

use std::future::Future;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;
use wamp::error::{FEATURE_NOT_SUPPORTED, INVALID_URI};
use wamp::id::{PublicationId, RequestId, SubscriptionId};
use wamp::message::{
    Match, Message, Publish, PublishOptions, PublishSpecial, Subscribe, SubscribeOptions, Unsubscribe,
};
use wamp::payload::Payload;
use wamp::uri::{Uri, UriRules};

use crate::answers::too_long;
use crate::args::Args;
use crate::error::{Error, RequestError};
use crate::session::{Answer, Session};
use crate::subscription::{Event, Feed, Held, Listener, Subscriber, Subscription, feed};
use crate::table::Table;

impl Session {
    /// Publishes, and does not wait for the router: if that refuses, nobody hears of it.
    ///
    /// # Errors
    /// The session has ended, the topic is no URI, or the arguments cannot be sent.
    pub async fn publish(&self, topic: &str, args: impl Into<Args>) -> Result<(), Error> {
        let published = self.publish_with(topic, args, PublishOptions::default());
        published.await.map(drop)
    }

    /// Publishes and waits until the router has taken it.
    ///
    /// # Errors
    /// The router refuses it, or the session has ended.
    pub async fn publish_acknowledged(&self, topic: &str, args: impl Into<Args>) -> Result<PublicationId, Error> {
        self.publish_and_wait(topic, args.into(), PublishOptions::default())
            .await
    }

    /// Publishes as the options say: to whom, kept or not. Where they ask the router to acknowledge it, this waits for that,
    /// and gives the publication.
    ///
    /// # Errors
    /// The session has ended, or the arguments cannot be sent; where it waits, also that the router refuses it.
    pub async fn publish_with(
        &self,
        topic: &str,
        args: impl Into<Args>,
        options: PublishOptions,
    ) -> Result<Option<PublicationId>, Error> {
        if options.acknowledge {
            return self.publish_and_wait(topic, args.into(), options).await.map(Some);
        }
        let topic = Uri::from(topic);
        let payload = args.into().encode(self.0.serializer)?;
        self.check(&topic, &payload)?;
        let publish = |table: &mut Table| {
            let request = table.next_request()?;
            Ok((
                Message::Publish(Publish {
                    request,
                    options,
                    topic,
                    payload,
                }),
                (),
            ))
        };
        self.request(publish).await?;
        Ok(None)
    }

    /// Refuses what the router would, where nobody would hear that from it: it answers only what is to be acknowledged.
    fn check(&self, topic: &Uri, payload: &Payload) -> Result<(), RequestError> {
        if let Err(why) = UriRules::Loose.check(topic, Match::Exact) {
            return Err(RequestError::new(INVALID_URI, why));
        }
        if self.longest().is_some_and(|longest| payload.len() > longest) {
            return Err(too_long());
        }
        Ok(())
    }

    async fn publish_and_wait(&self, topic: &str, args: Args, options: PublishOptions) -> Result<PublicationId, Error> {
        let options = PublishOptions {
            acknowledge: true,
            ..options
        };
        let payload = args.encode(self.0.serializer)?;
        let request = RequestId::FIRST;
        let topic = topic.into();
        self.publish_as_it_is(Publish {
            request,
            options,
            topic,
            payload,
        })
        .await
    }

    /// Publishes what wants to be acknowledged, under a number of this session, and waits until it is.
    pub(crate) async fn publish_as_it_is(&self, publish: Publish) -> Result<PublicationId, Error> {
        let (answer, published) = oneshot::channel();
        let publish = |table: &mut Table| {
            let request = table.publish(answer)?;
            Ok((Message::Publish(Publish { request, ..publish }), ()))
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
            retain: true,
            ..PublishOptions::default()
        };
        self.publish_and_wait(topic, args.into(), options).await
    }

    /// Publishes an event with which the router forgets what it keeps of the topic for those who subscribe later, and waits
    /// until it has. The event itself is not kept. For routers that announce `x_forget_retained`.
    ///
    /// # Errors
    /// The router refuses it, or cannot forget, or the session has ended.
    pub async fn forget_retained(&self, topic: &str, args: impl Into<Args>) -> Result<PublicationId, Error> {
        if !self.router_does("broker", "x_forget_retained") {
            let why = "this router cannot forget what it retains (x_forget_retained is missing among its features)";
            return Err(RequestError::new(FEATURE_NOT_SUPPORTED, why).into());
        }
        let options = PublishOptions {
            special: Some(Box::new(PublishSpecial::forgetting())),
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

    /// Subscribes as the options say.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn subscribe_with(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription, Error> {
        let (feed, events) = feed();
        let dropped = feed.dropped.clone();
        let (number, subscribed) = self.ask_to_subscribe(topic, options, feed).await?;
        let id = self.wait(subscribed).await?;
        let held = Held::BySession(self.clone(), id, number);
        Ok(Subscription { held, events, dropped })
    }

    /// Has a function called with each event, one after the other, until the session ends or [`Listener::stop`] is called.
    /// An event at which it panics is passed over.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn listen<F, R>(&self, topic: &str, options: SubscribeOptions, handler: F) -> Result<Listener, Error>
    where
        F: FnMut(Event) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Ok(self.subscribe_with(topic, options).await?.handled_by(handler))
    }

    /// Sends SUBSCRIBE; the answer comes later.
    pub(crate) async fn ask_to_subscribe(
        &self,
        topic: &str,
        options: SubscribeOptions,
        feed: Feed,
    ) -> Result<(u64, Answer<SubscriptionId>), Error> {
        let number = self.0.next_subscriber.fetch_add(1, Ordering::Relaxed);
        let takes_retained = options.get_retained;
        let subscriber = Subscriber {
            number,
            feed,
            takes_retained,
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
        Ok((number, subscribed))
    }

    pub(crate) fn end_subscription(&self, subscription: SubscriptionId, number: u64) {
        let mut table = self.table();
        if let Some(request) = table.unsubscribe(subscription, number) {
            self.send_soon(Message::Unsubscribe(Unsubscribe { request, subscription }));
        }
    }
}
