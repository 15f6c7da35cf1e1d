//! Suspending and switching off, with a mock of logind: nothing here may reach the real one.

use std::time::{Duration, Instant};

use deskconn_components::backends::power::PowerState;
use deskconn_components::backends::{Failure, Machine};

use super::stage::{Mock, Stage, Which};

const LOGIN: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";

const METHODS: [(PowerState, &str); 4] = [
    (PowerState::Suspended, "Suspend"),
    (PowerState::Hibernated, "Hibernate"),
    (PowerState::Rebooted, "Reboot"),
    (PowerState::Off, "PowerOff"),
];

async fn logind(stage: &Stage, parameters: &str) -> Mock {
    stage
        .mock(Which::System, LOGIN, &["-t", "logind", "-p", parameters])
        .await
}

async fn refusal(machine: &Machine) -> String {
    match machine.power.go(PowerState::Off).await {
        Err(Failure::Refused(sentence)) => sentence,
        other => panic!("it is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn logind_is_told_and_never_to_ask_for_a_password() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = logind(&stage, "{}").await;
    let machine = stage.machine();
    assert_eq!(machine.power.missing().await, None);
    for (state, method) in METHODS {
        assert_eq!(machine.power.go(state).await, Ok(()));
        assert_eq!(logind.calls(method), [format!("{method} False")]);
    }
}

#[tokio::test]
async fn what_logind_would_do_is_said_in_its_words() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let answers = r#"{"CanHibernate": "na", "CanReboot": "challenge", "CanPowerOff": "no"}"#;
    let _logind = logind(&stage, answers).await;
    let expected = METHODS
        .map(|(state, _)| state)
        .into_iter()
        .zip(["yes", "na", "challenge", "no"]);
    let expected = expected.map(|(state, answer)| (state, answer.to_owned())).collect();
    assert_eq!(stage.machine().power.can().await, Ok(expected));
}

#[tokio::test]
async fn a_no_of_the_policy_is_told_from_one_of_the_machine() {
    let Some(stage) = Stage::new() else { return };
    let _system = stage.bus(Which::System);
    let logind = logind(&stage, "{}").await;
    let machine = stage.machine();
    for (name, expected) in [
        (
            "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
            "the machine's policy does not let this program do that: for a reason",
        ),
        (
            "org.freedesktop.DBus.Error.AccessDenied",
            "the machine's policy does not let this program do that: for a reason",
        ),
        (
            "org.freedesktop.login1.SleepVerbNotSupported",
            "logind does not do that: for a reason",
        ),
        (
            "org.freedesktop.login1.OperationInProgress",
            "logind does not do that: for a reason",
        ),
    ] {
        let code = format!("raise dbus.exceptions.DBusException('for a reason', name='{name}')");
        logind.add_method(PATH, MANAGER, "PowerOff", "b", "", &code).await;
        assert_eq!(refusal(&machine).await, expected, "{name}");
    }
}

#[tokio::test]
async fn without_logind_what_mends_it_is_said_and_one_that_hangs_is_not_waited_for() {
    let Some(stage) = Stage::new() else { return };
    let machine = stage.machine();
    assert!(matches!(machine.power.can().await, Err(Failure::Missing(_))));
    assert_eq!(machine.power.missing().await.unwrap().what, "the D-Bus system bus");
    let _system = stage.bus(Which::System);
    let machine = stage.machine();
    let Err(Failure::Missing(missing)) = machine.power.go(PowerState::Off).await else {
        panic!("there is no logind")
    };
    assert!(missing.mend.contains("systemd-logind"), "{missing}");
    assert_eq!(machine.power.missing().await.unwrap().what, "logind");

    let logind = logind(&stage, "{}").await;
    assert!(machine.power.can().await.is_ok(), "it is found once it is there");
    logind.stop();
    let asked = Instant::now();
    assert!(matches!(machine.power.can().await, Err(Failure::Missing(_))));
    assert!(asked.elapsed() < Duration::from_secs(7), "{:?}", asked.elapsed());
}
