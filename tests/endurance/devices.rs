//! What people have: devices that are paired and revoked, a program that survives cut connections, one that is suspended.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use client::{Client, Membership, Options, Session, Value};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::{House, REALM, pairing, road};

const PAIRING: Duration = Duration::from_secs(3);
const RELOADING: Duration = Duration::from_secs(2);
const LOOKING: Duration = Duration::from_secs(5);
const SUSPENDED: Duration = Duration::from_secs(4);
/// Another address of this machine.
const CUT_ROAD: &str = "127.1.2.3";

/// Begins.
pub(crate) async fn begin(house: &Arc<House>, at_work: &mut JoinSet<()>) {
    at_work.spawn(pair(Arc::clone(house), owner().await));
    at_work.spawn(look_around(Arc::clone(house), owner().await));
    road::cut_now_and_then(house, CUT_ROAD).await;
    at_work.spawn(survive(Arc::clone(house)));
    at_work.spawn(suspend(Arc::clone(house)));
    at_work.spawn(reload(Arc::clone(house)));
}

/// The owner's session.
async fn owner() -> Session {
    let socket = std::env::var("DESKCONN_SOCKET").expect("DESKCONN_SOCKET names the daemon's socket");
    let target = format!("unix:{socket}").parse().unwrap();
    Session::connect(&target, Options::new("deskconn")).await.unwrap()
}

/// Pairs a device, uses it, and revokes it, again and again.
async fn pair(house: Arc<House>, owner: Session) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("membership.json");
    while house.pause(PAIRING).await {
        match pairing::pair(&owner, &house.address().to_string(), &file, "endurance").await {
            Ok(membership) => visit(&house, &owner, &membership).await,
            Err(error) => house.fault(error),
        }
    }
    owner.leave().await;
}

/// Comes in as the device, asks what it may, and is revoked.
async fn visit(house: &House, owner: &Session, membership: &Membership) {
    let device = Value::from(membership.desktop().device_id.as_str());
    match Client::builder(membership.options())
        .at(format!("wss://{}/ws", house.address()).parse().unwrap())
        .open()
        .await
    {
        Ok(client) => {
            if let Err(error) = client.call("org.deskconn.info.get", []).await {
                house.fault(format!("a device that was paired may not ask what it may: {error}"));
            }
            client.close().await;
            house.count("devices that were paired, used and revoked");
        }
        Err(error) => house.fault(format!("a device that was paired does not get in: {error}")),
    }
    if let Err(error) = owner.call("org.deskconn.devices.revoke", [device]).await {
        house.fault(format!("a device is not revoked: {error}"));
    }
}

/// Publishes and hears its own events over connections that break: each arrives once, in order.
async fn survive(house: Arc<House>) {
    let target = format!("ws://{CUT_ROAD}:{}/ws", house.port).parse().unwrap();
    let client = Client::builder(Options::new(REALM)).at(target).open().await.unwrap();
    let mut events = client.subscribe("load.survivor").await.unwrap();
    let publisher = house.session().await;
    let mut number = 0_u64;
    while house.pause(Duration::from_millis(50)).await {
        if let Err(error) = publisher.publish_acknowledged("load.survivor", [number.into()]).await {
            house.fault(format!("event {number} was not taken: {error}"));
        }
        let heard = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
        let heard = heard.ok().flatten().and_then(|event| event.args.args.first()?.as_u64());
        if heard == Some(number) {
            house.count("events over connections that were cut");
        } else {
            house.fault(format!(
                "over connections that were cut came {heard:?} instead of {number}"
            ));
        }
        number += 1;
    }
    publisher.leave().await;
    client.close().await;
}

/// A command line that listens is suspended, and hears on when it goes on.
async fn suspend(house: Arc<House>) {
    let mut child = listener(&house);
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let session = house.session().await;
    let mut is_there = false;
    let mut number = 0_u64;
    while house.pause(Duration::from_millis(100)).await {
        number += 1;
        if is_there {
            kill_process(pid, Signal::STOP).unwrap();
            if !house.pause(SUSPENDED).await {
                kill_process(pid, Signal::CONT).unwrap();
                break;
            }
            kill_process(pid, Signal::CONT).unwrap();
        }
        let _ = session.publish("load.suspended", [number.into()]).await;
        // Until it has subscribed, nothing comes.
        let patience = Duration::from_secs(if is_there { 20 } else { 1 });
        match tokio::time::timeout(patience, lines.next_line()).await {
            Ok(Ok(Some(line))) if line.contains(&number.to_string()) => {
                is_there = true;
                house.count("times that a program was suspended and went on");
            }
            Ok(Ok(None) | Err(_)) => return house.fault("the command line that was suspended has ended"),
            Ok(Ok(Some(_))) => {}
            Err(_) if is_there => house.fault("a program that was suspended hears nothing any more"),
            Err(_) => {}
        }
    }
    // It says goodbye: a session whose client only vanishes waits for it to return.
    kill_process(pid, Signal::INT).unwrap();
    child.wait().await.unwrap();
    session.leave().await;
}

fn listener(house: &House) -> Child {
    Command::new(&house.deskconnctl)
        .args([
            "--json",
            "--at",
            &house.target().to_string(),
            "subscribe",
            "--realm",
            REALM,
            "load.suspended",
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Has the configuration read again.
async fn reload(house: Arc<House>) {
    let pid = Pid::from_raw(i32::try_from(house.pid).unwrap()).unwrap();
    while house.pause(RELOADING).await {
        kill_process(pid, Signal::HUP).unwrap();
        house.count("times that the configuration was read again");
    }
}

/// Asks for other desktops on the network, where a thousand announce themselves.
async fn look_around(house: Arc<House>, owner: Session) {
    while house.pause(LOOKING).await {
        match owner.call("org.deskconn.discovery.browse", [1.into()]).await {
            Ok(answer) => {
                let found = answer.into_value();
                if found.as_list().is_some_and(|found| !found.is_empty()) {
                    house.count("times that desktops were found");
                }
            }
            Err(error) => house.fault(format!("other desktops cannot be looked for: {error}")),
        }
    }
    owner.leave().await;
}
