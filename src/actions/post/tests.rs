//! Requests on a real server of HTTP on this machine: what arrives, what is made again, where it is sent on to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers one connection after the other with these, and what it was sent.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let hearing = Arc::clone(&heard);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !is_whole(&request) {
                    let mut chunk = [0; 4096];
                    let count = stream.read(&mut chunk).await.unwrap();
                    assert!(count > 0, "the request broke off");
                    request.extend_from_slice(&chunk[..count]);
                }
                hearing.lock().unwrap().push(String::from_utf8(request).unwrap());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, heard }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn request(url: Url) -> Request {
    Request {
        method: "POST",
        url,
        headers: Vec::new(),
        body: Some(("application/json", "{\"on\":true}".to_owned())),
        token_file: None,
        ca: None,
        redirects: 0,
        timeout: Duration::from_secs(10),
        retries: 0,
    }
}

fn token() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret\n").unwrap();
    file
}

#[tokio::test]
async fn a_request_arrives_with_its_headers_token_and_body_and_its_answer_is_read() {
    let server = Server::start(vec![answer("200 OK", "", "{\"was_on\":false}")]).await;
    let token = token();
    let request = Request {
        headers: vec![("x-key".into(), "7".into())],
        token_file: Some(token.path().to_owned()),
        ..request(server.url("/rpc?a=1"))
    };
    let answer = make(&request).await.unwrap();
    let answer = answer.as_dict().unwrap();
    assert_eq!(answer["status"], Value::UInt(200));
    assert_eq!(answer["json"].as_dict().unwrap()["was_on"], Value::Bool(false));
    let heard = server.heard().remove(0).to_lowercase();
    assert!(heard.starts_with("post /rpc?a=1 http/1.1\r\n"), "{heard}");
    let host = format!("host: {}\r\n", server.address);
    for part in [
        &host,
        "x-key: 7\r\n",
        "authorization: bearer s3cret\r\n",
        "content-type: application/json\r\n",
    ] {
        assert!(heard.contains(part), "{part} is not in {heard}");
    }
    assert!(heard.ends_with("{\"on\":true}"), "{heard}");
}

#[tokio::test]
async fn who_is_too_busy_is_asked_again_and_who_refuses_is_not() {
    let busy = answer("503 Service Unavailable", "", "later");
    let server = Server::start(vec![busy, answer("200 OK", "", "")]).await;
    let patient = Request {
        retries: 1,
        ..request(server.url("/"))
    };
    assert!(make(&patient).await.is_ok());
    assert_eq!(server.heard().len(), 2);
    let server = Server::start(vec![answer("403 Forbidden", "", "no\n")]).await;
    let refused = Request {
        url: server.url("/"),
        ..patient
    };
    assert_eq!(
        make(&refused).await.unwrap_err(),
        "127.0.0.1: it answered with 403 Forbidden: no"
    );
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn who_is_not_there_or_does_not_answer_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let hasty = Request {
        timeout: Duration::from_millis(50),
        ..request(silent.clone())
    };
    assert_eq!(make(&hasty).await.unwrap_err(), "127.0.0.1: no answer within 0.05 s");
    drop(listener);
    let error = make(&request(silent)).await.unwrap_err();
    assert!(error.contains("it cannot be reached on port"), "{error}");
}

#[tokio::test]
async fn a_request_is_sent_on_as_often_as_it_may_and_a_token_stays_with_its_host() {
    let other = Server::start(vec![answer("200 OK", "", "there")]).await;
    let away = format!("location: {}\r\n", other.url("/there"));
    let here = answer("307 Temporary Redirect", "location: /b\r\n", "");
    let server = Server::start(vec![here, answer("307 Temporary Redirect", &away, "")]).await;
    let token = token();
    let request = Request {
        redirects: 2,
        token_file: Some(token.path().to_owned()),
        ..request(server.url("/a"))
    };
    let answer_ = make(&request).await.unwrap();
    assert_eq!(answer_.as_dict().unwrap()["text"], Value::from("there"));
    let heard = server.heard();
    assert!(
        heard[1].starts_with("POST /b ") && heard[1].contains("s3cret"),
        "{heard:?}"
    );
    let heard = other.heard().remove(0);
    assert!(
        heard.starts_with("POST /there ") && heard.ends_with("{\"on\":true}"),
        "{heard}"
    );
    assert!(!heard.contains("s3cret"), "{heard}");
    let server = Server::start(vec![answer("307 Temporary Redirect", "location: /b\r\n", ""); 2]).await;
    let tired = Request {
        redirects: 1,
        url: server.url("/a"),
        ..request
    };
    assert!(make(&tired).await.unwrap_err().contains("more `redirects` than 1"));
}

#[tokio::test]
async fn what_comes_of_a_form_is_fetched_without_its_body() {
    let server = Server::start(vec![
        answer("303 See Other", "location: /done\r\n", ""),
        answer("200 OK", "", ""),
    ])
    .await;
    let request = Request {
        redirects: 1,
        ..request(server.url("/a"))
    };
    make(&request).await.unwrap();
    let heard = server.heard().remove(1);
    assert!(heard.starts_with("GET /done ") && !heard.contains("true"), "{heard}");
}

#[test]
fn nothing_is_sent_on_from_a_secure_place_to_one_that_is_not() {
    let from = Url::parse("https://example.org/").unwrap();
    let to = |place: &str| {
        let response = Response::builder()
            .status(307)
            .header(LOCATION, place)
            .body(())
            .unwrap();
        redirect(&from, &response).map_err(|failure| failure.why)
    };
    assert_eq!(to("/x").unwrap().unwrap().as_str(), "https://example.org/x");
    assert!(to("http://example.org/").unwrap_err().contains("everybody could read"));
    assert!(to("file:///etc/passwd").unwrap_err().contains("no place"));
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit_and_not_past_it() {
    for (length, is_kept) in [(MAX_ANSWER, true), (MAX_ANSWER + 1, false)] {
        let server = Server::start(vec![answer("200 OK", "", &"x".repeat(length))]).await;
        let answer = make(&request(server.url("/"))).await.unwrap();
        assert_eq!(
            answer.as_dict().unwrap()["text"].as_str().is_some(),
            is_kept,
            "{length}"
        );
    }
}

#[tokio::test]
async fn a_token_file_has_a_token_of_one_line() {
    let file = token();
    for (text, sentence) in [
        ("", "has no token"),
        ("a\nb", "has no token"),
        (&*"x".repeat(usize::try_from(MAX_TOKEN).unwrap() + 1), "more than"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let request = Request {
            token_file: Some(file.path().to_owned()),
            ..request(Url::parse("http://127.0.0.1:1/").unwrap())
        };
        assert!(make(&request).await.unwrap_err().contains(sentence), "{sentence}");
    }
    std::fs::write(file.path(), "x".repeat(usize::try_from(MAX_TOKEN).unwrap())).unwrap();
    let most = Request {
        token_file: Some(file.path().to_owned()),
        ..request(Url::parse("http://127.0.0.1:1/").unwrap())
    };
    assert!(make(&most).await.unwrap_err().contains("cannot be reached"));
}

/// A server inside TLS, with a certificate of an authority of its own, which is in the file; of TLS 1.2 or 1.3.
async fn secure(version: &'static rustls::SupportedProtocolVersion) -> (SocketAddr, tempfile::NamedTempFile) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap();
    let config = config
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust the certificate says so in the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut chunk = [0; 4096];
            let _ = stream.read(&mut chunk).await;
            let _ = stream.write_all(answer("200 OK", "", "safe").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, authority)
}

#[tokio::test]
async fn a_secure_request_trusts_the_authorities_of_its_file_and_no_other_name() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (address, authority) = secure(version).await;
        let trusting = Request {
            ca: Some(authority.path().to_owned()),
            ..request(Url::parse(&format!("https://localhost:{}/", address.port())).unwrap())
        };
        let answer = make(&trusting).await.unwrap();
        assert_eq!(answer.as_dict().unwrap()["text"], Value::from("safe"));
        let other_name = Request {
            url: Url::parse(&format!("https://{address}/")).unwrap(),
            ..trusting.clone()
        };
        assert!(make(&other_name).await.unwrap_err().contains("no secure connection"));
        // The system's authorities have not made it; a machine without any says that.
        let of_system = Request { ca: None, ..trusting };
        let error = make(&of_system).await.unwrap_err();
        assert!(
            error.ends_with("name that by `ca`") || error.contains("has no authorities"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let file = token();
    let error = dial::tls(Some(file.path())).await.unwrap_err().why;
    assert!(
        error.contains("no authorities") && error.contains(&file.path().display().to_string()),
        "{error}"
    );
    let missing = dial::tls(Some(Path::new("/nowhere"))).await.unwrap_err().why;
    assert!(missing.contains("/nowhere cannot be used"), "{missing}");
    for (length, is_read) in [(dial::MAX_AUTHORITIES, true), (dial::MAX_AUTHORITIES + 1, false)] {
        std::fs::write(file.path(), "#".repeat(usize::try_from(length).unwrap())).unwrap();
        let error = dial::tls(Some(file.path())).await.unwrap_err().why;
        assert_eq!(error.contains("no authorities"), is_read, "{error}");
    }
}
