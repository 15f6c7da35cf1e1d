"""GPIO lines, as the other side of the kernel's simulator and of a controller have them."""

from judging import Events, P, check, error_of

# The lines of acpi/gpio.asl that the guest's configuration names; the relay is active low.
RELAY, SENSOR = 5, 7


async def outputs_are_driven_and_held(guest, session, registers):
    changed = await Events.of(session, f"{P}gpio.on_changed")
    for value in (True, False, True):
        check(await session.call(f"{P}gpio.set", "lamp", value) is value, f"gpio.set lamp {value}")
        seen = await guest.run("cat /run/gpio-sim/lamp/value", who="root")
        check(seen == [str(int(value))], f"the simulator sees the line driven to {seen}")
        await changed.until(["lamp", value])
    for value in (True, False):
        await session.call(f"{P}gpio.set", "relay", value)
        check(registers.is_output(RELAY), "the controller drives the relay's line")
        check(registers.output(RELAY) == int(not value), f"active low: {value} is {registers.output(RELAY)} in its register")
    users = await guest.run("gpioinfo", who="root")
    check(any("lamp" in line and "deskconn" in line for line in users), "the kernel says who holds the line")


async def inputs_are_read_and_followed(guest, session, registers):
    changed = await Events.of(session, f"{P}gpio.on_changed")
    for pull, value in (("pull-up", True), ("pull-down", False)):
        await guest.run(f"echo {pull} >/run/gpio-sim/button/pull", who="root")
        await changed.until(["button", value])
        check(await session.call(f"{P}gpio.get", "button") is value, f"{pull} on the simulator: an edge, and {value}")
    for value in (True, False):
        registers.drive(SENSOR, int(value))
        await changed.until(["sensor", value])
        check(await session.call(f"{P}gpio.get", "sensor") is value, f"without interrupts, {value} is found by looking")


async def what_makes_no_sense_is_refused(session):
    for call, why in (
        (session.call(f"{P}gpio.set", "button", True), "an input is not driven"),
        (session.call(f"{P}gpio.get", "chimney"), "a line that nobody configured"),
        (session.call(f"{P}gpio.set", "lamp", "bright"), "a text is no level"),
    ):
        error = await error_of(call)
        check(error == f"{P}error.bad_argument", f"{why}: {error}")


async def they_change_without_a_restart(guest, session, registers):
    """The configuration is read again, with another name for the relay: the kernel gives its line to the daemon once more."""

    async def rename(old, new):
        await guest.run(f"sed -i 's/^name = \"{old}\"/name = \"{new}\"/' ~/.config/deskconn/config.toml")
        told = await guest.run("deskconnctl reload")
        check(any("components.gpio" in line for line in told), f"the reload takes the lines: {told}")

    for name in ("lamp", "relay"):
        await session.call(f"{P}gpio.set", name, True)
    await rename("relay", "pump")
    check(await session.call(f"{P}gpio.get", "pump") is False, "a line of another name begins anew, at once")
    check(registers.output(RELAY) == 1, "so its register says, active low")
    seen = await guest.run("cat /run/gpio-sim/lamp/value", who="root")
    check(seen == ["1"], "a line that is written as before was held on")
    await session.call(f"{P}gpio.set", "pump", True)
    check(registers.output(RELAY) == 0, "under its new name it is driven")
    error = await error_of(session.call(f"{P}gpio.get", "relay"))
    check(error == f"{P}error.bad_argument", f"the old name is gone: {error}")
    await rename("pump", "relay")


async def chapter(guest, session, registers):
    lines = {line["name"]: line for line in await session.call(f"{P}gpio.list")}
    check(
        {name: line["direction"] for name, line in lines.items()}
        == {"lamp": "out", "button": "in", "relay": "out", "sensor": "in"},
        f"the configured lines are listed: {lines}",
    )
    await outputs_are_driven_and_held(guest, session, registers)
    await inputs_are_read_and_followed(guest, session, registers)
    await what_makes_no_sense_is_refused(session)
    await they_change_without_a_restart(guest, session, registers)
