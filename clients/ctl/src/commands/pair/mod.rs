//! `deskconnctl pair`: shows the code, asks when a device brings it, and ends with what became of it.

mod show;

use std::time::Duration;

use client::{Args, Dict, Error, Session, Subscription, Value};
use pairing::question::APPROVAL_TIME;
use tokio::time::{Instant, interval};
use zeroize::Zeroizing;

use super::{Interrupts, ask, hear};
use crate::args::Pair;
use crate::failure::Failure;
use crate::output::{Output, left};
use crate::typed::{self, Typed};
use crate::values::{get, number};

/// With this the desktop refuses a role that it does not have.
const BAD_ARGUMENT: &str = "org.deskconn.error.bad_argument";

/// What is asked about a device.
const QUESTION: &str = "Allow? [y/N/role]";

fn time_to_answer(until: Instant) -> String {
    format!("{} left to answer; no answer is no", left(until))
}

pub(super) async fn run(session: &Session, pair: &Pair, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    // Before the window opens: whoever is quick must not be missed.
    let mut pairing = Pairing {
        session,
        pair,
        output,
        asked: hear(session, "org.deskconn.pairing.on_asked").await?,
        alarms: hear(session, "org.deskconn.pairing.on_alarm").await?,
        entries: hear(session, "org.deskconn.audit.on_entry").await?,
        closed: hear(session, "org.deskconn.pairing.on_closed").await?,
        question: None,
        answer_by: Instant::now(),
        typed: None,
        is_over: false,
    };
    let window = ask(session, "org.deskconn.pairing.open", show::terms(pair)).await?;
    let until = Instant::now() + Duration::from_secs(number(&window, "ttl"));
    let result = tokio::select! {
        result = pairing.serve(&window, until) => result,
        () = interrupts.next() => Err(Failure::failed("interrupted; the code is void")),
    };
    output.passing("");
    if !pairing.is_over {
        // What nobody watches must not stay open.
        let _ = session.call("org.deskconn.pairing.close", ()).await;
    }
    result
}

/// A window that is open.
struct Pairing<'a> {
    session: &'a Session,
    pair: &'a Pair,
    output: &'a Output,
    asked: Subscription,
    alarms: Subscription,
    /// The audit log, which has the attempts that failed.
    entries: Subscription,
    closed: Subscription,
    /// The device that waits for an answer.
    question: Option<Value>,
    /// Until when that is taken.
    answer_by: Instant,
    /// What is typed, once something is asked.
    typed: Option<Typed>,
    /// Whether the window has closed.
    is_over: bool,
}

impl Pairing<'_> {
    /// Waits for a device, and asks about it.
    async fn serve(&mut self, window: &Value, until: Instant) -> Result<(), Failure> {
        show::window(self.pair, window, self.output)?;
        let mut second = interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                event = self.alarms.next() => self.alarm(event.ok_or_else(Failure::ended)?.args.into_value())?,
                event = self.entries.next() => self.noted(&event.ok_or_else(Failure::ended)?.args.into_value())?,
                event = self.asked.next() => {
                    let question = event.ok_or_else(Failure::ended)?.args.into_value();
                    if let Some(device) = self.ask(question).await? {
                        return self.paired(&device);
                    }
                }
                event = self.closed.next() => {
                    let mut args = event.ok_or_else(Failure::ended)?.args;
                    // Answered elsewhere, such as on a notification.
                    if let Some(device @ Value::Dict(_)) = args.kwargs.remove("device") {
                        return self.paired(&device);
                    }
                    return self.window_closed(args.args.into_iter().next().unwrap_or(Value::Null));
                }
                line = Typed::next_of(&mut self.typed) => {
                    if let Some(device) = self.answer(line).await? {
                        return self.paired(&device);
                    }
                }
                _ = second.tick() => self.count_down(until),
            }
        }
    }

    /// Somebody seems to be in between.
    fn alarm(&self, sentence: Value) -> Result<(), Failure> {
        self.output
            .alarm(sentence.as_str().unwrap_or("somebody seems to be in between"));
        if self.output.is_json() {
            let details = Dict::from([("sentence".to_owned(), sentence)]);
            self.output.result(&show::event("alarm", details), String::new)?;
        }
        Ok(())
    }

    /// Tells of an attempt that failed: somebody mistyped the code, or guesses.
    fn noted(&self, entry: &Value) -> Result<(), Failure> {
        let Some(fields) = entry.as_dict().filter(|_| get(entry, "kind") == "pairing.failed") else {
            return Ok(());
        };
        if self.output.is_json() {
            return self.output.result(&show::event("failed", fields.clone()), String::new);
        }
        let (address, detail) = (get(entry, "address"), get(entry, "detail"));
        self.output
            .remark(&format!("an attempt from {address} failed: {detail}"));
        Ok(())
    }

    /// Shows who is there; with `--yes` answers at once, and gives the device if that paired it.
    async fn ask(&mut self, question: Value) -> Result<Option<Value>, Failure> {
        show::device(&question, self.output)?;
        if self.pair.yes {
            return self.tell(&question, true, None).await;
        }
        match &mut self.typed {
            Some(typed) => typed.forget_early(),
            None => {
                typed::forget_early();
                self.typed = Some(Typed::begin());
            }
        }
        self.question = Some(question);
        self.answer_by = Instant::now() + APPROVAL_TIME;
        self.put_question();
        Ok(None)
    }

    fn put_question(&self) {
        self.output.timed_question(QUESTION, &time_to_answer(self.answer_by));
    }

    /// Takes what was typed; nothing more can be typed when there is no line.
    async fn answer(&mut self, line: Option<Zeroizing<String>>) -> Result<Option<Value>, Failure> {
        let Some(question) = self.question.take() else {
            self.typed = self.typed.take().filter(|_| line.is_some());
            return Ok(None);
        };
        self.output.answered(line.is_some());
        let Some(line) = line else {
            self.tell(&question, false, None).await?;
            return Err(Failure::failed(
                "nobody is there to answer, so the device was refused; --yes lets it in unasked",
            ));
        };
        match line.trim() {
            "" | "n" | "N" | "no" => self.tell(&question, false, None).await,
            "y" | "Y" | "yes" => self.tell(&question, true, None).await,
            role => self.tell(&question, true, Some(role)).await,
        }
    }

    /// Gives the answer to the desktop, and the device if that paired it. A role that the desktop does not know is asked
    /// for again.
    async fn tell(&mut self, question: &Value, allow: bool, role: Option<&str>) -> Result<Option<Value>, Failure> {
        let mut args = Args::from([number(question, "request").into(), allow.into()]);
        if let Some(role) = role {
            args = args.with("role", role);
        }
        match self.session.call("org.deskconn.pairing.answer", args).await {
            Ok(device) => Ok(Some(device.into_value()).filter(|device| *device != Value::Null)),
            Err(Error::Request(error)) if role.is_some() && error.uri.as_str() == BAD_ARGUMENT => {
                self.output.remark(error.sentence().unwrap_or("there is no such role"));
                self.question = Some(question.clone());
                self.put_question();
                Ok(None)
            }
            // It was answered elsewhere, or the device is gone: the end of the window says which.
            Err(Error::Request(error)) => {
                self.output
                    .remark(error.sentence().unwrap_or("the answer came to nothing"));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn paired(&mut self, device: &Value) -> Result<(), Failure> {
        self.is_over = true;
        self.output.answered(false);
        let details = Dict::from([("device".to_owned(), device.clone())]);
        let of = |key| get(device, key);
        self.output.passing("");
        self.output.result(&show::event("paired", details), || {
            format!("paired: {} ({}) with the role {}", of("name"), of("id"), of("role"))
        })?;
        let undo = format!("to undo this: deskconnctl devices revoke {}", of("id"));
        self.output.remark(&undo);
        Ok(())
    }

    fn window_closed(&mut self, reason: Value) -> Result<(), Failure> {
        self.is_over = true;
        self.output.answered(false);
        let sentence = reason.as_str().unwrap_or("the window was closed").to_owned();
        if self.output.is_json() {
            let details = Dict::from([("reason".to_owned(), reason)]);
            self.output.result(&show::event("closed", details), String::new)?;
        }
        Err(Failure::failed(format!("no device was paired: {sentence}")).hint("`deskconnctl pair` opens a new window"))
    }

    fn count_down(&self, until: Instant) {
        if self.question.is_none() {
            self.output.passing(&format!("{} left, Ctrl-C closes it", left(until)));
        } else {
            self.output.tell_time(&time_to_answer(self.answer_by));
        }
    }
}
