//! Whether this program runs in the snap: there plugs decide what it may reach, and no rules of udev or groups.

/// What the snap is called that this program runs in: another name than `deskconn` where several are installed side by
/// side. `None` outside; a terminal in somebody else's snap hands down the variables of that one.
#[must_use]
pub fn snap_name() -> Option<String> {
    name_by(&|name| std::env::var(name).ok())
}

/// The command that connects a plug of the snap this program runs in, for a person: `sudo snap connect deskconn:uinput`.
#[must_use]
pub fn snap_connect(plug: &str) -> Option<String> {
    Some(format!("sudo snap connect {}:{plug}", snap_name()?))
}

fn name_by(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let name = variable("SNAP_NAME").filter(|name| name == "deskconn")?;
    Some(variable("SNAP_INSTANCE_NAME").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_snap_beside_the_first_has_its_own_name_and_somebody_elses_is_not_ours() {
        let of = |snap: &'static str, instance: Option<&'static str>| {
            name_by(&|name| match name {
                "SNAP_NAME" => Some(snap.to_owned()),
                "SNAP_INSTANCE_NAME" => instance.map(str::to_owned),
                _ => None,
            })
        };
        assert_eq!(of("deskconn", Some("deskconn_two")).as_deref(), Some("deskconn_two"));
        assert_eq!(of("deskconn", None).as_deref(), Some("deskconn"));
        assert_eq!(of("some-terminal", Some("some-terminal")), None);
        assert_eq!(name_by(&|_| None), None);
    }
}
