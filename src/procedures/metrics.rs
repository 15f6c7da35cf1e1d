//! `org.deskconn.metrics.*`: the daemon in figures, as procedures and as events, for the owner and for who has the role `metrics`.

use std::sync::Arc;
use std::time::Duration;

use client::{Args, Invocation, Reply, RequestError, Session};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use wamp::value::{Dict, Value};

use super::{Arguments, Desktop, offer};
use crate::metrics::{CATALOGUE, Family, Figure, Sample, Value as Number};

/// Below this each figure has a topic of its own.
const TOPICS: &str = "org.deskconn.metrics.value.";

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.metrics.get"], get).await?;
    offer(session, desktop, &["org.deskconn.metrics.list"], list).await
}

/// `metrics.get() → report`: every figure as it is now, by its name.
async fn get(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    Ok(report(&desktop.collector.collect()).into())
}

/// `metrics.list() → [figure]`: which figures there are, each `{name, kind, unit, help, labels}`.
async fn list(_: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let row = |figure: &Figure| {
        let labels = figure.labels.iter().map(|label| Value::from(*label)).collect();
        Value::dict([
            ("name", figure.name.into()),
            ("kind", figure.kind.name().into()),
            ("unit", (!figure.unit.is_empty()).then_some(figure.unit).into()),
            ("help", figure.help.into()),
            ("labels", Value::List(labels)),
        ])
    };
    Ok(Value::List(CATALOGUE.iter().map(row).collect()).into())
}

fn report(families: &[Family]) -> Value {
    let told = families.iter().filter(|family| !family.samples.is_empty());
    Value::Dict(
        told.map(|family| (family.figure.name.to_owned(), value(family)))
            .collect(),
    )
}

/// A number where nothing tells several apart; otherwise a list of dictionaries, each with its labels and `value`.
fn value(Family { figure, samples }: &Family) -> Value {
    let row = |sample: &Sample| {
        let labels = figure.labels.iter().zip(&sample.labels);
        let mut row: Dict = labels
            .map(|(label, value)| ((*label).to_owned(), value.as_str().into()))
            .collect();
        row.insert("value".to_owned(), number(&sample.value));
        row.into()
    };
    match samples.as_slice() {
        [only] if figure.labels.is_empty() => number(&only.value),
        several => Value::List(several.iter().map(row).collect()),
    }
}

/// A histogram is `{count, sum, buckets: [[bound, count]]}`, the last of them without a bound.
fn number(number: &Number) -> Value {
    match number {
        Number::Whole(number) => (*number).into(),
        Number::Real(number) => (*number).into(),
        Number::Histogram(buckets, sum) => {
            let row = |(bound, count): &(Option<f64>, u64)| Value::List(vec![(*bound).into(), (*count).into()]);
            Value::dict([
                ("count", buckets.last().map_or(0, |(_, count)| *count).into()),
                ("sum", (*sum).into()),
                ("buckets", Value::List(buckets.iter().map(row).collect())),
            ])
        }
    }
}

/// Publishes the figures whenever it is time and somebody listens, for as long as the session lasts. They are retained, so that
/// who subscribes has the last ones at once; when nobody listens any more they are forgotten, and nothing is looked at.
pub(crate) async fn publish(session: Session, desktop: Arc<Desktop>, mut interval: watch::Receiver<Option<Duration>>) {
    let mut is_kept = false;
    let mut last = Instant::now();
    loop {
        let every = *interval.borrow_and_update();
        let due = async {
            match every {
                Some(every) => sleep_until(last + every).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            changed = interval.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            _ = session.closed() => return,
        }
        last = Instant::now();
        match tell(&session, &desktop).await {
            Ok(0) if is_kept => {
                is_kept = false;
                desktop.realm.forget_retained("org.deskconn.metrics.");
            }
            Ok(told) => is_kept |= told > 0,
            Err(client::Error::Closed(_)) => return,
            Err(error) => tracing::warn!(%error, "the figures could not be published"),
        }
    }
}

/// Publishes what somebody listens to, and says how much that was.
async fn tell(session: &Session, desktop: &Desktop) -> Result<usize, client::Error> {
    const WHOLE: &str = "org.deskconn.metrics.on_report";
    let topic = |figure: &Figure| format!("{TOPICS}{}", figure.name);
    let is_heard = |topic: &str| desktop.realm.has_audience(topic);
    let wants_whole = is_heard(WHOLE);
    let wanted: Vec<_> = CATALOGUE.iter().filter(|figure| is_heard(&topic(figure))).collect();
    if !wants_whole && wanted.is_empty() {
        return Ok(0);
    }
    let families = desktop.collector.collect();
    let mut told = 0;
    if wants_whole {
        session.publish_retained(WHOLE, Args::from([report(&families)])).await?;
        told += 1;
    }
    for family in families.iter().filter(|family| wanted.contains(&family.figure)) {
        session
            .publish_retained(&topic(family.figure), Args::from([value(family)]))
            .await?;
        told += 1;
    }
    Ok(told)
}
