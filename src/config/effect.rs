//! When a change of a key counts: the one table that a reload and the reference go by.

/// When a change of a key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// When the daemon is told to read its configuration again, by SIGHUP.
    Reload,
    /// When the daemon is started anew, and why not before: the end of a sentence that begins with "because".
    Restart(&'static str),
}

/// Keys and tables by their paths; of several that a key begins with the longest counts. The first is for all others. What is so
/// only sometimes the reload says itself: the certificates of a plain router, which speaks TLS if it had one at the start.
pub const EFFECTS: &[(&str, Effect)] = &[
    ("", Effect::Reload),
    (
        "log_format",
        Effect::Restart("the form of the log is chosen at the start"),
    ),
    (
        "desktop",
        Effect::Restart("the desktop and its functions are made at the start"),
    ),
    ("listen", Effect::Restart(SOCKETS)),
    ("compat.sockets", Effect::Restart(SOCKETS)),
    (
        "http.bridge",
        Effect::Restart("the paths of HTTP are given away at the start"),
    ),
    ("limits.events_when_full", Effect::Restart(QUEUES)),
    ("realm.events_when_full", Effect::Restart(QUEUES)),
    ("realm.history", Effect::Restart(KEPT)),
    ("realm.retained", Effect::Restart(KEPT)),
];

const SOCKETS: &str = "the daemon listens from its start to its end";
const QUEUES: &str = "a realm has its queues from its opening on";
const KEPT: &str = "what a realm keeps belongs to its journal, which is open";

impl Effect {
    /// That of a key, by its path, like `limits.depth` or `realm.role.name`.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let is_within = |table: &str| {
            let rest = key.strip_prefix(table);
            table.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let rows = EFFECTS.iter().filter(|(table, _)| is_within(table));
        let longest = rows.max_by_key(|(table, _)| table.len());
        longest.map_or(Self::Reload, |(_, effect)| *effect)
    }
}
