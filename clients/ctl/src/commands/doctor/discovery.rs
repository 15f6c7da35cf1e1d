//! Whether this desktop shows itself on the network, and is heard.

use client::Value;

use super::Check;
use super::daemon::Talk;
use crate::args::Global;
use crate::nearby;
use crate::values::{get, truth};

const CHECK: &str = "discovery";

#[derive(Debug)]
pub(super) enum Facts {
    /// The daemon does not run, or tells this user nothing.
    Untold,
    Told {
        status: Value,
        /// Whether the own question was answered; `None` when none was asked.
        is_heard: Option<bool>,
    },
}

pub(super) async fn look(global: &Global, talk: Option<&Talk>) -> Facts {
    let Some((talk, status)) = talk.and_then(|talk| Some((talk, talk.discovery.clone()?))) else {
        return Facts::Untold;
    };
    let id = get(&talk.info, "id");
    let is_heard = if truth(&status, "running") && !global.no_discovery && !id.is_empty() {
        let is_own = |found: &client::discovery::Found| found.id.as_deref().is_some_and(|it| id.starts_with(it));
        nearby::desktops(global, 1, is_own)
            .await
            .ok()
            .map(|found| !found.is_empty())
    } else {
        None
    };
    Facts::Told { status, is_heard }
}

pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    let Facts::Told { status, is_heard } = facts else {
        let found = "the daemon says nothing about it";
        return vec![Check::unknown(CHECK, found, "mend the daemon first")];
    };
    let trouble = get(status, "trouble");
    let shown = format!("\"{}\" at {}", get(status, "name"), get(status, "host"));
    let check = if !truth(status, "enabled") {
        Check::warning(
            CHECK,
            "it is switched off: phones find this desktop by its address alone",
            "deskconnctl discovery on",
        )
    } else if !trouble.is_empty() {
        Check::failed(CHECK, trouble, "mend that, and then: deskconnctl discovery on")
    } else if !truth(status, "running") {
        Check::failed(CHECK, "it is on, but does not run", "deskconnctl discovery on")
    } else if !truth(status, "announced") {
        Check::warning(
            CHECK,
            format!("{shown} is not announced yet"),
            "wait some seconds; if it stays so, either there is no network that it may use (see above), or another machine has the \
             name: see deskconnctl discover",
        )
    } else {
        match is_heard {
            Some(true) => Check::ok(CHECK, format!("{shown} is announced, and was heard")),
            None => Check::ok(CHECK, format!("{shown} is announced")),
            Some(false) => Check::failed(
                CHECK,
                format!("{shown} is announced, but a question on this machine's own network had no answer"),
                "let multicast through: UDP port 5353, in both directions",
            ),
        }
    };
    vec![check]
}

#[cfg(test)]
mod tests {
    use client::Dict;

    use super::super::State;
    use super::*;

    fn told(is_heard: Option<bool>, change: impl Fn(&mut Dict)) -> Check {
        let mut status = Dict::from([
            ("enabled".to_owned(), true.into()),
            ("running".to_owned(), true.into()),
            ("announced".to_owned(), true.into()),
            ("name".to_owned(), "Attic".into()),
            ("host".to_owned(), "deskconn-1.local".into()),
        ]);
        change(&mut status);
        let status = Value::Dict(status);
        judge(&Facts::Told { status, is_heard }).pop().unwrap()
    }

    #[test]
    fn what_is_announced_and_heard_is_fine() {
        assert_eq!(told(Some(true), |_| ()).state, State::Ok);
        assert_eq!(told(None, |_| ()).state, State::Ok);
    }

    #[test]
    fn each_way_of_not_being_found_is_told_apart() {
        let set =
            |key: &'static str, value: Value| move |status: &mut Dict| drop(status.insert(key.into(), value.clone()));
        let off = told(None, set("enabled", false.into()));
        assert_eq!(
            (off.state, off.mend.as_deref()),
            (State::Warning, Some("deskconnctl discovery on"))
        );
        let trouble = told(None, set("trouble", "port 5353 is taken".into()));
        assert_eq!(
            (trouble.state, trouble.found.as_str()),
            (State::Failed, "port 5353 is taken")
        );
        assert_eq!(told(None, set("running", false.into())).state, State::Failed);
        assert_eq!(told(None, set("announced", false.into())).state, State::Warning);
        let unheard = told(Some(false), |_| ());
        assert!(unheard.state == State::Failed && unheard.mend.unwrap().contains("5353"));
        assert_eq!(judge(&Facts::Untold)[0].state, State::Unknown);
    }
}
