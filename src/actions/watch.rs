//! Listens to the topics of actions, and measures the machine while one is about it.

use std::sync::Arc;
use std::time::Duration;

use client::{Event, Subscription};
use components::backends::host::Host;
use tokio::sync::oneshot;
use tokio::time::sleep;
use wamp::value::{Dict, Value};

use super::expression::size;
use super::host::{INTERVAL, Measured};
use super::inner::Inner;
use crate::config::action;
use crate::config::{DESKTOP_REALM, Match};

/// How long to wait before a topic is asked for again that was refused.
const RETRY: Duration = Duration::from_secs(5);
/// The same of one that was heard until the session ended, as when its realm is opened anew.
const SOON: Duration = Duration::from_millis(100);

/// About how many bytes the arguments of an event may take. A reading of a sensor has a hundred; whoever sends more wants
/// something else.
pub(super) const MAX_PAYLOAD: usize = 64 << 10;

/// Where the daemon says which devices are there.
const PRESENCE: &str = "org.deskconn.device..on_presence";

/// What is listened to, for all actions that do so in the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) realm: String,
    pub(super) uri: String,
    policy: Match,
    /// Whether what is retained is wanted too: states need to know how they begin.
    pub(super) retained: bool,
}

impl Key {
    pub(super) fn of(realm: &str, event: &action::Event) -> Option<Self> {
        let (realm, uri, matching, retained) = heard_of(realm, event)?;
        Some(Self {
            realm: realm.to_owned(),
            uri: uri.to_owned(),
            policy: matching,
            retained,
        })
    }

    /// Whether it is the one for this.
    pub(super) fn is_of(&self, realm: &str, event: &action::Event) -> bool {
        heard_of(realm, event).is_some_and(|(realm, uri, matching, retained)| {
            (&*self.realm, &*self.uri, self.policy, self.retained) == (realm, uri, matching, retained)
        })
    }

    fn is_of_presence(&self) -> bool {
        self.realm == DESKTOP_REALM && self.uri == PRESENCE
    }
}

/// In which realm something is heard of, on what topic, and whether what is retained there counts.
fn heard_of<'a>(realm: &'a str, event: &'a action::Event) -> Option<(&'a str, &'a str, Match, bool)> {
    match event {
        action::Event::Topic(topic) => Some((realm, &topic.uri, topic.matching, topic.is_state())),
        action::Event::Device { .. } => Some((DESKTOP_REALM, PRESENCE, Match::Wildcard, true)),
        action::Event::At { .. } | action::Event::Every(_) | action::Event::Host { .. } => None,
    }
}

/// Listens, for as long as it is not stopped; says so when it has begun, or could not.
pub(super) async fn listen(inner: Arc<Inner>, key: Key, begun: oneshot::Sender<()>) {
    let mut begun = Some(begun);
    let mut told = None;
    loop {
        let pause = match subscribe(&inner, &key).await {
            Ok(mut events) => {
                begun.take();
                told.take();
                let mut lost = 0;
                while let Some(event) = events.next().await {
                    let dropped = events.dropped();
                    inner.lost(&key, dropped - lost);
                    lost = dropped;
                    heard(&inner, &key, event);
                }
                SOON
            }
            // It is tried for ever, and told once.
            Err(why) => {
                if told.as_ref() != Some(&why) {
                    inner.unheard(&key, &why);
                    told = Some(why);
                }
                RETRY
            }
        };
        begun.take();
        sleep(pause).await;
    }
}

async fn subscribe(inner: &Inner, key: &Key) -> Result<Subscription, String> {
    let session = inner.sessions.of(&key.realm).await.map_err(|error| error.to_string())?;
    let subscribed = if key.retained {
        session.subscribe_retained(&key.uri, key.policy).await
    } else {
        session.subscribe_matching(&key.uri, key.policy).await
    };
    subscribed.map_err(|error| error.to_string())
}

fn heard(inner: &Arc<Inner>, key: &Key, event: Event) {
    let is_retained = event.retained.is_some();
    let topic = event
        .topic
        .as_ref()
        .map_or_else(|| key.uri.clone(), |topic| topic.as_str().to_owned());
    if key.is_of_presence()
        && let (Some(device), Some(Value::Bool(is_present))) = (topic.split('.').nth(3), event.args.args.first())
    {
        inner.met(device, *is_present, is_retained);
    }
    let publisher = event.publisher.map_or(Value::Null, |publisher| {
        Value::Dict(Dict::from([
            ("authid".to_owned(), Value::from(&*publisher.authid)),
            ("authrole".to_owned(), Value::from(&*publisher.authrole)),
            ("session".to_owned(), publisher.session.get().into()),
        ]))
    });
    let value = event.args.args.first().cloned();
    let (args, kwargs) = (Value::List(event.args.args), Value::Dict(event.args.kwargs));
    let is_too_long = size(&args) + size(&kwargs) > MAX_PAYLOAD;
    let mut scope = Dict::from([
        ("args".to_owned(), args),
        ("kwargs".to_owned(), kwargs),
        ("publisher".to_owned(), publisher),
        ("topic".to_owned(), topic.into()),
    ]);
    if let Some(value) = value {
        scope.insert("value".to_owned(), value);
    }
    inner.heard(key, scope, is_retained, is_too_long);
}

/// Measures the machine while an action is about it.
pub(super) async fn measure(inner: Arc<Inner>) {
    let host = Host::new("/".into());
    loop {
        inner.host_wanted.notified().await;
        while inner.wants_host() {
            inner.measured(&Measured(host.report().await));
            sleep(INTERVAL).await;
        }
    }
}
