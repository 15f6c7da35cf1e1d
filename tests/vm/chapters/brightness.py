"""The brightness, as sysfs and the panel have it."""

from judging import Events, P, check, error_of


async def brightness_moves_the_panel(guest, session, registers):
    changed = await Events.of(session, f"{P}brightness.on_changed")
    displays = await session.call(f"{P}brightness.displays")
    check(
        [(d["id"], d["kind"]) for d in displays] == [("acpi_video0", "internal")],
        f"the internal display is listed: {displays}",
    )
    for percent in (30, 80, 10):
        check(await session.call(f"{P}brightness.set", percent) == percent, f"brightness.set {percent}")
        check(registers.percent == percent, f"the panel's register says {registers.percent}")
        check(await guest.ask("brightness", "brightness") == str(percent // 10), "and so does sysfs")
        check(await session.call(f"{P}brightness.get") == percent, "and brightness.get")
        await changed.until([percent, "acpi_video0"])
    sets = registers.sets
    for _ in range(5):
        await session.call(f"{P}brightness.set", 10)
    check(registers.sets == sets, "equal values in a row are not written again")
    check(await session.call(f"{P}brightness.raise", 20) == 30, "brightness.raise")
    check(await session.call(f"{P}brightness.lower", 10) == 20, "brightness.lower")

    check(await session.call(f"{P}brightness.set", 100, duration_ms=400) in range(20, 101), "a fade starts")
    await changed.until([100, "acpi_video0"])
    check(registers.percent == 100 and registers.sets > sets + 4, "and goes through steps to its end")

    await guest.ask("sysfs 6", "brightness")
    await changed.until([60, "acpi_video0"])
    check(registers.percent == 60, "a change by somebody else is announced")
    check(
        await error_of(session.call(f"{P}brightness.set", "bright")) == f"{P}error.bad_argument",
        "a text is no brightness",
    )
