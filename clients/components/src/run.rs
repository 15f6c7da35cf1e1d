//! Components on a session: their procedures registered, their changes
//! published.
//!
//! It knows how WAMP is spoken and no component by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::{Error, Invocation, Origin, Progress, Reply, RequestError, Session, Subscription, Value};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{Arguments, Component, Missing, Procedure, Refusal, Report, Settings};

/// How long a component may take to say what it lacks. A phone asks when it
/// connects, and a service that hangs should not keep it waiting.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Whether somebody may have a procedure at this moment, beyond what the
/// router's roles say.
pub type Permit = Arc<dyn Fn(&'static Procedure, Option<&Origin>) -> Result<(), Refusal> + Send + Sync>;

/// Components that run. They stop publishing when this is dropped, or when the
/// session ends.
#[derive(Debug)]
pub struct Running {
    components: Vec<Arc<dyn Component>>,
    announcing: JoinSet<()>,
}

impl Running {
    /// Lets each of them publish over its session until that ends.
    pub(crate) fn announcing(components: Vec<(Session, Arc<dyn Component>)>) -> Self {
        let announcing = components
            .iter()
            .map(|(session, component)| announce(session.clone(), Arc::clone(component)))
            .collect();
        let components = components.into_iter().map(|(_, component)| component).collect();
        Self { components, announcing }
    }

    /// What each of them lacks right now, by its name. They are asked side by
    /// side: one that hangs adds nothing to the others.
    pub async fn missing(&self) -> Vec<(&'static str, Missing)> {
        let ask = |component: &Arc<dyn Component>| {
            let component = Arc::clone(component);
            async move {
                let name = component.entry().name;
                let missing = timeout(ANSWER_WITHIN, component.missing()).await;
                missing.unwrap_or_else(|_| Some(silent(name))).map(|it| (name, it))
            }
        };
        let answers = join_all(self.components.iter().map(ask)).await;
        answers.into_iter().flatten().collect()
    }

    /// Has each of them go by other settings from now on.
    pub fn reconfigure(&self, settings: &Settings) {
        self.components.iter().for_each(|it| it.reconfigure(settings));
    }

    /// Does the same with each of the settings that come by events, until the session ends.
    pub(crate) fn follow(&mut self, mut events: Subscription, read: fn(&Value) -> Option<Settings>) {
        let components = self.components.clone();
        self.announcing.spawn(async move {
            while let Some(event) = events.next().await {
                let Some(settings) = read(&event.args.into_value()) else {
                    continue;
                };
                components.iter().for_each(|it| it.reconfigure(&settings));
            }
        });
    }

    /// Waits until none publishes any more, which is when the session has ended.
    pub async fn ended(mut self) {
        while self.announcing.join_next().await.is_some() {}
    }

    /// The names of those that run.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.components.iter().map(|component| component.entry().name)
    }
}

fn silent(name: &'static str) -> Missing {
    Missing {
        what: name,
        reason: format!("what it needs did not answer within {} s", ANSWER_WITHIN.as_secs()),
        mend: "look at it with `deskconnctl doctor`, and restart the service that hangs".into(),
    }
}

/// Registers each component on its session, and publishes what changes until
/// that ends. When this returns all can be called. A session of its own keeps a
/// component from using up what another one may hold.
///
/// # Errors
/// The router refuses a procedure, or a session has ended.
pub async fn start(components: Vec<(Session, Arc<dyn Component>)>, permit: Permit) -> Result<Running, Error> {
    for (session, component) in &components {
        register(session, component, &permit).await?;
    }
    Ok(Running::announcing(components))
}

async fn register(session: &Session, component: &Arc<dyn Component>, permit: &Permit) -> Result<(), Error> {
    let served = Arc::new(Served {
        component: Arc::clone(component),
        permit: Arc::clone(permit),
        is_known_missing: AtomicBool::new(false),
    });
    for procedure in component.entry().procedures {
        let served = Arc::clone(&served);
        let serve = move |call| {
            let served = Arc::clone(&served);
            async move { served.answer(procedure, call).await }
        };
        session.register(procedure.uri, serve).await?;
    }
    Ok(())
}

/// Publishes what a component announces until the session ends.
async fn announce(session: Session, component: Arc<dyn Component>) {
    let publisher = session.clone();
    let topics = component.entry().topics;
    let publish = move |topic: &'static str, args: Vec<Value>| -> BoxFuture<'static, ()> {
        let session = publisher.clone();
        async move {
            let is_retained = topics.iter().any(|it| it.uri == topic && it.is_retained);
            let published = if is_retained {
                session.publish_retained(topic, args).await.map(drop)
            } else {
                session.publish(topic, args).await
            };
            // That the session has ended is noticed below.
            if let Err(error) = published {
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
    permit: Permit,
    /// Said once, not for each of a caller's thousand tries.
    is_known_missing: AtomicBool,
}

impl Served {
    async fn answer(&self, procedure: &'static Procedure, call: Invocation) -> Result<Reply, RequestError> {
        (self.permit)(procedure, call.caller.as_ref())?;
        let report = call.progress.map(reporter);
        let answer = self
            .component
            .call_reporting(procedure, Arguments::new(call.args, call.kwargs), report.as_deref())
            .await;
        if let Err(Refusal::Unavailable(missing)) = &answer {
            if !self.is_known_missing.swap(true, Ordering::Relaxed) {
                tracing::warn!(component = self.component.entry().name, "{missing}");
            }
        } else if answer.is_ok() {
            self.is_known_missing.store(false, Ordering::Relaxed);
        }
        Ok(answer?.into())
    }
}

/// Intermediate results of this call as a function.
pub(crate) fn reporter(progress: Progress) -> Box<Report> {
    let progress = Arc::new(progress);
    Box::new(move |value| {
        let progress = Arc::clone(&progress);
        async move {
            if let Err(error) = progress.send(value).await {
                tracing::debug!(%error, "an intermediate result was not sent");
            }
        }
        .boxed()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Entry;

    /// A component whose service hangs.
    #[derive(Debug)]
    struct Hanging;

    impl Component for Hanging {
        fn entry(&self) -> &'static Entry {
            &crate::slides::ENTRY
        }

        fn call(&self, _: &'static Procedure, _: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
            Box::pin(std::future::pending())
        }

        fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_component_that_does_not_say_what_it_lacks_lacks_an_answer() {
        let fake = Arc::new(crate::backends::fake::Fake::default());
        let mut components = crate::make(&fake.machine(), &Settings::default(), |entry| entry.name == "screen");
        components.push(Arc::new(Hanging));
        let running = Running {
            components,
            announcing: JoinSet::new(),
        };
        let missing = running.missing().await;
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert_eq!(missing[0].0, "slides");
        assert!(missing[0].1.reason.contains("within 2 s"), "{}", missing[0].1);
    }
}
