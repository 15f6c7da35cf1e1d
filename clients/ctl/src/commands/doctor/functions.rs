//! What the daemon itself says that its functions lack.

use client::Value;

use super::Check;

/// What the daemon says of functions that have nobody in the session to serve them.
pub(super) const AGENT: &str = "deskconnctl agent";

pub(super) fn judge(info: Option<&Value>) -> Vec<Check> {
    let Some(info) = info else { return Vec::new() };
    let missing = missing(info);
    let offered = field(info, "components").and_then(Value::as_list).unwrap_or_default();
    let works = |name: &&str| missing.iter().all(|(lacking, _)| lacking != name);
    let working: Vec<&str> = offered.iter().filter_map(Value::as_str).filter(works).collect();
    let mut checks = vec![Check::ok(
        "functions",
        format!("with all they need: {}", shown(&working)),
    )];
    let (lonely, others): (Vec<_>, Vec<_>) = missing.iter().partition(|(_, sentence)| sentence.contains(AGENT));
    if !lonely.is_empty() {
        let names: Vec<&str> = lonely.iter().map(|(name, _)| *name).collect();
        let found = format!("nobody in the desktop session serves {}", names.join(", "));
        checks.push(Check::failed("agent", found, format!("start `{AGENT}` in the session")));
    }
    checks.extend(others.into_iter().map(|(name, sentence)| lacking(name, sentence)));
    checks
}

fn field<'a>(info: &'a Value, key: &str) -> Option<&'a Value> {
    info.as_dict().and_then(|info| info.get(key))
}

/// The functions that lack something, each with the daemon's sentence.
pub(super) fn missing(info: &Value) -> Vec<(&str, &str)> {
    let missing = field(info, "missing").and_then(Value::as_dict);
    let sentences = missing.into_iter().flatten();
    sentences
        .filter_map(|(name, sentence)| Some((name.as_str(), sentence.as_str()?)))
        .collect()
}

fn shown(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// The daemon's sentence is what is missing, why, and after the last semicolon the step.
fn lacking(name: &str, sentence: &str) -> Check {
    match sentence.rsplit_once("; ") {
        Some((found, mend)) => Check::warning(name, found, mend),
        None => Check::warning(name, sentence, "see the documentation of the function"),
    }
}

#[cfg(test)]
mod tests {
    use client::Dict;

    use super::super::State;
    use super::*;

    fn info(missing: &[(&str, &str)]) -> Value {
        let missing: Dict = missing
            .iter()
            .map(|(name, it)| ((*name).to_owned(), (*it).into()))
            .collect();
        let components = ["slides", "screen", "media"].map(Value::from).to_vec();
        Value::Dict(Dict::from([
            ("components".to_owned(), Value::List(components)),
            ("missing".to_owned(), missing.into()),
        ]))
    }

    #[test]
    fn a_function_that_lacks_something_is_a_warning_with_the_daemons_own_mend() {
        let checks = judge(Some(&info(&[(
            "slides",
            "the device cannot be reached: no; sudo modprobe uinput",
        )])));
        assert_eq!(checks[0].found, "with all they need: screen, media");
        let expected = Check::warning("slides", "the device cannot be reached: no", "sudo modprobe uinput");
        assert_eq!(checks[1], expected);
    }

    #[test]
    fn functions_without_an_agent_are_one_failure() {
        let sentence =
            "nobody serves it: none; start `deskconnctl agent` in the session; the packages start it at login";
        let checks = judge(Some(&info(&[("media", sentence), ("screen", sentence)])));
        assert_eq!(checks.len(), 2, "{checks:?}");
        assert!(
            checks[1].state == State::Failed && checks[1].found.ends_with("serves media, screen"),
            "{checks:?}"
        );
    }

    #[test]
    fn without_a_daemon_nothing_is_said_about_its_functions() {
        assert!(judge(None).is_empty());
    }
}
