//! What bytes run over. TLS and QUIC are among the variants; nothing above knows the difference.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{self as tokio_io, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, tcp};
#[cfg(unix)]
use tokio::net::{UnixStream, unix};

use crate::quic;

/// TLS over TCP, either end. In a box: it is twenty times as large as a socket.
type Tls = Box<tokio_rustls::TlsStream<TcpStream>>;

/// A connection that carries bytes.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket, where there are any.
    #[cfg(unix)]
    Unix(UnixStream),
    /// TLS over TCP, past its handshake; see [`crate::tls`].
    Tls(Tls),
    /// The stream of a QUIC connection; see [`crate::quic`].
    Quic(Box<quic::Ends>),
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

/// The reading half of a [`Stream`].
#[derive(Debug)]
pub(crate) enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    #[cfg(unix)]
    Unix(unix::OwnedReadHalf),
    Tls(tokio_io::ReadHalf<Tls>),
    Quic(Box<quinn::RecvStream>),
}

/// The writing half of a [`Stream`].
#[derive(Debug)]
pub(crate) enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    #[cfg(unix)]
    Unix(unix::OwnedWriteHalf),
    Tls(tokio_io::WriteHalf<Tls>),
    Quic(Box<quic::Outgoing>),
}

impl Stream {
    pub(crate) fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Tcp(read), WriteHalf::Tcp(write))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Unix(read), WriteHalf::Unix(write))
            }
            Self::Tls(stream) => {
                let (read, write) = tokio_io::split(stream);
                (ReadHalf::Tls(read), WriteHalf::Tls(write))
            }
            Self::Quic(ends) => {
                let quic::Ends { incoming, outgoing } = *ends;
                (ReadHalf::Quic(Box::new(incoming)), WriteHalf::Quic(Box::new(outgoing)))
            }
        }
    }
}

/// The same for whatever the bytes run over.
macro_rules! each {
    ($self:expr, $stream:ident => $what:expr) => {
        match $self {
            Self::Tcp($stream) => $what,
            #[cfg(unix)]
            Self::Unix($stream) => $what,
            Self::Tls($stream) => $what,
            Self::Quic($stream) => $what,
        }
    };
}

macro_rules! delegate_read {
    ($name:ident) => {
        impl AsyncRead for $name {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                each!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
            }
        }
    };
}

macro_rules! delegate_write {
    ($name:ident) => {
        impl AsyncWrite for $name {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                each!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                each!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
            }

            fn is_write_vectored(&self) -> bool {
                each!(self, stream => stream.is_write_vectored())
            }
        }
    };
}

delegate_read!(Stream);
delegate_read!(ReadHalf);
delegate_write!(Stream);
delegate_write!(WriteHalf);
