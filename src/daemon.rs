//! Starts everything in order, and stops it in the reverse order.

mod bounds;
mod checks;
mod desktop;
mod doors;
mod keys;
mod realms;
mod reload;
mod socket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use components::{Machine, Places};
use pairing::exchange::Facts;
use router::Router;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::task::JoinHandle;

use self::bounds::limits;
use self::checks::household;
use self::desktop::Opened;
use self::doors::{advert, front, origins};
use self::keys::Proofs;
use self::realms::Realms;
use self::reload::Parts;
pub use self::reload::{CHANGES, Change, Reloaded, Takes};
pub(crate) use self::reload::{Reloader, Reloads};
use crate::access::{Access, Authenticators, Authorizers, Household, authenticator, authorizer};
use crate::actions::Actions;
use crate::advertiser::Advertiser;
use crate::audit::Audit;
use crate::bridge::Bridge;
use crate::certificates;
use crate::config::{Config, DESKTOP_REALM, Origin};
use crate::consent::{Consents, News};
use crate::links::Links;
use crate::logging::Log;
use crate::metrics::{Collector, Listeners};
use crate::pair::{Desk, Told};
use crate::paths::Paths;
use crate::procedures::Said;
use crate::store::Store;
use crate::watchdog::Probe;

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
    certificates: Arc<certificates::Configured>,
    reloader: Arc<Reloader>,
    listeners: Arc<Listeners>,
    actions: Actions,
    bridge: Option<Arc<Bridge>>,
    addresses: Vec<SocketAddr>,
    quic: Vec<SocketAddr>,
    socket: Option<PathBuf>,
    tasks: Vec<JoinHandle<()>>,
}

/// Who is let in, with the ends of what questions about that are put into.
struct Admission {
    desk: Arc<Desk>,
    told: Receiver<Told>,
    access: Arc<Access>,
    consents: Arc<Consents>,
    questions: UnboundedReceiver<News>,
    /// What authorizers and authenticators are to be asked.
    asked: Option<(UnboundedReceiver<authorizer::Asked>, Receiver<authenticator::Question>)>,
}

impl Admission {
    fn new(
        config: &Config,
        store: &Arc<Store>,
        audit: &Audit,
        household: Household,
        spki: Option<[u8; 32]>,
    ) -> Result<Self> {
        let facts = Facts::new(store.identity(), store.noise_public(), spki, &computer_name(config));
        let (desk, told) = Desk::new(Arc::clone(store), audit.clone(), facts);
        let (consents, questions) = Consents::new(Arc::clone(store));
        let (authorizers, undecided) = Authorizers::new();
        let (authenticators, unknown) = Authenticators::new();
        let asked = (authorizers, &authenticators);
        let of = (Arc::clone(store), Arc::clone(&desk), Arc::clone(&consents));
        let access = Arc::new(Access::new(config, of, audit.clone(), household, asked)?);
        Ok(Self {
            desk,
            told,
            access,
            consents,
            questions,
            asked: Some((undecided, unknown)),
        })
    }
}

/// Where the configuration comes from, and what of it the program around the daemon has taken: what a reload goes by.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub origin: Origin,
    /// The log of the process, where it follows the configuration.
    pub log: Option<Log>,
}

impl Daemon {
    /// Starts with this configuration, which a reload has no file for. `machine` is that of the tests; without it the real one
    /// is looked at.
    ///
    /// # Errors
    /// What must work does not: the state cannot be trusted, a port is taken. What merely is missing is logged.
    pub async fn start(config: &Config, paths: &Paths, machine: Option<Machine>) -> Result<Self> {
        Self::start_from(None, config, paths, machine).await
    }

    /// The same with the file that a reload reads.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub async fn start_from(
        source: Option<Source>,
        config: &Config,
        paths: &Paths,
        machine: Option<Machine>,
    ) -> Result<Self> {
        // A plain router has no business with what the machine can do.
        let machine = config
            .desktop
            .enabled
            .then(|| machine.unwrap_or_else(|| Machine::detect(Places::default())));
        let household = household(config, paths, machine.as_ref())?;
        let store = open_store(config, paths)?;
        let audit = Audit::start(store.place());
        let proofs = Proofs::of(config, &store)?;
        let mut admission = Admission::new(config, &store, &audit, household, proofs.spki)?;
        let reloader = Reloader::new(source, config);
        let (mut parts, collector, bridge, actions) =
            make(config, paths, (&store, &audit), proofs, &admission, &reloader)?;
        let mut daemon = Self {
            router: parts.router.clone(),
            links: Arc::clone(&parts.links),
            store,
            audit,
            advertiser: Arc::clone(&parts.advertiser),
            certificates: Arc::clone(&parts.certificates),
            reloader: Arc::clone(&reloader),
            listeners: Arc::clone(&parts.listeners),
            actions,
            bridge,
            addresses: Vec::new(),
            quic: Vec::new(),
            socket: None,
            tasks: Vec::new(),
        };
        if let Some((undecided, unknown)) = admission.asked.take() {
            daemon.tasks.extend([
                tokio::spawn(authorizer::serve(daemon.router.clone(), undecided)),
                tokio::spawn(authenticator::serve(daemon.router.clone(), unknown)),
                tokio::spawn(Arc::clone(&daemon.certificates).watch()),
            ]);
        }
        // Whoever can connect finds everything registered already.
        if let Some(machine) = machine {
            let open = Opened {
                desk: admission.desk,
                access: admission.access,
                consents: admission.consents,
                told: admission.told,
                questions: admission.questions,
                said: Arc::clone(&parts.said),
                reloader: Arc::clone(&reloader),
                collector: Arc::clone(&collector),
                listeners: Arc::clone(&parts.listeners),
            };
            parts.functions = Some(daemon.open_desktop(config, machine, open).await?);
        }
        daemon.actions.begin().await;
        if let Some(bridge) = &daemon.bridge {
            bridge.open(&daemon.router);
        }
        parts.front.tell(&collector);
        daemon.open_doors(config, paths, &parts.desk).await?;
        parts.addresses.clone_from(&daemon.addresses);
        reloader.is_ready(parts);
        Ok(daemon)
    }

    /// Lets everybody in: listens, and shows itself.
    async fn open_doors(&mut self, config: &Config, paths: &Paths, desk: &Desk) -> Result<()> {
        self.listen(config, paths)?;
        self.listeners.follow(&config.metrics).await?;
        if let Some(address) = self.reachable() {
            desk.listens_at(address);
        }
        self.advertise(config).await;
        Ok(())
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

    /// Where figures are told to whoever asks, with the ports that were really opened.
    #[must_use]
    pub fn metrics_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// How it stands, a sentence for systemd.
    #[must_use]
    pub fn status(&self) -> String {
        let sessions = |realm: router::RealmHandle| {
            let all = realm.totals().sessions;
            all.by_transport.iter().sum::<usize>() - all.by_transport[all.by_transport.len() - 1]
        };
        let sessions: usize = self.router.realms().into_iter().map(sessions).sum();
        let addresses = self.addresses.iter().chain(&self.quic).map(ToString::to_string);
        let socket = self.socket.iter().map(|path| path.display().to_string());
        let places: Vec<_> = addresses.chain(socket).collect();
        format!("{sessions} sessions; listening on {}", places.join(", "))
    }

    /// What its watchdog looks at.
    pub async fn probe(&self) -> Probe {
        Probe {
            router: self.router.clone(),
            session: match self.router.realm(DESKTOP_REALM) {
                Some(_) => self.local_session("watchdog").await.ok(),
                None => None,
            },
        }
    }

    /// Reads the configuration again and takes what can be taken, and the certificates that it names.
    ///
    /// # Errors
    /// It is wrong, and nothing has changed: a sentence for each mistake.
    pub async fn reload(&self) -> Result<Reloaded, Vec<String>> {
        self.reloader.reload().await
    }

    /// Says goodbye to the network and to every session, and ends.
    pub async fn stop(self) {
        if let Some(bridge) = &self.bridge {
            bridge.close();
        }
        self.actions.stop();
        self.listeners.stop();
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

/// What [`make`] makes, with who tells the figures.
type Made = (Parts, Arc<Collector>, Option<Arc<Bridge>>, Actions);

/// The router with its realms and links, and everything else that another configuration may change.
fn make(
    config: &Config,
    paths: &Paths,
    (store, audit): (&Arc<Store>, &Audit),
    proofs: Proofs,
    admission: &Admission,
    reloader: &Reloader,
) -> Result<Made> {
    let limits = limits(&config.limits);
    let bridge = Bridge::of(config, limits.joined);
    let front = front(config, &proofs, (store, &admission.desk), bridge.clone());
    let (access, desk) = (Arc::clone(&admission.access), Arc::clone(&admission.desk));
    let router = Router::with_keys(Arc::clone(&access) as _, Arc::clone(&front) as _, proofs.keys, limits);
    let realms = Realms::new(paths, store)?;
    let links = Arc::new(realms.open(&router, config)?);
    let actions = Actions::new(&router, (store, audit), config);
    let collector = Arc::new(Collector {
        router: router.clone(),
        store: Arc::clone(store),
        desk: Arc::clone(&desk),
        access: Arc::clone(&access),
        audit: audit.clone(),
        links: Arc::clone(&links),
        reloads: reloader.counts(),
    });
    let parts = Parts {
        router,
        realms,
        links,
        actions: actions.handle(),
        store: Arc::clone(store),
        access,
        desk,
        said: Arc::new(Said::new(computer_name(config), config)),
        functions: None,
        advertiser: Arc::new(Advertiser::new(Arc::clone(store), config.discovery.enabled)),
        certificates: proofs.certificates,
        front,
        listeners: Arc::new(Listeners::new(Arc::clone(&collector))),
        addresses: Vec::new(),
    };
    Ok((parts, collector, bridge, actions))
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
