//! `deskconnctl actions`.

use client::{Args, Session, Value};

use super::ask;
use crate::args::{Actions, Occasion};
use crate::failure::Failure;
use crate::mistyped;
use crate::output::{Cell, Meaning, Output};
use crate::times;
use crate::values::{arguments, get, number, text, truth};

pub(super) async fn run(session: &Session, command: Option<&Actions>, output: &Output) -> Result<(), Failure> {
    match command.unwrap_or(&Actions::List) {
        Actions::List => list(session, output).await,
        Actions::Show { name } => show(session, name, output).await,
        Actions::Test { occasion, time, config } => {
            let mut args = event(occasion)?;
            if let Some(time) = time {
                args = args.with("at", times::text(*time));
            }
            if let Some(file) = config {
                let read = std::fs::read_to_string(file);
                let read =
                    read.map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
                args = args.with("config", read);
            }
            let told = ask(session, "org.deskconn.actions.test", args).await?;
            output.result(&told, || tried(&told))
        }
        Actions::Run { occasion } => {
            let done = ask(session, "org.deskconn.actions.run", event(occasion)?).await?;
            output.result(&done, || steps(&done, "steps", "result"))?;
            if truth(&done, "ok") {
                return Ok(());
            }
            Err(Failure::failed(format!("{}: {}", occasion.name, get(&done, "error"))))
        }
        Actions::On { name } => switch(session, name, true, output).await,
        Actions::Off { name } => switch(session, name, false, output).await,
    }
}

async fn rows(session: &Session) -> Result<Vec<Value>, Failure> {
    let rows = ask(session, "org.deskconn.actions.list", ()).await?;
    Ok(rows.as_list().unwrap_or_default().to_vec())
}

async fn list(session: &Session, output: &Output) -> Result<(), Failure> {
    let rows = rows(session).await?;
    if rows.is_empty() {
        output.remark("nothing is to be done: [[action]] in the configuration of the desktop says what is");
    }
    let head = ["NAME", "STATE", "DONE", "LEFT OUT", "LAST", "NEXT", "TROUBLE"];
    output.table(&rows, &head, |row| {
        vec![
            get(row, "name").into(),
            state(row),
            number(row, "count").to_string().into(),
            number(row, "left_out").to_string().into(),
            get(row, "last").into(),
            get(row, "next").into(),
            get(row, "error").into(),
        ]
    })
}

/// Whether it does anything, and whether that went well.
fn state(row: &Value) -> Cell {
    let has = |key: &str| {
        row.as_dict()
            .and_then(|row| row.get(key))
            .is_some_and(|it| *it != Value::Null)
    };
    if !truth(row, "on") {
        return Cell::marked(Meaning::Dim, "off");
    }
    if has("paused_until") {
        return Cell::marked(Meaning::Warning, "pauses");
    }
    if has("last_ok") && !truth(row, "last_ok") {
        return Cell::marked(Meaning::Warning, "failed");
    }
    Cell::marked(Meaning::Good, "on")
}

async fn show(session: &Session, name: &str, output: &Output) -> Result<(), Failure> {
    let rows = rows(session).await?;
    let Some(row) = rows.iter().find(|row| get(row, "name") == name) else {
        return Err(no_such(name, &rows));
    };
    let mut fields = Vec::new();
    let known = row
        .as_dict()
        .into_iter()
        .flatten()
        .filter(|(_, value)| **value != Value::Null);
    for (key, value) in known {
        let alone = [value.clone()];
        let values = value.as_list().unwrap_or(&alone);
        fields.extend(values.iter().map(|one| (key.as_str(), Cell::from(text(one)))));
    }
    output.fields(row, &fields)
}

/// In the words that the desktop has for an action that is not there.
fn no_such(name: &str, rows: &[Value]) -> Failure {
    let known = || rows.iter().map(|row| get(row, "name"));
    let instead = match rows {
        [] => "the configuration has no [[action]]".to_owned(),
        _ => mistyped::listed(known()),
    };
    let failure = Failure::failed(format!("there is no action \"{name}\"; {instead}"));
    match mistyped::meant(name, known()) {
        Some(question) => failure.hint(question),
        None => failure,
    }
}

async fn switch(session: &Session, name: &str, is_on: bool, output: &Output) -> Result<(), Failure> {
    let args = [name.into(), is_on.into()];
    let kept = ask(session, "org.deskconn.actions.switch", args).await?;
    let how_long = if kept == Value::Bool(true) {
        ""
    } else {
        ", until the desktop starts again"
    };
    output.result(&kept, || {
        format!("{name} is {} now{how_long}", if is_on { "on" } else { "off" })
    })
}

/// The event that is made up, as the procedures take it.
fn event(occasion: &Occasion) -> Result<Args, Failure> {
    let given = arguments(&occasion.arguments)?;
    let mut args = Args::from([occasion.name.as_str().into()]);
    if !given.args.is_empty() {
        args = args.with("args", Value::List(given.args));
    }
    if !given.kwargs.is_empty() {
        args = args.with("kwargs", Value::Dict(given.kwargs));
    }
    if let Some(topic) = &occasion.topic {
        args = args.with("topic", topic.as_str());
    }
    Ok(args)
}

/// What would be done, for people.
fn tried(told: &Value) -> String {
    let whens = told.as_dict().and_then(|told| told.get("when")?.as_list());
    let whens = whens.into_iter().flatten().map(|when| {
        let holds = when.as_dict().and_then(|when| when.get("holds")?.as_bool());
        let verdict = match holds {
            Some(true) if is_unconditional(when) => "it would trigger, it has no condition".to_owned(),
            Some(true) => "its condition holds".to_owned(),
            Some(false) if !get(when, "error").is_empty() => get(when, "error").to_owned(),
            Some(false) => "its condition does not hold".to_owned(),
            None => format!("nobody can say whether its condition holds: {}", get(when, "error")),
        };
        let next = match get(when, "next") {
            "" => String::new(),
            next => format!("; the next time is {next}"),
        };
        format!("when {}: {verdict}{next}", get(when, "when"))
    });
    let whens = whens.collect::<Vec<_>>().join("\n");
    format!("{whens}\n{}", steps(told, "then", "does"))
}

/// Of a desktop of an older version nobody knows.
fn is_unconditional(when: &Value) -> bool {
    let conditional = when.as_dict().and_then(|when| when.get("conditional"));
    conditional == Some(&Value::Bool(false))
}

/// The steps with what each does or gave, for people.
fn steps(told: &Value, key: &str, what: &str) -> String {
    let steps = told.as_dict().and_then(|told| told.get(key)?.as_list());
    let steps = steps.into_iter().flatten().enumerate().map(|(index, step)| {
        let of = |key: &str| {
            step.as_dict()
                .and_then(|step| step.get(key))
                .filter(|it| **it != Value::Null)
        };
        let detail = of("error").or_else(|| of(what)).map(text).unwrap_or_default();
        let state = match get(step, "state") {
            "left_out" => "left out: its condition does not hold",
            "undecided" => "cannot be said:",
            "would_fail" => "would fail:",
            "failed" => "failed:",
            "done" => "done",
            _ => "would do",
        };
        let line = format!("{}. {} {state} {detail}", index + 1, get(step, "kind"));
        line.trim_end().to_owned()
    });
    steps.collect::<Vec<_>>().join("\n")
}
