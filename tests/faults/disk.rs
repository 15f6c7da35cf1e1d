//! The disk is full: what cannot be written is refused and said, everything else goes on, and nothing that was acknowledged is
//! lost.

use std::fs;
use std::time::Duration;

use crate::desk::{Desk, figure, fill};
use crate::judge::{Judge, until};
use crate::users::{Users, history, one_more};

/// How long there is no space: long enough for some 70 events that cannot be kept.
const LASTS: Duration = Duration::from_secs(3);
/// Something that is written 25 times a second is written again soon.
const SOON: Duration = Duration::from_secs(5);

/// Takes the space, and gives it back.
pub(crate) async fn full(desk: &mut Desk, users: &Users) {
    let judge = Judge("disk full");
    let (before, mark) = (desk.sample(), desk.mark());
    let owner = desk.owner().await;
    let lost = figure(&owner, "deskconn_events_not_kept").await;
    let ballast = desk.state().join("ballast");
    fill(&ballast);
    let refused = users.kept().refused.len();
    let noticed = until(SOON, async || users.kept().refused.len() > refused).await;
    let kept = users.kept();
    judge.hears(
        "who waits for an event to be on the disk is told that it is not",
        noticed.is_some() && kept.why.contains("disk"),
        &kept.why,
    );
    let season = users.season_of(LASTS).await;
    judge.served(&season);
    let acknowledged = users.kept().acknowledged;
    let file = desk.home.join("elsewhere/refused.json");
    let pairing = one_more(desk, &owner, &file).await;
    let told = pairing.as_ref().err().cloned().unwrap_or_default();
    let devices = fs::read_to_string(desk.state().join("devices.json")).unwrap();
    judge.hears(
        "a device is not paired, both are told why, and the list is as it was",
        told.contains("No space left") && !devices.contains("another"),
        format!("{pairing:?}"),
    );
    let lost = figure(&owner, "deskconn_events_not_kept").await - lost;
    judge.hears("a figure counts what was not kept", lost >= 1.0, lost);
    let state = desk.doctor("state").await;
    judge.hears(
        "doctor names the disk",
        state.contains("\"failed\"") && state.contains("has 0 KiB free"),
        state,
    );
    fs::remove_file(&ballast).unwrap();
    let last = acknowledged.last().copied().unwrap_or_default();
    let again = until(SOON, async || {
        users.kept().acknowledged.last().is_some_and(|newest| *newest > last)
    })
    .await;
    judge.hears(
        "with space events are kept again",
        again.is_some(),
        format!("after {again:?}"),
    );
    let paired = one_more(desk, &owner, &file).await;
    judge.hears("with space a device is paired", paired.is_ok(), format!("{paired:?}"));
    let words = [
        "events are not kept: cannot write",
        "No space left",
        "events are kept again",
        "could not be stored",
    ];
    judge.logged(desk, mark, &words);
    owner.leave().await;
    judge.recovered(desk, &before).await;
}

/// After all of it, and after the daemon was killed, what was acknowledged is on the disk.
pub(crate) async fn is_kept(desk: &mut Desk, users: Users) {
    let judge = Judge("disk full");
    let kept = users.kept();
    let season = users.leave().await;
    judge.hears("nobody lost anything at the end", season.wrong.is_empty(), &season);
    desk.kill().await;
    desk.start_again().await;
    let session = desk.session("ws").await;
    let found = history(&session).await;
    let missing: Vec<_> = kept.acknowledged.iter().filter(|it| !found.contains(it)).collect();
    let doubled = found.windows(2).any(|pair| pair[0] >= pair[1]);
    let there: Vec<_> = kept.refused.iter().filter(|it| found.contains(it)).collect();
    let is_so = missing.is_empty() && !doubled && there.is_empty() && !kept.refused.is_empty();
    judge.hears(
        "after a kill every acknowledged event is there, once and in order, and none that was refused",
        is_so,
        format!(
            "{} acknowledged, {} refused, {} found; missing {missing:?}, refused and there {there:?}, doubled {doubled}",
            kept.acknowledged.len(),
            kept.refused.len(),
            found.len()
        ),
    );
    session.leave().await;
}
