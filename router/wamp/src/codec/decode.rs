//! What each message looks like, for all formats: the reading side.

use bytes::Bytes;

use super::fields::Fields;
use super::options;
use super::{Malformed, Read, Serializer};
use crate::id::{PublicationId, RegistrationId, SessionId, SubscriptionId};
use crate::message::{
    Abort, Authenticate, Call, CallResult, Cancel, Challenge, Event, EventReceived, Goodbye, Hello, Interrupt,
    Invocation, Message, Publish, Published, Received, Register, Registered, RegistrationRevoked, RequestError,
    RequestKind, Subscribe, Subscribed, SubscriptionRevoked, Unregister, Unregistered, Unsubscribe, Unsubscribed,
    Welcome, Yield, code,
};

/// Reads the message that `reader` stands at the beginning of.
pub(super) fn message<'f, R: Read<'f>>(
    reader: R,
    serializer: Serializer,
    frame: &'f Bytes,
) -> Result<Message, Malformed> {
    let mut fields = Fields::new(reader, serializer, frame)?;
    let code = fields.number("its code is not an integer")?;
    let message = match code {
        code::HELLO..=code::GOODBYE | code::RECEIVED => session(&mut fields, code)?,
        code::PUBLISH..=code::EVENT | code::EVENT_RECEIVED => pubsub(&mut fields, code)?,
        _ => rpc(&mut fields, code)?,
    };
    fields.finish()?;
    Ok(message)
}

fn session<'f, R: Read<'f>>(fields: &mut Fields<'f, R>, code: u64) -> Result<Message, Malformed> {
    Ok(match code {
        code::HELLO => {
            fields.message = "HELLO";
            Message::Hello(Hello {
                realm: fields.uri()?,
                details: fields.dict()?,
            })
        }
        code::WELCOME => {
            fields.message = "WELCOME";
            Message::Welcome(Welcome {
                session: fields.id(SessionId::new)?,
                details: fields.dict()?,
            })
        }
        code::ABORT => {
            fields.message = "ABORT";
            Message::Abort(Abort {
                details: fields.dict()?,
                reason: fields.uri()?,
                payload: fields.payload()?,
            })
        }
        code::CHALLENGE => {
            fields.message = "CHALLENGE";
            Message::Challenge(Challenge {
                method: fields.text()?,
                extra: fields.dict()?,
            })
        }
        code::AUTHENTICATE => {
            fields.message = "AUTHENTICATE";
            Message::Authenticate(Authenticate {
                signature: fields.text()?,
                extra: fields.dict()?,
            })
        }
        code::GOODBYE => {
            fields.message = "GOODBYE";
            Message::Goodbye(Goodbye {
                details: fields.dict()?,
                reason: fields.uri()?,
            })
        }
        code::RECEIVED => {
            fields.message = "RECEIVED";
            Message::Received(Received { count: fields.count()? })
        }
        _ => return Err(Malformed::UnknownMessage(code)),
    })
}

fn pubsub<'f, R: Read<'f>>(fields: &mut Fields<'f, R>, code: u64) -> Result<Message, Malformed> {
    Ok(match code {
        code::PUBLISH => {
            fields.message = "PUBLISH";
            Message::Publish(Publish {
                request: fields.request()?,
                options: fields.options(options::publish)?,
                topic: fields.uri()?,
                payload: fields.payload()?,
            })
        }
        code::PUBLISHED => {
            fields.message = "PUBLISHED";
            Message::Published(Published {
                request: fields.request()?,
                publication: fields.id(PublicationId::new)?,
            })
        }
        code::SUBSCRIBE => {
            fields.message = "SUBSCRIBE";
            Message::Subscribe(Subscribe {
                request: fields.request()?,
                options: fields.options(options::subscribe)?,
                topic: fields.uri()?,
            })
        }
        code::SUBSCRIBED => {
            fields.message = "SUBSCRIBED";
            Message::Subscribed(Subscribed {
                request: fields.request()?,
                subscription: fields.id(SubscriptionId::new)?,
            })
        }
        code::UNSUBSCRIBE => {
            fields.message = "UNSUBSCRIBE";
            Message::Unsubscribe(Unsubscribe {
                request: fields.request()?,
                subscription: fields.id(SubscriptionId::new)?,
            })
        }
        code::UNSUBSCRIBED => {
            fields.message = "UNSUBSCRIBED";
            match fields.answered_request()? {
                Some(request) => Message::Unsubscribed(Unsubscribed { request }),
                None => {
                    let (subscription, reason) = fields.options(options::subscription_revoked)?;
                    let subscription = fields.revoked(subscription)?;
                    Message::SubscriptionRevoked(SubscriptionRevoked { subscription, reason })
                }
            }
        }
        code::EVENT => {
            fields.message = "EVENT";
            Message::Event(Event {
                subscription: fields.id(SubscriptionId::new)?,
                publication: fields.id(PublicationId::new)?,
                details: fields.options(options::event)?,
                payload: fields.payload()?,
            })
        }
        code::EVENT_RECEIVED => {
            fields.message = "EVENT_RECEIVED";
            Message::EventReceived(EventReceived {
                publication: fields.id(PublicationId::new)?,
            })
        }
        _ => return Err(Malformed::UnknownMessage(code)),
    })
}

fn rpc<'f, R: Read<'f>>(fields: &mut Fields<'f, R>, code: u64) -> Result<Message, Malformed> {
    Ok(match code {
        code::ERROR => {
            fields.message = "ERROR";
            error(fields)?
        }
        code::CALL => {
            fields.message = "CALL";
            Message::Call(Call {
                request: fields.request()?,
                options: fields.options(options::call)?,
                procedure: fields.uri()?,
                payload: fields.payload()?,
            })
        }
        code::CANCEL => {
            fields.message = "CANCEL";
            Message::Cancel(Cancel {
                request: fields.request()?,
                options: fields.options(options::cancel)?,
            })
        }
        code::RESULT => {
            fields.message = "RESULT";
            Message::Result(CallResult {
                request: fields.request()?,
                details: fields.options(options::result)?,
                payload: fields.payload()?,
            })
        }
        code::INVOCATION => {
            fields.message = "INVOCATION";
            Message::Invocation(Invocation {
                request: fields.request()?,
                registration: fields.id(RegistrationId::new)?,
                details: fields.options(options::invocation)?,
                payload: fields.payload()?,
            })
        }
        code::INTERRUPT => {
            fields.message = "INTERRUPT";
            Message::Interrupt(Interrupt {
                request: fields.request()?,
                options: fields.options(options::interrupt)?,
            })
        }
        code::YIELD => {
            fields.message = "YIELD";
            Message::Yield(Yield {
                request: fields.request()?,
                options: fields.options(options::yielded)?,
                payload: fields.payload()?,
            })
        }
        _ => registration(fields, code)?,
    })
}

fn registration<'f, R: Read<'f>>(fields: &mut Fields<'f, R>, code: u64) -> Result<Message, Malformed> {
    Ok(match code {
        code::REGISTER => {
            fields.message = "REGISTER";
            Message::Register(Register {
                request: fields.request()?,
                options: fields.options(options::register)?,
                procedure: fields.uri()?,
            })
        }
        code::REGISTERED => {
            fields.message = "REGISTERED";
            Message::Registered(Registered {
                request: fields.request()?,
                registration: fields.id(RegistrationId::new)?,
            })
        }
        code::UNREGISTER => {
            fields.message = "UNREGISTER";
            Message::Unregister(Unregister {
                request: fields.request()?,
                registration: fields.id(RegistrationId::new)?,
            })
        }
        code::UNREGISTERED => {
            fields.message = "UNREGISTERED";
            match fields.answered_request()? {
                Some(request) => Message::Unregistered(Unregistered { request }),
                None => {
                    let (registration, reason) = fields.options(options::registration_revoked)?;
                    let registration = fields.revoked(registration)?;
                    Message::RegistrationRevoked(RegistrationRevoked { registration, reason })
                }
            }
        }
        _ => return Err(Malformed::UnknownMessage(code)),
    })
}

fn error<'f, R: Read<'f>>(fields: &mut Fields<'f, R>) -> Result<Message, Malformed> {
    let kind = fields.number("the type of the request is not an integer")?;
    let kind = RequestKind::from_code(kind).ok_or(Malformed::Shape("ERROR", "no request has this type"))?;
    let request = fields.request()?;
    Ok(Message::Error(RequestError {
        kind,
        request,
        details: fields.options(options::error)?,
        error: fields.uri()?,
        payload: fields.payload()?,
    }))
}
