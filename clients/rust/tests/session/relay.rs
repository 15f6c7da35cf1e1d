//! A network between client and router that fails as one likes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Says how many bytes the next connection carries before it is cut, both ways together.
type Budget = Box<dyn FnMut() -> i64 + Send>;

/// Passes connections on.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// Where to.
    target: watch::Sender<Option<SocketAddr>>,
    /// Raised to cut all connections.
    cut: watch::Sender<u64>,
    budget: Mutex<Option<Budget>>,
    accepted: AtomicUsize,
}

impl Relay {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            target: watch::Sender::new(Some(target)),
            cut: watch::Sender::new(0),
            budget: Mutex::new(None),
            accepted: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                accepting.accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(pass(near, Arc::clone(&accepting)));
            }
        });
        Self { address, state }
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.state.cut.send_modify(|cut| *cut += 1);
    }

    /// Leads further connections there; to nobody they are cut at once.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        self.state.target.send_replace(target);
    }

    /// Connections are cut after so many bytes from now on.
    pub(crate) fn cut_after(&self, budget: impl FnMut() -> i64 + Send + 'static) {
        *self.state.budget.lock().unwrap() = Some(Box::new(budget));
    }

    /// Connections are left alone from now on.
    pub(crate) fn heal(&self) {
        *self.state.budget.lock().unwrap() = None;
        self.cut();
    }

    /// How many connections there were.
    pub(crate) fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }
}

async fn pass(near: TcpStream, state: Arc<State>) {
    let mut cut = state.cut.subscribe();
    let target = *state.target.borrow();
    let Some(target) = target else { return };
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let budget = state
        .budget
        .lock()
        .unwrap()
        .as_mut()
        .map_or(i64::MAX, |budget| budget());
    let budget = AtomicI64::new(budget);
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::select! {
        () = copy(near_read, far_write, &budget) => {}
        () = copy(far_read, near_write, &budget) => {}
        _ = cut.changed() => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, budget: &AtomicI64) {
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let left = budget.fetch_sub(count as i64, Ordering::Relaxed);
        let passed = count.min(usize::try_from(left).unwrap_or(0));
        if to.write_all(&buffer[..passed]).await.is_err() || passed < count {
            return;
        }
    }
}
