//! Starts everything in order, and stops it in the reverse order.

mod bounds;
mod checks;
mod keys;
mod realms;
mod socket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use client::{Options, Session};
use components::agent::Relay;
use components::{Entry, Home, Machine, Places, Running};
use pairing::exchange::Facts;
use router::{Origins, Router};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::task::JoinHandle;

use self::bounds::{desktop_settings, limits};
use self::checks::{check_components, household};
use self::keys::Proofs;
use self::socket::{SYSTEM_MODES, USER_MODES, listen_unix};
use crate::access::{Access, Authenticators, Authorizers, authenticator, authorizer};
use crate::advertiser::Advertiser;
use crate::audit::Audit;
use crate::bridge::Bridge;
use crate::certificates::Kept;
use crate::config::{self, Components, Config, DESKTOP_REALM};
use crate::consent::{Consents, News};
use crate::discovery::Advert;
use crate::front_door::{self, Front};
use crate::links::Links;
use crate::notice;
use crate::pair::{Desk, Told};
use crate::paths::Paths;
use crate::procedures::{self, Desktop, Nearby};
use crate::site::{self, Site};
use crate::store::Store;

/// Sessions get this long to say goodbye; with mDNS beside it the whole stop stays under two seconds.
const GOODBYE_TIME: Duration = Duration::from_millis(1_200);

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    router: Router,
    links: Arc<Links>,
    store: Arc<Store>,
    audit: Audit,
    advertiser: Arc<Advertiser>,
    certificates: Arc<Kept>,
    bridge: Option<Arc<Bridge>>,
    addresses: Vec<SocketAddr>,
    quic: Vec<SocketAddr>,
    socket: Option<PathBuf>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the desktop's realm is served with.
struct Opened {
    desk: Arc<Desk>,
    access: Arc<Access>,
    consents: Arc<Consents>,
    told: Receiver<Told>,
    questions: UnboundedReceiver<News>,
}

impl Daemon {
    /// Starts with this configuration. `machine` is that of the tests; without it the real one is looked at.
    ///
    /// # Errors
    /// What must work does not: the state cannot be trusted, a port is taken. What merely is missing is logged.
    pub async fn start(config: &Config, paths: &Paths, machine: Option<Machine>) -> Result<Self> {
        check_components(config)?;
        let machine = machine.unwrap_or_else(|| Machine::detect(Places::default()));
        let household = household(config, paths, &machine)?;
        let store = open_store(config, paths)?;
        let audit = Audit::start(store.place());
        let proofs = Proofs::of(config, &store)?;
        let facts = Facts::new(
            store.identity(),
            store.noise_public(),
            proofs.spki,
            &computer_name(config),
        );
        let (desk, told) = Desk::new(Arc::clone(&store), audit.clone(), facts);
        let (consents, questions) = Consents::new(Arc::clone(&store));
        let (authorizers, undecided) = Authorizers::new();
        let (authenticators, unknown) = Authenticators::new();
        let asked = (authorizers, &authenticators);
        let of = (Arc::clone(&store), Arc::clone(&desk), Arc::clone(&consents));
        let access = Arc::new(Access::new(config, of, audit.clone(), household, asked)?);
        let limits = limits(&config.limits);
        let bridge = Bridge::of(config, limits.joined);
        let front = front(config, &proofs, (&store, &desk), bridge.clone());
        let router = Router::with_keys(Arc::clone(&access) as _, Arc::new(front), proofs.keys, limits);
        let links = Arc::new(realms::open(&router, config, paths, &store)?);
        let advertiser = Arc::new(Advertiser::new(Arc::clone(&store), config.discovery.enabled));
        let mut daemon = Self {
            router,
            links,
            store,
            audit,
            advertiser,
            certificates: proofs.certificates,
            bridge,
            addresses: Vec::new(),
            quic: Vec::new(),
            socket: None,
            tasks: Vec::new(),
        };
        daemon.tasks.extend([
            tokio::spawn(authorizer::serve(daemon.router.clone(), undecided)),
            tokio::spawn(authenticator::serve(daemon.router.clone(), unknown)),
            tokio::spawn(Arc::clone(&daemon.certificates).watch()),
        ]);
        // Whoever can connect finds everything registered already.
        if config.desktop.enabled {
            let open = Opened {
                desk: Arc::clone(&desk),
                access,
                consents,
                told,
                questions,
            };
            daemon.open_desktop(config, machine, open).await?;
        }
        if let Some(bridge) = &daemon.bridge {
            bridge.open(&daemon.router);
        }
        daemon.listen(config, paths)?;
        if let Some(address) = daemon.reachable() {
            desk.listens_at(address);
        }
        daemon.advertise(config).await;
        Ok(daemon)
    }

    /// Opens the desktop's realm with everything that is served in it.
    async fn open_desktop(&mut self, config: &Config, machine: Machine, opened: Opened) -> Result<()> {
        let Opened {
            desk,
            access,
            consents,
            told,
            questions,
        } = opened;
        let (settings, when_full) = (desktop_settings(config), config.limits.when_full);
        let journal = realms::of_desktop(&self.store);
        let realm = self.router.open_realm_with(DESKTOP_REALM, settings, when_full, journal);
        desk.serve(realm.clone());
        let functions = Arc::new(self.functions(config, &machine, &access).await?);
        let desktop = Desktop {
            name: computer_name(config),
            store: Arc::clone(&self.store),
            desk,
            access,
            consents,
            audit: self.audit.clone(),
            realm,
            router: self.router.clone(),
            certificates: Arc::clone(&self.certificates),
            links: Arc::clone(&self.links),
            since: Instant::now(),
            advertiser: Arc::clone(&self.advertiser),
            notifier: Arc::clone(&machine.notifier),
            settings: config.components.clone(),
            functions,
            nearby: Nearby::new(config),
            attempts: config.pairing.attempts,
            pairing_ttl: config.pairing.ttl,
        };
        let desktop = Arc::new(desktop);
        self.offer(&desktop, told).await?;
        self.follow(&desktop, questions).await
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

    /// Starts what goes on beside the procedures: presence, rights, the lock, calls that wait for consent, pairing.
    async fn follow(&mut self, desktop: &Arc<Desktop>, questions: UnboundedReceiver<News>) -> Result<()> {
        let session = self.local_session("desktop").await?;
        let (consents, realm) = (Arc::clone(&desktop.consents), desktop.realm.clone());
        self.tasks.extend([
            tokio::spawn(consents.serve(realm, session.clone(), questions)),
            tokio::spawn(procedures::publish_presence(session.clone(), Arc::clone(desktop))),
            tokio::spawn(procedures::publish_offers(session.clone(), Arc::clone(desktop))),
            tokio::spawn(procedures::follow_lock(session, Arc::clone(desktop))),
            tokio::spawn(Arc::clone(&desktop.desk).keep_time()),
            tokio::spawn(Arc::clone(&desktop.access).keep_rights(desktop.realm.clone())),
            tokio::spawn(Arc::clone(&desktop.access).keep_seat(self.router.clone())),
        ]);
        Ok(())
    }

    async fn local_session(&self, name: &str) -> Result<Session> {
        let session = Session::over(self.router.connect_local(name), Options::new(DESKTOP_REALM)).await;
        session.with_context(|| format!("the session of \"{name}\" cannot be opened"))
    }

    fn listen(&mut self, config: &Config, paths: &Paths) -> Result<()> {
        if !config.listen.tcp.is_empty() {
            let listening = self.router.listen_tcp(&config.listen.tcp)?;
            self.addresses = listening.addresses().to_vec();
            for address in &self.addresses {
                tracing::info!(%address, "listening");
            }
        }
        if !config.listen.quic.is_empty() {
            self.quic = self.router.listen_quic(&config.listen.quic)?.addresses().to_vec();
            for address in &self.quic {
                tracing::info!(%address, "listening for QUIC");
            }
        }
        let (socket, is_chosen) = match &config.listen.unix {
            config::Unix::Off => return Ok(()),
            config::Unix::Auto => (&paths.socket, false),
            config::Unix::At(path) => (path, true),
        };
        let modes = if paths.is_system { SYSTEM_MODES } else { USER_MODES };
        match listen_unix(&self.router, socket, !is_chosen, modes) {
            Ok(()) => {
                tracing::info!(socket = %socket.display(), "listening");
                self.socket = Some(socket.clone());
            }
            Err(error) if is_chosen => return Err(error),
            Err(error) => tracing::warn!("deskconnctl cannot reach this daemon: {error:#}"),
        }
        for path in &config.compat.sockets {
            listen_unix(&self.router, path, false, modes)?;
        }
        Ok(())
    }

    /// Where devices reach this daemon: best from the network.
    fn reachable(&self) -> Option<SocketAddr> {
        let is_outward = |address: &&SocketAddr| !address.ip().is_loopback();
        let outward = self.addresses.iter().find(is_outward);
        outward.or(self.addresses.first()).copied()
    }

    /// Shows the desktop on the network. Without mDNS everything else works.
    async fn advertise(&self, config: &Config) {
        let is_reachable = |address: &&SocketAddr| !address.ip().is_loopback();
        let Some(address) = self
            .addresses
            .iter()
            .find(is_reachable)
            .filter(|_| config.desktop.enabled)
        else {
            return;
        };
        let advert = Advert::of(config, &self.store.identity().id(), address.port());
        if let Err(error) = self.advertiser.start(advert).await {
            tracing::warn!("phones cannot find this desktop by themselves: {error}");
        }
    }

    /// The TCP addresses, with the ports that were really opened.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The UDP addresses of QUIC, with the ports that were really opened.
    #[must_use]
    pub fn quic_addresses(&self) -> &[SocketAddr] {
        &self.quic
    }

    /// The Unix socket, if there is one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// What survives a restart.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The router, for what comes beside the daemon's own doors.
    #[must_use]
    pub const fn router(&self) -> &Router {
        &self.router
    }

    /// Reads the certificates of the configuration again, for connections from now on.
    pub fn reload(&self) {
        self.certificates.reload();
    }

    /// Says goodbye to the network and to every session, and ends.
    pub async fn stop(self) {
        if let Some(bridge) = &self.bridge {
            bridge.close();
        }
        self.links.stop().await;
        tokio::join!(self.advertiser.stop(), self.router.stop(GOODBYE_TIME));
        for task in self.tasks {
            task.abort();
        }
        self.audit.close().await;
        if let Err(error) = self.store.flush() {
            tracing::warn!(%error, "when devices were last seen is not written down");
        }
    }
}

/// The door of browsers, and of programs that make single requests.
fn front(config: &Config, proofs: &Proofs, of: (&Store, &Arc<Desk>), bridge: Option<Arc<Bridge>>) -> Front {
    let (store, desk) = of;
    let local_name = format!("deskconn-{}.local", store.identity().id8());
    let origins = Origins {
        hosts: proofs.hosts().chain([local_name.clone()]).collect(),
        allowed: config.http.allowed_origins.clone(),
        extensions: config.compat.anonymous_brightness,
    };
    let desktop = config.desktop.enabled.then(|| front_door::Desktop {
        desk: Arc::clone(desk),
        site: Site::new(site::BUILT),
        local_name,
    });
    Front::new(origins, desktop, bridge)
}

fn open_store(config: &Config, paths: &Paths) -> Result<Arc<Store>> {
    let store = if config.desktop.enabled {
        Store::open(&paths.state)?
    } else {
        Store::ephemeral("a plain router keeps no state")?
    };
    if let (Some(reason), true) = (store.read_only(), config.desktop.enabled) {
        tracing::warn!("nothing can be stored, so pairing is refused and the identity lasts for this run: {reason}");
    }
    Ok(Arc::new(store))
}

fn computer_name(config: &Config) -> String {
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy().into_owned();
    config.discovery.name.clone().unwrap_or(host)
}
