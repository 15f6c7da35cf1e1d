//! Uses a daemon as a household does in weeks, at once: calls, events, pairing, connections that break, peers that do not
//! read or speak nonsense, a configuration that is read again and again. It watches the daemon from outside meanwhile, and
//! fails when an answer is wrong or missing, or when memory, file descriptors or threads grow.
//!
//! usage: endurance PID PORT SECONDS DESKCONNCTL     in a network of its own; see README.md

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a program that measures")]

mod devices;
mod health;
mod load;
mod pairing;
mod process;
mod road;
mod strangers;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{Options, Session, Target};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::health::Watch;

/// The realm that is open to everybody here.
const REALM: &str = "load";
/// What is told of faults; one is enough to fail.
const MOST_FAULTS: usize = 20;

/// What all that use the daemon share.
#[derive(Debug)]
struct House {
    port: u16,
    /// The daemon's process.
    pid: u32,
    deskconnctl: String,
    /// It is over: no more is begun, and what is under way ends.
    over: CancellationToken,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    faults: Mutex<Vec<String>>,
}

impl House {
    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap().entry(what).or_default() += 1;
    }

    /// Notes what should not have happened.
    fn fault(&self, what: impl Into<String>) {
        let mut faults = self.faults.lock().unwrap();
        if faults.len() < MOST_FAULTS {
            faults.push(what.into());
        }
    }

    /// Waits; `false` when it is over.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.over.cancelled()).await.is_err()
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn target(&self) -> Target {
        format!("ws://{}/ws", self.address()).parse().unwrap()
    }

    /// A session in the open realm.
    async fn session(&self) -> Session {
        Session::connect(&self.target(), Options::new(REALM)).await.unwrap()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pid, port, seconds, deskconnctl] = arguments.as_slice() else {
        println!("usage: endurance PID PORT SECONDS DESKCONNCTL");
        return ExitCode::from(2);
    };
    let house = Arc::new(House {
        port: port.parse().unwrap(),
        pid: pid.parse().unwrap(),
        deskconnctl: deskconnctl.clone(),
        over: CancellationToken::new(),
        counts: Mutex::default(),
        faults: Mutex::default(),
    });
    let before = health::at_rest(&house).await;
    let mut at_work = JoinSet::new();
    let callee = load::begin(&house, &mut at_work).await;
    devices::begin(&house, &mut at_work).await;
    strangers::begin(&house, &mut at_work);
    let watch = Watch::over(&house, Duration::from_secs(seconds.parse().unwrap())).await;
    house.over.cancel();
    while let Some(ended) = at_work.join_next().await {
        if let Err(error) = ended {
            house.fault(format!("somebody who uses the daemon failed: {error}"));
        }
    }
    callee.leave().await;
    watch.judge(&house);
    let after = health::at_rest(&house).await;
    health::compare(&house, &before, &after).await;
    for (what, count) in &*house.counts.lock().unwrap() {
        println!("{what}: {count}");
    }
    let faults = house.faults.lock().unwrap();
    for fault in &*faults {
        println!("FAIL {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
