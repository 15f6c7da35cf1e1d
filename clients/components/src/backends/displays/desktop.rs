//! The desktop's own service for brightness, so that its slider follows what is set here.
//!
//! * KDE: `org.kde.ScreenBrightness`, with every display, those on cables too (`daemon/dbus` of powerdevil).
//! * GNOME since 49: the property `Backlight` of `org.gnome.Mutter.DisplayConfig`.
//! * GNOME before that: `org.gnome.SettingsDaemon.Power`, with the built-in display alone.
//!
//! The first of them that runs and has a display is the one that is used; asking starts none of them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use zbus::{Connection, MessageStream, OwnedVariant, Variant, fdo};

use crate::backends::bus::{self, Bus, PROPERTIES};
use crate::backends::{Display, DisplayKind, Failure, Missing};

const KDE: &str = "org.kde.ScreenBrightness";
const KDE_PATH: &str = "/org/kde/ScreenBrightness";
const KDE_DISPLAY: &str = "org.kde.ScreenBrightness.Display";
/// A flag of `SetBrightness`: no picture in the middle of the screen, twenty times in each second of a fade.
const KDE_QUIETLY: u32 = 1;

const MUTTER: &str = "org.gnome.Mutter.DisplayConfig";
const MUTTER_PATH: &str = "/org/gnome/Mutter/DisplayConfig";

const SETTINGS: &str = "org.gnome.SettingsDaemon.Power";
const SETTINGS_PATH: &str = "/org/gnome/SettingsDaemon/Power";
const SETTINGS_SCREEN: &str = "org.gnome.SettingsDaemon.Power.Screen";
/// What that one display is called here, since there it has no name.
const SETTINGS_DISPLAY: &str = "screen";

/// Displays that are taken of a service: more than a desk has.
const MAX_DISPLAYS: usize = 32;

const WHAT: &str = "the desktop's brightness service";

type Dictionary = HashMap<String, OwnedVariant>;

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Kde,
    Mutter,
    Settings,
}

impl Service {
    const ALL: [Self; 3] = [Self::Kde, Self::Mutter, Self::Settings];

    const fn name(self) -> &'static str {
        match self {
            Self::Kde => KDE,
            Self::Mutter => MUTTER,
            Self::Settings => SETTINGS,
        }
    }

    /// Below which all is that it has to say of displays. Two of the names belong to programs with much else to say.
    const fn path(self) -> &'static str {
        match self {
            Self::Kde => KDE_PATH,
            Self::Mutter => MUTTER_PATH,
            Self::Settings => SETTINGS_PATH,
        }
    }
}

/// The services of one session bus.
#[derive(Debug)]
pub(super) struct Desktop {
    bus: Arc<Bus>,
}

/// The displays of a service.
#[derive(Debug)]
pub(super) struct Served {
    service: Service,
    scales: Vec<Scale>,
    pub(super) displays: Vec<Display>,
}

/// How a display counts.
#[derive(Debug, Clone, Copy)]
struct Scale {
    min: i32,
    max: i32,
    /// What Mutter wants to hear with a change: which state of the displays is meant.
    serial: u32,
}

impl Served {
    /// Whether monitors on cables are this service's business too.
    pub(super) fn has_external(&self) -> bool {
        self.service == Service::Kde || self.displays.iter().any(|it| it.kind == DisplayKind::External)
    }
}

impl Desktop {
    pub(super) fn new(bus: Arc<Bus>) -> Self {
        Self { bus }
    }

    /// The displays of the service that runs; `None` where none does, or it has none.
    pub(super) async fn displays(&self) -> Option<Served> {
        let connection = self.bus.connection().await.ok()?;
        let names = fdo::DBusProxy::new(&connection).await.ok()?.list_names().await.ok()?;
        for service in Service::ALL {
            if !names.iter().any(|name| name.as_str() == service.name()) {
                continue;
            }
            // One that fails is as good as none: the display's own interface is left.
            let found = match service {
                Service::Kde => of_kde(&connection).await,
                Service::Mutter => of_mutter(&connection).await,
                Service::Settings => of_settings(&connection).await,
            };
            let found = found.unwrap_or_default();
            if !found.is_empty() {
                let (scales, displays) = found.into_iter().take(MAX_DISPLAYS).unzip();
                return Some(Served {
                    service,
                    scales,
                    displays,
                });
            }
        }
        None
    }

    /// Sets one of those displays.
    pub(super) async fn set(&self, served: &Served, index: usize, percent: u8) -> Result<Display, Failure> {
        let (display, scale) = (&served.displays[index], served.scales[index]);
        let connection = self.bus.connection().await?;
        let value = scale.value(percent);
        let set = match served.service {
            Service::Kde => {
                let path = format!("{KDE_PATH}/{}", display.id);
                let body = (value, KDE_QUIETLY);
                bus::call(&connection, KDE, &path, KDE_DISPLAY, "SetBrightness", &body).await
            }
            Service::Mutter => {
                let body = (scale.serial, display.id.as_str(), value);
                bus::call(&connection, MUTTER, MUTTER_PATH, MUTTER, "SetBacklight", &body).await
            }
            Service::Settings => {
                let body = (SETTINGS_SCREEN, "Brightness", Variant::from(value));
                bus::call(&connection, SETTINGS, SETTINGS_PATH, PROPERTIES, "Set", &body).await
            }
        };
        let () = set.map_err(|error| missing(&error))?;
        Ok(Display {
            percent: scale.percent(value),
            ..display.clone()
        })
    }

    /// Everything the services announce, their coming and going too.
    pub(super) async fn signals(&self) -> Option<SelectAll<MessageStream>> {
        let connection = self.bus.connection().await.ok()?;
        let rules = Service::ALL.map(|service| bus::said_by(service.name(), service.path()));
        bus::signals(&connection, rules.into(), &Service::ALL.map(Service::name))
            .await
            .ok()
    }
}

/// Waits for the next signal; `false` when there will be none.
pub(super) async fn next(signals: Option<&mut SelectAll<MessageStream>>) -> bool {
    match signals {
        Some(signals) => matches!(signals.next().await, Some(Ok(_))),
        None => std::future::pending().await,
    }
}

async fn of_kde(connection: &Connection) -> zbus::Result<Vec<(Scale, Display)>> {
    let names: OwnedVariant = bus::call(
        connection,
        KDE,
        KDE_PATH,
        PROPERTIES,
        "Get",
        &(KDE, "DisplaysDBusNames"),
    )
    .await?;
    let names = Vec::<String>::try_from(names).unwrap_or_default();
    let mut found = Vec::new();
    for name in names {
        // It is part of a path.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let path = format!("{KDE_PATH}/{name}");
        let properties: Dictionary = bus::call(connection, KDE, &path, PROPERTIES, "GetAll", &KDE_DISPLAY).await?;
        let scale = Scale {
            min: 0,
            max: integer(&properties, "MaxBrightness").unwrap_or_default(),
            serial: 0,
        };
        let value = integer(&properties, "Brightness").unwrap_or(-1);
        let is_internal = properties
            .get("IsInternal")
            .and_then(|value| bool::try_from(value).ok());
        let label = text(&properties, "Label").unwrap_or(&name).to_owned();
        found.extend(scale.display(name, label, is_internal.unwrap_or_default(), value));
    }
    Ok(found)
}

async fn of_mutter(connection: &Connection) -> zbus::Result<Vec<(Scale, Display)>> {
    let backlight: OwnedVariant = bus::call(
        connection,
        MUTTER,
        MUTTER_PATH,
        PROPERTIES,
        "Get",
        &(MUTTER, "Backlight"),
    )
    .await?;
    let (serial, lights) = <(u32, Vec<Dictionary>)>::try_from(backlight)?;
    let display = |light: &Dictionary| {
        let connector = text(light, "connector")?.to_owned();
        let scale = Scale {
            min: integer(light, "min").unwrap_or_default(),
            max: integer(light, "max")?,
            serial,
        };
        let is_internal = ["eDP", "LVDS", "DSI"].iter().any(|kind| connector.starts_with(kind));
        let name = if is_internal {
            "Built-in display".to_owned()
        } else {
            connector.clone()
        };
        scale.display(connector, name, is_internal, integer(light, "value")?)
    };
    Ok(lights.iter().filter_map(display).collect())
}

async fn of_settings(connection: &Connection) -> zbus::Result<Vec<(Scale, Display)>> {
    let body = (SETTINGS_SCREEN, "Brightness");
    let value: OwnedVariant = bus::call(connection, SETTINGS, SETTINGS_PATH, PROPERTIES, "Get", &body).await?;
    let scale = Scale {
        min: 0,
        max: 100,
        serial: 0,
    };
    let name = "Built-in display".to_owned();
    let value = i32::try_from(&value).unwrap_or(-1);
    Ok(scale
        .display(SETTINGS_DISPLAY.into(), name, true, value)
        .into_iter()
        .collect())
}

impl Scale {
    /// The display of that value; none where the service says that there is nothing to set.
    fn display(self, id: String, name: String, is_internal: bool, value: i32) -> Option<(Self, Display)> {
        if self.max <= self.min || value < self.min {
            return None;
        }
        let kind = if is_internal {
            DisplayKind::Internal
        } else {
            DisplayKind::External
        };
        let percent = self.percent(value);
        Some((
            self,
            Display {
                id,
                name,
                kind,
                percent,
            },
        ))
    }

    fn percent(self, value: i32) -> u8 {
        let (value, width) = (
            i64::from(value) - i64::from(self.min),
            i64::from(self.max) - i64::from(self.min),
        );
        let percent = (value * 100 + width / 2).checked_div(width).unwrap_or_default();
        u8::try_from(percent.clamp(0, 100)).unwrap_or_default()
    }

    fn value(self, percent: u8) -> i32 {
        let width = i64::from(self.max) - i64::from(self.min);
        let value = i64::from(self.min) + (i64::from(percent) * width + 50) / 100;
        i32::try_from(value).unwrap_or(self.max)
    }
}

fn integer(properties: &Dictionary, name: &str) -> Option<i32> {
    properties.get(name).and_then(|value| i32::try_from(value).ok())
}

fn text<'a>(properties: &'a Dictionary, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(|value| <&str>::try_from(value).ok())
}

fn missing(error: &zbus::Error) -> Missing {
    Missing {
        what: WHAT,
        reason: bus::reason(error),
        mend: "try again; if it stays so, log out and in".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_percentage_comes_back_on_every_scale_that_is_fine_enough() {
        for (min, max) in [(0, 100), (0, 10_000), (1, 255), (-5, 96_000)] {
            let scale = Scale { min, max, serial: 0 };
            for percent in 0..=100 {
                assert_eq!(scale.percent(scale.value(percent)), percent, "{min} to {max}");
            }
        }
        let broken = Scale {
            min: 3,
            max: 3,
            serial: 0,
        };
        assert!(broken.display("a".into(), "A".into(), true, 3).is_none());
        assert_eq!(broken.percent(3), 0);
    }
}
