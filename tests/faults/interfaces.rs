//! Interfaces come, go, get other addresses and names: the desktop is found where it is, and nothing is left open.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::desk::Desk;
use crate::judge::{Judge, until};
use crate::users::Users;

/// Interfaces that come and go quickly, one after the other.
const COMINGS: usize = 50;
/// Interfaces are looked at every three seconds; then the name is asked about for one, and announced.
const FOUND: Duration = Duration::from_secs(20);
/// Two looks, and more on a machine that is busy.
const SETTLES: Duration = Duration::from_secs(15);
/// The one in whose network another machine is.
const CABLE: &str = "lan0";

/// Runs `ip` with these words; several commands are parted by semicolons.
async fn ip(commands: &str) {
    for command in commands.split(';') {
        let run = Command::new("ip")
            .args(command.split_whitespace())
            .stderr(Stdio::piped())
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "ip {command}: {told}");
    }
}

/// Sockets of UDP that the daemon has on the port of mDNS.
async fn listeners(desk: &Desk) -> usize {
    let run = Command::new("ss")
        .args(["-Hlunp", "sport = :5353"])
        .output()
        .await
        .unwrap();
    let mine = format!("pid={},", desk.pid());
    String::from_utf8_lossy(&run.stdout)
        .lines()
        .filter(|line| line.contains(&mine))
        .count()
}

/// Fifty of them, quickly: they get other addresses and names, and go.
async fn come_and_go(judge: Judge, desk: &Desk) {
    for number in 0..COMINGS {
        let name = format!("nic{number}");
        let made =
            format!("link add {name} type veth peer name far{number}; address add 10.9.{number}.1/24 dev {name}");
        ip(&format!("{made}; link set {name} up; link set far{number} up")).await;
        match number % 3 {
            1 => {
                ip(&format!(
                    "address flush dev {name}; address add 10.8.{number}.1/24 dev {name}"
                ))
                .await;
            }
            2 => {
                ip(&format!(
                    "link set {name} down; link set {name} name new{number}; link set new{number} up"
                ))
                .await;
            }
            _ => {}
        }
        // Ten stay until the end, so that some are seen.
        if number % 5 != 4 {
            ip(&format!("link del far{number}")).await;
        }
    }
    let seen = until(SETTLES, async || listeners(desk).await >= COMINGS / 5).await;
    let now = listeners(desk).await;
    judge.hears("those that stay are used", seen.is_some(), format!("{now} sockets"));
    for number in (0..COMINGS).filter(|number| number % 5 == 4) {
        ip(&format!("link del far{number}")).await;
    }
    is_closed(judge, desk, "the sockets of all that are gone are closed").await;
}

async fn is_closed(judge: Judge, desk: &Desk, sentence: &str) {
    let closed = until(SETTLES, async || listeners(desk).await == 0).await;
    judge.hears(sentence, closed.is_some(), format!("after {closed:.1?}"));
}

/// Has them come and go, and a machine look for the desktop.
pub(crate) async fn change(desk: &mut Desk, users: &Users) {
    let judge = Judge("interfaces");
    let (before, mark) = (desk.sample(), desk.mark());
    let others = format!("faults-{}", std::process::id());
    ip(&format!("netns add {others}")).await;
    users.season();
    come_and_go(judge, desk).await;
    let cable = format!("link add {CABLE} type veth peer name other netns {others}; link set {CABLE} up");
    let far = format!("-n {others} link set other up; -n {others} address add 10.77.0.2/24 dev other");
    ip(&format!("{cable}; {far}; -n {others} route add default dev other")).await;
    for (sentence, commands, address) in [
        (
            "a machine on a new network finds the desktop",
            format!("address add 10.77.0.1/24 dev {CABLE}"),
            "10.77.0.1",
        ),
        (
            "with another address it is found there",
            format!("address flush dev {CABLE}; address add 10.77.0.3/24 dev {CABLE}"),
            "10.77.0.3",
        ),
        (
            "with another name of the interface, and one address more, too",
            format!(
                "link set {CABLE} down; link set {CABLE} name wire0; link set wire0 up; address add 10.77.0.4/24 dev wire0"
            ),
            "10.77.0.4",
        ),
    ] {
        ip(&commands).await;
        let quoted = format!("\"{address}\"");
        let found = until(FOUND, async || desk.discovered_from(&others).await.contains(&quoted)).await;
        judge.hears(sentence, found.is_some(), format!("{address} after {found:.1?}"));
    }
    ip("link del wire0").await;
    is_closed(judge, desk, "without any network nothing stays open").await;
    judge.served(&users.season());
    judge.logged(desk, mark, &[]);
    judge.recovered(desk, &before).await;
    ip(&format!("netns del {others}")).await;
}
