//! Messages that end an invocation.

use wamp::codec::Serializer;
use wamp::error::{INVALID_ARGUMENT, PAYLOAD_SIZE_EXCEEDED};
use wamp::id::RequestId;
use wamp::message::{self, Message, RequestKind, Yield, YieldOptions};
use wamp::payload::Payload;

use crate::args::Args;
use crate::error::RequestError;

/// The result of an invocation.
pub(crate) fn encoded(request: RequestId, result: &Args, serializer: Serializer) -> Result<Message, RequestError> {
    let payload = result.encode(serializer);
    let payload = payload.map_err(|error| RequestError::new(INVALID_ARGUMENT, error.to_string()))?;
    Ok(Message::Yield(Yield {
        request,
        options: YieldOptions::default(),
        payload,
    }))
}

/// An ERROR for the caller of an invocation.
pub(crate) fn failure(request: RequestId, error: RequestError, serializer: Serializer) -> Message {
    error_message(RequestKind::Invocation, request, error, serializer)
}

/// What is longer than the router takes fails here.
pub(crate) fn too_long() -> RequestError {
    RequestError::new(PAYLOAD_SIZE_EXCEEDED, "the arguments are longer than the router takes")
}

/// An ERROR of any kind.
pub(crate) fn error_message(
    kind: RequestKind,
    request: RequestId,
    error: RequestError,
    serializer: Serializer,
) -> Message {
    let payload = Payload::from_values(serializer, &error.args, &error.kwargs);
    let payload = payload.unwrap_or_else(|why| Payload::sentence(&why.to_string()));
    Message::Error(message::RequestError {
        details: message::ErrorDetails::default(),
        kind,
        request,
        error: error.uri,
        payload,
    })
}
