//! Who asks, by the header `Authorization`: `Bearer TOKEN` (RFC 6750) or `Basic` with a name and its ticket (RFC 7617).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, StatusCode};
use wamp::auth::ticket::Ticket;
use wamp::error::{AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, NO_SUCH_REALM};

use super::answers::{Answer, Refusal};
use super::sessions::Credentials;

/// The name under which a token is shown to the realm's authenticator that is nobody's in the configuration.
const BEARER: &str = "bearer";

/// The tickets of a realm, and whose they are.
#[derive(Debug)]
pub(super) struct Tickets(Vec<(String, Ticket)>);

impl Tickets {
    pub(super) const fn new(tickets: Vec<(String, Ticket)>) -> Self {
        Self(tickets)
    }

    /// Whose ticket it is.
    fn owner(&self, token: &str) -> Option<&str> {
        let owner = self.0.iter().find(|(_, ticket)| ticket.is(token));
        owner.map(|(authid, _)| authid.as_str())
    }
}

pub(super) fn of(headers: &HeaderMap, realm: &str, tickets: Option<&Tickets>) -> Answer<Credentials> {
    let no = |error, sentence: &str| Refusal::new(StatusCode::UNAUTHORIZED, error, sentence);
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        let sentence = "one header Authorization is needed: Bearer and a token, or Basic with a name and its ticket";
        return Err(no(AUTHENTICATION_REQUIRED, sentence));
    };
    let wrong = || {
        no(
            AUTHENTICATION_FAILED,
            "Authorization must be Bearer and a token, or Basic with a name and its ticket",
        )
    };
    let given = given.to_str().map_err(|_| wrong())?;
    let (scheme, rest) = given.split_once(' ').ok_or_else(wrong)?;
    let tickets = tickets.ok_or_else(|| {
        let sentence = format!("there is no realm \"{realm}\" here for the bridge");
        Refusal::new(StatusCode::NOT_FOUND, NO_SUCH_REALM, sentence)
    })?;
    let (authid, ticket) = if scheme.eq_ignore_ascii_case("bearer") {
        let token = rest.trim();
        (tickets.owner(token).unwrap_or(BEARER).to_owned(), token.to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = BASE64_STANDARD.decode(rest.trim()).map_err(|_| wrong())?;
        let pair = String::from_utf8(pair).map_err(|_| wrong())?;
        let (authid, ticket) = pair.split_once(':').ok_or_else(wrong)?;
        (authid.to_owned(), ticket.to_owned())
    } else {
        return Err(wrong());
    };
    Ok(Credentials {
        realm: realm.to_owned(),
        authid,
        ticket,
    })
}
