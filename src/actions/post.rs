//! Requests of HTTP: to plugs and services that the owner names, with bounded time, size, redirects and repetitions.
//!
//! A request may arrive twice: one that got no answer is made again, if `retries` allows it. A token goes to the host that the
//! configuration names, and to no other that a redirect names.

mod dial;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Method, Response, StatusCode};
use tokio::time::{sleep, timeout};
use url::Url;
use wamp::value::{Dict, Value};

use super::render::Request;

/// Bytes of an answer that are read: a plug says a hundred, a weather service some thousand.
pub(super) const MAX_ANSWER: usize = 64 << 10;

/// Bytes of a token: the longest that are in use (JWTs with many claims) are half of it.
pub(super) const MAX_TOKEN: u64 = 16 << 10;

/// The first pause before a request is made again; each further one is twice as long.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Why there is no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    why: String,
    /// Whether another attempt may do better.
    is_passing: bool,
}

/// Why there are no authorities in a file that requests could be checked by, if so. It may take its time.
pub(crate) fn authorities_fault(file: &Path) -> Option<String> {
    dial::authorities(Some(file)).err().map(|failure| failure.why)
}

impl Failure {
    fn lasting(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_passing: false,
        }
    }

    fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_passing: true,
        }
    }
}

/// Makes a request: `{status, text, json}`.
///
/// # Errors
/// Nobody answers, or not with success; with the last attempt's reason.
pub(super) async fn make(request: &Request) -> Result<Value, String> {
    let mut pause = FIRST_PAUSE;
    let mut left = request.retries;
    loop {
        let attempt = timeout(request.timeout, attempt(request)).await;
        let failure = match attempt {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::passing(format!("no answer within {} s", request.timeout.as_secs_f32())),
        };
        if !failure.is_passing || left == 0 {
            return Err(told(request, &failure));
        }
        left -= 1;
        tracing::debug!(url = %request.url, "a request is made again: {}", failure.why);
        sleep(pause).await;
        pause *= 2;
    }
}

/// Whether a request could be sent, as far as that can be seen on this machine: its headers, its token, its authorities.
///
/// # Errors
/// Why not, as [`make`] says it.
pub(super) async fn check(request: &Request) -> Result<(), String> {
    let checked = async {
        headers(request).await?;
        if request.url.scheme() == "https" {
            dial::tls(request.ca.as_deref()).await?;
        }
        Ok(())
    };
    let told = |failure: Failure| told(request, &failure);
    checked.await.map_err(told)
}

fn told(request: &Request, failure: &Failure) -> String {
    format!("{}: {}", request.url.host_str().unwrap_or_default(), failure.why)
}

/// One attempt, with the redirects that are allowed.
async fn attempt(request: &Request) -> Result<Value, Failure> {
    let mut headers = headers(request).await?;
    let mut url = request.url.clone();
    let mut method =
        Method::from_bytes(request.method.as_bytes()).map_err(|error| Failure::lasting(error.to_string()))?;
    let mut body = request.body.as_ref().map(|(_, body)| Bytes::from(body.clone()));
    let mut redirects = request.redirects;
    loop {
        let response = dial::send(
            &url,
            (method.clone(), &headers, body.clone().unwrap_or_default()),
            request.ca.as_deref(),
        );
        let response = response.await?;
        let status = response.status();
        let Some(next) = redirect(&url, &response)? else {
            return answer(response).await;
        };
        let Some(fewer) = redirects.checked_sub(1) else {
            let sentence = format!(
                "it answered with {status} and sends the request on to {next}; more `redirects` than {} would allow that",
                request.redirects
            );
            return Err(Failure::lasting(sentence));
        };
        redirects = fewer;
        if url.origin() != next.origin() {
            // What the owner trusts that host with is not for another one.
            headers = HeaderMap::from_iter(headers.remove(CONTENT_TYPE).map(|kind| (CONTENT_TYPE, kind)));
        }
        // RFC 9110 §15.4: only 307 and 308 keep the method; what comes of the others is fetched.
        if !matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
            method = Method::GET;
            body = None;
            headers.remove(CONTENT_TYPE);
        }
        url = next;
    }
}

async fn headers(request: &Request) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let wrong = |name: &str| Failure::lasting(format!("the header {name:?} cannot be sent"));
    for (name, value) in &request.headers {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(name))?;
        headers.insert(key, HeaderValue::from_str(value).map_err(|_| wrong(name))?);
    }
    if let Some((kind, _)) = request.body {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    if let Some(file) = &request.token_file {
        let token = dial::read(file, MAX_TOKEN).await?;
        let token = std::str::from_utf8(&token).map(str::trim).unwrap_or_default();
        let value = (!token.is_empty())
            .then(|| HeaderValue::from_str(&format!("Bearer {token}")).ok())
            .flatten();
        let unfit = || Failure::lasting(format!("{} has no token of one line", file.display()));
        let mut value = value.ok_or_else(unfit)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Where an answer sends the request on to.
fn redirect<B>(from: &Url, response: &Response<B>) -> Result<Option<Url>, Failure> {
    let status = response.status();
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(place) = response.headers().get(LOCATION).filter(|_| is_redirect) else {
        return Ok(None);
    };
    let place = place.to_str().ok().and_then(|place| from.join(place).ok());
    let place = place.filter(|place| ["http", "https"].contains(&place.scheme()));
    let Some(place) = place else {
        return Err(Failure::lasting(format!(
            "it answered with {status} and sends the request to no place"
        )));
    };
    if from.scheme() == "https" && place.scheme() == "http" {
        return Err(Failure::lasting(format!(
            "it sends the request on to {place}, where everybody could read it"
        )));
    }
    Ok(Some(place))
}

async fn answer(response: Response<hyper::body::Incoming>) -> Result<Value, Failure> {
    // The parts hold the task of the connection, which the body comes over.
    let (parts, body) = response.into_parts();
    let status = parts.status;
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = match body {
        Ok(body) => Some(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => None,
        Err(error) => return Err(Failure::passing(format!("the answer broke off: {error}"))),
    };
    let text = body.map(|body| String::from_utf8_lossy(&body).into_owned());
    if !status.is_success() {
        let said: String = text.unwrap_or_default().chars().take(200).collect();
        let why = format!("it answered with {status}: {}", said.trim());
        // RFC 9110 §15.6, RFC 6585 §4: it was too busy, or what is behind it did not answer.
        let is_passing = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        let why = why.trim_end_matches([':', ' ']).to_owned();
        return Err(Failure { why, is_passing });
    }
    let json = text
        .as_deref()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    Ok(Value::Dict(Dict::from([
        ("json".to_owned(), json.into()),
        ("status".to_owned(), u64::from(status.as_u16()).into()),
        ("text".to_owned(), text.into()),
    ])))
}

/// The headers that every request has.
fn complete(url: &Url, headers: &mut HeaderMap) -> Result<(), Failure> {
    let host = url.host_str().unwrap_or_default();
    let host = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let host = HeaderValue::from_str(&host).map_err(|_| Failure::lasting("its host has no name"))?;
    headers.insert(HOST, host);
    let agent = HeaderValue::from_static(concat!("deskconnd/", env!("CARGO_PKG_VERSION")));
    headers.entry(USER_AGENT).or_insert(agent);
    Ok(())
}

fn full(body: Bytes) -> Full<Bytes> {
    Full::new(body)
}

#[cfg(test)]
mod tests;
