//! What each message looks like, for all formats: the writing side.

use super::elements::Elements;
use super::{Apart, Serializer, Write, options};
use crate::error::Unconvertible;
use crate::message::{
    Abort, Authenticate, Call, CallResult, Cancel, Challenge, Event, EventReceived, Goodbye, Hello, Interrupt,
    Invocation, Message, Publish, Published, Received, Register, Registered, RegistrationRevoked, RequestError,
    Subscribe, Subscribed, SubscriptionRevoked, Unregister, Unregistered, Unsubscribe, Unsubscribed, Welcome, Yield,
    code,
};

/// Writes one message, without arguments of `least` bytes or more that need no converting.
pub(super) fn message<W: Write>(
    mut writer: W,
    (serializer, least): (Serializer, usize),
    message: &Message,
) -> Result<Option<Apart>, Unconvertible> {
    let mut elements = Elements::new(&mut writer, serializer, least);
    let out = &mut elements;
    match message {
        Message::Hello(it) => it.encode(out),
        Message::Welcome(it) => it.encode(out),
        Message::Abort(it) => it.encode(out),
        Message::Challenge(it) => it.encode(out),
        Message::Authenticate(it) => it.encode(out),
        Message::Goodbye(it) => it.encode(out),
        Message::Error(it) => it.encode(out),
        Message::Publish(it) => it.encode(out),
        Message::Published(it) => it.encode(out),
        Message::Subscribe(it) => it.encode(out),
        Message::Subscribed(it) => it.encode(out),
        Message::Unsubscribe(it) => it.encode(out),
        Message::Unsubscribed(it) => it.encode(out),
        Message::SubscriptionRevoked(it) => it.encode(out),
        Message::Event(it) => it.encode(out),
        Message::Call(it) => it.encode(out),
        Message::Cancel(it) => it.encode(out),
        Message::Result(it) => it.encode(out),
        Message::Register(it) => it.encode(out),
        Message::Registered(it) => it.encode(out),
        Message::Unregister(it) => it.encode(out),
        Message::Unregistered(it) => it.encode(out),
        Message::RegistrationRevoked(it) => it.encode(out),
        Message::Invocation(it) => it.encode(out),
        Message::Interrupt(it) => it.encode(out),
        Message::Yield(it) => it.encode(out),
        Message::EventReceived(it) => it.encode(out),
        Message::Received(it) => it.encode(out),
    }?;
    Ok(elements.apart)
}

/// A message that can be written: its elements, in the order of the specification.
trait Encode {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible>;
}

impl Encode for Hello {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::HELLO, |out| {
            out.uri(&self.realm)?;
            out.dict(&self.details)
        })
    }
}

impl Encode for Welcome {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::WELCOME, |out| {
            out.id(self.session.get());
            out.dict(&self.details)
        })
    }
}

impl Encode for Abort {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(2, code::ABORT, &self.payload, |out| {
            out.dict(&self.details)?;
            out.uri(&self.reason)?;
            Ok(())
        })
    }
}

impl Encode for Challenge {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::CHALLENGE, |out| {
            out.writer.argument(&self.method)?;
            out.dict(&self.extra)
        })
    }
}

impl Encode for Authenticate {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::AUTHENTICATE, |out| {
            out.writer.argument(&self.signature)?;
            out.dict(&self.extra)
        })
    }
}

impl Encode for Goodbye {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::GOODBYE, |out| {
            out.dict(&self.details)?;
            out.uri(&self.reason)?;
            Ok(())
        })
    }
}

impl Encode for RequestError {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(4, code::ERROR, &self.payload, |out| {
            out.id(self.kind.code());
            out.id(self.request.get());
            options::write_error(out.writer, &self.details)?;
            out.uri(&self.error)?;
            Ok(())
        })
    }
}

impl Encode for Publish {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(3, code::PUBLISH, &self.payload, |out| {
            out.id(self.request.get());
            options::write_publish(out.writer, &self.options)?;
            out.uri(&self.topic)?;
            Ok(())
        })
    }
}

impl Encode for Published {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::PUBLISHED, &[self.request.get(), self.publication.get()])
    }
}

impl Encode for Subscribe {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(3, code::SUBSCRIBE, |out| {
            out.id(self.request.get());
            options::write_subscribe(out.writer, &self.options)?;
            out.uri(&self.topic)?;
            Ok(())
        })
    }
}

impl Encode for Subscribed {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::SUBSCRIBED, &[self.request.get(), self.subscription.get()])
    }
}

impl Encode for Unsubscribe {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::UNSUBSCRIBE, &[self.request.get(), self.subscription.get()])
    }
}

impl Encode for Unsubscribed {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::UNSUBSCRIBED, &[self.request.get()])
    }
}

impl Encode for SubscriptionRevoked {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::UNSUBSCRIBED, |out| {
            out.id(0);
            options::write_revocation(
                out.writer,
                "subscription",
                self.subscription.get(),
                self.reason.as_ref(),
            )
        })
    }
}

impl Encode for Event {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(3, code::EVENT, &self.payload, |out| {
            out.id(self.subscription.get());
            out.id(self.publication.get());
            options::write_event(out.writer, &self.details)
        })
    }
}

impl Encode for Call {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(3, code::CALL, &self.payload, |out| {
            out.id(self.request.get());
            options::write_call(out.writer, &self.options)?;
            out.uri(&self.procedure)?;
            Ok(())
        })
    }
}

impl Encode for Cancel {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::CANCEL, |out| {
            out.id(self.request.get());
            options::write_cancel(out.writer, self.options)
        })
    }
}

impl Encode for CallResult {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(2, code::RESULT, &self.payload, |out| {
            out.id(self.request.get());
            options::write_result(out.writer, &self.details)
        })
    }
}

impl Encode for Register {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(3, code::REGISTER, |out| {
            out.id(self.request.get());
            options::write_register(out.writer, &self.options)?;
            out.uri(&self.procedure)?;
            Ok(())
        })
    }
}

impl Encode for Registered {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::REGISTERED, &[self.request.get(), self.registration.get()])
    }
}

impl Encode for Unregister {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::UNREGISTER, &[self.request.get(), self.registration.get()])
    }
}

impl Encode for Unregistered {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::UNREGISTERED, &[self.request.get()])
    }
}

impl Encode for RegistrationRevoked {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::UNREGISTERED, |out| {
            out.id(0);
            options::write_revocation(
                out.writer,
                "registration",
                self.registration.get(),
                self.reason.as_ref(),
            )
        })
    }
}

impl Encode for Invocation {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(3, code::INVOCATION, &self.payload, |out| {
            out.id(self.request.get());
            out.id(self.registration.get());
            options::write_invocation(out.writer, &self.details)
        })
    }
}

impl Encode for Interrupt {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.write(2, code::INTERRUPT, |out| {
            out.id(self.request.get());
            options::write_interrupt(out.writer, &self.options)
        })
    }
}

impl Encode for Yield {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.with_payload(2, code::YIELD, &self.payload, |out| {
            out.id(self.request.get());
            options::write_yield(out.writer, &self.options)
        })
    }
}

impl Encode for EventReceived {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::EVENT_RECEIVED, &[self.publication.get()])
    }
}

impl Encode for Received {
    fn encode<W: Write>(&self, out: &mut Elements<'_, W>) -> Result<(), Unconvertible> {
        out.ids(code::RECEIVED, &[self.count])
    }
}
