"""The daemon as a service of the system: two people at one machine, and the agent in the session of each."""

import asyncio
import json

from autobahn.wamp.exception import ApplicationError
from chapters import doctor, login, power
from chapters.desktop import LOCKED, PASSWORD
from judging import P, becomes, check, error_of
from pages import COLOURS

# systemd's name for the agent, which a desktop starts by the file of the package in /etc/xdg/autostart.
AGENT = r"'app-deskconn\x2dagent@autostart.service'"
# The users of the machine, by what the guest's agent calls them.
PRESENTER, VISITOR = "run", "other"


async def owns(guest, who):
    """Whether this user of the machine owns the desktop now."""
    try:
        status = await guest.run("deskconnctl status --json", who=who)
    except RuntimeError:
        return False
    return json.loads(status[0])["role"] == "owner"


async def bring_to_front(guest, user):
    """Switches the seat to the session of a user, as a display manager or Ctrl-Alt-F2 does it."""
    find = f"loginctl list-sessions --no-legend | awk '$3 == \"{user}\" && $4 == \"seat0\" {{print $1}}'"
    # A session that was just begun is there a moment later.
    await guest.run(f'until id=$({find}) && [ "$id" ]; do sleep 0.1; done; loginctl activate "$id"', who="root")


async def it_is_of_whoever_sits_there(guest):
    await guest.run("systemctl --user stop deskconnd")
    await guest.run("systemctl start deskconnd", who="root")
    await becomes(lambda: owns(guest, PRESENTER), "the system's daemon takes the person in front as its owner")
    check(not await owns(guest, VISITOR), "and no other user of the machine")
    check(await owns(guest, "root"), "but root")


async def what_needs_no_session_works_without_an_agent(guest, session, registers, screen):
    await session.call(f"{P}slides.next")
    check(await screen.shows(COLOURS[2]), "slides.next turns the page in the person's session")
    check(await session.call(f"{P}brightness.set", 40) == 40, "brightness.set")
    check(registers.percent == 40, f"the panel's register says {registers.percent}")


async def lacks_the_agent(session):
    try:
        await session.call(f"{P}media.players")
        return False
    except ApplicationError as error:
        return error.error == f"{P}error.unavailable" and "deskconnctl agent" in error.args[0]


async def has_the_agent(session):
    return await error_of(session.call(f"{P}media.players")) == "no error but []"


async def serving_as(guest, who, name):
    """Whether what the session serves is run as this user."""
    try:
        return await guest.run("deskconnctl command run who", who=who) == [name]
    except RuntimeError:
        return False


async def the_agent_serves_the_rest(guest, session, screen):
    check(await lacks_the_agent(session), "without an agent media.players says what to start")
    await doctor.names_the_agent(guest)
    await guest.run(f"systemctl --user start {AGENT}")
    await becomes(lambda: has_the_agent(session), "with it the function works, without a restart of the daemon")
    check(await serving_as(guest, PRESENTER, "presenter"), "a command runs as the person, not as root")
    check(await session.call(f"{P}screen.lock") is True, "screen.lock is a success")
    check(await screen.shows(LOCKED, everywhere=True), "and i3lock covers the screen")
    await screen.type(PASSWORD)
    check(await screen.shows(COLOURS[2]), "the password opens it")

    await guest.run(f"systemctl --user kill --signal=KILL {AGENT}")
    await becomes(lambda: lacks_the_agent(session), "once it is killed, media.players says what to start")
    await guest.run(f"systemctl --user start {AGENT}")
    await becomes(lambda: has_the_agent(session), "started again it serves again")


async def another_person_comes_to_the_front(guest, session):
    await guest.run("systemctl start visitor", who="root")
    mark = guest.mark()
    # It would wait until its person sits here again.
    guest.tell(f"{PRESENTER} timeout 20 deskconnctl subscribe org.deskconn.screen.on_locked")
    await guest.until(mark, "log", lambda seen: any("joined" in line and "role=owner" in line for line in seen))
    ends = asyncio.create_task(guest.until(mark, f"{PRESENTER}-exit"))
    await bring_to_front(guest, "visitor")
    await becomes(lambda: owns(guest, VISITOR), "after a switch of the seat the desktop is of who sits there now")
    await ends
    told = any("does not sit at the machine any more" in line for line in guest.since(mark, PRESENTER))
    check(told, "the session of who got up was ended, and said why")
    check(not await owns(guest, PRESENTER), "and a new one is not let in")
    await doctor.names_the_session_behind(guest)
    check(await lacks_the_agent(session), "the agent of who got up serves no more")
    await guest.run(f"systemctl --user start {AGENT}", who=VISITOR)
    await becomes(lambda: has_the_agent(session), "that of the other person does")
    check(await serving_as(guest, VISITOR, "visitor"), "and runs commands as that person")


async def the_first_comes_back(guest, session, screen):
    await bring_to_front(guest, "presenter")
    await becomes(lambda: owns(guest, PRESENTER), "switched back, the desktop is the first person's again")
    check(not await owns(guest, VISITOR), "and the other's no more")
    await becomes(lambda: serving_as(guest, PRESENTER, "presenter"), "the agent that had waited serves by itself")
    check(await screen.shows(COLOURS[2]), "Xorg shows the page again")
    await session.call(f"{P}slides.previous")
    check(await screen.shows(COLOURS[1]), "and the device, which was there all the time, turns it")


async def chapter(guest, port, registers, screen):
    await it_is_of_whoever_sits_there(guest)
    session, _ = await login.a_device_pairs_and_logs_in(guest, port)
    device = session.authid
    await what_needs_no_session_works_without_an_agent(guest, session, registers, screen)
    await the_agent_serves_the_rest(guest, session, screen)
    await another_person_comes_to_the_front(guest, session)
    await the_first_comes_back(guest, session, screen)
    await power.who_has_a_grant_switches_it_off(guest, session, device)
