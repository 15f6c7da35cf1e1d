//! The procedures of piconn, an older program that switched the pins of a Raspberry Pi: pins by their number on the chip,
//! and "high" for a pin that is switched on, which for its relays is the low level. What `active_low` says of a line makes
//! no difference here: high always writes 0.

use std::sync::Arc;

use client::Value;
use futures_util::future::join_all;

use super::line::Slot;
use super::{Lines, ROLES};
use crate::backends::Failure;
use crate::backends::gpio::Direction;
use crate::{Arguments, Procedure, Refusal, Topic};

pub(super) const SET_OUT_HIGH: Procedure = Procedure::new(
    "org.deskconn.piconn.gpio.set_out_high",
    "(pin) → null",
    "Switch an output on: 0 on the wire",
    ROLES,
);
pub(super) const SET_OUT_LOW: Procedure = Procedure::new(
    "org.deskconn.piconn.gpio.set_out_low",
    "(pin) → null",
    "Switch an output off: 1 on the wire",
    ROLES,
);
pub(super) const GET_STATE: Procedure = Procedure::new(
    "org.deskconn.piconn.gpio.get_state",
    "(pin) → {pin_number, direction, value, value_verbose}",
    "What a line is now",
    ROLES,
);
pub(super) const GET_STATES: Procedure = Procedure::new(
    "org.deskconn.piconn.gpio.get_states",
    "() → [state]",
    "What the lines are now",
    ROLES,
);
pub(super) const ON_OUT_HIGH: Topic = Topic::new(
    "org.deskconn.piconn.gpio.on_out_high",
    "[pin]",
    "An output was switched on",
    ROLES,
);
pub(super) const ON_OUT_LOW: Topic = Topic::new(
    "org.deskconn.piconn.gpio.on_out_low",
    "[pin]",
    "An output was switched off",
    ROLES,
);

/// The level on the wire of a logical value.
fn is_wire_high(slot: &Slot, value: bool) -> bool {
    value != slot.wanted().active_low
}

/// What is told of a change besides `on_changed`.
pub(super) fn told(slot: &Slot, value: bool) -> Option<(&'static str, Value)> {
    let pin = slot.offset().filter(|_| slot.wanted().direction == Direction::Out)?;
    let topic = if is_wire_high(slot, value) {
        ON_OUT_LOW
    } else {
        ON_OUT_HIGH
    };
    Some((topic.uri, u64::from(pin).into()))
}

impl Lines {
    pub(super) async fn answer_older(
        &self,
        procedure: &'static Procedure,
        mut arguments: Arguments,
    ) -> Result<Value, Refusal> {
        if procedure.uri == GET_STATES.uri {
            arguments.end()?;
            // A line that cannot be read is no pin that is there.
            let slots = self.slots();
            let states = join_all(slots.iter().map(|slot| state(slot))).await;
            return Ok(Value::List(states.into_iter().flatten().collect()));
        }
        let pin = arguments.integer("pin", 0..=u64::from(u32::MAX))?;
        arguments.end()?;
        let slot = self.find_pin(pin)?;
        if procedure.uri == GET_STATE.uri {
            return state(&slot).await;
        }
        let is_high_on_wire = procedure.uri == SET_OUT_LOW.uri;
        let value = is_high_on_wire != slot.wanted().active_low;
        self.drive(slot, value).await?;
        Ok(Value::Null)
    }

    fn find_pin(&self, pin: u64) -> Result<Arc<Slot>, Failure> {
        let slots = self.slots();
        let number = |slot: &Arc<Slot>| slot.offset().map(u64::from);
        let found = slots.iter().find(|slot| number(slot) == Some(pin));
        found.map(Arc::clone).ok_or_else(|| Failure::NoSuch {
            what: "pin",
            asked: pin.to_string(),
            known: slots.iter().filter_map(number).map(|pin| pin.to_string()).collect(),
        })
    }
}

async fn state(slot: &Slot) -> Result<Value, Refusal> {
    let value = is_wire_high(slot, slot.value().await?);
    let direction = match slot.wanted().direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    let (value, verbose) = if value { ("1", "off") } else { ("0", "on") };
    let entries = [
        ("pin_number", Value::from(slot.offset().map(u64::from))),
        ("direction", direction.into()),
        ("value", value.into()),
        ("value_verbose", verbose.into()),
    ];
    Ok(Value::dict(entries))
}
