//! `[[action]]`: when something happens, then do something (`docs/ACTIONS.md`).
//!
//! Templates and expressions are read here, so that `deskconnd --check` finds what is wrong in them; what they mean is in
//! `src/actions`.

mod given;
#[cfg(test)]
mod tests;
mod then;
mod units;
mod when;

use std::time::Duration;

#[cfg(test)]
pub(crate) use self::given::INSIDE;
pub use self::then::{Body, MAX_REDIRECTS, MAX_RETRIES, MAX_STEPS, MAX_TIMEOUT, Post, Step, What};
pub use self::units::{Clock, Days, MAX_RATE, Number, Rate};
pub use self::when::{Event, MAX_WHENS, Reading, Side, Topic, When};
use super::read::{Field, Section};
use super::realm::{DESKTOP_REALM, MAX_NAME};
use super::{Components, Config, ConfigError};
use crate::actions::expression::Expression;

/// Actions of one configuration: each is a task, and what a person can keep in mind is a fraction of it.
pub const MAX_ACTIONS: usize = 128;

/// The longest name.
pub const MAX_ACTION_NAME: usize = 64;

/// The longest that an action may wait for quiet: a state that lasts so long has a `for`.
const MAX_DEBOUNCE: Duration = Duration::from_secs(3_600);

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// By what it is called.
    pub name: String,
    /// The realm of its topics and procedures.
    pub realm: String,
    /// Whether it does anything, until a command says otherwise.
    pub enabled: bool,
    /// When: any of these.
    pub when: Vec<When>,
    /// Then: all of these, in their order.
    pub then: Vec<Step>,
    /// How often at most; without it as often as nothing but a loop would.
    pub at_most: Option<Rate>,
    /// How long nothing may happen before it is done, once for all that has.
    pub debounce: Option<Duration>,
}

impl Action {
    /// Whether it needs the desktop's realm beside its own.
    fn needs_desktop(&self) -> Option<&'static str> {
        let of_device = |when: &When| matches!(when.event, Event::Device { .. });
        let is_notify = |step: &Step| matches!(step.what, What::Notify { .. });
        let is_command = |step: &Step| matches!(step.what, What::Command { .. });
        match () {
            () if self.when.iter().any(of_device) => Some("device"),
            () if self.then.iter().any(is_notify) => Some("notify"),
            () if self.then.iter().any(is_command) => Some("command"),
            () => None,
        }
    }
}

/// The actions, in the order of the file.
pub(super) fn read(sections: Vec<Section<'_>>) -> Result<Vec<Action>, ConfigError> {
    let mut actions: Vec<Action> = Vec::new();
    for mut section in sections {
        let accepted = "a name of small letters, digits, hyphens and underscores, like \"boiler-on\"";
        let field = section.need("name", accepted)?;
        let name = field.text(accepted, |text| is_name(text).then(|| text.to_owned()))?;
        if actions.iter().any(|action| action.name == name) {
            return Err(field.error("different for every action"));
        }
        actions.push(read_one(name, section)?);
    }
    Ok(actions)
}

/// A name that needs no quotes in a shell.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=MAX_ACTION_NAME).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(is_part)
}

fn read_one(name: String, mut section: Section<'_>) -> Result<Action, ConfigError> {
    let realm = match section.get("realm") {
        Some(field) => field.short(MAX_NAME)?,
        None => DESKTOP_REALM.to_owned(),
    };
    let enabled = section.get("enabled").map(|field| field.boolean()).transpose()?;
    let when = section.need(
        "when",
        "what has to happen, like { topic = \"org.example.door\" } or { at = \"22:30\" }",
    )?;
    let when = when.tables(MAX_WHENS)?.into_iter().map(when::read);
    let when = when.collect::<Result<_, _>>()?;
    let then = section.need(
        "then",
        "what is done, like { call = \"org.deskconn.screen.lock\" }, or a list of it",
    )?;
    let then = then.tables(MAX_STEPS)?.into_iter().map(then::read);
    let then = then.collect::<Result<_, _>>()?;
    let at_most = section
        .get("at_most")
        .map(|field| units::read_rate(&field))
        .transpose()?;
    let debounce = section
        .get("debounce")
        .map(|field| units::read_span(&field, MAX_DEBOUNCE))
        .transpose()?;
    section.finish()?;
    Ok(Action {
        name,
        realm,
        enabled: enabled.unwrap_or(true),
        when,
        then,
        at_most,
        debounce,
    })
}

/// The expression of a key.
fn read_condition(section: &mut Section<'_>) -> Result<Option<Expression>, ConfigError> {
    section.get("if").map(|field| expression(&field)).transpose()
}

fn expression(field: &Field<'_>) -> Result<Expression, ConfigError> {
    let mut why = String::new();
    let read = field.text("an expression, like \"value > 1500\"", |text| {
        match Expression::parse(text) {
            Ok(expression) => Some(expression),
            Err(sentence) => {
                why = sentence;
                None
            }
        }
    });
    match read {
        Err(_) if !why.is_empty() => Err(field.error(&format!("an expression, like \"value > 1500\": {why}"))),
        read => read,
    }
}

/// Fails when an action needs what this configuration does not have.
pub(super) fn check(config: &Config, error: impl Fn(usize, String) -> ConfigError) -> Result<(), ConfigError> {
    for (index, action) in config.actions.iter().enumerate() {
        check_one(action, config).map_err(|what| error(index, format!("the action {:?} {what}", action.name)))?;
    }
    Ok(())
}

fn check_one(action: &Action, config: &Config) -> Result<(), String> {
    let is_desktop = config.desktop.enabled;
    let is_there =
        (is_desktop && action.realm == DESKTOP_REALM) || config.realms.iter().any(|realm| realm.name == action.realm);
    if !is_there {
        return Err(format!(
            "is in the realm {:?}, which is not there; `realm` names another one",
            action.realm
        ));
    }
    let needs = action.needs_desktop();
    if let Some(needs) = needs.filter(|_| !is_desktop) {
        return Err(format!(
            "has a `{needs}`, which needs the desktop, and [desktop] has enabled = false"
        ));
    }
    for step in &action.then {
        let component = match &step.what {
            What::Notify { .. } => "notify",
            What::Command { name } => {
                let known = &config.components.command.commands;
                if !known.iter().any(|command| command.name == *name) {
                    return Err(format!(
                        "runs the command {name:?}, which no [[components.command]] is called"
                    ));
                }
                "command"
            }
            What::Call { .. } | What::Publish { .. } | What::Post(_) => continue,
        };
        if let Components::Only(names) = &config.desktop.components
            && !names.iter().any(|name| name == component)
        {
            return Err(format!(
                "needs the component \"{component}\", which `components` of [desktop] leaves out"
            ));
        }
    }
    Ok(())
}
