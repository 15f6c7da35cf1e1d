//! A router that does what a test says.

use std::net::SocketAddr;
use std::time::Duration;

use deskconn_client::{Builder, Client, Options};
use link::Link;
use tokio::net::TcpListener;
use wamp::id::SessionId;
use wamp::limits::Bounds;
use wamp::message::{Message, Welcome};
use wamp::resumption::{Granted, Outcome, Return, Wanted};
use wamp::value::Dict;

use crate::support::soon;

const TOKEN: &str = "abababababababababababababababababababababababababababababababab";

/// A router that does what the test says.
pub(crate) struct Peer {
    pub(crate) listener: TcpListener,
    address: SocketAddr,
}

impl Peer {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn client(&self) -> Builder {
        let target = format!("rs://{}", self.address).parse().unwrap();
        Client::builder(Options::new("realm1"))
            .at(target)
            .pauses(Duration::from_millis(1), Duration::from_millis(5))
    }

    /// The next connection, with what it wants.
    pub(crate) async fn accept(&self) -> (Link, Option<Wanted>) {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        let mut link = soon(link::rawsocket::accept(stream, Bounds::JOINED, 1 << 20))
            .await
            .unwrap();
        let Message::Hello(hello) = receive(&mut link).await else {
            panic!("no HELLO")
        };
        (link, Wanted::of_hello(&hello.details))
    }

    /// The next connection, whose session is a new one.
    pub(crate) async fn open(&self, session: u64, outcome: Outcome) -> Link {
        let (mut link, _) = self.accept().await;
        welcome(&mut link, session, outcome).await;
        link
    }

    /// The next connection, which goes on with the session; gives what had arrived at the client.
    pub(crate) async fn resume(&self, arrived: u64) -> (Link, u64) {
        let (mut link, wanted) = self.accept().await;
        let Some(Wanted::Return(Return {
            session,
            token,
            received,
        })) = wanted
        else {
            panic!("{wanted:?}")
        };
        assert_eq!((session.get(), &*token), (1, TOKEN));
        welcome(&mut link, 1, Outcome::Resumed(arrived)).await;
        (link, received)
    }
}

pub(crate) async fn welcome(link: &mut Link, session: u64, outcome: Outcome) {
    let granted = Granted {
        token: TOKEN.to_owned(),
        within_s: 1,
        outcome,
    };
    let mut details = Dict::new();
    granted.tell(&mut details);
    let session = SessionId::new(session).unwrap();
    send(link, Message::Welcome(Welcome { session, details })).await;
}

pub(crate) async fn send(link: &mut Link, message: Message) {
    soon(link.writer.send(message)).await.unwrap();
}

pub(crate) async fn receive(link: &mut Link) -> Message {
    soon(link.reader.next()).await.unwrap().expect("the client closed it")
}
