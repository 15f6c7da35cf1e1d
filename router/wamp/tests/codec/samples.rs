//! One message of every kind.

use std::sync::Arc;

use deskconn_wamp::codec::Serializer;
use deskconn_wamp::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use deskconn_wamp::message::{
    Abort, Authenticate, Call, CallOptions, CallResult, Cancel, CancelMode, CancelOptions, Challenge, ErrorDetails,
    Event, EventDetails, EventReceived, Goodbye, Hello, Interrupt, InterruptOptions, Invocation, InvocationDetails,
    Invoke, Match, Message, Origin, Publish, PublishOptions, Published, Received, Register, RegisterOptions,
    Registered, RequestError, RequestKind, ResultDetails, Retained, Subscribe, SubscribeOptions, Subscribed,
    Unregister, Unregistered, Unsubscribe, Unsubscribed, Welcome, Yield, YieldOptions,
};
use deskconn_wamp::payload::Payload;
use deskconn_wamp::uri::Uri;
use deskconn_wamp::value::{Dict, Value};

const REQUEST: RequestId = RequestId::FIRST;
const REGISTRATION: RegistrationId = RegistrationId::FIRST;
const SUBSCRIPTION: SubscriptionId = SubscriptionId::FIRST;

fn publication() -> PublicationId {
    PublicationId::new(deskconn_wamp::id::MAX_ID).unwrap()
}

fn origin() -> Box<Origin> {
    let session = SessionId::new(7).unwrap();
    Box::new(Origin {
        session,
        authid: Arc::from("joe"),
        authrole: Arc::from("guest"),
    })
}

pub(crate) fn payload(serializer: Serializer) -> Payload {
    let args = [
        "é".into(),
        Value::Bytes(vec![0, 255]),
        Value::Int(-1),
        Value::Float(0.5),
        Value::Null,
    ];
    let kwargs = Dict::from([("key".to_owned(), Value::List(vec![true.into()]))]);
    Payload::from_values(serializer, &args, &kwargs).unwrap()
}

pub(crate) fn all(serializer: Serializer) -> Vec<Message> {
    let details = || Dict::from([("message".to_owned(), Value::from("text"))]);
    [
        session(serializer, details),
        pubsub(serializer),
        rpc(serializer),
        registration(),
        retention(serializer),
        crate::advanced::all(serializer),
    ]
    .concat()
}

fn session(serializer: Serializer, details: impl Fn() -> Dict) -> Vec<Message> {
    let payload = payload(serializer);
    vec![
        Message::Hello(Hello {
            realm: "realm1".into(),
            details: details(),
        }),
        Message::Welcome(Welcome {
            session: SessionId::FIRST,
            details: details(),
        }),
        Message::Abort(Abort {
            details: details(),
            reason: deskconn_wamp::error::NO_SUCH_REALM,
            payload,
        }),
        Message::Challenge(Challenge {
            method: "cryptosign".to_owned(),
            extra: details(),
        }),
        Message::Authenticate(Authenticate {
            signature: "00ff".to_owned(),
            extra: details(),
        }),
        Message::Goodbye(Goodbye {
            details: details(),
            reason: deskconn_wamp::error::CLOSE_NORMAL,
        }),
    ]
}

fn pubsub(serializer: Serializer) -> Vec<Message> {
    let payload = payload(serializer);
    let topic = || Uri::from("com.myapp.topic");
    let options = PublishOptions {
        acknowledge: true,
        exclude_me: false,
        disclose_me: true,
        ..PublishOptions::default()
    };
    let details = EventDetails {
        publisher: Some(origin()),
        topic: Some(Box::new(topic())),
        ..EventDetails::default()
    };
    vec![
        Message::Publish(Publish {
            request: REQUEST,
            options,
            topic: topic(),
            payload: payload.clone(),
        }),
        Message::Published(Published {
            request: REQUEST,
            publication: publication(),
        }),
        Message::Subscribe(Subscribe {
            request: REQUEST,
            options: SubscribeOptions {
                policy: Match::Wildcard,
                ..SubscribeOptions::default()
            },
            topic: "com..topic".into(),
        }),
        Message::Subscribed(Subscribed {
            request: REQUEST,
            subscription: SUBSCRIPTION,
        }),
        Message::Unsubscribe(Unsubscribe {
            request: REQUEST,
            subscription: SUBSCRIPTION,
        }),
        Message::Unsubscribed(Unsubscribed { request: REQUEST }),
        Message::Event(Event {
            subscription: SUBSCRIPTION,
            publication: publication(),
            details,
            payload,
        }),
        Message::EventReceived(EventReceived {
            publication: publication(),
        }),
        Message::Received(Received { count: 129 }),
    ]
}

fn retention(serializer: Serializer) -> Vec<Message> {
    let topic = || Uri::from("com.myapp.topic");
    let retained = Retained {
        published_at: Some("2026-11-21T12:00:00Z".into()),
    };
    let details = EventDetails {
        retained: Some(retained.into()),
        ..EventDetails::default()
    };
    vec![
        Message::Publish(Publish {
            request: REQUEST,
            options: PublishOptions {
                retain: true,
                ..PublishOptions::default()
            },
            topic: topic(),
            payload: payload(serializer),
        }),
        Message::Subscribe(Subscribe {
            request: REQUEST,
            options: SubscribeOptions {
                policy: Match::Prefix,
                get_retained: true,
                ..SubscribeOptions::default()
            },
            topic: topic(),
        }),
        Message::Event(Event {
            subscription: SUBSCRIPTION,
            publication: publication(),
            details,
            payload: payload(serializer),
        }),
    ]
}

fn rpc(serializer: Serializer) -> Vec<Message> {
    let payload = || payload(serializer);
    let procedure = || Uri::from("com.myapp.add2");
    let options = CallOptions {
        receive_progress: true,
        disclose_me: true,
        ..CallOptions::default()
    };
    let details = InvocationDetails {
        caller: Some(origin()),
        procedure: Some(Box::new(procedure())),
        receive_progress: true,
        ..InvocationDetails::default()
    };
    vec![
        Message::Error(RequestError {
            kind: RequestKind::Call,
            request: REQUEST,
            details: ErrorDetails::default(),
            error: deskconn_wamp::error::NO_SUCH_PROCEDURE,
            payload: payload(),
        }),
        Message::Call(Call {
            request: REQUEST,
            options,
            procedure: procedure(),
            payload: payload(),
        }),
        Message::Cancel(Cancel {
            request: REQUEST,
            options: CancelOptions { mode: CancelMode::Kill },
        }),
        Message::Result(CallResult {
            request: REQUEST,
            details: ResultDetails {
                progress: true,
                ..ResultDetails::default()
            },
            payload: Payload::EMPTY,
        }),
        Message::Invocation(Invocation {
            request: REQUEST,
            registration: REGISTRATION,
            details,
            payload: payload(),
        }),
        Message::Interrupt(Interrupt {
            request: REQUEST,
            options: InterruptOptions {
                mode: CancelMode::KillNoWait,
                reason: Some(deskconn_wamp::error::TIMEOUT),
            },
        }),
        Message::Yield(Yield {
            request: REQUEST,
            options: YieldOptions {
                progress: true,
                ..YieldOptions::default()
            },
            payload: payload(),
        }),
    ]
}

fn registration() -> Vec<Message> {
    let options = RegisterOptions {
        policy: Match::Prefix,
        invoke: Invoke::RoundRobin,
        ..RegisterOptions::default()
    };
    vec![
        Message::Register(Register {
            request: REQUEST,
            options,
            procedure: "com.myapp".into(),
        }),
        Message::Registered(Registered {
            request: REQUEST,
            registration: REGISTRATION,
        }),
        Message::Unregister(Unregister {
            request: REQUEST,
            registration: REGISTRATION,
        }),
        Message::Unregistered(Unregistered { request: REQUEST }),
    ]
}
