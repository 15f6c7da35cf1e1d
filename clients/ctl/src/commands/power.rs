//! `deskconnctl power`.

use client::Session;

use super::ask;
use crate::args::Power;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};
use crate::values::get;

pub(super) async fn run(session: &Session, power: Option<Power>, output: &Output) -> Result<(), Failure> {
    let procedure = match power.unwrap_or(Power::Can) {
        Power::Can => return can(session, output).await,
        Power::Suspend => "org.deskconn.power.suspend",
        Power::Hibernate => "org.deskconn.power.hibernate",
        Power::Reboot => "org.deskconn.power.reboot",
        Power::Poweroff => "org.deskconn.power.poweroff",
    };
    let done = ask(session, procedure, ()).await?;
    output.result(&done, String::new)
}

async fn can(session: &Session, output: &Output) -> Result<(), Failure> {
    let answers = ask(session, "org.deskconn.power.can", ()).await?;
    let fields = ["suspend", "hibernate", "reboot", "poweroff"].map(|name| (name, sentence(get(&answers, name))));
    output.fields(&answers, &fields)
}

fn sentence(answer: &str) -> Cell {
    match answer {
        "yes" => Cell::marked(Meaning::Good, "yes"),
        "na" => Cell::marked(Meaning::Dim, "no: the machine cannot"),
        "challenge" => "no: its policy wants a password".into(),
        other => other.into(),
    }
}
