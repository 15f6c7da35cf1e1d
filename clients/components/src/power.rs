//! Suspending and switching off. No role has any of it: each device needs a grant, and each step is one of its own.

use std::sync::Arc;

use client::{Dict, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::power::{Power, PowerState};
use crate::{Arguments, Component, Entry, Home, Missing, Procedure, Refusal};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "power",
    procedures: PROCEDURES,
    topics: &[],
    home: Home::Machine,
    make: |machine, _| Arc::new(Switch::new(Arc::clone(&machine.power))),
};

const SUSPEND: Procedure = Procedure::new("org.deskconn.power.suspend", "() → null", "Let the machine sleep", &[]);
const HIBERNATE: Procedure = Procedure::new(
    "org.deskconn.power.hibernate",
    "() → null",
    "Switch the machine off, its memory kept on the disk",
    &[],
);
const REBOOT: Procedure = Procedure::new("org.deskconn.power.reboot", "() → null", "Start the machine anew", &[]);
const POWER_OFF: Procedure = Procedure::new(
    "org.deskconn.power.poweroff",
    "() → null",
    "Switch the machine off",
    &[],
);
const CAN: Procedure = Procedure::new(
    "org.deskconn.power.can",
    "() → {suspend, hibernate, reboot, poweroff}",
    "What of it the machine would do: yes, no, challenge or na",
    &[],
);

/// Every procedure of the switch.
pub const PROCEDURES: &[Procedure] = &[SUSPEND, HIBERNATE, REBOOT, POWER_OFF, CAN];

/// The switch of the machine.
#[derive(Debug)]
pub struct Switch {
    power: Arc<dyn Power>,
}

impl Switch {
    /// That of this machine.
    #[must_use]
    pub fn new(power: Arc<dyn Power>) -> Self {
        Self { power }
    }

    async fn answer(&self, procedure: &'static Procedure, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        let state = match procedure.uri {
            uri if uri == SUSPEND.uri => PowerState::Suspended,
            uri if uri == HIBERNATE.uri => PowerState::Hibernated,
            uri if uri == REBOOT.uri => PowerState::Rebooted,
            uri if uri == POWER_OFF.uri => PowerState::Off,
            _ => return self.can().await,
        };
        self.power.go(state).await?;
        Ok(Value::Null)
    }

    async fn can(&self) -> Result<Value, Refusal> {
        let answers = self.power.can().await?;
        let rows = answers
            .into_iter()
            .map(|(state, answer)| (name(state).to_owned(), answer.into()));
        Ok(Value::Dict(rows.collect::<Dict>()))
    }
}

/// The last word of its procedure.
const fn name(state: PowerState) -> &'static str {
    match state {
        PowerState::Suspended => "suspend",
        PowerState::Hibernated => "hibernate",
        PowerState::Rebooted => "reboot",
        PowerState::Off => "poweroff",
    }
}

impl Component for Switch {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.power.missing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::fake::FakePower;

    fn stage() -> (Arc<FakePower>, Switch) {
        let fake = Arc::new(FakePower::default());
        fake.lack(PowerState::Hibernated);
        let switch = Switch::new(Arc::clone(&fake) as Arc<dyn Power>);
        (fake, switch)
    }

    #[tokio::test]
    async fn each_procedure_is_one_state_and_what_it_cannot_be_is_refused() {
        let (fake, switch) = stage();
        for procedure in [&SUSPEND, &REBOOT, &POWER_OFF] {
            assert_eq!(switch.call(procedure, Arguments::default()).await, Ok(Value::Null));
        }
        let expected = [PowerState::Suspended, PowerState::Rebooted, PowerState::Off];
        assert_eq!(fake.told(), expected);
        let refusal = switch.call(&HIBERNATE, Arguments::default()).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.refused");
        assert_eq!(fake.told(), expected);
    }

    #[tokio::test]
    async fn what_it_would_do_is_said_by_the_names_of_the_procedures() {
        let (_, switch) = stage();
        let expected = Value::dict([
            ("suspend", "yes".into()),
            ("hibernate", "na".into()),
            ("reboot", "yes".into()),
            ("poweroff", "yes".into()),
        ]);
        assert_eq!(switch.call(&CAN, Arguments::default()).await, Ok(expected));
        for state in PowerState::ALL {
            let uri = format!("org.deskconn.power.{}", name(state));
            assert!(PROCEDURES.iter().any(|it| it.uri == uri), "{uri}");
        }
    }

    #[tokio::test]
    async fn an_argument_switches_nothing_off() {
        let (fake, switch) = stage();
        let later = Arguments::new(vec![60_u64.into()], Dict::new());
        let refusal = switch.call(&POWER_OFF, later).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
        assert_eq!(fake.told(), []);
    }
}
