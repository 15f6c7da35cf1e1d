//! Shows the questions that the owner must answer as desktop notifications with Allow and Deny: devices that want to be
//! paired, and calls that want to be confirmed.
//!
//! It is an ordinary client in this process, beside `deskconnctl`: whoever answers first has answered. A question that is
//! not answered here is not denied here: whoever asks it does that when its time is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::{Error, Session, Subscription};
use components::backends::{Notice, Notifier};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wamp::value::{Dict, Value};

use crate::consent;

/// A kind of question.
struct Subject {
    asked: &'static str,
    /// Its first argument is the number of a question, or something else when all of the kind are over.
    closed: &'static str,
    answer: &'static str,
    notice: fn(&Dict) -> Notice,
}

const PAIRING: Subject = Subject {
    asked: "org.deskconn.pairing.on_asked",
    closed: "org.deskconn.pairing.on_closed",
    answer: "org.deskconn.pairing.answer",
    notice: of_device,
};

const CONSENT: Subject = Subject {
    asked: consent::ON_ASKED,
    closed: consent::ON_CLOSED,
    answer: "org.deskconn.consent.answer",
    notice: of_call,
};

/// Begins to listen for questions; the tasks live as long as the session.
///
/// # Errors
/// The session has ended.
pub(crate) async fn start(session: &Session, notifier: &Arc<dyn Notifier>) -> Result<[JoinHandle<()>; 2], Error> {
    let listen = async |subject: &'static Subject| {
        let asked = session.subscribe(subject.asked).await?;
        let closed = session.subscribe(subject.closed).await?;
        let listening = listen(session.clone(), Arc::clone(notifier), subject, asked, closed);
        Ok::<_, Error>(tokio::spawn(listening))
    };
    Ok([listen(&PAIRING).await?, listen(&CONSENT).await?])
}

async fn listen(
    session: Session,
    notifier: Arc<dyn Notifier>,
    subject: &'static Subject,
    mut asked: Subscription,
    mut closed: Subscription,
) {
    // By the number of the question; dropped when it is gone.
    let mut shown: BTreeMap<u64, oneshot::Sender<()>> = BTreeMap::new();
    loop {
        tokio::select! {
            biased;
            event = asked.next() => {
                let Some(event) = event else { return };
                if let Value::Dict(question) = event.args.into_value() {
                    let (shows, gone) = oneshot::channel();
                    shown.insert(number(question.get("request")).unwrap_or_default(), shows);
                    tokio::spawn(show(session.clone(), Arc::clone(&notifier), subject, question, gone));
                }
            }
            event = closed.next() => {
                let Some(event) = event else { return };
                match number(event.args.args.first()) {
                    Some(request) => drop(shown.remove(&request)),
                    None => shown.clear(),
                }
            }
        }
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64)
}

async fn show(
    session: Session,
    notifier: Arc<dyn Notifier>,
    subject: &Subject,
    question: Dict,
    gone: oneshot::Receiver<()>,
) {
    let withdrawn = Box::pin(async {
        let _ = gone.await;
    });
    let allow = match notifier.ask((subject.notice)(&question), withdrawn).await {
        Ok(Some(allow)) => allow,
        Ok(None) => return,
        Err(error) => return tracing::info!("the question is not shown as a notification: {error}"),
    };
    let request = question.get("request").cloned().unwrap_or(Value::Null);
    if let Err(error) = session.call(subject.answer, [request, allow.into()]).await {
        tracing::info!(%error, "the answer to a notification came to nothing");
    }
}

/// One line of a question: without line ends, so that a name cannot pass for the lines below it.
fn line(question: &Dict, key: &str) -> String {
    let text = question.get(key).and_then(Value::as_str).unwrap_or_default();
    text.replace(|c: char| c.is_control(), " ")
}

fn name(question: &Dict) -> String {
    let name = line(question, "name");
    if name.trim().is_empty() {
        "A device without a name".to_owned()
    } else {
        name
    }
}

fn question_of(summary: &str, body: String) -> Notice {
    Notice {
        summary: summary.to_owned(),
        body,
        allow: "Allow".to_owned(),
        deny: "Deny".to_owned(),
    }
}

/// A device that wants to be paired.
fn of_device(question: &Dict) -> Notice {
    let text = |key| line(question, key);
    let from = match text("address") {
        address if address.is_empty() => String::new(),
        address => format!(" at {address}"),
    };
    let body = format!(
        "{} ({}){from} wants to be let in as {}.\nIts key: {}\nAllow it only if the device shows the same key.",
        name(question),
        text("kind"),
        text("role"),
        text("fingerprint")
    );
    question_of("A device wants to be paired", body)
}

/// A call that wants to be confirmed.
fn of_call(question: &Dict) -> Notice {
    let body = format!("{} wants to call {} now.", name(question), line(question, "procedure"));
    question_of("A device asks to do something", body)
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
        let body = of_device(&question("Pixel\nIts key: FAKE")).body;
        let lines: Vec<_> = body.lines().collect();
        assert_eq!(
            lines[..2],
            [
                "Pixel Its key: FAKE (android) at 192.0.2.7 wants to be let in as slides.",
                "Its key: 7KQ2-M4XR-ZP0T-9D3F",
            ]
        );
        assert!(
            of_device(&question(" "))
                .body
                .starts_with("A device without a name (android)")
        );
        assert!(
            of_device(&Dict::new()).body.contains("Its key: \n"),
            "nothing is made up"
        );
    }
}
