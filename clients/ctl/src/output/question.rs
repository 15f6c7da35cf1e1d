//! Questions at a terminal: what is typed stands behind them, what is said meanwhile above them.

use super::safe::one_line;
use super::{CLEAR_LINE, Meaning, Output, put};

/// One line up, and remember first where the cursor was; back there (ECMA-48 §8.3.22; DEC VT100: DECSC, DECRC).
const TO_LINE_ABOVE: &str = "\u{1b}7\u{1b}[A";
const BACK: &str = "\u{1b}8";
/// One line up.
const UP: &str = "\u{1b}[A";

/// A question that nobody has answered yet.
#[derive(Debug, Clone)]
pub(super) struct Question {
    text: String,
    /// How long it waits: a line above it that changes.
    time: Option<String>,
}

impl Output {
    /// A question, behind which the answer is typed.
    pub(crate) fn question(&self, text: &str) {
        self.ask(Question {
            text: one_line(text),
            time: None,
        });
    }

    /// A question with a line above it that says how long it waits; see [`Output::tell_time`].
    pub(crate) fn timed_question(&self, text: &str, time: &str) {
        self.ask(Question {
            text: one_line(text),
            time: Some(one_line(time)).filter(|_| self.has_passing()),
        });
    }

    /// Changes the line above the question that is open. What is typed below stays.
    pub(crate) fn tell_time(&self, time: &str) {
        let mut open = self.open_question.borrow_mut();
        if let Some(shown) = open.as_mut().and_then(|question| question.time.as_mut()) {
            *shown = one_line(time);
            let shown = self.remarks.paint(Some(Meaning::Dim), shown);
            put(&format!("{TO_LINE_ABOVE}{CLEAR_LINE}{shown}{BACK}"));
        }
    }

    /// The question needs no answer any more: one was typed, and the cursor stands on the next line, or nobody waits.
    pub(crate) fn answered(&self, is_typed: bool) {
        let question = self.open_question.borrow_mut().take();
        if question.is_some() && !is_typed {
            put("\n");
        }
    }

    /// Takes the question away, so that something can be said where it stood; gives it, to be asked again.
    pub(super) fn interrupt_question(&self) -> Option<Question> {
        let question = self.open_question.borrow_mut().take()?;
        match (self.remarks.can_go_back, &question.time) {
            (true, Some(_)) => put(&format!("{CLEAR_LINE}{UP}{CLEAR_LINE}")),
            (true, None) => put(CLEAR_LINE),
            (false, _) => put("\n"),
        }
        Some(question)
    }

    pub(super) fn ask(&self, question: Question) {
        self.clear_passing();
        let time = question
            .time
            .as_ref()
            .map(|time| self.remarks.paint(Some(Meaning::Dim), time));
        let time = time.map(|time| format!("{time}\n")).unwrap_or_default();
        let text = self.remarks.paint(Some(Meaning::Strong), &question.text);
        put(&format!("{time}{text} "));
        self.open_question.replace(Some(question));
    }
}
