//! Names that do not exist, answered with those that do: the likeliest first.

/// Names that are listed; of more it is said how many.
const MOST: usize = 8;
/// What exists in place of what was asked for, as the end of a sentence: `there are "office" and "laptop"`.
pub(crate) fn instead<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let names = sorted(wanted, known);
    match names.split_at_checked(MOST) {
        Some((shown, more)) if !more.is_empty() => {
            let shown: Vec<String> = shown.iter().map(|name| format!("{name:?}")).collect();
            format!("there are {} and {} more", shown.join(", "), more.len())
        }
        _ => listed(names),
    }
}

/// All that exists, in the order that it has, as desktops say it.
pub(crate) fn listed<'a>(known: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = known.into_iter().map(|name| format!("{name:?}")).collect();
    match names.as_slice() {
        [] => "there is none".to_owned(),
        [one] => format!("there is {one}"),
        [some @ .., last] => format!("there are {} and {last}", some.join(", ")),
    }
}

/// A question about the name that was probably meant.
pub(crate) fn meant<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let best = sorted(wanted, known).into_iter().next()?;
    // One slip, and one more for every four letters that they do not share; beyond that a guess would mislead.
    let slips = 1 + own(wanted, best).chars().count() / 4;
    (distance(wanted, best) <= slips).then(|| format!("did you mean {best:?}?"))
}

/// What a URI has of its own behind the components that both begin with, which would make all of one desktop's alike.
fn own<'a>(wanted: &'a str, known: &str) -> &'a str {
    let shared = wanted.split_inclusive('.').zip(known.split_inclusive('.'));
    let shared = shared
        .take_while(|(wanted, known)| wanted == known)
        .map(|(part, _)| part.len());
    wanted.get(shared.sum()..).unwrap_or_default()
}

/// Without those that occur twice, the likeliest first.
fn sorted<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = known.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_cached_key(|name| distance(wanted, name));
    names
}

/// How many letters have to be typed anew to come from one to the other, whatever their case.
fn distance(wanted: &str, name: &str) -> usize {
    strsim::damerau_levenshtein(&wanted.to_lowercase(), &name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_listed_with_the_likeliest_first() {
        assert_eq!(instead("x", []), "there is none");
        assert_eq!(instead("x", ["office"]), "there is \"office\"");
        assert_eq!(
            instead("lapto", ["office", "laptop", "attic", "laptop"]),
            "there are \"laptop\", \"attic\" and \"office\""
        );
    }

    #[test]
    fn eight_names_are_listed_and_a_ninth_is_counted() {
        let names: Vec<String> = (1..=9).map(|number| format!("desk{number}")).collect();
        let of = |count: usize| instead("desk", names.iter().take(count).map(String::as_str));
        assert!(of(8).ends_with("\"desk7\" and \"desk8\""), "{}", of(8));
        assert!(of(9).ends_with("\"desk8\" and 1 more"), "{}", of(9));
    }

    #[test]
    fn only_a_near_miss_is_asked_about() {
        let names = ["org.deskconn.slides.next", "org.deskconn.screen.lock"];
        assert_eq!(
            meant("org.deskconn.slide.next", names),
            Some("did you mean \"org.deskconn.slides.next\"?".to_owned())
        );
        assert_eq!(meant("ofice", ["Office"]), Some("did you mean \"Office\"?".to_owned()));
        assert_eq!(meant("kitchen", ["office"]), None);
    }

    #[test]
    fn what_all_uris_begin_with_makes_none_of_them_likely() {
        let names = [
            "org.deskconn.brightness.get",
            "org.deskconn.brightness.set",
            "org.deskconn.command.run",
        ];
        let brightness = Some("did you mean \"org.deskconn.brightness.set\"?".to_owned());
        assert_eq!(meant("org.deskconn.brightnes.set", names), brightness);
        assert_eq!(meant("org.deskconn.component.tea.bru", names), None);
        assert_eq!(meant("org.deskconn.x", names), None);
    }
}
