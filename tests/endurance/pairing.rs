//! A device is paired, with somebody at the desktop who says yes.

use std::path::Path;
use std::time::Duration;

use client::{Args, Membership, Session};

/// The owner's answer comes back soon after the device has heard of it, and the other way round.
const SOON: Duration = Duration::from_secs(10);

/// Opens a window, pairs a device by its code over the network, and says yes.
///
/// # Errors
/// What the owner and the device were told.
pub(crate) async fn pair(owner: &Session, host: &str, file: &Path, name: &str) -> Result<Membership, String> {
    let asking = owner.subscribe("org.deskconn.pairing.on_asked").await;
    let mut asked = asking.map_err(|error| format!("nobody is told who asks: {error}"))?;
    let opened = owner.call("org.deskconn.pairing.open", []).await.map(Args::into_value);
    let code = opened.as_ref().ok().and_then(|it| it.as_dict()?.get("code")?.as_str());
    let code = code.ok_or_else(|| format!("no window for pairing: {opened:?}"))?;
    let pairing = Membership::pair(file, host, code, name, |_| {});
    let answering = async {
        let event = asked.next().await?;
        let request = event.args.args.first()?.as_dict()?.get("request")?.clone();
        Some(owner.call("org.deskconn.pairing.answer", [request, true.into()]).await)
    };
    tokio::pin!(pairing, answering);
    let (paired, answered) = tokio::select! {
        paired = &mut pairing => (Some(paired), tokio::time::timeout(SOON, answering).await.ok()),
        answered = &mut answering => (tokio::time::timeout(SOON, pairing).await.ok(), Some(answered)),
    };
    match paired {
        Some(Ok(membership)) => Ok(membership),
        Some(Err(error)) => Err(format!("not paired: {error}; the owner's answer: {answered:?}")),
        None => Err(format!("the device waits for ever; the owner's answer: {answered:?}")),
    }
}
