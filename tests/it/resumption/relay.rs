//! Somebody between client and router who cuts the connection after so many bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes bytes on.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// Bytes of both directions until the connection is cut.
    left: AtomicI64,
    /// Whether the router is to believe that the connection is still there.
    is_one_sided: AtomicBool,
    /// What the router believes to be connections.
    ghosts: Mutex<Vec<OwnedWriteHalf>>,
}

/// More than anybody sends.
const FOR_EVER: i64 = i64::MAX / 2;

impl Relay {
    pub(crate) async fn to(router: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            left: AtomicI64::new(FOR_EVER),
            is_one_sided: AtomicBool::new(false),
            ghosts: Mutex::default(),
        });
        let passing = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                passing.left.store(FOR_EVER, Ordering::SeqCst);
                let router = TcpStream::connect(router).await.unwrap();
                client.set_nodelay(true).unwrap();
                router.set_nodelay(true).unwrap();
                pass(Arc::clone(&passing), client, router).await;
            }
        });
        Self { address, shared, task }
    }

    /// Cuts the connection that is open after so many bytes, for the router too or for the client alone.
    pub(crate) fn cut_after(&self, bytes: i64, is_one_sided: bool) {
        self.shared.is_one_sided.store(is_one_sided, Ordering::SeqCst);
        self.shared.left.store(bytes, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(shared: Arc<Shared>, client: TcpStream, router: TcpStream) {
    let (from_client, to_client) = client.into_split();
    let (from_router, to_router) = router.into_split();
    let (up, down) = {
        let mut up = std::pin::pin!(carry(&shared, from_client, to_router));
        let mut down = std::pin::pin!(carry(&shared, from_router, to_client));
        tokio::select! {
            to_router = &mut up => (Some(to_router), None),
            to_client = &mut down => (None, Some(to_client)),
        }
    };
    // Whatever was not returned went with its future.
    drop(down);
    if let Some(to_router) = up
        && shared.is_one_sided.load(Ordering::SeqCst)
    {
        shared.ghosts.lock().unwrap().push(to_router);
    }
}

/// Carries bytes one way until the connection is to be cut, or ends.
async fn carry(shared: &Shared, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> OwnedWriteHalf {
    let mut bytes = [0; 1 << 12];
    loop {
        let count = match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return to,
            Ok(count) => i64::try_from(count).unwrap(),
        };
        let left = shared.left.fetch_sub(count, Ordering::SeqCst);
        let allowed = usize::try_from(count.min(left).max(0)).unwrap();
        if to.write_all(&bytes[..allowed]).await.is_err() || left <= count {
            return to;
        }
    }
}
