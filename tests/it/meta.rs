//! The meta API over real connections: sessions that are killed, and who may ask the router at all.

use client::{Args, Closed, Error, Serializer, Session, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wamp::realm::{router_procedures, router_topics};

use crate::rights::{error_uri, presenter};
use crate::support::{Desk, Way, over_every_link, soon};

async fn kill(killer: &Session, session: u64) -> Result<Args, Error> {
    let args = Args::from([session.into()])
        .with("reason", "com.example.bye")
        .with("message", "go home");
    killer.call("wamp.session.kill", args).await
}

async fn count(session: &Session) -> Value {
    session.call("wamp.session.count", ()).await.unwrap().into_value()
}

over_every_link!(a_killed_session_is_told_why_and_is_gone);

async fn a_killed_session_is_told_why_and_is_gone(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let killer = desk.join(way, serializer, "realm1").await;
    let killed = desk.join(way, serializer, "realm1").await;
    let mut left = killer.subscribe("wamp.session.on_leave").await.unwrap();
    kill(&killer, killed.id().get()).await.unwrap();
    assert_eq!(
        count(&killer).await,
        1_u64.into(),
        "it is not listed while it says goodbye"
    );
    let closed = soon("the goodbye", killed.closed()).await;
    assert_eq!(closed, Closed::ByRouter("com.example.bye".into(), "go home".to_owned()));
    let event = soon("the event", left.next()).await.unwrap();
    assert_eq!(
        event.args.args,
        [killed.id().get().into(), "anonymous".into(), "anonymous".into()]
    );
    assert_eq!(
        error_uri(kill(&killer, killed.id().get()).await),
        "wamp.error.no_such_session"
    );
    assert_eq!(
        error_uri(kill(&killer, killer.id().get()).await),
        "wamp.error.no_such_session"
    );
}

/// A client that does only what it is told to.
struct Puppet(TcpStream);

impl Puppet {
    async fn join(desk: &Desk) -> (Self, u64) {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        stream.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
        let mut answer = [0; 4];
        soon("the handshake", stream.read_exact(&mut answer)).await.unwrap();
        let mut puppet = Self(stream);
        puppet.say(r#"[1,"realm1",{"roles":{"caller":{}}}]"#).await;
        let welcome = puppet.hear().await;
        let session = welcome[1].as_u64().unwrap();
        (puppet, session)
    }

    async fn say(&mut self, message: &str) {
        let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(message.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    async fn hear(&mut self) -> serde_json::Value {
        let length = soon("a frame", self.0.read_u32()).await.unwrap();
        let mut frame = vec![0; length as usize];
        soon("a frame", self.0.read_exact(&mut frame)).await.unwrap();
        serde_json::from_slice(&frame).unwrap()
    }

    /// Nothing more comes, and the router closes the connection.
    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        soon("the end", self.0.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_of_a_killed_session_closes_whether_it_answers_or_not() {
    let desk = Desk::start().await;
    let killer = desk.join(Way::WebSocket, Serializer::Cbor, "realm1").await;
    for answers in [true, false] {
        let (mut puppet, session) = Puppet::join(&desk).await;
        kill(&killer, session).await.unwrap();
        let goodbye = serde_json::json!([6, {"message": "go home"}, "com.example.bye"]);
        assert_eq!(puppet.hear().await, goodbye);
        if answers {
            puppet.say(r#"[6,{},"wamp.close.goodbye_and_out"]"#).await;
        }
        puppet.expect_end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_session_still_sends_is_not_served() {
    let desk = Desk::start().await;
    let killer = desk.join(Way::WebSocket, Serializer::MessagePack, "realm1").await;
    let mut events = killer.subscribe("com.t").await.unwrap();
    let (mut puppet, session) = Puppet::join(&desk).await;
    kill(&killer, session).await.unwrap();
    assert_eq!(puppet.hear().await[0], 6);
    puppet.say(r#"[16,1,{},"com.t",["too late"]]"#).await;
    puppet.expect_end().await;
    killer.publish_acknowledged("com.other", ()).await.unwrap();
    let (other, _) = Puppet::join(&desk).await;
    let mut other = other;
    other.say(r#"[16,1,{},"com.t",["in time"]]"#).await;
    let event = soon("the event", events.next()).await.unwrap();
    assert_eq!(event.args.args, ["in time".into()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_everybody_leaves_the_desktops_functions_alone() {
    let desk = Desk::start().await;
    let (_phone, session, owner) = presenter(&desk).await;
    let killed = owner.call("wamp.session.kill_all", ()).await.unwrap().into_value();
    assert_eq!(killed, 1_u64.into(), "the phone");
    let closed = soon("the goodbye", session.closed()).await;
    assert!(matches!(closed, Closed::ByRouter(reason, _) if reason == "wamp.close.normal"));
    owner.call("org.deskconn.slides.next", ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_router_a_device_gets_testaments_and_its_own_losses_and_nothing_else() {
    let desk = Desk::start().await;
    let (_phone, session, owner) = presenter(&desk).await;
    for procedure in router_procedures() {
        let answer = session.call(procedure.uri, ()).await;
        match procedure.uri {
            "wamp.session.add_testament" => assert_eq!(error_uri(answer), "wamp.error.invalid_argument"),
            "wamp.session.flush_testaments" => assert!(answer.is_ok()),
            uri => assert_eq!(error_uri(answer), "wamp.error.not_authorized", "{uri}"),
        }
    }
    // Which tells a session of its own losses, and only those who may list sessions of others'.
    session.subscribe("wamp.session.on_overflow").await.unwrap();
    for topic in router_topics().filter(|topic| topic.uri != "wamp.session.on_overflow") {
        let Err(Error::Request(error)) = session.subscribe(topic.uri).await else {
            panic!("{} can be heard", topic.uri)
        };
        assert_eq!(error.uri, "wamp.error.not_authorized", "{}", topic.uri);
    }
    let sessions = owner.call("wamp.session.list", ()).await.unwrap().into_value();
    assert!(sessions.as_list().unwrap().contains(&session.id().get().into()));
}
