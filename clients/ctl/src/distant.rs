//! A session with a desktop that this command line was paired with: by TLS with the pinned key, and in no other way.
//!
//! Where it is, the stored hosts say, then mDNS; neither is trusted, since whoever answers must have the key.

use std::time::Duration;

use client::discovery::Interfaces;
use client::pairing::targets;
use client::tls::ConnectError as TlsError;
use client::{Client, ConnectError, Options, Session, Target, Unreached};
use pairing::exchange::Joined;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::args::Global;
use crate::commands::desktops::at;
use crate::connect;
use crate::failure::Failure;
use crate::joined::{Desktops, shown_id};
use crate::nearby;

/// How long one host may take: it may be a name that nobody resolves, or an address of another network.
const PATIENCE: Duration = Duration::from_secs(5);
/// The lead that each host has over the next: a name may wait for a DNS that says nothing (RFC 8305 §5 recommends this much).
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens a session with the desktop of this name or id.
pub(crate) async fn open(name: &str, global: &Global, options: Options) -> Result<Session, Failure> {
    let (joined, options) = login(name, global, options)?;
    if let Some(at) = &global.at {
        return Ok(Session::connect(&given(&joined, at)?, options).await?);
    }
    let mut search = Search {
        joined: &joined,
        options,
        impostor: None,
        tried: Vec::new(),
    };
    let stored = joined.hosts.iter().map(|host| at(host, joined.port)).collect();
    if let Some(session) = search.try_hosts(stored).await? {
        return Ok(session);
    }
    let id = shown_id(&joined);
    let found = nearby::desktops(global, true, |found| found.id.as_deref() == Some(&id)).await?;
    let found = found.iter().flat_map(nearby::hosts).collect();
    match search.try_hosts(found).await? {
        Some(session) => Ok(session),
        None => Err(search.failed()),
    }
}

/// Keeps one open, wherever the desktop goes.
pub(crate) async fn keep(name: &str, global: &Global, options: Options) -> Result<Client, Failure> {
    let (joined, options) = login(name, global, options)?;
    if let Some(at) = &global.at {
        return connect::keep_at(given(&joined, at)?, options).await;
    }
    let mut builder = Client::builder(options.clone());
    for target in targets(&joined) {
        builder = builder.at(target);
    }
    if !global.no_discovery {
        builder = builder.look_for(&shown_id(&joined), Interfaces::default());
    }
    let Unreached { tried, lookup } = match builder.open().await {
        Ok(client) => return Ok(client),
        Err(unreached) => unreached,
    };
    let mut search = Search {
        joined: &joined,
        options,
        impostor: None,
        tried: Vec::new(),
    };
    for (target, error) in tried {
        search.missed(target.host().unwrap_or_default(), error)?;
    }
    match lookup {
        Some(why) => Err(Failure::failed(why)),
        None => Err(search.failed()),
    }
}

/// What is known of the desktop of this name or id, and how to log in there.
fn login(name: &str, global: &Global, options: Options) -> Result<(Joined, Options), Failure> {
    let desktops = Desktops::of_this_user()?;
    let joined = desktops.find(name)?;
    let again = || Failure::failed(format!("pair with {} again: deskconnctl join", joined.name));
    let keys = desktops.known_keys()?.ok_or_else(again)?;
    if joined.keys.spki.is_none() {
        return Err(again());
    }
    let login = client::pairing::options(&joined, &keys.identity);
    let realm = global.realm.as_deref().map_or(login.realm, Into::into);
    let options = Options {
        realm,
        key: login.key,
        authid: login.authid,
        pin: login.pin,
        patience: PATIENCE,
        ..options
    };
    Ok((joined, options))
}

fn target(joined: &Joined, host: String) -> Target {
    let path = joined.path.clone();
    Target::SecureWebSocket { host, path }
}

/// The one place where it is to be looked for: an address as a whole, or a host with or without a port.
fn given(joined: &Joined, place: &str) -> Result<Target, Failure> {
    if connect::is_whole(place) {
        return Ok(place.parse()?);
    }
    Ok(target(joined, connect::with_port(place, joined.port)))
}

/// The places that were tried.
struct Search<'a> {
    joined: &'a Joined,
    options: Options,
    /// Where somebody answered who is not the desktop.
    impostor: Option<String>,
    tried: Vec<String>,
}

impl Search<'_> {
    /// Tries hosts with ports until the desktop answers. What it says then counts; whoever else answers, does not.
    async fn try_hosts(&mut self, mut hosts: Vec<String>) -> Result<Option<Session>, Failure> {
        hosts.retain(|host| !self.tried.contains(host));
        let mut hosts = hosts.into_iter();
        let mut attempts = JoinSet::new();
        loop {
            if let Some(host) = hosts.next() {
                let (target, options) = (target(self.joined, host.clone()), self.options.clone());
                attempts.spawn(async move { (host, Session::connect(&target, options).await) });
            }
            tokio::select! {
                Some(attempt) = attempts.join_next() => match attempt {
                    Ok((_, Ok(session))) => return Ok(Some(session)),
                    Ok((host, Err(error))) => self.missed(&host, error)?,
                    Err(error) => return Err(Failure::failed(error.to_string())),
                },
                () = sleep(HEAD_START), if hosts.len() > 0 => {}
                else => return Ok(None),
            }
        }
    }

    /// Whoever is there is not the desktop. What the desktop itself says is an error.
    fn missed(&mut self, host: &str, error: ConnectError) -> Result<(), Failure> {
        let is_absent = matches!(
            error,
            ConnectError::Unreachable(..) | ConnectError::TooSlow(..) | ConnectError::Tls(..) | ConnectError::Lost(_)
        );
        if !is_absent {
            return Err(error.into());
        }
        if matches!(error, ConnectError::Tls(_, TlsError::OtherKey)) {
            // An address that was given to another desktop meanwhile looks like this too; ours may be elsewhere.
            self.impostor.get_or_insert(host.to_owned());
        }
        self.tried.push(host.to_owned());
        Ok(())
    }

    fn failed(&self) -> Failure {
        let name = &self.joined.name;
        if let Some(host) = &self.impostor {
            return Failure::Impostor(format!(
                "whoever answers at {host} is not {name}: it shows another certificate than the one that was paired with. \
                 Somebody may be in between, or {name} was installed anew. No command was sent. If you know that it was, \
                 pair again at the desktop: deskconnctl join"
            ));
        }
        let tried = self.tried.join(", ");
        Failure::NotFound(format!("{name} was not found (tried {tried} and the network)"))
            .hint("is it running, and on this network? `deskconnctl discover` shows the desktops that are")
    }
}
