//! A server of HTTP that takes every request, answers as a plug does, and remembers what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::support::until;

/// What came: the target with its query, the token, the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) target: String,
    pub(super) token: Option<String>,
    pub(super) body: String,
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let answer = service_fn(move |request| server.clone().answer(request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        });
        server
    }

    async fn answer(self, request: Request<hyper::body::Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let target = request.uri().to_string();
        let token = request
            .headers()
            .get("authorization")
            .map(|it| it.to_str().unwrap().to_owned());
        let body = request.into_body().collect().await?.to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.heard.lock().unwrap().push(Heard { target, token, body });
        Ok(Response::new(Full::new(Bytes::from_static(b"{\"was_on\":false}"))))
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until so many requests have come, and gives the last.
    pub(super) async fn wait(&self, count: usize) -> Heard {
        until("a request", || self.heard().len() >= count).await;
        self.heard().remove(count - 1)
    }
}
