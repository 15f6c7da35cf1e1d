//! Logging in, on a link that is open.

use std::fmt;

use link::{Link, ReadError};
use rand::TryRng as _;
use rand::rngs::SysRng;
use wamp::joiner::{self, JoinOptions, JoinStep, Joiner};
use wamp::limits::longest_message;
use wamp::message::{Message, Welcome};
use wamp::resumption::Wanted;

use crate::connect::Options;
use crate::error::ConnectError;

/// What a client logs in with where it has no key, under the name [`Options::authid`]. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A ticket: the router is told it as it is, so let the link be private.
    Ticket(String),
    /// A password: the router is not told it, but that this client knows it, by WAMP-SCRAM or WAMP-CRA.
    Password(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticket(_) => "Ticket",
            Self::Password(_) => "Password",
        })
    }
}

/// Logs in, and asks for a session that can be resumed, or to resume one; with what is the same in each attempt.
pub(crate) async fn join(
    link: &mut Link,
    options: Options,
    resumption: Option<(Wanted, String)>,
) -> Result<Welcome, ConnectError> {
    let lost = |error: &dyn fmt::Display| ConnectError::Lost(error.to_string());
    let (resumption, opening) = resumption.unzip();
    let secret = options.secret.map(for_this_login).transpose();
    let mut joiner = Joiner::new(JoinOptions {
        authid: options.authid,
        authrole: options.authrole,
        authextra: options.authextra,
        key: options.key,
        secret: secret.map_err(|error| lost(&error))?,
        has_certificate: options.certificate.is_some(),
        channel: options.channel,
        resumption,
        opening,
        passes_on: options.passed.is_some(),
        ..JoinOptions::anonymous(options.realm)
    });
    link.writer.send(joiner.hello()).await.map_err(|error| lost(&error))?;
    loop {
        let message = match link.reader.next().await {
            Ok(Some(message)) => message,
            Ok(None) => return Err(lost(&"the router closed it")),
            Err(ReadError::Io(error)) => return Err(lost(&error)),
            Err(ReadError::Violation(violation)) => return Err(lost(&violation)),
        };
        let step = if let Message::Challenge(_) = message {
            // A password is hashed for as long as the router wants it.
            let answered = tokio::task::spawn_blocking(move || {
                let step = joiner.receive(message);
                (joiner, step)
            });
            let (back, step) = answered.await.map_err(|error| lost(&error))?;
            joiner = back;
            step
        } else {
            joiner.receive(message)
        };
        match step? {
            JoinStep::Send(message) => link.writer.send(message).await.map_err(|error| lost(&error))?,
            JoinStep::Joined(welcome) => {
                // One that is too long would end the session, with all that it does beside.
                if let Some(longest) = longest_message(&welcome.details) {
                    link.writer.set_longest(longest);
                }
                return Ok(welcome);
            }
        }
    }
}

/// A password gets a nonce of its own for each login.
fn for_this_login(secret: Secret) -> Result<joiner::Secret, rand::rngs::SysError> {
    Ok(match secret {
        Secret::Ticket(ticket) => joiner::Secret::Ticket(ticket),
        Secret::Password(password) => {
            let mut nonce = [0; 16];
            SysRng.try_fill_bytes(&mut nonce)?;
            joiner::Secret::password(password, &nonce)
        }
    })
}
