//! The end of a connection of HTTP on which the client may be sending still.
//!
//! A socket that is closed with unread bytes in it resets the connection, and the reset destroys an answer that the client has
//! not read yet (RFC 9112 §9.6): who sends a body that is too long would hear that the connection broke, and not why. So what
//! still comes after the last answer is read for a moment, and thrown away.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use link::Stream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Connections that are read at one time after their last answer; others are closed at once. They hold no place among the
/// connections, so this is all that they can hold.
pub(crate) const LINGERING: usize = 32;
/// How long one is read: the way there and back, and what is on it.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes that are read of one: four times the longest message of the defaults. Who sends more does not look for an answer.
const LINGER_BYTES: u64 = 4 << 20;
/// Bytes that are read at a time.
const CHUNK: usize = 8 << 10;

/// A stream that, when it is dropped after its last byte was written, goes to who has the other half.
#[derive(Debug)]
pub(crate) struct Watched {
    /// There until it is dropped or taken.
    stream: Option<Stream>,
    is_shut: bool,
    rest: Option<oneshot::Sender<Stream>>,
}

/// What is left of the stream at its end.
#[derive(Debug)]
pub(crate) struct Rest(oneshot::Receiver<Stream>);

/// Watches for the end of a stream.
pub(crate) fn watch(stream: Stream) -> (Watched, Rest) {
    let (sender, receiver) = oneshot::channel();
    let watched = Watched {
        stream: Some(stream),
        is_shut: false,
        rest: Some(sender),
    };
    (watched, Rest(receiver))
}

impl Watched {
    /// The stream itself, for something else than HTTP.
    pub(crate) fn into_stream(mut self) -> Stream {
        self.stream.take().expect("it is there until it is dropped")
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut Stream> {
        let stream = self.get_mut().stream.as_mut();
        Pin::new(stream.expect("it is there until it is dropped"))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (true, Some(stream), Some(rest)) = (self.is_shut, self.stream.take(), self.rest.take()) {
            // Nobody waits for it when the router stops.
            let _ = rest.send(stream);
        }
    }
}

impl Rest {
    /// Reads what still comes, if the watched half is gone and has ended in order.
    pub(crate) async fn drain(mut self, lingering: &Semaphore, stopping: &CancellationToken) {
        let Ok(stream) = self.0.try_recv() else { return };
        let Ok(_turn) = lingering.try_acquire() else { return };
        tokio::select! {
            _ = timeout(LINGER, swallow(stream)) => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// Reads to the end, or as far as it is of use.
pub(crate) async fn swallow(stream: impl AsyncRead + Unpin) -> io::Result<u64> {
    let mut rest = stream.take(LINGER_BYTES);
    let mut chunk = vec![0; CHUNK];
    let mut swallowed = 0;
    loop {
        match rest.read(&mut chunk).await? {
            0 => return Ok(swallowed),
            some => swallowed += some as u64,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.as_mut().stream().poll_shutdown(cx);
        self.is_shut |= matches!(shut, Poll::Ready(Ok(())));
        shut
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;

    /// How long a connection is read that has ended or not, whose client says nothing more.
    async fn drained(lingering: &Semaphore, has_ended: bool) -> Duration {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut watched, rest) = watch(listener.accept().await.unwrap().0.into());
        if has_ended {
            watched.shutdown().await.unwrap();
        }
        drop(watched);
        let began = Instant::now();
        rest.drain(lingering, &CancellationToken::new()).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_read_for_a_moment_and_no_more_of_them_than_may_be() {
        let lingering = Semaphore::new(1);
        assert_eq!(drained(&lingering, true).await, LINGER);
        assert_eq!(drained(&lingering, false).await, Duration::ZERO, "it failed");
        let _last = lingering.try_acquire().unwrap();
        assert_eq!(drained(&lingering, true).await, Duration::ZERO, "there are too many");
    }

    #[tokio::test]
    async fn what_comes_is_read_to_its_end_or_as_far_as_is_of_use() {
        let read = |most: u64| swallow(tokio::io::repeat(0).take(most));
        for (sent, swallowed) in [
            (0, 0),
            (1, 1),
            (LINGER_BYTES, LINGER_BYTES),
            (LINGER_BYTES + 1, LINGER_BYTES),
        ] {
            assert_eq!(read(sent).await.unwrap(), swallowed, "{sent}");
        }
    }
}
