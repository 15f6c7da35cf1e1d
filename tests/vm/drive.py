"""Judges the daemon in the virtual machine: calls it over WAMP from the host and
looks at what the guest's kernel, logind, its screen and its devices' registers say.

No assertion here rests on the daemon's word alone.
"""

import argparse
import asyncio
import sys
import traceback

from chapters import brightness, desktop, gpio, lock, login, monitor, phone, pointing, power, service, slides, system
from guest import Guest, Registers
from screen import Screen


async def story(guest, registers, screen, port, browser):
    power.is_charged(registers)
    await login.a_person_is_logged_in(guest)
    session, key = await login.a_device_pairs_and_logs_in(guest, port)
    await slides.slides_press_the_keys(guest, session)
    await lock.the_lock_is_asked_for_and_followed(guest, session)
    await brightness.brightness_moves_the_panel(guest, session, registers)
    await gpio.chapter(guest, session, registers)
    await pointing.chapter(guest, session)
    await power.chapter(guest, session, registers)
    await monitor.chapter(guest, session)
    await session.leave()
    session = await service.the_next_session_has_it_as_a_service(guest, port, key)
    await service.a_missing_device_is_named_and_mended_without_a_restart(guest, session)
    await service.the_service_reaches_the_session(guest, session, registers)
    await desktop.chapter(guest, session, screen)
    await phone.chapter(guest, session, screen, port, browser)
    await session.leave()
    await system.chapter(guest, port, registers, screen)


async def judge(options):
    guest, registers = await Guest.connect(options.agent), Registers(options.memory)
    screen = await Screen.connect(options.monitor, options.pictures)
    try:
        await story(guest, registers, screen, options.port, options.browser)
        return 0
    except Exception:
        traceback.print_exc()
        await screen.picture("failed")
    guest.tell("exit 1")
    await guest.gone()
    return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agent", required=True, help="socket of the agent's port")
    parser.add_argument("--monitor", required=True, help="socket of QEMU's machine protocol")
    parser.add_argument("--memory", required=True, help="file behind the guest's memory")
    parser.add_argument("--port", type=int, required=True, help="the daemon's port, on both ends")
    parser.add_argument("--browser", required=True, help="directory with tests/browser's scripts and their packages")
    parser.add_argument("--pictures", help="directory that gets pictures of the screen")
    sys.exit(asyncio.run(judge(parser.parse_args())))
