//! Several places where the router may be: one that says nothing keeps nobody from the next, and no place is logged in to beside
//! another.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use deskconn_client::{Client, ConnectError, Options, PairingChannel, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{Stage, soon};

/// Longer than any test: whoever waits for it fails.
const FOREVER: Duration = Duration::from_secs(600);
/// A connection on this machine takes no time; one that takes so long is not taken.
const UNANSWERED: Duration = Duration::from_millis(500);

fn options() -> Options {
    Options {
        patience: FOREVER,
        ..Options::new("realm1")
    }
}

fn target(address: SocketAddr) -> Target {
    format!("ws://{address}").parse().unwrap()
}

/// Somebody who takes connections and says nothing.
async fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port where a connection begins and never comes about, as at an address of another network.
struct Unreachable {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Unreachable {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        // Whoever has no place in its queue is not answered.
        while let Ok(taken) = timeout(UNANSWERED, TcpStream::connect(address)).await {
            waiting.push(taken.unwrap());
        }
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

#[tokio::test]
async fn a_place_that_says_nothing_keeps_nobody_from_the_next() {
    let (stage, (silent, at)) = (Stage::new(), silent().await);
    let unreachable = Unreachable::new().await;
    let builder = || {
        let builder = Client::builder(options()).at(target(unreachable.address));
        builder.at(target(at)).at(target(stage.address))
    };
    let client = soon(builder().open()).await.unwrap();
    assert_eq!(client.place(), Some(target(stage.address)));
    let (taken, _) = soon(silent.accept()).await.unwrap();
    drop(taken);
    client.close().await;
    let session = soon(builder().connect()).await.unwrap();
    assert_eq!(session.detail("authrole"), Some("anonymous"));
    soon(session.leave()).await;
}

/// Takes a connection of RawSocket with what it asks for.
async fn shake_hands(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let mut asked = [0; 4];
    soon(stream.read_exact(&mut asked)).await.unwrap();
    stream.write_all(&asked).await.unwrap();
    stream
}

#[tokio::test]
async fn connections_are_made_side_by_side_and_logins_one_after_the_other() {
    let [(first, one), (second, other)] = [silent().await, silent().await];
    let place = |address| format!("rs://{address}").parse().unwrap();
    let builder = Client::builder(options()).at(place(one)).at(place(other));
    let connecting = tokio::spawn(builder.connect());
    // The first takes its time for the connection, and more for the login.
    let mut later = shake_hands(&second).await;
    let mut length = [0; 4];
    soon(later.read_exact(&mut length)).await.unwrap();
    let mut sooner = shake_hands(&first).await;
    let login = timeout(UNANSWERED, sooner.read_exact(&mut length)).await;
    assert!(login.is_err(), "two logins at once may be two at one router");
    drop(later);
    soon(sooner.read_exact(&mut length)).await.unwrap();
    drop(sooner);
    let unreached = soon(connecting).await.unwrap().unwrap_err();
    assert!(matches!(unreached.worst(), Some(ConnectError::Lost(_))), "{unreached}");
}

#[tokio::test]
async fn a_connection_that_waited_for_long_is_made_anew() {
    /// Longer than a connection may wait for its turn, which begins later on a machine that is busy.
    const LONG: Duration = Duration::from_secs(4);
    let [(first, one), (second, other)] = [silent().await, silent().await];
    let place = |address| format!("rs://{address}").parse().unwrap();
    let connecting = tokio::spawn(Client::builder(options()).at(place(one)).at(place(other)).connect());
    // It is slow, so that the other one is connected to as well, and then its login takes long.
    let (mut waiting, _) = soon(second.accept()).await.unwrap();
    let mut slow = shake_hands(&first).await;
    let mut greeting = [0; 4];
    soon(waiting.read_exact(&mut greeting)).await.unwrap();
    waiting.write_all(&greeting).await.unwrap();
    soon(slow.read_exact(&mut greeting)).await.unwrap();
    assert!(timeout(LONG, waiting.read_exact(&mut greeting)).await.is_err());
    drop(slow);
    assert_eq!(soon(waiting.read(&mut greeting)).await.unwrap(), 0, "it is given up");
    let mut anew = shake_hands(&second).await;
    soon(anew.read_exact(&mut greeting)).await.unwrap();
    drop(anew);
    assert!(soon(connecting).await.unwrap().is_err());
}

#[tokio::test]
async fn an_address_that_is_not_used_keeps_nobody_from_the_others() {
    let stage = Stage::new();
    // With a pin nothing plain is spoken; that one is not there yet says nothing of later.
    let pinned = options().pin([7; 32]);
    let (listener, closed) = silent().await;
    drop(listener);
    let secure: Target = format!("wss://{closed}/ws").parse().unwrap();
    let builder = Client::builder(pinned).at(target(stage.address)).at(secure.clone());
    let unreached = soon(builder.connect()).await.unwrap_err();
    assert!(
        matches!(unreached.worst(), Some(ConnectError::Unreachable(..))),
        "{unreached}"
    );
    assert_eq!(unreached.tried.last().unwrap().0, secure);
}

#[tokio::test]
async fn what_was_tried_is_told_in_the_order_of_the_places() {
    let (listener, closed) = silent().await;
    drop(listener);
    let (_silent, slow) = silent().await;
    let patience = Duration::from_secs(1);
    let quick = Options { patience, ..options() };
    let builder = Client::builder(quick).at(target(slow)).at(target(closed));
    let unreached = soon(builder.at(target(slow)).connect()).await.unwrap_err();
    let tried: Vec<_> = unreached.tried.iter().map(|(target, _)| target.clone()).collect();
    assert_eq!(tried, [target(slow), target(closed)], "none of them twice");
    assert!(
        matches!(unreached.worst(), Some(ConnectError::TooSlow(_, 1))),
        "{unreached}"
    );
}

#[tokio::test]
async fn pairing_goes_on_at_the_next_host_where_one_says_nothing() {
    let unreachable = Unreachable::new().await;
    let [(_first, says_nothing), (last, at)] = [silent().await, silent().await];
    let hosts = [unreachable.address, says_nothing, at].map(|address| address.to_string());
    let opening = tokio::spawn(async move { PairingChannel::open_any(&hosts, FOREVER).await });
    soon(last.accept()).await.unwrap();
    opening.abort();
    assert!(PairingChannel::open_any(&[], FOREVER).await.is_none());
}

#[tokio::test]
async fn a_likelier_host_that_is_slower_is_waited_for_where_another_is_no_desktop() {
    let (stage, (slow, at)) = (Stage::new(), silent().await);
    let hosts = [at, stage.address].map(|address| address.to_string());
    let mut opening = tokio::spawn(async move { PairingChannel::open_any(&hosts, FOREVER).await });
    let (likelier, _) = soon(slow.accept()).await.unwrap();
    // The router has no TLS, which it says at once.
    assert!(
        timeout(UNANSWERED, &mut opening).await.is_err(),
        "it may be the desktop"
    );
    drop(likelier);
    let opened = soon(opening).await.unwrap();
    assert!(matches!(opened, Some(Err(ConnectError::Tls(..)))), "{opened:?}");
}
