"""The lock as logind has it, with a locker that only says so."""

from judging import Events, P, check


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
