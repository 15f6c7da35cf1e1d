//! `org.deskconn.discovery.browse`: the other desktops on the network, for phones whose browser cannot look for itself.

use std::sync::Arc;
use std::time::Duration;

use client::discovery::{self, DESKCONN, Found, Interfaces, MAX_FOUND};
use client::{Invocation, Reply, RequestError, Session};
use tokio::sync::Mutex;
use tokio::time::Instant;
use wamp::value::Value;

use super::arguments::bad;
use super::{Arguments, Desktop, offer, refused};
use crate::config::Config;

/// How long is looked, in seconds, where nothing is said: questions are sent at 0, 1 and 3 s (RFC 6762 §5.2).
const TIMEOUT_S: f64 = 3.0;
/// The longest look; what has not answered by then is not there.
const MAX_TIMEOUT_S: f64 = 10.0;
/// The shortest; less time no answer takes.
const MIN_TIMEOUT_S: f64 = 0.1;
/// Who asks so soon after another gets the same answer: many callers cost the network no more than one.
const FRESH: Duration = Duration::from_secs(2);

/// Looks for desktops, one look at a time.
#[derive(Debug)]
pub(crate) struct Nearby {
    /// The interfaces to look on; `None` when the configuration keeps this desktop off mDNS.
    interfaces: Option<Interfaces>,
    last: Mutex<Option<(Instant, Vec<Found>)>>,
}

impl Nearby {
    pub(crate) fn new(config: &Config) -> Self {
        let discovery = &config.discovery;
        let interfaces = discovery.enabled.then(|| Interfaces {
            allow: discovery.allow.clone(),
            deny: discovery.deny.clone(),
        });
        Self {
            interfaces,
            last: Mutex::default(),
        }
    }

    async fn look(&self, time: Duration) -> Result<Vec<Found>, RequestError> {
        let Some(interfaces) = &self.interfaces else {
            return Err(refused(
                "the configuration keeps this desktop off mDNS: [discovery] enabled",
            ));
        };
        let mut last = self.last.lock().await;
        if let Some((when, found)) = &*last
            && when.elapsed() < FRESH
        {
            return Ok(found.clone());
        }
        let found = discovery::browse(DESKCONN, MAX_FOUND, time, interfaces)
            .await
            .map_err(refused)?;
        *last = Some((Instant::now(), found.clone()));
        Ok(found)
    }
}

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.discovery.browse"], browse).await
}

/// `discovery.browse(timeout?) → [{name, id, host, addresses, port}]`: the other desktops.
async fn browse(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let timeout = arguments.optional_number("timeout")?.unwrap_or(TIMEOUT_S);
    arguments.end()?;
    if !(MIN_TIMEOUT_S..=MAX_TIMEOUT_S).contains(&timeout) {
        return Err(bad(format!("timeout is {MIN_TIMEOUT_S} to {MAX_TIMEOUT_S} seconds")));
    }
    let own = desktop.store.identity().id();
    let found = desktop.nearby.look(Duration::from_secs_f64(timeout)).await?;
    let others = found.iter().filter(|it| it.id.as_deref() != Some(own.as_str()));
    Ok(Value::List(others.map(row).collect()).into())
}

fn row(found: &Found) -> Value {
    let addresses = found.addresses.iter().map(|it| it.with_port(found.port).to_string());
    Value::dict([
        ("name", found.name.as_str().into()),
        ("id", found.id.clone().into()),
        ("host", found.host.as_str().into()),
        ("addresses", Value::List(addresses.map(Value::from).collect())),
        ("port", u64::from(found.port).into()),
    ])
}
