//! There are no file descriptors left: who is there goes on, who comes waits, and what needs a descriptor says so.

use std::fs;
use std::net::TcpStream as StdStream;
use std::time::Duration;

use client::{Options, Session};
use tokio::process::Command;
use tokio::time::timeout;

use crate::desk::Desk;
use crate::judge::Judge;
use crate::users::Users;

/// Descriptors that are left to it: two connections take them.
const LEFT: u64 = 2;
/// Those that come though there is no place.
const COMERS: usize = 20;
/// How long there are none.
const LASTS: Duration = Duration::from_secs(4);
/// Who waits is served soon: the listener looks again at least once a second, and the machine may be busy.
const SERVED: Duration = Duration::from_secs(10);
/// Ticks of 10 ms that may be used more than with descriptors, of 800 that two cores have meanwhile.
const MORE_TICKS: u64 = 40;
async fn limit(desk: &Desk, most: u64) {
    // As its user: only root with all its capabilities may limit others.
    let pid = desk.pid().to_string();
    let mut set = Command::new("setpriv");
    set.args([
        "--reuid=nobody",
        "--regid=nogroup",
        "--clear-groups",
        "prlimit",
        "--pid",
        &pid,
    ]);
    assert!(
        set.arg(format!("--nofile={most}:")).status().await.unwrap().success(),
        "the limit of {pid} is set"
    );
}

/// The highest number that it has: the limit is one of numbers, not of how many there are (getrlimit(2)).
fn highest(desk: &Desk) -> u64 {
    let names = fs::read_dir(format!("/proc/{}/fd", desk.pid())).unwrap();
    let numbers = names.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.max().unwrap_or_default()
}

/// Takes the descriptors, and gives them back.
pub(crate) async fn gone(desk: &mut Desk, users: &Users) {
    let judge = Judge("descriptors");
    let owner = desk.owner().await;
    let (before, mark) = (desk.sample(), desk.mark());
    let busy = desk.ticks();
    users.season_of(LASTS).await;
    let busy = desk.ticks() - busy;
    limit(desk, highest(desk) + 1 + LEFT).await;
    // Those between are taken first.
    let free = highest(desk) + 1 - desk.sample().descriptors + LEFT;
    let comers = (0..usize::try_from(free).unwrap() + COMERS).map(|_| StdStream::connect(desk.address()).unwrap());
    let comers: Vec<_> = comers.collect();
    let used = desk.ticks();
    let season = users.season_of(LASTS).await;
    let used = desk.ticks() - used;
    judge.served(&season);
    judge.hears(
        "nothing runs in circles",
        used <= busy + MORE_TICKS,
        format!("{busy} ticks before, {used} without"),
    );
    let devices = desk.state().join("devices.json");
    let list = fs::read_to_string(&devices).unwrap();
    let renamed = owner
        .call(
            "org.deskconn.devices.rename",
            [users.device_id.as_str().into(), "other".into()],
        )
        .await;
    let told = renamed.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let is_so = told.contains("Too many open files") && fs::read_to_string(&devices).unwrap() == list;
    judge.hears(
        "a change that cannot be written is refused, and the list is as it was",
        is_so,
        format!("{renamed:?}"),
    );
    let target = format!("ws://{}/ws", desk.address()).parse().unwrap();
    let late = Session::connect(&target, Options::new(crate::desk::REALM));
    tokio::pin!(late);
    let waits = timeout(Duration::from_millis(500), &mut late).await.is_err();
    limit(desk, 1024).await;
    drop(comers);
    let session = timeout(SERVED, late).await;
    let is_so = waits && matches!(session, Ok(Ok(_)));
    judge.hears(
        "who comes waits, and is served as soon as there are descriptors",
        is_so,
        format!("{:?}", session.map(|it| it.map(drop))),
    );
    let renamed = owner
        .call(
            "org.deskconn.devices.rename",
            [users.device_id.as_str().into(), "visitor".into()],
        )
        .await;
    judge.hears(
        "then changes are written again",
        renamed.is_ok(),
        format!("{:?}", renamed.map(drop)),
    );
    judge.logged(desk, mark, &["Too many open files", "LimitNOFILE"]);
    owner.leave().await;
    judge.recovered(desk, &before).await;
}
