//! `deskconnctl media`.

use client::{Session, Value};

use super::ask;
use crate::args::{Media, MediaCommand};
use crate::failure::Failure;
use crate::output::{Cell, Output};
use crate::values::get;

pub(super) async fn run(session: &Session, media: &Media, output: &Output) -> Result<(), Failure> {
    let mut args = Vec::new();
    let procedure = match media.command.unwrap_or(MediaCommand::Players) {
        MediaCommand::Players => return players(session, output).await,
        MediaCommand::Play => "org.deskconn.media.play",
        MediaCommand::Pause => "org.deskconn.media.pause",
        MediaCommand::Toggle => "org.deskconn.media.play_pause",
        MediaCommand::Next => "org.deskconn.media.next",
        MediaCommand::Previous => "org.deskconn.media.previous",
        MediaCommand::Stop => "org.deskconn.media.stop",
        MediaCommand::Seek { seconds } => {
            args.push(Value::Float(seconds));
            "org.deskconn.media.seek"
        }
    };
    args.extend(media.player.as_deref().map(Value::from));
    let done = ask(session, procedure, args).await?;
    output.result(&done, String::new)
}

async fn players(session: &Session, output: &Output) -> Result<(), Failure> {
    let players = ask(session, "org.deskconn.media.players", ()).await?;
    let players = players.as_list().unwrap_or_default();
    if players.is_empty() {
        output.remark("no player runs on the desktop");
    }
    output.table(players, &["ID", "NAME", "STATUS", "TITLE", "ARTIST"], |player| {
        ["id", "name", "status", "title", "artist"]
            .map(|key| Cell::from(get(player, key)))
            .to_vec()
    })
}
