"""A desktop with a display server, a PDF viewer and a screen locker, none of which knows of the daemon."""

from judging import Events, P, check, error_of
from pages import COLOURS

# What desktop.sh has i3lock paint.
LOCKED = "003366"
PASSWORD = "open sesame\n"


async def the_daemon_stays_while_a_graphical_session_begins(guest, session, screen):
    await guest.ask("again desktop", "again")
    kind = (await guest.ask("session", "session")).split()
    check(kind[1:5] == ["x11", "user", "seat0", "yes"], f"a graphical session: {kind}")
    check(await screen.shows(COLOURS[0]), "Xorg runs, and the PDF viewer shows page 1")
    answer = await session.call(f"{P}screen.is_locked")
    check(answer is None, f"the daemon has gone over to it, in which nothing has told about the lock: {answer}")


async def slides_turn_real_pages(guest, session, screen):
    for procedure, page in (("next", 2), ("next", 3), ("previous", 2)):
        await session.call(f"{P}slides.{procedure}")
        check(await screen.shows(COLOURS[page - 1]), f"slides.{procedure}: the screen shows page {page}")
        titles = await guest.run("DISPLAY=:0 xdotool search --class mupdf getwindowname")
        check(any(f"{page}/3" in title for title in titles), f"and the window's title says so: {titles}")
    await screen.picture("slides-page-2")


async def pointer_and_keyboard_reach_programs(guest, session, screen):
    where = "DISPLAY=:0 xdotool getmouselocation --shell | head -n 2"
    # The display server has to find a new mouse first; one that is there moves at once.
    await session.call(f"{P}pointer.move", 1, 1)
    before = await guest.run(where)
    await session.call(f"{P}pointer.move", -50, 20)
    after = await guest.run(where)
    (x, y), (new_x, new_y) = ([int(line.split("=")[1]) for line in lines] for lines in (before, after))
    check(new_x < x and new_y > y, f"the pointer of Xorg went from {x},{y} to {new_x},{new_y}")
    await session.call(f"{P}keyboard.type", "3g")
    check(await screen.shows(COLOURS[2]), 'typed into the viewer, "3g" leads to page 3')
    await session.call(f"{P}keyboard.press", "page_up")
    check(await screen.shows(COLOURS[1]), "and the key page_up to page 2")


async def a_real_locker_locks(guest, session, screen):
    locked = await Events.of(session, f"{P}screen.on_locked")
    check(await session.call(f"{P}screen.lock") is True, "screen.lock is a success")
    await locked.until([True])
    check(await screen.shows(LOCKED, everywhere=True), "and i3lock covers the screen")
    await screen.picture("locked")
    check(await session.call(f"{P}screen.is_locked") is True, "it is locked")
    error = await error_of(session.call(f"{P}slides.next"))
    check(error == f"{P}error.refused", f"nothing is typed into the locker: {error}")

    await screen.type(PASSWORD)
    await locked.until([False])
    check(await screen.shows(COLOURS[1]), "the password on the real keyboard opens it, on the same page")
    check(await session.call(f"{P}screen.is_locked") is False, "it is not locked any more")


async def a_lock_by_somebody_else_is_announced(guest, session, screen):
    locked = await Events.of(session, f"{P}screen.on_locked")
    await guest.run('loginctl lock-session "$(loginctl show-user "$USER" -p Display --value)"')
    await locked.until([True])
    check(await screen.shows(LOCKED, everywhere=True), "loginctl lock-session locks, and that is announced")
    await guest.run("killall i3lock")
    await locked.until([False])
    check(await screen.shows(COLOURS[1]), "a locker that dies leaves it open, and that is announced")


async def chapter(guest, session, screen):
    await the_daemon_stays_while_a_graphical_session_begins(guest, session, screen)
    await slides_turn_real_pages(guest, session, screen)
    await pointer_and_keyboard_reach_programs(guest, session, screen)
    await a_real_locker_locks(guest, session, screen)
    await a_lock_by_somebody_else_is_announced(guest, session, screen)
