//! The limits of the configuration as the router takes them.

use router::{Limits, RealmSettings};
use wamp::limits::{Bounds, Quota};
use wamp::uri::UriRules;

use crate::config::{self, Config, size};

/// Procedures that begin with this are the desktop's, or a device's or component's own.
const DESKTOP_PROCEDURES: &str = "org.deskconn.";

pub(super) fn settings(config: &Config, uri_rules: UriRules) -> RealmSettings {
    RealmSettings {
        uri_rules,
        quota: quota(&config.limits),
        ..RealmSettings::default()
    }
}

/// The same for the desktop's own realm, where nobody but the desktop serves what is the desktop's.
pub(super) fn desktop_settings(config: &Config) -> RealmSettings {
    RealmSettings {
        exclusive: Some(DESKTOP_PROCEDURES.into()),
        ..settings(config, UriRules::Strict)
    }
}

/// The same for a realm of the configuration, which says what is kept in it.
pub(super) fn settings_of(config: &Config, realm: &config::Realm) -> RealmSettings {
    RealmSettings {
        history: realm.kept.history.clone(),
        retained: realm.kept.retained.clone(),
        ..settings(config, UriRules::Loose)
    }
}

pub(super) fn quota(limits: &config::Limits) -> Quota {
    Quota {
        registrations: size(limits.registrations),
        subscriptions: size(limits.subscriptions),
        pending_calls: size(limits.pending_calls),
    }
}

pub(super) fn limits(limits: &config::Limits) -> Limits {
    let bound = |number: Option<u64>| number.map_or(usize::MAX, size);
    Limits {
        joining: Bounds {
            message_bytes: size(limits.message_bytes_before_auth),
            depth: size(limits.depth_before_auth),
            values: size(limits.elements_before_auth),
        },
        joined: Bounds {
            message_bytes: size(limits.message_bytes),
            depth: size(limits.depth),
            values: size(limits.elements),
        },
        handshake: limits.handshake_time,
        login: limits.hello_time,
        dead: limits.dead_time,
        ping: limits.ping_time,
        resume: limits.resume_time,
        joining_per_address: bound(limits.unauthenticated_per_ip),
        joining_total: bound(limits.unauthenticated),
        sessions_per_address: bound(limits.sessions_per_ip),
        sessions: bound(limits.sessions),
        failed_logins: limits
            .failed_logins_per_ip
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX)),
        queue_bytes: size(limits.queue_bytes),
        http_head_bytes: size(limits.header_bytes),
        http_headers: size(limits.headers),
        ..Limits::default()
    }
}
