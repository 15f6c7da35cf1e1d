//! `deskconnctl actions`, against a daemon that has some: what a person reads, and by what a script tells success from failure.

use crate::home::Desk;
use crate::stage::soon;

const ACTIONS: &str = r#"
[[components.command]]
name = "backup"
run = ["/bin/sh", "-c", "exit 3"]

[[action]]
name = "boiler"
when = { topic = "org.deskconn.app.solar", if = "value > 1500 and kwargs.unit == 'W'" }
then = [
  { post = "http://192.0.2.20/{{ kwargs.unit }}", json = { on = "{{ value > 1600 }}" } },
  { notify = "It is on", body = "{{ result.status }}" },
]

[[action]]
name = "backup"
enabled = false
when = { at = "22:30", if = "now.weekday != 'sun'" }
then = { command = "backup" }
"#;

#[tokio::test]
async fn actions_are_listed_shown_and_switched() {
    let desk = Desk::with("Attic", ACTIONS).await;
    let listed = desk.run(&["actions"]).await;
    let fields: Vec<Vec<&str>> = listed.result.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(fields[0], ["boiler", "on", "0", "0", "", "", ""]);
    assert_eq!(fields[1][..4], ["backup", "off", "0", "0"]);
    desk.run(&["actions", "on", "backup"]).await.gave("backup is on now\n");
    let listed = desk.run(&["actions", "--json"]).await;
    let row: serde_json::Value = serde_json::from_str(listed.result.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&row["on"], &row["when"][0]),
        (&true.into(), &"at 22:30 if now.weekday != 'sun'".into())
    );
    assert!(row["next"].as_str().is_some());
    let shown = desk.run(&["actions", "show", "backup"]).await.result;
    assert!(
        shown.contains("command backup") && shown.contains("at 22:30"),
        "{shown}"
    );
    for command in ["show", "on", "off", "test", "run"] {
        let unknown = desk.run(&["actions", command, "bakup"]).await;
        unknown.failed(1, "there is no action \"bakup\"; there are \"boiler\" and \"backup\"");
        unknown.failed(1, "did you mean \"backup\"?");
    }
}

#[tokio::test]
async fn what_would_be_done_is_told_and_not_done() {
    let desk = Desk::with("Attic", ACTIONS).await;
    let test = |arguments: &'static [&'static str]| {
        let desk = &desk;
        async move { desk.run(&[&["actions", "test"], arguments].concat()).await }
    };
    let told = test(&["boiler", "1700", "unit=W"]).await.result;
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].ends_with(": its condition holds"), "{told}");
    assert!(
        lines[1].starts_with("1. post would do ") && lines[1].contains("{\\\"on\\\":true}"),
        "{told}"
    );
    assert!(lines[1].contains("http://192.0.2.20/W"), "{told}");
    assert!(
        lines[2].starts_with("2. notify cannot be said: it needs the result"),
        "{told}"
    );
    assert!(
        test(&["boiler", "100", "unit=W"])
            .await
            .result
            .contains("its condition does not hold")
    );
    let undecided = test(&["boiler", "1700"]).await.result;
    assert!(
        undecided.contains("nobody can say") && undecided.contains("no `unit`"),
        "{undecided}"
    );
    let sunday = test(&["backup", "--time", "2026-11-22T12:00:00Z"]).await.result;
    assert!(sunday.contains("does not hold; the next time is 2026-11-2"), "{sunday}");
    test(&["backup", "--time", "noon"])
        .await
        .failed(2, "2027-01-31T12:00:00Z");
    assert!(desk.machine.shown().is_empty());
    // Another configuration, which the daemon has not read.
    let file = desk.state.path().join("new.toml");
    std::fs::write(&file, ACTIONS.replace("1500", "2500")).unwrap();
    let file = file.display().to_string();
    let other = desk
        .run(&["actions", "test", "boiler", "1700", "unit=W", "--config", &file])
        .await;
    assert!(other.result.contains("its condition does not hold"), "{other:?}");
    let always = ACTIONS.replace(", if = \"value > 1500 and kwargs.unit == 'W'\"", "");
    std::fs::write(&file, always).unwrap();
    let always = desk
        .run(&["actions", "test", "boiler", "1", "unit=W", "--config", &file])
        .await;
    let first = always.result.lines().next().unwrap();
    assert!(
        first.ends_with("solar: it would trigger, it has no condition"),
        "{always:?}"
    );
    let gone = desk.run(&["actions", "test", "boiler", "--config", "/nowhere"]).await;
    gone.failed(2, "/nowhere cannot be read");
}

#[tokio::test]
async fn a_figure_that_is_not_told_and_a_token_that_cannot_be_read_are_said_before_they_are_missed() {
    const ACTIONS: &str = r#"
[[action]]
name = "disk"
when = { host = "disk./nomount.percent", above = 90 }
then = { post = "http://192.0.2.20/on", token_file = "/nomount/token" }
"#;
    let desk = Desk::with("Attic", ACTIONS).await;
    let told = desk.run(&["actions", "test", "disk"]).await.result;
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines[0].ends_with(": this machine does not tell disk./nomount.percent"),
        "{told}"
    );
    assert!(
        lines[1].starts_with("1. post would fail: 192.0.2.20: /nomount/token cannot be read: "),
        "{told}"
    );
}

#[tokio::test]
async fn an_action_that_fails_makes_the_command_fail() {
    let desk = Desk::with("Attic", ACTIONS).await;
    let failed = soon(desk.run(&["actions", "run", "backup"])).await;
    assert_eq!(failed.result, "1. command failed: it ended with 3\n");
    failed.failed(1, "backup: step 1 (command): it ended with 3");
    let listed = desk.run(&["actions"]).await.result;
    assert!(listed.contains("step 1 (command): it ended with 3"), "{listed}");
    let nobody = desk.run(&["actions", "run", "nobody"]).await;
    nobody.failed(1, "there is no action \"nobody\"; there are \"boiler\" and \"backup\"");
}
