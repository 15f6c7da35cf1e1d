//! A client as `docs/RESUMPTION.md` describes it, on bare links: it counts, keeps and returns, and does nothing by itself.

use std::collections::VecDeque;
use std::net::SocketAddr;

use link::{Link, ReadError, noise, rawsocket, tls, websocket};
use tokio::net::TcpStream;
use wamp::codec::Serializer;
use wamp::id::{RequestId, SessionId};
use wamp::joiner::{JoinOptions, JoinStep, Joiner};
use wamp::limits::Bounds;
use wamp::message::{
    Call, CallOptions, Message, Publish, PublishOptions, Register, RegisterOptions, Subscribe, SubscribeOptions,
    Welcome,
};
use wamp::payload::Payload;
use wamp::resumption::{Granted, Inbound, Outbound, Outcome, Return, Wanted};
use wamp::value::Dict;

use crate::support::{Way, soon};
use crate::vault::Vault;

/// How a client reaches the router.
pub(crate) struct Road {
    pub(crate) way: Way,
    pub(crate) serializer: Serializer,
    pub(crate) address: SocketAddr,
    /// What the router is called, whoever is in between.
    pub(crate) host: String,
    /// What the router is known by.
    pub(crate) pin: Option<[u8; 32]>,
    pub(crate) login: Option<client::NoiseLogin>,
}

impl Road {
    pub(crate) fn to(vault: &Vault, way: Way, serializer: Serializer) -> Self {
        let address = if way == Way::Quic { vault.quic } else { vault.address };
        Self::past(address, vault, way, serializer)
    }

    /// The same by the address of somebody in between.
    pub(crate) fn past(address: SocketAddr, vault: &Vault, way: Way, serializer: Serializer) -> Self {
        Self {
            way,
            serializer,
            address,
            host: vault.address.to_string(),
            pin: Some(vault.identity.pin),
            login: Some(vault.identity.login.clone()),
        }
    }

    /// In the clear.
    pub(crate) fn plain(address: SocketAddr, way: Way, serializer: Serializer) -> Self {
        Self {
            way,
            serializer,
            address,
            host: address.to_string(),
            pin: None,
            login: None,
        }
    }

    /// TLS with the one whose key is pinned.
    async fn pinned(&self, stream: TcpStream) -> Option<link::Stream> {
        let trust = tls::Trust::Pin(self.pin.unwrap());
        Some(tls::connect(stream, trust).await.ok()?.stream)
    }

    pub(crate) async fn connect(&self) -> Option<Link> {
        const BOUNDS: Bounds = Bounds::JOINED;
        let host = &self.host;
        let serializers = [self.serializer];
        if self.way == Way::Quic {
            let trust = tls::Trust::Pin(self.pin.unwrap());
            let stream = link::quic::connect(&self.address.to_string(), trust).await.ok()?;
            return rawsocket::connect(stream, self.serializer, BOUNDS).await.ok();
        }
        let stream = TcpStream::connect(self.address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        match self.way {
            Way::WebSocket => websocket::connect(stream, host, "/ws", &serializers, BOUNDS).await.ok(),
            Way::RawSocket => rawsocket::connect(stream, self.serializer, BOUNDS).await.ok(),
            Way::Wss => {
                let stream = self.pinned(stream).await?;
                websocket::connect(stream, host, "/ws", &serializers, BOUNDS).await.ok()
            }
            Way::Rss => {
                let stream = self.pinned(stream).await?;
                rawsocket::connect(stream, self.serializer, BOUNDS).await.ok()
            }
            Way::Noise => noise::connect(stream, host, "/ws", self.login.as_ref().unwrap(), &serializers, BOUNDS)
                .await
                .ok(),
            Way::Quic => unreachable!("it was connected above"),
            Way::Unix | Way::Local => unreachable!("these are no streams of TCP"),
        }
    }
}

/// What a client joins with.
pub(crate) fn anonymous() -> JoinOptions {
    JoinOptions::anonymous("realm1")
}

/// Joins over a link; nothing when the router refuses, or is not there.
pub(crate) async fn join(link: &mut Link, options: JoinOptions) -> Option<Welcome> {
    let mut joiner = Joiner::new(options);
    link.writer.send(joiner.hello()).await.ok()?;
    loop {
        let message = link.reader.next().await.ok()??;
        match joiner.receive(message).ok()? {
            JoinStep::Send(message) => link.writer.send(message).await.ok()?,
            JoinStep::Joined(welcome) => return Some(welcome),
        }
    }
}

/// A client that counts.
pub(crate) struct Client {
    pub(crate) road: Road,
    pub(crate) link: Option<Link>,
    pub(crate) options: JoinOptions,
    pub(crate) session: SessionId,
    pub(crate) granted: Granted,
    pub(crate) inbound: Inbound,
    pub(crate) outbound: Outbound,
    /// What could not be sent yet, because too much may not have arrived.
    waiting: VecDeque<Message>,
    next_request: u64,
}

impl Client {
    pub(crate) async fn join(road: Road) -> Self {
        Self::join_as(road, anonymous()).await
    }

    pub(crate) async fn join_as(road: Road, options: JoinOptions) -> Self {
        let mut link = soon("the link", road.connect()).await.unwrap();
        let options = JoinOptions {
            resumption: Some(Wanted::Resumable),
            ..options
        };
        let welcome = soon("WELCOME", join(&mut link, options.clone())).await.unwrap();
        let granted = Granted::of_welcome(&welcome).unwrap();
        assert_eq!(granted.outcome, Outcome::New);
        Self {
            road,
            link: Some(link),
            options,
            session: welcome.session,
            granted,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            waiting: VecDeque::new(),
            next_request: 1,
        }
    }

    /// The connection is lost.
    pub(crate) fn cut(&mut self) {
        self.link = None;
    }

    /// What a HELLO says to go on with the session.
    pub(crate) fn ticket(&self) -> Return {
        Return {
            session: self.session,
            token: self.granted.token.clone(),
            received: self.inbound.received(),
        }
    }

    /// Connects and says this; gives the link with what the router says.
    pub(crate) async fn try_return(&self, ticket: Return) -> Option<(Link, Welcome)> {
        let mut link = self.road.connect().await?;
        let options = JoinOptions {
            resumption: Some(Wanted::Return(ticket)),
            ..self.options.clone()
        };
        let welcome = join(&mut link, options).await?;
        Some((link, welcome))
    }

    /// Returns and sends again what has not arrived, as often as that takes.
    pub(crate) async fn back(&mut self) {
        let back = async {
            loop {
                self.link = None;
                let Some((link, welcome)) = self.try_return(self.ticket()).await else {
                    continue;
                };
                let granted = Granted::of_welcome(&welcome).unwrap();
                let Outcome::Resumed(received) = granted.outcome else {
                    panic!("{:?}", granted.outcome)
                };
                assert_eq!(welcome.session, self.session);
                assert_eq!(granted.token, self.granted.token);
                self.inbound.acknowledge();
                self.outbound.acknowledged(received).unwrap();
                self.link = Some(link);
                let again = self.outbound.take_unacknowledged();
                let again = again.into_iter().map(wamp::outgoing::Outgoing::into_message);
                let later = std::mem::take(&mut self.waiting);
                self.waiting = again.chain(later).collect();
                if self.flush().await.is_some() {
                    return;
                }
            }
        };
        soon("the return", back).await;
    }

    /// Sends what may be sent.
    async fn flush(&mut self) -> Option<()> {
        while self.outbound.has_room()
            && let Some(message) = self.waiting.pop_front()
        {
            self.outbound.sent(message.clone().into());
            self.link.as_mut()?.writer.send(message).await.ok()?;
        }
        Some(())
    }

    /// Sends a message, now or after the return; nothing when the connection is lost.
    pub(crate) async fn try_send(&mut self, message: Message) -> Option<()> {
        self.waiting.push_back(message);
        self.flush().await
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.try_send(message).await.unwrap();
    }

    /// The next message that is no RECEIVED; nothing when the connection is lost. May be dropped and called again.
    pub(crate) async fn try_next(&mut self) -> Option<Message> {
        loop {
            let message = match self.link.as_mut()?.reader.next().await {
                Ok(Some(message)) => message,
                Ok(None) | Err(ReadError::Io(_)) => return None,
                Err(ReadError::Violation(violation)) => panic!("{violation}"),
            };
            if let Message::Received(received) = &message {
                self.outbound.acknowledged(received.count).unwrap();
                self.flush().await?;
                continue;
            }
            self.inbound.arrived(&message);
            if self.inbound.is_due() {
                let received = self.inbound.acknowledge();
                // The message has arrived, whatever becomes of this.
                let _ = self.link.as_mut()?.writer.send(received).await;
            }
            return Some(message);
        }
    }

    pub(crate) async fn next(&mut self) -> Message {
        soon("a message", self.try_next())
            .await
            .expect("the connection is lost")
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId::new(self.next_request - 1).unwrap()
    }
}

/// Arguments: one number.
pub(crate) fn payload(serializer: Serializer, number: u64) -> Payload {
    Payload::from_values(serializer, &[number.into()], &Dict::new()).unwrap()
}

/// The number in the arguments of a message.
pub(crate) fn number(message: &Message) -> u64 {
    let (args, _) = message.payload().unwrap().to_values().unwrap();
    args[0].as_u64().unwrap()
}

pub(crate) fn subscribe(request: RequestId, topic: &str) -> Message {
    Message::Subscribe(Subscribe {
        request,
        options: SubscribeOptions::default(),
        topic: topic.into(),
    })
}

pub(crate) fn register(request: RequestId, procedure: &str) -> Message {
    Message::Register(Register {
        request,
        options: RegisterOptions::default(),
        procedure: procedure.into(),
    })
}

pub(crate) fn publish(request: RequestId, topic: &str, payload: Payload, acknowledge: bool) -> Message {
    let options = PublishOptions {
        acknowledge,
        ..PublishOptions::default()
    };
    Message::Publish(Publish {
        request,
        options,
        topic: topic.into(),
        payload,
    })
}

pub(crate) fn call(request: RequestId, procedure: &str, payload: Payload) -> Message {
    Message::Call(Call {
        request,
        options: CallOptions::default(),
        procedure: procedure.into(),
        payload,
    })
}
