//! Unix sockets: RawSocket for the programs of this machine, who are known by their user, and what the front door tells them
//! over HTTP.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use link::Stream;
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::{Unaccepted, serve_rawsocket};
use crate::channel::Channel;
use crate::error::ListenError;
use crate::gate::{Peer, Transport};
use crate::{Router, Shared, http};

impl Router {
    /// Listens on a Unix socket for RawSocket, and for HTTP that the front door answers. `mode` is that of the socket; who
    /// may reach it decides the directory. A socket that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// The socket cannot be made, or somebody listens on it.
    pub fn listen_unix(&self, path: &Path, mode: u32) -> Result<(), ListenError> {
        let failed = |error| ListenError::Unix {
            path: path.to_owned(),
            error,
        };
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ListenError::SocketTaken(path.to_owned()));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        // Until its mode is set nobody but this user may connect, whatever the umask is: the socket is made under
        // another name in the same directory and moved into place.
        let hidden = hidden_name(path);
        let _ = std::fs::remove_file(&hidden);
        let listener = UnixListener::bind(&hidden).map_err(failed)?;
        std::fs::set_permissions(&hidden, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
        std::fs::rename(&hidden, path).map_err(failed)?;
        self.0
            .tasks
            .spawn(accept_unix(Arc::clone(&self.0), listener, path.to_owned()));
        Ok(())
    }
}

fn hidden_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

async fn accept_unix(shared: Arc<Shared>, listener: UnixListener, path: PathBuf) {
    let mut unaccepted = Unaccepted::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                unaccepted.accepted();
                shared.tasks.spawn(serve_unix(Arc::clone(&shared), stream));
            }
            Err(error) => unaccepted.wait(&error).await,
        }
    }
    let _ = std::fs::remove_file(path);
}

async fn serve_unix(shared: Arc<Shared>, stream: UnixStream) {
    let uid = match stream.peer_cred() {
        Ok(credentials) => credentials.uid(),
        Err(error) => return tracing::warn!(%error, "the user of a connection cannot be told"),
    };
    let peer = Peer {
        transport: Transport::Unix,
        address: None,
        uid: Some(uid),
        origin: None,
        channel: Channel::Plain,
    };
    if !shared.gate.is_welcome(&peer) {
        return tracing::warn!(%peer, "a connection of another user was closed");
    }
    match timeout(shared.limits().handshake, first_byte(&stream)).await {
        Ok(Ok(Some(b'A'..=b'Z'))) => serve_http(&shared, stream, peer).await,
        // As whoever only looks whether somebody listens.
        Ok(Ok(None)) => tracing::debug!(%peer, "a connection said nothing"),
        // Whatever is wrong with it, the handshake says.
        Ok(Ok(Some(_))) => serve_rawsocket(shared, Stream::Unix(stream), peer, None).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection failed before it said anything"),
        Err(_) => tracing::info!(%peer, "a connection said nothing"),
    }
}

/// The first byte that comes, which stays to be read.
async fn first_byte(stream: &UnixStream) -> io::Result<Option<u8>> {
    let mut first = [0];
    let peek = |buffer: &mut [u8; 1]| {
        let (count, _) = rustix::net::recv(stream, buffer, RecvFlags::PEEK)?;
        Ok(count)
    };
    let count = stream.async_io(Interest::READABLE, || peek(&mut first)).await?;
    Ok((count > 0).then_some(first[0]))
}

/// Serves HTTP to a program of this machine, until it closes.
async fn serve_http(shared: &Arc<Shared>, stream: UnixStream, peer: Peer) {
    let service = service_fn(|request| {
        let answer = shared.door.respond_to_program(request, peer.clone());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    tokio::select! {
        served = http::connections(&shared.limits()).serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = served {
                tracing::debug!(%error, "HTTP over the Unix socket failed");
            }
        }
        () = shared.stopping.cancelled() => {}
    }
}
