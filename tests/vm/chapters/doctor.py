"""What `deskconnctl doctor` says of a machine with a real logind and real devices."""

import json

from judging import check


async def says(guest, state, *checks):
    """Whether all of these checks of the person's doctor have this state; gives the last."""
    # Its exit status says whether anything failed, here as in tests/doctor.
    lines = await guest.run("deskconnctl doctor --json 2>/dev/null || :")
    rows = {row["check"]: row for row in map(json.loads, lines)}
    for name in checks:
        check(rows[name]["state"] == state, f"doctor: {rows[name]}")
    return rows[checks[-1]]


async def finds_the_machine_in_order(guest):
    await says(guest, "ok", "daemon", "port", "reachable", "discovery", "session bus", "system bus", "keys", "gpio")
    row = await says(guest, "ok", "backlight")
    check(row["found"] == "acpi_video0", "the panel is found")
    row = await says(guest, "ok", "session")
    check("is in front on seat0" in row["found"], "and by logind the session")


async def names_a_missing_module(guest):
    row = await says(guest, "failed", "keys")
    check("modprobe uinput" in row["mend"], "doctor names the module that is missing")


async def names_the_agent(guest):
    await says(guest, "ok", "daemon", "keys")
    row = await says(guest, "failed", "agent")
    check("deskconnctl agent" in row["mend"], "doctor names the agent that is missing")


async def names_the_session_behind(guest):
    row = await says(guest, "failed", "daemon")
    check("does not let this user in" in row["found"], "doctor says that this person may not")
    row = await says(guest, "warning", "session")
    check("loginctl activate" in row["mend"], "and that their session is behind")
