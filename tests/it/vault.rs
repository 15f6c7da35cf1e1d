//! A router with keys: TLS and Noise on one port, a realm where everybody may do everything, and a gate that remembers
//! who came on what.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use client::{NoiseLogin, NoiseSecret, Options, Serializer, Session, Target};
use router::tls::{ServerConfig, server_config, spki_hash};
use router::{
    Channel, FrontDoor, Gate, Keys, Limits, OpenGate, Origins, Peer, Pending, Principal, RealmSettings, Role, Router,
    noise,
};
use tokio::runtime::Handle;
use wamp::acceptor::{Asked, Proof};
use wamp::id::SessionId;
use wamp::message::Abort;

use crate::support::Way;

/// A running router with keys.
pub(crate) struct Vault {
    pub(crate) router: Router,
    pub(crate) address: SocketAddr,
    /// Where it listens for QUIC.
    pub(crate) quic: SocketAddr,
    pub(crate) gate: Arc<Memory>,
    pub(crate) identity: Identity,
}

/// The keys of a desktop, and of one device that knows it.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) pin: [u8; 32],
    pub(crate) responder: Arc<noise::Responder>,
    pub(crate) login: NoiseLogin,
    /// The device's public key.
    pub(crate) device: [u8; 32],
}

impl Identity {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().to_vec();
        let (secret, desktop) = static_key();
        let (own, device) = static_key();
        let did = desktop;
        Self {
            config: Arc::new(server_config(&certificate, &made.signing_key.serialize_der()).unwrap()),
            pin: spki_hash(&certificate).unwrap(),
            responder: Arc::new(noise::Responder { secret, did }),
            login: NoiseLogin {
                secret: own,
                desktop,
                did,
            },
            device,
        }
    }

    /// What a client needs for this way.
    pub(crate) fn options(&self, way: Way, options: Options) -> Options {
        match way {
            Way::Wss | Way::Rss | Way::Quic => options.pin(self.pin),
            Way::Noise => options.noise(self.login.clone()),
            Way::WebSocket | Way::RawSocket | Way::Unix | Way::Local => options,
        }
    }
}

/// A static key pair for Noise, secret and public.
pub(crate) fn static_key() -> (NoiseSecret, [u8; 32]) {
    let params = "Noise_IK_25519_ChaChaPoly_SHA256".parse().unwrap();
    let pair = snow::Builder::new(params).generate_keypair().unwrap();
    let secret: [u8; 32] = pair.private.try_into().unwrap();
    (NoiseSecret::new(secret.into()), pair.public.try_into().unwrap())
}

/// The address of a router at `address`.
pub(crate) fn target(way: Way, address: SocketAddr) -> Target {
    let text = match way {
        Way::WebSocket | Way::Noise => format!("ws://{address}/ws"),
        Way::RawSocket => format!("rs://{address}"),
        Way::Wss => format!("wss://{address}/ws"),
        Way::Rss => format!("rss://{address}"),
        Way::Quic => format!("quic://{address}"),
        Way::Unix | Way::Local => panic!("these have no address on a network"),
    };
    text.parse().unwrap()
}

impl Vault {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default(), Arc::new(Origins::default()))
    }

    pub(crate) fn with(limits: Limits, door: Arc<dyn FrontDoor>) -> Self {
        let identity = Identity::new();
        let keys = Keys {
            tls: Some(Arc::clone(&identity.config)),
            noise: Some(Arc::clone(&identity.responder)),
        };
        let gate = Arc::new(Memory::new());
        let router = Router::with_keys(Arc::clone(&gate) as _, door, keys, limits);
        router.open_realm("realm1", RealmSettings::default());
        let address = router
            .listen_tcp(&["127.0.0.1:0".parse().unwrap()])
            .unwrap()
            .addresses()[0];
        let quic = router.listen_quic(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        Self {
            router,
            address,
            quic: quic.addresses()[0],
            gate,
            identity,
        }
    }

    pub(crate) fn target(&self, way: Way) -> Target {
        let is_quic = way == Way::Quic;
        target(way, if is_quic { self.quic } else { self.address })
    }

    pub(crate) fn options(&self, way: Way, options: Options) -> Options {
        self.identity.options(way, options)
    }

    pub(crate) async fn join(&self, way: Way) -> Session {
        let options = Options {
            serializers: vec![Serializer::Json],
            ..Options::new("realm1")
        };
        let options = self.options(way, options);
        Session::connect(&self.target(way), options).await.unwrap()
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // Its listener would go on until the runtime ends.
        if let Ok(runtime) = Handle::try_current() {
            let router = self.router.clone();
            runtime.spawn(async move { router.stop(std::time::Duration::ZERO).await });
        }
    }
}

/// A gate that lets everybody in and remembers them.
pub(crate) struct Memory {
    open: OpenGate,
    asked: Mutex<Vec<Peer>>,
}

impl Memory {
    fn new() -> Self {
        Self {
            open: OpenGate::new(Role::unrestricted("anonymous")),
            asked: Mutex::default(),
        }
    }

    /// Everybody who has asked to join, in order.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        self.asked.lock().unwrap().clone()
    }

    /// What the last one came on.
    pub(crate) fn last_channel(&self) -> Channel {
        self.peers().last().unwrap().channel.clone()
    }
}

impl Gate for Memory {
    fn find<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Proof, Abort>> {
        self.asked.lock().unwrap().push(peer.clone());
        self.open.find(asked, peer)
    }

    fn admit<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Principal, Abort>> {
        self.open.admit(asked, peer)
    }

    fn joined(&self, _session: SessionId, _principal: &Principal, _peer: &Peer) {}
}
