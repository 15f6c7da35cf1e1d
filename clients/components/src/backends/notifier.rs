//! Messages and questions to the person at the desktop, as notifications without and with buttons (Desktop
//! Notifications Specification 1.2, on the session bus).
//!
//! A notification service may have no buttons, may read the text as markup, may go away at any time: a question that is
//! shown is a convenience beside the command line, and no answer here is no answer at all. It decides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use zbus::{Connection, MatchRule, MessageStream, Variant, message};

use super::bus::{self, Bus};
use super::{Failure, Message, Missing, Notice, Notifier};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// The keys of the buttons, as the service gives them back.
const ALLOW: &str = "allow";
const DENY: &str = "deny";

/// Urgency "normal".
const NORMAL: u8 = 1;

/// Urgency "critical": it stays until somebody acts, also in front of a film (specification, "Urgency Levels").
const CRITICAL: u8 = 2;

/// Notifications of the session bus.
#[derive(Debug)]
pub struct DesktopNotifier {
    bus: Arc<Bus>,
}

impl DesktopNotifier {
    /// Those of that bus.
    pub(super) const fn new(bus: Arc<Bus>) -> Self {
        Self { bus }
    }

    async fn show(&self, message: &Message) -> Result<u32, Missing> {
        let connection = self.bus.connection().await?;
        let service = Service::of(&connection).await?;
        let (summary, body) = if service.has("body") || message.body.is_empty() {
            (message.summary.clone(), service.body(&message.body))
        } else {
            (format!("{}: {}", message.summary, message.body), String::new())
        };
        let hints = HashMap::from([("urgency", Variant::from(NORMAL))]);
        let no_actions: &[&str] = &[];
        // 0: in the place of no other. -1: for as long as the person has chosen.
        let body = (
            message.app.as_str(),
            0_u32,
            "",
            summary.as_str(),
            body.as_str(),
            no_actions,
            hints,
            -1_i32,
        );
        call(&connection, "Notify", &body).await
    }

    async fn missing(&self) -> Option<Missing> {
        let connection = match self.bus.connection().await {
            Ok(connection) => connection,
            Err(missing) => return Some(missing),
        };
        match bus::offers(&connection, SERVICE).await {
            Ok(true) => None,
            Ok(false) => Some(Missing {
                reason: "nobody there shows notifications".into(),
                ..missing_service()
            }),
            Err(error) => Some(missing(&error)),
        }
    }

    async fn ask(&self, notice: &Notice, mut withdrawn: BoxFuture<'static, ()>) -> Result<Option<bool>, Missing> {
        let connection = self.bus.connection().await?;
        let service = Service::of(&connection).await?;
        // Before the question is shown, so that the quickest answer is heard.
        let mut signals = signals(&connection).await?;
        let body = service.body(&notice.body);
        let actions: &[&str] = if service.has("actions") {
            &[ALLOW, &notice.allow, DENY, &notice.deny]
        } else {
            &[]
        };
        let hints = HashMap::from([("urgency", Variant::from(CRITICAL))]);
        // 0: no notification of this name before it is replaced; and it does not go away by itself.
        let body = (
            "deskconn",
            0_u32,
            "dialog-password",
            notice.summary.as_str(),
            body.as_str(),
            actions,
            hints,
            0_i32,
        );
        let id: u32 = call(&connection, "Notify", &body).await?;
        let answered = tokio::select! {
            () = &mut withdrawn => None,
            answered = answered(&mut signals, id) => answered,
        };
        // Not every service takes it away after a button; and it may have been closed in the same moment.
        let _ = call::<(), _>(&connection, "CloseNotification", &id).await;
        Ok(answered)
    }
}

/// What the service can show, which differs much and may change when another one takes its place.
struct Service {
    capabilities: Vec<String>,
}

impl Service {
    async fn of(connection: &Connection) -> Result<Self, Missing> {
        let capabilities = call(connection, "GetCapabilities", &()).await?;
        Ok(Self { capabilities })
    }

    fn has(&self, name: &str) -> bool {
        self.capabilities.iter().any(|capability| capability == name)
    }

    /// The text in such a way that it shows itself.
    fn body(&self, text: &str) -> String {
        if self.has("body-markup") {
            escaped(text)
        } else {
            text.to_owned()
        }
    }
}

/// Waits until a notification is answered or closed.
async fn answered(signals: &mut MessageStream, id: u32) -> Option<bool> {
    while let Some(Ok(signal)) = signals.next().await {
        if let Some(answer) = answer(&signal, id) {
            return answer;
        }
    }
    None
}

/// What a signal says about the notification with this id: `None` when it says nothing about it.
fn answer(signal: &message::Message, id: u32) -> Option<Option<bool>> {
    let header = signal.header();
    let member = header.member()?;
    if member.as_str() == "ActionInvoked" {
        let (of, action): (u32, String) = signal.body().deserialize().ok()?;
        return match action.as_str() {
            ALLOW if of == id => Some(Some(true)),
            DENY if of == id => Some(Some(false)),
            // A click beside the buttons is no answer.
            _ => None,
        };
    }
    if member.as_str() == "NotificationClosed" {
        let (of, _reason): (u32, u32) = signal.body().deserialize().ok()?;
        return (of == id).then_some(None);
    }
    None
}

/// The signals of whoever has the service's name; others' are not believed.
async fn signals(connection: &Connection) -> Result<MessageStream, Missing> {
    let rule = MatchRule::builder()
        .msg_type(message::Type::Signal)
        .sender(SERVICE)
        .interface(SERVICE)
        .build()
        .expect("the rule is made of valid names");
    MessageStream::for_match_rule(rule, connection, None)
        .await
        .map_err(|error| missing(&error))
}

async fn call<R, B>(connection: &Connection, method: &str, body: &B) -> Result<R, Missing>
where
    R: zbus::DynamicType + serde::de::DeserializeOwned + zbus::Type,
    B: serde::Serialize + zbus::DynamicType,
{
    bus::call(connection, SERVICE, PATH, SERVICE, method, body)
        .await
        .map_err(|error| missing(&error))
}

/// Text that is read as markup and shows itself (specification, "Markup"): a device's name must not become a link or
/// an image.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn missing(error: &zbus::Error) -> Missing {
    Missing {
        reason: bus::reason(error),
        ..missing_service()
    }
}

fn missing_service() -> Missing {
    Missing {
        what: "a notification service on the session bus",
        reason: String::new(),
        mend: "start your desktop's notification service; questions are answered with `deskconnctl pair` too".into(),
    }
}

impl Notifier for DesktopNotifier {
    fn show(&self, message: Message) -> BoxFuture<'_, Result<u32, Failure>> {
        async move { Self::show(self, &message).await.map_err(Failure::Missing) }.boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Self::missing(self).boxed()
    }

    fn ask(&self, notice: Notice, withdrawn: BoxFuture<'static, ()>) -> BoxFuture<'_, Result<Option<bool>, Failure>> {
        async move { Self::ask(self, &notice, withdrawn).await.map_err(Failure::Missing) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_shows_itself_where_markup_is_read() {
        assert_eq!(
            escaped("<a href=\"x\">Tom & 'Jerry'</a> é"),
            "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt; é"
        );
    }
}
