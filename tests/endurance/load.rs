//! Programs that behave: they call, publish, stream, come and go.

use std::sync::Arc;
use std::time::Duration;

use client::{CallOptions, Invocation, Options, PublishOptions, Reply, RequestError, Session, Subscription, Value};
use tokio::task::JoinSet;

use crate::{House, REALM};

/// Callers and subscribers.
const CALLERS: u64 = 4;
const SUBSCRIBERS: u64 = 10;
/// Each caller and publisher rests this long: it is the load of many days that counts, not the most that there can be.
const REST: Duration = Duration::from_millis(20);
/// Arguments of these lengths in turn: within a frame, beyond a buffer, beyond what is copied.
const LENGTHS: [usize; 4] = [16, 1_000, 9_000, 60_000];
/// Whoever calls has had an answer after this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins.
///
/// The callee is to stay until all the others have gone.
pub(crate) async fn begin(house: &Arc<House>, at_work: &mut JoinSet<()>) -> Session {
    let callee = house.session().await;
    let echo = |call: Invocation| async move { Ok([call.args[0].clone()].into()) };
    callee.register("load.echo", echo).await.unwrap();
    callee.register("load.count", count).await.unwrap();
    callee
        .register("load.never", |_: Invocation| std::future::pending())
        .await
        .unwrap();
    for number in 0..CALLERS {
        at_work.spawn(call(Arc::clone(house), number));
    }
    for number in 0..SUBSCRIBERS {
        let session = house.session().await;
        let events = session.subscribe("load.numbers").await.unwrap();
        at_work.spawn(hear(Arc::clone(house), session, events, number));
    }
    at_work.spawn(publish(Arc::clone(house)));
    at_work.spawn(come_and_go(Arc::clone(house)));
    callee
}

/// Streams as many results as it is asked for.
async fn count(call: Invocation) -> Result<Reply, RequestError> {
    let (most,) = call.to::<(u64,)>().expect("whoever asks says how many");
    if let Some(progress) = &call.progress {
        for number in 0..most {
            progress.send([number.into()]).await.expect("a number has a form");
        }
    }
    Ok([Value::from(most)].into())
}

async fn call(house: Arc<House>, number: u64) {
    let session = house.session().await;
    let mut turn = number;
    while house.pause(REST).await {
        turn += 1;
        match turn % 8 {
            0 => stream(&house, &session).await,
            1 => time_out(&house, &session).await,
            _ => echo(&house, &session, turn).await,
        }
    }
    session.leave().await;
}

async fn echo(house: &House, session: &Session, turn: u64) {
    let length = LENGTHS[usize::try_from(turn).unwrap_or(0) % LENGTHS.len()];
    let sent = Value::from(format!("{turn}{}", "x".repeat(length)));
    let calling = session.call("load.echo", [sent.clone()]);
    match tokio::time::timeout(PATIENCE, calling).await {
        Ok(Ok(answer)) if answer.args == [sent] => house.count("calls"),
        Ok(Ok(_)) => house.fault("a call had somebody else's answer"),
        Ok(Err(error)) => house.fault(format!("a call failed: {error}")),
        Err(_) => house.fault("a call had no answer"),
    }
}

async fn stream(house: &House, session: &Session) {
    const PARTS: u64 = 50;
    let options = CallOptions {
        receive_progress: true,
        ..CallOptions::default()
    };
    let mut call = session.start_call("load.count", [PARTS.into()], options).await.unwrap();
    let mut next = 0;
    while let Some(part) = call.next().await {
        if part.args != [next.into()] {
            house.fault(format!("part {next} of a result is missing"));
        }
        next += 1;
    }
    match tokio::time::timeout(PATIENCE, call.result()).await {
        Ok(Ok(_)) if next == PARTS => house.count("results in parts"),
        other => house.fault(format!("{next} of {PARTS} parts came, then {other:?}")),
    }
}

async fn time_out(house: &House, session: &Session) {
    let options = CallOptions {
        timeout: 50,
        ..CallOptions::default()
    };
    match tokio::time::timeout(PATIENCE, session.call_with("load.never", [], options)).await {
        Ok(Err(_)) => house.count("calls that timed out"),
        other => house.fault(format!("a call without an answer ended with {other:?}")),
    }
}

async fn publish(house: Arc<House>) {
    let session = house.session().await;
    let mut number = 0_u64;
    while house.pause(REST).await {
        for topic in ["load.numbers", "load.kept"] {
            if let Err(error) = session.publish_acknowledged(topic, [number.into()]).await {
                house.fault(format!("event {number} was not taken: {error}"));
            }
        }
        let retained = PublishOptions {
            retain: true,
            ..PublishOptions::default()
        };
        let topic = format!("load.retained.{}", number % 100);
        if let Err(error) = session.publish_with(&topic, [number.into()], retained).await {
            house.fault(format!("an event was not retained: {error}"));
        }
        number += 1;
        house.count("events published");
    }
    session.leave().await;
}

async fn hear(house: Arc<House>, session: Session, mut events: Subscription, number: u64) {
    let mut expected = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = house.over.cancelled() => break,
        };
        let Some(event) = event else {
            house.fault(format!("subscriber {number} lost its session"));
            break;
        };
        let heard = event.args.args.first().and_then(Value::as_u64);
        if expected.is_some() && heard != expected {
            house.fault(format!("subscriber {number} heard {heard:?} instead of {expected:?}"));
        }
        expected = heard.map(|heard| heard + 1);
        house.count("events heard");
    }
    session.leave().await;
}

/// Sessions that last for a call, over each kind of connection in turn.
async fn come_and_go(house: Arc<House>) {
    let address = house.address();
    let targets = [format!("ws://{address}/ws"), format!("rs://{address}")];
    let mut turn = 0;
    while house.pause(REST).await {
        turn += 1;
        let target = targets[turn % targets.len()].parse().unwrap();
        match Session::connect(&target, Options::new(REALM)).await {
            Ok(session) => {
                echo(&house, &session, 0).await;
                session.leave().await;
                house.count("sessions that came and went");
            }
            Err(error) => house.fault(format!("no session over {target}: {error}")),
        }
    }
}
