//! `[[realm.link]]`: other routers whose realms a realm exchanges events and calls with (`docs/LINKS.md`).

use client::{Secret, SigningKey, Target};
use wamp::auth::Method;
use wamp::auth::ticket::MAX_TICKET;

use super::ConfigError;
use super::principal::MAX_PASSWORD;
use super::read::{Field, Section};
use super::realm::{MAX_NAME, Match, is_uri, read_match, read_uri};

/// Links of a realm: each is two sessions, and more would be a network of its own.
pub const MAX_LINKS: usize = 16;
/// Addresses of a link, which are tried in turn.
pub const MAX_ADDRESSES: usize = 8;
/// What a link forwards: each is a subscription and a registration on either side, of which a session may have 64.
pub const MAX_FORWARDS: usize = 64;

/// A link to another router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is called here.
    pub name: String,
    /// Where the other router is: the first that answers has it.
    pub to: Vec<Target>,
    /// The other router's realm.
    pub realm: String,
    /// The name to log in under.
    pub authid: Option<String>,
    /// The key to log in with.
    pub key: Option<SigningKey>,
    /// The ticket or password to log in with.
    pub secret: Option<Secret>,
    /// The pin of the other router's certificate.
    pub pin: Option<[u8; 32]>,
    /// What is forwarded.
    pub forward: Vec<Forward>,
}

/// What a link forwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The topic or procedure, or a pattern of them.
    pub uri: String,
    /// How it is compared.
    pub matching: Match,
    /// Events go to the other router, and calls are answered there.
    pub is_out: bool,
    /// Events come from the other router, and its calls are answered here.
    pub is_in: bool,
    /// Events are forwarded.
    pub events: bool,
    /// Calls are forwarded.
    pub calls: bool,
    /// Events that go out wait on disk for the other router.
    pub keep: bool,
}

impl Forward {
    /// Whether both forward some of the same: the link would ask a router for it twice, and get it once.
    fn repeats(&self, other: &Self) -> bool {
        let in_one_direction = (self.is_out && other.is_out) || (self.is_in && other.is_in);
        let of_one_kind = (self.events && other.events) || (self.calls && other.calls);
        (&self.uri, self.matching) == (&other.uri, other.matching) && in_one_direction && of_one_kind
    }
}

impl Link {
    /// Whether events wait on disk for the other router.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.forward.iter().any(|forward| forward.keep)
    }
}

/// The links of a realm with this name.
pub(super) fn read(sections: Vec<Section<'_>>, realm: &str) -> Result<Vec<Link>, ConfigError> {
    let mut links: Vec<Link> = Vec::new();
    for mut section in sections {
        let field = section.need("name", "what the link is called in logs and in `deskconnctl status`")?;
        let name = field.short(MAX_NAME)?;
        if links.iter().any(|link| link.name == name) {
            return Err(field.error("different for every link of the realm"));
        }
        links.push(read_link(name, realm, section)?);
    }
    Ok(links)
}

fn read_link(name: String, realm: &str, mut section: Section<'_>) -> Result<Link, ConfigError> {
    let pin = section.get("pin").map(|field| read_pin(&field)).transpose()?;
    let to = read_addresses(&mut section, pin.is_some())?;
    let uri = "the URI of the other router's realm";
    let realm = match section.get("realm") {
        Some(field) => field.text(uri, |text| is_uri(text, false).then(|| text.to_owned()))?,
        None => realm.to_owned(),
    };
    let authid = section.get("authid").map(|field| field.short(MAX_NAME)).transpose()?;
    let (key, secret) = read_login(&mut section, authid.is_some())?;
    let mut forward = Vec::new();
    for row in section.sections("forward", MAX_FORWARDS)? {
        let row = read_forward(row, &forward)?;
        forward.push(row);
    }
    if forward.is_empty() {
        let what = format!("the link {name:?} forwards nothing: give it a [[realm.link.forward]]");
        return Err(section.error(what));
    }
    section.finish()?;
    Ok(Link {
        name,
        to,
        realm,
        authid,
        key,
        secret,
        pin,
        forward,
    })
}

fn read_addresses(section: &mut Section<'_>, has_pin: bool) -> Result<Vec<Target>, ConfigError> {
    let accepted = "an address like \"wss://HOST:PORT/ws\", \"rss://HOST:PORT\", \"quic://HOST:PORT\", \"ws://HOST:PORT/ws\", \
                    \"rs://HOST:PORT\" or \"unix:/PATH\"";
    let field = section.need("to", &format!("a list, each {accepted}"))?;
    let to = field.list(MAX_ADDRESSES, accepted, |text| text.parse().ok())?;
    if to.is_empty() {
        return Err(field.lacks(&format!("a list of at least one, each {accepted}")));
    }
    let is_secure = |target: &Target| match target {
        Target::SecureWebSocket { .. } | Target::SecureRawSocket { .. } | Target::Quic { .. } => Some(true),
        Target::WebSocket { .. } | Target::RawSocket { .. } => Some(false),
        Target::Unix(_) => None,
    };
    if to.iter().any(|target| is_secure(target) == Some(!has_pin)) {
        return Err(field.error(if has_pin {
            "of wss://, rss:// and quic:// alone where there is a `pin`, which the others could not check"
        } else {
            "of ws:// and rs:// where there is no `pin`: nothing else says whose certificate is right"
        }));
    }
    Ok(to)
}

fn read_pin(field: &Field<'_>) -> Result<[u8; 32], ConfigError> {
    let accepted = "64 hexadecimal digits, the SHA-256 of the public key of the other router's certificate";
    field.text(accepted, bytes)
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

/// What the other router is to be shown. It must be something: who may speak for a router has to prove who it is.
fn read_login(section: &mut Section<'_>, is_named: bool) -> Result<(Option<SigningKey>, Option<Secret>), ConfigError> {
    let methods = "\"cryptosign\", \"ticket\", \"wampcra\" or \"wamp-scram\"";
    let field = section.need("method", methods)?;
    let method = field.text(methods, |name| {
        Method::from_name(name).filter(|method| ![Method::Anonymous, Method::Tls].contains(method))
    })?;
    if method == Method::Cryptosign {
        let accepted = "64 hexadecimal digits, the secret half of an Ed25519 key";
        let key = section.need("key", accepted)?.text(accepted, bytes)?;
        return Ok((Some(SigningKey::from_bytes(&key)), None));
    }
    if !is_named {
        return Err(field.error("\"cryptosign\" where there is no `authid`"));
    }
    let most = if method == Method::Ticket {
        MAX_TICKET
    } else {
        MAX_PASSWORD
    };
    let accepted = format!("the ticket or password, a text of 1 to {most} bytes");
    let is_one = |text: &str| (1..=most).contains(&text.len());
    let field = section.need("secret", &accepted)?;
    let secret = field.text(&accepted, |text| is_one(text).then(|| text.to_owned()))?;
    Ok((
        None,
        Some(match method {
            Method::Ticket => Secret::Ticket(secret),
            Method::Anonymous | Method::Cryptosign | Method::Cra | Method::Scram | Method::Tls => {
                Secret::Password(secret)
            }
        }),
    ))
}

fn read_forward(mut section: Section<'_>, others: &[Forward]) -> Result<Forward, ConfigError> {
    let matching = match section.get("match") {
        Some(field) => field.text("\"exact\", \"prefix\" or \"wildcard\"", read_match)?,
        None => Match::Exact,
    };
    let named = section.need("uri", "the topic or procedure, or a pattern of them")?;
    let uri = read_uri(&named, matching)?;
    if uri == "wamp" || uri.starts_with("wamp.") {
        return Err(named.error("another URI than those of the router itself, which are never forwarded"));
    }
    let directions = "\"in\", \"out\" or \"both\"";
    let field = section.need("direction", directions)?;
    let (is_out, is_in) = field.text(directions, |word| match word {
        "out" => Some((true, false)),
        "in" => Some((false, true)),
        "both" => Some((true, true)),
        _ => None,
    })?;
    let whats = "\"events\" or \"calls\"";
    let (events, calls) = match section.get("what") {
        Some(field) => {
            let what = field.list(2, whats, |word| {
                ["events", "calls"].contains(&word).then(|| word == "events")
            })?;
            if what.is_empty() {
                return Err(field.lacks(&format!("a list of at least one, each {whats}")));
            }
            (what.contains(&true), what.contains(&false))
        }
        None => (true, true),
    };
    let keep = match section.get("keep") {
        Some(field) if field.boolean()? => {
            if !(is_out && events) {
                let where_ = "false where no events go out: those that come in are kept by the router where they begin, in a \
                              link of its own";
                return Err(field.error(where_));
            }
            true
        }
        Some(_) | None => false,
    };
    section.finish()?;
    let read = Forward {
        uri,
        matching,
        is_out,
        is_in,
        events,
        calls,
        keep,
    };
    if others.iter().any(|other| read.repeats(other)) {
        return Err(named.error(
            "another one than in the rows above that forward events or calls of it in the same direction: say it once",
        ));
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
