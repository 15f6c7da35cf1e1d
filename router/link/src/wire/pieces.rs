//! Bytes that wait to be sent: short ones in one buffer, long ones where they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::AsyncWrite;
use wamp::codec::Apart;

/// Pieces that are named to the operating system at a time: more than [`super::writer`] encodes before it sends.
const MAX_SLICES: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// The short ones, one behind the other.
    pub(super) buffer: BytesMut,
    /// The long ones, each with the byte of the buffer before which it belongs.
    long: VecDeque<Apart>,
    /// Bytes of the long ones.
    long_bytes: usize,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.buffer.len() + self.long_bytes
    }

    /// Puts a long one behind what is there, or before a byte of the buffer that no other stands behind.
    pub(super) fn insert(&mut self, apart: Apart) {
        self.long_bytes += apart.bytes.len();
        self.long.push_back(apart);
    }

    /// Sends all, and keeps no memory.
    pub(super) fn poll_send(
        &mut self,
        mut half: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.len() > 0 {
            let count = if self.long.is_empty() {
                ready!(half.as_mut().poll_write(cx, &self.buffer))?
            } else {
                ready!(self.poll_vectored(half.as_mut(), cx))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(count);
        }
        *self = Self::default();
        Poll::Ready(Ok(()))
    }

    fn poll_vectored(&self, half: Pin<&mut impl AsyncWrite>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = 0;
        let mut at = 0;
        let ends = self.long.iter().map(|apart| (apart.at, &apart.bytes[..]));
        let pieces = ends.chain([(self.buffer.len(), &[][..])]).flat_map(|(end, long)| {
            let short = &self.buffer[at..end];
            at = end;
            [short, long]
        });
        for (slice, piece) in slices.iter_mut().zip(pieces.filter(|piece| !piece.is_empty())) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        half.poll_write_vectored(cx, &slices[..count])
    }

    /// Takes away what was sent.
    fn advance(&mut self, mut count: usize) {
        while let Some(next) = self.long.front_mut() {
            let short = next.at.min(count);
            self.buffer.advance(short);
            count -= short;
            let long = count.min(next.bytes.len());
            let is_over = next.at == short && long == next.bytes.len();
            next.bytes.advance(long);
            self.long_bytes -= long;
            count -= long;
            for apart in &mut self.long {
                apart.at -= short;
            }
            if !is_over {
                return;
            }
            self.long.pop_front();
        }
        self.buffer.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time.
    struct Sips(usize, Vec<u8>);

    impl AsyncWrite for Sips {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let count = bytes.len().min(self.0);
            self.1.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let sip = self.0;
            let bytes = slices.iter().flat_map(|slice| slice.iter().copied()).take(sip);
            let before = self.1.len();
            self.1.extend(bytes);
            Poll::Ready(Ok(self.1.len() - before))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Puts these together in turns, a short one first.
    fn pieces(texts: &[&'static str]) -> Pieces {
        let mut pieces = Pieces::default();
        for (number, text) in texts.iter().enumerate() {
            if number % 2 == 0 {
                pieces.buffer.extend_from_slice(text.as_bytes());
            } else {
                let at = pieces.buffer.len();
                let bytes = text.as_bytes().into();
                pieces.insert(Apart { at, bytes });
            }
        }
        pieces
    }

    #[test]
    fn all_is_sent_in_its_order_however_little_the_socket_takes_at_a_time() {
        let texts = ["head", "a long one", "", "another", "between", "one more", "tail"];
        for texts in [&texts[..], &texts[..1], &texts[..2], &["", "long"], &[]] {
            let whole = texts.concat();
            for sip in 1..=whole.len() + 1 {
                let mut pieces = pieces(texts);
                assert_eq!(pieces.len(), whole.len());
                let mut sips = Sips(sip, Vec::new());
                let sent = pieces.poll_send(Pin::new(&mut sips), &mut Context::from_waker(std::task::Waker::noop()));
                assert!(matches!(sent, Poll::Ready(Ok(()))) && pieces.len() == 0);
                assert_eq!(String::from_utf8(sips.1).unwrap(), whole);
            }
        }
    }

    #[test]
    fn more_than_is_named_at_a_time_is_sent_all_the_same() {
        let texts = ["short", "long"].repeat(MAX_SLICES);
        let mut sips = Sips(usize::MAX, Vec::new());
        let sent = pieces(&texts).poll_send(Pin::new(&mut sips), &mut Context::from_waker(std::task::Waker::noop()));
        assert!(matches!(sent, Poll::Ready(Ok(()))));
        assert_eq!(String::from_utf8(sips.1).unwrap(), texts.concat());
    }

    #[test]
    fn a_socket_that_takes_nothing_is_an_error() {
        let mut sips = Sips(0, Vec::new());
        let sent = pieces(&["head", "long"])
            .poll_send(Pin::new(&mut sips), &mut Context::from_waker(std::task::Waker::noop()));
        assert!(matches!(sent, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::WriteZero));
    }
}
