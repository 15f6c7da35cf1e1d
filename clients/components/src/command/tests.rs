//! Commands as a caller meets them, on real programs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn command(name: &str, script: &str) -> Configured {
    Configured {
        name: name.into(),
        title: format!("The {name}"),
        run: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        directory: None,
        timeout_s: DEFAULT_TIMEOUT_S,
        output_bytes: DEFAULT_OUTPUT,
    }
}

fn commands<const N: usize>(commands: [Configured; N]) -> Commands {
    Commands::new(Settings {
        commands: commands.into(),
    })
}

async fn run(commands: &Commands, name: &str) -> Result<BTreeMap<String, Value>, Refusal> {
    let arguments = Arguments::new(vec![Value::from(name)], BTreeMap::new());
    Ok(dictionary(commands.call(&RUN, arguments).await?))
}

fn dictionary(value: Value) -> BTreeMap<String, Value> {
    let Value::Dict(dictionary) = value else {
        panic!("{value:?}")
    };
    dictionary
}

fn text(result: &BTreeMap<String, Value>, key: &str) -> String {
    result[key].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_commands_are_listed_with_what_a_person_reads() {
    let commands = commands([command("lamp", ""), command("backup", "")]);
    let listed = commands.call(&LIST, Arguments::default()).await.unwrap();
    let row = |it: &Value| {
        let it = dictionary(it.clone());
        (text(&it, "name"), text(&it, "title"))
    };
    let rows: Vec<_> = listed.as_list().unwrap().iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("lamp".into(), "The lamp".into()),
            ("backup".into(), "The backup".into())
        ]
    );
}

#[tokio::test]
async fn a_command_answers_with_its_outputs_and_its_status() {
    let commands = commands([
        command("both", "echo out; echo err >&2; exit 3"),
        command("killed", "kill -KILL $$"),
    ]);
    let result = run(&commands, "both").await.unwrap();
    assert_eq!((result["exit"].as_i64(), &result["signal"]), (Some(3), &Value::Null));
    assert_eq!(
        (text(&result, "stdout"), text(&result, "stderr")),
        ("out\n".into(), "err\n".into())
    );
    assert_eq!(result["truncated"], Value::Bool(false));
    let result = run(&commands, "killed").await.unwrap();
    assert_eq!((&result["exit"], result["signal"].as_i64()), (&Value::Null, Some(9)));
}

#[tokio::test]
async fn what_is_not_configured_is_not_run_and_the_names_are_told() {
    let commands = commands([command("lamp", "")]);
    let refusal = run(&commands, "/bin/sh").await.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
    assert_eq!(
        refusal.to_string(),
        "there is no command \"/bin/sh\"; there is \"lamp\""
    );
    let more = Arguments::new(vec![Value::from("lamp"), Value::from("-rf")], BTreeMap::new());
    let refusal = commands.call(&RUN, more).await.unwrap_err();
    assert_eq!(refusal.to_string(), "takes at most 1 arguments, not 2");
}

#[tokio::test]
async fn a_command_that_cannot_be_run_says_what_to_correct() {
    let mut gone = command("gone", "");
    gone.run = vec!["/nowhere/at-all".into()];
    let mut away = command("away", "");
    away.directory = Some("/nowhere".into());
    let commands = commands([gone, away]);
    for (name, expected) in [
        ("gone", "/nowhere/at-all: No such file"),
        ("away", "/nowhere is no directory"),
    ] {
        let refusal = run(&commands, name).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.unavailable");
        let sentence = refusal.to_string();
        assert!(
            sentence.contains(expected) && sentence.contains("[[components.command]]"),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_and_says_so() {
    let mut slow = command("slow", "sleep 1000");
    slow.timeout_s = 1;
    let refusal = run(&commands([slow]), "slow").await.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.refused");
    assert!(
        refusal.to_string().starts_with("\"slow\" had not ended after 1 s"),
        "{refusal}"
    );
}

#[tokio::test]
async fn output_past_its_limit_is_left_out_and_the_command_comes_to_its_end() {
    let mut flood = command("flood", "head -c 4000000 /dev/zero | tr '\\0' x; exit 4");
    flood.output_bytes = 1000;
    let result = run(&commands([flood]), "flood").await.unwrap();
    assert_eq!(
        (result["exit"].as_i64(), &result["truncated"]),
        (Some(4), &Value::Bool(true))
    );
    assert_eq!(text(&result, "stdout").len(), 1000);
}

#[tokio::test]
async fn a_caller_who_takes_progress_gets_the_output_as_it_comes_and_not_twice() {
    let directory = tempfile::tempdir().unwrap();
    let go = directory.path().join("go");
    let script = format!(
        "echo first; while [ ! -e {} ]; do sleep 0.02; done; echo second >&2",
        go.display()
    );
    let commands = commands([command("steps", &script)]);
    let pieces: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let (seen, open) = (Arc::clone(&pieces), go.clone());
    let report = move |value: Value| -> BoxFuture<'static, ()> {
        let Value::Dict(value) = value else { panic!("{value:?}") };
        let piece = (text(&value, "stream"), text(&value, "text"));
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        // The second line is written only when the first has come.
        std::fs::write(&open, "").unwrap();
        std::future::ready(()).boxed()
    };
    let arguments = Arguments::new(vec![Value::from("steps")], BTreeMap::new());
    let result = commands.call_reporting(&RUN, arguments, Some(&report));
    let result = dictionary(timeout(PATIENCE, result).await.unwrap().unwrap());
    assert_eq!(
        *pieces.lock().unwrap(),
        [
            ("stdout".into(), "first\n".into()),
            ("stderr".into(), "second\n".into())
        ]
    );
    assert_eq!((&result["stdout"], result["exit"].as_i64()), (&Value::Null, Some(0)));
}

#[tokio::test]
async fn so_many_may_run_at_a_time_and_one_more_is_busy_until_one_has_ended() {
    let commands = commands([command("long", "sleep 1000"), command("short", "")]);
    let mut running: Vec<_> = (0..MAX_RUNNING).map(|_| run(&commands, "long").boxed()).collect();
    for one in &mut running {
        assert!(futures_util::poll!(one).is_pending());
    }
    let refusal = run(&commands, "short").await.unwrap_err();
    assert_eq!(refusal.uri(), "org.deskconn.error.busy");
    running.pop();
    // The place is given back when the group has ended.
    let room = timeout(PATIENCE, commands.room.acquire()).await.unwrap().unwrap();
    drop(room);
    assert!(run(&commands, "short").await.is_ok());
}

#[tokio::test]
async fn with_other_settings_there_are_other_commands() {
    let before = commands([command("old", "echo old"), command("same", "echo before")]);
    let next = [command("new", "echo new"), command("same", "echo after")];
    before.reconfigure(&crate::Settings {
        command: Settings { commands: next.into() },
        ..crate::Settings::default()
    });
    assert_eq!(text(&run(&before, "new").await.unwrap(), "stdout"), "new\n");
    assert_eq!(text(&run(&before, "same").await.unwrap(), "stdout"), "after\n");
    assert!(run(&before, "old").await.is_err());
}
