//! A router with one realm, and sessions on it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deskconn_client::{Options, Serializer, Session, Target};
use router::{Limits, OpenGate, Origins, RealmSettings, Role, Router};
use tempfile::TempDir;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this takes too long")
}

/// Waits until something is as it should be.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    soon(wait).await;
}

pub(crate) struct Stage {
    pub(crate) router: Router,
    pub(crate) address: SocketAddr,
    pub(crate) socket: PathBuf,
    _directory: TempDir,
}

/// How a client reaches the router.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    WebSocket,
    RawSocket,
    Unix,
    Local,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::of(Role::unrestricted("anonymous"), limits)
    }

    /// Everybody has this role.
    pub(crate) fn of(role: Role, limits: Limits) -> Self {
        let router = Router::new(Arc::new(OpenGate::new(role)), Arc::new(Origins::default()), limits);
        router.open_realm("realm1", RealmSettings::default());
        let listening = router.listen_tcp(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("router.sock");
        router.listen_unix(&socket, 0o600).unwrap();
        Self {
            router,
            address: listening.addresses()[0],
            socket,
            _directory: directory,
        }
    }

    pub(crate) async fn session(&self) -> Session {
        self.session_by(Way::Local, Serializer::MessagePack).await
    }

    pub(crate) async fn session_by(&self, way: Way, serializer: Serializer) -> Session {
        let options = Options {
            serializers: vec![serializer],
            ..Options::new("realm1")
        };
        let target = match way {
            Way::WebSocket => format!("ws://{}/ws", self.address),
            Way::RawSocket => format!("rs://{}", self.address),
            Way::Unix => format!("unix:{}", self.socket.display()),
            Way::Local => {
                let link = self.router.connect_local("test");
                return soon(Session::over(link, options)).await.unwrap();
            }
        };
        let target: Target = target.parse().unwrap();
        soon(Session::connect(&target, options)).await.unwrap()
    }
}
