"""The battery, the thermometer and the other facts about the machine; and switching it off."""

from judging import Events, P, becomes, check, error_of

# Tenths of a kelvin, as ACPI has temperatures, at 0 °C.
FREEZING = 2732


def is_charged(registers):
    """What the registers say before anybody looks: half full, 25 °C."""
    registers.battery(does=1, rate=10_000, left=25_000)
    registers.temperature(FREEZING + 250)


async def the_battery_is_followed(session, registers):
    changed = await Events.of(session, f"{P}battery.on_changed")
    battery = await session.call(f"{P}battery.get")
    expected = {"percent": 50, "state": "discharging", "time_to_empty_s": 9_000}
    check(expected.items() <= battery.items(), f"battery.get, of a battery that gives 10 W of 25 Wh: {battery}")
    registers.battery(does=2, rate=10_000, left=40_000)

    async def is_fuller():
        # The kernel asks the battery once a second at most.
        return (await session.call(f"{P}battery.get"))["percent"] == 80

    await becomes(is_fuller, "what the battery says next is told")
    battery = await session.call(f"{P}battery.get")
    expected = {"percent": 80, "state": "charging", "time_to_full_s": 3_600}
    check(expected.items() <= battery.items(), f"and of one that takes 10 W: {battery}")
    await changed.until([battery])


async def the_machine_tells_how_it_is(guest, session):
    report = await session.call(f"{P}host.get")
    release = (await guest.run("uname -r"))[0]
    check(report["kernel"].endswith(release) or release in report["kernel"], f"host.get names the kernel: {report['kernel']}")
    total = int((await guest.run("awk '/MemTotal/ {print $2}' /proc/meminfo"))[0]) * 1024
    check(report["memory"]["total"] == total, f"its memory: {report['memory']}")
    check(report["name"] == "guest", f"its name: {report['name']}")
    check(any(it["celsius"] == 25.0 for it in report["temperatures"]), f"and its temperature: {report['temperatures']}")


async def chapter(guest, session, registers):
    await the_battery_is_followed(session, registers)
    await the_machine_tells_how_it_is(guest, session)


async def who_has_a_grant_switches_it_off(guest, session, device):
    """The end of the machine."""
    error = await error_of(session.call(f"{P}power.can"))
    check(error == "wamp.error.not_authorized", f"no role has power: {error}")
    await guest.run(f"deskconnctl devices grant {device} {P}power.")
    can = await session.call(f"{P}power.can")
    check(can["poweroff"] == "yes", f"with a grant of its own the device may: {can}")
    await error_of(session.call(f"{P}power.poweroff"))
    await guest.gone()
    check(True, "power.poweroff: the machine is off")
