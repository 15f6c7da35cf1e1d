//! What browsers get from the daemon beside WAMP: for now whether it is there.
//!
//! Host, Origin, methods and the headers of every answer are the router's business (`router/src/http.rs`). A page served
//! here would be code that runs with the user's trust, so there is none that is not meant.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use router::{FrontDoor, Origins, Peer, Pending, Request, Response};

use crate::pair::Desk;

/// Where a monitor or a phone asks whether the daemon answers.
const HEALTH: &str = "/healthz";

/// Where devices pair.
const PAIR: &str = "/pair";

/// The door.
#[derive(Debug)]
pub(crate) struct Front {
    origins: Origins,
    /// Where devices pair; a plain router has none.
    desk: Option<Arc<Desk>>,
}

impl Front {
    /// The door for these hosts and origins.
    pub(crate) const fn new(origins: Origins, desk: Option<Arc<Desk>>) -> Self {
        Self { origins, desk }
    }
}

impl FrontDoor for Front {
    fn respond(&self, request: Request, peer: Peer) -> Pending<'static, Response> {
        let response = self.answer(request, &peer);
        Box::pin(async { response })
    }

    fn origins(&self) -> &Origins {
        &self.origins
    }
}

impl Front {
    fn answer(&self, request: Request, peer: &Peer) -> Response {
        let path = request.uri().path();
        if path == PAIR && !is_of_this_site(request.headers()) {
            tracing::info!(%peer, path, "a page of another site was refused");
            return text(StatusCode::FORBIDDEN, "pages of other sites may not pair\n");
        }
        let desk = self.desk.as_ref().filter(|desk| path == PAIR && desk.takes_exchanges());
        match (path, desk) {
            (_, Some(desk)) => desk.welcome(request, peer),
            (HEALTH, None) => text(StatusCode::OK, "ok\n"),
            (_, None) => text(StatusCode::NOT_FOUND, "WAMP is at /ws\n"),
        }
    }
}

/// Whether the request comes from a page of this daemon, from a person who typed the address, or from no browser. The
/// header is the browser's own word (Fetch Metadata Request Headers, section 2); an older one does not say it, and the
/// check of the Origin holds for it all the same.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.all(|site| site == "same-origin" || site == "none")
}

fn text(status: StatusCode, sentence: &'static str) -> Response {
    let mut response = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
