"""Judges the daemon in the virtual machine: calls it over WAMP from the host and
looks at what the guest's kernel, logind and the panel's register say.

No assertion here rests on the daemon's word alone.
"""

import argparse
import asyncio
import re
import sys
import traceback

import caller
from autobahn.wamp.exception import ApplicationError
from guest import Guest, Panel

P = "org.deskconn."
KEYS = {"next": "PAGEDOWN", "previous": "PAGEUP", "start": "F5", "end": "ESC", "blank": "B"}


def check(is_so, what):
    """Notes one thing that has to be so."""
    print(f"{'ok    ' if is_so else 'FAILED'}  {what}", flush=True)
    if not is_so:
        raise AssertionError(what)


async def error_of(call):
    """The error URI a call ends with."""
    try:
        return f"no error but {await call!r}"
    except ApplicationError as error:
        return error.error


class Events:
    """The events of one topic."""

    @classmethod
    async def of(cls, session, topic):
        self = cls()
        self.seen, self._arrived = [], asyncio.Event()
        await session.subscribe(self._take, topic)
        return self

    def _take(self, *args):
        self.seen.append(list(args))
        self._arrived.set()

    async def until(self, args, within=20):
        async def wait():
            while args not in self.seen:
                self._arrived.clear()
                await self._arrived.wait()

        await asyncio.wait_for(wait(), within)
        self.seen.clear()


async def a_person_is_logged_in(guest):
    await guest.until(0, "agent")
    kind = (await guest.ask("session", "session")).split()
    check(kind[1:] == ["tty", "user", "seat0", "yes", "presenter"], f"a real session at the machine: {kind}")
    check((await guest.ask("write", "write")) == "refused", "its user may not write the brightness directly")
    guest.tell("signals")
    await guest.until(0, "signals")
    await guest.ask("daemon", "daemon")


async def a_device_pairs_and_logs_in(guest, port):
    key = caller.new_key()
    mark = guest.mark()
    guest.tell("run /opt/deskconn/deskconnctl pair --legacy --insecure-network --yes --role remote")
    shown = await guest.until(
        mark, "ran", enough=lambda seen: re.search(r"\d{4}-?\d{4}", "\n".join(seen))
    )
    code = int(re.search(r"(\d{4})-?(\d{4})", "\n".join(shown)).expand(r"\1\2"))
    check(await caller.pair(port, key, code) is True, "the code from the desktop pairs this key")
    check(await guest.until(mark, "ran-exit") == ["0"], "deskconnctl pair ends well")
    session, welcome = await caller.join(port, key)
    check(welcome.authrole == "remote", f"the paired key logs in as {welcome.authrole}")
    return session, key


async def slides_press_the_keys(guest, session):
    mark = guest.mark()
    guest.tell("keys")
    await guest.until(mark, "keys")
    offered = {name.removeprefix("KEY_") for name in guest.since(mark, "offered")}
    check(offered == set(KEYS.values()), f"the keyboard has the slide keys and no other: {sorted(offered)}")
    for name, key in KEYS.items():
        mark = guest.mark()
        check(await session.call(f"{P}slides.{name}") is None, f"slides.{name} answers null")
        seen = await guest.until(mark, "key", enough=lambda seen: len(seen) >= 2)
        check(seen == [f"KEY_{key} 1", f"KEY_{key} 0"], f"the kernel saw {seen}")
    mark = guest.mark()
    await asyncio.gather(*[session.call(f"{P}slides.next") for _ in range(20)])
    seen = await guest.until(mark, "key", enough=lambda seen: len(seen) >= 40)
    check(seen == ["KEY_PAGEDOWN 1", "KEY_PAGEDOWN 0"] * 20, "twenty calls at once are twenty whole key strokes")
    check(
        await error_of(session.call(f"{P}slides.next", 1)) == f"{P}error.bad_argument",
        "an argument too many is refused",
    )


async def the_lock_is_asked_for_and_followed(guest, session):
    locked = await Events.of(session, f"{P}screen.on_locked")
    check(await session.call(f"{P}screen.is_locked") is None, "no source has told about the lock yet")

    mark = guest.mark()
    check(await session.call(f"{P}screen.lock") is False, "a lock that no locker reports is no success")
    check(await guest.until(mark, "signal") == ["Lock"], "yet logind sent the Lock signal")

    await guest.ask("locker on", "locker")
    mark = guest.mark()
    check(await session.call(f"{P}screen.lock") is True, "a locker that answers makes it a success")
    check(await guest.until(mark, "signal") == ["Lock"], "by the Lock signal")
    check(await session.call(f"{P}screen.is_locked") is True, "and it is locked")
    await locked.until([True])
    for state in (False, True, False):
        guest.tell(f"hint {str(state).lower()}")
        await locked.until([state])
        check(await session.call(f"{P}screen.is_locked") is state, f"LockedHint {state} is followed")


async def brightness_moves_the_panel(guest, session, panel):
    changed = await Events.of(session, f"{P}brightness.on_changed")
    displays = await session.call(f"{P}brightness.displays")
    check(
        [(d["id"], d["kind"]) for d in displays] == [("acpi_video0", "internal")],
        f"the internal display is listed: {displays}",
    )
    for percent in (30, 80, 10):
        check(await session.call(f"{P}brightness.set", percent) == percent, f"brightness.set {percent}")
        check(panel.percent == percent, f"the panel's register says {panel.percent}")
        check(await guest.ask("brightness", "brightness") == str(percent // 10), "and so does sysfs")
        check(await session.call(f"{P}brightness.get") == percent, "and brightness.get")
        await changed.until([percent, "acpi_video0"])
    sets = panel.sets
    for _ in range(5):
        await session.call(f"{P}brightness.set", 10)
    check(panel.sets == sets, "equal values in a row are not written again")
    check(await session.call(f"{P}brightness.raise", 20) == 30, "brightness.raise")
    check(await session.call(f"{P}brightness.lower", 10) == 20, "brightness.lower")

    check(await session.call(f"{P}brightness.set", 100, duration_ms=400) in range(20, 101), "a fade starts")
    await changed.until([100, "acpi_video0"])
    check(panel.percent == 100 and panel.sets > sets + 4, "and goes through steps to its end")

    await guest.ask("sysfs 6", "brightness")
    await changed.until([60, "acpi_video0"])
    check(panel.percent == 60, "a change by somebody else is announced")
    check(
        await error_of(session.call(f"{P}brightness.set", "bright")) == f"{P}error.bad_argument",
        "a text is no brightness",
    )


async def the_next_session_has_it_as_a_service(guest, port, key):
    await guest.ask("hide", "hide")
    await guest.ask("locker off", "locker")
    await guest.ask("again", "again")
    await guest.ask("session", "session")
    await guest.ask("daemon", "daemon")
    session, welcome = await caller.join(port, key)
    check(welcome.authrole == "remote", "the paired key is still known after a restart")
    return session


async def a_missing_device_is_named_and_mended_without_a_restart(guest, session):
    try:
        answer = await session.call(f"{P}slides.next")
        check(False, f"without /dev/uinput slides.next answers {answer!r}")
    except ApplicationError as error:
        check(error.error == f"{P}error.unavailable", f"without /dev/uinput slides.next is {error.error}")
        check("modprobe uinput" in error.args[0], f"and says: {error.args[0]}")
    await guest.ask("show", "show")
    # The daemon looks again at most once a second.
    for _ in range(50):
        if await error_of(session.call(f"{P}slides.blank")) == "no error but None":
            break
        await asyncio.sleep(0.1)
    mark = guest.mark()
    guest.tell("keys")
    await guest.until(mark, "keys")
    mark = guest.mark()
    await session.call(f"{P}slides.next")
    seen = await guest.until(mark, "key", enough=lambda seen: len(seen) >= 2)
    check(seen == ["KEY_PAGEDOWN 1", "KEY_PAGEDOWN 0"], f"once it is back the kernel sees {seen}")


async def the_service_reaches_the_session(guest, session, panel):
    await guest.ask("locker on", "locker")
    mark = guest.mark()
    check(await session.call(f"{P}screen.lock") is True, "from outside the session the screen is locked")
    check(await guest.until(mark, "signal") == ["Lock"], "by the Lock signal")
    check(await session.call(f"{P}brightness.set", 50) == 50, "and brightness.set works")
    check(panel.percent == 50, f"the panel's register says {panel.percent}")


async def judge(options):
    guest, panel = await Guest.connect(options.agent), Panel(options.memory)
    status = 1
    try:
        await a_person_is_logged_in(guest)
        session, key = await a_device_pairs_and_logs_in(guest, options.port)
        await slides_press_the_keys(guest, session)
        await the_lock_is_asked_for_and_followed(guest, session)
        await brightness_moves_the_panel(guest, session, panel)
        await session.leave()
        session = await the_next_session_has_it_as_a_service(guest, options.port, key)
        await a_missing_device_is_named_and_mended_without_a_restart(guest, session)
        await the_service_reaches_the_session(guest, session, panel)
        await session.leave()
        status = 0
    except Exception:
        traceback.print_exc()
    guest.tell(f"exit {status}")
    await guest.gone()
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agent", required=True, help="socket of the agent's port")
    parser.add_argument("--memory", required=True, help="file behind the guest's memory")
    parser.add_argument("--port", type=int, required=True, help="the daemon's port, on both ends")
    sys.exit(asyncio.run(judge(parser.parse_args())))
