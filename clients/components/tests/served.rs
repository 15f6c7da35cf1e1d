//! The components on a real router, over a fake machine: what a caller sees.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use client::{Args, Error, Options, RequestError, Session, Subscription, Value};
    use deskconn_components::backends::fake::Fake;
    use deskconn_components::backends::{Key, Missing};
    use deskconn_components::{Component, Permit, Refusal, Running, Settings, make, names, procedures, start};
    use router::{Limits, OpenGate, Origins, RealmSettings, Role, Router};
    use tokio::time::timeout;

    const REALM: &str = "deskconn";
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Stage {
        fake: Arc<Fake>,
        caller: Session,
        components: Vec<Session>,
        running: Running,
        router: Router,
    }

    impl Stage {
        async fn with(wanted: impl Fn(&str) -> bool) -> Self {
            let gate = OpenGate::new(Role::unrestricted("anybody"));
            let router = Router::new(Arc::new(gate), Arc::new(Origins::default()), Limits::default());
            router.open_realm(REALM, RealmSettings::default());
            let caller = session(&router).await;
            let fake = Arc::new(Fake::default());
            let made = make(&fake.machine(), &Settings::default(), |entry| wanted(entry.name));
            let placed = placed(&router, made).await;
            let components = placed.iter().map(|(session, _)| session.clone()).collect();
            let running = start(placed, Arc::new(|_, _| Ok(()))).await.unwrap();
            Self {
                fake,
                caller,
                components,
                running,
                router,
            }
        }

        async fn refusal(&self, procedure: &str, args: impl Into<Args>) -> RequestError {
            match self.caller.call(procedure, args).await {
                Err(Error::Request(refusal)) => refusal,
                other => panic!("{procedure} was not refused: {other:?}"),
            }
        }
    }

    async fn session(router: &Router) -> Session {
        Session::over(router.connect_local("test"), Options::new(REALM))
            .await
            .unwrap()
    }

    /// Each on a session of its own, as the daemon does it.
    async fn placed(router: &Router, components: Vec<Arc<dyn Component>>) -> Vec<(Session, Arc<dyn Component>)> {
        let mut placed = Vec::new();
        for component in components {
            placed.push((session(router).await, component));
        }
        placed
    }

    async fn next(events: &mut Subscription) -> Vec<Value> {
        timeout(PATIENCE, events.next())
            .await
            .expect("an event comes")
            .expect("the session is open")
            .args
            .args
    }

    #[tokio::test]
    async fn every_procedure_of_the_tables_can_be_called_once_start_returns() {
        let stage = Stage::with(|_| true).await;
        for procedure in procedures() {
            // Those that need an argument get none and say so; the others answer.
            match stage.caller.call(procedure.uri, ()).await {
                Ok(_) => {}
                Err(Error::Request(refusal)) => {
                    assert_eq!(
                        refusal.uri.to_string(),
                        "org.deskconn.error.bad_argument",
                        "{}",
                        procedure.uri
                    );
                    assert!(!procedure.shape.starts_with("()"), "{}", procedure.uri);
                }
                Err(error) => panic!("{}: {error}", procedure.uri),
            }
        }
        assert!(stage.fake.taps().starts_with(&[Key::PageDown, Key::PageUp]));
    }

    #[tokio::test]
    async fn only_the_wanted_components_are_there() {
        let stage = Stage::with(|name| name == "slides").await;
        assert!(
            ["slides", "screen", "brightness"]
                .iter()
                .all(|name| names().any(|it| it == *name))
        );
        assert!(names().any(|name| name == "screen"));
        assert!(stage.caller.call("org.deskconn.slides.next", ()).await.is_ok());
        let refusal = stage.refusal("org.deskconn.screen.lock", ()).await;
        assert_eq!(refusal.uri.to_string(), "wamp.error.no_such_procedure");
    }

    #[tokio::test]
    async fn a_refusal_says_what_was_expected_and_what_mends_it() {
        let stage = Stage::with(|_| true).await;
        let refusal = stage
            .refusal("org.deskconn.brightness.set", [Value::Text("bright".into())])
            .await;
        assert_eq!(refusal.uri.to_string(), "org.deskconn.error.bad_argument");
        assert_eq!(
            refusal.sentence(),
            Some("argument 1 (percent) has to be a number, not text")
        );

        stage.fake.miss(Some(Missing {
            what: "it",
            reason: "it is away".into(),
            mend: "fetch it".into(),
        }));
        let refusal = stage.refusal("org.deskconn.slides.next", ()).await;
        assert_eq!(refusal.uri.to_string(), "org.deskconn.error.unavailable");
        assert_eq!(refusal.sentence(), Some("it cannot be reached: it is away; fetch it"));
        assert_eq!(refusal.kwargs["mend"], Value::Text("fetch it".into()));
        stage.fake.miss(None);
        assert_eq!(
            stage
                .caller
                .call("org.deskconn.slides.next", ())
                .await
                .unwrap()
                .into_value(),
            Value::Null
        );
    }

    #[tokio::test]
    async fn changes_arrive_as_events_whoever_made_them() {
        let stage = Stage::with(|_| true).await;
        let mut locked = stage.caller.subscribe("org.deskconn.screen.on_locked").await.unwrap();
        let mut changed = stage
            .caller
            .subscribe("org.deskconn.brightness.on_changed")
            .await
            .unwrap();

        let state = stage
            .caller
            .call("org.deskconn.screen.lock", ())
            .await
            .unwrap()
            .into_value();
        assert_eq!(state, Value::Bool(true));
        assert_eq!(next(&mut locked).await, [Value::Bool(true)]);
        stage.fake.report_lock(Some(false));
        assert_eq!(next(&mut locked).await, [Value::Bool(false)]);

        let set = stage
            .caller
            .call("org.deskconn.brightness.set", [Value::UInt(20)])
            .await
            .unwrap();
        assert_eq!(set.into_value(), Value::UInt(20));
        assert_eq!(next(&mut changed).await, [Value::UInt(20), Value::Text("panel".into())]);
        stage.fake.turn_knob(90);
        assert_eq!(next(&mut changed).await, [Value::UInt(90), Value::Text("panel".into())]);
    }

    #[tokio::test]
    async fn who_has_no_permit_is_refused_before_anything_is_done() {
        let stage = Stage::with(|_| false).await;
        let made = make(&stage.fake.machine(), &Settings::default(), |_| true);
        let permit: Permit = Arc::new(|procedure, _| match procedure.is_input {
            true => Err(Refusal::Refused("not now".into())),
            false => Ok(()),
        });
        let placed = placed(&stage.router, made).await;
        let _running = start(placed, permit).await.unwrap();
        let refusal = stage.refusal("org.deskconn.slides.next", ()).await;
        assert_eq!(refusal.uri, "org.deskconn.error.refused");
        assert_eq!(stage.fake.taps(), []);
        stage.caller.call("org.deskconn.screen.lock", ()).await.unwrap();
    }

    #[tokio::test]
    async fn when_the_session_ends_so_do_the_tasks_that_announce() {
        let stage = Stage::with(|_| true).await;
        for session in &stage.components {
            session.leave().await;
        }
        timeout(PATIENCE, stage.running.ended()).await.expect("they end");
    }
}
