//! Who this command line is at a router that --at names, and how it knows that router.

use std::net::IpAddr;
use std::path::Path;

use client::tls::Chain;
use client::{ConnectError, JoinError, Options, Secret, SigningKey, Target};

use crate::args::{Global, Login};
use crate::connect::{REALM, realm};
use crate::failure::Failure;
use crate::key;

/// More is no secret of a person, and no certificate with what leads to its authority.
const MAX_BYTES: u64 = 64 << 10;

/// What was said of a login that is not to be: here the socket says who this is, and elsewhere what pairing stored.
pub(crate) fn unfit(login: &Login, where_it_goes: &str) -> Result<(), Failure> {
    let said = [
        ("--key", login.key.is_some()),
        ("--authid", login.authid.is_some()),
        ("--ticket", login.ticket.is_some()),
        ("--password", login.password.is_some()),
        ("--certificate", login.certificate.is_some()),
        ("--pin", login.pin.is_some()),
    ];
    match said.iter().find(|(_, is_said)| *is_said) {
        Some((option, _)) => Err(Failure::Usage(format!(
            "{option} is for a router that --at names: {where_it_goes}"
        ))),
        None => Ok(()),
    }
}

/// The options with all that is needed to log in there.
pub(crate) fn at_router(global: &Global, at: &Target, options: Options) -> Result<Options, Failure> {
    let login = &global.login;
    if login.certificate.is_some() && !is_secure(at) {
        return Err(Failure::Usage(format!(
            "a certificate is shown inside TLS, which {at} has none of: say with --pin which router is the right one"
        )));
    }
    if login.ticket.is_some() && !is_secure(at) && !is_here(at) {
        return Err(Failure::Usage(format!(
            "a ticket is told as it is, and everybody on the way to {at} would hear it: use TLS, with --pin, or a password"
        )));
    }
    let secret = secret(login)?;
    if secret.is_some() && login.authid.is_none() {
        return Err(Failure::Usage(
            "a ticket or a password is somebody's: say whose with --authid".to_owned(),
        ));
    }
    Ok(Options {
        key: signing_key(global)?,
        authid: login.authid.clone(),
        secret,
        certificate: login.certificate.as_deref().map(certificate).transpose()?,
        pin: login.pin,
        ..options
    })
}

const fn is_secure(at: &Target) -> bool {
    match at {
        Target::SecureWebSocket { .. } | Target::SecureRawSocket { .. } | Target::Quic { .. } => true,
        Target::WebSocket { .. } | Target::RawSocket { .. } | Target::Unix(_) => false,
    }
}

/// Whether nobody is between: on this machine.
fn is_here(at: &Target) -> bool {
    let Some(host) = at.host() else { return true };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The key to log in with: the one that was asked for; or the usual one, if it is there, this is a desktop, and nothing else is
/// to be logged in with.
fn signing_key(global: &Global) -> Result<Option<SigningKey>, Failure> {
    let login = &global.login;
    if let Some(path) = &login.key {
        return key::read(path).map(Some);
    }
    let is_otherwise =
        login.anonymous || login.ticket.is_some() || login.password.is_some() || login.certificate.is_some();
    let usual = key::default_path().filter(|path| !is_otherwise && realm(global) == REALM && path.exists());
    usual.map(|path| key::read(&path)).transpose()
}

fn secret(login: &Login) -> Result<Option<Secret>, Failure> {
    if let Some(path) = &login.ticket {
        return Ok(Some(Secret::Ticket(line(path, "ticket")?)));
    }
    let password = login.password.as_deref().map(|path| line(path, "password"));
    Ok(password.transpose()?.map(Secret::Password))
}

/// The one line of a file; the end of the line is no part of it, blanks are.
fn line(path: &Path, what: &str) -> Result<String, Failure> {
    let text = key::read_private(path, what, MAX_BYTES)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains('\n') {
        let shown = path.display();
        return Err(Failure::failed(format!(
            "{shown} holds no {what}: one line is expected"
        )));
    }
    Ok(line.to_owned())
}

fn certificate(path: &Path) -> Result<Chain, Failure> {
    let text = key::read_private(path, "certificate with its key", MAX_BYTES)?;
    let unfit =
        |error: client::tls::UnusableError| Failure::failed(format!("{} cannot be used: {error}", path.display()));
    Chain::from_pem(text.as_bytes(), text.as_bytes()).map_err(unfit)
}

/// What helps where a router at an address does not let this client in.
pub(crate) fn refused(login: &Login, error: ConnectError) -> Failure {
    const HINT: &str = "see whether the authid and the secret are those of a principal of this realm";
    let is_no_device = login.authid.is_some() || login.certificate.is_some();
    match &error {
        ConnectError::Join(JoinError::Refused(abort))
            if is_no_device
                && matches!(
                    abort.reason.as_str(),
                    "wamp.error.authentication_failed" | "wamp.error.no_such_principal"
                ) =>
        {
            Failure::failed(error.to_string()).hint(HINT)
        }
        ConnectError::NoPin(_) => Failure::from(error).hint(
            "--pin SHA256 says which certificate is the right one; a desktop that this command line is paired with is reached \
             by --desktop NAME",
        ),
        ConnectError::Target(_)
        | ConnectError::WouldBePlain(_)
        | ConnectError::Unreachable(..)
        | ConnectError::NotWamp(..)
        | ConnectError::PairingClosed(_)
        | ConnectError::Tls(..)
        | ConnectError::Noise(..)
        | ConnectError::Join(_)
        | ConnectError::Lost(_)
        | ConnectError::TooSlow(..) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_by_tls_or_stays_on_this_machine_is_private() {
        for (at, secure, here) in [
            ("wss://hub:8080/ws", true, false),
            ("rss://192.0.2.7:8080", true, false),
            ("quic://[2001:db8::1]:8080", true, false),
            ("ws://hub:8080/ws", false, false),
            ("rs://192.0.2.7:8080", false, false),
            ("ws://127.0.0.1.example.org:8080/ws", false, false),
            ("ws://127.0.0.2:8080/ws", false, true),
            ("rs://localhost:8080", false, true),
            ("ws://[::1]:8080/ws", false, true),
            ("unix:/run/router.sock", false, true),
        ] {
            let target: Target = at.parse().unwrap();
            assert_eq!((is_secure(&target), is_here(&target)), (secure, here), "{at}");
        }
    }
}
