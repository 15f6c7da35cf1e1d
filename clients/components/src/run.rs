//! Components on a session: their procedures registered, their changes
//! published.
//!
//! It knows how WAMP is spoken and no component by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::{Error, Invocation, Reply, RequestError, Session, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use crate::{Arguments, Component, Machine, Procedure, Refusal, all};

/// Registers the components that are wanted by name, and publishes what changes
/// until the session ends. When this returns all can be called; the tasks end
/// with the session.
///
/// # Errors
/// The router refuses a procedure, or the session has ended.
pub async fn start(
    session: &Session,
    machine: &Machine,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let mut announcing = Vec::new();
    for component in all(machine).into_iter().filter(|component| wanted(component.name())) {
        register(session, &component).await?;
        announcing.push(tokio::spawn(announce(session.clone(), component)));
    }
    Ok(announcing)
}

async fn register(session: &Session, component: &Arc<dyn Component>) -> Result<(), Error> {
    let served = Arc::new(Served {
        component: Arc::clone(component),
        is_known_missing: AtomicBool::new(false),
    });
    for procedure in component.procedures() {
        let served = Arc::clone(&served);
        let serve = move |call| {
            let served = Arc::clone(&served);
            async move { served.answer(procedure, call).await }
        };
        session.register(procedure.uri, serve).await?;
    }
    Ok(())
}

async fn announce(session: Session, component: Arc<dyn Component>) {
    let publisher = session.clone();
    let publish = move |topic: &'static str, args: Vec<Value>| -> BoxFuture<'static, ()> {
        let session = publisher.clone();
        async move {
            // That the session has ended is noticed below.
            if let Err(error) = session.publish(topic, args).await {
                tracing::debug!(topic, %error, "an event was not published");
            }
        }
        .boxed()
    };
    tokio::select! {
        _ = session.closed() => {}
        // Only a machine that is gone ends this.
        () = component.announce(&publish) => {}
    }
}

/// A component with what is remembered for the log.
struct Served {
    component: Arc<dyn Component>,
    /// Said once, not for each of a caller's thousand tries.
    is_known_missing: AtomicBool,
}

impl Served {
    async fn answer(&self, procedure: &'static Procedure, call: Invocation) -> Result<Reply, RequestError> {
        let answer = self
            .component
            .call(procedure, Arguments::new(call.args, call.kwargs))
            .await;
        if let Err(Refusal::Unavailable(missing)) = &answer {
            if !self.is_known_missing.swap(true, Ordering::Relaxed) {
                tracing::warn!(component = self.component.name(), "{missing}");
            }
        } else if answer.is_ok() {
            self.is_known_missing.store(false, Ordering::Relaxed);
        }
        match answer {
            Ok(value) => Ok(Reply::from(value)),
            Err(refusal) => Err(RequestError {
                uri: refusal.uri().into(),
                args: vec![Value::Text(refusal.to_string())],
                kwargs: refusal.details(),
            }),
        }
    }
}
