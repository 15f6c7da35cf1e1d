//! The program at a terminal: what a camera reads there, what moves, what fits, and what nobody can make it obey.

use std::sync::Arc;
use std::time::Instant;

use client::{Invocation, Reply, RequestError, Value};
use tokio::sync::{Notify, oneshot};

use crate::home::{Desk, Home};
use crate::screen::Terminal;
use crate::stage::{Ended, Stage, program};

/// Names as somebody would choose them who wants a terminal to do something.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}evil\r\u{8}";

/// The minutes and seconds that are said to be left.
fn time_left(screen: &vt100::Screen) -> Option<(u32, u32)> {
    let text = screen.contents();
    let (before, _) = text.split_once(" left")?;
    let (minutes, seconds) = before.rsplit(char::is_whitespace).next()?.split_once(':')?;
    Some((minutes.parse().ok()?, seconds.parse().ok()?))
}

/// The squares of the QR code that is seen: everything black on white.
fn squares(screen: &vt100::Screen) -> Vec<Vec<bool>> {
    let (lines, columns) = (screen.size().0.get(), screen.size().1.get());
    let mut rows = Vec::new();
    for line in 0..lines {
        let cells = (0..columns).filter_map(|column| screen.cell(line, column));
        let drawn: Vec<&str> = cells
            .filter(|cell| (cell.fgcolor(), cell.bgcolor()) == (vt100::Color::Idx(16), vt100::Color::Idx(231)))
            .map(vt100::Cell::contents)
            .collect();
        if !drawn.is_empty() {
            rows.push(drawn.iter().map(|it| matches!(*it, "█" | "▀")).collect());
            rows.push(drawn.iter().map(|it| matches!(*it, "█" | "▄")).collect());
        }
    }
    rows
}

/// What a camera reads.
fn photographed(squares: &[Vec<bool>]) -> String {
    const SCALE: usize = 5;
    let (width, height) = (squares[0].len() * SCALE, squares.len() * SCALE);
    let shade = |x: usize, y: usize| if squares[y / SCALE][x / SCALE] { 0 } else { 255 };
    let mut photo = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let grids = photo.detect_grids();
    assert_eq!(grids.len(), 1, "one QR code is seen");
    grids[0].decode().unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_reads_the_link_from_the_terminal_while_the_time_runs_down() {
    let desk = Desk::start("Attic").await;
    let mut terminal = Terminal::of(desk.command(&["pair"]));
    terminal.shows("left, Ctrl-C").await;
    let first = time_left(terminal.screen());
    terminal
        .until("less time", |screen| {
            time_left(screen) < first && time_left(screen).is_some()
        })
        .await;
    // The link stands above the picture, and has left a terminal of 24 lines.
    let link = photographed(&squares(terminal.screen()));
    let raw = terminal.raw();
    let (_, sent) = raw.split_once("Link: ").unwrap();
    assert_eq!(link, sent.split_whitespace().next().unwrap());
    assert!(terminal.text().contains("Code: "), "{}", terminal.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_hit_before_the_question_is_no_answer() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let mut terminal = Terminal::of(desk.command(&["pair", "--no-qr"]));
    terminal.press("y\n");
    terminal.shows("left, Ctrl-C").await;
    assert!(squares(terminal.screen()).is_empty());
    let code = terminal.behind("Code: ");
    let join = home.join(&desk, &code).await;
    terminal.shows("[y/N/role]").await;
    terminal.press("n\n");
    join.ended().await.failed(1, "was not approved at the desktop");
    assert_eq!(terminal.ended().await, Some(1));
    assert!(terminal.text().contains("no device was paired"), "{}", terminal.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_to_answer_runs_down_above_the_question_and_what_is_typed_stays() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let mut terminal = Terminal::of(desk.command(&["pair", "--no-qr"]));
    terminal.shows("left, Ctrl-C").await;
    let join = home.join(&desk, &terminal.behind("Code: ")).await;
    terminal.shows("Allow? [y/N/role]").await;
    terminal.press("sli");
    let first = time_left(terminal.screen());
    terminal
        .until("less time", |screen| {
            time_left(screen) < first && time_left(screen).is_some()
        })
        .await;
    terminal.shows("Allow? [y/N/role] sli").await;
    assert_eq!(terminal.text().matches("left to answer").count(), 1);
    terminal.press("des\n");
    assert_eq!(join.ended().await.status, Some(0));
    assert_eq!(terminal.ended().await, Some(0));
    assert!(terminal.text().contains("with the role slides"), "{}", terminal.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_for_consent_is_asked_about_with_its_time() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "slides"]).await;
    let grant = ["devices", "grant", "Laptop", "org.deskconn.screen.lock", "--confirm"];
    assert_eq!(desk.run(&grant).await.status, Some(0));
    let mut terminal = Terminal::of(desk.command(&["approve"]));
    terminal.shows("waiting for calls").await;
    let lock = home.start(&["--desktop", "Attic", "screen", "lock"]);
    terminal.shows("left to answer").await;
    let first = time_left(terminal.screen());
    terminal
        .until("less time", |screen| {
            time_left(screen) < first && time_left(screen).is_some()
        })
        .await;
    terminal.press("y\n");
    assert_eq!(lock.ended().await.status, Some(0));
    terminal.shows("allowed: ").await;
}

/// A procedure that answers when it is told to.
async fn waiting(stage: &Stage, uri: &str, answer: Value) -> (client::Session, oneshot::Sender<()>) {
    let session = stage.session().await;
    let (sender, receiver) = oneshot::channel::<()>();
    let receiver = Arc::new(tokio::sync::Mutex::new(Some(receiver)));
    let serve = move |_: Invocation| {
        let (receiver, answer) = (receiver.clone(), answer.clone());
        async move {
            let receiver = receiver.lock().await.take();
            if let Some(receiver) = receiver {
                let _ = receiver.await;
            }
            Ok(Reply::from(answer))
        }
    };
    session.register(uri, serve).await.unwrap();
    (session, sender)
}

#[tokio::test]
async fn a_spinner_appears_while_an_answer_is_waited_for_and_is_gone_with_it() {
    let stage = Stage::new();
    let (_session, answer) = waiting(&stage, "com.example.slow", "done".into()).await;
    let mut terminal = Terminal::of(stage.command(&["call", "com.example.slow"]));
    terminal.shows("⠋ waiting for an answer …").await;
    terminal.shows("⠙ waiting for an answer …").await;
    answer.send(()).unwrap();
    assert_eq!(terminal.ended().await, Some(0));
    assert_eq!(terminal.lines(), ["done", "<the end>"]);
}

#[tokio::test]
async fn a_fade_is_a_bar_that_fills_and_then_the_brightness() {
    let stage = Stage::new();
    let session = stage.session().await;
    for uri in ["org.deskconn.brightness.set", "org.deskconn.brightness.get"] {
        let percent: u64 = if uri.ends_with("set") { 80 } else { 40 };
        let serve = move |_: Invocation| async move { Ok(Value::UInt(percent).into()) };
        session.register(uri, serve).await.unwrap();
    }
    let arguments = ["brightness", "set", "40", "--fade", "1"];
    let mut terminal = Terminal::of(stage.command(&arguments));
    terminal.shows("██████████").await;
    assert_eq!(terminal.ended().await, Some(0));
    assert_eq!(terminal.lines(), ["40", "<the end>"]);
    // A pipe is not kept waiting.
    stage.run(&arguments).await.gave("80\n");
}

/// A desktop with devices of these names.
async fn with_devices(stage: &Stage, names: &[&str]) -> client::Session {
    let session = stage.session().await;
    let row = |(number, name): (usize, &&str)| {
        serde_json::json!({"id": format!("d_{number}"), "name": name, "role": "remote", "sessions": number,
            "last_seen": "2026-01-02T00:00:00Z"})
    };
    let devices: Vec<_> = names.iter().enumerate().map(row).collect();
    let devices: Value = serde_json::from_value(devices.into()).unwrap();
    let serve = move |_: Invocation| {
        let devices = devices.clone();
        async move { Ok(Reply::from(devices)) }
    };
    session.register("org.deskconn.devices.list", serve).await.unwrap();
    session
}

const WIDE: &str = "Ein langer Name, 電話番号 und noch etwas";

#[tokio::test]
async fn a_table_fits_terminals_of_60_and_120_columns() {
    let stage = Stage::new();
    let _session = with_devices(&stage, &[WIDE, "Pixel"]).await;
    let mut wide = Terminal::sized(stage.command(&["devices"]), 120, 24);
    assert_eq!(wide.ended().await, Some(0));
    let lines = wide.lines();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(
        lines[1].contains(WIDE) && lines[1].ends_with("2026-01-02T00:00:00Z"),
        "{lines:#?}"
    );
    // Columns stand below their heads, wide characters or not.
    let screen = wide.screen();
    let column =
        |line: u16, text: &str| (0..120).find(|at| screen.contents_between(line, *at, line, 120).starts_with(text));
    assert_eq!(column(0, "ROLE"), column(1, "remote"));
    assert_eq!(column(0, "ROLE"), column(2, "remote"));

    let mut narrow = Terminal::sized(stage.command(&["devices"]), 60, 24);
    assert_eq!(narrow.ended().await, Some(0));
    let lines = narrow.lines();
    assert_eq!(lines.len(), 4, "no line wraps: {lines:#?}");
    assert!(lines[1].ends_with('…'), "{lines:#?}");

    let piped = stage.run(&["devices"]).await;
    assert!(piped.result.contains(WIDE) && !piped.result.contains('…'), "{piped:?}");
}

#[tokio::test]
async fn colours_are_there_on_a_terminal_and_away_where_nobody_wants_them() {
    let stage = Stage::new();
    let _session = with_devices(&stage, &["Pixel"]).await;
    let colours = async |variable: Option<(&str, &str)>, more: &[&str]| {
        let mut command = stage.command(&[&["devices"], more].concat());
        command.envs(variable);
        let mut terminal = Terminal::of(command);
        terminal.ended().await;
        assert!(terminal.text().contains("Pixel"));
        terminal.raw().contains('\u{1b}')
    };
    assert!(colours(None, &[]).await);
    assert!(
        colours(Some(("NO_COLOR", "")), &[]).await,
        "an empty variable says nothing"
    );
    assert!(!colours(Some(("NO_COLOR", "1")), &[]).await);
    assert!(!colours(Some(("CLICOLOR", "0")), &[]).await);
    assert!(!colours(Some(("TERM", "dumb")), &[]).await);
    assert!(!colours(None, &["--color", "never"]).await);
    assert!(colours(Some(("NO_COLOR", "1")), &["--color", "always"]).await);

    let mut forced = stage.command(&["devices"]);
    forced.env("CLICOLOR_FORCE", "1");
    assert!(crate::stage::ended(forced).await.result.contains("\u{1b}["));
    let always = stage.run(&["devices", "--color", "always"]).await;
    assert!(always.result.contains("\u{1b}["), "{always:?}");
}

/// That there is nothing in it but letters and ends of lines.
fn is_plain(ended: &Ended) -> bool {
    let texts = [&ended.result, &ended.remarks];
    texts
        .iter()
        .all(|text| !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'))
}

/// Every shape in which something of others is printed: a result, a table, fields, an error, pieces of a program's output.
async fn hostile(stage: &Stage) -> client::Session {
    let session = with_devices(stage, &[HOSTILE]).await;
    let text = |_: Invocation| async { Ok(Reply::from(Value::from(HOSTILE))) };
    session.register("com.example.text", text).await.unwrap();
    let fail = |_: Invocation| async { Err(RequestError::new("com.example.error", HOSTILE)) };
    session.register("com.example.fail", fail).await.unwrap();
    let report = |_: Invocation| async {
        let report = serde_json::json!({"name": HOSTILE, "os": HOSTILE, "temperatures": [{"name": HOSTILE}]});
        Ok(Reply::from(serde_json::from_value::<Value>(report).unwrap()))
    };
    session.register("org.deskconn.host.get", report).await.unwrap();
    let run = |call: Invocation| async move {
        let piece = |stream: &str| serde_json::json!({"stream": stream, "text": HOSTILE});
        for stream in ["stdout", "stderr"] {
            let piece: Value = serde_json::from_value(piece(stream)).unwrap();
            if let Some(progress) = &call.progress {
                progress.send([piece]).await.unwrap();
            }
        }
        let result: Value = serde_json::from_value(serde_json::json!({"exit": 0})).unwrap();
        Ok(Reply::from(result))
    };
    session.register("org.deskconn.command.run", run).await.unwrap();
    let log = |_: Invocation| async {
        let entry =
            serde_json::json!([{"time": "t", "kind": HOSTILE, "name": HOSTILE, "device": "d", "detail": HOSTILE}]);
        Ok(Reply::from(serde_json::from_value::<Value>(entry).unwrap()))
    };
    session.register("org.deskconn.audit.get", log).await.unwrap();
    session
}

const HOSTILE_COMMANDS: [&[&str]; 7] = [
    &["call", "com.example.text"],
    &["call", "com.example.fail"],
    &["devices"],
    &["devices", "show", "d_0"],
    &["host"],
    &["command", "run", "x"],
    &["log"],
];

#[tokio::test]
async fn what_others_chose_is_shown_on_a_terminal_and_not_obeyed() {
    let stage = Stage::new();
    let _session = hostile(&stage).await;
    for arguments in HOSTILE_COMMANDS {
        let mut terminal = Terminal::of(stage.command(arguments));
        terminal.ended().await;
        let (text, raw) = (terminal.text(), terminal.raw());
        assert!(text.contains("evil"), "{arguments:?}: {text}");
        for obeyed in ["\u{1b}[2J", "\u{1b}]0;", "\u{9b}", "\u{202e}", "\u{8}", "\u{7}"] {
            assert!(!raw.contains(obeyed), "{arguments:?} sends {obeyed:?}: {raw:?}");
        }
    }
}

#[tokio::test]
async fn a_pipe_gets_plain_text_whatever_others_chose() {
    let stage = Stage::new();
    let _session = hostile(&stage).await;
    for arguments in HOSTILE_COMMANDS {
        let ended = stage.run(arguments).await;
        assert!((ended.result.clone() + &ended.remarks).contains("evil"), "{ended:?}");
        assert!(is_plain(&ended), "{arguments:?}: {ended:?}");
    }
    let help = crate::stage::ended(program(&["help"])).await;
    assert!(is_plain(&help));
    let alone = crate::stage::ended(program(&[])).await;
    assert!(is_plain(&alone));
    alone.failed(2, "deskconnctl pair");
}

/// Stops after a whole line until the spinner below it was seen, and then in the middle of a line for twice as long: what
/// must not come there cannot be waited for, but it has had the time in which it comes elsewhere.
async fn slow_program(call: Invocation, seen: Arc<Notify>) -> Result<Reply, RequestError> {
    let value = |json| serde_json::from_value::<Value>(json).unwrap();
    let progress = call.progress.expect("the output is asked for as it comes");
    let piece = |text: &str| value(serde_json::json!({"stream": "stdout", "text": text}));
    progress.send([piece("whole\n")]).await.unwrap();
    let begun = Instant::now();
    seen.notified().await;
    let spinner = begun.elapsed();
    for text in ["half", " of it\nlast"] {
        progress.send([piece(text)]).await.unwrap();
        tokio::time::sleep(spinner * 2).await;
    }
    Ok(value(serde_json::json!({"exit": 3})).into())
}

#[tokio::test]
async fn a_spinner_leaves_the_output_of_a_program_as_it_is_also_in_the_middle_of_a_line() {
    let stage = Stage::new();
    let session = stage.session().await;
    let seen = Arc::new(Notify::new());
    let shown = Arc::clone(&seen);
    let run = move |call| slow_program(call, Arc::clone(&shown));
    session.register("org.deskconn.command.run", run).await.unwrap();
    let mut terminal = Terminal::of(stage.command(&["command", "run", "slow"]));
    terminal
        .until("a spinner below a whole line", |screen| {
            let text = screen.contents();
            let below = text.strip_prefix("whole\n").unwrap_or_default();
            below
                .chars()
                .skip(1)
                .collect::<String>()
                .starts_with(" waiting for an answer")
        })
        .await;
    seen.notify_one();
    assert_eq!(terminal.ended().await, Some(1));
    assert_eq!(
        terminal.lines(),
        [
            "whole",
            "half of it",
            "last",
            "deskconnctl: slow ended with exit status 3",
            "<the end>"
        ]
    );
}
