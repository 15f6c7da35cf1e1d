//! `doctor`, beside a real daemon in this process. What it says of a machine with faults: `tests/doctor`.

use serde_json::Value;

use crate::home::Desk;
use crate::logged;
use crate::stage::{ended, program, soon};

fn rows(result: &str) -> Vec<Value> {
    result.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn row<'a>(rows: &'a [Value], check: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["check"] == check)
        .unwrap_or_else(|| panic!("{check}: {rows:?}"))
}

#[tokio::test]
async fn the_port_of_the_figures_is_not_one_that_devices_use() {
    let desk = Desk::with("Attic", "[metrics]\nlisten = [\"127.0.0.1:0\"]\n").await;
    let ended = desk.run(&["doctor", "--json", "--no-discovery"]).await;
    // Desktops of other tests are in this process, too.
    let found = row(&rows(&ended.result), "port")["found"].to_string();
    let figures = desk.daemon.metrics_addresses()[0].to_string();
    assert!(
        found.contains(&desk.address()) && !found.contains(&figures),
        "{figures}: {found}"
    );
}

#[tokio::test]
async fn a_daemon_that_only_this_computer_reaches_is_running_and_yet_not_fine() {
    let desk = Desk::start("Attic").await;
    let ended = desk.run(&["doctor", "--json", "--no-discovery"]).await;
    ended.failed(1, "checks failed");
    let rows = rows(&ended.result);
    let daemon = row(&rows, "daemon");
    assert_eq!(daemon["state"], "ok");
    assert!(daemon["found"].as_str().unwrap().contains("\"Attic\""), "{daemon}");
    let port = row(&rows, "port");
    assert_eq!(port["state"], "failed");
    let address = desk.address();
    assert!(port["found"].as_str().unwrap().contains(&address), "{port}");
    assert!(port["mend"].as_str().unwrap().contains("[listen]"), "{port}");
    assert_eq!(row(&rows, "discovery")["state"], "warning", "the test switched it off");
    assert!(row(&rows, "functions")["found"].as_str().unwrap().contains("slides"));
    for row in &rows {
        let mends = row["mend"].as_str().is_some_and(|mend| !mend.is_empty());
        assert_eq!(
            mends,
            row["state"] != "ok",
            "what is not fine has a mend, and nothing else: {row}"
        );
    }
}

#[tokio::test]
async fn looking_leaves_no_failure_in_the_daemons_log() {
    let mut lines = logged::on_this_thread();
    let desk = Desk::start("Attic").await;
    desk.run(&["doctor", "--no-discovery"]).await;
    loop {
        let line = soon(lines.recv()).await.unwrap();
        assert!(!line.contains("handshake failed"), "{line}");
        if line.contains("a connection said nothing") {
            assert!(line.contains("DEBUG"), "{line}");
            break;
        }
    }
    while let Ok(line) = lines.try_recv() {
        assert!(!line.contains("handshake failed"), "{line}");
    }
}

#[tokio::test]
async fn without_a_daemon_everything_else_is_examined_still() {
    let home = tempfile::tempdir().unwrap();
    let mut command = program(&["doctor", "--json", "--at"]);
    command.arg(format!("unix:{}/none.sock", home.path().display()));
    let ended = ended(command).await;
    ended.failed(1, "checks failed");
    let rows = rows(&ended.result);
    assert_eq!(row(&rows, "daemon")["state"], "failed");
    assert!(row(&rows, "daemon")["found"].as_str().unwrap().contains("none runs"));
    for check in ["port", "network", "discovery", "session bus", "keys", "clock"] {
        row(&rows, check);
    }
}

#[tokio::test]
async fn only_this_machine_can_be_examined() {
    for arguments in [&["doctor", "--at", "192.0.2.1"][..], &["doctor", "--desktop", "Attic"]] {
        ended(program(arguments))
            .await
            .failed(2, "doctor examines this machine");
    }
}
