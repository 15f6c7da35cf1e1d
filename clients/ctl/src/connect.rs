//! From the global options to a session: with the desktop on this machine ([`crate::here`]), or another one by its address.
//! Those that this command line is paired with are the business of [`crate::distant`].

use std::time::Duration;

use client::{Client, Options, Serializer, Session, Target};

use crate::args::Global;
use crate::distant;
use crate::failure::Failure;
use crate::here;
use crate::login;

/// The realm of desktops.
pub(crate) const REALM: &str = "deskconn";
/// The port of desktops.
pub(crate) const PORT: u16 = 5020;
/// How long opening a session may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nothing is said of a login at a desktop of one's own.
const HERE: &str = "here the socket says who you are";
const PAIRED: &str = "with --desktop the keys of the pairing say who you are";

/// Opens a session.
pub(crate) async fn open(global: &Global) -> Result<Session, Failure> {
    let options = options(global);
    if let Some(name) = &global.desktop {
        login::unfit(&global.login, PAIRED)?;
        return distant::open(name, global, options).await;
    }
    let Some(at) = &global.at else {
        login::unfit(&global.login, HERE)?;
        return here::open(options).await;
    };
    let at = target(at, global.login.pin.is_some())?;
    let options = login::at_router(global, &at, options)?;
    let opened = Session::connect(&at, options).await;
    opened.map_err(|error| login::refused(&global.login, error))
}

/// Opens a session for a command that runs until somebody ends it: it outlives its connection, and the desktop's program.
pub(crate) async fn keep(global: &Global) -> Result<Client, Failure> {
    let options = options(global);
    if let Some(name) = &global.desktop {
        login::unfit(&global.login, PAIRED)?;
        return distant::keep(name, global, options).await;
    }
    let Some(at) = &global.at else {
        login::unfit(&global.login, HERE)?;
        return here::keep(options).await;
    };
    let at = target(at, global.login.pin.is_some())?;
    let options = login::at_router(global, &at, options)?;
    keep_at(at, global, options).await
}

/// The same at this address alone.
pub(crate) async fn keep_at(at: Target, global: &Global, options: Options) -> Result<Client, Failure> {
    let client = Client::builder(options).at(at.clone()).open().await;
    client.map_err(|unreached| match unreached.into_worst() {
        Some(error) => login::refused(&global.login, error),
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

pub(crate) fn realm(global: &Global) -> &str {
    global.realm.as_deref().unwrap_or(REALM)
}

/// An address as people write it: a whole one, or a host with or without a port, by TLS where its key is known.
fn target(at: &str, has_pin: bool) -> Result<Target, Failure> {
    if is_whole(at) {
        return Ok(at.parse()?);
    }
    let scheme = if has_pin { "wss" } else { "ws" };
    Ok(format!("{scheme}://{}/ws", with_port(at, PORT)).parse()?)
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
            assert_eq!(target(at, false).unwrap().to_string(), expected, "{at}");
        }
        assert_eq!(
            target("desk.local", true).unwrap().to_string(),
            "wss://desk.local:5020/ws"
        );
        for at in ["", ":80", "host:99999", "http://host:80", "unix:relative"] {
            assert!(matches!(target(at, false), Err(Failure::Usage(_))), "{at}");
        }
    }
}
