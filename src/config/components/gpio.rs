//! `[[components.gpio.line]]`: lines of GPIO chips that devices may read and drive.

use components::backends::gpio::{Bias, Direction, LineId, Wanted};
use components::gpio::{Configured, MAX_LINES, Settings};

use super::is_name;
use crate::config::read::{ConfigError, Field, Section};

/// The longest name of a chip or a line: the kernel has 32 bytes for each (`GPIO_MAX_NAME_SIZE`), a path has more.
const MAX_KERNEL_NAME: usize = 255;

/// Lines of a chip: the kernel counts them in 16 bits.
const MAX_OFFSET: u64 = u16::MAX as u64;

pub(super) fn read(section: &mut Section<'_>) -> Result<Settings, ConfigError> {
    let mut section = section.section("gpio")?;
    let mut lines: Vec<Configured> = Vec::new();
    for mut one in section.sections("line", MAX_LINES)? {
        let line = read_one(&mut one)?;
        if lines.iter().any(|other| other.name == line.name) {
            return Err(one.error(format!("there is a line \"{}\" already", line.name)));
        }
        let is_same = |it: &&Configured| it.wanted.chip == line.wanted.chip && it.wanted.line == line.wanted.line;
        if let Some(other) = lines.iter().find(is_same) {
            return Err(one.error(format!("the line \"{}\" is the same line of that chip", other.name)));
        }
        one.finish()?;
        lines.push(line);
    }
    section.finish()?;
    Ok(Settings { lines })
}

fn read_one(section: &mut Section<'_>) -> Result<Configured, ConfigError> {
    let accepted = super::NAME;
    let name = section.need("name", accepted)?;
    let name = name.text(accepted, |text| is_name(text).then(|| text.to_owned()))?;
    let accepted = "the number of the line on its chip, or the name that gpioinfo shows for it";
    let line = section.need("line", accepted)?;
    line.accepts(accepted);
    let line = match line.is_text() {
        true => LineId::Name(line.short(MAX_KERNEL_NAME)?),
        false => LineId::Offset(u32::try_from(line.number(0..=MAX_OFFSET)?).unwrap_or_default()),
    };
    let chip = section
        .get("chip")
        .map(|field| field.short(MAX_KERNEL_NAME))
        .transpose()?;
    if chip.is_none() && matches!(line, LineId::Offset(_)) {
        let accepted = "the chip's label or path, which a line without a name of the kernel's needs";
        section.need("chip", accepted)?;
    }
    let accepted = "\"in\" or \"out\"";
    let direction = section.need("direction", accepted)?.text(accepted, |text| match text {
        "in" => Some(Direction::In),
        "out" => Some(Direction::Out),
        _ => None,
    })?;
    let switch = |field: Option<Field<'_>>| field.map_or(Ok(false), |field| field.boolean());
    let active_low = switch(section.get("active_low"))?;
    let initial = switch(section.get("initial"))?;
    let bias = section.get("bias").map(|field| {
        field.text("\"pull-up\", \"pull-down\" or \"disabled\"", |text| match text {
            "pull-up" => Some(Bias::PullUp),
            "pull-down" => Some(Bias::PullDown),
            "disabled" => Some(Bias::Disabled),
            _ => None,
        })
    });
    let wanted = Wanted {
        chip,
        line,
        direction,
        active_low,
        initial,
        bias: bias.transpose()?,
    };
    Ok(Configured { name, wanted })
}
