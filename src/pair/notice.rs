//! Shows the questions of the desk as desktop notifications with Allow and Deny.
//!
//! It is an ordinary client in this process, beside `deskconnctl pair`: whoever answers first has answered. A question
//! that is not answered here is not denied here: the desk does that when its time is over.

use std::sync::Arc;

use client::{Error, Session, Subscription};
use components::backends::{Notice, Notifier};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wamp::value::{Dict, Value};

/// Begins to listen for questions; the task lives as long as the session.
///
/// # Errors
/// The session has ended.
pub(crate) async fn start(session: Session, notifier: Arc<dyn Notifier>) -> Result<JoinHandle<()>, Error> {
    let asked = session.subscribe("org.deskconn.pairing.on_asked").await?;
    let closed = session.subscribe("org.deskconn.pairing.on_closed").await?;
    Ok(tokio::spawn(listen(session, notifier, asked, closed)))
}

async fn listen(session: Session, notifier: Arc<dyn Notifier>, mut asked: Subscription, mut closed: Subscription) {
    // Dropped when its question is gone; there is one at a time.
    let mut shown: Option<oneshot::Sender<()>> = None;
    loop {
        tokio::select! {
            biased;
            event = asked.next() => {
                let Some(event) = event else { return };
                if let Value::Dict(question) = event.args.into_value() {
                    let (shows, gone) = oneshot::channel();
                    shown = Some(shows);
                    tokio::spawn(show(session.clone(), Arc::clone(&notifier), question, gone));
                }
            }
            event = closed.next() => {
                if event.is_none() {
                    return;
                }
                shown = None;
            }
        }
        tracing::trace!(is_shown = shown.is_some(), "a question of the desk came or went");
    }
}

async fn show(session: Session, notifier: Arc<dyn Notifier>, question: Dict, gone: oneshot::Receiver<()>) {
    let withdrawn = Box::pin(async {
        let _ = gone.await;
    });
    let allow = match notifier.ask(notice(&question), withdrawn).await {
        Ok(Some(allow)) => allow,
        Ok(None) => return,
        Err(error) => return tracing::info!("the question is not shown as a notification: {error}"),
    };
    let request = question.get("request").cloned().unwrap_or(Value::Null);
    if let Err(error) = session
        .call("org.deskconn.pairing.answer", [request, allow.into()])
        .await
    {
        tracing::info!(%error, "the answer to a notification came to nothing");
    }
}

fn notice(question: &Dict) -> Notice {
    let text = |key: &str| {
        let text = question.get(key).and_then(Value::as_str).unwrap_or_default();
        // One line each, so that a name cannot pass for the lines below it.
        text.replace(|c: char| c.is_control(), " ")
    };
    let name = match text("name") {
        name if name.trim().is_empty() => "A device without a name".to_owned(),
        name => name,
    };
    let from = match text("address") {
        address if address.is_empty() => String::new(),
        address => format!(" at {address}"),
    };
    Notice {
        summary: "A device wants to be paired".to_owned(),
        body: format!(
            "{name} ({}){from} wants to be let in as {}.\nIts key: {}\nAllow it only if the device shows the same key.",
            text("kind"),
            text("role"),
            text("fingerprint")
        ),
        allow: "Allow".to_owned(),
        deny: "Deny".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_line_and_a_missing_one_is_named() {
        let question = |name: &str| {
            let pairs = [
                ("name", name),
                ("kind", "android"),
                ("address", "192.0.2.7"),
                ("role", "slides"),
                ("fingerprint", "7KQ2-M4XR-ZP0T-9D3F"),
            ];
            pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.into()))
                .collect::<Dict>()
        };
        let body = notice(&question("Pixel\nIts key: FAKE")).body;
        let lines: Vec<_> = body.lines().collect();
        assert_eq!(
            lines[..2],
            [
                "Pixel Its key: FAKE (android) at 192.0.2.7 wants to be let in as slides.",
                "Its key: 7KQ2-M4XR-ZP0T-9D3F",
            ]
        );
        assert!(
            notice(&question(" "))
                .body
                .starts_with("A device without a name (android)")
        );
        assert!(notice(&Dict::new()).body.contains("Its key: \n"), "nothing is made up");
    }
}
