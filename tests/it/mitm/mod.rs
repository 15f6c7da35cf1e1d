//! A hostile network: a man in the middle reads, alters, repeats, leaves out, moves and cuts off what passes, relays it to
//! another desktop, shows keys of his own, and tries to talk the client into less. He gets no session and puts nothing
//! false into one.

mod downgrade;
mod proxy;
mod tampering;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{ConnectError, Options, Serializer, Session, Value};
use proxy::{Act, From, Proxy, Tamper, Units, honest};

use crate::support::{PATIENCE, Way};
use crate::vault::{Vault, target};

/// What nobody on the way may see: a procedure and an argument.
const PROCEDURE: &str = "com.canary.procedure";
const CANARY: &str = "canary-in-the-payload";
/// Calls of one run.
const CALLS: usize = 3;
/// How long a client waits for what a man in the middle keeps from it. On an honest network milliseconds are enough.
const STALLED: Duration = Duration::from_millis(700);

const SECURE: [(Way, Units); 3] = [
    (Way::Wss, Units::Records),
    (Way::Rss, Units::Records),
    (Way::Noise, Units::Frames),
];

/// How far a client got. Its session is kept, so that it has not yet said goodbye.
struct Run {
    answered: usize,
    session: Option<Session>,
}

/// A router with a callee on it that remembers what it was called with.
struct Scene {
    vault: Vault,
    called: Arc<Mutex<Vec<Value>>>,
    /// What the clients of all runs have sent.
    sent: Mutex<Vec<Value>>,
    _callee: Session,
}

impl Scene {
    async fn start() -> Self {
        let vault = Vault::start();
        let callee = vault.join(Way::WebSocket).await;
        let called = Arc::<Mutex<Vec<Value>>>::default();
        let list = Arc::clone(&called);
        let echo = move |call: client::Invocation| {
            let argument = call.args[0].clone();
            list.lock().unwrap().push(argument.clone());
            async move { Ok(argument.into()) }
        };
        callee.register(PROCEDURE, echo).await.unwrap();
        Self {
            vault,
            called,
            sent: Mutex::default(),
            _callee: callee,
        }
    }

    /// Joins through whatever is at `address`, with the keys of this scene's desktop.
    async fn join(&self, way: Way, address: SocketAddr, patience: Duration) -> Result<Session, ConnectError> {
        let options = Options {
            serializers: vec![Serializer::Json],
            patience,
            ..Options::new("realm1")
        };
        Session::connect(&target(way, address), self.vault.options(way, options)).await
    }

    /// Joins and calls, one call after the other, and says how many calls were answered before it went wrong. Whatever
    /// happened, nothing false was delivered to either end.
    async fn run(&self, way: Way, address: SocketAddr, (size, patience): (usize, Duration)) -> Run {
        let before = self.sent.lock().unwrap().clone();
        self.called.lock().unwrap().clear();
        let mut sent = Vec::new();
        let mut run = Run {
            answered: 0,
            session: self.join(way, address, patience).await.ok(),
        };
        if let Some(session) = &run.session {
            for number in 0..CALLS {
                let argument = Value::from(format!("{CANARY}-{}-{number}-{}", before.len(), "x".repeat(size)));
                sent.push(argument.clone());
                self.sent.lock().unwrap().push(argument.clone());
                let call = session.call(PROCEDURE, [argument.clone()]);
                match tokio::time::timeout(patience, call).await {
                    Ok(Ok(result)) => assert_eq!(result.into_value(), argument, "a false answer"),
                    Ok(Err(_)) | Err(_) => break,
                }
                run.answered += 1;
            }
        }
        // What an earlier session sent may arrive when nobody waits for its answer any more.
        let mut called = self.called.lock().unwrap().clone();
        called.retain(|argument| !before.contains(argument));
        assert!(
            called.len() <= sent.len() && called[..] == sent[..called.len()],
            "a false call"
        );
        run
    }

    /// A proxy in front of this scene's router.
    async fn proxy(&self, units: Units, tamper: Tamper) -> Proxy {
        Proxy::start(self.vault.address, units, tamper).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_listens_reads_everything_that_is_plain_and_nothing_else() {
    let scene = Scene::start().await;
    for (way, units, is_readable) in [
        (Way::WebSocket, Units::Frames, true),
        (Way::RawSocket, Units::Bytes, true),
        (Way::Wss, Units::Records, false),
        (Way::Rss, Units::Records, false),
        (Way::Noise, Units::Frames, false),
    ] {
        let proxy = scene.proxy(units, honest()).await;
        let run = scene.run(way, proxy.address, (100, PATIENCE)).await;
        assert_eq!(run.answered, CALLS, "{way:?}");
        assert!(proxy.count(From::Client) > CALLS && proxy.count(From::Router) > CALLS);
        for secret in [CANARY, PROCEDURE, "realm1"] {
            assert_eq!(proxy.has_seen(secret.as_bytes()), is_readable, "{way:?}: {secret}");
        }
    }
}
