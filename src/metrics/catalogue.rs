//! Every figure that is told. `docs/OPERATION.md` has the same table.

/// What a figure is, in the words of OpenMetrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the daemon ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many there were up to each bound.
    Histogram,
    /// Says something that is no number, in its labels.
    Info,
}

impl Kind {
    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// Something that is told in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name, without the ending that counters have in the text.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its unit, which is the end of its name; empty for plain numbers.
    pub unit: &'static str,
    /// What it says, a sentence.
    pub help: &'static str,
    /// By what it is told apart.
    pub labels: &'static [&'static str],
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Counter,
        unit: "",
        help,
        labels,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure {
        kind: Kind::Gauge,
        ..counter(name, labels, help)
    }
}

impl Figure {
    const fn in_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    const fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}

const REALM: &[&str] = &["realm"];
const LINK: &[&str] = &["realm", "link"];
const LINK_WAY: &[&str] = &["realm", "link", "direction"];

/// Every figure, in the order in which they are told. Labels are of the configuration or of the program: no URI, no device and no
/// address is one, so their number is bounded.
pub const CATALOGUE: &[Figure] = &[
    gauge("deskconn_build", &["version"], "The version of the daemon.").of_kind(Kind::Info),
    gauge("deskconn_sessions", &["realm", "transport"], "Sessions that are open."),
    gauge(
        "deskconn_sessions_detached",
        REALM,
        "Sessions whose connection is lost and that wait for their clients to return.",
    ),
    counter(
        "deskconn_sessions_joined",
        &["realm", "transport"],
        "Sessions that were opened.",
    ),
    gauge(
        "deskconn_connections_joining",
        &[],
        "Connections that have not joined a realm yet.",
    ),
    counter(
        "deskconn_connections_turned_away",
        &[],
        "Connections for which there was no place.",
    ),
    counter(
        "deskconn_logins_refused",
        &["reason"],
        "Clients that were told no before they had a session.",
    ),
    counter("deskconn_requests_denied", &[], "Requests that a role did not allow."),
    counter("deskconn_calls", REALM, "CALL messages, those that were refused too."),
    counter(
        "deskconn_calls_ended",
        &["realm", "outcome"],
        "Calls that ended for their callers: result, error, cancelled, timed_out.",
    ),
    counter(
        "deskconn_invocations",
        REALM,
        "INVOCATION messages that were delivered to callees.",
    ),
    gauge(
        "deskconn_invocations_open",
        REALM,
        "Invocations that callees have not answered yet.",
    ),
    gauge(
        "deskconn_invocation_duration_seconds",
        REALM,
        "How long callees took from the INVOCATION to the YIELD or ERROR that ended it.",
    )
    .of_kind(Kind::Histogram)
    .in_unit("seconds"),
    counter(
        "deskconn_publications",
        REALM,
        "PUBLISH messages, those that were refused too.",
    ),
    counter(
        "deskconn_events_delivered",
        REALM,
        "EVENT messages that were delivered to subscribers.",
    ),
    counter(
        "deskconn_events_dropped",
        REALM,
        "Events that were lost because a subscriber was too slow or could not take them.",
    ),
    gauge(
        "deskconn_subscriptions",
        REALM,
        "Topics and patterns that are subscribed to.",
    ),
    gauge(
        "deskconn_registrations",
        REALM,
        "Procedures and patterns that are registered.",
    ),
    counter("deskconn_messages_received", REALM, "Messages of sessions."),
    counter("deskconn_messages_sent", REALM, "Messages to sessions."),
    counter(
        "deskconn_received_bytes",
        REALM,
        "Bytes of frames that came from sessions.",
    )
    .in_unit("bytes"),
    counter("deskconn_sent_bytes", REALM, "Bytes of frames that went to sessions.").in_unit("bytes"),
    gauge(
        "deskconn_queue_messages",
        REALM,
        "Messages that wait for their receivers to take them.",
    ),
    gauge("deskconn_queue_bytes", REALM, "Bytes of memory that those hold.").in_unit("bytes"),
    gauge("deskconn_retained_events", REALM, "Events that are retained."),
    gauge("deskconn_retained_bytes", REALM, "Bytes of memory that those hold.").in_unit("bytes"),
    gauge("deskconn_history_events", REALM, "Events in histories."),
    gauge("deskconn_history_bytes", REALM, "Bytes of memory that those hold.").in_unit("bytes"),
    counter(
        "deskconn_events_not_kept",
        REALM,
        "Events that should be on disk and could not be written.",
    ),
    gauge("deskconn_devices_paired", &[], "Devices that are paired."),
    gauge("deskconn_devices_present", &[], "Devices that have a session."),
    gauge(
        "deskconn_pairing_window_open",
        &[],
        "Whether a pairing window is open: 1 or 0.",
    ),
    counter(
        "deskconn_audit_entries",
        &["kind"],
        "What happened, in the kinds of the audit log, whether it was written there or not.",
    ),
    gauge(
        "deskconn_link_up",
        LINK,
        "Whether a link to another router is up: 1 or 0.",
    ),
    counter(
        "deskconn_link_events",
        LINK_WAY,
        "Events that a link has forwarded, out or in.",
    ),
    counter(
        "deskconn_link_calls",
        LINK_WAY,
        "Calls that a link has forwarded, out or in.",
    ),
    counter(
        "deskconn_link_events_dropped",
        LINK_WAY,
        "Events that a link should have forwarded and did not, out or in.",
    ),
    gauge(
        "deskconn_link_events_waiting",
        LINK,
        "Events that wait on disk for the other router.",
    ),
    counter(
        "deskconn_reloads",
        &["result"],
        "Times that the configuration was read again: taken, refused.",
    ),
    counter("process_cpu_seconds", &[], "Processor time of user and system.").in_unit("seconds"),
    gauge(
        "process_start_time_seconds",
        &[],
        "When the process started, in seconds since 1970.",
    )
    .in_unit("seconds"),
    gauge(
        "process_resident_memory_bytes",
        &[],
        "Memory that the process has in use.",
    )
    .in_unit("bytes"),
    gauge("process_virtual_memory_bytes", &[], "Address space of the process.").in_unit("bytes"),
    gauge("process_open_fds", &[], "File descriptors that are open."),
    gauge("process_max_fds", &[], "File descriptors that may be open."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_those_that_openmetrics_wants() {
        let mut seen = BTreeSet::new();
        for figure in CATALOGUE {
            let Figure { name, unit, help, .. } = figure;
            assert!(seen.insert(name), "{name} is there twice");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            assert!(name.starts_with("deskconn_") || name.starts_with("process_"), "{name}");
            assert!(
                unit.is_empty() || name.ends_with(&format!("_{unit}")),
                "{name} in {unit}"
            );
            assert!(help.ends_with('.') && !help.contains(['\\', '\n', '"']), "{help}");
            for ending in ["_total", "_info", "_bucket", "_count", "_sum", "_created"] {
                assert!(!name.ends_with(ending), "{name}");
            }
        }
    }
}
