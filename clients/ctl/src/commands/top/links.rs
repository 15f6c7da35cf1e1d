//! What `deskconnctl top` says of links to other routers, above the sessions.

use super::super::status::why_down;
use super::figure;
use super::figures::Row;
use crate::output::Cell;
use crate::values::{get, number};

/// For programs that read lines: how many are up; nothing where there are none.
pub(super) fn cell(links: &[Row]) -> Option<Cell> {
    let up = links.iter().filter(|link| get(&link.value, "state") == "up").count();
    (!links.is_empty()).then(|| format!("{up} of {} links up", links.len()).into())
}

/// At most `room` lines, one for each link, with whether somebody should look at it; those stand first. Of more the last line
/// has the number.
pub(super) fn lines(links: &[Row], room: usize) -> Vec<(bool, String)> {
    let mut lines: Vec<_> = links.iter().map(|link| (is_in_trouble(link), line(link))).collect();
    lines.sort_by_key(|(is_in_trouble, _)| !is_in_trouble);
    if lines.len() > room {
        let shown = room.saturating_sub(1);
        let hidden = lines.len() - shown;
        lines.truncate(shown);
        if room > 0 {
            lines.push((false, format!("{hidden} more links")));
        }
    }
    lines
}

/// Whether it is not up, has lost events since the last look, or does not have all that it should.
fn is_in_trouble(link: &Row) -> bool {
    let missing = link.value.as_dict().and_then(|it| it.get("missing")?.as_list());
    get(&link.value, "state") != "up" || link.has_dropped() || missing.is_some_and(|it| !it.is_empty())
}

fn line(link: &Row) -> String {
    let of = |key| get(&link.value, key);
    let name = format!("link {} of {}", of("name"), of("realm"));
    let lost = number(&link.value, "dropped_out") + number(&link.value, "dropped_in");
    let told = [(number(&link.value, "waiting"), "wait"), (lost, "lost")].into_iter();
    let told: String = told
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("; {count} events {what}"))
        .collect();
    if of("state") != "up" {
        return format!("{name} {}: {}{told}", of("state"), why_down(&link.value));
    }
    let rate = |key| link.rate(key).map_or_else(|| "-".to_owned(), figure);
    format!(
        "{name} up: {} events/s out, {} in; {} calls/s out, {} in{told}",
        rate("events_out"),
        rate("events_in"),
        rate("calls_out"),
        rate("calls_in")
    )
}

#[cfg(test)]
mod tests {
    use super::super::figures::Snapshot;
    use super::*;

    /// Links of which `events_in` events have come, at this time.
    fn look(uptime_ms: u64, events: u64, before: Option<&Snapshot>) -> Snapshot {
        let answer = serde_json::json!({"uptime_ms": uptime_ms, "realms": [], "sessions": [], "links": [
            {"realm": "home", "name": "attic", "state": "up", "events_in": events, "waiting": 4, "missing": []},
            {"realm": "home", "name": "barn", "state": "refused", "why": "the proof is wrong", "dropped_out": 2}]});
        Snapshot::new(&serde_json::from_value(answer).unwrap(), before)
    }

    #[test]
    fn a_link_is_a_line_and_one_in_trouble_stands_first() {
        let now = look(3_000, 24, Some(&look(1_000, 0, None)));
        let expected = [
            (
                true,
                "link barn of home refused: the proof is wrong; 2 events lost".to_owned(),
            ),
            (
                false,
                "link attic of home up: 0 events/s out, 12 in; 0 calls/s out, 0 in; 4 events wait".to_owned(),
            ),
        ];
        assert_eq!(lines(&now.links, 2), expected);
        assert_eq!(cell(&now.links).unwrap().text, "1 of 2 links up");
    }

    #[test]
    fn links_take_no_more_room_than_there_is() {
        let links = look(1_000, 0, None).links;
        assert_eq!(lines(&links, 0), []);
        assert_eq!(lines(&links, 1), [(false, "2 more links".to_owned())]);
        assert_eq!((lines(&links, 2).len(), lines(&[], 2).len()), (2, 0));
    }
}
