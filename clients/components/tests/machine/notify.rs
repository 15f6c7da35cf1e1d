//! Questions as notifications, on a real bus with a mock of the notification service.

use std::sync::Arc;

use deskconn_components::backends::{Failure, Machine, Notice};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::Variant;

use super::stage::{Mock, PATIENCE, Stage, Which, eventually};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const ALL: &str = r#"{"capabilities": "actions body body-markup"}"#;

async fn service(stage: &Stage, capabilities: &str) -> Mock {
    let what = ["-t", "notification_daemon", "-p", capabilities];
    stage.mock(Which::Session, SERVICE, &what).await
}

fn notice() -> Notice {
    Notice {
        summary: "A device wants to be paired".to_owned(),
        body: "<b>Pixel</b> & co".to_owned(),
        allow: "Allow".to_owned(),
        deny: "Deny".to_owned(),
    }
}

fn never() -> BoxFuture<'static, ()> {
    std::future::pending().boxed()
}

type Asking = JoinHandle<Result<Option<bool>, Failure>>;

/// Asks, and waits until the question is shown.
async fn ask(machine: &Machine, mock: &Mock, withdrawn: BoxFuture<'static, ()>) -> Asking {
    let notifier = Arc::clone(&machine.notifier);
    let before = mock.calls("Notify").len();
    let asking = tokio::spawn(async move { notifier.ask(notice(), withdrawn).await });
    eventually("the question is shown", || async {
        mock.calls("Notify").len() > before
    })
    .await;
    asking
}

async fn answer(asking: Asking) -> Result<Option<bool>, Failure> {
    timeout(PATIENCE, asking).await.unwrap().unwrap()
}

async fn emit(mock: &Mock, signal: &str, signature: &str, args: Vec<Variant<'_>>) {
    let body = (SERVICE, signal, signature, args);
    mock.call(PATH, "org.freedesktop.DBus.Mock", "EmitSignal", &body).await;
}

async fn press(mock: &Mock, id: u32, action: &str) {
    emit(mock, "ActionInvoked", "us", vec![id.into(), action.into()]).await;
}

#[tokio::test]
async fn the_button_that_is_pressed_is_the_answer() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let mock = service(&stage, ALL).await;
    let machine = stage.machine();
    for (id, action, expected) in [(1, "allow", true), (2, "deny", false)] {
        let asking = ask(&machine, &mock, never()).await;
        // Another notification, and a click beside the buttons: neither is an answer to this one.
        press(&mock, 99, "allow").await;
        press(&mock, id, "default").await;
        emit(&mock, "NotificationClosed", "uu", vec![99_u32.into(), 2_u32.into()]).await;
        press(&mock, id, action).await;
        assert_eq!(answer(asking).await, Ok(Some(expected)));
    }
}

#[tokio::test]
async fn a_notification_that_is_closed_answers_nothing() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let mock = service(&stage, ALL).await;
    let machine = stage.machine();
    let asking = ask(&machine, &mock, never()).await;
    emit(&mock, "NotificationClosed", "uu", vec![1_u32.into(), 2_u32.into()]).await;
    assert_eq!(answer(asking).await, Ok(None));
}

#[tokio::test]
async fn a_question_that_is_withdrawn_is_taken_off_the_screen() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let mock = service(&stage, ALL).await;
    let machine = stage.machine();
    let gone = Arc::new(Notify::new());
    let withdrawn = Arc::clone(&gone);
    let asking = ask(&machine, &mock, async move { withdrawn.notified().await }.boxed()).await;
    gone.notify_one();
    assert_eq!(answer(asking).await, Ok(None));
    assert_eq!(mock.calls("CloseNotification"), ["CloseNotification 1"]);
}

#[tokio::test]
async fn text_is_never_markup_and_buttons_are_shown_where_there_are_any() {
    for (capabilities, body, buttons) in [
        (ALL, "&lt;b&gt;Pixel&lt;/b&gt; &amp; co", true),
        (r#"{"capabilities": "actions body"}"#, "<b>Pixel</b> & co", true),
        (r#"{"capabilities": "body"}"#, "<b>Pixel</b> & co", false),
    ] {
        let Some(stage) = Stage::new() else { return };
        let _bus = stage.bus(Which::Session);
        let mock = service(&stage, capabilities).await;
        let machine = stage.machine();
        let asking = ask(&machine, &mock, never()).await;
        let shown = mock.calls("Notify").concat();
        assert!(shown.contains(&format!("\"{body}\"")), "{shown}");
        assert_eq!(
            shown.contains("\"allow\", \"Allow\", \"deny\", \"Deny\""),
            buttons,
            "{shown}"
        );
        asking.abort();
    }
}

#[tokio::test]
async fn where_no_notification_can_be_shown_that_is_told_with_the_way_round() {
    let Some(stage) = Stage::new() else { return };
    let machine = stage.machine();
    let without_bus = machine.notifier.ask(notice(), never()).await.unwrap_err().to_string();
    assert!(
        without_bus.contains("the D-Bus session bus cannot be reached"),
        "{without_bus}"
    );
    let _bus = stage.bus(Which::Session);
    let machine = stage.machine();
    let without_service = machine.notifier.ask(notice(), never()).await.unwrap_err().to_string();
    assert!(without_service.contains("deskconnctl pair"), "{without_service}");
}
