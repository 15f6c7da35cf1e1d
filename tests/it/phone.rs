//! A device of the tests: pairs by key exchange over TLS, as `deskconnctl join` does, and logs in with what it got.

use std::net::SocketAddr;
use std::time::Duration;

use client::{Args, ConnectError, NoiseLogin, NoiseSecret, Options, PairingChannel, Session, SigningKey};
use pairing::exchange::{Failure, Introduction, Joined, Joiner, Progress, Secret, Sight};
use pairing::{Identity, Kind, NoiseKey};
use rand::SeedableRng as _;
use rand::rngs::{StdRng, SysRng};

use crate::support::{Desk, PATIENCE, Way, soon};
use crate::window::Window;

/// A device that has been paired.
pub(crate) struct Phone {
    pub(crate) joined: Joined,
    identity: Identity,
    noise: NoiseKey,
}

/// Who a device with this seed is.
pub(crate) fn introduction(seed: u64) -> Introduction {
    let mut random = StdRng::seed_from_u64(seed);
    Introduction {
        identity: Identity::generate(&mut random).unwrap(),
        noise: NoiseKey::generate(&mut random).unwrap(),
        name: format!("phone {seed}"),
        kind: Kind::Android,
        want: String::new(),
    }
}

/// Pairs over TLS, for as long as the desktop lets it.
pub(crate) async fn exchange(desk: &Desk, me: Introduction, secret: Secret) -> Result<Joined, Failure> {
    exchange_at(desk.address(), me, secret).await
}

/// The same with whoever answers at an address.
pub(crate) async fn exchange_at(address: SocketAddr, me: Introduction, secret: Secret) -> Result<Joined, Failure> {
    let channel = PairingChannel::open(&address.to_string(), PATIENCE).await;
    let mut channel = match channel {
        Ok(channel) => channel,
        Err(error) => panic!("{error}"),
    };
    let sight = Sight {
        spki: Some(channel.spki()),
        exporter: Some(channel.exporter()),
    };
    let mut joiner = Joiner::begin(secret, me, sight)?;
    loop {
        let frame = soon("a frame", channel.next()).await.unwrap();
        let frame = frame.expect("the desktop says how it ends");
        match joiner.receive(&frame, &mut SysRng) {
            Progress::Send(frame) => channel.send(&frame).await.unwrap(),
            Progress::Waiting { .. } => {}
            Progress::Paired(joined, frame) => {
                channel.send(&frame).await.unwrap();
                // The desktop closes when the device is stored.
                assert_eq!(soon("the end", channel.next()).await.unwrap(), None);
                return Ok(*joined);
            }
            Progress::Failed(failure) => {
                if let Some(frame) = failure.frame() {
                    let _ = channel.send(&frame).await;
                }
                return Err(failure);
            }
        }
    }
}

impl Phone {
    /// Pairs a device in a window with these arguments.
    pub(crate) async fn pair(desk: &Desk, seed: u64, args: Args) -> Self {
        let mut window = Window::open(desk, args).await;
        let me = introduction(seed);
        let (identity, noise) = (me.identity.clone(), me.noise.clone());
        let secret = window.secret();
        let (joined, (_, answered)) = tokio::join!(exchange(desk, me, secret), window.answer(true));
        assert!(answered.unwrap().as_dict().is_some());
        Self {
            joined: joined.unwrap(),
            identity,
            noise,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.joined.device_id
    }

    /// What it logs in with over this way.
    pub(crate) fn options(&self, way: Way) -> Options {
        let options = Options {
            authid: Some(self.id().to_owned()),
            patience: Duration::from_secs(20),
            ..Options::new(&self.joined.realm)
        };
        match way {
            Way::Noise => options.noise(NoiseLogin {
                secret: NoiseSecret::new(self.noise.bytes()),
                desktop: *self.joined.keys.noise.bytes(),
                did: self.joined.did_bytes().unwrap(),
            }),
            Way::Wss | Way::Rss | Way::Quic => Options {
                key: Some(self.key()),
                ..options.pin(self.joined.keys.spki.unwrap())
            },
            Way::WebSocket | Way::RawSocket | Way::Unix | Way::Local => Options {
                key: Some(self.key()),
                ..options
            },
        }
    }

    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.identity.seed())
    }

    pub(crate) async fn try_log_in(&self, desk: &Desk, way: Way) -> Result<Session, ConnectError> {
        let address = desk.address();
        let target = match way {
            Way::Quic => format!("quic://{}", desk.daemon.quic_addresses()[0]),
            Way::WebSocket | Way::Noise => format!("ws://{address}"),
            Way::RawSocket => format!("rs://{address}"),
            Way::Wss => format!("wss://{address}"),
            Way::Rss => format!("rss://{address}"),
            Way::Unix | Way::Local => panic!("a phone is not on this machine"),
        };
        Session::connect(&target.parse().unwrap(), self.options(way)).await
    }

    pub(crate) async fn log_in(&self, desk: &Desk) -> Session {
        self.try_log_in(desk, Way::Wss).await.unwrap()
    }
}
