//! A network between client and router that fails as one likes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
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
    /// Whether nothing is passed on.
    is_still: watch::Sender<bool>,
    budget: Mutex<Option<Budget>>,
    accepted: AtomicUsize,
    /// Whether the router is not to notice that a connection was cut.
    is_silent: AtomicBool,
    /// Connections to the router that it has not noticed the end of.
    unnoticed: Mutex<Vec<(OwnedReadHalf, OwnedWriteHalf)>>,
}

impl Relay {
    /// In front of a router on 127.0.0.1: at another address of the loopback, with the same port, which the Host of HTTP
    /// must name.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let addresses: Vec<SocketAddr> = (2..=254)
            .map(|last| ([127, 0, 0, last], target.port()).into())
            .collect();
        let listener = TcpListener::bind(&*addresses).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            target: watch::Sender::new(Some(target)),
            cut: watch::Sender::new(0),
            is_still: watch::Sender::new(false),
            budget: Mutex::new(None),
            accepted: AtomicUsize::new(0),
            is_silent: AtomicBool::new(false),
            unnoticed: Mutex::default(),
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

    /// Cuts all connections, and the router does not notice it.
    pub(crate) fn cut_silently(&self) {
        self.state.is_silent.store(true, Ordering::Relaxed);
        self.cut();
    }

    /// Passes nothing on, and says nothing of it.
    pub(crate) fn stand_still(&self) {
        self.state.is_still.send_replace(true);
    }

    /// Passes on again what comes.
    pub(crate) fn go_on(&self) {
        self.state.is_still.send_replace(false);
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
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    tokio::select! {
        () = copy(&mut near_read, &mut far_write, &budget, state.is_still.subscribe()) => {}
        () = copy(&mut far_read, &mut near_write, &budget, state.is_still.subscribe()) => {}
        _ = cut.changed() => {}
    }
    if state.is_silent.load(Ordering::Relaxed) {
        state.unnoticed.lock().unwrap().push((far_read, far_write));
    }
}

async fn copy(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    budget: &AtomicI64,
    mut is_still: watch::Receiver<bool>,
) {
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let _ = is_still.wait_for(|is_still| !is_still).await;
        let left = budget.fetch_sub(count as i64, Ordering::Relaxed);
        let passed = count.min(usize::try_from(left).unwrap_or(0));
        if to.write_all(&buffer[..passed]).await.is_err() || passed < count {
            return;
        }
    }
}
