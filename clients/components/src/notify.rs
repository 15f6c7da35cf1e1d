//! Messages to the person in front of the desktop.

use std::sync::Arc;
use std::time::Duration;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::{Message, Notifier};
use crate::rate::Rate;
use crate::{Arguments, Component, Entry, Home, Missing, Procedure, Refusal};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "notify",
    procedures: PROCEDURES,
    topics: &[],
    home: Home::Session,
    make: |machine, _| Arc::new(Notify::new(Arc::clone(&machine.notifier))),
};

/// The longest first line: more does not fit on one.
pub const MAX_SUMMARY_CHARS: usize = 200;

/// The longest text below it: a screen full. Longer ones are for a page, not for a message.
pub const MAX_BODY_CHARS: usize = 4_000;

/// The longest name of what a message is from.
pub const MAX_APP_CHARS: usize = 100;

/// How many messages are shown at once after a pause: a script that reports its steps.
pub const BURST: u32 = 10;

/// The time that each one more costs: a person reads no faster.
pub const PERIOD: Duration = Duration::from_secs(3);

/// What a message is from where it does not say so.
const APP: &str = "deskconn";

const ROLES: &[&str] = &["remote", "full"];

const SEND: Procedure = Procedure::new(
    "org.deskconn.notify.send",
    "(summary, kw: body, app) → id",
    "Show a message on the desktop, as plain text",
    ROLES,
);
/// The desktop of 2019 took the text first and, for a title, what it is from.
const NOTIFY: Procedure = Procedure::new(
    "org.deskconn.deskconn.notify.notify",
    "(message, app?) → id",
    "Show a message on the desktop, as older clients do",
    ROLES,
);

/// Every procedure of the messages.
pub const PROCEDURES: &[Procedure] = &[SEND, NOTIFY];

/// Shows messages, not too many.
#[derive(Debug)]
pub struct Notify {
    notifier: Arc<dyn Notifier>,
    rate: Rate,
}

impl Notify {
    /// Messages by that notifier.
    #[must_use]
    pub fn new(notifier: Arc<dyn Notifier>) -> Self {
        Self {
            notifier,
            rate: Rate::new(BURST, PERIOD),
        }
    }

    async fn answer(&self, procedure: &'static Procedure, arguments: Arguments) -> Result<Value, Refusal> {
        let message = if procedure.uri == NOTIFY.uri {
            old_message(arguments)?
        } else {
            message(arguments)?
        };
        self.rate.count("messages")?;
        Ok(Value::from(u64::from(self.notifier.show(message).await?)))
    }
}

fn message(mut arguments: Arguments) -> Result<Message, Refusal> {
    let summary = arguments.text("summary")?;
    let body = arguments.keyword_text("body")?.unwrap_or_default();
    let app = arguments.keyword_text("app")?.unwrap_or_else(|| APP.to_owned());
    arguments.end()?;
    checked(Message { summary, body, app })
}

fn old_message(mut arguments: Arguments) -> Result<Message, Refusal> {
    let text = arguments.text("message")?;
    let app = arguments.optional_text("app", "text")?.filter(|app| !app.is_empty());
    arguments.end()?;
    checked(match app {
        Some(app) => Message {
            summary: app.clone(),
            body: text,
            app,
        },
        None => Message {
            summary: text,
            body: String::new(),
            app: APP.to_owned(),
        },
    })
}

/// The message, if it can be shown.
fn checked(message: Message) -> Result<Message, Refusal> {
    let parts = [
        ("summary", &message.summary, 1, MAX_SUMMARY_CHARS),
        ("body", &message.body, 0, MAX_BODY_CHARS),
        ("app", &message.app, 1, MAX_APP_CHARS),
    ];
    for (name, text, least, most) in parts {
        let length = text.chars().count();
        if length < least || length > most {
            let sentence = format!("{name} has to have {least} to {most} characters, not {length}");
            return Err(Refusal::BadArgument(sentence));
        }
        // No text on D-Bus can have one (D-Bus Specification, "Basic types").
        if text.contains('\0') {
            return Err(Refusal::BadArgument(format!(
                "{name} has a character with the number 0"
            )));
        }
    }
    Ok(message)
}

impl Component for Notify {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.notifier.missing()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::backends::fake::Fake;

    fn stage() -> (Arc<Fake>, Notify) {
        let fake = Arc::new(Fake::default());
        let notify = Notify::new(fake.machine().notifier);
        (fake, notify)
    }

    fn texts(summary: &str, keywords: &[(&str, &str)]) -> Arguments {
        let keywords = keywords.iter().map(|(key, text)| ((*key).to_owned(), (*text).into()));
        Arguments::new(vec![summary.into()], keywords.collect())
    }

    fn shown(summary: &str, body: &str, app: &str) -> Message {
        let [summary, body, app] = [summary, body, app].map(str::to_owned);
        Message { summary, body, app }
    }

    #[tokio::test]
    async fn a_message_is_shown_with_what_it_is_from() {
        let (fake, notify) = stage();
        assert_eq!(notify.call(&SEND, texts("Tea", &[])).await, Ok(Value::UInt(1)));
        let full = texts("Tea", &[("body", "It is ready"), ("app", "Kettle")]);
        assert_eq!(notify.call(&SEND, full).await, Ok(Value::UInt(2)));
        let expected = [shown("Tea", "", "deskconn"), shown("Tea", "It is ready", "Kettle")];
        assert_eq!(fake.shown(), expected);
    }

    #[tokio::test]
    async fn older_clients_give_the_text_first() {
        let (fake, notify) = stage();
        let both = Arguments::new(vec!["It is ready".into(), "Kettle".into()], BTreeMap::new());
        assert_eq!(notify.call(&NOTIFY, both).await, Ok(Value::UInt(1)));
        assert_eq!(
            notify.call(&NOTIFY, texts("It is ready", &[])).await,
            Ok(Value::UInt(2))
        );
        let expected = [
            shown("Kettle", "It is ready", "Kettle"),
            shown("It is ready", "", "deskconn"),
        ];
        assert_eq!(fake.shown(), expected);
    }

    #[tokio::test]
    async fn texts_are_taken_up_to_their_limits_and_not_past_them() {
        let (fake, notify) = stage();
        let long = |length: usize| "é".repeat(length);
        let most = texts(
            &long(MAX_SUMMARY_CHARS),
            &[("body", &long(MAX_BODY_CHARS)), ("app", &long(MAX_APP_CHARS))],
        );
        assert!(notify.call(&SEND, most).await.is_ok());
        let wrong = [
            (
                texts(&long(MAX_SUMMARY_CHARS + 1), &[]),
                "summary has to have 1 to 200 characters, not 201",
            ),
            (texts("", &[]), "summary has to have 1 to 200 characters, not 0"),
            (
                texts("a", &[("body", &long(MAX_BODY_CHARS + 1))]),
                "body has to have 0 to 4000 characters, not 4001",
            ),
            (
                texts("a", &[("app", &long(MAX_APP_CHARS + 1))]),
                "app has to have 1 to 100 characters, not 101",
            ),
            (texts("a\0b", &[]), "summary has a character with the number 0"),
        ];
        for (arguments, sentence) in wrong {
            let refusal = notify.call(&SEND, arguments).await.unwrap_err();
            assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
            assert_eq!(refusal.to_string(), sentence);
        }
        assert_eq!(fake.shown().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_messages_are_shown_and_then_one_at_a_time() {
        let (fake, notify) = stage();
        for _ in 0..BURST {
            assert!(notify.call(&SEND, texts("Tea", &[])).await.is_ok());
        }
        let refusal = notify.call(&SEND, texts("Tea", &[])).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.busy");
        assert!(refusal.to_string().ends_with("in 3 s"), "{refusal}");
        assert_eq!(fake.shown().len(), BURST as usize);
        tokio::time::advance(PERIOD).await;
        assert!(notify.call(&SEND, texts("Tea", &[])).await.is_ok());
    }

    #[tokio::test]
    async fn without_a_notification_service_a_message_names_what_to_mend() {
        let (fake, notify) = stage();
        let missing = Missing {
            what: "the service",
            reason: "it is away".into(),
            mend: "fetch it".into(),
        };
        fake.miss(Some(missing.clone()));
        let refusal = notify.call(&SEND, texts("Tea", &[])).await.unwrap_err();
        assert_eq!(refusal, Refusal::Unavailable(missing.clone()));
        assert_eq!(notify.missing().await, Some(missing));
    }
}
