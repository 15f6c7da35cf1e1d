//! Tests of addresses.

use super::*;

#[test]
fn addresses_are_read_and_written_alike() {
    for text in [
        "ws://127.0.0.1:5020/ws",
        "ws://[::1]:80/x/y",
        "rs://host:8080",
        "wss://127.0.0.1:5020/ws",
        "rss://[::1]:5020",
        "quic://127.0.0.1:5020",
        "unix:/run/x.sock",
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
    let short: Target = "ws://desk.local:5020".parse().unwrap();
    assert_eq!(short.to_string(), "ws://desk.local:5020/ws");
    let short: Target = "wss://desk.local:5020".parse().unwrap();
    assert_eq!(short.to_string(), "wss://desk.local:5020/ws");
}

#[test]
fn what_is_no_address_is_refused() {
    for text in [
        "",
        "host",
        "host:5020",
        "http://host:1",
        "ws://host",
        "ws://:1",
        "ws://host:99999",
        "rs://h:1/x",
        "rss://h:1/x",
        "quic://h:1/x",
        "quic://h",
        "wss://h",
        "unix:x",
    ] {
        assert!(matches!(text.parse::<Target>(), Err(ConnectError::Target(_))), "{text}");
    }
}
