//! Every key of the configuration, and whether a change of it can be taken while the daemon runs.

use crate::config::{Config, Effect, Realm};

/// What happens with a change.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// It is taken at once.
    Now,
    /// It waits for a restart; until then the running daemon keeps what it had, which this puts back.
    Restart(fn(&Config, &mut Config)),
}

/// Something of the configuration that may change.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The key, or what several have in common.
    pub key: &'static str,
    /// What happens with a change.
    pub takes: Takes,
    /// Whether two configurations differ in it.
    pub is_in: fn(&Config, &Config) -> bool,
}

impl Change {
    /// Why it waits for a restart.
    #[must_use]
    pub fn why(&self) -> &'static str {
        match Effect::of(self.path()) {
            Effect::Restart(why) => why,
            Effect::Reload => PLAIN_TLS,
        }
    }

    /// The first of its keys.
    fn path(&self) -> &'static str {
        self.key.split(' ').next().unwrap_or_default()
    }
}

const PLAIN_TLS: &str = "a plain router speaks TLS if it had a certificate at the start";

/// A key of which a change is taken at once.
macro_rules! now {
    ($key:literal, $($field:ident).+) => {
        Change {
            key: $key,
            takes: Takes::Now,
            is_in: |before, next| before.$($field).+ != next.$($field).+,
        }
    };
}

/// A key of which a change needs a restart.
macro_rules! restart {
    ($key:literal, $($field:ident).+) => {
        Change {
            key: $key,
            takes: Takes::Restart(|before, next| next.$($field).+ = before.$($field).+.clone()),
            is_in: |before, next| before.$($field).+ != next.$($field).+,
        }
    };
}

/// A key of what a realm keeps, of which a change needs a restart.
macro_rules! of_kept {
    ($key:literal, $field:ident) => {
        Change {
            key: $key,
            takes: Takes::Restart(|before, next| {
                for realm in &mut next.realms {
                    if let Some(old) = same(before, realm) {
                        realm.kept.$field = old.kept.$field.clone();
                    }
                }
            }),
            is_in: |before, next| differ(before, next, |a, b| a.kept.$field != b.kept.$field),
        }
    };
}

/// Realms that are in both, of which something differs.
fn differ(before: &Config, next: &Config, is_different: impl Fn(&Realm, &Realm) -> bool) -> bool {
    let mut both = before
        .realms
        .iter()
        .filter_map(|realm| Some((realm, same(next, realm)?)));
    both.any(|(before, next)| is_different(before, next))
}

fn same<'a>(config: &'a Config, realm: &Realm) -> Option<&'a Realm> {
    config.realms.iter().find(|it| it.name == realm.name)
}

/// Every one of them.
pub const CHANGES: &[Change] = &[
    now!("log", log),
    restart!("log_format", log_format),
    now!("owners", owners),
    restart!("desktop.enabled", desktop.enabled),
    restart!("desktop.components", desktop.components),
    restart!("listen.tcp", listen.tcp),
    restart!("listen.quic", listen.quic),
    restart!("listen.unix", listen.unix),
    now!("discovery", discovery),
    now!("pairing", pairing),
    now!("compat.plain_devices", compat.plain_devices),
    now!("compat.anonymous_brightness", compat.anonymous_brightness),
    restart!("compat.sockets", compat.sockets),
    now!("http.allowed_origins", http.allowed_origins),
    restart!("http.bridge", http.bridge),
    now!("components.command", components.command),
    now!("components.gpio", components.gpio),
    now!("components.host", components.host),
    now!("components.keyboard", components.keyboard),
    now!("components.screen", components.screen),
    restart!("limits.events_when_full", limits.when_full),
    Change {
        key: "limits",
        takes: Takes::Now,
        is_in: |before, next| {
            let mut limits = next.limits.clone();
            limits.when_full = before.limits.when_full;
            before.limits != limits
        },
    },
    now!("metrics", metrics),
    Change {
        key: "tls",
        takes: Takes::Now,
        is_in: |before, next| before.tls != next.tls && (next.desktop.enabled || before.tls.certificate.is_some()),
    },
    Change {
        key: "tls (of a plain router)",
        takes: Takes::Restart(|before, next| next.tls.clone_from(&before.tls)),
        is_in: |before, next| before.tls != next.tls && !next.desktop.enabled && before.tls.certificate.is_none(),
    },
    now!("advertise", advertise),
    now!("action", actions),
    Change {
        key: "realm (added)",
        takes: Takes::Now,
        is_in: |before, next| next.realms.iter().any(|realm| same(before, realm).is_none()),
    },
    Change {
        key: "realm (removed)",
        takes: Takes::Now,
        is_in: |before, next| before.realms.iter().any(|realm| same(next, realm).is_none()),
    },
    Change {
        key: "realm.role",
        takes: Takes::Now,
        is_in: |before, next| {
            differ(before, next, |a, b| {
                (&a.roles, &a.anonymous) != (&b.roles, &b.anonymous)
            })
        },
    },
    Change {
        key: "realm.principal",
        takes: Takes::Now,
        is_in: |before, next| {
            differ(before, next, |a, b| {
                (&a.principals, &a.certified) != (&b.principals, &b.certified)
            })
        },
    },
    Change {
        key: "realm.authenticator",
        takes: Takes::Now,
        is_in: |before, next| differ(before, next, |a, b| a.authenticators != b.authenticators),
    },
    Change {
        key: "realm.link",
        takes: Takes::Now,
        is_in: |before, next| differ(before, next, |a, b| a.links != b.links),
    },
    of_kept!("realm.history", history),
    of_kept!("realm.retained", retained),
    of_kept!("realm.events_when_full", when_full),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(Path::new("test.toml"), text).expect("it is right")
    }

    /// Keys of which a change would be told.
    fn changed(before: &str, next: &str) -> Vec<&'static str> {
        let (before, next) = (parse(before), parse(next));
        let changes = CHANGES.iter().filter(|change| (change.is_in)(&before, &next));
        changes.map(|change| change.key).collect()
    }

    #[test]
    fn nothing_differs_between_a_file_and_itself() {
        let whole = include_str!("../../../examples/deskconn.toml");
        assert_eq!(changed(whole, whole), [""; 0]);
        let hashed = "[[realm]]\nname = \"a\"\n[[realm.role]]\nname = \"r\"\n[[realm.principal]]\nauthid = \"joe\"\nrole = \"r\"\n\
            method = \"wamp-scram\"\nkdf = \"pbkdf2\"\niterations = 4096\nsecret = \"open\"\n";
        assert_eq!(changed(hashed, hashed), [""; 0]);
        assert_eq!(
            changed(hashed, &hashed.replace("\"open\"", "\"other\"")),
            ["realm.principal"]
        );
    }

    #[test]
    fn every_key_that_changes_is_told_by_its_name() {
        for (text, key) in [
            ("log = \"debug\"", "log"),
            ("log_format = \"json\"", "log_format"),
            ("owners = [\"joe\"]", "owners"),
            ("[desktop]\ncomponents = []", "desktop.components"),
            ("[listen]\ntcp = []", "listen.tcp"),
            ("[listen]\nquic = [\"127.0.0.1:1\"]", "listen.quic"),
            ("[listen]\nunix = \"off\"", "listen.unix"),
            ("[discovery]\nname = \"other\"", "discovery"),
            ("[pairing]\nttl_s = 5", "pairing"),
            ("[compat]\nplain_devices = true", "compat.plain_devices"),
            ("[compat]\nanonymous_brightness = true", "compat.anonymous_brightness"),
            ("[compat]\nsockets = [\"/tmp/x\"]", "compat.sockets"),
            (
                "[http]\nallowed_origins = [\"https://example.org\"]",
                "http.allowed_origins",
            ),
            ("[http]\nbridge = true", "http.bridge"),
            (
                "[[components.command]]\nname = \"a\"\nrun = [\"a\"]",
                "components.command",
            ),
            (
                "[[components.gpio.line]]\nname = \"a\"\nline = \"a\"\ndirection = \"in\"",
                "components.gpio",
            ),
            ("[components.host]\ninterval_s = 5", "components.host"),
            ("[components.keyboard]\nlayout = \"de\"", "components.keyboard"),
            ("[components.screen]\nlock_command = [\"a\"]", "components.screen"),
            ("[limits]\nsessions = 5", "limits"),
            (
                "[limits]\nevents_when_full = \"drop_oldest\"",
                "limits.events_when_full",
            ),
            ("[metrics]\ninterval_s = 1", "metrics"),
            ("[tls]\nclient_ca = \"/tmp/x\"", "tls"),
            (
                "[[advertise]]\ntype = \"_http._tcp\"\nname = \"a\"\nport = 80",
                "advertise",
            ),
            (
                "[[realm]]\nname = \"a\"\n[[realm.role]]\nname = \"anonymous\"",
                "realm (added)",
            ),
        ] {
            assert_eq!(changed("", text), [key], "{text}");
            if !key.starts_with("realm") {
                assert_eq!(changed(text, ""), [key], "{text}");
            }
        }
        let realm = "[[realm]]\nname = \"a\"\n[[realm.role]]\nname = \"anonymous\"\n";
        assert_eq!(changed(realm, ""), ["realm (removed)"]);
        for (more, key) in [
            (
                "rules = [{ uri = \"\", match = \"prefix\", allow = [\"call\"] }]",
                "realm.role",
            ),
            (
                "[[realm.principal]]\nauthid = \"joe\"\nrole = \"anonymous\"\nmethod = \"ticket\"\nsecret = \"x\"",
                "realm.principal",
            ),
            ("[[realm.history]]\nuri = \"a.b\"\nkeep = 1", "realm.history"),
        ] {
            assert_eq!(changed(realm, &format!("{realm}{more}\n")), [key], "{more}");
        }
    }

    #[test]
    fn the_table_of_effects_says_the_same() {
        for change in CHANGES.iter().filter(|change| !change.key.starts_with("tls")) {
            let waits = matches!(change.takes, Takes::Restart(_));
            let said = matches!(Effect::of(change.path()), Effect::Restart(_));
            assert_eq!(waits, said, "{}", change.key);
        }
        // Whoever adds a part of the configuration decides here about its changes.
        let Config {
            log: _,
            log_format: _,
            owners: _,
            desktop: _,
            listen: _,
            discovery: _,
            pairing: _,
            compat: _,
            http: _,
            components: _,
            limits: _,
            metrics: _,
            tls: _,
            advertise: _,
            realms: _,
            actions: _,
        } = Config::default();
    }

    #[test]
    fn what_waits_for_a_restart_stays_as_it_was() {
        let before = parse("[listen]\ntcp = [\"127.0.0.1:1\"]\n[http]\nbridge = true");
        let mut next = parse("log = \"debug\"\n[listen]\ntcp = [\"127.0.0.1:2\"]");
        for change in CHANGES
            .iter()
            .filter(|change| (change.is_in)(&before, &next))
            .collect::<Vec<_>>()
        {
            if let Takes::Restart(keep) = change.takes {
                keep(&before, &mut next);
            }
        }
        assert_eq!(
            (&next.listen, &next.http, &*next.log),
            (&before.listen, &before.http, "debug")
        );
    }
}
