//! Messages and questions as notifications, on a real bus with a mock of the notification service, and with a real one.

use std::collections::HashMap;
use std::sync::Arc;

use deskconn_components::backends::{Failure, Machine, Message, Notice};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::{OwnedVariant, Variant};

use super::stage::{Mock, PATIENCE, Process, Stage, Which, eventually};

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

fn message(body: &str) -> Message {
    Message {
        summary: "Tea".to_owned(),
        body: body.to_owned(),
        app: "Kettle".to_owned(),
    }
}

#[tokio::test]
async fn a_message_is_text_whatever_the_service_reads() {
    for (capabilities, shown) in [
        (ALL, "\"Tea\" \"&lt;b&gt;hot&lt;/b&gt;\""),
        (r#"{"capabilities": "body"}"#, "\"Tea\" \"<b>hot</b>\""),
        (r#"{"capabilities": "actions"}"#, "\"Tea: <b>hot</b>\" \"\""),
    ] {
        let Some(stage) = Stage::new() else { return };
        let _bus = stage.bus(Which::Session);
        let mock = service(&stage, capabilities).await;
        let machine = stage.machine();
        assert_eq!(machine.notifier.show(message("<b>hot</b>")).await, Ok(1));
        assert_eq!(machine.notifier.show(message("")).await, Ok(2));
        let calls = mock.calls("Notify");
        assert!(calls[0].contains(shown), "{}", calls[0]);
        assert!(calls[0].starts_with("Notify \"Kettle\" 0 "), "{}", calls[0]);
        assert!(calls[1].contains("\"Tea\" \"\""), "{}", calls[1]);
        assert_eq!(machine.notifier.missing().await, None);
    }
}

/// Where the notifications of dunst can be counted and read.
async fn dunst<R>(bus: &zbus::Connection, method: &str) -> R
where
    R: zbus::DynamicType + serde::de::DeserializeOwned + zbus::Type,
{
    let call = bus.call_method(Some(SERVICE), PATH, Some("org.dunstproject.cmd0"), method, &());
    call.await.unwrap().body().deserialize().unwrap()
}

#[tokio::test]
async fn a_real_notification_service_shows_a_message_and_its_text_is_no_markup() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let machine = stage.machine();
    let missing = machine.notifier.missing().await.unwrap();
    assert!(missing.mend.contains("notification service"), "{missing}");
    let Some((_screen, display)) = stage.screen() else {
        return;
    };
    let Some(mut service) = stage.program("dunst", "dunst xvfb") else {
        return;
    };
    service.env("DISPLAY", display);
    let service = Process::start(service);
    stage.has_name(Which::Session, SERVICE).await;
    assert_eq!(machine.notifier.missing().await, None);

    let text = "<b>hot</b> & <a href=\"x\">sweet</a>";
    let first = machine.notifier.show(message(text)).await.unwrap();
    let second = machine.notifier.show(message("")).await.unwrap();
    assert_ne!(first, second);
    let bus = stage.client(Which::Session).await;
    dunst::<()>(&bus, "NotificationCloseAll").await;
    let history: Vec<HashMap<String, OwnedVariant>> = dunst(&bus, "NotificationListHistory").await;
    let of = |key: &str| -> Vec<String> {
        let texts = history
            .iter()
            .map(|row| <&str>::try_from(&row[key]).unwrap().to_owned());
        texts.collect()
    };
    assert_eq!(of("summary"), ["Tea", "Tea"]);
    assert_eq!(of("appname"), ["Kettle", "Kettle"]);
    let escaped = "&lt;b&gt;hot&lt;/b&gt; &amp; &lt;a href=&quot;x&quot;&gt;sweet&lt;/a&gt;";
    assert!(of("body").contains(&escaped.to_owned()), "{:?}", of("body"));

    drop(service);
    eventually("its end is noticed", || async {
        machine.notifier.missing().await.is_some()
    })
    .await;
    assert!(machine.notifier.show(message("")).await.is_err());
}
