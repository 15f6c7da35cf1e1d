//! `deskconnctl top`: who is connected, and what each does, as it goes on.

pub(crate) mod figures;
mod health;
mod links;
mod screen;

use std::pin::Pin;
use std::time::Duration;

use client::{Session, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{MissedTickBehavior, interval};

use self::figures::{Row, Snapshot, Sort, look};
use self::screen::{Key, Keys, Screen};
use super::{Interrupts, place, seconds};
use crate::args::{Global, Top};
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output, one_line, shortened};
use crate::system::Resized;
use crate::values::{get, number};

/// The shortest time between two looks: rates of less say nothing, and the desktop has other things to do.
const SHORTEST: Duration = Duration::from_millis(100);
/// How long a goodbye may take that comes behind the last error.
const GOODBYE: Duration = Duration::from_secs(1);
/// Lines above and below the sessions: two with the sums, one empty, the head, the keys. Those of health and links come beside.
const FRAME: usize = 5;
/// Of the screen's lines one in so many may be a link's: the sessions are what it is for.
const LINES_A_LINK: usize = 4;
/// The columns, each with the width of the terminal from which on it is shown: what matters least goes first.
const COLUMNS: [(&str, usize); 11] = [
    ("NAME", 0),
    ("ROLE", 70),
    ("OVER", 110),
    ("FOR", 62),
    ("CALLS/S", 0),
    ("PUBL/S", 78),
    ("INVOC/S", 124),
    ("EVENTS/S", 0),
    ("QUEUED", 0),
    ("DROPPED", 0),
    ("ADDRESS", 94),
];

pub(super) async fn run(session: &Session, top: &Top, global: &Global, output: &Output) -> Result<(), Failure> {
    let pause = seconds(top.interval)?;
    if pause < SHORTEST {
        return Err(Failure::Usage(format!(
            "--interval must be {} or more",
            SHORTEST.as_secs_f64()
        )));
    }
    if output.has_screen() && top.count.is_none() {
        let view = View {
            sort: top.sort,
            is_reversed: false,
            shows_inside: false,
            place: place(global),
            output,
        };
        return watch(session, pause, view).await;
    }
    tell(session, pause, top, output).await
}

/// A snapshot a line, for programs.
async fn tell(session: &Session, pause: Duration, top: &Top, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let mut ticks = ticks(pause);
    let (mut before, mut left) = (None, top.count);
    while left != Some(0) {
        tokio::select! {
            _ = ticks.tick() => {}
            () = interrupts.next() => return Ok(()),
        }
        let now = Snapshot::new(&look(session).await?, before.as_ref());
        let rate = |key| {
            let figure = now
                .rate(key)
                .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
            Cell::from(format!("{figure} {key}/s"))
        };
        let mut cells = vec![
            Cell::from(now_text()),
            format!("{} sessions", now.visitors()).into(),
            rate("calls"),
            rate("publications"),
            rate("invocations"),
            rate("events"),
            format!("{} bytes queued", now.queued()).into(),
            format!("{} dropped", now.sum("dropped")).into(),
        ];
        cells.extend(links::cell(&now.links));
        output.row(&now.value(), &cells)?;
        before = Some(now);
        left = left.map(|left| left - 1);
    }
    Ok(())
}

fn now_text() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0)
        .unwrap_or(now)
        .format(&Rfc3339)
        .unwrap_or_default()
}

fn ticks(pause: Duration) -> tokio::time::Interval {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A question that is on its way.
type Asking<'a> = Pin<Box<dyn Future<Output = Result<Value, Failure>> + 'a>>;

/// How the screen is looked at.
struct View<'a> {
    sort: Sort,
    is_reversed: bool,
    /// Whether the sessions of the daemon itself are shown.
    shows_inside: bool,
    place: &'a str,
    output: &'a Output,
}

/// Draws until somebody has seen enough.
async fn watch(session: &Session, pause: Duration, mut view: View<'_>) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let failed = |error| Failure::failed(format!("the size of the terminal cannot be followed: {error}"));
    let mut resized = Resized::new().map_err(failed)?;
    let mut now = Snapshot::new(&look(session).await?, None);
    let mut ticks = ticks(pause);
    ticks.tick().await;
    let _screen = Screen::take()?;
    let mut keys = Keys::new();
    // A desktop that is slow to answer must not keep anybody from leaving.
    let mut asking: Option<Asking<'_>> = None;
    loop {
        Screen::draw(&view.lines(&now, Screen::size()));
        tokio::select! {
            biased;
            () = interrupts.next() => return Ok(()),
            key = keys.next() => match key {
                Key::Quit => return Ok(()),
                Key::Char(letter) => view.turn(letter),
                Key::Other => {}
            },
            () = resized.next() => {}
            answer = answer(&mut asking), if asking.is_some() => {
                asking = None;
                let answer = match answer {
                    Ok(answer) => answer,
                    Err(failure) => return Err(ended(session, failure).await),
                };
                now = Snapshot::new(&answer, Some(&now));
            }
            _ = ticks.tick(), if asking.is_none() => asking = Some(Box::pin(look(session))),
        }
    }
}

/// Why there is no answer: a desktop that ends takes its procedures away before it says goodbye.
async fn ended(session: &Session, failure: Failure) -> Failure {
    match tokio::time::timeout(GOODBYE, session.closed()).await {
        Ok(why) => Failure::failed(format!("the session has ended: {why}")),
        Err(_) => failure,
    }
}

async fn answer(asking: &mut Option<Asking<'_>>) -> Result<Value, Failure> {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}

impl View<'_> {
    /// A key was hit.
    fn turn(&mut self, letter: char) {
        let sort = match letter {
            'c' => Sort::Calls,
            'e' => Sort::Events,
            'b' => Sort::Queue,
            'd' => Sort::Dropped,
            'n' => Sort::Name,
            't' => Sort::Since,
            'r' => return self.is_reversed = !self.is_reversed,
            'i' => return self.shows_inside = !self.shows_inside,
            _ => return,
        };
        (self.sort, self.is_reversed) = (sort, false);
    }

    fn lines(&self, now: &Snapshot, (columns, lines): (usize, usize)) -> Vec<String> {
        // In the last column a terminal may be about to begin another line.
        let columns = columns.saturating_sub(1).max(1);
        let rows = now.sorted(self.sort, self.is_reversed, self.shows_inside);
        let links = links::lines(&now.links, lines / LINES_A_LINK);
        let health = now.health.as_ref().map(|health| shortened(&health.line(), columns));
        let room = lines.saturating_sub(FRAME + links.len() + usize::from(health.is_some()));
        let head: Vec<&str> = shown_of(COLUMNS.map(|(name, _)| name), columns);
        let shown: Vec<Vec<Cell>> = rows
            .iter()
            .take(room)
            .map(|row| shown_of(cells(row), columns))
            .collect();
        let hidden = (rows.len() - shown.len()) as u64 + now.left_off;
        let strong = |text: &str| self.output.paint(Meaning::Strong, &shortened(text, columns));
        let mut drawn = vec![strong(&self.title(now)), shortened(&sums(now), columns)];
        drawn.extend(health);
        drawn.extend(links.iter().map(|(is_in_trouble, line)| {
            let line = shortened(&one_line(line), columns);
            match is_in_trouble {
                true => self.output.paint(Meaning::Warning, &line),
                false => line,
            }
        }));
        drawn.push(String::new());
        drawn.extend(self.output.table_lines(&head, &shown, columns));
        drawn.resize(lines.saturating_sub(1).max(drawn.len()), String::new());
        let more = if hidden > 0 {
            format!("{hidden} more  ")
        } else {
            String::new()
        };
        let keys = format!(
            "{more}by {}: q quit r turn i inside c calls e events b queue d drop n name t new",
            self.sort.word()
        );
        drawn.push(self.output.paint(Meaning::Dim, &shortened(&keys, columns)));
        drawn.truncate(lines);
        drawn
    }

    fn title(&self, now: &Snapshot) -> String {
        let up = span(now.uptime_ms / 1_000);
        format!("deskconn at {}, up {up}, sessions: {}", self.place, now.visitors())
    }
}

fn sums(now: &Snapshot) -> String {
    let rate = |key| now.rate(key).map_or_else(|| "-".to_owned(), figure);
    format!(
        "{} calls/s, {} publications/s, {} events/s, {} queued, {} dropped",
        rate("calls"),
        rate("publications"),
        rate("events"),
        bytes(now.queued()),
        now.sum("dropped")
    )
}

/// Of one value for each column those that a terminal of this width shows.
fn shown_of<T>(values: [T; COLUMNS.len()], width: usize) -> Vec<T> {
    let values = values.into_iter().zip(COLUMNS);
    values
        .filter(|(_, (_, least))| width >= *least)
        .map(|(value, _)| value)
        .collect()
}

fn cells(row: &Row) -> [Cell; COLUMNS.len()] {
    let of = |key| get(&row.value, key);
    let over = match (of("transport"), of("channel"), of("serializer")) {
        (transport, "plain", serializer) => format!("{transport} {serializer}"),
        (transport, channel, serializer) => format!("{transport} {channel} {serializer}"),
    };
    let rate = |key| row.rate(key).map_or_else(|| "-".to_owned(), figure);
    let queued = bytes(number(&row.value, "queued_bytes"));
    let mark = |text: String| match row.is_slow() {
        true => Cell::marked(Meaning::Warning, text),
        false => Cell::from(text),
    };
    let name = if row.is_slow() {
        format!("! {}", row.name())
    } else {
        row.name().to_owned()
    };
    [
        mark(name),
        of("role").into(),
        over.trim_end().into(),
        age(of("since")).into(),
        rate("calls").into(),
        rate("publications").into(),
        rate("invocations").into(),
        rate("events").into(),
        mark(queued),
        mark(number(&row.value, "dropped").to_string()),
        of("address").into(),
    ]
}

/// How long ago a time was.
fn age(since: &str) -> String {
    let Ok(since) = OffsetDateTime::parse(since, &Rfc3339) else {
        return "-".to_owned();
    };
    // The desktop's clock may be ahead of ours.
    span(u64::try_from((OffsetDateTime::now_utc() - since).whole_seconds()).unwrap_or(0))
}

fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600, seconds / 60) {
        (days @ 1.., ..) => format!("{days} d"),
        (0, hours @ 1.., _) => format!("{hours} h"),
        (0, 0, minutes @ 1..) => format!("{minutes} min"),
        (0, 0, 0) => format!("{seconds} s"),
    }
}

/// A rate: with a digit behind the point where that says something.
fn figure(rate: f64) -> String {
    if rate == 0.0 {
        "0".to_owned()
    } else if rate < 10.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn bytes(count: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "it is rounded for people")]
    let of = |unit: u64| count as f64 / unit as f64;
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", of(1 << 10)),
        _ => format!("{:.1} MiB", of(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Color;

    #[test]
    fn figures_are_rounded_for_people() {
        assert_eq!([0.0, 0.26, 9.94, 12.6].map(figure), ["0", "0.3", "9.9", "13"]);
        assert_eq!(
            [0, 1_023, 1_024, 3 << 20].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "3.0 MiB"]
        );
        assert_eq!([59, 60, 3_600, 90_000].map(span), ["59 s", "1 min", "1 h", "1 d"]);
    }

    #[test]
    fn what_sessions_are_called_is_shown_and_not_obeyed_and_slow_ones_are_marked() {
        let session = serde_json::json!({"realm": "r", "id": 1, "authid": "\u{1b}[2Jevil\u{202e}\n", "role": "x\ty",
            "transport": "websocket", "channel": "tls", "serializer": "json", "since": "\u{7}", "queued_bytes": 900,
            "queued_bytes_limit": 1000, "address": "\u{9b}31m"});
        let link = serde_json::json!({"realm": "r", "name": "\u{1b}[2J", "state": "refused", "why": "\u{202e}no\n"});
        let answer =
            serde_json::json!({"uptime_ms": 1, "realms": [], "sessions": [session], "links": [link], "left_off": 2});
        let now = Snapshot::new(&serde_json::from_value(answer).unwrap(), None);
        let output = Output::new(false, false, Color::Never);
        let view = View {
            sort: Sort::Calls,
            is_reversed: false,
            shows_inside: false,
            place: "here",
            output: &output,
        };
        for columns in [16, 40, 80, 140] {
            let lines = view.lines(&now, (columns, 10));
            assert_eq!(lines.len(), 10);
            assert!(
                lines
                    .iter()
                    .all(|line| !line.contains(|c: char| c.is_control() || c == '\u{202e}')),
                "{lines:?}"
            );
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{lines:?}");
        }
        let lines = view.lines(&now, (140, 10));
        assert!(
            lines[2].starts_with("link \u{fffd}[2J of r refused: \u{fffd}no"),
            "{lines:?}"
        );
        assert!(lines[5].starts_with("! \u{fffd}[2Jevil"), "{lines:?}");
        assert!(lines[9].starts_with("2 more"), "{lines:?}");
        assert_eq!(view.lines(&now, (80, 2)).len(), 2, "on a tiny terminal too");
    }
}
