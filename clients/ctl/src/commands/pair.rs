//! `deskconnctl pair`: shows the code, asks when a device brings it, and ends with what became of it.

use std::time::Duration;

use client::{Args, Dict, Session, Subscription, Value};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::time::{Instant, interval};

use super::{Interrupts, ask};
use crate::args::Pair;
use crate::failure::Failure;
use crate::output::Output;
use crate::values::{get, number};

pub(super) async fn run(session: &Session, pair: &Pair, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    // Before the window opens: whoever is quick must not be missed.
    let mut pairing = Pairing {
        session,
        pair,
        output,
        asked: session.subscribe("org.deskconn.pairing.on_asked").await?,
        closed: session.subscribe("org.deskconn.pairing.on_closed").await?,
        question: None,
        lines: None,
    };
    let window = ask(session, "org.deskconn.pairing.open", terms(pair)).await?;
    let until = Instant::now() + Duration::from_secs(number(&window, "ttl"));
    show_code(pair, &window, output)?;
    let result = tokio::select! {
        result = pairing.serve(until) => result,
        () = interrupts.next() => {
            ask(session, "org.deskconn.pairing.close", ()).await?;
            Err(Failure::failed("interrupted; the code is void"))
        }
    };
    output.passing("");
    result
}

fn terms(pair: &Pair) -> Args {
    let mut terms = Args::default().with("legacy", pair.legacy).with("force", pair.force);
    terms = terms.with("insecure_network", pair.insecure_network);
    let given = [
        ("role", pair.role.as_deref().map(Value::from)),
        ("name", pair.name.as_deref().map(Value::from)),
        ("ttl", pair.ttl.map(Value::from)),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            terms = terms.with(key, value);
        }
    }
    terms
}

fn show_code(pair: &Pair, window: &Value, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.result(
            &event("open", window.as_dict().cloned().unwrap_or_default()),
            String::new,
        );
    }
    let mut code = get(window, "code").to_owned();
    if pair.legacy {
        // These clients read it as a number.
        code.retain(|c| c.is_ascii_digit());
    }
    output.loud(&format!("Code: {code}"))?;
    output.remark("Type it at the device. It works once, for a short time, and with three attempts.");
    Ok(())
}

/// Something that happened, as programs read it.
fn event(name: &str, mut details: Dict) -> Dict {
    details.insert("event".to_owned(), name.into());
    details
}

/// A window that is open.
struct Pairing<'a> {
    session: &'a Session,
    pair: &'a Pair,
    output: &'a Output,
    asked: Subscription,
    closed: Subscription,
    /// The device that waits for an answer.
    question: Option<u64>,
    /// What is typed, once something is asked.
    lines: Option<Lines<BufReader<Stdin>>>,
}

impl Pairing<'_> {
    /// Waits for a device, and asks about it.
    async fn serve(&mut self, until: Instant) -> Result<(), Failure> {
        let mut second = interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                event = self.asked.next() => {
                    let question = event.ok_or_else(ended)?.args.into_value();
                    if let Some(device) = self.ask(&question).await? {
                        return self.paired(&device);
                    }
                }
                event = self.closed.next() => {
                    let mut args = event.ok_or_else(ended)?.args;
                    // Answered elsewhere, such as on a notification.
                    if let Some(device @ Value::Dict(_)) = args.kwargs.remove("device") {
                        return self.paired(&device);
                    }
                    return self.window_closed(args.args.into_iter().next().unwrap_or(Value::Null));
                }
                line = typed(&mut self.lines) => {
                    if let Some(device) = self.answer(line.as_deref()).await? {
                        return self.paired(&device);
                    }
                }
                _ = second.tick() => self.count_down(until),
            }
        }
    }

    /// Shows who is there; with `--yes` answers at once, and gives the device if that paired it.
    async fn ask(&mut self, question: &Value) -> Result<Option<Value>, Failure> {
        let request = number(question, "request");
        if self.output.is_json() {
            let details = question.as_dict().cloned().unwrap_or_default();
            self.output.result(&event("asked", details), String::new)?;
        } else {
            let name = match get(question, "name") {
                "" => "a device without a name",
                name => name,
            };
            self.output.remark(&format!(
                "{name} ({}) wants in from {}",
                get(question, "kind"),
                get(question, "address")
            ));
            self.output
                .remark(&format!("its key is shown as {}", get(question, "fingerprint")));
        }
        if self.pair.yes {
            return self.tell(request, true).await;
        }
        self.question = Some(request);
        if self.lines.is_none() {
            self.lines = Some(BufReader::new(tokio::io::stdin()).lines());
        }
        self.output.question(&format!(
            "Does the device show the same, and may it be {}? [y/N]",
            get(question, "role")
        ));
        Ok(None)
    }

    /// Takes what was typed; nothing more can be typed when there is no line.
    async fn answer(&mut self, line: Option<&str>) -> Result<Option<Value>, Failure> {
        let Some(line) = line else {
            self.lines = None;
            if let Some(request) = self.question.take() {
                self.tell(request, false).await?;
                return Err(Failure::failed(
                    "nobody is there to answer, so the device was refused; --yes lets it in unasked",
                ));
            }
            return Ok(None);
        };
        let Some(request) = self.question.take() else {
            return Ok(None);
        };
        let is_yes = matches!(line.trim().to_lowercase().as_str(), "y" | "yes");
        self.tell(request, is_yes).await
    }

    /// Gives the answer to the desktop, and the device if that paired it.
    async fn tell(&self, request: u64, allow: bool) -> Result<Option<Value>, Failure> {
        let args = [request.into(), allow.into()];
        let device = ask(self.session, "org.deskconn.pairing.answer", args).await?;
        Ok(Some(device).filter(|device| *device != Value::Null))
    }

    fn paired(&self, device: &Value) -> Result<(), Failure> {
        let details = Dict::from([("device".to_owned(), device.clone())]);
        self.output.passing("");
        self.output.result(&event("paired", details), || {
            format!(
                "paired: {} ({}) with the role {}",
                get(device, "name"),
                get(device, "id"),
                get(device, "role")
            )
        })
    }

    fn window_closed(&self, reason: Value) -> Result<(), Failure> {
        let sentence = reason.as_str().unwrap_or("the window was closed").to_owned();
        if self.output.is_json() {
            let details = Dict::from([("reason".to_owned(), reason)]);
            self.output.result(&event("closed", details), String::new)?;
        }
        Err(Failure::failed(format!("no device was paired: {sentence}")))
    }

    fn count_down(&self, until: Instant) {
        if self.question.is_none() {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            self.output.passing(&format!("{left} s left"));
        }
    }
}

/// The next line, once something is asked; `None` when no more can come.
async fn typed(lines: &mut Option<Lines<BufReader<Stdin>>>) -> Option<String> {
    match lines {
        Some(lines) => lines.next_line().await.ok().flatten(),
        None => std::future::pending().await,
    }
}

fn ended() -> Failure {
    Failure::failed("the session with the desktop has ended")
}
