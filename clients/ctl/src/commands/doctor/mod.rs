//! `deskconnctl doctor`: looks, step by step, at all that a phone and each function need, and names the command that mends
//! what is wrong. It changes nothing, and works without a daemon.
//!
//! Each file looks at one thing: `look` gathers facts from the system, `judge` makes checks of facts and touches nothing.

mod certificate;
mod clock;
mod daemon;
mod devices;
mod discovery;
mod files;
mod firewall;
mod functions;
mod iptables;
mod links;
mod network;
mod nft;
mod packet;
mod ports;
mod rule;
mod session;
mod snap;
mod system;

use std::path::PathBuf;

use client::Value;
use serde::Serialize;

use self::system::Person;
use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};

/// The column in which it is said what was found, and what mends it: behind the state and the name of the check.
const INDENT: usize = 23;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Something will not work, or will not for everybody.
    Warning,
    /// A phone cannot use this desktop, or what this machine has does not work.
    Failed,
    /// This user may not see it.
    Unknown,
}

/// A row of the result.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    check: String,
    state: State,
    /// What is there.
    found: String,
    /// The command or the step that mends it.
    mend: Option<String>,
}

impl Check {
    fn ok(check: &str, found: impl Into<String>) -> Self {
        Self::new(check, State::Ok, found, None)
    }

    fn warning(check: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(check, State::Warning, found, Some(mend.into()))
    }

    fn failed(check: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(check, State::Failed, found, Some(mend.into()))
    }

    fn unknown(check: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(check, State::Unknown, found, Some(mend.into()))
    }

    fn new(check: &str, state: State, found: impl Into<String>, mend: Option<String>) -> Self {
        Self {
            check: check.to_owned(),
            state,
            found: found.into(),
            mend,
        }
    }

    /// As people read it: its state, and what is behind that.
    fn text(&self, output: &Output) -> (Cell, String) {
        let (meaning, state) = match self.state {
            State::Ok => (Meaning::Good, "ok"),
            State::Warning => (Meaning::Warning, "warning"),
            State::Failed => (Meaning::Bad, "FAILED"),
            State::Unknown => (Meaning::Dim, "unknown"),
        };
        let first = format!("{:<13} {}", self.check, output.below_itself(&self.found, INDENT));
        let mend = self.mend.as_ref();
        let mend = mend.map(|mend| format!("\n{:>22} {}", "→", output.below_itself(mend, INDENT)));
        let state = Cell::marked(meaning, format!("{state:<8}"));
        (state, first + &mend.unwrap_or_default())
    }
}

pub(super) async fn run(global: &Global, output: &Output) -> Result<(), Failure> {
    let person = Person::here();
    let places = daemon::places(global, &person)?;
    let checks = output
        .while_waiting("looking", Box::pin(examine(global, &person, places)))
        .await;
    report(&checks, output)
}

/// Looks at everything, one after the other.
async fn examine(global: &Global, person: &Person, places: Vec<PathBuf>) -> Vec<Check> {
    let daemon = daemon::look(places).await;
    let process = daemon.process();
    let files = files::look(person, process).await;
    let snap = snap::look().await;
    let ports = ports::look(process).await;
    let used = firewall::Ports {
        tcp: ports.port(),
        quic: ports.quic(),
    };
    let network = network::look(&ports.reachable()).await;
    let firewall = firewall::look(used, &network.names()).await;
    let discovery = discovery::look(global, daemon.talk()).await;
    let mut checks = daemon::judge(&daemon);
    checks.extend(files::judge(&files));
    checks.extend(ports::judge(&ports, &files.config, snap.as_ref()));
    checks.extend(network::judge(&network, snap.as_ref()));
    checks.extend(firewall::judge(&firewall, used));
    checks.extend(discovery::judge(&discovery));
    checks.extend(session::judge(&session::look(person).await));
    let info = daemon.talk().map(|talk| &talk.info);
    let judged = devices::judge(&devices::look(person, process), snap.as_ref());
    checks.extend(without_contradiction(judged, info));
    let told = daemon.talk().and_then(|talk| talk.certificate.as_ref());
    checks.extend(certificate::judge(told, time::OffsetDateTime::now_utc()));
    let told = daemon.talk().and_then(|talk| talk.links.as_ref());
    checks.extend(links::judge(told, &files.config));
    checks.extend(clock::judge(&clock::look().await));
    checks.extend(functions::judge(info));
    checks.extend(snap::judge(snap.as_ref(), info));
    checks
}

/// Leaves out what is fine for itself where a function of that name lacks something: a row of the function says what.
fn without_contradiction(mut checks: Vec<Check>, info: Option<&Value>) -> Vec<Check> {
    let missing = info.map(functions::missing).unwrap_or_default();
    checks.retain(|it| it.state != State::Ok || missing.iter().all(|(name, _)| *name != it.check));
    checks
}

fn report(checks: &[Check], output: &Output) -> Result<(), Failure> {
    for check in checks {
        let (state, text) = check.text(output);
        output.headed(check, &state, &text)?;
    }
    match checks.iter().filter(|check| check.state == State::Failed).count() {
        0 => Ok(()),
        failed => Err(Failure::failed(format!("{failed} of {} checks failed", checks.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Color;

    #[test]
    fn a_check_is_a_line_and_its_mend_stands_below() {
        let output = Output::new(false, false, Color::Never);
        let check = Check::failed("port", "it is taken", "end nginx");
        assert_eq!(
            check.text(&output).1,
            "port          it is taken\n                     → end nginx"
        );
        assert_eq!(Check::ok("port", "5020").text(&output).0.text, "ok      ");
    }

    #[test]
    fn for_programs_a_check_is_an_object() {
        let row = serde_json::to_value(Check::warning("clock", "slow", "wind it")).unwrap();
        let expected = serde_json::json!({"check": "clock", "state": "warning", "found": "slow", "mend": "wind it"});
        assert_eq!(row, expected);
    }

    #[test]
    fn what_a_configured_function_lacks_is_not_called_fine_by_its_device() {
        let missing = Value::dict([("gpio", "there is no chip; name one".into())]);
        let info = Value::dict([("missing", missing)]);
        let judged = || {
            vec![
                Check::ok("backlight", "none"),
                Check::ok("gpio", "this computer has no GPIO chip"),
            ]
        };
        assert_eq!(without_contradiction(judged(), None), judged());
        let told = without_contradiction(judged(), Some(&info));
        assert_eq!(told, [Check::ok("backlight", "none")]);
        let warned = || vec![Check::warning("gpio", "the daemon may not use that", "x")];
        assert_eq!(without_contradiction(warned(), Some(&info)), warned());
    }

    #[test]
    fn only_what_failed_makes_the_command_fail() {
        let output = Output::new(true, true, Color::Never);
        let fine = [
            Check::ok("a", "b"),
            Check::warning("a", "b", "c"),
            Check::unknown("a", "b", "c"),
        ];
        report(&fine, &output).unwrap();
        let failure = report(&[Check::failed("a", "b", "c")], &output).unwrap_err();
        assert_eq!(failure.to_string(), "1 of 1 checks failed");
    }
}
