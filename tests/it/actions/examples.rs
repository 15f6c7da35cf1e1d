//! The examples of docs/ACTIONS.md as they stand there: read, and done on a real daemon with a real server, program and phone.
//! Only what cannot be waited for or reached is put in: times, addresses, the name of the phone.

use std::path::Path;

use client::{Args, Value};

use super::server::Server;
use super::{publish, reaches, row};
use crate::phone::Phone;
use crate::support::{Desk, soon, until};

/// The configurations that the document shows, in their order.
fn shown() -> Vec<String> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ACTIONS.md");
    let text = std::fs::read_to_string(document).unwrap();
    let blocks = text
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

/// The text with other words in it, each of which has to be there.
fn put(text: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    })
}

fn summaries(desk: &Desk) -> Vec<String> {
    desk.machine
        .shown()
        .into_iter()
        .map(|message| message.summary)
        .collect()
}

#[test]
fn the_document_has_five_examples_and_each_can_be_read() {
    let shown = shown();
    assert_eq!(shown.len(), 5);
    for text in &shown {
        let config = deskconnd::config::Config::parse(Path::new("docs/ACTIONS.md"), text);
        assert!(
            !config
                .unwrap_or_else(|error| panic!("{error} in {text}"))
                .actions
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn surplus_of_the_sun_switches_the_boiler_on_and_tells_and_off_again() {
    const SURPLUS: &str = "org.deskconn.app.solar.surplus";
    let server = Server::start().await;
    let address = server.address.to_string();
    let text = put(
        &shown()[0],
        &[
            ("192.0.2.20", &address),
            ("\"10m\"", "\"30ms\""),
            ("\"5m\"", "\"30ms\""),
        ],
    );
    let desk = Desk::with(&text).await;
    let owner = desk.owner().await;
    publish(&owner, SURPLUS, 1_700.4).await;
    let on = server.wait(1).await;
    assert_eq!(
        (on.target.as_str(), on.body.as_str()),
        ("/rpc/Switch.Set", "{\"id\":0,\"on\":true}")
    );
    until("the notification", || !desk.machine.shown().is_empty()).await;
    let told = desk.machine.shown().remove(0);
    assert_eq!(
        (told.summary.as_str(), told.body.as_str()),
        ("The boiler is on", "1700 W are left over; it was off")
    );
    // It goes on as it is: nothing is done again.
    publish(&owner, SURPLUS, 1_800_u64).await;
    publish(&owner, SURPLUS, 150_u64).await;
    assert_eq!(server.wait(2).await.body, "{\"id\":0,\"on\":false}");
    assert_eq!(row(&owner, "boiler-on").await["count"], Value::UInt(1));
    // An inverter at night says something else, which is no number and switches nothing.
    publish(&owner, SURPLUS, "unavailable").await;
    let row = reaches(&owner, "boiler-on", "undecided", 1).await;
    assert!(row["error"].as_str().unwrap().contains("cannot be compared"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_at_its_time_and_a_failure_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("backup");
    std::fs::write(&script, "#!/bin/sh\necho no room >&2\nexit 3\n").unwrap();
    // The next second but one, by the clock on the wall: nobody waits for half past ten.
    let soon_ = jiff::Zoned::now().checked_add(jiff::Span::new().seconds(2)).unwrap();
    let time = soon_.strftime("\"%H:%M:%S\"").to_string();
    let run = format!("[\"/bin/sh\", \"{}\"]", script.display());
    let words = [
        ("[\"/usr/bin/rsync\", \"-a\", \"Documents\", \"/mnt/backup\"]", &*run),
        ("\"22:30\", days = \"weekdays\"", &*time),
    ];
    let desk = Desk::with(&put(&shown()[1], &words)).await;
    let owner = desk.owner().await;
    let row = reaches(&owner, "backup", "count", 1).await;
    assert_eq!(row["error"], Value::from("step 1 (command): it ended with 3: no room"));
    assert_eq!(summaries(&desk), ["The backup failed"]);
    std::fs::write(&script, "exit 0\n").unwrap();
    let done = owner
        .call("org.deskconn.actions.run", ["backup".into()])
        .await
        .unwrap()
        .into_value();
    let steps = done.as_dict().unwrap()["steps"].as_list().unwrap().to_vec();
    assert_eq!(steps[1].as_dict().unwrap()["state"], Value::from("left_out"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screen_is_locked_when_the_phone_has_gone() {
    let desk = Desk::with(&put(&shown()[2], &[("Pixel", "phone 1"), ("\"2m\"", "\"30ms\"")])).await;
    desk.machine.report_lock(Some(false));
    let phone = Phone::pair(&desk, 1, Args::default().with("role", "slides")).await;
    let owner = desk.owner().await;
    let session = phone.log_in(&desk).await;
    session.leave().await;
    reaches(&owner, "lock", "count", 1).await;
    assert_eq!(row(&owner, "lock").await["error"], Value::Null);
    until("the lock", || desk.machine.lock_state() == Some(true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_figure_of_the_machine_tells_and_is_kept_for_others() {
    // Of every machine some memory is in use; its disk may be a fake of a container.
    let words = [
        ("disk./.percent", "memory.percent"),
        ("above = 90", "above = 0.001"),
        ("\"1m\"", "\"30ms\""),
    ];
    let desk = Desk::with(&put(&shown()[3], &words)).await;
    let owner = desk.owner().await;
    let alerts = owner.subscribe_retained("org.deskconn.app.alerts.disk", client::Match::Exact);
    let mut alerts = alerts.await.unwrap();
    let event = soon("the alert", alerts.next()).await.unwrap();
    let percent = event.args.into_value().as_f64().unwrap();
    assert!(percent > 0.001 && percent < 100.0, "{percent}");
    assert_eq!(summaries(&desk), ["The disk is full"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doorbell_that_is_rung_often_sends_one_message_with_its_token() {
    let server = Server::start().await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "s3cret\n").unwrap();
    let address = format!("http://{}/home", server.address);
    let file = token.path().display().to_string();
    let words = [
        ("https://push.example.org/home", &*address),
        ("/home/me/.config/deskconn/push.token", &*file),
        ("\"2s\"", "\"100ms\""),
    ];
    let desk = Desk::with(&put(&shown()[4], &words)).await;
    let owner = desk.owner().await;
    let ring = |door: &str| Args::default().with("door", door);
    for _ in 0..5 {
        owner
            .publish_acknowledged("org.deskconn.app.door.front.rang", ring("front/../x&y"))
            .await
            .unwrap();
    }
    owner
        .publish_acknowledged("org.deskconn.app.door.front.opened", ring("front"))
        .await
        .unwrap();
    let heard = server.wait(1).await;
    assert_eq!(heard.target, "/home?door=front%2F..%2Fx%26y");
    assert_eq!(heard.token.as_deref(), Some("Bearer s3cret"));
    assert!(
        heard.body.starts_with("FRONT/../X&Y: somebody rang at "),
        "{}",
        heard.body
    );
    reaches(&owner, "doorbell", "count", 1).await;
    // Once more within the minute is too often.
    owner
        .publish_acknowledged("org.deskconn.app.door.front.rang", ring("front"))
        .await
        .unwrap();
    reaches(&owner, "doorbell", "left_out", 1).await;
    assert_eq!(server.heard().len(), 1);
}
