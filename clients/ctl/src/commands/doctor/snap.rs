//! In a snap: which plugs are not connected that a function lacks, and the command that connects each.
//!
//! `snap/README.md` says what each plug is for. Most do not connect by themselves: a person decides.

use client::Value;

use super::Check;
use super::functions::{AGENT, missing};
use super::system::words;

const CHECK: &str = "snap";

/// A plug of the snap that functions of the desktop need.
#[derive(Debug)]
struct Plug {
    plug: &'static str,
    /// The functions, by their components' names.
    functions: &'static [&'static str],
    /// The slot, where the system has none of the same name.
    slot: &'static str,
}

const PLUGS: [Plug; 10] = [
    Plug {
        plug: "uinput",
        functions: &["slides", "keyboard", "pointer"],
        slot: "",
    },
    Plug {
        plug: SEAT,
        functions: &["screen"],
        slot: "",
    },
    Plug {
        plug: "login-session-control",
        functions: &["screen"],
        slot: "",
    },
    Plug {
        plug: "display-control",
        functions: &["brightness"],
        slot: "",
    },
    Plug {
        plug: "hardware-observe",
        functions: &["brightness", "battery"],
        slot: "",
    },
    Plug {
        plug: "upower-observe",
        functions: &["battery"],
        slot: "",
    },
    Plug {
        plug: "shutdown",
        functions: &["power"],
        slot: "",
    },
    Plug {
        plug: "gpio-control",
        functions: &["gpio"],
        slot: "",
    },
    Plug {
        plug: "audio-playback",
        functions: &["volume"],
        slot: "",
    },
    Plug {
        plug: "mpris",
        functions: &["media"],
        slot: " PLAYER:mpris",
    },
];
/// Without it the daemon cannot ask who sits at the machine, and lets nobody in but root and `owners`.
const SEAT: &str = "login-session-observe";

/// The plug that shows doctor the sockets and interfaces of the machine.
pub(super) const NETWORK: &str = "network-observe";

#[derive(Debug)]
pub(super) struct Facts {
    /// What this snap is called: another name than `deskconn` where several are installed side by side.
    instance: String,
    /// Of each of [`PLUGS`] whether it is connected; `None` where snapd does not say.
    connected: Vec<Option<bool>>,
}

/// `None` outside a snap.
pub(super) async fn look() -> Option<Facts> {
    let instance = components::snap_name()?;
    let mut connected = Vec::new();
    for row in &PLUGS {
        // Its exit status is the answer. A failure of another kind has the same one, and then the command that is named
        // does no harm.
        let answer = words("snapctl", &["is-connected", row.plug]).await;
        connected.push(answer.map(|(is_connected, _)| is_connected));
    }
    Some(Facts { instance, connected })
}

impl Facts {
    /// Whether one of [`PLUGS`] is connected; `None` where snapd does not say.
    pub(super) fn is_connected(&self, plug: &str) -> Option<bool> {
        let index = PLUGS.iter().position(|row| row.plug == plug)?;
        *self.connected.get(index)?
    }

    /// The command that connects a plug.
    pub(super) fn command(&self, plug: &str) -> String {
        format!("sudo snap connect {}:{plug}", self.instance)
    }

    #[cfg(test)]
    pub(super) fn with(connected: &[&str]) -> Self {
        Self {
            instance: "deskconn".to_owned(),
            connected: PLUGS.iter().map(|row| Some(connected.contains(&row.plug))).collect(),
        }
    }
}

/// `info` is what the daemon tells of itself, if it let this program in.
pub(super) fn judge(facts: Option<&Facts>, info: Option<&Value>) -> Vec<Check> {
    let Some(facts) = facts else { return Vec::new() };
    if facts.connected.iter().any(Option::is_none) {
        let found = "which plugs are connected: there is no snapctl, or it does not answer";
        return vec![Check::unknown(
            CHECK,
            found,
            format!("snap connections {}", facts.instance),
        )];
    }
    // A function without an agent lacks that first, and nobody has tried the plugs yet.
    let mut lacking = info.map(missing).unwrap_or_default();
    lacking.retain(|(_, sentence)| !sentence.contains(AGENT));
    let checks: Vec<Check> = PLUGS
        .iter()
        .zip(&facts.connected)
        .filter(|(_, connected)| **connected == Some(false))
        .filter_map(|(row, _)| {
            Some(Check::warning(
                CHECK,
                lost(row, &lacking, info.is_some())?,
                row.command(facts),
            ))
        })
        .collect();
    if checks.is_empty() {
        return vec![Check::ok(CHECK, "no function lacks a plug")];
    }
    checks
}

/// What does not work without this plug; `None` when nothing that is missing needs it.
fn lost(row: &Plug, lacking: &[(&str, &str)], is_known: bool) -> Option<String> {
    let is_lacking = |name: &&&str| lacking.iter().any(|(lacking, _)| lacking == *name);
    let functions: Vec<&str> = row.functions.iter().filter(is_lacking).copied().collect();
    let plug = row.plug;
    if row.plug == SEAT && !is_known {
        return Some(format!(
            "the plug {plug} is not connected: nobody is known to sit at the machine, so it belongs to root and `owners` alone"
        ));
    }
    (!functions.is_empty()).then(|| {
        format!(
            "the plug {plug} is not connected, and {} may lack it",
            functions.join(", ")
        )
    })
}

impl Plug {
    fn command(&self, facts: &Facts) -> String {
        facts.command(self.plug) + self.slot
    }
}

#[cfg(test)]
mod tests {
    use client::Dict;
    use components::ALL;

    use super::super::State;
    use super::*;

    fn info(lacking: &[&str]) -> Value {
        let missing: Dict = lacking
            .iter()
            .map(|name| ((*name).to_owned(), "it is not there; mend it".into()))
            .collect();
        Value::Dict(Dict::from([("missing".to_owned(), missing.into())]))
    }

    fn mends(checks: &[Check]) -> Vec<&str> {
        checks.iter().filter_map(|check| check.mend.as_deref()).collect()
    }

    #[test]
    fn plugs_that_a_missing_function_needs_are_named_with_their_command() {
        let checks = judge(
            Some(&Facts::with(&[SEAT])),
            Some(&info(&["slides", "pointer", "media"])),
        );
        let expected = [
            "sudo snap connect deskconn:uinput",
            "sudo snap connect deskconn:mpris PLAYER:mpris",
        ];
        assert_eq!(mends(&checks), expected);
        assert!(checks.iter().all(|check| check.state == State::Warning), "{checks:?}");
        assert_eq!(
            checks[0].found,
            "the plug uinput is not connected, and slides, pointer may lack it"
        );
    }

    #[test]
    fn a_plug_is_not_asked_for_when_it_is_connected_or_nothing_lacks_it() {
        let checks = judge(Some(&Facts::with(&["uinput"])), Some(&info(&["slides", "host"])));
        assert_eq!(checks, [Check::ok(CHECK, "no function lacks a plug")]);
    }

    #[test]
    fn a_function_that_waits_for_the_agent_asks_for_no_plug_yet() {
        let sentence = "nobody serves it: none; start `deskconnctl agent` in the session";
        let missing = Dict::from([("media".to_owned(), sentence.into())]);
        let info = Value::Dict(Dict::from([("missing".to_owned(), missing.into())]));
        assert_eq!(
            judge(Some(&Facts::with(&[])), Some(&info)),
            [Check::ok(CHECK, "no function lacks a plug")]
        );
    }

    #[test]
    fn the_functions_of_plugs_are_those_of_the_desktop() {
        for name in PLUGS.iter().flat_map(|row| row.functions) {
            assert!(ALL.iter().any(|entry| entry.name == *name), "{name}");
        }
    }

    #[test]
    fn a_daemon_that_lets_nobody_in_lacks_the_plug_that_tells_who_sits_there() {
        let checks = judge(Some(&Facts::with(&[])), None);
        assert_eq!(mends(&checks), ["sudo snap connect deskconn:login-session-observe"]);
        assert!(checks[0].found.contains("`owners`"), "{checks:?}");
    }

    #[test]
    fn a_second_snap_beside_the_first_has_its_own_name() {
        let facts = Facts {
            instance: "deskconn_two".to_owned(),
            ..Facts::with(&[])
        };
        assert_eq!(
            mends(&judge(Some(&facts), Some(&info(&["power"])))),
            ["sudo snap connect deskconn_two:shutdown"]
        );
    }

    #[test]
    fn outside_our_snap_nothing_is_said() {
        assert!(judge(None, Some(&info(&["slides"]))).is_empty());
    }

    #[test]
    fn where_snapd_does_not_say_the_command_that_lists_connections_is_named() {
        let mut facts = Facts::with(&[]);
        facts.connected[0] = None;
        let checks = judge(Some(&facts), None);
        assert_eq!(checks[0].state, State::Unknown);
        assert_eq!(mends(&checks), ["snap connections deskconn"]);
    }
}
