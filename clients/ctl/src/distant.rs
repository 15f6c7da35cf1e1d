//! A session with a desktop that this command line was paired with: by TLS with the pinned key, and in no other way.
//!
//! Where it is, the stored hosts say, then mDNS; neither is trusted, since whoever answers must have the key.

use std::time::Duration;

use client::discovery::Interfaces;
use client::pairing::targets;
use client::tls::ConnectError as TlsError;
use client::{Builder, Client, ConnectError, Options, Session, Target, Unreached};
use pairing::exchange::Joined;

use crate::args::Global;
use crate::connect;
use crate::failure::Failure;
use crate::joined::{Desktops, shown_id};

/// How long one host may take: it may be a name that nobody resolves, or an address of another network.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a session with the desktop of this name or id.
pub(crate) async fn open(name: &str, global: &Global, options: Options) -> Result<Session, Failure> {
    let (joined, options) = login(name, global, options)?;
    if let Some(at) = &global.at {
        return Ok(Session::connect(&given(&joined, at)?, options).await?);
    }
    let opened = builder(&joined, global, options).connect().await;
    opened.map_err(|unreached| explained(&joined, global, unreached))
}

/// Keeps one open, wherever the desktop goes.
pub(crate) async fn keep(name: &str, global: &Global, options: Options) -> Result<Client, Failure> {
    let (joined, options) = login(name, global, options)?;
    if let Some(at) = &global.at {
        return connect::keep_at(given(&joined, at)?, global, options).await;
    }
    let opened = builder(&joined, global, options).open().await;
    opened.map_err(|unreached| explained(&joined, global, unreached))
}

fn builder(joined: &Joined, global: &Global, options: Options) -> Builder {
    let builder = targets(joined).into_iter().fold(Client::builder(options), Builder::at);
    if global.no_discovery {
        return builder;
    }
    builder.look_for(&shown_id(joined), Interfaces::default())
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

/// The one place where it is to be looked for: an address as a whole, or a host with or without a port.
fn given(joined: &Joined, place: &str) -> Result<Target, Failure> {
    if connect::is_whole(place) {
        return Ok(place.parse()?);
    }
    Ok(Target::SecureWebSocket {
        host: connect::with_port(place, joined.port),
        path: joined.path.clone(),
    })
}

/// Whoever is at these places is not the desktop. What the desktop itself says is an error.
fn explained(joined: &Joined, global: &Global, unreached: Unreached) -> Failure {
    let Unreached { tried, lookup } = unreached;
    let name = &joined.name;
    let (mut impostor, mut places) = (None, Vec::new());
    for (target, error) in tried {
        let is_absent = matches!(
            error,
            ConnectError::Unreachable(..) | ConnectError::TooSlow(..) | ConnectError::Tls(..) | ConnectError::Lost(_)
        );
        if !is_absent {
            return error.into();
        }
        let host = target.host().unwrap_or_default().to_owned();
        if matches!(error, ConnectError::Tls(_, TlsError::OtherKey)) {
            // An address that was given to another desktop meanwhile looks like this too; ours may be elsewhere.
            impostor.get_or_insert(host.clone());
        }
        places.push(host);
    }
    if let Some(host) = impostor {
        return Failure::Impostor(format!(
            "whoever answers at {host} is not {name}: it shows another certificate than the one that was paired with. \
             Somebody may be in between, or {name} was installed anew. No command was sent. If you know that it was, \
             pair again at the desktop: deskconnctl join"
        ));
    }
    if let Some(why) = lookup {
        return Failure::failed(why);
    }
    let (tried, network) = (
        places.join(", "),
        if global.no_discovery { "" } else { " and the network" },
    );
    Failure::NotFound(format!("{name} was not found (tried {tried}{network})"))
        .hint("is it running, and on this network? `deskconnctl discover` shows the desktops that are")
}
