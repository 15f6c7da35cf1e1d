//! Finding desktops, and any other DNS-SD service, on the local network by mDNS.
//!
//! Nothing found here is trusted: it is an address to try and a name to show. Who a desktop is, is proved by its key
//! when connecting. Publishing is the daemon's business.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use deskconn_client::discovery::{DESKCONN, Interfaces, browse};
//!
//! for found in browse(DESKCONN, 10, Duration::from_secs(2), &Interfaces::default()).await? {
//!     println!("{} {:?} {}", found.name, found.addresses, found.port);
//! }
//! # Ok(())
//! # }
//! ```

mod found;
mod interfaces;
mod srv;
pub mod wire;

use std::collections::HashMap;
use std::time::Duration;

use mdns_sd::{IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceEvent};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

pub use found::{Address, Found, MAX_ADDRESSES, MAX_TXT};
pub use interfaces::Interfaces;

/// The service type of desktops.
pub const DESKCONN: &str = "_deskconn._tcp";

/// Services one browser keeps. A network has a few dozen of a kind; a flood of invented ones ends here.
pub const MAX_FOUND: usize = 256;

/// Services whose priority is being asked for at the same time; past that they are reported without one.
const MAX_LOOKUPS: usize = 32;

/// The pause before browsing anew, so that a flood does not make this a flood of questions.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// After browsing anew, what does not show up again in this time is gone: by then it was asked for at 0, 1 and 3 s.
const CONFIRM_TIME: Duration = Duration::from_secs(5);

/// What changed on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A service appeared, or said something new.
    Found(Box<Found>),
    /// The service of this instance said goodbye, or its records ran out.
    Gone {
        /// The instance as in [`Found::instance`].
        instance: String,
    },
}

/// Watches one service type until it is dropped.
pub struct Browser {
    service_type: String,
    interfaces: Interfaces,
    daemon: ServiceDaemon,
    /// What the library reports, or when it is started anew.
    events: Result<Receiver<ServiceEvent>, Instant>,
    known: Known,
    lookups: JoinSet<Found>,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Browser")
            .field("service_type", &self.service_type)
            .field("known", &self.known.names.len())
            .finish_non_exhaustive()
    }
}

impl Browser {
    /// Begins to watch a type like `_http._tcp`.
    ///
    /// # Errors
    /// When the type is malformed or the system gives no thread or socket.
    pub fn start(service_type: &str, interfaces: &Interfaces) -> Result<Self, DiscoveryError> {
        if !is_service_type(service_type) {
            return Err(DiscoveryError::BadType(service_type.chars().take(64).collect()));
        }
        let (daemon, events) = open(service_type, interfaces)?;
        Ok(Self {
            service_type: service_type.to_owned(),
            interfaces: interfaces.clone(),
            daemon,
            events: Ok(events),
            known: Known::default(),
            lookups: JoinSet::new(),
        })
    }

    /// The next change. It waits for as long as nothing changes, and may be dropped and called again at any time.
    pub async fn next(&mut self) -> Change {
        loop {
            let missing_at = self.known.missing_at();
            tokio::select! {
                () = until(missing_at) => if let Some(change) = self.known.take_missing(Instant::now()) {
                    return change;
                },
                Some(found) = self.lookups.join_next(), if !self.lookups.is_empty() => {
                    if let Some(change) = found.ok().and_then(|found| self.known.report(found)) {
                        return change;
                    }
                }
                event = event(&self.events) => match event {
                    Some(event) => {
                        if let Some(change) = self.take(event) {
                            return change;
                        }
                    }
                    None => self.browse_anew(),
                },
            }
        }
    }

    /// Whether services were left out because there are more than [`MAX_FOUND`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.known.is_full
    }

    /// `ServiceFound` has a name and no address yet, so nothing is done about it: the event that has both follows.
    fn take(&mut self, event: ServiceEvent) -> Option<Change> {
        if let ServiceEvent::ServiceRemoved(_, fullname) = event {
            return self.known.forget(found::instance_of(&fullname, &self.service_type)?);
        }
        let ServiceEvent::ServiceResolved(resolved) = event else {
            return None;
        };
        let found = found::read(&resolved, &self.service_type)?;
        if self.lookups.len() >= MAX_LOOKUPS {
            return self.known.report(found);
        }
        self.lookups.spawn(async move {
            let numbers = srv::ask(&found).await;
            Found {
                priority: numbers.map(|both| both.0),
                weight: numbers.map(|both| both.1),
                ..found
            }
        });
        None
    }

    /// The library closes the channel of a reader that fell behind, and says no more. It is started anew after a pause:
    /// the running one would answer from its cache, all at once, and a flood in there closes the channel again.
    fn browse_anew(&mut self) {
        let now = Instant::now();
        if self.events.is_ok() {
            let _ = self.daemon.shutdown();
            self.known.doubt(now + RESTART_PAUSE + CONFIRM_TIME);
            self.events = Err(now + RESTART_PAUSE);
            return;
        }
        match open(&self.service_type, &self.interfaces) {
            Ok((daemon, events)) => (self.daemon, self.events) = (daemon, Ok(events)),
            Err(_) => self.events = Err(now + RESTART_PAUSE),
        }
    }
}

/// The next event; `None` when the channel has ended, or the pause after its end.
async fn event(events: &Result<Receiver<ServiceEvent>, Instant>) -> Option<ServiceEvent> {
    match events {
        Ok(events) => events.recv_async().await.ok(),
        Err(at) => {
            sleep_until(*at).await;
            None
        }
    }
}

/// The instances that were reported.
#[derive(Debug, Default)]
struct Known {
    /// By their names in small letters, as DNS compares them: the name as it was sent, and when it is given up unless
    /// it shows up again. A goodbye may have been missed while the library was started anew.
    names: HashMap<String, (String, Option<Instant>)>,
    is_full: bool,
}

impl Known {
    fn report(&mut self, found: Found) -> Option<Change> {
        let key = found.instance.to_lowercase();
        if !self.names.contains_key(&key) && self.names.len() >= MAX_FOUND {
            self.is_full = true;
            return None;
        }
        self.names.insert(key, (found.instance.clone(), None));
        Some(Change::Found(Box::new(found)))
    }

    fn forget(&mut self, instance: String) -> Option<Change> {
        self.names.remove(&instance.to_lowercase())?;
        Some(Change::Gone { instance })
    }

    /// Gives up at `until` what does not show up again. What is in doubt already stays so: a flood may make this happen
    /// over and over.
    fn doubt(&mut self, until: Instant) {
        for (_, missing_at) in self.names.values_mut() {
            missing_at.get_or_insert(until);
        }
    }

    /// When the next one is given up.
    fn missing_at(&self) -> Option<Instant> {
        self.names.values().filter_map(|(_, missing_at)| *missing_at).min()
    }

    fn take_missing(&mut self, now: Instant) -> Option<Change> {
        let is_missing = |missing_at: &Option<Instant>| missing_at.is_some_and(|at| at <= now);
        let (instance, _) = self.names.values().find(|(_, missing_at)| is_missing(missing_at))?;
        self.forget(instance.clone())
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The thread ends by itself some time after; nothing was published that would need a goodbye.
        let _ = self.daemon.shutdown();
    }
}

fn open(
    service_type: &str,
    interfaces: &Interfaces,
) -> Result<(ServiceDaemon, Receiver<ServiceEvent>), DiscoveryError> {
    let failed = |error: mdns_sd::Error| DiscoveryError::Failed(error.to_string());
    let daemon = ServiceDaemon::new().map_err(failed)?;
    daemon.disable_interface(unused(interfaces)).map_err(failed)?;
    let events = daemon.browse(&format!("{service_type}.local.")).map_err(failed)?;
    Ok((daemon, events))
}

/// The interfaces that are left out, in the library's form; it asks again for every interface that appears later.
#[must_use]
pub fn unused(interfaces: &Interfaces) -> IfKind {
    let interfaces = interfaces.clone();
    IfKind::Predicate(IfPredicate::new(move |interface| {
        !interfaces.uses(&interface.name, interface.is_p2p)
    }))
}

/// How long is waited, once as many are found as are wanted, for one that should be tried before them: who answers together
/// with others waits up to 120 ms (RFC 6762 §6), and the first to answer need not be the one with the lowest priority.
const SETTLING: Duration = Duration::from_millis(300);

/// Browses until `max` services are found and none comes that is to be preferred, or the time is over, and gives at most so
/// many in the order in which they should be tried (RFC 2782): lower priority first, then higher weight.
///
/// # Errors
/// When the type is malformed or the system gives no thread or socket.
pub async fn browse(
    service_type: &str,
    max: usize,
    patience: Duration,
    interfaces: &Interfaces,
) -> Result<Vec<Found>, DiscoveryError> {
    browse_for(service_type, max, patience, interfaces, |_| true).await
}

/// Up to `max` desktops on the network this machine is in, found within `patience`: those to be tried first come first. It
/// takes no longer than it must to find so many.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// for desktop in deskconn_client::discovery::desktops(3, std::time::Duration::from_secs(2)).await? {
///     println!("{} at {:?}", desktop.name, desktop.targets());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the system gives no thread or socket.
pub async fn desktops(max: usize, patience: Duration) -> Result<Vec<Found>, DiscoveryError> {
    browse(DESKCONN, max, patience, &Interfaces::default()).await
}

/// As [`browse`], for services that are `wanted` alone.
///
/// # Errors
/// When the type is malformed or the system gives no thread or socket.
pub async fn browse_for(
    service_type: &str,
    max: usize,
    patience: Duration,
    interfaces: &Interfaces,
    wanted: impl Fn(&Found) -> bool,
) -> Result<Vec<Found>, DiscoveryError> {
    let end = Instant::now() + patience;
    let mut enough = None;
    let mut browser = Browser::start(service_type, interfaces)?;
    let mut found: HashMap<String, Found> = HashMap::new();
    loop {
        if found.len() >= max && enough.is_none() {
            enough = Some(Instant::now() + SETTLING);
        }
        let until = enough.map_or(end, |enough| end.min(enough));
        match timeout_at(until, browser.next()).await {
            Ok(Change::Found(one)) if wanted(&one) => drop(found.insert(one.instance.to_lowercase(), *one)),
            // What is not wanted any more has another text now.
            Ok(Change::Found(one)) => drop(found.remove(&one.instance.to_lowercase())),
            Ok(Change::Gone { instance }) => drop(found.remove(&instance.to_lowercase())),
            Err(_) => break,
        }
    }
    let mut found: Vec<Found> = found.into_values().collect();
    sort(&mut found);
    found.truncate(max);
    Ok(found)
}

/// Sorts by priority, then weight, then name. Who does not say a priority comes after those who do.
pub fn sort(found: &mut [Found]) {
    found.sort_by(|one, other| {
        let key = |found: &Found| {
            (
                found.priority.map_or(u32::MAX, u32::from),
                std::cmp::Reverse(found.weight.unwrap_or(0)),
            )
        };
        key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name))
    });
}

/// Whether this is a service type like `_http._tcp` (RFC 6335 §5.1 with the underscores of RFC 6763 §4.1.2): 1 to 15
/// letters, digits and single hyphens inside, one letter at least.
#[must_use]
pub fn is_service_type(text: &str) -> bool {
    let name = text
        .strip_prefix('_')
        .and_then(|rest| rest.strip_suffix("._tcp").or(rest.strip_suffix("._udp")));
    name.is_some_and(|name| {
        (1..=15).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && name.bytes().any(|byte| byte.is_ascii_alphabetic())
            && !name.starts_with('-')
            && !name.ends_with('-')
            && !name.contains("--")
    })
}

/// Why nothing can be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// A malformed type.
    #[error(
        "{0:?} is no service type; one looks like \"_http._tcp\": 1 to 15 letters, digits and hyphens, then ._tcp or ._udp"
    )]
    BadType(String),
    /// The system refused.
    #[error(
        "mDNS cannot be started: {0}; see whether this user may open UDP sockets and whether its process limit is reached"
    )]
    Failed(String),
}

#[cfg(test)]
mod tests;
