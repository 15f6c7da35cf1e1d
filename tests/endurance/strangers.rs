//! Peers that harm if they can: they do not read, or speak nonsense, each from an address of its own.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::House;

/// How long one that does not read is borne with by itself.
const DEAF: Duration = Duration::from_secs(3);
/// A stranger that has said something waits for the router to hang up, no longer than this.
const WAITS: Duration = Duration::from_millis(500);
/// How connections of each kind begin; then comes chance.
const BEGINNINGS: [&[u8]; 6] = [
    b"",
    b"\x7f\xf1\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:5020\r\n",
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:5020\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n",
    b"\x7f\xf1\x00\x00\x00\x00\x00\x0f[1,\"load\",{\"r\":",
];
const SUBSCRIBED: &[u8] = b"\x7f\xf1\x00\x00\x00\x00\x00\x2c[1,\"load\",{\"roles\":{\"subscriber\":{}},\"a\":11}]\x00\x00\x00\x15[32,1,{},\"load.flood\"]";

/// Begins.
pub(crate) fn begin(house: &Arc<House>, at_work: &mut JoinSet<()>) {
    at_work.spawn(speak_nonsense(Arc::clone(house)));
    at_work.spawn(hear_nothing(Arc::clone(house)));
}

async fn connect(house: &House, stranger: u32) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    // All of 127.0.0.0/8 is this machine.
    let source = Ipv4Addr::from_bits(0x7f10_0000 + stranger % 0xffff);
    socket.bind((source, 0).into()).ok()?;
    socket.connect(house.address()).await.ok()
}

async fn speak_nonsense(house: Arc<House>) {
    let mut random = StdRng::seed_from_u64(1);
    let mut stranger = 0;
    while house.pause(Duration::from_millis(40)).await {
        stranger += 1;
        let Some(mut stream) = connect(&house, stranger).await else {
            house.fault("a stranger could not connect");
            continue;
        };
        let mut said = BEGINNINGS[random.random_range(0..BEGINNINGS.len())].to_vec();
        said.extend((0..random.random_range(0..3_000)).map(|_| random.random::<u8>()));
        // It hangs up whenever it likes.
        let _ = stream.write_all(&said).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(WAITS, stream.read_to_end(&mut answer)).await;
        house.count("strangers who spoke nonsense");
    }
}

/// Subscribes to long events and reads none of them.
async fn hear_nothing(house: Arc<House>) {
    let publisher = house.session().await;
    let long = "x".repeat(16_000);
    let mut stranger = 0x8000;
    while !house.over.is_cancelled() {
        stranger += 1;
        let Some(mut stream) = connect(&house, stranger).await else {
            house.fault("one who does not read could not connect");
            continue;
        };
        let _ = stream.write_all(SUBSCRIBED).await;
        let flood = async {
            while house.pause(Duration::from_millis(5)).await {
                if let Err(error) = publisher
                    .publish_acknowledged("load.flood", [long.as_str().into()])
                    .await
                {
                    house.fault(format!("whoever publishes to one who does not read gets {error}"));
                }
            }
        };
        let _ = tokio::time::timeout(DEAF, flood).await;
        drop(stream);
        house.count("peers that did not read");
    }
    publisher.leave().await;
}
