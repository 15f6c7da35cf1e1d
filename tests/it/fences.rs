//! The code blocks and code words of the documents, with their places, and the commands of a shell that stand in them.
//! The tests of deskconnctl include this file too.

#![allow(dead_code, reason = "each of both uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

/// A code block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The document and the line of the block's fence.
    pub(crate) place: String,
    /// What it is written in.
    pub(crate) language: String,
    /// What stands between the fences.
    pub(crate) text: String,
}

/// Folders that are not looked into: what is made, and what others have made.
const MADE: [&str; 5] = ["target", "node_modules", "dist", "vectors", "corpus"];

/// The documents: those at the front door, those of `docs`, and each `README.md`.
pub(crate) fn documents(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let is_of_documents = folder == root || folder.ends_with("docs");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !MADE.contains(&name.as_str()) {
                folders.push(path);
            } else if name == "README.md" || (is_of_documents && name.ends_with(".md")) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "{found:?}");
    found
}

/// The name of a document, seen from the root.
pub(crate) fn shown(root: &Path, document: &Path) -> String {
    document.strip_prefix(root).unwrap().display().to_string()
}

/// The code blocks of all documents.
pub(crate) fn blocks(root: &Path) -> Vec<Block> {
    let mut blocks = Vec::new();
    for document in documents(root) {
        let text = fs::read_to_string(&document).unwrap();
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => blocks.push(block),
                (Some(language), None) => {
                    open = Some(Block {
                        place: format!("{}:{}", shown(root, &document), number + 1),
                        // What follows is for the compiler of documentation.
                        language: language.split(',').next().unwrap_or_default().to_owned(),
                        text: String::new(),
                    });
                }
                (None, Some(mut block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block does not end", document.display());
    }
    blocks
}

/// What stands in backquotes within a line, outside of blocks, with its document.
pub(crate) fn spans(root: &Path) -> Vec<(String, String)> {
    let mut spans = Vec::new();
    for document in documents(root) {
        let text = fs::read_to_string(&document).unwrap();
        let mut is_block = false;
        for line in text.lines() {
            is_block ^= line.starts_with("```");
            if !is_block && !line.starts_with("```") {
                let words = line.split('`').skip(1).step_by(2);
                spans.extend(words.map(|word| (shown(root, &document), word.to_owned())));
            }
        }
    }
    spans
}

/// The simple commands of a text for a shell, each as its words; no redirections, no assignments before a command.
pub(crate) fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words) = (Vec::new(), Vec::new());
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    let mut quote = None;
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '\\') => match characters.next() {
                Some('\n') | None => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            (None, '#') if word.is_none() => while characters.next_if(|next| *next != '\n').is_some() {},
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '&') if word.as_ref().is_some_and(|word| word.ends_with(['>', '<'])) => {
                word.get_or_insert_default().push('&');
            }
            (None, '\n' | ';' | '&' | '|' | '(' | ')') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    commands.push(words);
    let plain = commands.into_iter().map(without_the_shells_own);
    plain.filter(|command| !command.is_empty()).collect()
}

fn without_the_shells_own(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let is_assignment = kept.is_empty() && word.split_once('=').is_some_and(|(name, _)| is_name(name));
        let redirection = word.trim_start_matches(|c: char| c.is_ascii_digit());
        if let Some(to) = redirection.strip_prefix(['>', '<']) {
            if to.trim_start_matches('>').is_empty() {
                words.next();
            }
        } else if !is_assignment {
            kept.push(word);
        }
    }
    kept
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Words of `docs/CONTRIBUTING.md` by which a command is known that no test runs.
pub(crate) fn not_run(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("docs/CONTRIBUTING.md")).unwrap();
    let (_, table) = text.split_once("## Commands that no test runs").expect("the table");
    let table = table.split("\n## ").next().unwrap_or_default();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let words = cells.flat_map(|cell| cell.split(['`', ',', ' ']).filter(|word| !word.is_empty()));
    words.map(str::to_owned).collect()
}
