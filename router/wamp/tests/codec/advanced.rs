//! Messages with every option that few of them have.

use std::sync::Arc;

use deskconn_wamp::codec::Serializer;
use deskconn_wamp::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use deskconn_wamp::message::{
    Audience, Call, CallOptions, CallResult, ErrorDetails, Event, EventDetails, Invocation, InvocationDetails, Invoke,
    Message, Passthru, Publish, PublishOptions, Register, RegisterOptions, RegistrationRevoked, RequestError,
    RequestKind, ResultDetails, RunMode, Shard, SharedPassthru, Subscribe, SubscribeOptions, SubscriptionRevoked,
    Yield, YieldOptions,
};
use deskconn_wamp::payload::Payload;
use deskconn_wamp::value::{Dict, Value};

const REQUEST: RequestId = RequestId::FIRST;

fn packed() -> SharedPassthru {
    Some(Arc::new(Passthru {
        scheme: Some("x_own".into()),
        serializer: Some("cbor".into()),
        cipher: Some("xsalsa20poly1305".into()),
        keyid: Some("key \"é\"".into()),
        route: None,
    }))
}

/// One binary argument, as the specification has it for payloads that are passed through.
fn payload(serializer: Serializer) -> Payload {
    Payload::from_values(serializer, &[Value::Bytes(vec![0, 1, 255])], &Dict::new()).unwrap()
}

pub(crate) fn all(serializer: Serializer) -> Vec<Message> {
    [pubsub(serializer), rpc(serializer), revocations()].concat()
}

fn pubsub(serializer: Serializer) -> Vec<Message> {
    let session = |number| SessionId::new(number).unwrap();
    let audience = Audience {
        eligible: Some(vec![]),
        eligible_authid: Some(vec!["joe".into(), "é".into()]),
        eligible_authrole: Some(vec!["guest".into()]),
        exclude: vec![session(1), session(1 << 53)],
        exclude_authid: vec!["eve".into()],
        exclude_authrole: vec!["banned".into()],
        rkey: Some("sn239019".into()),
    };
    vec![
        Message::Publish(Publish {
            request: REQUEST,
            options: PublishOptions {
                acknowledge: true,
                delivered: true,
                special: Some(Box::new(audience.into())),
                passthru: packed(),
                ..PublishOptions::default()
            },
            topic: "com.myapp.topic".into(),
            payload: payload(serializer),
        }),
        Message::Subscribe(Subscribe {
            request: REQUEST,
            options: SubscribeOptions {
                nkey: Some("node23".into()),
                ..SubscribeOptions::default()
            },
            topic: "com.myapp.topic".into(),
        }),
        Message::Event(Event {
            subscription: SubscriptionId::FIRST,
            publication: PublicationId::FIRST,
            details: EventDetails {
                trustlevel: Some(0),
                acknowledge: true,
                passthru: packed(),
                ..EventDetails::default()
            },
            payload: payload(serializer),
        }),
    ]
}

fn rpc(serializer: Serializer) -> Vec<Message> {
    let shard = Shard {
        runmode: RunMode::All,
        rkey: Some("shard-7".into()),
    };
    let result = ResultDetails {
        progress: true,
        passthru: packed(),
        ..ResultDetails::default()
    };
    vec![
        Message::Call(Call {
            request: REQUEST,
            options: CallOptions {
                progress: true,
                timeout: 1_500,
                shard: Some(Box::new(shard)),
                passthru: packed(),
                ..CallOptions::default()
            },
            procedure: "com.myapp.add2".into(),
            payload: payload(serializer),
        }),
        Message::Invocation(Invocation {
            request: REQUEST,
            registration: RegistrationId::FIRST,
            details: InvocationDetails {
                progress: true,
                trustlevel: Some(3),
                timeout: 1_500,
                passthru: packed(),
                ..InvocationDetails::default()
            },
            payload: payload(serializer),
        }),
        Message::Yield(Yield {
            request: REQUEST,
            options: YieldOptions {
                passthru: packed(),
                ..YieldOptions::default()
            },
            payload: payload(serializer),
        }),
        Message::Result(CallResult {
            request: REQUEST,
            details: result,
            payload: payload(serializer),
        }),
        Message::Error(RequestError {
            kind: RequestKind::Invocation,
            request: REQUEST,
            details: ErrorDetails { passthru: packed() },
            error: "com.error".into(),
            payload: payload(serializer),
        }),
        Message::Register(Register {
            request: REQUEST,
            options: RegisterOptions {
                invoke: Invoke::Random,
                disclose_caller: true,
                forward_timeout: true,
                force_reregister: true,
                concurrency: 4,
                nkey: Some("node23".into()),
                ..RegisterOptions::default()
            },
            procedure: "com.myapp".into(),
        }),
    ]
}

fn revocations() -> Vec<Message> {
    vec![
        Message::SubscriptionRevoked(SubscriptionRevoked {
            subscription: SubscriptionId::FIRST,
            reason: None,
        }),
        Message::RegistrationRevoked(RegistrationRevoked {
            registration: RegistrationId::FIRST,
            reason: Some(deskconn_wamp::error::NOT_AUTHORIZED),
        }),
    ]
}
