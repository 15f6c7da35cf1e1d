//! Sessions in the bodies of HTTP requests (WAMP specification, "HTTP Longpoll Transport"), for clients between which and the
//! router something lets nothing else through: `POST /lp/open`, then `/lp/ID/send`, `/lp/ID/receive` and `/lp/ID/close`.
//!
//! The session itself is the ordinary one, over a link of `link::longpoll`. The id is 256 random bits, and whoever has it is
//! the client; it counts only on the kind of channel that it was made on, so that nobody is led to tell it in the clear, and
//! with the same certificate of a client.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, StatusCode};
use link::longpoll::{Fetched, Mailbox, PostError};
use link::websocket;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use wamp::codec::Serializer;

use crate::channel::Channel;
use crate::gate::{Peer, Request, Response, Transport};
use crate::limits::Place;
use crate::listener::note_turned_away;
use crate::random::random;
use crate::upgrade::refusal;
use crate::{Shared, session};

/// Where the transport is.
const BASE: &str = "/lp/";
/// How long the last messages of a session are there to be fetched.
const LINGER: Duration = Duration::from_secs(10);
/// Sessions whose last messages wait at one time; of others they are lost.
const LINGERING: usize = 64;
/// Bytes of the request that opens a transport: the names of six protocols have a hundred.
const OPENING_BYTES: usize = 4 << 10;

/// The transports, by their ids.
#[derive(Debug)]
pub(crate) struct Polls {
    open: Mutex<HashMap<String, Arc<Poll>>>,
    lingering: Semaphore,
}

/// A transport.
#[derive(Debug)]
struct Poll {
    mailbox: Mailbox,
    /// What it was opened on.
    channel: Channel,
    /// Requests under way.
    requests: AtomicUsize,
    /// When the last one ended.
    since: Mutex<Instant>,
}

/// A request of a transport that is under way.
struct Underway<'a>(&'a Poll);

impl Default for Polls {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            lingering: Semaphore::new(LINGERING),
        }
    }
}

impl Polls {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<Poll>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &str, peer: &Peer) -> Option<Arc<Poll>> {
        let open = self.open();
        let is_same = |poll: &&Arc<Poll>| {
            let (here, there) = (&peer.channel, &poll.channel);
            here.name() == there.name() && here.client_certificate() == there.client_certificate()
        };
        let poll = open.get(id).filter(is_same);
        poll.map(Arc::clone)
    }
}

impl Poll {
    fn since(&self) -> MutexGuard<'_, Instant> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn underway(&self) -> Underway<'_> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.mailbox.touch();
        Underway(self)
    }

    /// Waits until the client is gone.
    async fn absent(&self, most: Duration) {
        loop {
            let over = *self.since() + most;
            let is_there = self.requests.load(Ordering::SeqCst) > 0;
            if !is_there && over <= Instant::now() {
                return;
            }
            sleep_until(over.max(Instant::now() + most / 10)).await;
        }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        *self.0.since() = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a request to this path is for a transport.
pub(crate) fn is_meant(path: &str) -> bool {
    path.starts_with(BASE)
}

/// The answer to a request that passed the checks of its Host and Origin.
pub(crate) async fn answer(shared: Arc<Shared>, request: Request, peer: Peer) -> Response {
    let origin = peer.origin.clone();
    let mut response = respond(shared, request, peer).await.unwrap_or_else(|refusal| *refusal);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_name(ORIGIN));
    // It is one that may connect. AutobahnJS asks with credentials, of which there are none.
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    response
}

async fn respond(shared: Arc<Shared>, request: Request, peer: Peer) -> Result<Response, Box<Response>> {
    match *request.method() {
        Method::POST => {}
        // What a browser asks first for a page of another origin (Fetch Standard, "CORS-preflight fetch").
        Method::OPTIONS => {
            let mut response = empty();
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
            return Ok(response);
        }
        _ => {
            let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "only POST is understood here\n");
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            return Err(Box::new(response));
        }
    }
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix(BASE).unwrap_or_default();
    if path == "open" {
        return open(&shared, body, peer).await;
    }
    let (id, action) = path.split_once('/').unwrap_or_default();
    let poll = shared.polls.find(id, &peer).ok_or_else(gone)?;
    let _underway = poll.underway();
    match action {
        "receive" => receive(&shared, &poll).await,
        "send" => send(&shared, &poll, body).await,
        "close" => {
            poll.mailbox.close();
            Ok(empty())
        }
        _ => Err(Box::new(refusal(
            StatusCode::NOT_FOUND,
            "there are open, and of a transport send, receive and close\n",
        ))),
    }
}

/// Opens a transport and begins its session.
async fn open(shared: &Arc<Shared>, body: Incoming, mut peer: Peer) -> Result<Response, Box<Response>> {
    let bad = |sentence| Box::new(refusal(StatusCode::BAD_REQUEST, sentence));
    let body = read(body, OPENING_BYTES, shared.limits().handshake).await?;
    let asked: Value = serde_json::from_slice(&body).map_err(|_| bad("the body must be JSON\n"))?;
    let offers = asked.get("protocols").and_then(Value::as_array);
    let offers = offers.ok_or_else(|| bad("the body must be {\"protocols\": [\"wamp.2.json\", …]}\n"))?;
    let mut offers = offers.iter().filter_map(Value::as_str);
    let format = offers.find_map(websocket::negotiate).ok_or_else(|| {
        bad("offer one of the protocols wamp.2.json, wamp.2.msgpack, wamp.2.cbor, or one of these with .batched\n")
    })?;
    peer.transport = Transport::LongPoll;
    let place = shared.counters.connect(peer.ip(), &shared.limits()).map_err(|why| {
        note_turned_away(shared, &peer, why);
        let sentence = "there are as many connections as are taken; try again later\n";
        Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, sentence))
    })?;
    let (link, mailbox) = link::longpoll::open(format, shared.limits().joining);
    let id = hex::encode(random::<32>());
    let poll = Arc::new(Poll {
        mailbox,
        channel: peer.channel.clone(),
        requests: AtomicUsize::new(0),
        since: Mutex::new(Instant::now()),
    });
    shared.polls.open().insert(id.clone(), Arc::clone(&poll));
    let serving = serve(Arc::clone(shared), (id.clone(), poll), link, peer, place);
    shared.tasks.spawn(serving);
    let answer = json!({ "protocol": format.subprotocol(), "transport": id });
    Ok(with(answer.to_string().into(), "application/json"))
}

/// Serves the session of a transport, which is known until its client has the last messages.
async fn serve(shared: Arc<Shared>, (id, poll): (String, Arc<Poll>), link: link::Link, peer: Peer, place: Place) {
    {
        let mut session = session::serve(Arc::clone(&shared), link, peer, Some(place));
        tokio::select! {
            () = &mut session => {}
            () = poll.absent(shared.limits().absent) => {
                poll.mailbox.lose();
                session.await;
            }
        }
    }
    if let Ok(_turn) = shared.polls.lingering.try_acquire() {
        tokio::select! {
            _ = timeout(LINGER, poll.mailbox.closed()) => {}
            () = shared.stopping.cancelled() => {}
        }
    }
    shared.polls.open().remove(&id);
}

async fn receive(shared: &Shared, poll: &Poll) -> Result<Response, Box<Response>> {
    match timeout(shared.limits().poll, poll.mailbox.fetch()).await {
        Ok(Fetched::Messages(body)) => Ok(with(body, media_type(poll.mailbox.format().serializer))),
        Ok(Fetched::Nothing) | Err(_) => Ok(empty()),
        Ok(Fetched::Over) => Err(gone()),
    }
}

async fn send(shared: &Shared, poll: &Poll, body: Incoming) -> Result<Response, Box<Response>> {
    let body = read(body, poll.mailbox.longest(), shared.limits().write_stall).await?;
    match poll.mailbox.post(body).await {
        Ok(()) => Ok(empty()),
        Err(PostError::Over) => Err(gone()),
        Err(PostError::Violation(violation)) => {
            let mut response = refusal(StatusCode::BAD_REQUEST, "");
            *response.body_mut() = Full::from(format!("{violation}\n"));
            Err(Box::new(response))
        }
    }
}

/// The body of a request, at most so long and in so much time.
async fn read(body: Incoming, most: usize, time: Duration) -> Result<Bytes, Box<Response>> {
    let too_long = || {
        let mut response = refusal(StatusCode::PAYLOAD_TOO_LARGE, "");
        *response.body_mut() = Full::from(format!("the body is longer than {most} bytes\n"));
        Box::new(response)
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    match timeout(time, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Box::new(refusal(StatusCode::BAD_REQUEST, "the body breaks off\n"))),
        Err(_) => {
            let sentence = "the body took too long\n";
            Err(Box::new(refusal(StatusCode::REQUEST_TIMEOUT, sentence)))
        }
    }
}

const fn media_type(serializer: Serializer) -> &'static str {
    match serializer {
        Serializer::Json => "application/json",
        Serializer::MessagePack => "application/x-msgpack",
        Serializer::Cbor => "application/cbor",
    }
}

fn with(body: Bytes, media_type: &'static str) -> Response {
    let mut response = Response::new(Full::new(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The specification has 202 and calls it "no content", which is 204; AutobahnJS takes 200 and 204 alone.
fn empty() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn gone() -> Box<Response> {
    Box::new(refusal(
        StatusCode::NOT_FOUND,
        "there is no such transport, or no longer; open another one\n",
    ))
}
