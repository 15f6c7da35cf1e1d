//! What a player says of itself, from its D-Bus properties (MPRIS D-Bus Interface Specification 2.2, and the metadata
//! guidelines beside it). Players are not exact about types: what cannot be read counts as not said.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use zbus::{OwnedVariant, Variant};

use super::super::players::{Abilities, Player, PlayerStatus};
use super::art;

/// The longest name, title, artist and album that is told: a page can set its title, and makes it as long as it likes.
/// No display has room for more.
pub const MAX_TEXT_CHARS: usize = 300;

/// By how much a position may be off until it is told: players round to seconds and take their time to answer.
pub(super) const POSITION_SLACK: Duration = Duration::from_secs(1);

/// The properties of one interface, as `GetAll` gives them.
pub(super) type Properties = HashMap<String, OwnedVariant>;

/// A player with what is needed to say where it will be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) player: Player,
    /// Where the picture of the track is.
    pub(super) art_url: Option<String>,
    /// Seconds of the track in a second.
    rate: f64,
    at: Instant,
}

impl Seen {
    /// What a player with this id says.
    pub(super) fn of(id: &str, root: &Properties, mut of_player: Properties) -> Self {
        let metadata: Properties = of_player
            .remove("Metadata")
            .and_then(|value| value.try_into().ok())
            .unwrap_or_default();
        let text = |name: &str| text(metadata.get(name));
        let can_control = flag(&of_player, "CanControl");
        let can = |name| can_control && flag(&of_player, name);
        let art_url = art::local(&text("mpris:artUrl"));
        let name = self::text(root.get("Identity"));
        let status = match self::text(of_player.get("PlaybackStatus")).as_str() {
            "Playing" => PlayerStatus::Playing,
            "Paused" => PlayerStatus::Paused,
            _ => PlayerStatus::Stopped,
        };
        let player = Player {
            id: id.to_owned(),
            name: short(if name.is_empty() { id } else { &name }),
            status,
            title: short(&text("xesam:title")),
            artist: short(&text("xesam:artist")),
            album: short(&text("xesam:album")),
            length: microseconds(metadata.get("mpris:length")),
            position: microseconds(of_player.get("Position")),
            art: art_url.as_deref().map(art::name),
            can: Abilities {
                play: can("CanPlay"),
                pause: can("CanPause"),
                next: can("CanGoNext"),
                previous: can("CanGoPrevious"),
                seek: can("CanSeek"),
                stop: can_control,
            },
        };
        let rate = of_player.get("Rate").and_then(|rate| f64::try_from(rate).ok());
        Self {
            player,
            art_url,
            rate: rate.filter(|rate| rate.is_finite() && *rate >= 0.0).unwrap_or(1.0),
            at: Instant::now(),
        }
    }

    /// Whether this is what `told` would have become by itself.
    pub(super) fn follows(&self, told: &Self) -> bool {
        let still = Player {
            position: told.player.position,
            ..self.player.clone()
        };
        still == told.player && self.rate == told.rate && self.is_where_expected(told)
    }

    fn is_where_expected(&self, told: &Self) -> bool {
        let (Some(now), Some(then)) = (self.player.position, told.player.position) else {
            return self.player.position == told.player.position;
        };
        let passed = match told.player.status {
            PlayerStatus::Playing => self.at.saturating_duration_since(told.at).as_secs_f64() * told.rate,
            PlayerStatus::Paused | PlayerStatus::Stopped => 0.0,
        };
        let off = now.as_secs_f64() - then.as_secs_f64() - passed;
        off.abs() <= POSITION_SLACK.as_secs_f64()
    }
}

/// A text, or several of them: an artist is a list by the guidelines, and a text at some players.
fn text(value: Option<&OwnedVariant>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    if let Ok(text) = <&str>::try_from(value) {
        return text.to_owned();
    }
    let Ok(list) = <&zbus::Array<'_>>::try_from(value) else {
        return String::new();
    };
    let texts: Vec<&str> = list.iter().filter_map(|text| <&str>::try_from(text).ok()).collect();
    texts.join(", ")
}

/// Its beginning, if it is longer than anybody shows.
fn short(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// A time in microseconds: a signed number by the specification, an unsigned one or a float at some players.
fn microseconds(value: Option<&OwnedVariant>) -> Option<Duration> {
    let value: &Variant<'_> = value?;
    let number = i64::try_from(value)
        .ok()
        .and_then(|number| u64::try_from(number).ok())
        .or_else(|| u64::try_from(value).ok());
    if let Some(number) = number {
        return Some(Duration::from_micros(number));
    }
    let seconds = f64::try_from(value).ok()? / 1e6;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What it can do. A player has to say it; one that does not is asked, and may say no.
fn flag(properties: &Properties, name: &str) -> bool {
    properties
        .get(name)
        .and_then(|value| bool::try_from(value).ok())
        .unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned<'a>(value: impl Into<Variant<'a>>) -> OwnedVariant {
        value.into().try_into_owned().unwrap()
    }

    fn playing(position_us: i64) -> Properties {
        Properties::from([
            ("PlaybackStatus".to_owned(), owned("Playing")),
            ("Position".to_owned(), owned(position_us)),
        ])
    }

    fn seen(metadata: HashMap<&str, Variant<'_>>) -> Player {
        let properties = Properties::from([("Metadata".to_owned(), owned(metadata))]);
        Seen::of("a", &Properties::new(), properties).player
    }

    #[test]
    fn a_player_that_says_nothing_is_still_one() {
        let player = Seen::of("vlc", &Properties::new(), Properties::new()).player;
        assert_eq!((player.name.as_str(), player.status), ("vlc", PlayerStatus::Stopped));
        assert_eq!(
            (player.title.as_str(), player.length, player.position),
            ("", None, None)
        );
        assert!(player.can.play && player.can.stop, "it is asked, and may say no");
    }

    #[test]
    fn tracks_are_read_in_whatever_type_they_come() {
        let strict = seen(HashMap::from([
            ("xesam:artist", Variant::from(vec!["Ella", "Louis"])),
            ("mpris:length", Variant::from(90_500_000_i64)),
        ]));
        assert_eq!(strict.artist, "Ella, Louis");
        assert_eq!(strict.length, Some(Duration::from_millis(90_500)));
        let loose = seen(HashMap::from([
            ("xesam:artist", Variant::from("Ella")),
            ("mpris:length", Variant::from(90_500_000_u64)),
        ]));
        assert_eq!((loose.artist, loose.length), ("Ella".to_owned(), strict.length));
        let wrong = seen(HashMap::from([
            ("xesam:artist", Variant::from(7_u32)),
            ("mpris:length", Variant::from(-1_i64)),
            ("xesam:title", Variant::from(vec![1_u8])),
        ]));
        assert_eq!(
            (wrong.artist, wrong.length, wrong.title),
            (String::new(), None, String::new())
        );
        let float = seen(HashMap::from([("mpris:length", Variant::from(f64::NAN))]));
        assert_eq!(float.length, None);
    }

    #[test]
    fn a_title_is_told_up_to_the_limit_and_no_further() {
        for (length, told) in [(MAX_TEXT_CHARS, MAX_TEXT_CHARS), (MAX_TEXT_CHARS + 1, MAX_TEXT_CHARS)] {
            let title = "é".repeat(length);
            let player = seen(HashMap::from([("xesam:title", Variant::from(title.as_str()))]));
            assert_eq!(player.title.chars().count(), told);
        }
    }

    #[test]
    fn who_may_not_be_controlled_can_nothing() {
        let properties = Properties::from([("CanControl".to_owned(), owned(false))]);
        let can = Seen::of("a", &Properties::new(), properties).player.can;
        assert!(!(can.play || can.pause || can.next || can.previous || can.seek || can.stop));
    }

    #[test]
    fn time_that_passes_is_no_change_and_a_jump_is() {
        let told = Seen::of("a", &Properties::new(), playing(10_000_000));
        let later = |position_us| {
            let mut seen = Seen::of("a", &Properties::new(), playing(position_us));
            seen.at = told.at + Duration::from_secs(5);
            seen
        };
        assert!(later(15_000_000).follows(&told));
        assert!(later(15_900_000).follows(&told) && later(14_100_000).follows(&told));
        assert!(!later(16_100_000).follows(&told) && !later(10_000_000).follows(&told));
        let mut other = later(15_000_000);
        other.player.title = "Another".to_owned();
        assert!(!other.follows(&told));
    }
}
