//! The name under which the desktop shows itself, and the TXT record beside it.
//!
//! It publishes nothing; see [`super`].

use std::path::Path;

use pairing::name::clean;

use crate::config::MAX_INSTANCE;

/// The name of a computer that has none.
const NAMELESS: &str = "desktop";

/// What a client needs before it connects. Everything else it learns from the desktop itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    pub(super) id: &'a str,
    pub(super) realm: &'a str,
    pub(super) is_tls: bool,
    pub(super) is_pairing: bool,
}

/// The TXT record in its fixed order. `uid` repeats the id for older clients.
pub(super) fn txt(facts: &Facts<'_>) -> Vec<(&'static str, String)> {
    let flag = |is_set: bool| if is_set { "1" } else { "0" }.to_owned();
    vec![
        ("txtvers", "1".into()),
        ("v", "1".into()),
        ("id", facts.id.into()),
        ("realm", facts.realm.into()),
        ("path", "/ws".into()),
        ("tls", flag(facts.is_tls)),
        ("pair", flag(facts.is_pairing)),
        ("uid", facts.id.into()),
    ]
}

/// The wanted name in a form that can be published. Dots and backslashes become hyphens: the mDNS library takes them
/// for separators in names that it reads back or changes after a conflict.
pub(super) fn instance(wanted: &str) -> String {
    let plain: String = wanted
        .chars()
        .map(|c| if matches!(c, '.' | '\\') { '-' } else { c })
        .collect();
    let name = clean(&plain).unwrap_or_else(|| NAMELESS.to_owned());
    let cut = name.floor_char_boundary(MAX_INSTANCE);
    name.get(..cut).unwrap_or_default().trim_end().to_owned()
}

/// What the user calls this computer: the pretty name of machine-info(5) if there is one, else the host's name
/// without its domain.
pub(super) fn of_this_computer() -> String {
    let pretty = std::fs::read_to_string(Path::new("/etc/machine-info"))
        .ok()
        .and_then(|text| pretty_name(&text));
    let host = || {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    pretty.unwrap_or_else(host)
}

/// The value of `PRETTY_HOSTNAME`, which is quoted like a word of the shell.
fn pretty_name(machine_info: &str) -> Option<String> {
    let line = machine_info
        .lines()
        .find_map(|line| line.trim().strip_prefix("PRETTY_HOSTNAME="))?;
    let plain = line
        .trim()
        .trim_matches(['"', '\''])
        .replace("\\\"", "\"")
        .replace("\\\\", "\\");
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_txt_record_has_its_keys_in_their_order() {
        let facts = Facts {
            id: "9f2c1a0b00112233",
            realm: "deskconn",
            is_tls: false,
            is_pairing: true,
        };
        let text: Vec<String> = txt(&facts)
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            text.join(" "),
            "txtvers=1 v=1 id=9f2c1a0b00112233 realm=deskconn path=/ws tls=0 pair=1 uid=9f2c1a0b00112233"
        );
        // RFC 6763: keys of at most 9 characters (§6.4), 200 bytes in all at best (§6.2).
        assert!(txt(&facts).iter().all(|(key, _)| key.len() <= 9));
        assert!(text.iter().map(|string| string.len() + 1).sum::<usize>() <= 200);
    }

    #[test]
    fn a_name_keeps_its_letters_whatever_they_are() {
        for name in ["mydesk", "MyDesk", "Zoë’s PC", "電話の机"] {
            assert_eq!(instance(name), name);
        }
    }

    #[test]
    fn a_name_is_cut_at_its_limit_between_two_letters() {
        let limit = "x".repeat(MAX_INSTANCE);
        assert_eq!(instance(&limit), limit);
        assert_eq!(instance(&format!("{limit}y")), limit);
        // Two bytes each: the limit falls inside a letter.
        assert_eq!(instance(&"é".repeat(40)), "é".repeat(MAX_INSTANCE / 2));
        assert_eq!(
            instance(&format!("{} y", "x".repeat(MAX_INSTANCE - 1))),
            "x".repeat(MAX_INSTANCE - 1)
        );
    }

    #[test]
    fn what_would_split_or_hide_a_name_is_replaced() {
        assert_eq!(instance("pc.example.com"), "pc-example-com");
        assert_eq!(instance("a\\b"), "a-b");
        assert_eq!(instance("a\u{1b}[2J\u{202E}b\n"), "a[2Jb");
        for nothing in ["", " ", "\u{202E}", "\n"] {
            assert_eq!(instance(nothing), "desktop");
        }
    }

    #[test]
    fn the_pretty_name_is_read_as_the_shell_would() {
        assert_eq!(
            pretty_name("CHASSIS=laptop\nPRETTY_HOSTNAME=\"Zoë's \\\"big\\\" PC\"\n").unwrap(),
            "Zoë's \"big\" PC"
        );
        assert_eq!(pretty_name("PRETTY_HOSTNAME=plain").unwrap(), "plain");
        assert_eq!(pretty_name("PRETTY_HOSTNAME=\"\"\n"), None);
        assert_eq!(pretty_name("ICON_NAME=x\n"), None);
        assert!(!of_this_computer().is_empty());
    }
}
