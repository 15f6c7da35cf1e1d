//! Bodies of requests and answers. What a request says goes through the router's own decoder, as the message that it
//! stands for: so bounds and options are those of every client.

use bytes::Bytes;
use client::{Args, CallOptions, Dict, PublishOptions, Value};
use hyper::StatusCode;
use wamp::codec::{self, Serializer};
use wamp::error::INVALID_ARGUMENT;
use wamp::limits::Bounds;
use wamp::message::Message;
use wamp::uri::Uri;

use super::answers::{Answer, Refusal};

/// `{procedure, args?, kwargs?, options?}`.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) procedure: Uri,
    pub(super) args: Args,
    pub(super) options: CallOptions,
}

/// `{topic, args?, kwargs?, options?}`.
#[derive(Debug)]
pub(super) struct Publish {
    pub(super) topic: Uri,
    pub(super) args: Args,
    pub(super) options: PublishOptions,
}

pub(super) fn call(body: &[u8], bounds: &Bounds) -> Answer<Call> {
    let message = message(body, 48, "procedure", bounds)?;
    let Message::Call(call) = message else {
        return Err(bad(format!("this is {}", message.name())));
    };
    Ok(Call {
        args: args(&call.payload)?,
        procedure: call.procedure,
        options: call.options,
    })
}

pub(super) fn publish(body: &[u8], bounds: &Bounds) -> Answer<Publish> {
    let message = message(body, 16, "topic", bounds)?;
    let Message::Publish(publish) = message else {
        return Err(bad(format!("this is {}", message.name())));
    };
    Ok(Publish {
        args: args(&publish.payload)?,
        topic: publish.topic,
        options: PublishOptions {
            acknowledge: true,
            ..publish.options
        },
    })
}

/// What stands in the body, as the message of this type.
fn message(body: &[u8], code: u64, subject: &str, bounds: &Bounds) -> Answer<Message> {
    let body: Value = serde_json::from_slice(body).map_err(|error| bad(format!("the body is no JSON: {error}")))?;
    let Value::Dict(mut body) = body else {
        return Err(bad(format!(
            "the body must be {{\"{subject}\": …, \"args\": […], \"kwargs\": {{…}}}}"
        )));
    };
    let uri = match body.remove(subject) {
        Some(Value::Text(uri)) => Value::Text(uri),
        Some(_) => return Err(bad(format!("{subject} must be a text"))),
        None => return Err(bad(format!("{subject} is missing"))),
    };
    // Null stands for what is left out.
    let mut part = |key: &str, empty: Value| match body.remove(key) {
        None | Some(Value::Null) => empty,
        Some(given) => given,
    };
    let options = part("options", Value::Dict(Dict::new()));
    let (args, kwargs) = (
        part("args", Value::List(Vec::new())),
        part("kwargs", Value::Dict(Dict::new())),
    );
    if let Some(unknown) = body.keys().next() {
        return Err(bad(format!(
            "{unknown} means nothing here; there are {subject}, args, kwargs and options"
        )));
    }
    let message = Value::List(vec![code.into(), 1_u64.into(), options, uri, args, kwargs]);
    let text = serde_json::to_vec(&message).map_err(|error| bad(error.to_string()))?;
    let decoded = codec::decode(Serializer::Json, &Bytes::from(text), bounds);
    decoded.map_err(|violation| bad(violation.to_string()))
}

fn args(payload: &wamp::payload::Payload) -> Answer<Args> {
    let (args, kwargs) = payload.to_values().map_err(|error| bad(error.to_string()))?;
    Ok(Args { args, kwargs })
}

/// `{args?, kwargs?}`: what is empty is left out.
pub(super) fn result(result: Args) -> Dict {
    let Args { args, kwargs } = result;
    let args = (!args.is_empty()).then(|| ("args".to_owned(), Value::List(args)));
    let kwargs = (!kwargs.is_empty()).then(|| ("kwargs".to_owned(), Value::Dict(kwargs)));
    args.into_iter().chain(kwargs).collect()
}

fn bad(sentence: impl Into<String>) -> Box<Refusal> {
    Refusal::new(StatusCode::BAD_REQUEST, INVALID_ARGUMENT, sentence)
}
