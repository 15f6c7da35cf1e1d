//! The question about a device as a notification, through the whole daemon: whoever answers first has answered.

use client::{Args, Serializer, Session, Value};

use crate::phone::Phone;
use crate::support::{Desk, Way, key, public, soon};

/// Opens a window and lets a stranger bring its code; gives the owner and the stranger's call.
async fn knock(desk: &Desk) -> (Session, impl Future<Output = Value> + use<>) {
    let owner = desk.owner().await;
    let window = Args::default().with("legacy", true).with("role", "slides");
    let window = owner
        .call("org.deskconn.pairing.open", window)
        .await
        .unwrap()
        .into_value();
    let code = window.as_dict().unwrap()["code"].as_str().unwrap().to_owned();
    let stranger = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    let paired = async move {
        let args = Args::from([Value::from(code), public(&key(1)).into()]).with("name", "<b>Pixel</b>");
        stranger.call("org.deskconn.pair", args).await.unwrap().into_value()
    };
    (owner, paired)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_lets_a_device_in_or_keeps_it_out() {
    for allow in [true, false] {
        let desk = Desk::start().await;
        let mut notice = desk.machine.notice();
        let (owner, paired) = knock(&desk).await;
        let mut closed = owner.subscribe("org.deskconn.pairing.on_closed").await.unwrap();
        let pressed = async {
            let shown = soon("the notification", notice.wait_for(Option::is_some))
                .await
                .unwrap()
                .clone()
                .unwrap();
            assert!(shown.body.starts_with("<b>Pixel</b> (lib) at 127.0.0.1"), "{shown:?}");
            assert!(shown.body.contains("slides"), "{shown:?}");
            desk.machine.choose(allow);
        };
        let (paired, ()) = soon("pairing", async { tokio::join!(paired, pressed) }).await;
        assert_eq!(paired, Value::Bool(allow));
        let event = soon("the end of the window", closed.next()).await.unwrap();
        let device = event.args.kwargs.get("device").and_then(Value::as_dict);
        assert_eq!(device.is_some(), allow, "{event:?}");
        soon("the notification goes", notice.wait_for(Option::is_none))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_elsewhere_takes_the_notification_away() {
    let desk = Desk::start().await;
    let mut notice = desk.machine.notice();
    let (owner, paired) = knock(&desk).await;
    let mut asked = owner.subscribe("org.deskconn.pairing.on_asked").await.unwrap();
    let answered = async {
        let question = soon("the question", asked.next()).await.unwrap().args.into_value();
        soon("the notification", notice.wait_for(Option::is_some))
            .await
            .unwrap();
        let request = question.as_dict().unwrap()["request"].clone();
        owner
            .call("org.deskconn.pairing.answer", [request, true.into()])
            .await
            .unwrap();
    };
    let (paired, ()) = soon("pairing", async { tokio::join!(paired, answered) }).await;
    assert_eq!(paired, Value::Bool(true));
    soon("the notification goes", notice.wait_for(Option::is_none))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_without_notifications_pairs_all_the_same() {
    let desk = Desk::start().await;
    desk.machine.miss(Some(components::Missing {
        what: "the notification service",
        reason: "it is away".into(),
        mend: "fetch it".into(),
    }));
    let (owner, paired) = knock(&desk).await;
    let mut asked = owner.subscribe("org.deskconn.pairing.on_asked").await.unwrap();
    let answered = async {
        let question = soon("the question", asked.next()).await.unwrap().args.into_value();
        let request = question.as_dict().unwrap()["request"].clone();
        owner
            .call("org.deskconn.pairing.answer", [request, true.into()])
            .await
            .unwrap();
    };
    let (paired, ()) = soon("pairing", async { tokio::join!(paired, answered) }).await;
    assert_eq!(paired, Value::Bool(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_lets_a_call_through_or_not() {
    const PROCEDURE: &str = "org.deskconn.screen.is_locked";
    let desk = Desk::start().await;
    let phone = Phone::pair(&desk, 1, Args::default().with("role", "slides")).await;
    let session = phone.log_in(&desk).await;
    let grant = Args::from([phone.id().into(), PROCEDURE.into()]).with("confirm", true);
    desk.owner()
        .await
        .call("org.deskconn.devices.grant", grant)
        .await
        .unwrap();
    let mut notice = desk.machine.notice();
    soon("the question about the device goes", notice.wait_for(Option::is_none))
        .await
        .unwrap();
    for allow in [true, false] {
        let pressed = async {
            let shown = soon("the notification", notice.wait_for(Option::is_some))
                .await
                .unwrap()
                .clone()
                .unwrap();
            assert_eq!(shown.body, format!("phone 1 wants to call {PROCEDURE} now."));
            desk.machine.choose(allow);
        };
        let call = session.call(PROCEDURE, ());
        let (called, ()) = soon("the call", async { tokio::join!(call, pressed) }).await;
        assert_eq!(called.is_ok(), allow);
        soon("the notification goes", notice.wait_for(Option::is_none))
            .await
            .unwrap();
    }
}
