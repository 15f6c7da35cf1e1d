//! The vectors of the specification: each sample means what it should, in each serializer, and can be said again.

use deskconn_wamp::codec::Serializer;
use deskconn_wamp::message::{
    Abort, Authenticate, Call, CallResult, Cancel, Challenge, Event, EventReceived, Goodbye, Hello, Interrupt,
    Invocation, Message, Publish, Published, Register, Registered, RequestError, Subscribe, Subscribed, Unregister,
    Unregistered, Unsubscribe, Unsubscribed, Welcome, Yield,
};
use deskconn_wamp::payload::Payload;
use deskconn_wamp::value::Value;
use serde_json::{Map, Value as Json, json};

use crate::{decode, encode};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../vectors/", $name, ".json")))),*]
    };
}

const FILES: [(&str, &str); 26] = files![
    "advanced/cancel",
    "advanced/eventreceived",
    "advanced/interrupt",
    "advanced/publish_with_publisher_exclusion_disabled",
    "basic/abort",
    "basic/authenticate",
    "basic/call",
    "basic/challenge",
    "basic/error",
    "basic/event",
    "basic/goodbye",
    "basic/hello",
    "basic/invocation",
    "basic/publish",
    "basic/published",
    "basic/register",
    "basic/registered",
    "basic/result",
    "basic/subscribe",
    "basic/subscribed",
    "basic/unregister",
    "basic/unregistered",
    "basic/unsubscribe",
    "basic/unsubscribed",
    "basic/welcome",
    "basic/yield",
];

/// Options and Details that other routers have, and that are passed over here.
const PASSED_OVER: [&str; 3] = ["enc_algo", "enc_serializer", "forward_for"];

/// One sample: where it is from, its bytes by serializer, and what they mean.
struct Sample {
    title: String,
    encodings: Vec<(Serializer, Vec<u8>)>,
    meaning: Map<String, Json>,
}

fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (name, text) in FILES {
        let file: Json = serde_json::from_str(text).unwrap();
        for sample in file["samples"].as_array().unwrap() {
            let Some(meaning) = sample["expected_attributes"].as_object() else {
                continue;
            };
            let serializers = sample["serializers"].as_object().unwrap();
            let bytes = |encoding: &Json| hex::decode(encoding["bytes_hex"].as_str().unwrap()).unwrap();
            let of = |serializer: Serializer| {
                let encodings = serializers
                    .get(serializer.name())
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten();
                encodings.map(move |encoding| (serializer, bytes(encoding)))
            };
            samples.push(Sample {
                title: format!("{name}: {}", sample["description"]),
                encodings: Serializer::ALL.into_iter().flat_map(of).collect(),
                meaning: meaning.clone(),
            });
        }
    }
    samples
}

#[test]
fn every_sample_means_what_it_should_in_every_serializer() {
    let samples = samples();
    let encodings: usize = samples.iter().map(|sample| sample.encodings.len()).sum();
    assert_eq!((samples.len(), encodings), (35, 129), "the vectors have changed");
    for sample in samples {
        for (serializer, bytes) in &sample.encodings {
            let message = decode(*serializer, bytes.clone());
            let message = message.unwrap_or_else(|why| panic!("{} in {serializer:?}: {why}", sample.title));
            check(&sample, *serializer, &meaning(&message));
        }
    }
}

#[test]
fn every_sample_can_be_said_again_in_every_serializer() {
    for sample in samples() {
        for (serializer, bytes) in &sample.encodings {
            let message = decode(*serializer, bytes.clone()).unwrap();
            assert_eq!(
                decode(*serializer, encode(*serializer, &message).unwrap()).unwrap(),
                message,
                "{}",
                sample.title
            );
            for other in Serializer::ALL {
                let converted = decode(other, encode(other, &message).unwrap()).unwrap();
                check(&sample, other, &meaning(&converted));
            }
        }
    }
}

#[test]
fn what_is_written_is_byte_for_byte_the_compact_form_of_the_sample() {
    let mut compared = 0;
    for sample in samples() {
        let dropped = |options: &str| {
            let options = sample.meaning.get(options).and_then(Json::as_object);
            options.is_some_and(|options| options.keys().any(|key| PASSED_OVER.contains(&key.as_str())))
        };
        let code = sample.meaning["message_type"].as_u64().unwrap();
        // HELLO has its roles in another order; CANCEL and INTERRUPT always say their mode here.
        if matches!(code, 1 | 49 | 69) || dropped("options") || dropped("details") {
            continue;
        }
        for serializer in Serializer::ALL {
            let compact = sample
                .encodings
                .iter()
                .rfind(|(of, _)| *of == serializer)
                .map(|(_, bytes)| bytes);
            let compact = compact.unwrap();
            let written = encode(serializer, &decode(serializer, compact.clone()).unwrap()).unwrap();
            assert_eq!(
                hex::encode(&written),
                hex::encode(compact),
                "{} in {serializer:?}",
                sample.title
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 26 * 3);
}

fn check(sample: &Sample, serializer: Serializer, meaning: &Json) {
    for (key, expected) in &sample.meaning {
        let mut expected = expected.clone();
        if let Some(options) = expected.as_object_mut() {
            options.retain(|key, _| !PASSED_OVER.contains(&key.as_str()));
        }
        assert_eq!(meaning[key], expected, "{} in {serializer:?}: {key}", sample.title);
    }
}

/// A message under the names of the vectors.
fn meaning(message: &Message) -> Json {
    let mut meaning = match message {
        Message::Hello(_)
        | Message::Welcome(_)
        | Message::Abort(_)
        | Message::Challenge(_)
        | Message::Authenticate(_)
        | Message::Goodbye(_) => session(message),
        Message::Publish(_)
        | Message::Published(_)
        | Message::Subscribe(_)
        | Message::Subscribed(_)
        | Message::Unsubscribe(_)
        | Message::Unsubscribed(_)
        | Message::SubscriptionRevoked(_)
        | Message::Event(_)
        | Message::EventReceived(_) => pubsub(message),
        Message::Received(_) => panic!("the project of WAMP has no vectors for {}", message.name()),
        Message::Error(_)
        | Message::Call(_)
        | Message::Cancel(_)
        | Message::Result(_)
        | Message::Register(_)
        | Message::Registered(_)
        | Message::Unregister(_)
        | Message::Unregistered(_)
        | Message::RegistrationRevoked(_)
        | Message::Invocation(_)
        | Message::Interrupt(_)
        | Message::Yield(_) => rpc(message),
    };
    if let Some(payload) = message.payload() {
        arguments(payload, &mut meaning);
    }
    meaning
}

/// Arguments under the names of the vectors: a binary value in the place of the list is a payload that only its
/// receiver understands.
fn arguments(payload: &Payload, meaning: &mut Json) {
    let (args, kwargs) = payload.to_values().unwrap();
    let opaque = match &args[..] {
        [Value::Bytes(bytes)] => Some(hex::encode(bytes)),
        _ => None,
    };
    let has_args = !args.is_empty() && opaque.is_none();
    meaning["payload"] = json!(opaque);
    meaning["args"] = if has_args { json!(args) } else { Json::Null };
    meaning["kwargs"] = if kwargs.is_empty() { Json::Null } else { json!(kwargs) };
}

fn session(message: &Message) -> Json {
    match message {
        Message::Hello(Hello { realm, details }) => {
            json!({"message_type": 1, "realm": realm.as_str(), "roles": details["roles"]})
        }
        Message::Welcome(Welcome { session, details }) => {
            json!({"message_type": 2, "session_id": session.get(), "roles": details["roles"]})
        }
        Message::Abort(Abort { details, reason, .. }) => {
            json!({"message_type": 3, "details": details, "reason": reason.as_str()})
        }
        Message::Challenge(Challenge { method, extra }) => {
            json!({"message_type": 4, "method": method, "extra": extra})
        }
        Message::Authenticate(Authenticate { signature, extra }) => {
            json!({"message_type": 5, "signature": signature, "extra": extra})
        }
        Message::Goodbye(Goodbye { details, reason }) => {
            json!({"message_type": 6, "details": details, "reason": reason.as_str()})
        }
        other => panic!("{} opens or closes no session", other.name()),
    }
}

fn pubsub(message: &Message) -> Json {
    match message {
        Message::Publish(Publish {
            request,
            options,
            topic,
            ..
        }) => {
            let mut known = Map::new();
            if options.acknowledge {
                known.insert("acknowledge".to_owned(), true.into());
            }
            if !options.exclude_me {
                known.insert("exclude_me".to_owned(), false.into());
            }
            json!({"message_type": 16, "request_id": request.get(), "options": known, "topic": topic.as_str()})
        }
        Message::Published(Published { request, publication }) => {
            json!({"message_type": 17, "request_id": request.get(), "publication_id": publication.get()})
        }
        Message::Subscribe(Subscribe { request, topic, .. }) => {
            json!({"message_type": 32, "request_id": request.get(), "options": {}, "topic": topic.as_str()})
        }
        Message::Subscribed(Subscribed { request, subscription }) => {
            json!({"message_type": 33, "request_id": request.get(), "subscription_id": subscription.get()})
        }
        Message::Unsubscribe(Unsubscribe { request, subscription }) => {
            json!({"message_type": 34, "request_id": request.get(), "subscription_id": subscription.get()})
        }
        Message::Unsubscribed(Unsubscribed { request }) => {
            json!({"message_type": 35, "request_id": request.get()})
        }
        Message::Event(Event {
            subscription,
            publication,
            ..
        }) => {
            let (subscription, publication) = (subscription.get(), publication.get());
            json!({"message_type": 36, "subscription": subscription, "publication": publication, "details": {}})
        }
        Message::EventReceived(EventReceived { publication }) => {
            json!({"message_type": 337, "publication_id": publication.get()})
        }
        other => panic!("{} is no publication", other.name()),
    }
}

fn rpc(message: &Message) -> Json {
    match message {
        Message::Error(RequestError {
            kind, request, error, ..
        }) => {
            let (kind, request) = (kind.code(), request.get());
            json!({"message_type": 8, "request_type": kind, "request_id": request, "details": {}, "error": error.as_str()})
        }
        Message::Call(Call { request, procedure, .. }) => {
            json!({"message_type": 48, "request_id": request.get(), "options": {}, "procedure": procedure.as_str()})
        }
        Message::Cancel(Cancel { request, .. }) => {
            json!({"message_type": 49, "request_id": request.get(), "options": {}})
        }
        Message::Result(CallResult { request, .. }) => {
            json!({"message_type": 50, "request_id": request.get(), "details": {}})
        }
        Message::Register(Register { request, procedure, .. }) => {
            json!({"message_type": 64, "request_id": request.get(), "options": {}, "procedure": procedure.as_str()})
        }
        Message::Registered(Registered { request, registration }) => {
            json!({"message_type": 65, "request_id": request.get(), "registration_id": registration.get()})
        }
        Message::Unregister(Unregister { request, registration }) => {
            let registration = registration.get();
            json!({"message_type": 66, "request_id": request.get(), "registration_id": registration, "options": {}})
        }
        Message::Unregistered(Unregistered { request }) => {
            json!({"message_type": 67, "request_id": request.get()})
        }
        Message::Invocation(Invocation {
            request, registration, ..
        }) => {
            let registration = registration.get();
            json!({"message_type": 68, "request_id": request.get(), "registration_id": registration, "details": {}})
        }
        Message::Interrupt(Interrupt { request, .. }) => {
            json!({"message_type": 69, "request_id": request.get(), "options": {}})
        }
        Message::Yield(Yield { request, .. }) => {
            json!({"message_type": 70, "request_id": request.get(), "options": {}})
        }
        other => panic!("{} is no call", other.name()),
    }
}
