//! What a client is made of.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use wamp::resumption::Wanted;

use super::keeper::{Current, Keeper, When};
use super::places::{Places, Reached, Unreached};
use super::standing::Standing;
use super::status::Status;
use super::{Client, Handle};
use crate::connect::{Options, Target};
use crate::discovery::Interfaces;
use crate::session::Session;

/// The first pause before trying again; it doubles up to the longest. A router that is started anew takes about as long.
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// A router that was away for long is found this soon after it is back.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Orders that wait for the task; a further one would say the same.
const ORDERS: usize = 4;

/// Makes a [`Client`].
#[derive(Debug)]
pub struct Builder {
    places: Places,
    options: Options,
    pauses: (Duration, Duration),
}

impl Builder {
    pub(super) const fn new(options: Options) -> Self {
        Self {
            places: Places::new(Vec::new()),
            options,
            pauses: (FIRST_PAUSE, LONGEST_PAUSE),
        }
    }

    /// A place where the router may be. They are tried in the order in which they are given, but the one that worked last
    /// before all others; each has a lead of 250 ms over the next, and the first that answers is taken.
    #[must_use]
    pub fn at(mut self, target: Target) -> Self {
        self.places.add(target);
        self
    }

    /// Tries the places one after the other, in their order each time, so that the first one is taken again after another one
    /// was lost.
    #[must_use]
    pub const fn in_order(mut self) -> Self {
        self.places.keep_order();
        self
    }

    /// Looks for a desktop, by its id as mDNS has it, on the local network where it is at none of the places: by its name in
    /// `.local`, then by mDNS. The pin or the Noise key of the options says whether it is the right one.
    ///
    /// Without this no packet goes anywhere but to the places.
    #[must_use]
    pub fn look_for(mut self, id: &str, interfaces: Interfaces) -> Self {
        self.places.look_for(id, interfaces);
        self
    }

    /// Other pauses between attempts than [`FIRST_PAUSE`], which doubles up to [`LONGEST_PAUSE`].
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pauses = (first, longest);
        self
    }

    /// Opens a session that ends with its connection, at the first place that has one.
    ///
    /// # Errors
    /// None of the places has the router, or it does not let this client in.
    pub async fn connect(mut self) -> Result<Session, Unreached> {
        let Reached { link, welcome, .. } = self.places.reach(&self.options, None).await?;
        let keep_alive = self.options.keep_alive_over(&link);
        Ok(Session::start(link, keep_alive, welcome, self.options.passed))
    }

    /// Opens a session, and keeps one open from then on.
    ///
    /// # Errors
    /// None of the places has the router, or it does not let this client in. It is tried once.
    pub async fn open(mut self) -> Result<Client, Unreached> {
        let reached = self.places.reach(&self.options, Some(&Wanted::Resumable)).await?;
        let client = self.spawn(Some(reached));
        // It is open but for the task, which has not run yet.
        let _ = client.session().await;
        Ok(client)
    }

    /// Keeps a session open as soon as there can be one: also a start without a network succeeds.
    #[must_use]
    pub fn start(self) -> Client {
        self.spawn(None)
    }

    fn spawn(self, first: Option<Reached>) -> Client {
        let (status, watched) = watch::channel(Status::Connecting { attempt: 1 });
        let (current, seen) = watch::channel(Current::Away);
        let (place, placed) = watch::channel(None);
        let (orders, received) = mpsc::channel(ORDERS);
        let standing = Arc::<Standing>::default();
        let keeper = Keeper {
            places: self.places,
            options: self.options,
            pauses: self.pauses,
            standing: Arc::clone(&standing),
            status,
            current,
            place,
            orders: received,
            when: When::Now,
            failures: 0,
            opened_at: Instant::now(),
            ended: None,
            closing: None,
        };
        tokio::spawn(keeper.run(first));
        Client(Arc::new(Handle {
            standing,
            status: watched,
            current: seen,
            place: placed,
            orders,
        }))
    }
}
