"""A monitor on a cable, as it hears DDC/CI on its bus."""

from judging import Events, P, becomes, check

# Of the module that is the monitor.
PARAMETERS = "/sys/module/ddc_monitor/parameters"
ID = "Virtual-1"


async def told(guest):
    """The brightness that the monitor has."""
    return int((await guest.run(f"cat {PARAMETERS}/brightness", who="root"))[0])


async def turn(guest, parameter, value):
    """Turns something at the monitor itself."""
    await guest.run(f"echo {value} >{PARAMETERS}/{parameter}", who="root")


async def chapter(guest, session):
    await guest.run("modprobe ddc_monitor && udevadm settle", who="root")

    async def is_listed():
        displays = {it["id"]: it for it in await session.call(f"{P}brightness.displays")}
        return displays.get(ID, {}).get("kind") == "external"

    await becomes(is_listed, "a monitor that is plugged in is listed, and the person at the machine may reach it")
    check(await session.call(f"{P}brightness.get", ID) == 75, "its brightness is read over its bus")
    changed = await Events.of(session, f"{P}brightness.on_changed")
    check(await session.call(f"{P}brightness.set", 40, ID) == 40, "brightness.set")
    check(await told(guest) == 40, f"the monitor was told {await told(guest)}")
    await changed.until([40, ID])

    await turn(guest, "deaf", 3)
    check(await session.call(f"{P}brightness.set", 55, ID) == 55, "a monitor that does not hear three times")

    async def has_heard():
        # It is told something once a second at most.
        return await told(guest) == 55

    await becomes(has_heard, "is told again")

    await turn(guest, "brightness", 20)

    async def is_seen():
        return await session.call(f"{P}brightness.get", ID) == 20

    await becomes(is_seen, "what its own buttons did is read again")
