//! What systemd is told of the daemon, in its own protocol (sd_notify(3)), and what the log is like.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::apart::Apart;
use crate::support::PATIENCE;

/// The socket on which systemd listens, and what comes there.
struct Systemd(UnixDatagram, TempDir);

impl Systemd {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(place.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket, place)
    }

    fn path(&self) -> String {
        self.1.path().join("notify").display().to_string()
    }

    /// The next message that has this in a line.
    fn wait_for(&self, begin: &str) -> String {
        let mut buffer = [0; 4096];
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let Ok(count) = self.0.recv(&mut buffer) else { break };
            let message = String::from_utf8(buffer[..count].to_vec()).unwrap();
            if message.lines().any(|line| line.starts_with(begin)) {
                return message;
            }
        }
        panic!("no {begin}")
    }
}

fn line<'a>(message: &'a str, key: &str) -> &'a str {
    let value = message
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {key} in {message:?}"))
}

/// Rewrites the configuration of a running daemon.
fn rewrite(daemon: &Apart, from: &str, to: &str) {
    let text = fs::read_to_string(daemon.config()).unwrap();
    assert!(text.contains(from));
    fs::write(daemon.config(), text.replace(from, to)).unwrap();
}

#[test]
fn systemd_is_told_of_the_start_each_reload_that_it_is_alive_and_of_the_end() {
    let systemd = Systemd::new();
    let environment = [
        ("NOTIFY_SOCKET", systemd.path()),
        ("WATCHDOG_USEC", "200000".to_owned()),
    ];
    let environment = environment.each_ref().map(|(key, value)| (*key, value.as_str()));
    let configuration = "[pairing]\nttl_s = 100\n";
    let daemon = Apart::start_with(Arc::new(tempfile::tempdir().unwrap()), configuration, &environment);
    let ready = systemd.wait_for("READY=1");
    assert!(
        line(&ready, "STATUS").starts_with("0 sessions; listening on 127.0.0.1:"),
        "{ready}"
    );
    systemd.wait_for("WATCHDOG=1");
    rewrite(&daemon, "ttl_s = 100", "ttl_s = 50");
    daemon.signal(Signal::HUP);
    let reloading = systemd.wait_for("RELOADING=1");
    assert!(line(&reloading, "MONOTONIC_USEC").parse::<u64>().unwrap() > 0);
    let ready = systemd.wait_for("READY=1");
    assert!(line(&ready, "STATUS").ends_with("taken: pairing"), "{ready}");
    // A wrong one: it is ready again all the same, and says what is wrong.
    rewrite(&daemon, "ttl_s = 50", "ttl_s = 0");
    daemon.signal(Signal::HUP);
    systemd.wait_for("RELOADING=1");
    let ready = systemd.wait_for("READY=1");
    assert!(
        line(&ready, "STATUS").contains("the new configuration is wrong: "),
        "{ready}"
    );
    systemd.wait_for("WATCHDOG=1");
    daemon.ended();
    systemd.wait_for("STOPPING=1");
}

/// The next line of the log with this message, as JSON.
fn logged(daemon: &Apart, message: &str) -> Value {
    loop {
        let line = daemon
            .log
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("{message}: {error}"));
        let entry: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        if entry["message"].as_str().is_some_and(|it| it.starts_with(message)) {
            return entry;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_written_with_fields_and_a_reload_changes_how_much() {
    let configuration = "log_format = \"json\"\nlog = \"warn,deskconnd=info,deskconn_router=info\"\n";
    let daemon = Apart::start(configuration);
    let owner = daemon.owner().await;
    let joined = loop {
        let entry = logged(&daemon, "joined");
        if entry["span"]["peer"]
            .as_str()
            .is_some_and(|peer| peer.starts_with("uid "))
        {
            break entry;
        }
    };
    assert_eq!(
        (joined["level"].as_str(), joined["role"].as_str()),
        (Some("INFO"), Some("owner"))
    );
    let span = &joined["span"];
    assert_eq!(span["session"].as_u64(), Some(owner.id().get()));
    assert_eq!(span["realm"].as_str(), Some("deskconn"));
    assert!(span["authid"].as_str().unwrap().starts_with("uid_"), "{joined}");
    rewrite(&daemon, "deskconn_router=info", "deskconn_router=error");
    daemon.signal(Signal::HUP);
    assert!(
        logged(&daemon, "the configuration was read again")["message"]
            .as_str()
            .unwrap()
            .ends_with("taken: log")
    );
    // From now on nobody is told to have joined, though somebody does.
    let other = daemon.owner().await;
    rewrite(&daemon, "deskconn_router=error", "deskconn_router=info");
    daemon.signal(Signal::HUP);
    let next = daemon.log.recv_timeout(PATIENCE).unwrap();
    assert!(next.contains("the configuration was read again"), "{next}");
    other.leave().await;
    logged(&daemon, "left");
}

/// The keys of an object of JSON, each as often as it stands there.
struct Keys(Vec<String>);

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Keys;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_in_json_has_each_key_once_and_the_daemons_own_sessions_are_for_who_looks_closely() {
    let daemon = Apart::start("log_format = \"json\"\nlog = \"info,deskconn_router=trace\"\n");
    let owner = daemon.owner().await;
    owner.call("org.deskconn.info.get", ()).await.unwrap();
    owner.leave().await;
    let (mut has_received, mut has_left) = (false, false);
    while !(has_received && has_left) {
        let line = daemon.log.recv_timeout(PATIENCE).unwrap();
        let Keys(mut keys) = serde_json::from_str(&line).unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "{line}");
        has_received |= entry["message"] == "received" && entry["message_type"] == "CALL";
        let is_own = entry["span"]["peer"]
            .as_str()
            .is_some_and(|peer| peer.starts_with("local "));
        has_left |= entry["message"] == "left" && !is_own;
        if ["joined", "left"].iter().any(|it| entry["message"] == *it) {
            assert_eq!(
                entry["level"].as_str(),
                Some(if is_own { "DEBUG" } else { "INFO" }),
                "{line}"
            );
            assert_eq!(entry["target"].as_str(), Some("deskconn_router::session"), "{line}");
        }
    }
}
