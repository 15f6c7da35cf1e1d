//! `deskconnctl man`.

use std::path::Path;

use crate::args::Man;
use crate::failure::Failure;
use crate::manual::{Page, page_of, pages};
use crate::mistyped;
use crate::output::{self, Output};

pub(super) fn run(man: &Man, output: &Output) -> Result<(), Failure> {
    if let Some(directory) = &man.write {
        return write(directory, output);
    }
    let path: Vec<&str> = man.command.iter().map(String::as_str).collect();
    let page = page_of(&path).map_err(|(name, known)| {
        let known = || known.iter().map(String::as_str);
        let failure = Failure::Usage(format!(
            "there is no command {name:?}; {}",
            mistyped::instead(name, known())
        ));
        match mistyped::meant(name, known()) {
            Some(question) => failure.hint(question),
            None => failure,
        }
    })?;
    let page = page.map_err(|error| Failure::failed(format!("the page cannot be made: {error}")))?;
    output::bytes(&page.text)?;
    if output.is_for_eyes() {
        let words = [&["deskconnctl", "man"], path.as_slice()].concat().join(" ");
        output.remark(&format!("this is for a formatter: {words} | man -l -"));
    }
    Ok(())
}

fn write(directory: &Path, output: &Output) -> Result<(), Failure> {
    let failed = |error| Failure::failed(format!("{} cannot be written: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    for Page { file, text } in pages().map_err(failed)? {
        let path = directory.join(file);
        std::fs::write(&path, text).map_err(failed)?;
        let shown = path.display().to_string();
        output.result(&shown, || shown.clone())?;
    }
    Ok(())
}
