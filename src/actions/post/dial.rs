//! A connection for one request, in the clear or inside TLS with the system's authorities or those of a file.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::{Failure, complete, full};

/// Bytes of a file of authorities: the system's own have a fifth of it.
pub(super) const MAX_AUTHORITIES: u64 = 1 << 20;

/// Sends one request, and gives the answer's head; its body is still to be read.
pub(super) async fn send(
    url: &Url,
    (method, headers, body): (Method, &HeaderMap, Bytes),
    ca: Option<&Path>,
) -> Result<Response<Incoming>, Failure> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    // An address of IPv6 stands in brackets in a URL, and nowhere else.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, port)).await;
    let stream = stream.map_err(|error| Failure::passing(format!("it cannot be reached on port {port}: {error}")))?;
    let _ = stream.set_nodelay(true);
    let mut headers = headers.clone();
    complete(url, &mut headers)?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = Request::builder().method(method).uri(target).body(full(body));
    if let Ok(request) = &mut request {
        *request.headers_mut() = headers;
    }
    let request = request.map_err(|error| Failure::lasting(error.to_string()))?;
    if url.scheme() == "http" {
        return over(stream, request).await;
    }
    let config = tls(ca).await?;
    let name = ServerName::try_from(name.to_owned());
    let name = name.map_err(|_| Failure::lasting(format!("{host:?} is no name that a certificate can have")))?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    let stream = stream.map_err(|error| insecure(&error))?;
    over(stream, request).await
}

fn insecure(error: &std::io::Error) -> Failure {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let is_unknown = matches!(
        cause,
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    );
    let advice = match is_unknown {
        true => "; for a server with an authority of its own, name that by `ca`",
        false => "",
    };
    Failure::lasting(format!("no secure connection: {error}{advice}"))
}

async fn over<S>(stream: S, request: Request<http_body_util::Full<Bytes>>) -> Result<Response<Incoming>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| Failure::passing(format!("the connection broke: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It has to run while the body is read, and not longer than anybody wants that.
    let connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let mut response = sender.send_request(request).await.map_err(broken)?;
    response.extensions_mut().insert(Arc::new(connection));
    Ok(response)
}

/// The end of TLS that trusts these authorities. Made anew for each request: requests are rare, and the system's authorities
/// would be a third of a megabyte to keep. TLS 1.2 too, which plugs and bridges of some years ago speak.
pub(super) async fn tls(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Failure> {
    let ca = ca.map(Path::to_owned);
    let made = tokio::task::spawn_blocking(move || {
        let roots = authorities(ca.as_deref())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| Failure::lasting(error.to_string()))?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    });
    made.await
        .unwrap_or_else(|error| Err(Failure::lasting(error.to_string())))
}

/// The authorities of a file, or of the system.
pub(super) fn authorities(file: Option<&Path>) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let certificates = match file {
        Some(file) => of_file(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        let place = file.map_or_else(|| "this system".to_owned(), |file| file.display().to_string());
        return Err(Failure::lasting(format!("{place} has no authorities for certificates")));
    }
    Ok(roots)
}

fn of_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let wrong = |error: String| Failure::lasting(format!("{} cannot be used: {error}", file.display()));
    let pem = bounded(file, MAX_AUTHORITIES).map_err(|error| wrong(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    certificates.map_err(|error| wrong(error.to_string()))
}

/// Reads a file of at most so many bytes.
pub(super) async fn read(file: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let path: PathBuf = file.to_owned();
    let read = tokio::task::spawn_blocking(move || bounded(&path, most)).await;
    let wrong = |error: String| Failure::lasting(format!("{} cannot be read: {error}", file.display()));
    match read {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(wrong(error.to_string())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

fn bounded(file: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(file)?.take(most + 1).read_to_end(&mut text)?;
    if text.len() as u64 > most {
        return Err(std::io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(text)
}
