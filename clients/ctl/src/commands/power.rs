//! `deskconnctl power`.

use client::Session;

use super::ask;
use crate::args::Power;
use crate::failure::Failure;
use crate::output::{Output, field};
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
    output.result(&answers, || {
        let rows = ["suspend", "hibernate", "reboot", "poweroff"];
        rows.map(|name| field(name, sentence(get(&answers, name)))).concat()
    })
}

fn sentence(answer: &str) -> &str {
    match answer {
        "na" => "no: the machine cannot",
        "challenge" => "no: its policy wants a password",
        other => other,
    }
}
