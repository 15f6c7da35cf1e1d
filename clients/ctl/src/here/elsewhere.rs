//! Systems on which no desktop runs.

use std::future::{Ready, ready};

use client::{Client, Options, Session};

use super::NAME_ANOTHER;
use crate::failure::Failure;

/// There is none.
pub(crate) fn open(_options: Options) -> Ready<Result<Session, Failure>> {
    ready(Err(absent()))
}

/// There is none.
pub(crate) fn keep(_options: Options) -> Ready<Result<Client, Failure>> {
    ready(Err(absent()))
}

fn absent() -> Failure {
    let failure = Failure::NotFound("deskconnd does not run on this system".to_owned());
    failure.hint(format!("name a desktop: {NAME_ANOTHER}"))
}

/// Whether one runs, for a person.
pub(crate) fn news() -> String {
    format!("deskconnd does not run on this system. Name another: {NAME_ANOTHER}.")
}
