//! The end of the daemon, and starts that must fail.

use std::time::{Duration, Instant};

use client::{Closed, Serializer};
use deskconnd::config::Config;
use deskconnd::daemon::Daemon;

use crate::support::{Desk, Way, over_every_link, paths, soon};

over_every_link!(a_session_hears_goodbye_when_the_daemon_ends);

async fn a_session_hears_goodbye_when_the_daemon_ends(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let session = desk.join(way, serializer, "realm1").await;
    let started = Instant::now();
    let (closed, ()) = soon("the end", async { tokio::join!(session.closed(), desk.daemon.stop()) }).await;
    assert!(matches!(closed, Closed::ByRouter(reason, _) if reason == "wamp.close.system_shutdown"));
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "it took {:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_says_nothing_does_not_hold_up_the_end() {
    let desk = Desk::start().await;
    let _silent = tokio::net::TcpStream::connect(desk.address()).await.unwrap();
    let started = Instant::now();
    desk.daemon.stop().await;
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "it took {:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_an_error_that_says_what_to_do() {
    let desk = Desk::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.listen.tcp = vec![desk.address()];
    config.discovery.enabled = false;
    let machine = desk.machine.machine();
    let error = Daemon::start(&config, &paths(home.path()), Some(machine))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&desk.address().port().to_string()) && error.contains("--port"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_belongs_to_its_user_and_goes_with_the_daemon() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::start().await;
    let socket = desk.daemon.socket().unwrap().to_owned();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
    desk.daemon.stop().await;
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_a_dead_daemon_left_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let socket = paths(home.path()).socket;
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let desk = Desk::at(home, "").await;
    desk.owner().await;
}
