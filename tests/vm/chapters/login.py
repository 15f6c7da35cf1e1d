"""Somebody sits at the machine, and a device gets in."""

import re

import caller
from judging import check

# Of the device: all that is proven here.
ROLE = "full"


async def a_person_is_logged_in(guest):
    await guest.until(0, "agent")
    kind = (await guest.ask("session", "session")).split()
    check(kind[1:] == ["tty", "user", "seat0", "yes", "presenter"], f"a real session at the machine: {kind}")
    check((await guest.ask("write", "write")) == "refused", "its user may not write the brightness directly")
    guest.tell("signals")
    await guest.until(0, "signals")
    await guest.ask("daemon", "daemon")


async def a_device_pairs_and_logs_in(guest, port, who="run"):
    """By a code that this user of the guest reads off the desktop."""
    key = caller.new_key()
    mark = guest.mark()
    guest.tell(f"{who} deskconnctl pair --legacy --insecure-network --yes --role {ROLE}")
    shown = await guest.until(
        mark, who, enough=lambda seen: re.search(r"\d{4}-?\d{4}", "\n".join(seen))
    )
    code = int(re.search(r"(\d{4})-?(\d{4})", "\n".join(shown)).expand(r"\1\2"))
    check(await caller.pair(port, key, code) is True, "the code from the desktop pairs this key")
    check(await guest.until(mark, f"{who}-exit") == ["0"], "deskconnctl pair ends well")
    session, welcome = await caller.join(port, key)
    check(welcome.authrole == ROLE, f"the paired key logs in as {welcome.authrole}")
    return session, key
