//! Who sits at the machine, as logind tells it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::stage::{Stage, Which};

const PATIENCE: Duration = Duration::from_secs(20);

async fn becomes(occupant: &mut watch::Receiver<Option<u32>>, expected: Option<u32>) {
    let seen = timeout(PATIENCE, occupant.wait_for(|now| *now == expected)).await;
    assert!(seen.is_ok(), "nobody said that {expected:?} sits there");
}

fn own() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[tokio::test]
async fn the_occupant_is_followed_through_switches_greeters_and_a_restart_of_logind() {
    let Some(stage) = Stage::new() else { return };
    let bus = stage.bus(Which::System);
    let machine = stage.machine();
    let mut occupant = machine.seat.occupant();
    assert_eq!(*occupant.borrow(), None, "nobody can tell yet");
    let logind = stage.logind("tty", "").await;
    becomes(&mut occupant, own()).await;

    logind.add_session("greeter", "wayland", "gnome", false).await;
    logind.set("greeter", "Class", "greeter").await;
    logind.set_active("greeter", true).await;
    logind.set_active("c1", false).await;
    becomes(&mut occupant, None).await;
    logind.set_active("c1", true).await;
    becomes(&mut occupant, own()).await;

    drop(logind);
    drop(bus);
    becomes(&mut occupant, None).await;
    let _bus = stage.bus(Which::System);
    let _logind = stage.logind("wayland", "gnome").await;
    becomes(&mut occupant, own()).await;
}

#[tokio::test]
async fn a_switch_between_users_is_followed_while_locks_and_brightness_are_too() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::System);
    let logind = stage.logind("test", "").await;
    let machine = stage.machine();
    let mut occupant = machine.seat.occupant();
    becomes(&mut occupant, own()).await;
    for _ in 0..3 {
        logind.set_active("c1", false).await;
        becomes(&mut occupant, None).await;
        logind.set_active("c1", true).await;
        becomes(&mut occupant, own()).await;
    }
}
