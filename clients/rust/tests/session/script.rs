//! The client against a peer that keeps to a script: what a real router would not do.

use deskconn_client::{Closed, ConnectError, Error, Options, Session};
use link::Link;
use wamp::error::{CLOSE_NORMAL, GOODBYE_AND_OUT, NO_SUCH_REALM, SYSTEM_SHUTDOWN};
use wamp::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use wamp::message::{
    Abort, CallResult, Event, EventDetails, Goodbye, Invocation, InvocationDetails, Message, Published, Registered,
    ResultDetails, Subscribed, Welcome,
};
use wamp::payload::Payload;
use wamp::value::Dict;

use crate::support::soon;

pub(crate) async fn receive(peer: &mut Link) -> Message {
    soon(peer.reader.next())
        .await
        .unwrap()
        .expect("the client closed the link")
}

pub(crate) async fn joined() -> (Session, Link) {
    let (near, mut peer) = link::local::pair(64);
    let welcome = async {
        assert_eq!(receive(&mut peer).await.name(), "HELLO");
        let welcome = Welcome {
            session: SessionId::FIRST,
            details: Dict::new(),
        };
        peer.writer.send(Message::Welcome(welcome)).await.unwrap();
    };
    let (session, ()) = soon(async { tokio::join!(Session::over(near, Options::new("realm1")), welcome) }).await;
    (session.unwrap(), peer)
}

fn result(request: RequestId) -> Message {
    Message::Result(CallResult {
        request,
        details: ResultDetails::default(),
        payload: Payload::EMPTY,
    })
}

#[tokio::test]
async fn a_refusal_says_why() {
    let (near, mut peer) = link::local::pair(4);
    let refuse = async {
        receive(&mut peer).await;
        let abort = Abort::new(NO_SUCH_REALM, "there is no realm1 here");
        peer.writer.send(Message::Abort(abort)).await.unwrap();
    };
    let (session, ()) = soon(async { tokio::join!(Session::over(near, Options::new("realm1")), refuse) }).await;
    let error = session.unwrap_err();
    assert!(matches!(error, ConnectError::Join(_)));
    assert!(error.to_string().contains("there is no realm1 here"), "{error}");
}

#[tokio::test]
async fn a_link_that_closes_before_the_session_is_open_is_an_error() {
    let (near, peer) = link::local::pair(4);
    drop(peer);
    assert!(matches!(
        soon(Session::over(near, Options::new("realm1"))).await,
        Err(ConnectError::Lost(_))
    ));
}

#[tokio::test]
async fn requests_of_many_tasks_leave_in_the_order_of_their_numbers() {
    let (session, mut peer) = joined().await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.call("com.example.x", ()).await })
        })
        .collect();
    let mut expected = RequestId::FIRST;
    for _ in &calls {
        let Message::Call(call) = receive(&mut peer).await else {
            panic!()
        };
        assert_eq!(call.request, expected);
        expected = expected.next();
        peer.writer.send(result(call.request)).await.unwrap();
    }
    for call in calls {
        assert!(soon(call).await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn answers_to_what_was_never_asked_are_passed_over() {
    let (session, mut peer) = joined().await;
    let unknown = RequestId::new(99).unwrap();
    let event = Event {
        subscription: SubscriptionId::FIRST,
        publication: PublicationId::FIRST,
        details: EventDetails::default(),
        payload: Payload::EMPTY,
    };
    for message in [
        result(unknown),
        Message::Published(Published {
            request: unknown,
            publication: PublicationId::FIRST,
        }),
        Message::Registered(Registered {
            request: unknown,
            registration: RegistrationId::FIRST,
        }),
        Message::Subscribed(Subscribed {
            request: unknown,
            subscription: SubscriptionId::FIRST,
        }),
        Message::Event(event),
    ] {
        peer.writer.send(message).await.unwrap();
    }
    let answer = async {
        let Message::Call(call) = receive(&mut peer).await else {
            panic!()
        };
        peer.writer.send(result(call.request)).await.unwrap();
    };
    let (called, ()) = soon(async { tokio::join!(session.call("com.example.x", ()), answer) }).await;
    assert!(called.is_ok());
}

#[tokio::test]
async fn an_invocation_of_what_is_not_registered_is_answered_with_an_error() {
    let (_session, mut peer) = joined().await;
    let invocation = Invocation {
        request: RequestId::FIRST,
        registration: RegistrationId::FIRST,
        details: InvocationDetails::default(),
        payload: Payload::EMPTY,
    };
    peer.writer.send(Message::Invocation(invocation)).await.unwrap();
    let Message::Error(error) = receive(&mut peer).await else {
        panic!()
    };
    assert_eq!(error.error, wamp::error::NO_SUCH_REGISTRATION);
}

#[tokio::test]
async fn what_is_granted_when_nobody_waits_any_more_is_given_back() {
    use std::time::Duration;
    let (session, mut peer) = joined().await;
    let moment = Duration::from_millis(1);
    assert!(
        tokio::time::timeout(moment, session.subscribe("com.example.x"))
            .await
            .is_err()
    );
    let Message::Subscribe(subscribe) = receive(&mut peer).await else {
        panic!()
    };
    let subscribed = Subscribed {
        request: subscribe.request,
        subscription: SubscriptionId::FIRST,
    };
    peer.writer.send(Message::Subscribed(subscribed)).await.unwrap();
    let Message::Unsubscribe(unsubscribe) = receive(&mut peer).await else {
        panic!()
    };
    assert_eq!(unsubscribe.subscription, SubscriptionId::FIRST);

    let register = session.register("com.example.x", |_| async { Ok(().into()) });
    assert!(tokio::time::timeout(moment, register).await.is_err());
    let Message::Register(register) = receive(&mut peer).await else {
        panic!()
    };
    let registered = Registered {
        request: register.request,
        registration: RegistrationId::FIRST,
    };
    peer.writer.send(Message::Registered(registered)).await.unwrap();
    let Message::Unregister(unregister) = receive(&mut peer).await else {
        panic!()
    };
    assert_eq!(unregister.registration, RegistrationId::FIRST);
}

#[tokio::test]
async fn a_goodbye_of_the_router_is_answered_and_ends_everything_with_its_reason() {
    let (session, mut peer) = joined().await;
    let say = async {
        assert_eq!(receive(&mut peer).await.name(), "CALL");
        let goodbye = Goodbye::new(SYSTEM_SHUTDOWN, "the router stops");
        peer.writer.send(Message::Goodbye(goodbye)).await.unwrap();
        let Message::Goodbye(answer) = receive(&mut peer).await else {
            panic!()
        };
        assert_eq!(answer.reason, GOODBYE_AND_OUT);
        assert!(matches!(soon(peer.reader.next()).await, Ok(None)));
    };
    let (called, ()) = soon(async { tokio::join!(session.call("com.example.x", ()), say) }).await;
    let expected = Closed::ByRouter(SYSTEM_SHUTDOWN, "the router stops".to_owned());
    assert!(matches!(called, Err(Error::Closed(closed)) if closed == expected));
    assert_eq!(soon(session.closed()).await, expected);
}

#[tokio::test]
async fn leaving_says_goodbye_once_and_waits_for_the_answer() {
    let (session, mut peer) = joined().await;
    let answer = async {
        let Message::Goodbye(goodbye) = receive(&mut peer).await else {
            panic!()
        };
        assert_eq!(goodbye.reason, CLOSE_NORMAL);
        let answer = Goodbye {
            details: Dict::new(),
            reason: GOODBYE_AND_OUT,
        };
        peer.writer.send(Message::Goodbye(answer)).await.unwrap();
        assert!(matches!(soon(peer.reader.next()).await, Ok(None)), "nothing follows");
    };
    soon(async { tokio::join!(session.leave(), answer) }).await;
    assert_eq!(session.closed().await, Closed::Left);
}

#[tokio::test]
async fn the_last_handle_that_is_dropped_says_goodbye() {
    let (session, mut peer) = joined().await;
    let copy = session.clone();
    drop(session);
    assert_eq!(copy.id(), SessionId::FIRST);
    drop(copy);
    assert_eq!(receive(&mut peer).await.name(), "GOODBYE");
}

#[tokio::test]
async fn a_link_that_breaks_ends_everything() {
    let (session, peer) = joined().await;
    let mut subscribe = Box::pin(session.subscribe("com.example.x"));
    tokio::select! {
        biased;
        result = &mut subscribe => panic!("{:?}", result.err()),
        () = tokio::task::yield_now() => {}
    }
    drop(peer);
    assert!(matches!(soon(subscribe).await, Err(Error::Closed(Closed::Lost(_)))));
    assert!(matches!(
        soon(session.call("com.example.x", ())).await,
        Err(Error::Closed(Closed::Lost(_)))
    ));
}
