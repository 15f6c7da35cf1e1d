//! The daemon's own procedures: pairing, devices, discovery, audit, info. Ordinary WAMP, served by a session in this process;
//! who may call what is the roles' business.

mod actions;
mod agent;
mod arguments;
mod audit;
mod components;
mod consent;
mod devices;
mod discovery;
mod grants;
mod info;
mod metrics;
mod nearby;
mod pairing;
mod router;

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use ::components::backends::Notifier;
use ::components::{Running, Settings};
use ::router::{RealmHandle, Router};
use client::{Args, Invocation, Reply, RequestError, Session};
use tokio::sync::{mpsc, watch};
use wamp::value::Value;

pub(crate) use self::agent::publish as publish_settings;
pub(crate) use self::arguments::Arguments;
pub(crate) use self::audit::publish as publish_audit;
pub(crate) use self::components::publish as publish_offers;
pub(crate) use self::metrics::publish as publish_metrics;
pub(crate) use self::nearby::Nearby;
use crate::access::{Access, roles};
use crate::advertiser::Advertiser;
use crate::audit::Audit;
use crate::certificates;
use crate::config::{self, Config};
use crate::consent::Consents;
use crate::daemon::Reloader;
use crate::links::Links;
use crate::metrics::Collector;
use crate::pair::{Desk, Told};
use crate::store::Store;

/// A call that cannot be served because of its arguments.
pub(crate) const BAD_ARGUMENT: &str = "org.deskconn.error.bad_argument";
/// A call that was refused for another reason.
pub(crate) const REFUSED: &str = "org.deskconn.error.refused";

/// What the procedures work on.
#[derive(Debug)]
pub(crate) struct Desktop {
    pub(crate) said: Arc<Said>,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) collector: Arc<Collector>,
    pub(crate) store: Arc<Store>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) access: Arc<Access>,
    pub(crate) consents: Arc<Consents>,
    pub(crate) audit: Audit,
    pub(crate) realm: RealmHandle,
    pub(crate) router: Router,
    pub(crate) certificates: Arc<certificates::Configured>,
    /// What is done when something happens.
    pub(crate) actions: crate::actions::Handle,
    /// The links of its realms to other routers.
    pub(crate) links: Arc<Links>,
    /// When the daemon started.
    pub(crate) since: Instant,
    pub(crate) advertiser: Arc<Advertiser>,
    pub(crate) notifier: Arc<dyn Notifier>,
    /// The desktop's functions as they run.
    pub(crate) functions: Arc<Running>,
    /// The other desktops on the network.
    pub(crate) nearby: Nearby,
}

/// What the configuration says of the desktop, and may say otherwise while it runs.
#[derive(Debug)]
pub(crate) struct Said {
    name: RwLock<String>,
    pairing: RwLock<config::Pairing>,
    settings: watch::Sender<Settings>,
}

impl Said {
    pub(crate) fn new(name: String, config: &Config) -> Self {
        Self {
            name: RwLock::new(name),
            pairing: RwLock::new(config.pairing.clone()),
            settings: watch::Sender::new(config.components.clone()),
        }
    }

    pub(crate) fn set(&self, name: String, config: &Config) {
        *self.name.write().unwrap_or_else(PoisonError::into_inner) = name;
        *self.pairing.write().unwrap_or_else(PoisonError::into_inner) = config.pairing.clone();
        self.settings.send_if_modified(|settings| {
            let is_other = *settings != config.components;
            settings.clone_from(&config.components);
            is_other
        });
    }

    /// What people call the desktop.
    pub(crate) fn name(&self) -> String {
        self.name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The terms of a window in which a code works.
    pub(crate) fn pairing(&self) -> config::Pairing {
        self.pairing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What single functions are told, as it changes.
    pub(crate) fn settings(&self) -> watch::Receiver<Settings> {
        self.settings.subscribe()
    }
}

/// Registers every procedure.
///
/// # Errors
/// The router refuses one, which it does only when somebody else has it.
pub(crate) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    pairing::register(session, desktop).await?;
    devices::register(session, desktop).await?;
    discovery::register(session, desktop).await?;
    consent::register(session, desktop).await?;
    audit::register(session, desktop).await?;
    actions::register(session, desktop).await?;
    agent::register(session, desktop).await?;
    components::register(session, desktop).await?;
    nearby::register(session, desktop).await?;
    router::register(session, desktop).await?;
    metrics::register(session, desktop).await?;
    info::register(session, desktop).await
}

/// Registers one procedure under its names.
async fn offer<F, R>(session: &Session, desktop: &Arc<Desktop>, uris: &[&str], serve: F) -> Result<(), client::Error>
where
    F: Fn(Arc<Desktop>, Invocation) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
{
    for uri in uris {
        let desktop = Arc::clone(desktop);
        let serve = serve.clone();
        session
            .register(uri, move |call| serve(Arc::clone(&desktop), call))
            .await?;
    }
    Ok(())
}

/// Publishes what the desk tells, for as long as it tells anything.
pub(crate) async fn publish(session: Session, desktop: Arc<Desktop>, mut told: mpsc::Receiver<Told>) {
    while let Some(news) = told.recv().await {
        let (topic, args) = match news {
            Told::Asked(question) => (
                "org.deskconn.pairing.on_asked",
                Args::from([pairing::question(&desktop, &question)]),
            ),
            Told::Closed(closed, device) => {
                let device = device.map_or(Value::Null, |device| devices::row(&desktop, &device));
                let args = Args::from([Value::from(closed.to_string())]).with("device", device);
                ("org.deskconn.pairing.on_closed", args)
            }
            Told::Alarm(sentence) => ("org.deskconn.pairing.on_alarm", Args::from([sentence.into()])),
            Told::Devices => ("org.deskconn.devices.on_changed", Args::default()),
            Told::IsOpen(is_open) => {
                desktop.advertiser.set_pairing(is_open).await;
                continue;
            }
        };
        if let Err(error) = session.publish(topic, args).await {
            tracing::warn!(%error, topic, "an event could not be published");
        }
    }
}

/// Publishes which devices are there, retained, for as long as the session lasts. Of a device that is no longer paired
/// nothing is kept.
pub(crate) async fn publish_presence(session: Session, desktop: Arc<Desktop>) {
    let paired = desktop.store.with_trust(|trust| {
        trust
            .devices()
            .iter()
            .map(|it| it.id.as_str().into())
            .collect::<Vec<_>>()
    });
    desktop.access.presence().tell(paired.into_iter());
    loop {
        for (device, is_there) in desktop.access.presence().news().await {
            let topic = roles::presence_topic(&device);
            match session.publish_retained(&topic, [is_there.into()]).await {
                Ok(_) => {}
                Err(client::Error::Closed(_)) => return,
                Err(error) => tracing::warn!(%error, topic, "presence could not be published"),
            }
            if desktop.store.with_trust(|trust| trust.find(&device).is_none()) {
                desktop.realm.forget_retained(&roles::device_prefix(&device));
            }
        }
    }
}

/// Follows whether the screen is locked, for the grants that hold only while it is not.
pub(crate) async fn follow_lock(session: Session, desktop: Arc<Desktop>) {
    let Ok(mut events) = session.subscribe("org.deskconn.screen.on_locked").await else {
        return;
    };
    let mut agent = desktop.access.agent();
    loop {
        // Another source, another answer.
        let now = session.call("org.deskconn.screen.is_locked", ()).await;
        let mut is_locked = now.ok().and_then(|args| args.into_value().as_bool());
        loop {
            desktop.access.set_locked(is_locked, &desktop.realm);
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => is_locked = event.args.into_value().as_bool(),
                    None => return,
                },
                changed = agent.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
        }
    }
}

fn refused(error: impl std::fmt::Display) -> RequestError {
    RequestError::new(REFUSED, error.to_string())
}
