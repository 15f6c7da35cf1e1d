//! The daemon's own procedures: pairing, devices, discovery, info. Ordinary WAMP, served by a session in this process;
//! who may call what is the roles' business.

mod arguments;
mod devices;
mod discovery;
mod info;
mod pairing;

use std::future::Future;
use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use router::RealmHandle;
use tokio::sync::mpsc;
use wamp::value::Value;

pub(crate) use self::arguments::Arguments;
use crate::access::Access;
use crate::advertiser::Advertiser;
use crate::pair::{Desk, Told};
use crate::store::Store;

/// A call that cannot be served because of its arguments.
pub(crate) const BAD_ARGUMENT: &str = "org.deskconn.error.bad_argument";
/// A call that was refused for another reason.
pub(crate) const REFUSED: &str = "org.deskconn.error.refused";

/// What the procedures work on.
#[derive(Debug)]
pub(crate) struct Desktop {
    pub(crate) name: String,
    pub(crate) store: Arc<Store>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) access: Arc<Access>,
    pub(crate) realm: RealmHandle,
    pub(crate) advertiser: Arc<Advertiser>,
    pub(crate) machine: components::Machine,
    /// Codes that may be tried in one pairing window.
    pub(crate) attempts: u8,
}

/// Registers every procedure.
///
/// # Errors
/// The router refuses one, which it does only when somebody else has it.
pub(crate) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    pairing::register(session, desktop).await?;
    devices::register(session, desktop).await?;
    discovery::register(session, desktop).await?;
    info::register(session, desktop).await
}

/// Registers one procedure under its names.
async fn offer<F, R>(session: &Session, desktop: &Arc<Desktop>, uris: &[&str], serve: F) -> Result<(), client::Error>
where
    F: Fn(Arc<Desktop>, Invocation) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
{
    for uri in uris {
        let desktop = Arc::clone(desktop);
        let serve = serve.clone();
        session
            .register(uri, move |call| serve(Arc::clone(&desktop), call))
            .await?;
    }
    Ok(())
}

/// Publishes what the desk tells, for as long as it tells anything.
pub(crate) async fn publish(session: Session, desktop: Arc<Desktop>, mut told: mpsc::Receiver<Told>) {
    while let Some(news) = told.recv().await {
        let (topic, args) = match news {
            Told::Asked(question) => ("org.deskconn.pairing.on_asked", vec![pairing::question(&question)]),
            Told::Closed(closed) => ("org.deskconn.pairing.on_closed", vec![closed.to_string().into()]),
            Told::Devices => ("org.deskconn.devices.on_changed", Vec::new()),
            Told::IsOpen(is_open) => {
                desktop.advertiser.set_pairing(is_open).await;
                continue;
            }
        };
        if let Err(error) = session.publish(topic, args).await {
            tracing::warn!(%error, topic, "an event could not be published");
        }
    }
}

fn refused(error: impl std::fmt::Display) -> RequestError {
    RequestError::new(REFUSED, error.to_string())
}

fn dict<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Dict(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
