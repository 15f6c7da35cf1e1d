//! What the bridge says in HTTP: results, refusals, and which pages may read them.

use client::{ConnectError, Dict, Error, Value, dict};
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL,
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use router::{Peer, Response};
use wamp::error;
use wamp::joiner::JoinError;
use wamp::uri::Uri;

/// What is understood.
const METHODS: HeaderValue = HeaderValue::from_static("POST, OPTIONS");

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    error: Uri,
    args: Vec<Value>,
    kwargs: Dict,
    /// Seconds after which it may be tried again.
    pub(super) retry: Option<u64>,
    /// Whether the connection ends with it: who is refused holds no place among the connections.
    ends: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: Uri, sentence: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            error,
            args: vec![Value::Text(sentence.into())],
            kwargs: Dict::new(),
            retry: None,
            ends: true,
        })
    }

    /// What its answer says beside the body.
    fn head(&self, headers: &mut HeaderMap) {
        if self.status == StatusCode::UNAUTHORIZED {
            // Each of both in a header of its own, which simple clients understand.
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"deskconn\""));
            let basic = HeaderValue::from_static("Basic realm=\"deskconn\", charset=\"UTF-8\"");
            headers.append(WWW_AUTHENTICATE, basic);
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, METHODS);
        }
        if let Some(retry) = self.retry {
            headers.insert(RETRY_AFTER, retry.into());
        }
        if self.ends {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// The same for somebody who may ask here and has asked for what failed: he may ask on over this connection.
    pub(super) fn of_a_whole_request(self) -> Self {
        Self { ends: false, ..self }
    }
}

pub(super) type Answer<T> = Result<T, Box<Refusal>>;

/// What came of a request, for its client.
pub(super) fn response(answer: Answer<Dict>, peer: &Peer) -> Response {
    let (body, refusal) = match answer {
        Ok(body) => (body, None),
        Err(refusal) => {
            let mut refusal = *refusal;
            let body = [
                ("error", refusal.error.as_str().into()),
                ("args", Value::List(std::mem::take(&mut refusal.args))),
                ("kwargs", Value::Dict(std::mem::take(&mut refusal.kwargs))),
            ];
            (dict(body), Some(refusal))
        }
    };
    let body = serde_json::to_vec(&Value::Dict(body)).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    readable(headers, peer);
    if let Some(refusal) = refusal {
        refusal.head(headers);
        *response.status_mut() = refusal.status;
    }
    response
}

/// What a browser asks first for a page of another origin (Fetch Standard, "CORS-preflight fetch").
pub(super) fn preflight(peer: &Peer) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, METHODS);
    readable(headers, peer);
    if peer.origin.is_some() {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        let asked = HeaderValue::from_static("authorization, content-type");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
    response
}

/// Lets the page that asked read the answer: its origin is one that the router let in.
fn readable(headers: &mut HeaderMap, peer: &Peer) {
    headers.insert(VARY, HeaderValue::from_name(ORIGIN));
    let origin = peer.origin.as_deref();
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// Why there is no session.
pub(super) fn refused(why: ConnectError) -> Box<Refusal> {
    let ConnectError::Join(JoinError::Refused(abort)) = why else {
        return Refusal::new(StatusCode::UNAUTHORIZED, error::AUTHENTICATION_FAILED, why.to_string());
    };
    let sentence = abort.details.get("message").and_then(Value::as_str);
    let status = match &abort.reason {
        reason if *reason == error::NO_SUCH_REALM => StatusCode::NOT_FOUND,
        // Nothing is wrong with the token: nobody can say now whose it is.
        reason if [error::SYSTEM_SHUTDOWN, error::UNAVAILABLE].contains(reason) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNAUTHORIZED,
    };
    Refusal::new(status, abort.reason.clone(), sentence.unwrap_or_default())
}

pub(super) fn failed(error: Error) -> Box<Refusal> {
    match error {
        Error::Request(request) => Box::new(Refusal {
            status: status(&request.uri),
            error: request.uri,
            args: request.args,
            kwargs: request.kwargs,
            retry: None,
            ends: false,
        }),
        other @ (Error::Closed(_) | Error::Unconvertible(_)) => {
            Refusal::new(StatusCode::BAD_GATEWAY, error::CANCELED, other.to_string())
        }
    }
}

/// What an error is called in HTTP. Those of applications are errors of what was called.
fn status(error: &Uri) -> StatusCode {
    let known = [
        (error::NO_SUCH_PROCEDURE, StatusCode::NOT_FOUND),
        (error::NOT_AUTHORIZED, StatusCode::FORBIDDEN),
        (error::AUTHORIZATION_FAILED, StatusCode::FORBIDDEN),
        (error::INVALID_ARGUMENT, StatusCode::BAD_REQUEST),
        (error::INVALID_URI, StatusCode::BAD_REQUEST),
        (error::PAYLOAD_SIZE_EXCEEDED, StatusCode::PAYLOAD_TOO_LARGE),
        (error::TIMEOUT, StatusCode::GATEWAY_TIMEOUT),
        (error::CANCELED, StatusCode::BAD_GATEWAY),
        (error::NO_AVAILABLE_CALLEE, StatusCode::SERVICE_UNAVAILABLE),
        (error::UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE),
    ];
    let found = known.iter().find(|(uri, _)| uri == error);
    found.map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, status)| *status)
}

#[cfg(test)]
mod tests {
    use wamp::message::Abort;

    use super::*;

    #[test]
    fn where_nobody_can_say_now_whose_a_token_is_it_is_not_called_wrong() {
        let status = |reason: Uri| {
            let abort = Abort::new(reason, "why");
            refused(ConnectError::Join(JoinError::Refused(abort))).status
        };
        assert_eq!(status(error::UNAVAILABLE), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(error::AUTHENTICATION_FAILED), StatusCode::UNAUTHORIZED);
        assert_eq!(status(error::NO_SUCH_REALM), StatusCode::NOT_FOUND);
    }
}
