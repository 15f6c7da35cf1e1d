//! Opens the desktop's realm, and starts everything that is served in it.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use client::{Options, Session};
use components::agent::Relay;
use components::{Entry, Home, Machine, Running};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};

use super::bounds::desktop_settings;
use super::reload::Reloader;
use super::{Daemon, realms};
use crate::access::Access;
use crate::config::{Components, Config, DESKTOP_REALM};
use crate::consent::{Consents, News};
use crate::metrics::{Collector, Listeners};
use crate::notice;
use crate::pair::{Desk, Told};
use crate::procedures::{self, Desktop, Nearby, Said};

/// What the desktop's realm is served with.
pub(super) struct Opened {
    pub(super) desk: Arc<Desk>,
    pub(super) access: Arc<Access>,
    pub(super) consents: Arc<Consents>,
    pub(super) told: Receiver<Told>,
    pub(super) questions: UnboundedReceiver<News>,
    pub(super) said: Arc<Said>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) collector: Arc<Collector>,
    pub(super) listeners: Arc<Listeners>,
}

impl Daemon {
    /// Opens the desktop's realm with everything that is served in it, and gives the functions as they run.
    pub(super) async fn open_desktop(
        &mut self,
        config: &Config,
        machine: Machine,
        opened: Opened,
    ) -> Result<Arc<Running>> {
        let Opened {
            desk,
            access,
            consents,
            told,
            questions,
            said,
            reloader,
            collector,
            listeners,
        } = opened;
        let (settings, when_full) = (desktop_settings(config), config.limits.when_full);
        let journal = realms::of_desktop(&self.store);
        let realm = self.router.open_realm_with(DESKTOP_REALM, settings, when_full, journal);
        desk.has_strangers_in(realm.clone());
        let functions = Arc::new(self.functions(config, &machine, &access).await?);
        let desktop = Desktop {
            said,
            reloader,
            collector,
            store: Arc::clone(&self.store),
            desk,
            access,
            consents,
            audit: self.audit.clone(),
            realm,
            router: self.router.clone(),
            certificates: Arc::clone(&self.certificates),
            links: Arc::clone(&self.links),
            actions: self.actions.handle(),
            since: Instant::now(),
            advertiser: Arc::clone(&self.advertiser),
            notifier: Arc::clone(&machine.notifier),
            functions,
            nearby: Nearby::new(config),
        };
        let desktop = Arc::new(desktop);
        self.offer(&desktop, told).await?;
        self.tell_figures(&desktop, &listeners).await?;
        self.follow(&desktop, questions).await?;
        Ok(Arc::clone(&desktop.functions))
    }

    /// Registers the desktop's functions.
    async fn functions(&mut self, config: &Config, machine: &Machine, access: &Arc<Access>) -> Result<Running> {
        let is_wanted = |entry: &Entry| match &config.desktop.components {
            Components::All => true,
            Components::Only(names) => names.iter().any(|wanted| wanted == entry.name),
        };
        let session = self.local_session("components").await?;
        let mut made = components::make(machine, &config.components, is_wanted);
        if access.is_of_system() {
            // A person's locker is run by the agent, as that person; the service would run it as root and show nothing.
            machine.locker.fall_back_on(Vec::new());
            for component in made.iter_mut().filter(|it| it.entry().home == Home::Session) {
                // logind alone locks many desktops, and says so.
                let own = (component.entry().name == components::screen::ENTRY.name).then(|| Arc::clone(component));
                *component = Arc::new(Relay::new(component.entry(), session.clone(), access.agent(), own));
            }
        }
        let mut placed = Vec::new();
        for component in made {
            placed.push((self.local_session(component.entry().name).await?, component));
        }
        let running = components::start(placed, Access::permit(access)).await;
        running.context("the desktop's functions cannot be registered")
    }

    /// Registers the daemon's procedures.
    async fn offer(&mut self, desktop: &Arc<Desktop>, told: Receiver<Told>) -> Result<()> {
        let session = self.local_session("desktop").await?;
        procedures::register(&session, desktop)
            .await
            .context("the daemon's own procedures cannot be registered")?;
        self.tasks
            .push(tokio::spawn(procedures::publish(session, Arc::clone(desktop), told)));
        let session = self.local_session("audit").await?;
        self.tasks
            .push(tokio::spawn(procedures::publish_audit(session, self.audit.follow())));
        let session = self.local_session("notifications").await?;
        self.tasks.extend(notice::start(&session, &desktop.notifier).await?);
        let functions = Arc::clone(&desktop.functions);
        // A service that hangs may take seconds to be called missing; nobody should wait for that.
        self.tasks.push(tokio::spawn(async move {
            for (component, missing) in functions.missing().await {
                tracing::warn!(component, "{missing}");
            }
        }));
        Ok(())
    }

    /// Registers the procedures that tell figures, and publishes those.
    async fn tell_figures(&mut self, desktop: &Arc<Desktop>, listeners: &Arc<Listeners>) -> Result<()> {
        let session = self.local_session("metrics").await?;
        let told = procedures::publish_metrics(session, Arc::clone(desktop), listeners.interval());
        self.tasks.push(tokio::spawn(told));
        Ok(())
    }

    /// Starts what goes on beside the procedures: presence, rights, the lock, calls that wait for consent, pairing.
    async fn follow(&mut self, desktop: &Arc<Desktop>, questions: UnboundedReceiver<News>) -> Result<()> {
        let session = self.local_session("desktop").await?;
        let (consents, realm) = (Arc::clone(&desktop.consents), desktop.realm.clone());
        self.tasks.extend([
            tokio::spawn(consents.serve(realm, session.clone(), questions)),
            tokio::spawn(procedures::publish_presence(session.clone(), Arc::clone(desktop))),
            tokio::spawn(procedures::publish_offers(session.clone(), Arc::clone(desktop))),
            tokio::spawn(procedures::publish_settings(session.clone(), Arc::clone(desktop))),
            tokio::spawn(procedures::follow_lock(session, Arc::clone(desktop))),
            tokio::spawn(Arc::clone(&desktop.desk).keep_time()),
            tokio::spawn(Arc::clone(&desktop.access).keep_rights(desktop.realm.clone())),
            tokio::spawn(Arc::clone(&desktop.access).keep_seat(self.router.clone())),
        ]);
        Ok(())
    }

    pub(super) async fn local_session(&self, name: &str) -> Result<Session> {
        let session = Session::over(self.router.connect_local(name), Options::new(DESKTOP_REALM)).await;
        session.with_context(|| format!("the session of \"{name}\" cannot be opened"))
    }
}
