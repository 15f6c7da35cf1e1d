//! Bytes to another task and back, over loopback, in the clear or inside TLS: no router, no frames.

use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A call crosses the router on its way there and on its way back, so its bytes travel as those of two echoes.
const ECHOES: usize = 2;
/// As much is read at once as the router reads.
const BUFFER: usize = 64 * 1024;

/// Has as many bytes echoed twice in each of the rounds.
pub(crate) async fn run(made: &CertifiedKey<KeyPair>, is_secret: bool, rounds: usize, bytes: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (other, _) = listener.accept().await.unwrap();
    for end in [&stream, &other] {
        end.set_nodelay(true).unwrap();
    }
    if !is_secret {
        tokio::spawn(answer(other));
        return ask(stream, rounds, bytes).await;
    }
    let config = router::tls::server_config(made.cert.der(), &made.signing_key.serialize_der()).unwrap();
    tokio::spawn(async move {
        answer(TlsAcceptor::from(Arc::new(config)).accept(other).await.unwrap()).await;
    });
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    ask(stream.unwrap(), rounds, bytes).await;
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        stream.write_all(&buffer[..read]).await.unwrap();
        stream.flush().await.unwrap();
    }
}

async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, rounds: usize, bytes: usize) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = vec![b'x'; bytes];
    let mut received = vec![0; bytes];
    for _ in 0..rounds * ECHOES {
        let write = async {
            writer.write_all(&sent).await.unwrap();
            writer.flush().await.unwrap();
        };
        let ((), read) = tokio::join!(write, reader.read_exact(&mut received));
        read.unwrap();
    }
}
