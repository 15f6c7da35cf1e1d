//! How the daemon is, seen from outside: what the kernel says of its process.

use std::time::Duration;

use client::{Options, Session};

use crate::process::Sample;
use crate::{House, REALM};

/// Memory of its own may be so much more at the end than in the middle: an allocator does not give back at once.
const MORE_KIB: u64 = 4 << 10;
/// Connections come and go, so their number is never quite the same.
const MORE_DESCRIPTORS: u64 = 24;
/// Functions that lack something on the machine look for it each five seconds, in threads that live for ten.
const MORE_THREADS: u64 = 2;
/// How long a daemon that is left alone may take to forget those who were there.
const FORGETS: Duration = Duration::from_secs(30);
/// How long its threads may take to end: those that wait for disks go when they had nothing to do for 10 s.
const THREADS_END: Duration = Duration::from_secs(30);
/// How often it is looked at until then.
const AGAIN: Duration = Duration::from_millis(100);

/// What was seen, second by second.
#[derive(Debug)]
pub(crate) struct Watch(Vec<Sample>);

impl Watch {
    /// Looks once a second for so long.
    pub(crate) async fn over(house: &House, time: Duration) -> Self {
        let mut samples = Vec::new();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        for _ in 0..time.as_secs() {
            second.tick().await;
            samples.push(Sample::of(house.pid));
        }
        Self(samples)
    }

    /// The last third must not be above the second: what is needed once is there after the first.
    pub(crate) fn judge(&self, house: &House) {
        let third = self.0.len() / 3;
        let median = |of: &[Sample], what: fn(&Sample) -> u64| {
            let mut all: Vec<u64> = of.iter().map(what).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        for (name, what, more) in [
            ("own memory in KiB", (|it| it.own_kib) as fn(&Sample) -> u64, MORE_KIB),
            ("file descriptors", |it| it.descriptors, MORE_DESCRIPTORS),
            ("threads", |it| it.threads, MORE_THREADS),
        ] {
            let (middle, end) = (
                median(&self.0[third..2 * third], what),
                median(&self.0[2 * third..], what),
            );
            println!("{name}: {middle} in the middle, {end} at the end");
            if end > middle + middle / 10 + more {
                house.fault(format!("{name} grew from {middle} to {end}"));
            }
        }
    }
}

/// The daemon when nobody uses it any more.
pub(crate) async fn at_rest(house: &House) -> Sample {
    let session = Session::connect(&house.target(), Options::new(REALM))
        .await
        .expect("the daemon lets me in");
    let mut leaving = session
        .subscribe("wamp.session.on_leave")
        .await
        .expect("it lets me listen");
    let alone = async {
        while session.call("wamp.session.count", []).await.expect("it answers").args != [1.into()] {
            leaving.next().await;
        }
    };
    if tokio::time::timeout(FORGETS, alone).await.is_err() {
        house.fault("sessions are left when everybody has gone");
    }
    drop(leaving);
    session.leave().await;
    let rest = Sample::of(house.pid);
    println!("at rest: {rest:?}");
    rest
}

/// Afterwards it is as it was before.
pub(crate) async fn compare(house: &House, before: &Sample, after: &Sample) {
    if after.descriptors > before.descriptors + 4 {
        house.fault(format!(
            "of {} file descriptors {} are left",
            after.descriptors,
            after.descriptors - before.descriptors
        ));
    }
    let mut again = tokio::time::interval(AGAIN);
    let rests = async {
        while Sample::of(house.pid).threads > before.threads + MORE_THREADS {
            again.tick().await;
        }
    };
    if tokio::time::timeout(THREADS_END, rests).await.is_err() {
        let threads = Sample::of(house.pid).threads;
        house.fault(format!("there were {} threads, and now {threads}", before.threads));
    }
}
