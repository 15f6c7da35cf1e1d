//! What `deskconnctl pair` shows: the code, the link, the QR code, and the device that is there.

use std::net::IpAddr;

use client::{Args, Dict, Value};
use pairing::Link;

use crate::args::{Pair, Policy};
use crate::blocks::Squares;
use crate::failure::Failure;
use crate::output::Output;
use crate::times;
use crate::values::get;

/// Between the QR code and the digits beside it.
const GAP: &str = "  ";

/// What the window is opened with.
pub(super) fn terms(pair: &Pair) -> Args {
    let mut terms = Args::default().with("legacy", pair.legacy).with("force", pair.force);
    terms = terms.with("insecure_network", pair.insecure_network);
    let grants = (!pair.grants.is_empty()).then(|| Value::List(pair.grants.iter().map(|uri| grant(uri)).collect()));
    let given = [
        ("role", pair.role.as_deref().map(Value::from)),
        ("name", pair.name.as_deref().map(Value::from)),
        ("ttl", pair.ttl.map(|ttl| ttl.as_secs().into())),
        ("grants", grants),
        ("expires", pair.expires.map(|time| times::text(time).into())),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            terms = terms.with(key, value);
        }
    }
    terms
}

/// A grant to call what is written like this.
fn grant(uri: &str) -> Value {
    Value::dict([("uri", uri.into()), ("match", Policy::of(uri).word().into())])
}

/// Something that happened, as programs read it.
pub(super) fn event(name: &str, mut details: Dict) -> Dict {
    details.insert("event".to_owned(), name.into());
    details
}

/// Shows the window that was opened.
pub(super) fn window(pair: &Pair, window: &Value, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        let details = window.as_dict().cloned().unwrap_or_default();
        return output.result(&event("open", details), String::new);
    }
    let mut code = get(window, "code").to_owned();
    if pair.legacy {
        // These clients read it as a number.
        code.retain(|c| c.is_ascii_digit());
    }
    let link = get(window, "link");
    let show_link = || {
        let shown = (!link.is_empty()).then(|| output.result(&link, || format!("Link: {link}")));
        shown.unwrap_or(Ok(()))
    };
    let hint = "Type the code at the device, or let it read the link. It works once, for a short time; a few wrong codes end it.";
    if !output.is_for_eyes() {
        output.loud(&format!("Code: {code}"))?;
        show_link()?;
        reach(pair, link, output);
        output.remark(hint);
        return Ok(());
    }
    // What is needed last stands last: a terminal of 24 lines shows the whole picture, the code and the countdown.
    output.remark(hint);
    reach(pair, link, output);
    show_link()?;
    let qr = Some(link)
        .filter(|link| !link.is_empty() && !pair.no_qr)
        .and_then(Squares::qr);
    output.picture(&picture(qr.as_ref(), &Squares::digits(&code), output))?;
    output.loud(&format!("Code: {code}"))
}

/// The QR code with the digits beside it, as far as the terminal is wide enough.
fn picture(qr: Option<&Squares>, digits: &Squares, output: &Output) -> String {
    let columns = Output::columns().unwrap_or(usize::MAX);
    let Some(qr) = qr.filter(|qr| qr.width() <= columns) else {
        if qr.is_some() {
            output.remark("the terminal is too narrow for the QR code");
        }
        return format!("\n{}\n", digits.lines().join("\n"));
    };
    let drawn = qr.for_a_camera(output.has_colours());
    if qr.width() + GAP.len() + digits.width() > columns {
        return format!("{drawn}\n{}\n", digits.lines().join("\n"));
    }
    let mut lines: Vec<String> = drawn.lines().map(str::to_owned).collect();
    let middle = lines.len().saturating_sub(digits.lines().len()) / 2;
    for (line, digits) in lines.iter_mut().skip(middle).zip(digits.lines()) {
        line.push_str(GAP);
        line.push_str(digits.trim_end());
    }
    lines.join("\n")
}

/// Says so when no device on the network can come.
fn reach(pair: &Pair, link: &str, output: &Output) {
    if pair.legacy {
        return;
    }
    if link.is_empty() {
        output.remark(
            "This desktop listens on no network address, so that no device can come; see `tcp` under [listen] in its \
             configuration.",
        );
        return;
    }
    let host = link
        .parse::<Link>()
        .ok()
        .and_then(|link| link.host.parse::<IpAddr>().ok());
    if host.is_some_and(|host| host.is_loopback()) {
        output.remark(
            "This desktop can be reached from this machine only: it listens on no other address, or is on no network.",
        );
    }
}

/// Shows the device that waits for an answer.
pub(super) fn device(question: &Value, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        let details = question.as_dict().cloned().unwrap_or_default();
        return output.result(&event("asked", details), String::new);
    }
    let name = match get(question, "name") {
        "" => "a device without a name",
        name => name,
    };
    let from = match get(question, "address") {
        "" => "an unknown place",
        address => address,
    };
    output.remark(&format!("{name} ({}) wants in from {from}", get(question, "kind")));
    output.remark(&format!(
        "  its key    {}   (the device shows the same)",
        get(question, "fingerprint")
    ));
    if let Some(known) = question
        .as_dict()
        .and_then(|question| question.get("replaces")?.as_dict())
    {
        let of = |key: &str| known.get(key).and_then(Value::as_str).unwrap_or_default();
        let is = format!(
            "  it is paired already as {:?} ({}); a yes puts this in its place",
            of("name"),
            of("role")
        );
        output.remark(&is);
    }
    let wants = get(question, "wants");
    if !wants.is_empty() {
        output.remark(&format!("  it wants   {wants}"));
    }
    output.remark(&format!("  it gets    {}", get(question, "role")));
    Ok(())
}
