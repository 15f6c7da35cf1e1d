//! What the components' own tests share: calls, and the events a component announces.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Arguments, Component, Procedure, Refusal};

/// Calls a procedure with positional arguments.
pub(crate) async fn ask(
    component: &dyn Component,
    procedure: &'static Procedure,
    args: &[Value],
) -> Result<Value, Refusal> {
    component
        .call(procedure, Arguments::new(args.to_vec(), BTreeMap::new()))
        .await
}

/// The events of one component, in order.
#[derive(Debug)]
pub(crate) struct Published {
    events: mpsc::UnboundedReceiver<(&'static str, Vec<Value>)>,
    _announcing: JoinHandle<()>,
}

impl Published {
    /// Lets the component announce. Tests run on one thread, so it has taken
    /// its first look when the next await of the test is over.
    pub(crate) fn by(component: Arc<dyn Component>) -> Self {
        let (events, taken) = mpsc::unbounded_channel();
        let announcing = tokio::spawn(async move {
            let publish = move |uri, args| -> futures_util::future::BoxFuture<'static, ()> {
                events.send((uri, args)).unwrap();
                Box::pin(std::future::ready(()))
            };
            component.announce(&publish).await;
        });
        Self {
            events: taken,
            _announcing: announcing,
        }
    }

    /// What is announced next, however long that takes.
    pub(crate) async fn wait(&mut self) -> (&'static str, Vec<Value>) {
        let patience = std::time::Duration::from_secs(20);
        let next = tokio::time::timeout(patience, self.events.recv()).await;
        next.expect("something is announced").expect("the component is there")
    }

    /// What is announced once everything that can run has run.
    pub(crate) async fn next(&mut self) -> Option<(&'static str, Vec<Value>)> {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.events.try_recv().ok()
    }
}
