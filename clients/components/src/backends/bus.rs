//! A D-Bus that may be absent, die or hang: connected when first needed,
//! connected again when it is gone, and no call waits longer than
//! [`CALL_TIMEOUT`].
//!
//! It knows no service; `logind` and `screensaver` do.

use std::time::Duration;

use futures_util::stream::SelectAll;
use tokio::sync::Mutex;
use tokio::time::timeout;
use zbus::{Connection, DBusError as _, MatchRule, MessageStream, connection::Builder, fdo, message};

use super::Missing;
use super::lazy::Lazy;

/// The longest that connecting, or one answer, may take. A healthy service
/// answers in milliseconds; D-Bus's own default of 25 s is longer than a
/// person with a remote in the hand waits.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The bus itself, as a service on it (D-Bus Specification, "Message Bus Messages").
pub(super) const DBUS: &str = "org.freedesktop.DBus";
/// Its object.
pub(super) const DBUS_PATH: &str = "/org/freedesktop/DBus";
/// The interface of properties (D-Bus Specification, "Standard Interfaces").
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// One of the two buses.
#[derive(Debug)]
pub(super) struct Bus {
    kind: Kind,
    address: Option<String>,
    connection: Mutex<Lazy<Connection>>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    System,
    Session,
}

impl Bus {
    /// The bus of the machine's services.
    pub(super) fn system(address: Option<String>) -> Self {
        Self {
            kind: Kind::System,
            address,
            connection: Mutex::new(Lazy::Unopened),
        }
    }

    /// The bus of the person's programs.
    pub(super) fn session(address: Option<String>) -> Self {
        Self {
            kind: Kind::Session,
            address,
            connection: Mutex::new(Lazy::Unopened),
        }
    }

    /// The connection, made anew if there is none or it broke.
    pub(super) async fn connection(&self) -> Result<Connection, Missing> {
        let mut lazy = self.connection.lock().await;
        if matches!(&*lazy, Lazy::Open(connection) if connection.is_closed()) {
            lazy.lose();
        }
        lazy.get(async || self.connect().await).await.cloned()
    }

    async fn connect(&self) -> Result<Connection, Missing> {
        let builder = match (&self.address, self.kind) {
            (Some(address), _) => Builder::address(address.as_str()),
            (None, Kind::System) => Builder::system(),
            (None, Kind::Session) => Builder::session(),
        };
        match timeout(CALL_TIMEOUT, builder.method_timeout(CALL_TIMEOUT).build()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.missing(error.to_string())),
            Err(_) => Err(self.missing(format!("no answer within {} s", CALL_TIMEOUT.as_secs()))),
        }
    }

    fn missing(&self, reason: String) -> Missing {
        let (what, mend) = match self.kind {
            Kind::System => ("the D-Bus system bus", "start it: sudo systemctl start dbus"),
            Kind::Session => (
                "the D-Bus session bus",
                "run this inside a desktop session, or set DBUS_SESSION_BUS_ADDRESS to the session's bus",
            ),
        };
        Missing {
            what,
            reason,
            mend: mend.into(),
        }
    }
}

/// Calls a method and reads its answer.
pub(super) async fn call<B, R>(
    connection: &Connection,
    service: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> zbus::Result<R>
where
    B: serde::Serialize + zbus::DynamicType,
    R: for<'de> zbus::DynamicType + serde::de::DeserializeOwned + zbus::Type,
{
    let reply = connection
        .call_method(Some(service), path, Some(interface), method, body)
        .await?;
    reply.body().deserialize()
}

/// Whether somebody has a name, or would be started for it.
pub(super) async fn offers(connection: &Connection, name: &str) -> zbus::Result<bool> {
    for method in ["ListNames", "ListActivatableNames"] {
        let names: Vec<String> = call(connection, DBUS, DBUS_PATH, DBUS, method, &()).await?;
        if names.iter().any(|known| known == name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a failed call means, in a person's words.
pub(super) fn reason(error: &zbus::Error) -> String {
    if is_unanswered(error) {
        return format!("no answer within {} s", CALL_TIMEOUT.as_secs());
    }
    // The text an error reply carries says more than its name.
    if let zbus::Error::MethodError(_, Some(text), _) = error {
        return text.clone();
    }
    if let zbus::Error::FDO(error) = error
        && let Some(text) = error.description()
    {
        return text.to_owned();
    }
    error.to_string()
}

/// Whether nobody on the bus has the name that was called.
pub(super) fn is_absent(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::FDO(error)
        if matches!(**error, fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_)))
}

/// Whether the service says that this caller may not.
pub(super) fn is_denied(error: &zbus::Error) -> bool {
    if let zbus::Error::FDO(error) = error {
        return matches!(
            **error,
            fdo::Error::AccessDenied(_) | fdo::Error::InteractiveAuthorizationRequired(_)
        );
    }
    let denials = [
        "org.freedesktop.DBus.Error.AccessDenied",
        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
        "org.freedesktop.PolicyKit1.Error.NotAuthorized",
    ];
    matches!(error, zbus::Error::MethodError(name, ..) if denials.contains(&name.as_str()))
}

/// Signals that whoever has this name sends from this object and from those below it.
pub(super) fn said_by(name: &'static str, path: &'static str) -> MatchRule<'static> {
    MatchRule::builder()
        .msg_type(message::Type::Signal)
        .sender(name)
        .path_namespace(path)
        .build()
        .expect("the rule is made of valid names")
}

/// Signals that fit one of these rules, and the coming and going of these names.
pub(super) async fn signals(
    connection: &Connection,
    rules: Vec<MatchRule<'static>>,
    names: &[&'static str],
) -> zbus::Result<SelectAll<MessageStream>> {
    let mut streams = SelectAll::new();
    for rule in rules {
        streams.push(MessageStream::for_match_rule(rule, connection, None).await?);
    }
    for name in names {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender(DBUS)
            .member("NameOwnerChanged")
            .arg(0, *name)
            .build()?;
        streams.push(MessageStream::for_match_rule(rule, connection, None).await?);
    }
    Ok(streams)
}

/// Whether no answer came in time.
pub(super) fn is_unanswered(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(io) if io.kind() == std::io::ErrorKind::TimedOut)
}
