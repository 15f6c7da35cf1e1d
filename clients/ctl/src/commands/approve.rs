//! `deskconnctl approve`: asks about calls that a device may make only with somebody's consent.

use std::collections::VecDeque;
use std::future::ready;
use std::time::Duration;

use client::{Client, Dict, Error, Session, Subscription, Value, dict};
use tokio::time::{Instant, interval};
use zeroize::Zeroizing;

use super::keeping::{begun_anew, told};
use super::{Interrupts, ask, devices, unheard};
use crate::args::Approve;
use crate::failure::Failure;
use crate::output::{Output, left};
use crate::typed::{self, Typed};
use crate::values::{get, number};

/// What is asked about a call.
const QUESTION: &str = "Allow? [y/N]";

pub(super) async fn run(client: &Client, approve: &Approve, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    tokio::select! {
        result = serve(client, approve, output) => result,
        failure = told(client, "; calls that waited there have ended", output) => Err(failure),
        () = interrupts.next() => Ok(()),
    }
}

/// Asks about what waits and what comes, also at a desktop that is started anew.
async fn serve(client: &Client, approve: &Approve, output: &Output) -> Result<(), Failure> {
    let mut status = client.status();
    status.mark_unchanged();
    let session = client.session().await?;
    let mut trusted = Vec::new();
    for device in &approve.yes_to {
        trusted.push(get(&devices::find(&session, device).await?, "id").to_owned());
    }
    let mut asked = hear_always(client, &session, "org.deskconn.consent.on_asked").await?;
    let mut closed = hear_always(client, &session, "org.deskconn.consent.on_closed").await?;
    let mut questions = Questions {
        session,
        output,
        trusted,
        waiting: VecDeque::new(),
        typed: None,
        is_alone: false,
    };
    let mut is_first = true;
    loop {
        // What an earlier session still had to say is of calls that are gone, whose numbers others may have now. What this
        // one has said already waits, or is over.
        drop_early(&mut asked).await?;
        drop_early(&mut closed).await?;
        let waiting = match waiting(&questions.session).await {
            Ok(waiting) => waiting,
            // The next session will be asked.
            Err(_) if questions.session.has_ended() => {
                begun_anew(&mut status).await;
                questions.session = client.session().await?;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if std::mem::take(&mut is_first) {
            output.remark("waiting for calls that need consent; Ctrl-C ends it");
        }
        let events = (&mut asked, &mut closed);
        tokio::select! {
            biased;
            () = begun_anew(&mut status) => {}
            result = questions.serve(waiting, events) => result?,
        }
        questions.forget()?;
        questions.session = client.session().await?;
    }
}

/// Hears it in each session that the client has.
async fn hear_always(client: &Client, session: &Session, topic: &str) -> Result<Subscription, Failure> {
    match client.subscribe(topic).await {
        Ok(subscription) => Ok(subscription),
        Err(error) => Err(unheard(session, topic, error).await),
    }
}

/// Takes the events away that have come.
async fn drop_early(events: &mut Subscription) -> Result<(), Failure> {
    loop {
        tokio::select! {
            biased;
            event = events.next() => drop(event.ok_or_else(Failure::ended)?),
            () = ready(()) => return Ok(()),
        }
    }
}

/// What waits already. An older daemon does not say.
async fn waiting(session: &Session) -> Result<Vec<Value>, Failure> {
    match session.call("org.deskconn.consent.waiting", ()).await {
        Ok(told) => Ok(told.into_value().as_list().unwrap_or_default().to_vec()),
        Err(Error::Request(error)) if error.uri.as_str() == "wamp.error.no_such_procedure" => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The calls that wait. The daemon lets each device have one, so there are never more than devices.
struct Questions<'a> {
    session: Session,
    output: &'a Output,
    /// Ids of the devices that are not asked about.
    trusted: Vec<String>,
    /// The first one is shown; each with the end of its time.
    waiting: VecDeque<(Value, Instant)>,
    /// What is typed, once something is asked.
    typed: Option<Typed>,
    /// Whether nobody can type any more.
    is_alone: bool,
}

impl Questions<'_> {
    /// Asks about these, and about what comes in this session.
    async fn serve(
        &mut self,
        waiting: Vec<Value>,
        events: (&mut Subscription, &mut Subscription),
    ) -> Result<(), Failure> {
        let (asked, closed) = events;
        // They may be told as well.
        let mut early: Vec<u64> = waiting.iter().map(|question| number(question, "request")).collect();
        for question in waiting {
            self.add(question).await?;
        }
        let mut second = interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                event = asked.next() => {
                    let question = event.ok_or_else(Failure::ended)?.args.into_value();
                    match early.iter().position(|known| *known == number(&question, "request")) {
                        Some(place) => drop(early.swap_remove(place)),
                        None => self.add(question).await?,
                    }
                }
                event = closed.next() => self.close(&event.ok_or_else(Failure::ended)?.args.args).await?,
                line = Typed::next_of(&mut self.typed) => self.answer(line).await?,
                _ = second.tick() => self.tell_time(),
            }
        }
    }

    /// The desktop was started anew: no call of before waits there.
    fn forget(&mut self) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            self.output.answered(false);
        }
        for (question, _) in std::mem::take(&mut self.waiting) {
            let reason = "the desktop was started anew";
            let details = [
                ("request", number(&question, "request").into()),
                ("reason", reason.into()),
            ];
            self.event("closed", dict(details))?;
        }
        Ok(())
    }

    async fn add(&mut self, question: Value) -> Result<(), Failure> {
        self.event("asked", question.as_dict().cloned().unwrap_or_default())?;
        if self.trusted.iter().any(|device| device == get(&question, "device")) {
            return self.tell(&question, true).await;
        }
        let time = Duration::from_secs(number(&question, "expires_s"));
        self.waiting.push_back((question, Instant::now() + time));
        if self.waiting.len() == 1 {
            self.show().await;
        }
        Ok(())
    }

    /// Asks about the first call, if there is one.
    async fn show(&mut self) {
        let Some((question, until)) = self.waiting.front() else {
            return;
        };
        let (device, procedure) = (get(question, "device"), get(question, "procedure"));
        // Its name is for people; without one, its id must do.
        let known = ask(&self.session, "org.deskconn.devices.get", [device.into()]).await;
        let name = known.as_ref().map_or("", |known| get(known, "name"));
        self.output.remark(&format!(
            "{name} ({device}, role {}) wants to call {procedure}",
            get(question, "role")
        ));
        match &mut self.typed {
            Some(typed) => typed.forget_early(),
            None if self.is_alone => return,
            None => {
                typed::forget_early();
                self.typed = Some(Typed::begin());
            }
        }
        self.output.timed_question(QUESTION, &time_to_answer(*until));
    }

    fn tell_time(&self) {
        if let Some((_, until)) = self.waiting.front() {
            self.output.tell_time(&time_to_answer(*until));
        }
    }

    /// Takes what was typed; nothing more can be typed when there is no line.
    async fn answer(&mut self, line: Option<Zeroizing<String>>) -> Result<(), Failure> {
        self.output.answered(line.is_some());
        let Some(line) = line else {
            if self.trusted.is_empty() {
                return Err(Failure::failed(
                    "nobody is there to answer; --yes-to DEVICE says yes without asking",
                ));
            }
            (self.typed, self.is_alone) = (None, true);
            return Ok(());
        };
        let Some((_, until)) = self.waiting.front() else {
            return Ok(());
        };
        let is_yes = match line.trim() {
            "y" | "Y" | "yes" => true,
            "" | "n" | "N" | "no" => false,
            other => {
                self.output.remark(&format!("{other:?} is neither yes nor no"));
                self.output.timed_question(QUESTION, &time_to_answer(*until));
                return Ok(());
            }
        };
        let Some((question, _)) = self.waiting.pop_front() else {
            return Ok(());
        };
        self.tell(&question, is_yes).await?;
        self.show().await;
        Ok(())
    }

    async fn tell(&self, question: &Value, allow: bool) -> Result<(), Failure> {
        let request = number(question, "request");
        match ask(
            &self.session,
            "org.deskconn.consent.answer",
            [request.into(), allow.into()],
        )
        .await
        {
            Ok(_) => {}
            // It may have been answered elsewhere or taken back: that is no reason to end.
            Err(failure @ (Failure::Failed(_) | Failure::Hinted(..))) => {
                self.output.remark(&failure.to_string());
                return Ok(());
            }
            Err(failure) => return Err(failure),
        }
        let details = [
            ("request", request.into()),
            ("device", get(question, "device").into()),
            ("procedure", get(question, "procedure").into()),
            ("allowed", allow.into()),
        ];
        let word = if allow { "allowed" } else { "refused" };
        let text = format!("{word}: {} {}", get(question, "device"), get(question, "procedure"));
        self.output.result(&named("answered", dict(details)), || text)
    }

    /// A call no longer waits.
    async fn close(&mut self, args: &[Value]) -> Result<(), Failure> {
        let request = args.first().and_then(Value::as_u64).unwrap_or_default();
        let sentence = args.get(1).and_then(Value::as_str).unwrap_or_default();
        let details = [("request", request.into()), ("reason", sentence.into())];
        self.event("closed", dict(details))?;
        let Some(place) = self.waiting.iter().position(|(it, _)| number(it, "request") == request) else {
            return Ok(());
        };
        self.waiting.remove(place);
        if place == 0 {
            self.output.answered(false);
            self.output.remark(&format!("it no longer waits: {sentence}"));
            self.show().await;
        }
        Ok(())
    }

    fn event(&self, name: &str, details: Dict) -> Result<(), Failure> {
        if self.output.is_json() {
            self.output.result(&named(name, details), String::new)?;
        }
        Ok(())
    }
}

fn time_to_answer(until: Instant) -> String {
    format!("{} left to answer; no answer is no", left(until))
}

fn named(name: &str, mut details: Dict) -> Dict {
    details.insert("event".to_owned(), name.into());
    details
}
