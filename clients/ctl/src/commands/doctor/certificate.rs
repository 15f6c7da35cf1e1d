//! Whether the certificate of the user's own, where there is one, is in use and holds for some time.

use client::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::Check;
use crate::values::get;

const CHECK: &str = "certificate";
/// Who renews certificates by a program does it weeks before their end.
const SOON: Duration = Duration::days(14);
const RENEW: &str =
    "put a new one there: the daemon reads it within a minute, or at once on `systemctl reload deskconnd`";

/// Judges what `org.deskconn.router.certificate` told; nothing where there is none.
pub(super) fn judge(told: Option<&Value>, now: OffsetDateTime) -> Vec<Check> {
    let Some(Value::Dict(_)) = told else { return Vec::new() };
    let told = told.unwrap_or(&Value::Null);
    let names = told.as_dict().and_then(|told| told.get("names")?.as_list());
    let names: Vec<_> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    let names = if names.is_empty() {
        "no name".to_owned()
    } else {
        names.join(", ")
    };
    let refused = get(told, "refused");
    if !refused.is_empty() {
        let found = format!("that for {names} stays in use, since the files as they are now cannot be used: {refused}");
        return vec![Check::warning(CHECK, found, RENEW)];
    }
    let end = get(told, "not_after");
    let Ok(not_after) = OffsetDateTime::parse(end, &Rfc3339) else {
        return vec![Check::unknown(
            CHECK,
            format!("that for {names} does not say when it ends"),
            RENEW,
        )];
    };
    let check = if not_after <= now {
        Check::failed(CHECK, format!("that for {names} has ended on {end}"), RENEW)
    } else if not_after - now < SOON {
        Check::warning(CHECK, format!("that for {names} ends on {end}"), RENEW)
    } else {
        Check::ok(CHECK, format!("that for {names} holds until {end}"))
    };
    vec![check]
}

#[cfg(test)]
mod tests {
    use client::Dict;

    use super::super::State;
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn judged(days: i64, refused: Option<&str>) -> Check {
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        let end = (now + Duration::days(days)).format(&Rfc3339).unwrap();
        let told = Dict::from([
            ("names".to_owned(), Value::List(vec!["desk.example.org".into()])),
            ("not_after".to_owned(), end.into()),
            ("refused".to_owned(), refused.map(str::to_owned).into()),
        ]);
        judge(Some(&told.into()), now).pop().unwrap()
    }

    #[test]
    fn the_end_of_a_certificate_is_told_and_warned_of_when_it_is_near() {
        for (days, state) in [
            (100, State::Ok),
            (14, State::Ok),
            (13, State::Warning),
            (0, State::Failed),
            (-1, State::Failed),
        ] {
            let check = judged(days, None);
            assert_eq!(check.state, state, "{days} days: {check:?}");
            assert!(check.found.contains("desk.example.org"), "{check:?}");
        }
    }

    #[test]
    fn files_that_were_not_taken_are_told_with_the_reason() {
        let check = judged(100, Some("desk.key: it is no private key"));
        assert_eq!(check.state, State::Warning);
        assert!(check.found.contains("desk.key: it is no private key"), "{check:?}");
    }

    #[test]
    fn without_a_certificate_of_the_users_nothing_is_said() {
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        assert_eq!(judge(None, now), []);
        assert_eq!(judge(Some(&Value::Null), now), []);
    }
}
