//! `deskconnctl reload`: the desktop reads its configuration again.

use client::{Error, Session, Value};

use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values::{get, number};

const RELOAD: &str = "org.deskconn.router.reload";

pub(super) async fn run(session: &Session, output: &Output) -> Result<(), Failure> {
    let reloaded = match session.call(RELOAD, ()).await {
        Ok(reloaded) => reloaded.into_value(),
        Err(error) => return Err(refused(session, error, output).await),
    };
    output.result(&reloaded, || sentence(&reloaded))?;
    let failed = reloaded.as_dict().and_then(|it| it.get("failed")?.as_list());
    match failed.unwrap_or_default() {
        [] => Ok(()),
        [_] => Err(Failure::failed("one thing of the configuration could not be had")),
        many => Err(Failure::failed(format!(
            "{} things of the configuration could not be had",
            many.len()
        ))),
    }
}

/// Why nothing was taken: of several mistakes each has its line.
async fn refused(session: &Session, error: Error, output: &Output) -> Failure {
    let mistakes = match &error {
        Error::Request(error) => error.kwargs.get("mistakes").and_then(Value::as_list),
        Error::Closed(_) | Error::Unconvertible(_) => None,
    };
    let mistakes: Vec<_> = mistakes.into_iter().flatten().filter_map(Value::as_str).collect();
    if mistakes.len() < 2 {
        return explain(session, Deed::Call, RELOAD, error).await;
    }
    for mistake in &mistakes {
        output.warn(mistake);
    }
    Failure::failed(format!(
        "the configuration has {} mistakes, and the one from before stays in force",
        mistakes.len()
    ))
}

/// What came of it, as people read it: a line for each thing.
fn sentence(reloaded: &Value) -> String {
    let list = |key: &str| {
        let list = reloaded.as_dict().and_then(|it| it.get(key)?.as_list());
        list.unwrap_or_default()
    };
    let texts = |key| list(key).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let mut lines = Vec::new();
    match texts("taken").as_slice() {
        [] if list("restart").is_empty() => lines.push("nothing has changed".to_owned()),
        [] => lines.push("nothing is taken".to_owned()),
        taken => lines.push(format!("taken: {}", taken.join(", "))),
    }
    let restart = list("restart").iter();
    lines.extend(restart.map(|it| format!("needs a restart: {} ({})", get(it, "key"), get(it, "why"))));
    lines.extend(texts("failed").iter().map(|failed| format!("failed: {failed}")));
    lines.extend(texts("warnings").iter().map(|warning| format!("warning: {warning}")));
    for (key, what) in [("sessions_changed", "with other rights"), ("sessions_ended", "ended")] {
        match number(reloaded, key) {
            0 => {}
            1 => lines.push(format!("1 session {what}")),
            many => lines.push(format!("{many} sessions {what}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use client::Dict;

    use super::*;

    #[test]
    fn each_thing_that_came_of_it_has_a_line() {
        let text = |text: &str| Value::from(text);
        let restart = Dict::from([
            ("key".to_owned(), text("listen.tcp")),
            ("why".to_owned(), text("sockets")),
        ]);
        let reloaded = |taken: &[&str], restart: Vec<Value>, ended: u64| {
            let taken = taken.iter().map(|it| text(it)).collect();
            Value::Dict(Dict::from([
                ("taken".to_owned(), Value::List(taken)),
                ("restart".to_owned(), Value::List(restart)),
                ("failed".to_owned(), Value::List(Vec::new())),
                ("sessions_changed".to_owned(), 2_u64.into()),
                ("sessions_ended".to_owned(), ended.into()),
            ]))
        };
        assert_eq!(
            sentence(&reloaded(&["log", "limits"], vec![restart.clone().into()], 1)),
            "taken: log, limits\nneeds a restart: listen.tcp (sockets)\n2 sessions with other rights\n1 session ended"
        );
        assert_eq!(
            sentence(&reloaded(&[], Vec::new(), 0)),
            "nothing has changed\n2 sessions with other rights"
        );
        assert!(sentence(&reloaded(&[], vec![restart.into()], 0)).starts_with("nothing is taken\n"));
    }
}
