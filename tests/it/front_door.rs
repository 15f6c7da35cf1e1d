//! The HTTP door: Host, Origin, and what is no WebSocket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Desk, OPEN_REALM, soon};

/// Sends a request and gives the head of the response.
async fn ask(desk: &Desk, request: &str) -> String {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let request = request
        .replace("HOST", &desk.address().to_string())
        .replace('\n', "\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let read = async {
        while !response.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut response).await.unwrap() == 0 {
                break;
            }
        }
    };
    soon("the response", read).await;
    String::from_utf8_lossy(&response).into_owned()
}

fn upgrade(extra: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\nHost: HOST\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: wamp.2.json\n{extra}\n"
    )
}

fn status(response: &str) -> u16 {
    response
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{response:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_client_and_a_page_of_the_daemon_itself_are_upgraded() {
    let desk = Desk::start().await;
    let response = ask(&desk, &upgrade("")).await;
    assert_eq!(status(&response), 101);
    // The answer of RFC 6455 §1.3 to its own example key.
    assert!(
        response
            .to_lowercase()
            .contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{response}"
    );
    assert!(
        response.to_lowercase().contains("sec-websocket-protocol: wamp.2.json"),
        "{response}"
    );
    assert_eq!(status(&ask(&desk, &upgrade("Origin: http://HOST\n")).await), 101);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_are_kept_out() {
    let desk = Desk::with(&format!(
        "{OPEN_REALM}[http]\nallowed_origins = [\"https://good.example\"]\n"
    ))
    .await;
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost:1",
        "http://HOST.evil.example",
        "",
    ] {
        assert_eq!(
            status(&ask(&desk, &upgrade(&format!("Origin: {origin}\n"))).await),
            403,
            "{origin}"
        );
    }
    assert_eq!(
        status(&ask(&desk, &upgrade("Origin: https://good.example\n")).await),
        101
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_points_here_without_being_ours_is_misdirected() {
    let desk = Desk::start().await;
    for host in [
        "evil.example",
        "evil.example:5020",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example",
    ] {
        let request = upgrade("").replace("HOST", host);
        assert_eq!(status(&ask(&desk, &request).await), 421, "{host}");
    }
    let localhost = upgrade("").replace("HOST", &format!("localhost:{}", desk.address().port()));
    assert_eq!(status(&ask(&desk, &localhost).await), 101);
    assert_eq!(status(&ask(&desk, "GET / HTTP/1.1\n\n").await), 421);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_websocket_for_wamp_is_told_so() {
    let desk = Desk::start().await;
    for (request, expected) in [
        (upgrade("").replace("wamp.2.json", "chat"), 400),
        (upgrade("").replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
        (upgrade("").replace("Version: 13", "Version: 8"), 426),
        (upgrade("").replace("HTTP/1.1", "HTTP/1.0"), 400),
        (upgrade("").replace("/ws", "/elsewhere"), 404),
        ("GET /ws HTTP/1.1\nHost: HOST\n\n".to_owned(), 404),
        ("GET /pair HTTP/1.1\nHost: HOST\n\n".to_owned(), 404),
        ("GET /nowhere HTTP/1.1\nHost: HOST\n\n".to_owned(), 404),
        ("NONSENSE\n\n".to_owned(), 400),
    ] {
        assert_eq!(status(&ask(&desk, &request).await), expected, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_protects_itself_and_allows_no_other_origin_anything() {
    let desk = Desk::start().await;
    let policy = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                  connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    for (request, expected) in [
        ("GET /healthz HTTP/1.1\nHost: HOST\n\n".to_owned(), 200),
        ("GET /nowhere HTTP/1.1\nHost: HOST\n\n".to_owned(), 404),
        ("POST / HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n".to_owned(), 405),
        ("GET / HTTP/1.1\nHost: evil.example\n\n".to_owned(), 421),
        (
            "GET http://evil.example/healthz HTTP/1.1\nHost: HOST\n\n".to_owned(),
            421,
        ),
        (upgrade("Origin: http://evil.example\n"), 403),
        (upgrade("").replace("wamp.2.json", "chat"), 400),
        (upgrade("").replace("Version: 13", "Version: 8"), 426),
        (upgrade(""), 101),
    ] {
        let response = ask(&desk, &request).await.to_lowercase();
        assert_eq!(status(&response), expected, "{request}");
        for header in [
            policy,
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            let lines: Vec<_> = response.lines().filter(|line| *line == header).collect();
            assert_eq!(lines.len(), 1, "{header}: {response}");
        }
        for header in ["access-control-", "set-cookie", "server:"] {
            assert!(!response.contains(header), "{header}: {response}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_is_a_page_that_may_reach_this_desktop_and_nothing_else() {
    let desk = Desk::start().await;
    let response = ask(&desk, "GET / HTTP/1.1\nHost: HOST\n\n").await;
    assert_eq!(status(&response), 200);
    assert!(
        response
            .to_lowercase()
            .contains("content-type: text/html; charset=utf-8"),
        "{response}"
    );
    let (address, port) = (desk.address(), desk.address().port());
    let name = format!("deskconn-{}.local", desk.daemon.store().identity().id8());
    let policy = format!(
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         manifest-src 'self'; connect-src 'self' ws://{address} http://{name}:{port}; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'none'"
    );
    assert!(
        response.lines().any(|line| line.eq_ignore_ascii_case(&policy)),
        "{response}"
    );
    assert!(!response.to_lowercase().contains("access-control-"), "{response}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_router_has_no_page() {
    let desk = Desk::with("[desktop]\nenabled = false\n").await;
    for path in ["/", "/index.html", "/deskconn.js", "/pair"] {
        let request = format!("GET {path} HTTP/1.1\nHost: HOST\n\n");
        assert_eq!(status(&ask(&desk, &request).await), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_ours_under_another_name_may_ask_whether_this_leads_here_and_nothing_else() {
    let desk = Desk::start().await;
    let sibling = format!(
        "Origin: http://deskconn-{}.local:{}\n",
        desk.daemon.store().identity().id8(),
        desk.address().port()
    );
    let health = format!("GET /healthz HTTP/1.1\nHost: HOST\n{sibling}\n");
    let response = ask(&desk, &health).await.to_lowercase();
    assert_eq!(status(&response), 200);
    let allowed = sibling
        .to_lowercase()
        .replace("origin: ", "access-control-allow-origin: ");
    assert!(
        response.contains(allowed.trim()) && response.contains("vary: accept-encoding, origin"),
        "{response}"
    );
    for path in ["/", "/pair", "/deskconn.js"] {
        let request = format!("GET {path} HTTP/1.1\nHost: HOST\n{sibling}\n");
        assert_eq!(status(&ask(&desk, &request).await), 403, "{path}");
    }
    assert_eq!(status(&ask(&desk, &upgrade(&sibling)).await), 403);
    let noise = upgrade(&sibling).replace("wamp.2.json", "deskconn.noise.1");
    assert_eq!(status(&ask(&desk, &noise).await), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extension_gets_to_where_a_key_or_a_code_is_proved_and_no_further() {
    let desk = Desk::start().await;
    for origin in ["chrome-extension://abcdefghijklmnop", "moz-extension://1b2e"] {
        let origin = format!("Origin: {origin}\n");
        let noise = upgrade(&origin).replace("wamp.2.json", "deskconn.noise.1");
        assert_eq!(status(&ask(&desk, &noise).await), 101);
        for offers in ["wamp.2.json", "deskconn.noise.1, wamp.2.json", ""] {
            let request = upgrade(&origin).replace("wamp.2.json", offers);
            assert_eq!(status(&ask(&desk, &request).await), 403, "{offers}");
        }
        // No window is open, so there is no such place; but the door did not turn it away.
        let pair = format!("GET /pair HTTP/1.1\nHost: HOST\n{origin}Sec-Fetch-Site: cross-site\n\n");
        assert_eq!(status(&ask(&desk, &pair).await), 404);
        for (path, expected) in [("/healthz", 200), ("/", 403), ("/deskconn.js", 403)] {
            let request = format!("GET {path} HTTP/1.1\nHost: HOST\n{origin}\n");
            assert_eq!(status(&ask(&desk, &request).await), expected, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_the_user_named_may_pair_and_read() {
    let desk = Desk::with("[http]\nallowed_origins = [\"http://mine.example\"]\n").await;
    let origin = "Origin: http://mine.example\nSec-Fetch-Site: cross-site\n";
    let pair = format!("GET /pair HTTP/1.1\nHost: HOST\n{origin}\n");
    assert_eq!(status(&ask(&desk, &pair).await), 404);
    let health = format!("GET /healthz HTTP/1.1\nHost: HOST\n{origin}\n");
    let response = ask(&desk, &health).await.to_lowercase();
    assert!(
        response.contains("access-control-allow-origin: http://mine.example"),
        "{response}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_it_is_there_is_all_that_a_stranger_is_told() {
    let desk = Desk::start().await;
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let request = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        desk.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    soon("the answer", stream.read_to_string(&mut response)).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert_eq!((status(head), body), (200, "ok\n"));
    assert!(head.to_lowercase().contains("content-type: text/plain"), "{head}");
    let head = ask(&desk, "HEAD /healthz HTTP/1.1\nHost: HOST\n\n").await;
    assert_eq!(status(&head), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_are_not_allowed() {
    let desk = Desk::start().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        for path in ["/healthz", "/", "/ws", "/pair"] {
            let request = format!("{method} {path} HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n");
            let response = ask(&desk, &request).await;
            assert_eq!(status(&response), 405, "{request}");
            assert!(response.to_lowercase().contains("allow: get, head"), "{response}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_sites_do_not_reach_pairing() {
    let desk = Desk::start().await;
    let ask_from = async |site: &str| {
        let request = format!("GET /pair HTTP/1.1\nHost: HOST\n{site}\n");
        status(&ask(&desk, &request).await)
    };
    for site in ["cross-site", "same-site", "nonsense", ""] {
        assert_eq!(ask_from(&format!("Sec-Fetch-Site: {site}\n")).await, 403, "{site}");
    }
    let twice = "Sec-Fetch-Site: none\nSec-Fetch-Site: cross-site\n";
    assert_eq!(ask_from(twice).await, 403);
    // No window is open, so there is nothing at all for those who may.
    for site in ["", "Sec-Fetch-Site: same-origin\n", "Sec-Fetch-Site: none\n"] {
        assert_eq!(ask_from(site).await, 404, "{site}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loopback_gives_nobody_the_rights_of_the_owner() {
    use crate::support::{Way, refusal};
    let desk = Desk::start().await;
    for way in [Way::WebSocket, Way::RawSocket] {
        for authrole in [None, Some("owner"), Some("component")] {
            let options = client::Options {
                authrole: authrole.map(str::to_owned),
                authid: Some("lamp".to_owned()),
                ..client::Options::new("deskconn")
            };
            let reason = refusal(desk.try_join(way, options).await);
            assert_eq!(reason, "wamp.error.authentication_required", "{way:?} {authrole:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_is_taken_up_to_its_limits() {
    let desk = Desk::start().await;
    let many = "X-Header: x\n".repeat(70);
    assert_eq!(status(&ask(&desk, &upgrade(&many)).await), 431);
    let long = format!("X-Header: {}\n", "x".repeat(9_000));
    assert_eq!(status(&ask(&desk, &upgrade(&long)).await), 431);
    let few = "X-Header: x\n".repeat(50);
    assert_eq!(status(&ask(&desk, &upgrade(&few)).await), 101);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_on_with_a_head_that_is_too_long_hears_why() {
    let desk = Desk::start().await;
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    stream.write_all(&[b'x'; 9_000]).await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    // A client that does not look yet sends on, and the connection must not break: the answer would be lost with it.
    for _ in 0..48 {
        stream.write_all(&[b'x'; 64 << 10]).await.unwrap();
    }
    assert_eq!(status(&answer), 431);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_have_not_joined_are_bounded_for_each_address() {
    const MOST: usize = 4;
    let desk = Desk::with(&format!("[limits]\nunauthenticated_per_ip = {MOST}\n{OPEN_REALM}")).await;
    let handshake = async || {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        stream.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
        let mut answer = [0; 4];
        soon("the handshake", stream.read_exact(&mut answer)).await.unwrap();
        (stream, answer)
    };
    let mut held = Vec::new();
    for _ in 0..MOST {
        let (stream, answer) = handshake().await;
        assert_eq!(answer[1] & 0x0f, 1, "{answer:?}");
        held.push(stream);
    }
    assert_eq!(
        handshake().await.1,
        [0x7f, 0x40, 0, 0],
        "there are too many connections"
    );
    // HTTP has a word for it too, which a browser shows and a script can heed.
    for request in ["GET /healthz HTTP/1.1\nHost: HOST\n\n", &upgrade("")] {
        let response = ask(&desk, request).await.to_lowercase();
        assert_eq!(status(&response), 503, "{response}");
        for header in ["retry-after: 1", "connection: close", "x-content-type-options: nosniff"] {
            assert!(response.lines().any(|line| line == header), "{header}: {response}");
        }
    }
    drop(held);
    let joined = async {
        while desk
            .try_join(crate::support::Way::RawSocket, client::Options::new("realm1"))
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
    };
    soon("a free place", joined).await;
}
