//! Batteries as the kernel has them, in `/sys/class/power_supply` (`Documentation/ABI/testing/sysfs-class-power`).

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{Battery, BatteryState, whole_percent};

/// The longest time that is told: a battery that would last for a year is one that is not used.
const MAX_TIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// One battery.
#[derive(Debug)]
struct Cell {
    state: BatteryState,
    percent: f64,
    charge: Option<Charge>,
}

/// What is in it, what goes in, and what it changes by in an hour, all in the same unit.
#[derive(Debug, Clone, Copy)]
struct Charge {
    now: f64,
    full: f64,
    rate: f64,
}

/// All batteries that keep the machine alive as one; `None` if there is none. Blocks.
pub(super) fn battery(directory: &Path) -> io::Result<Option<Battery>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        // A kernel without power supplies has no battery.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut cells = Vec::new();
    for entry in entries {
        cells.extend(Cell::read(&entry?.path()));
    }
    Ok(sum(&cells))
}

fn sum(cells: &[Cell]) -> Option<Battery> {
    if cells.is_empty() {
        return None;
    }
    let state = together(cells);
    let charges: Option<Vec<Charge>> = cells.iter().map(|cell| cell.charge).collect();
    let total = charges.map(|charges| {
        let sum = |of: fn(&Charge) -> f64| charges.iter().map(of).sum::<f64>();
        Charge {
            now: sum(|it| it.now),
            full: sum(|it| it.full),
            rate: sum(|it| it.rate),
        }
    });
    let percent = match total {
        Some(total) => total.now / total.full * 100.0,
        None => {
            let count = f64::from(u32::try_from(cells.len()).unwrap_or(u32::MAX));
            cells.iter().map(|cell| cell.percent).sum::<f64>() / count
        }
    };
    let time = |amount: f64, wanted: BatteryState| {
        let hours = amount / total?.rate;
        let time = Duration::try_from_secs_f64(hours * 3600.0).ok()?;
        (state == wanted && time <= MAX_TIME).then_some(time)
    };
    Some(Battery {
        percent: whole_percent(percent, 0),
        state,
        time_to_empty: total.and_then(|total| time(total.now, BatteryState::Discharging)),
        time_to_full: total.and_then(|total| time((total.full - total.now).max(0.0), BatteryState::Charging)),
    })
}

/// What they do together: one that is filled while the others wait is what happens.
fn together(cells: &[Cell]) -> BatteryState {
    let any = |state| cells.iter().any(|cell| cell.state == state);
    let first = [BatteryState::Discharging, BatteryState::Charging]
        .into_iter()
        .find(|state| any(*state));
    let all = |state| cells.iter().all(|cell| cell.state == state);
    let same = || {
        [BatteryState::Full, BatteryState::Unknown]
            .into_iter()
            .find(|state| all(*state))
    };
    first.or_else(same).unwrap_or(BatteryState::Idle)
}

impl Cell {
    /// The battery of a directory, unless it is none, or one of a mouse.
    fn read(directory: &Path) -> Option<Self> {
        let text = |name: &str| {
            let text = fs::read_to_string(directory.join(name)).ok()?;
            Some(text.trim().to_owned())
        };
        let is = |name: &str, value: &str| text(name).as_deref() == Some(value);
        if !is("type", "Battery") || is("scope", "Device") || is("present", "0") {
            return None;
        }
        let number = |name: &str| text(name)?.parse::<f64>().ok().filter(|number| number.is_finite());
        let of = |now: &str, full: &str, rate: &str| {
            let full = number(full).filter(|full| *full > 0.0)?;
            // Some drivers count what goes out as less than nothing.
            let rate = number(rate).unwrap_or_default().abs();
            Some(Charge {
                now: number(now)?,
                full,
                rate,
            })
        };
        let charge =
            of("energy_now", "energy_full", "power_now").or_else(|| of("charge_now", "charge_full", "current_now"));
        let by_charge = || charge.map(|charge| charge.now / charge.full * 100.0);
        Some(Self {
            state: match text("status").as_deref() {
                Some("Charging") => BatteryState::Charging,
                Some("Discharging") => BatteryState::Discharging,
                Some("Full") => BatteryState::Full,
                Some("Not charging") => BatteryState::Idle,
                _ => BatteryState::Unknown,
            },
            percent: number("capacity").or_else(by_charge)?,
            charge,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(supplies: &[(&str, &[(&str, &str)])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, files) in supplies {
            let supply = directory.path().join(name);
            fs::create_dir(&supply).unwrap();
            for (file, content) in *files {
                fs::write(supply.join(file), format!("{content}\n")).unwrap();
            }
        }
        directory
    }

    fn read(supplies: &[(&str, &[(&str, &str)])]) -> Option<Battery> {
        battery(tree(supplies).path()).unwrap()
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_machine_without_a_battery_has_none() {
        assert_eq!(read(&[]), None);
        assert_eq!(battery(Path::new("/nowhere/power_supply")).unwrap(), None);
        let others: &[(&str, &[(&str, &str)])] = &[
            ("AC", &[("type", "Mains"), ("online", "1")]),
            ("mouse", &[("type", "Battery"), ("scope", "Device"), ("capacity", "90")]),
            ("BAT1", &[("type", "Battery"), ("present", "0"), ("capacity", "0")]),
            ("BAT2", &[("type", "Battery"), ("capacity", "much")]),
        ];
        assert_eq!(read(others), None, "a mouse does not keep the machine alive");
    }

    #[test]
    fn a_battery_says_how_long_it_lasts_by_energy_or_by_charge() {
        let by_energy = read(&[(
            "BAT0",
            &[
                ("type", "Battery"),
                ("status", "Discharging"),
                ("capacity", "49"),
                ("energy_now", "20000000"),
                ("energy_full", "40000000"),
                ("power_now", "10000000"),
            ],
        )])
        .unwrap();
        assert_eq!((by_energy.percent, by_energy.state), (50, BatteryState::Discharging));
        assert_eq!(
            (by_energy.time_to_empty, by_energy.time_to_full),
            (Some(2 * HOUR), None)
        );
        let by_charge = read(&[(
            "BAT0",
            &[
                ("type", "Battery"),
                ("status", "Charging"),
                ("charge_now", "3000000"),
                ("charge_full", "4000000"),
                ("current_now", "-1000000"),
            ],
        )])
        .unwrap();
        assert_eq!((by_charge.percent, by_charge.state), (75, BatteryState::Charging));
        assert_eq!((by_charge.time_to_empty, by_charge.time_to_full), (None, Some(HOUR)));
    }

    #[test]
    fn what_does_not_flow_lasts_for_no_time() {
        for rate in ["0", "1", "-0"] {
            let battery = read(&[(
                "BAT0",
                &[
                    ("type", "Battery"),
                    ("status", "Discharging"),
                    ("energy_now", "20000000"),
                    ("energy_full", "40000000"),
                    ("power_now", rate),
                ],
            )]);
            assert_eq!(battery.unwrap().time_to_empty, None, "{rate}");
        }
    }

    #[test]
    fn several_batteries_are_one() {
        let cell = |status: &'static str, now: &'static str, full: &'static str| {
            [
                ("type", "Battery"),
                ("status", status),
                ("energy_now", now),
                ("energy_full", full),
                ("power_now", "5"),
            ]
        };
        let (small, large) = (cell("Not charging", "10", "10"), cell("Discharging", "30", "90"));
        let both = read(&[("BAT0", &small), ("BAT1", &large)]).unwrap();
        assert_eq!((both.percent, both.state), (40, BatteryState::Discharging));
        assert_eq!(both.time_to_empty, Some(4 * HOUR));
        let (full, idle) = (cell("Full", "10", "10"), cell("Not charging", "5", "10"));
        assert_eq!(read(&[("BAT0", &full)]).unwrap().state, BatteryState::Full);
        assert_eq!(
            read(&[("BAT0", &full), ("BAT1", &idle)]).unwrap().state,
            BatteryState::Idle
        );
        let rough = [("type", "Battery"), ("capacity", "20")];
        let unlike = read(&[("BAT0", &full), ("BAT1", &rough)]).unwrap_or_else(|| panic!("there are two"));
        assert_eq!(unlike.percent, 60, "what has no charge counts by its percentage");
    }
}
