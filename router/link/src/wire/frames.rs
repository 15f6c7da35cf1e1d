//! The frames of a connection, and the answers that its transport demands, whatever the frames carry.

use std::future::{Future as _, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::str;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, ReadBuf};
use wamp::codec::Apart;
use wamp::outgoing::LONG;

use super::assembler::{Assembler, CHUNK, Frame};
use super::outlet::{Masks, Out, Outlet, Side};
use super::{Encoding, Fault, Framing, Kind};
use crate::stream::ReadHalf;
use crate::websocket::status;
use crate::{Heard, Octets, ReadError};

/// Bytes of answers that may wait for a peer that does not take them; nothing is read from it while there are more.
const MAX_UNSENT_ANSWERS: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct FrameReader {
    half: ReadHalf,
    assembler: Assembler,
    outlet: Arc<Outlet>,
    framing: Framing,
    masks: Option<Masks>,
    /// Bytes of answers, and of PINGs, that may not have been sent.
    answers: usize,
    heard: Heard,
    octets: Option<Arc<Octets>>,
}

impl FrameReader {
    pub(super) fn new(
        half: ReadHalf,
        already_read: &[u8],
        outlet: Arc<Outlet>,
        (framing, encoding): (Framing, Option<Encoding>),
        longest: usize,
    ) -> Self {
        Self {
            half,
            assembler: Assembler::new(framing, encoding, longest, already_read),
            outlet,
            framing,
            masks: framing.masks(),
            answers: 0,
            heard: Heard::default(),
            octets: None,
        }
    }

    pub(super) const fn heard(&self) -> Heard {
        self.heard
    }

    pub(super) fn count_in(&mut self, octets: Arc<Octets>) {
        self.octets = Some(octets);
    }

    /// Puts a PING into the way out; it goes with the next read.
    pub(super) fn ping(&mut self) {
        self.answer(Kind::Ping, &[]);
        self.answers += super::MAX_HEADER;
    }

    pub(crate) const fn set_longest(&mut self, longest: usize) {
        self.assembler.set_longest(longest);
    }

    /// With which status the connection is closed because of what came.
    pub(super) fn set_status(&self, status: u16) {
        self.outlet.out().status = status;
    }

    /// What the next whole message carries; nothing when the peer has closed the connection where it may.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ReadError>> {
        loop {
            let Some(frame) = ready!(self.poll_frame(cx))? else {
                return Poll::Ready(Ok(None));
            };
            match frame {
                Frame::Message(bytes) => return Poll::Ready(Ok(Some(bytes))),
                Frame::Ping(payload) => {
                    self.answer(Kind::Pong, &payload);
                    self.answers += payload.len() + super::MAX_HEADER;
                }
                Frame::Pong => self.heard.pongs += 1,
                Frame::Close(payload) => {
                    self.answer_close(&payload);
                    // The peer waits for nothing but this; if it has gone, that is no matter.
                    let _ = self.outlet.poll_flush(Side::Reader, cx);
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }

    /// The next frame; nothing when the peer has closed the connection where it may.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, ReadError>> {
        loop {
            if self.answers > 0 && self.outlet.poll_flush(Side::Reader, cx)?.is_ready() {
                self.answers = 0;
            }
            if self.answers > MAX_UNSENT_ANSWERS {
                return Poll::Pending;
            }
            if let Some(frame) = self.assembler.take().map_err(|fault| self.fail(fault))? {
                return Poll::Ready(Ok(Some(frame)));
            }
            let count = ready!(self.poll_fill(cx)).map_err(in_our_words)?;
            if count == 0 {
                return Poll::Ready(self.end());
            }
            self.heard.reads += 1;
            if let Some(octets) = &self.octets {
                octets.receive(count);
            }
        }
    }

    /// The peer sends nothing more.
    fn end(&self) -> Result<Option<Frame>, ReadError> {
        // A WebSocket ends with a Close frame, or it was cut off (RFC 6455 §7.1.5).
        let is_cut_off = self.framing.has_close() && !self.outlet.out().is_closed;
        if is_cut_off || !self.assembler.is_between_messages() {
            return Err(cut_off().into());
        }
        Ok(None)
    }

    fn fail(&self, fault: Fault) -> ReadError {
        self.set_status(fault.status);
        fault.violation.into()
    }

    /// Reads what is there, and says how many bytes that were.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some((body, room)) = self.assembler.direct() {
            let mut body = body.limit(room);
            let count = ready!(pin!(self.half.read_buf(&mut body)).poll(cx))?;
            self.assembler.fed_directly(count);
            return Poll::Ready(Ok(count));
        }
        // On the stack: a connection that waits has no buffer.
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        match Pin::new(&mut self.half).poll_read(cx, &mut chunk)? {
            Poll::Ready(()) => {
                self.assembler.feed(chunk.filled());
                Poll::Ready(Ok(chunk.filled().len()))
            }
            Poll::Pending => {
                self.assembler.rest();
                Poll::Pending
            }
        }
    }

    /// Puts a control frame into the way out.
    fn answer(&mut self, kind: Kind, payload: &[u8]) {
        let mut out = self.outlet.out();
        if !out.is_closed {
            out.append_bytes((self.framing, kind), self.masks.as_mut(), payload);
        }
    }

    /// Answers Close with Close and the same status (RFC 6455 §5.5.1), or with what is wrong with it: the reason behind the
    /// status is UTF-8 (§8.1).
    fn answer_close(&mut self, payload: &Bytes) {
        let sent = payload.first_chunk().map(|status| u16::from_be_bytes(*status));
        let answer = match (payload.len(), sent) {
            (0, _) => status::NONE,
            (_, Some(sent)) if status::may_be_sent(sent) => match str::from_utf8(&payload[2..]) {
                Ok(_) => sent,
                Err(_) => status::INVALID_DATA,
            },
            _ => status::PROTOCOL_ERROR,
        };
        self.outlet.out().close(self.framing, self.masks.as_mut(), answer);
    }

    /// Throws away what still comes.
    pub(crate) async fn drain(&mut self) {
        let read = |cx: &mut Context<'_>| {
            let mut chunk = [MaybeUninit::uninit(); CHUNK];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.half).poll_read(cx, &mut chunk))?;
            Poll::Ready(io::Result::Ok(chunk.filled().len()))
        };
        let mut read = read;
        while let Ok(1..) = poll_fn(&mut read).await {}
    }
}

fn cut_off() -> io::Error {
    let why = "the peer closed it in the middle of something";
    io::Error::new(io::ErrorKind::UnexpectedEof, why)
}

/// Of an end without a farewell (RFC 8446 §6.1) the library for TLS says what its programmers should read about it.
fn in_our_words(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        cut_off()
    } else {
        error
    }
}

#[derive(Debug)]
pub(crate) struct FrameWriter {
    pub(super) outlet: Arc<Outlet>,
    framing: Framing,
    /// The kind of frame that carries a message.
    kind: Kind,
    masks: Option<Masks>,
}

impl FrameWriter {
    pub(super) fn new(outlet: Arc<Outlet>, (framing, encoding): (Framing, Option<Encoding>)) -> Self {
        Self {
            outlet,
            framing,
            kind: Kind::Message {
                encoding,
                is_last: true,
            },
            masks: framing.masks(),
        }
    }

    /// From how many bytes on arguments may be left out of a message, to be sent from where they are: what is hidden with
    /// a mask must be copied.
    pub(super) const fn apart_from(&self) -> usize {
        if self.masks.is_some() { usize::MAX } else { LONG }
    }

    /// Appends a message whose body `encode` appends, but for what it gives back. If that fails, nothing is appended.
    pub(super) fn append<E>(
        &mut self,
        out: &mut Out,
        guess: usize,
        encode: impl FnOnce(&mut BytesMut) -> Result<Option<Apart>, E>,
    ) -> Result<(), E> {
        out.append((self.framing, self.kind), self.masks.as_mut(), guess, encode)
    }

    /// Sends one message and flushes.
    pub(crate) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        {
            let mut out = self.outlet.out();
            out.check_open()?;
            out.append_bytes((self.framing, self.kind), self.masks.as_mut(), message);
        }
        self.flush().await
    }

    pub(super) async fn flush(&self) -> io::Result<()> {
        poll_fn(|cx| self.outlet.poll_flush(Side::Writer, cx)).await
    }

    /// Sends what is left, says that nothing more follows, and closes this direction.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        {
            let mut out = self.outlet.out();
            let status = out.status;
            out.close(self.framing, self.masks.as_mut(), status);
        }
        self.flush().await?;
        poll_fn(|cx| self.outlet.poll_shutdown(Side::Writer, cx)).await
    }
}

impl Out {
    /// Whether anything may still be put here.
    pub(super) fn check_open(&self) -> io::Result<()> {
        if self.is_closed {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the connection is closed"));
        }
        Ok(())
    }

    fn append_bytes(&mut self, what: (Framing, Kind), masks: Option<&mut Masks>, payload: &[u8]) {
        let copy = |buffer: &mut BytesMut| {
            buffer.extend_from_slice(payload);
            Ok::<_, std::convert::Infallible>(None)
        };
        let Ok(()) = self.append(what, masks, payload.len(), copy);
    }

    /// Appends a Close frame, once, where the transport has such a thing.
    fn close(&mut self, framing: Framing, masks: Option<&mut Masks>, status: u16) {
        if framing.has_close() && !self.is_closed {
            let payload: &[u8] = match status {
                status::NONE => &[],
                _ => &status.to_be_bytes(),
            };
            self.append_bytes((framing, Kind::Close), masks, payload);
        }
        self.is_closed = true;
    }
}
