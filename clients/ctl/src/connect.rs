//! From the global options to a session: with the desktop on this machine ([`crate::here`]), or another one by its address.
//! Those that this command line is paired with are the business of [`crate::distant`].

use std::time::Duration;

use client::{Client, Options, Serializer, Session, SigningKey, Target};

use crate::args::Global;
use crate::distant;
use crate::failure::Failure;
use crate::here;
use crate::key;

/// The realm of desktops.
pub(crate) const REALM: &str = "deskconn";
/// The port of desktops.
pub(crate) const PORT: u16 = 5020;
/// How long opening a session may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a session.
pub(crate) async fn open(global: &Global) -> Result<Session, Failure> {
    let mut options = options(global);
    if let Some(name) = &global.desktop {
        return distant::open(name, global, options).await;
    }
    match &global.at {
        Some(at) => {
            options.key = login(global)?;
            Ok(Session::connect(&target(at)?, options).await?)
        }
        None => here::open(options).await,
    }
}

/// Opens a session for a command that runs until somebody ends it: it outlives its connection, and the desktop's program.
pub(crate) async fn keep(global: &Global) -> Result<Client, Failure> {
    let mut options = options(global);
    if let Some(name) = &global.desktop {
        return distant::keep(name, global, options).await;
    }
    match &global.at {
        Some(at) => {
            options.key = login(global)?;
            keep_at(target(at)?, options).await
        }
        None => here::keep(options).await,
    }
}

/// The same at this address alone.
pub(crate) async fn keep_at(at: Target, options: Options) -> Result<Client, Failure> {
    let client = Client::builder(options).at(at.clone()).open().await;
    client.map_err(|unreached| match unreached.into_worst() {
        Some(error) => error.into(),
        None => Failure::NotFound(format!("nothing answers at {at}")),
    })
}

fn options(global: &Global) -> Options {
    let mut options = Options {
        patience: PATIENCE,
        ..Options::new(realm(global))
    };
    if let Some(serializer) = global.serializer {
        options.serializers = vec![Serializer::from(serializer)];
    }
    options
}

fn realm(global: &Global) -> &str {
    global.realm.as_deref().unwrap_or(REALM)
}

/// The key to log in with: the one that was asked for; or the usual one, if it is there and this is a desktop.
fn login(global: &Global) -> Result<Option<SigningKey>, Failure> {
    if global.anonymous {
        return Ok(None);
    }
    if let Some(path) = &global.key {
        return key::read(path).map(Some);
    }
    let usual = key::default_path().filter(|path| realm(global) == REALM && path.exists());
    usual.map(|path| key::read(&path)).transpose()
}

/// An address as people write it: a whole one, or a host with or without a port.
fn target(at: &str) -> Result<Target, Failure> {
    if is_whole(at) {
        return Ok(at.parse()?);
    }
    Ok(format!("ws://{}/ws", with_port(at, PORT)).parse()?)
}

pub(crate) fn is_whole(address: &str) -> bool {
    address.contains("://") || address.starts_with("unix:")
}

/// A host with its port, or with this one if it has none.
pub(crate) fn with_port(at: &str, port: u16) -> String {
    let is_bare_v6 = at.parse::<std::net::Ipv6Addr>().is_ok();
    let host = if is_bare_v6 { format!("[{at}]") } else { at.to_owned() };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if has_port { host } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_as_people_write_them() {
        for (at, expected) in [
            ("192.168.1.5", "ws://192.168.1.5:5020/ws"),
            ("192.168.1.5:80", "ws://192.168.1.5:80/ws"),
            ("desk.local", "ws://desk.local:5020/ws"),
            ("::1", "ws://[::1]:5020/ws"),
            ("[::1]", "ws://[::1]:5020/ws"),
            ("[::1]:80", "ws://[::1]:80/ws"),
            ("ws://desk.local:80/other", "ws://desk.local:80/other"),
            ("rs://desk.local:80", "rs://desk.local:80"),
            ("unix:/run/x.sock", "unix:/run/x.sock"),
        ] {
            assert_eq!(target(at).unwrap().to_string(), expected, "{at}");
        }
        for at in ["", ":80", "host:99999", "http://host:80", "unix:relative"] {
            assert!(matches!(target(at), Err(Failure::Usage(_))), "{at}");
        }
    }
}
