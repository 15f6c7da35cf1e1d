//! The addresses where anybody who reaches them gets the figures: none unless the configuration names some.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use router::{Response, Unaccepted};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::collect::Collector;
use super::exposition;
use crate::config::Metrics;

/// Connections at a time: a few programs that ask now and then. Whoever comes beyond that waits in the kernel.
pub(super) const MOST_CONNECTIONS: usize = 16;

/// How long a client may take to ask, the next time too: they ask every 15 s or every minute, and may connect again.
const HEAD_TIME: Duration = Duration::from_secs(90);

/// Bytes of a request's head.
const HEAD_BYTES: usize = 8 << 10;

/// What is listened on now.
#[derive(Debug)]
pub(crate) struct Listeners {
    collector: Arc<Collector>,
    open: Mutex<Vec<Open>>,
    /// How often the figures are published.
    interval: watch::Sender<Option<Duration>>,
}

#[derive(Debug)]
struct Open {
    /// As the configuration has it.
    wanted: SocketAddr,
    /// With the port that was really opened.
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listeners {
    pub(crate) fn new(collector: Arc<Collector>) -> Self {
        Self {
            collector,
            open: Mutex::default(),
            interval: watch::Sender::new(None),
        }
    }

    fn open(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the figures are published, as it changes.
    pub(crate) fn interval(&self) -> watch::Receiver<Option<Duration>> {
        self.interval.subscribe()
    }

    /// The addresses, with the ports that were really opened.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.open().iter().map(|it| it.address).collect()
    }

    /// Listens where the configuration wants it, and nowhere else.
    ///
    /// # Errors
    /// One of the addresses cannot be listened on. The others are, and those of before stay, for whoever reads the figures there,
    /// but where a new one has their place.
    pub(crate) async fn follow(&self, wanted: &Metrics) -> Result<()> {
        self.interval.send_replace(wanted.interval);
        let mut before: Vec<_> = self.open().iter().map(|it| it.wanted).collect();
        let is_new = |address: &&SocketAddr| {
            let place = before.iter().position(|it| it == *address);
            place.map(|place| before.swap_remove(place)).is_none()
        };
        let new: Vec<_> = wanted.listen.iter().filter(is_new).copied().collect();
        // All addresses have no port that one of them has.
        let (in_the_way, others): (Vec<_>, Vec<_>) = before
            .into_iter()
            .partition(|old| new.iter().any(|new| new.port() == old.port()));
        self.close(&in_the_way).await;
        let mut failed = Ok(());
        for address in new {
            match TcpListener::bind(address).await {
                Ok(listener) => self.begin(address, listener),
                Err(error) => {
                    let error =
                        Err(error).with_context(|| format!("[metrics] listen: {address} cannot be listened on"));
                    failed = failed.and(error);
                }
            }
        }
        if failed.is_ok() {
            self.close(&others).await;
            return failed;
        }
        for address in in_the_way {
            // Unless one of the new ones has its place.
            if let Ok(listener) = TcpListener::bind(address).await {
                self.begin(address, listener);
            }
        }
        failed
    }

    fn begin(&self, wanted: SocketAddr, listener: TcpListener) {
        let Ok(address) = listener.local_addr() else { return };
        tracing::info!(%address, "listening for who wants figures");
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "everybody who reaches this address can read the figures of this daemon");
        }
        let task = tokio::spawn(accept(listener, Arc::clone(&self.collector)));
        self.open().push(Open { wanted, address, task });
    }

    /// Listens there no more; when this returns, somebody else can.
    async fn close(&self, addresses: &[SocketAddr]) {
        for address in addresses {
            let closed = {
                let mut open = self.open();
                let place = open.iter().position(|it| it.wanted == *address);
                place.map(|place| open.swap_remove(place))
            };
            if let Some(closed) = closed {
                closed.task.abort();
                let _ = closed.task.await;
            }
        }
    }

    /// Listens nowhere any more.
    pub(crate) fn stop(&self) {
        for closed in self.open().drain(..) {
            closed.task.abort();
        }
    }
}

async fn accept(listener: TcpListener, collector: Arc<Collector>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    let mut unaccepted = Unaccepted::default();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                unaccepted.accepted();
                let collector = Arc::clone(&collector);
                connections.spawn(async move {
                    serve(stream, &collector).await;
                    drop(place);
                });
            }
            Err(error) => unaccepted.wait(&error).await,
        }
    }
}

async fn serve(stream: TcpStream, collector: &Collector) {
    let Ok(local) = stream.local_addr() else { return };
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES);
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let mut response = if is_asked_for(request.headers(), local) {
            exposition::answer(&request, collector)
        } else {
            let mut response = Response::new(Full::new(Bytes::from_static(FOREIGN)));
            *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
            response
        };
        let nosniff = HeaderName::from_static("x-content-type-options");
        response
            .headers_mut()
            .insert(nosniff, HeaderValue::from_static("nosniff"));
        async { Ok::<_, Infallible>(response) }
    });
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection for figures failed");
    }
}

const FOREIGN: &[u8] = b"on this machine figures are asked for by an address or localhost\n";

/// On loopback a page of the web could ask under a name of its own that leads here (DNS rebinding), so names other than
/// localhost are not answered there. Elsewhere everybody may read what is there.
fn is_asked_for(headers: &HeaderMap, local: SocketAddr) -> bool {
    if !local.ip().to_canonical().is_loopback() {
        return true;
    }
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let is_address = host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    is_address || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_loopback_no_page_of_the_web_gets_figures_under_a_name_of_its_own() {
        let asks = |host: &str, local: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            is_asked_for(&headers, local.parse().unwrap())
        };
        for host in [
            "127.0.0.1:9464",
            "[::1]:9464",
            "localhost:9464",
            "LOCALHOST",
            "192.0.2.1",
        ] {
            assert!(asks(host, "127.0.0.1:9464"), "{host}");
        }
        for host in ["evil.example:9464", "evil.example", "", "localhost.evil.example:9464"] {
            assert!(!asks(host, "127.0.0.1:9464") && !asks(host, "[::1]:9464"), "{host}");
        }
        assert!(asks("desk.lan:9464", "192.0.2.1:9464"));
        assert!(!is_asked_for(&HeaderMap::new(), "127.0.0.1:9464".parse().unwrap()));
    }
}
