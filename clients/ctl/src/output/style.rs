//! Colours, by what they mean: a theme of the terminal decides how they look.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// What a piece of text is to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is as it should be.
    Good,
    /// It failed, or was refused.
    Bad,
    /// It may need somebody.
    Warning,
    /// It matters less than what stands beside it.
    Dim,
    /// It is to be seen first.
    Strong,
}

impl Meaning {
    const fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Dim => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }

    /// The text in its colour.
    pub(crate) fn paint(self, text: &str) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set or TERM is dumb; anywhere with `CLICOLOR_FORCE`
    #[default]
    Auto,
    /// In a pipe too
    Always,
    /// Nowhere
    Never,
}

/// One of the two outputs, and who is behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    /// A person reads it.
    pub(crate) is_terminal: bool,
    /// The terminal can go back and write over what stands there.
    pub(crate) can_go_back: bool,
    pub(crate) has_colours: bool,
}

impl Stream {
    pub(crate) fn of(stream: &impl IsTerminal, color: Color) -> Self {
        let is_terminal = stream.is_terminal();
        // Knows TERM too: it says whether a terminal obeys anything.
        let obeys = anstyle_query::term_supports_color();
        Self {
            is_terminal,
            can_go_back: is_terminal && obeys,
            has_colours: match color {
                Color::Always => true,
                Color::Never => false,
                // In the order of https://no-color.org and https://bixense.com/clicolors: who wants none gets none.
                Color::Auto if anstyle_query::no_color() => false,
                Color::Auto if anstyle_query::clicolor_force() => true,
                Color::Auto => is_terminal && obeys && anstyle_query::clicolor() != Some(false),
            },
        }
    }

    /// The text in the colour of its meaning, where there are colours.
    pub(crate) fn paint(self, meaning: Option<Meaning>, text: &str) -> String {
        match meaning.filter(|_| self.has_colours && !text.is_empty()) {
            Some(meaning) => meaning.paint(text),
            None => text.to_owned(),
        }
    }
}
