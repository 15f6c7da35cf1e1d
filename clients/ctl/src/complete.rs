//! What a shell is told when somebody presses Tab behind a word of this program: names that only a desktop or a file of
//! this user knows. Everything else is completed from the definitions of the arguments.
//!
//! A shell puts what it is told on a command line, and the names may be another's choice: only those that no shell gives
//! a meaning to are told.

use std::ffi::OsString;
use std::time::Duration;

use clap::FromArgMatches as _;
use clap_complete::CompletionCandidate;
use client::{Args, Session, Value};

use crate::args::{Global, command};
use crate::connect;
use crate::joined::{Desktops, shown_id};
use crate::values::get;

/// Behind this a shell asks, in the environment (`clap_complete`). The usual name, COMPLETE, is not ours alone.
pub(crate) const VARIABLE: &str = "_DESKCONNCTL_COMPLETE";
/// How long a desktop may take: nobody waits longer for Tab.
const PATIENCE: Duration = Duration::from_secs(1);
/// Names that are told: more than anybody reads in a list.
const MOST: usize = 500;
/// The roles that a device can have: those of the desktop's functions, and that of the shared space, which needs none of
/// them (`docs/API.md`).
const ROLES: [&str; 8] = ["bus", "full", "gpio", "input", "media", "metrics", "remote", "slides"];
/// Letters of what is said of a name.
const LONGEST: usize = 60;

/// The names of the desktops that this command line is paired with; the id of one whose name a shell would take apart.
pub(crate) fn desktops() -> Vec<CompletionCandidate> {
    let joined = Desktops::of_this_user().and_then(|desktops| desktops.list());
    let joined = joined.unwrap_or_default();
    let one = joined.iter().filter_map(|one| {
        let id = shown_id(one);
        candidate(&one.name, &id).or_else(|| candidate(&id, &one.name))
    });
    one.collect()
}

/// The devices, by their ids.
pub(crate) fn devices() -> Vec<CompletionCandidate> {
    named("org.deskconn.devices.list", "id", "name")
}

/// The displays.
pub(crate) fn displays() -> Vec<CompletionCandidate> {
    named("org.deskconn.brightness.displays", "id", "name")
}

/// The players.
pub(crate) fn players() -> Vec<CompletionCandidate> {
    named("org.deskconn.media.players", "id", "title")
}

/// The lines of GPIO.
pub(crate) fn lines() -> Vec<CompletionCandidate> {
    named("org.deskconn.gpio.list", "name", "direction")
}

/// The actions of the desktop.
pub(crate) fn actions() -> Vec<CompletionCandidate> {
    named("org.deskconn.actions.list", "name", "last")
}

/// The programs that the desktop runs.
pub(crate) fn programs() -> Vec<CompletionCandidate> {
    named("org.deskconn.command.list", "name", "title")
}

/// The procedures that the desktop offers, those of other programs too.
pub(crate) fn procedures() -> Vec<CompletionCandidate> {
    offered("procedures", "uri", help_of)
}

/// The topics that the desktop publishes, those of other programs too.
pub(crate) fn topics() -> Vec<CompletionCandidate> {
    offered("topics", "topic", |_| None)
}

/// The roles that a device can have.
pub(crate) fn roles() -> Vec<CompletionCandidate> {
    ROLES.into_iter().filter_map(|role| candidate(role, "")).collect()
}

/// What a procedure of the desktop's functions does, where this program has them too.
#[cfg(target_os = "linux")]
fn help_of(uri: &str) -> Option<&'static str> {
    components::procedures().find(|it| it.uri == uri).map(|it| it.help)
}

#[cfg(not(target_os = "linux"))]
const fn help_of(_uri: &str) -> Option<&'static str> {
    None
}

/// What a procedure lists: the value at one key, described by that at another.
fn named(procedure: &str, key: &str, help: &str) -> Vec<CompletionCandidate> {
    let rows = asked(procedure);
    let rows = rows.as_ref().and_then(Value::as_list).unwrap_or_default();
    let rows = rows.iter().filter_map(|row| candidate(get(row, key), get(row, help)));
    rows.take(MOST).collect()
}

fn offered(part: &str, described: &str, help: impl Fn(&str) -> Option<&'static str>) -> Vec<CompletionCandidate> {
    let info = asked("org.deskconn.info.get");
    let list = |key: &str| {
        let list = info.as_ref().and_then(|info| info.as_dict()?.get(key)?.as_list());
        list.unwrap_or_default()
    };
    let own = list(part).iter().filter_map(Value::as_str);
    let own = own.filter_map(|uri| candidate(uri, help(uri).unwrap_or_default()));
    let others = list("described").iter();
    let others = others.filter_map(|item| candidate(get(item, described), get(item, "title")));
    own.chain(others).take(MOST).collect()
}

/// What the desktop of the command line that is being typed answers; nothing, when it does not at once.
fn asked(procedure: &str) -> Option<Value> {
    let global = global(std::env::args_os().skip_while(|word| word != "--").skip(1))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let answer = async {
        let session: Session = connect::open(&global).await.ok()?;
        let answer = session.call(procedure, Args::default()).await.ok()?;
        session.leave().await;
        Some(answer.into_value())
    };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await });
    runtime.shutdown_background();
    answer.ok().flatten()
}

/// Which desktop is meant on a command line that is not whole yet.
fn global(words: impl Iterator<Item = OsString>) -> Option<Global> {
    let matches = command().ignore_errors(true).try_get_matches_from(words).ok()?;
    let mut global = Global::from_arg_matches(&matches).ok()?;
    // Looking for it on the network would take longer than anybody waits.
    global.no_discovery = true;
    Some(global)
}

/// A name with what is said of it, unless a shell would do something with it.
fn candidate(name: &str, help: &str) -> Option<CompletionCandidate> {
    let is_plain = |c: char| c.is_alphanumeric() || "._:@/+-".contains(c);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(is_plain) {
        return None;
    }
    let harmless = |c: char| {
        if c.is_alphanumeric() || " .,;_()'+-".contains(c) {
            c
        } else {
            '?'
        }
    };
    let help: String = help.chars().take(LONGEST).map(harmless).collect();
    let help = (!help.is_empty()).then(|| help.into());
    Some(CompletionCandidate::new(name).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_shell_gives_a_meaning_to_are_not_told() {
        for name in [
            "",
            "-x",
            "a b",
            "$(reboot)",
            "a;b",
            "`x`",
            "a\nb",
            "a*",
            "~root",
            "a'b",
            "a\u{1b}[2J",
        ] {
            assert!(candidate(name, "").is_none(), "{name:?}");
        }
        for name in ["d_7f3a", "Attic", "Büro", "DP-1", "org.deskconn.slides.next"] {
            assert!(candidate(name, "").is_some(), "{name:?}");
        }
    }

    #[test]
    fn what_is_said_of_a_name_is_short_and_one_line() {
        let told = candidate("d_1", &format!("a\u{1b}[2J\n$(x){}", "y".repeat(100))).unwrap();
        let help = told.get_help().unwrap().to_string();
        assert_eq!(help, format!("a??2J??(x){}", "y".repeat(50)));
    }

    #[test]
    fn the_desktop_of_an_unfinished_command_line_is_the_one_that_is_meant() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let of = |line| global(words(line).into_iter()).unwrap();
        assert_eq!(
            of("deskconnctl --desktop Attic devices show ").desktop.as_deref(),
            Some("Attic")
        );
        assert_eq!(
            of("deskconnctl devices grant d_1 --at desk:1 ").at.as_deref(),
            Some("desk:1")
        );
        assert!(of("deskconnctl call ").no_discovery);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_roles_are_those_of_the_components_and_the_bus() {
        let mut known: Vec<&str> = components::procedures().flat_map(|it| it.roles).copied().collect();
        known.extend(["bus", "metrics"]);
        known.sort_unstable();
        known.dedup();
        assert_eq!(known, ROLES);
    }
}
