//! Calls of the router's own procedures, for tests.

use crate::message::{Call, CallOptions, Event, Message, RequestKind};
use crate::payload::Payload;
use crate::realm::scene::{Scene, request, subscribe};
use crate::value::{Dict, Value};

/// What a call answered: its one result (null without any), or the URI of its error.
pub(in crate::realm) type Answered = Result<Value, String>;

/// Calls a procedure of the router with positional arguments.
pub(in crate::realm) fn ask(scene: &mut Scene, name: &str, procedure: &str, args: &[Value]) -> Answered {
    ask_with(scene, name, procedure, args, &[])
}

/// The same with arguments by name.
pub(in crate::realm) fn ask_with(
    scene: &mut Scene,
    name: &str,
    procedure: &str,
    args: &[Value],
    kwargs: &[(&str, Value)],
) -> Answered {
    let answer = asked(scene, name, procedure, args, kwargs);
    if let Message::Error(error) = answer {
        return Err(error.error.to_string());
    }
    let Message::Result(result) = answer else {
        panic!("{procedure} was answered with {}", answer.name())
    };
    let (mut args, kwargs) = result.payload.to_values().unwrap();
    assert!(
        args.len() < 2 && kwargs.is_empty(),
        "{procedure} answered {args:?} {kwargs:?}"
    );
    Ok(args.pop().unwrap_or(Value::Null))
}

/// The sentence of the error that a call must end with.
pub(in crate::realm) fn sentence(scene: &mut Scene, name: &str, procedure: &str, args: &[Value]) -> String {
    let Message::Error(error) = asked(scene, name, procedure, args, &[]) else {
        panic!("{procedure} was served")
    };
    assert_eq!(error.kind, RequestKind::Call);
    let (args, _) = error.payload.to_values().unwrap();
    args[0].as_str().unwrap().to_owned()
}

fn asked(scene: &mut Scene, name: &str, procedure: &str, args: &[Value], kwargs: &[(&str, Value)]) -> Message {
    let kwargs: Dict = kwargs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let payload = Payload::from_values(crate::codec::Serializer::Cbor, args, &kwargs).unwrap();
    let call = Call {
        request: request(99),
        options: CallOptions::default(),
        procedure: procedure.into(),
        payload,
    };
    scene.send(name, Message::Call(call));
    scene.expect_last(name)
}

/// The id of a session, as a value.
pub(in crate::realm) fn id_of(scene: &Scene, name: &str) -> Value {
    scene.session(name).get().into()
}

/// Subscribes to topics of the router, so that [`heard`] can tell them by their places here.
pub(in crate::realm) fn listen(scene: &mut Scene, name: &str, topics: &[&str]) -> Vec<crate::id::SubscriptionId> {
    let mut subscriptions = Vec::new();
    for topic in topics {
        scene.send(name, subscribe(1, topic, crate::message::Match::Exact));
        let Message::Subscribed(subscribed) = scene.expect_last(name) else {
            panic!("{topic} cannot be heard")
        };
        subscriptions.push(subscribed.subscription);
    }
    subscriptions
}

/// The next event for a session: its subscription and its arguments.
pub(in crate::realm) fn heard(scene: &mut Scene, name: &str) -> (crate::id::SubscriptionId, Vec<Value>) {
    let Message::Event(Event {
        subscription, payload, ..
    }) = scene.expect(name)
    else {
        panic!("{name} got no event")
    };
    (subscription, payload.to_values().unwrap().0)
}
