"""The daemon as a service of the user, outside the session."""

import asyncio

import caller
from autobahn.wamp.exception import ApplicationError
from chapters import doctor, login
from judging import Events, P, check, error_of


async def the_next_session_has_it_as_a_service(guest, port, key):
    await guest.ask("hide", "hide")
    await guest.ask("locker off", "locker")
    await guest.ask("again service", "again")
    await guest.ask("session", "session")
    await guest.ask("daemon", "daemon")
    session, welcome = await caller.join(port, key)
    check(welcome.authrole == login.ROLE, "the paired key is still known after a restart")
    return session


async def a_missing_device_is_named_and_mended_without_a_restart(guest, session):
    try:
        answer = await session.call(f"{P}slides.next")
        check(False, f"without /dev/uinput slides.next answers {answer!r}")
    except ApplicationError as error:
        check(error.error == f"{P}error.unavailable", f"without /dev/uinput slides.next is {error.error}")
        check("modprobe uinput" in error.args[0], f"and says: {error.args[0]}")
    await doctor.names_a_missing_module(guest)
    await guest.ask("show", "show")
    # The daemon looks again at most once a second.
    for _ in range(50):
        if await error_of(session.call(f"{P}slides.blank")) == "no error but None":
            break
        await asyncio.sleep(0.1)
    await guest.watch("slides")
    mark = guest.mark()
    await session.call(f"{P}slides.next")
    seen = await guest.until(mark, "slides", enough=lambda seen: len(seen) >= 2)
    check(seen == ["KEY_PAGEDOWN 1", "KEY_PAGEDOWN 0"], f"once it is back the kernel sees {seen}")


async def the_service_reaches_the_session(guest, session, registers):
    locked = await Events.of(session, f"{P}screen.on_locked")
    await guest.ask("locker on", "locker")
    mark = guest.mark()
    check(await session.call(f"{P}screen.lock") is True, "from outside the session the screen is locked")
    check(await guest.until(mark, "signal") == ["Lock"], "by the Lock signal")
    await locked.until([True])
    await guest.ask("locker off", "locker")
    guest.tell("hint false")
    await locked.until([False])
    check(await session.call(f"{P}brightness.set", 50) == 50, "and brightness.set works")
    check(registers.percent == 50, f"the panel's register says {registers.percent}")
    await doctor.finds_the_machine_in_order(guest)
