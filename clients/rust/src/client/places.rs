//! Where a router may be, and the way from there to a session: the place that worked last, those that are known, the name
//! of a desktop on the local network, and what mDNS finds. None is trusted: TLS, Noise or the login says who it is.

use std::fmt;
use std::time::Duration;

use link::Link;
use link::noise::HandshakeError;
use link::tls::ConnectError as TlsError;
use tokio::time::{Instant, timeout};
use wamp::error::{AUTHENTICATION_FAILED, NO_SUCH_PRINCIPAL, SYSTEM_SHUTDOWN, UNAVAILABLE};
use wamp::joiner::JoinError;
use wamp::message::Welcome;
use wamp::resumption::Wanted;

use crate::connect::{Options, Target, connect};
use crate::discovery::{Address, DESKCONN, Found, Interfaces, browse_for};
use crate::error::ConnectError;
use crate::login::join;
use crate::race::{HEAD_START, Race, Since};
use crate::random::draw_name;

/// How long a desktop is looked for: questions are sent at 0, 1 and 3 s (RFC 6762 §5.2), and most answer the first.
const LOOK: Duration = Duration::from_secs(3);
/// Digits of an id in the name of its host.
const HOST_DIGITS: usize = 8;
/// Digits of an id in mDNS.
const ID_DIGITS: usize = 16;

/// Where a router may be.
#[derive(Debug)]
pub(crate) struct Places {
    /// The one that worked last comes first.
    known: Vec<Target>,
    lookup: Option<Lookup>,
    /// Which of them is first does not change.
    keeps_order: bool,
    /// What is said in each attempt, so that the router keeps no session whose WELCOME was lost.
    opening: Option<String>,
}

/// What is looked for on the local network.
#[derive(Debug)]
struct Lookup {
    id: String,
    interfaces: Interfaces,
}

/// A session that was opened.
pub(crate) struct Reached {
    pub(crate) link: Link,
    pub(crate) welcome: Welcome,
    pub(crate) target: Target,
}

/// What was tried when no session could be opened.
#[derive(Debug)]
pub struct Unreached {
    /// Where, in this order, and what came of it.
    pub tried: Vec<(Target, ConnectError)>,
    /// Why nothing could be looked for on the local network.
    pub lookup: Option<String>,
}

/// What an attempt that failed says of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Nobody is there: soon somebody may be.
    Unreachable,
    /// Somebody else answers, or the router said no for now.
    Refused,
    /// It said no, and will say it again.
    RefusedForGood,
}

impl Places {
    pub(crate) const fn new(known: Vec<Target>) -> Self {
        Self {
            known,
            lookup: None,
            keeps_order: false,
            opening: None,
        }
    }

    pub(crate) fn add(&mut self, target: Target) {
        self.known.push(target);
    }

    /// Tries them in the order in which they were given, also after another one worked.
    pub(crate) const fn keep_order(&mut self) {
        self.keeps_order = true;
    }

    /// Looks for the desktop with this id, also by its name in `.local`.
    pub(crate) fn look_for(&mut self, id: &str, interfaces: Interfaces) {
        let id: String = id.to_ascii_lowercase().chars().take(ID_DIGITS).collect();
        self.lookup = Some(Lookup { id, interfaces });
    }

    /// Opens a session at the first place that has one; without resumption unless it is wanted.
    pub(crate) async fn reach(&mut self, options: &Options, wanted: Option<&Wanted>) -> Result<Reached, Unreached> {
        let mut unreached = Unreached {
            tried: Vec::new(),
            lookup: None,
        };
        let mut next = self.known.clone();
        if let Some(lookup) = &self.lookup {
            next.extend(lookup.names(&self.known));
        }
        if let Some(reached) = self.try_each(next, options, wanted, &mut unreached).await {
            return Ok(reached);
        }
        let Some(lookup) = &self.lookup else {
            return Err(unreached);
        };
        let next = match lookup.find(&self.known).await {
            Ok(found) => found,
            Err(error) => {
                unreached.lookup = Some(error);
                return Err(unreached);
            }
        };
        self.try_each(next, options, wanted, &mut unreached)
            .await
            .ok_or(unreached)
    }

    async fn try_each(
        &mut self,
        targets: Vec<Target>,
        options: &Options,
        wanted: Option<&Wanted>,
        unreached: &mut Unreached,
    ) -> Option<Reached> {
        let opening = self.opening.get_or_insert_with(draw_name).clone();
        let first = unreached.tried.len();
        let is_new = |target: &Target| unreached.tried.iter().all(|(tried, _)| tried != target);
        let mut untried = Vec::new();
        for target in targets {
            if is_new(&target) && !untried.contains(&target) {
                untried.push(target);
            }
        }
        // Where the order says which is wanted, a slow one is no reason for another.
        let lead = (!self.keeps_order).then_some(HEAD_START);
        let mut race = Race::new(untried.clone(), lead);
        // Who proves to be the router decides. Another one may not be the one that is meant, at a likelier place that is slower.
        let proves_itself = options.pin.is_some() || options.noise.is_some();
        // Only connections are made side by side: two places may be one router, where a second login takes over the first.
        while let Some((target, connected)) = race.next(|target| Box::pin(dial(target, options.clone()))).await {
            let connected = match connected {
                Ok(stale) if stale.since.is_stale() => {
                    drop(stale);
                    Box::pin(dial(target.clone(), options.clone())).await
                }
                connected => connected,
            };
            let joined = match connected {
                Ok(connected) => Box::pin(connected.join(wanted, &opening)).await,
                Err(error) => Err(error),
            };
            match joined {
                Ok(reached) if self.keeps_order => return Some(reached),
                Ok(reached) => {
                    self.known.retain(|known| *known != target);
                    self.known.insert(0, target);
                    return Some(reached);
                }
                Err(error) => {
                    let is_final = matches!(error, ConnectError::Join(_)) && verdict(&error) == Verdict::RefusedForGood;
                    unreached.tried.push((target, error));
                    match (is_final, proves_itself) {
                        (true, true) => break,
                        (true, false) => race.begin_no_more(),
                        (false, _) => {}
                    }
                }
            }
        }
        // Not as they ended, but the likeliest first.
        unreached.tried[first..].sort_by_key(|(target, _)| untried.iter().position(|it| it == target));
        None
    }
}

/// A link that is open, and what is needed to log in there.
struct Connected {
    link: Link,
    target: Target,
    options: Options,
    /// How long that took.
    took: Duration,
    since: Since,
}

/// Connects to one place.
async fn dial(target: Target, mut options: Options) -> Result<Connected, ConnectError> {
    let began = Instant::now();
    let connecting = timeout(options.patience, connect(&target, &mut options)).await;
    let mut link = connecting.unwrap_or_else(|_| Err(too_slow(&target, options.patience)))?;
    link.reader.set_bounds(options.bounds);
    Ok(Connected {
        link,
        target,
        options,
        took: began.elapsed(),
        since: Since::now(),
    })
}

impl Connected {
    /// Logs in. What the connection took is not there any more.
    async fn join(self, wanted: Option<&Wanted>, opening: &str) -> Result<Reached, ConnectError> {
        let Self {
            mut link,
            target,
            options,
            took,
            ..
        } = self;
        let patience = options.patience;
        // Between processes of one machine no connection is lost but by the end of one of them.
        let is_local = matches!(target, Target::Unix(_)) && wanted == Some(&Wanted::Resumable);
        let wanted = wanted.filter(|_| !is_local);
        let resumption = wanted.map(|wanted| (wanted.clone(), opening.to_owned()));
        let joining = timeout(patience.saturating_sub(took), join(&mut link, options, resumption)).await;
        let welcome = joining.unwrap_or_else(|_| Err(too_slow(&target, patience)))?;
        Ok(Reached { link, welcome, target })
    }
}

fn too_slow(target: &Target, patience: Duration) -> ConnectError {
    ConnectError::TooSlow(target.to_string(), patience.as_secs())
}

impl Lookup {
    /// The desktop's own name on the local network, with the ports where it was.
    fn names(&self, known: &[Target]) -> Vec<Target> {
        let digits: String = self.id.chars().take(HOST_DIGITS).collect();
        let name = format!("deskconn-{digits}.local");
        known
            .iter()
            .filter_map(|target| target.at_host(&format!("{name}:{}", target.port()?)))
            .collect()
    }

    /// Where mDNS has it, lowest priority first, then highest weight.
    async fn find(&self, known: &[Target]) -> Result<Vec<Target>, String> {
        let is_it = |found: &Found| found.id.as_deref() == Some(&*self.id);
        let found = browse_for(DESKCONN, 1, LOOK, &self.interfaces, is_it).await;
        let found = found.map_err(|error| error.to_string())?;
        let hosts = found.iter().flat_map(|one| {
            let host = |address: &Address| address.with_port(one.port).to_string();
            one.addresses.iter().map(host)
        });
        let targets = hosts.flat_map(|host| known.iter().filter_map(move |target| target.at_host(&host)));
        Ok(targets.collect())
    }
}

impl Unreached {
    /// The error that says most: what the router itself says is worth more than that somebody else, or nobody, is elsewhere.
    #[must_use]
    pub fn worst(&self) -> Option<&ConnectError> {
        self.tried.get(self.place_of_worst()?).map(|(_, error)| error)
    }

    /// The same, to keep.
    #[must_use]
    pub fn into_worst(mut self) -> Option<ConnectError> {
        let place = self.place_of_worst()?;
        Some(self.tried.swap_remove(place).1)
    }

    fn place_of_worst(&self) -> Option<usize> {
        // An address that this client does not use says nothing of the router, unless there is no other.
        let is_usable = self.tried.iter().any(|(_, error)| !is_unused(error));
        let said = |error| (!is_usable || !is_unused(error)).then(|| verdict(error));
        let verdicts = self.tried.iter().map(|(_, error)| said(error)).enumerate();
        // Of equals the first, which is the likeliest place.
        let worst = verdicts.rev().max_by_key(|(_, verdict)| *verdict);
        worst.map(|(place, _)| place)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.worst().map_or(Verdict::Unreachable, verdict)
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.worst(), &self.lookup) {
            (Some(error), _) => error.fmt(f),
            (None, Some(lookup)) => lookup.fmt(f),
            (None, None) => f.write_str("no place is known where the router could be"),
        }
    }
}

impl std::error::Error for Unreached {}

/// Whether nothing was sent there, since this client does not speak to such an address.
const fn is_unused(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Target(_) | ConnectError::NoPin(_) | ConnectError::WouldBePlain(_)
    )
}

fn verdict(error: &ConnectError) -> Verdict {
    match error {
        ConnectError::Join(JoinError::Refused(abort)) => {
            let reason = &abort.reason;
            if *reason == SYSTEM_SHUTDOWN || *reason == UNAVAILABLE {
                Verdict::Unreachable
            } else if *reason == AUTHENTICATION_FAILED || *reason == NO_SUCH_PRINCIPAL {
                Verdict::RefusedForGood
            } else {
                Verdict::Refused
            }
        }
        // An address that was given to another desktop meanwhile looks like this; ours may come back to it.
        ConnectError::Join(_)
        | ConnectError::Tls(_, TlsError::OtherKey)
        | ConnectError::Noise(_, HandshakeError::NotGenuine) => Verdict::Refused,
        ConnectError::Target(_) | ConnectError::NoPin(_) | ConnectError::WouldBePlain(_) => Verdict::RefusedForGood,
        // Also what does not speak WAMP: so it looks when the connection breaks while it begins.
        ConnectError::Unreachable(..)
        | ConnectError::NotWamp(..)
        | ConnectError::PairingClosed(_)
        | ConnectError::Tls(..)
        | ConnectError::Noise(..)
        | ConnectError::Lost(_)
        | ConnectError::TooSlow(..) => Verdict::Unreachable,
    }
}
