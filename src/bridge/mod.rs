//! Calls and publications by single HTTP requests: `POST /api/REALM/call` and `POST /api/REALM/publish`, with the bodies that
//! crossbar has for it, so that its users need not change them (`docs/API.md`).
//!
//! A request is nothing that could not be had otherwise: its token is the ticket of somebody who may come into the realm,
//! and what it may do is what the session of that login may. There is no request in the clear from the network, and none
//! for pages of others, which the router's door keeps out.

mod answers;
mod credentials;
mod sessions;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use client::{CallOptions, Dict, Session, Value, dict};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::header::CONTENT_ENCODING;
use hyper::{HeaderMap, Method, StatusCode};
use router::{Peer, Request, Response, Router};
use tokio::time::timeout;
use wamp::auth::ticket::Ticket;
use wamp::error;
use wamp::limits::Bounds;

use self::answers::{Answer, Refusal, failed};
use self::credentials::Tickets;
use self::sessions::Sessions;
use crate::config::{Config, Login};

/// Where it is.
const BASE: &str = "/api/";
/// How long a call may take where its body does not say, and whatever it says: an HTTP request that waits holds a
/// connection, and what stands in between gives up as well.
const CALL_TIME: Duration = Duration::from_secs(30);
const LONGEST_CALL: Duration = Duration::from_secs(120);
/// How long the body of a request may take.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a call that the router has ended may take to say so.
const GRACE: Duration = Duration::from_secs(2);

/// The bridge.
#[derive(Debug)]
pub(crate) struct Bridge {
    /// Once there is one; it holds the door, and the door this.
    router: Mutex<Option<Router>>,
    sessions: Arc<Sessions>,
    /// Who has which ticket, by realm.
    tickets: BTreeMap<String, Tickets>,
    bounds: Bounds,
}

impl Bridge {
    /// The bridge, if the configuration wants it.
    pub(crate) fn of(config: &Config, bounds: Bounds) -> Option<Arc<Self>> {
        let tickets = config.realms.iter().map(|realm| {
            let tickets = realm.principals.iter().filter_map(|it| match &it.login {
                Login::Ticket(ticket) => Some((it.authid.clone(), Ticket::clone(ticket))),
                Login::Cryptosign(_) | Login::Cra(_) | Login::Scram(_) | Login::Tls => None,
            });
            (realm.name.clone(), Tickets::new(tickets.collect()))
        });
        config.http.bridge.then(|| {
            Arc::new(Self {
                router: Mutex::default(),
                sessions: Arc::default(),
                tickets: tickets.collect(),
                bounds,
            })
        })
    }

    /// From now on requests are served.
    pub(crate) fn open(&self, router: &Router) {
        *self.router.lock().unwrap_or_else(PoisonError::into_inner) = Some(router.clone());
    }

    /// From now on they are not.
    pub(crate) fn close(&self) {
        self.router.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.sessions.clear();
    }

    /// Whether a request to this path is for the bridge.
    pub(crate) fn is_meant(path: &str) -> bool {
        path.starts_with(BASE)
    }

    /// The answer to a request. Dropping the future, as when the client goes away, cancels the call.
    pub(crate) async fn answer(&self, request: Request, peer: &Peer) -> Response {
        if request.method() == Method::OPTIONS {
            return answers::preflight(peer);
        }
        answers::response(self.serve(request, peer).await, peer)
    }

    async fn serve(&self, request: Request, peer: &Peer) -> Answer<Dict> {
        if request.method() != Method::POST {
            let sentence = "only POST is understood here";
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                error::INVALID_ARGUMENT,
                sentence,
            ));
        }
        let (head, body) = request.into_parts();
        let path = head.uri.path().strip_prefix(BASE).and_then(|path| path.split_once('/'));
        let realm_and_action = path.and_then(|(realm, action)| Some((decoded(realm)?, action)));
        let Some((realm, action @ ("call" | "publish"))) = realm_and_action else {
            let sentence = "there are /api/REALM/call and /api/REALM/publish";
            return Err(Refusal::new(StatusCode::NOT_FOUND, error::NO_SUCH_REALM, sentence));
        };
        if !peer.is_private() && !peer.is_on_this_machine() {
            let sentence =
                "a token that is sent over a plain connection from the network is everybody's who listens; use https";
            return Err(Refusal::new(StatusCode::FORBIDDEN, error::NOT_AUTHORIZED, sentence));
        }
        let session = self.session(&realm, &head.headers, peer).await?;
        if is_encoded(&head.headers) {
            let sentence = "the body must come as it is: no Content-Encoding is understood here";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Refusal::new(status, error::INVALID_ARGUMENT, sentence));
        }
        let body = read(body, self.bounds.message_bytes).await?;
        let done = self.act(&session, action, &body).await;
        done.map_err(|refusal| Box::new(refusal.of_a_whole_request()))
    }

    async fn act(&self, session: &Session, action: &str, body: &[u8]) -> Answer<Dict> {
        match action {
            "call" => call(session, words::call(body, &self.bounds)?).await,
            _ => publish(session, words::publish(body, &self.bounds)?).await,
        }
    }

    /// The session of whoever has the token of the request.
    async fn session(&self, realm: &str, headers: &HeaderMap, peer: &Peer) -> Answer<Session> {
        let router = self.router.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stopped = || {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                error::SYSTEM_SHUTDOWN,
                "the router stops",
            )
        };
        let router = router.ok_or_else(stopped)?;
        let credentials = credentials::of(headers, realm, self.tickets.get(realm))?;
        if let Some(wait) = router.login_wait(peer) {
            let sentence = format!("too many logins failed; try again in {} s", wait.as_secs() + 1);
            let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, error::AUTHENTICATION_DENIED, sentence);
            refusal.retry = Some(wait.as_secs() + 1);
            return Err(refusal);
        }
        let opened = self.sessions.of(&credentials, &router, peer).await;
        opened.map_err(answers::refused)
    }
}

/// Whether the body must be unpacked before it is read (RFC 9110 §8.4).
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// A part of a path as it is meant (RFC 3986 §2.1); `None` for what is no text.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let mut byte = [first];
        if first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            hex::decode_to_slice(digits, &mut byte).ok()?;
            rest = after;
        }
        bytes.extend(byte);
    }
    String::from_utf8(bytes).ok()
}

async fn call(session: &Session, call: words::Call) -> Answer<Dict> {
    let limit = time_of(call.options.timeout);
    let options = CallOptions {
        timeout: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
        disclose_me: call.options.disclose_me,
        shard: call.options.shard,
        ..CallOptions::default()
    };
    let called = session.call_with(call.procedure.as_str(), call.args, options);
    match timeout(limit + GRACE, called).await {
        Ok(Ok(result)) => Ok(words::result(result)),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            error::TIMEOUT,
            "the call took too long",
        )),
    }
}

/// How long a call may take whose body asks for so many milliseconds; 0 asks for nothing.
fn time_of(asked: u32) -> Duration {
    match asked {
        0 => CALL_TIME,
        asked => Duration::from_millis(asked.into()).min(LONGEST_CALL),
    }
}

async fn publish(session: &Session, publish: words::Publish) -> Answer<Dict> {
    let published = session.publish_with(publish.topic.as_str(), publish.args, publish.options);
    let id = published.await.map_err(failed)?;
    let id = id.map_or(Value::Null, |id| id.get().into());
    Ok(dict([("id", id)]))
}

/// The body of a request, at most so long.
async fn read<B>(body: B, most: usize) -> Answer<Bytes>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_long = || {
        let sentence = format!("the body is longer than {most} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error::PAYLOAD_SIZE_EXCEEDED, sentence)
    };
    // Before a client that asks (`Expect: 100-continue`) is told to send it.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    match timeout(BODY_TIME, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            error::INVALID_ARGUMENT,
            "the body breaks off",
        )),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            error::TIMEOUT,
            "the body took too long",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use tokio::time::{Instant, sleep};

    use super::*;

    #[test]
    fn a_call_takes_as_long_as_is_asked_for_up_to_the_longest() {
        let longest = u32::try_from(LONGEST_CALL.as_millis()).unwrap();
        assert_eq!(time_of(0), CALL_TIME);
        assert_eq!(time_of(1), Duration::from_millis(1));
        assert_eq!(time_of(longest), LONGEST_CALL);
        for more in [longest + 1, u32::MAX] {
            assert_eq!(time_of(more), LONGEST_CALL);
        }
    }

    /// A body whose end comes after so long.
    fn body(time: Duration) -> impl Body<Data = Bytes, Error = Infallible> {
        StreamBody::new(stream::once(async move {
            sleep(time).await;
            Ok(Frame::data(Bytes::from_static(b"{}")))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_its_time_and_no_longer() {
        let moment = Duration::from_millis(1);
        let body_in_time = Box::pin(body(BODY_TIME.checked_sub(moment).unwrap()));
        assert_eq!(read(body_in_time, 2).await.unwrap(), "{}");
        let began = Instant::now();
        let late = read(Box::pin(body(BODY_TIME + moment)), 2).await.unwrap_err();
        assert_eq!((late.status, began.elapsed()), (StatusCode::REQUEST_TIMEOUT, BODY_TIME));
    }

    #[test]
    fn a_part_of_a_path_is_read_as_it_is_meant() {
        assert_eq!(decoded("home").as_deref(), Some("home"));
        assert_eq!(decoded("h%C3%B6me%2f%25").as_deref(), Some("höme/%"));
        assert_eq!(decoded("").as_deref(), Some(""));
        for wrong in ["%", "%4", "%4x", "a%", "%C3", "%-1"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_body_may_have_its_bytes_and_no_more() {
        let body = || Full::new(Bytes::from_static(b"{}"));
        assert_eq!(read(body(), 2).await.unwrap(), "{}");
        assert_eq!(read(body(), 1).await.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
