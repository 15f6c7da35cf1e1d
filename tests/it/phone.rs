//! A device of the tests: pairs by key exchange over TLS, as `deskconnctl join` does, and logs in with what it got.

use std::net::SocketAddr;
use std::time::Duration;

use client::{
    Args, ConnectError, Dict, NoiseLogin, NoiseSecret, Options, PairingChannel, Session, SigningKey, Subscription,
    Value,
};
use pairing::exchange::{Failure, Introduction, Joined, Joiner, Progress, Secret, Sight};
use pairing::{Identity, Kind, NoiseKey};
use rand::SeedableRng as _;
use rand::rngs::{StdRng, SysRng};

use crate::support::{Desk, PATIENCE, Way, soon};

/// The owner's side of pairing: a window that is open, and the questions that come.
pub(crate) struct Window {
    pub(crate) owner: Session,
    asked: Subscription,
    pub(crate) code: String,
    pub(crate) link: Option<String>,
}

impl Window {
    pub(crate) async fn open(desk: &Desk, args: Args) -> Self {
        let owner = desk.owner().await;
        let asked = owner.subscribe("org.deskconn.pairing.on_asked").await.unwrap();
        let opened = owner
            .call("org.deskconn.pairing.open", args)
            .await
            .unwrap()
            .into_value();
        let opened = opened.as_dict().unwrap();
        let text = |key: &str| opened[key].as_str().map(str::to_owned);
        Self {
            owner,
            asked,
            code: text("code").unwrap(),
            link: text("link"),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.code.replace('-', "").parse().unwrap()
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::Code(self.code.parse().unwrap())
    }

    /// The next question.
    pub(crate) async fn question(&mut self) -> Dict {
        let question = soon("the question", self.asked.next()).await.unwrap().args.into_value();
        question.as_dict().unwrap().clone()
    }

    /// Answers the next question, and gives it with what the answer came to.
    pub(crate) async fn answer(&mut self, allow: bool) -> (Dict, Result<Value, client::Error>) {
        let question = self.question().await;
        let arguments = [question["request"].clone(), allow.into()];
        let answered = self.owner.call("org.deskconn.pairing.answer", arguments).await;
        (question, answered.map(Args::into_value))
    }
}

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
            Way::Wss | Way::Rss => Options {
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
