//! A daemon on a free port with a machine of its own, and every way to reach it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::{ConnectError, NoiseLogin, Options, Serializer, Session, SigningKey, Target};
use components::backends::fake::Fake;
use deskconnd::config::{Config, Origin};
use deskconnd::daemon::{Daemon, Reloaded, Source};
use deskconnd::paths::Paths;
use router::tls::spki_hash;
use tempfile::TempDir;

use crate::vault;

/// How long anything may take; a machine under load is slow, a test that hangs says so.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A realm where everybody may do everything.
pub(crate) const OPEN_REALM: &str = r#"
[[realm]]
name = "realm1"
[[realm.role]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"], disclose = true }]
"#;

/// Somebody who may do everything in a realm of the configuration: what stands behind its other roles. The key is that of
/// `key(7)`.
pub(crate) const KEEPER: &str = r#"
    [[realm.role]]
    name = "keeper"
    rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"], trustlevel = 2 }]
    [[realm.principal]]
    authid = "keeper"
    role = "keeper"
    method = "cryptosign"
    pubkey = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
"#;

/// A running daemon.
pub(crate) struct Desk {
    pub(crate) daemon: Daemon,
    pub(crate) machine: Arc<Fake>,
    pub(crate) home: TempDir,
}

/// How a client reaches the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    WebSocket,
    RawSocket,
    Unix,
    Local,
    /// WebSocket inside TLS.
    Wss,
    /// RawSocket inside TLS.
    Rss,
    /// Noise inside WebSocket.
    Noise,
    /// RawSocket inside QUIC.
    Quic,
}

impl Way {
    /// Those over the network.
    pub(crate) const OVER_THE_NETWORK: [Self; 6] = [
        Self::WebSocket,
        Self::RawSocket,
        Self::Wss,
        Self::Rss,
        Self::Noise,
        Self::Quic,
    ];
}

impl Desk {
    /// A daemon with the open realm beside the desktop's.
    pub(crate) async fn start() -> Self {
        Self::with(OPEN_REALM).await
    }

    /// A daemon with this in its configuration.
    pub(crate) async fn with(configuration: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self::at(home, configuration).await
    }

    /// A daemon with the state of an earlier one.
    pub(crate) async fn at(home: TempDir, configuration: &str) -> Self {
        let paths = paths(home.path());
        Self::of(home, &paths, configuration).await
    }

    /// The system service.
    pub(crate) async fn of_system(configuration: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths {
            is_system: true,
            ..paths(home.path())
        };
        Self::of(home, &paths, configuration).await
    }

    async fn of(home: TempDir, paths: &Paths, configuration: &str) -> Self {
        let machine = Arc::new(Fake::default());
        std::fs::write(&paths.config, configuration).unwrap();
        // Tests are faster than people, but where they are about that.
        let is_about_rates = configuration.contains("messages_per_s");
        let origin = Origin::new(&paths.config, true, move |config| amend(config, is_about_rates));
        let config = origin.load().unwrap();
        let source = Source { origin, log: None };
        // An earlier daemon in this process gives its state free when its last task has gone.
        let start = async {
            loop {
                match Daemon::start_from(Some(source.clone()), &config, paths, Some(machine.machine())).await {
                    Err(error) if error.to_string().contains("another deskconnd") => tokio::task::yield_now().await,
                    started => break started.unwrap(),
                }
            }
        };
        let daemon = soon("the start", start).await;
        Self { daemon, machine, home }
    }

    /// Has the daemon take another configuration.
    pub(crate) async fn reload(&self, configuration: &str) -> Result<Reloaded, Vec<String>> {
        std::fs::write(self.home.path().join("config.toml"), configuration).unwrap();
        soon("the reload", self.daemon.reload()).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.daemon.addresses()[0]
    }

    pub(crate) fn target(&self, way: Way) -> Target {
        let address = self.address();
        let text = match way {
            Way::WebSocket => format!("ws://{address}/ws"),
            Way::RawSocket => format!("rs://{address}"),
            Way::Quic => return vault::target(way, self.daemon.quic_addresses()[0]),
            Way::Wss | Way::Rss | Way::Noise => return vault::target(way, address),
            Way::Unix | Way::Local => format!("unix:{}", self.daemon.socket().unwrap().display()),
        };
        text.parse().unwrap()
    }

    pub(crate) async fn try_join(&self, way: Way, options: Options) -> Result<Session, ConnectError> {
        if way == Way::Local {
            return Session::over(self.daemon.router().connect_local("test"), options).await;
        }
        let options = match way {
            Way::Wss | Way::Rss | Way::Quic => options.pin(spki_hash(&self.daemon.store().tls().0).unwrap()),
            Way::Noise => options.noise(self.noise_login()),
            Way::WebSocket | Way::RawSocket | Way::Unix | Way::Local => options,
        };
        Session::connect(&self.target(way), options).await
    }

    /// What a stranger who knows this desktop's key needs for Noise.
    fn noise_login(&self) -> NoiseLogin {
        let store = self.daemon.store();
        NoiseLogin {
            secret: vault::static_key().0,
            desktop: store.noise_public(),
            did: store.identity().did(),
        }
    }

    /// Joins a realm anonymously.
    pub(crate) async fn join(&self, way: Way, serializer: Serializer, realm: &str) -> Session {
        let options = Options {
            serializers: vec![serializer],
            ..Options::new(realm)
        };
        self.try_join(way, options).await.unwrap()
    }

    /// Joins a realm as its [`KEEPER`].
    pub(crate) async fn keeper(&self, realm: &str) -> Session {
        let options = Options {
            key: Some(key(7)),
            ..Options::new(realm)
        };
        self.try_join(Way::WebSocket, options).await.unwrap()
    }

    /// Joins the desktop's realm as its owner.
    pub(crate) async fn owner(&self) -> Session {
        self.join(Way::Unix, Serializer::MessagePack, "deskconn").await
    }
}

/// What is the same for every daemon of a test, whatever its configuration says.
fn amend(config: &mut Config, is_about_rates: bool) {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    config.listen.tcp = vec![free];
    // A plain router has no certificate.
    if config.desktop.enabled {
        config.listen.quic = vec![free];
    }
    if !is_about_rates {
        config.limits.messages_per_s = None;
    }
    config.discovery.enabled = false;
}

pub(crate) fn paths(home: &Path) -> Paths {
    Paths {
        config: home.join("config.toml"),
        state: home.join("state"),
        socket: home.join("run/deskconn.sock"),
        is_system: false,
    }
}

/// A key that is always the same.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Its public half, in hexadecimal digits.
pub(crate) fn public(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

/// The URI with which a client was refused.
pub(crate) fn refusal(result: Result<Session, ConnectError>) -> String {
    match result {
        Err(ConnectError::Join(wamp::joiner::JoinError::Refused(abort))) => abort.reason.to_string(),
        Err(other) => panic!("{other}"),
        Ok(session) => panic!("let in as {:?}", session.detail("authrole")),
    }
}

/// Ends a wait that should have ended by itself.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

/// Looks again until something is so; for what is told to nobody.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let check = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    soon(what, check).await;
}

/// Makes a test of each row: what it is called, the link, the serializer.
macro_rules! over {
    ($name:ident: $($test:ident, $way:ident, $serializer:ident;)*) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$name(crate::support::Way::$way, client::Serializer::$serializer).await;
                }
            )*
        }
    };
}
pub(crate) use over;

/// Makes a test of every link with every serializer; the in-process link encodes nothing.
macro_rules! over_every_link {
    ($name:ident) => {
        crate::support::over! { $name:
            over_websocket_in_json, WebSocket, Json;
            over_websocket_in_msgpack, WebSocket, MessagePack;
            over_websocket_in_cbor, WebSocket, Cbor;
            over_rawsocket_in_json, RawSocket, Json;
            over_rawsocket_in_msgpack, RawSocket, MessagePack;
            over_rawsocket_in_cbor, RawSocket, Cbor;
            over_unix_in_json, Unix, Json;
            over_unix_in_msgpack, Unix, MessagePack;
            over_unix_in_cbor, Unix, Cbor;
            over_websocket_in_tls_in_json, Wss, Json;
            over_websocket_in_tls_in_msgpack, Wss, MessagePack;
            over_websocket_in_tls_in_cbor, Wss, Cbor;
            over_rawsocket_in_tls_in_json, Rss, Json;
            over_rawsocket_in_tls_in_msgpack, Rss, MessagePack;
            over_rawsocket_in_tls_in_cbor, Rss, Cbor;
            over_noise_in_json, Noise, Json;
            over_noise_in_msgpack, Noise, MessagePack;
            over_noise_in_cbor, Noise, Cbor;
            over_quic_in_json, Quic, Json;
            over_quic_in_msgpack, Quic, MessagePack;
            over_quic_in_cbor, Quic, Cbor;
            in_process, Local, MessagePack;
        }
    };
}
pub(crate) use over_every_link;
