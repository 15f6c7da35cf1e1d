"""Functions of one's own, as docs/COMPONENTS.md shows them: a lamp in Python on the desktop itself, and a camera in Rust on
another computer, whose picture a third one gets.

usage: components.py [ADDRESS]     of the desktop on a network; without one everything is on loopback
"""

import asyncio
import base64
import json
import os
import sys
import tempfile

from autobahn.wamp.types import SubscribeOptions

from desk import Desk
from report import Report, equal
from stage import SOON

LAMP = os.path.join(os.path.dirname(__file__), "../../../examples/components/lamp.py")
PREFIX = "org.deskconn.component.lamp."
PICTURE = "org.deskconn.app.camera.picture"


class Program:
    """A program that goes on, and what it prints."""

    def __init__(self, process):
        self.process = process

    async def says(self, line):
        said = await asyncio.wait_for(self.process.stdout.readline(), SOON)
        equal(said.decode().rstrip(), line)

    async def end(self):
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), SOON)


PIPE = asyncio.subprocess.PIPE


async def described(session):
    info = await session.call("org.deskconn.info.get")
    return [item["title"] for item in info["described"]]


async def a_lamp_in_python_is_found_switched_and_gone(way):
    owner = await way.desk.join(link="unix")
    news = asyncio.Queue()
    await owner.subscribe(lambda: news.put_nowait(None), "org.deskconn.components.on_changed")
    lamp = Program(await asyncio.create_subprocess_exec(sys.executable, LAMP, way.desk.at().unix, stdout=PIPE))
    try:
        await lamp.says("the lamp is there")
        equal(await described(owner), ["Desk lamp"])
        equal(await owner.call(PREFIX + "set", True), True)
        await lamp.says("the lamp is on")
        # Who comes later hears how it is.
        states = asyncio.Queue()
        await owner.subscribe(states.put_nowait, PREFIX + "on_changed", options=SubscribeOptions(get_retained=True))
        equal(await asyncio.wait_for(states.get(), SOON), True)
        equal(await owner.call(PREFIX + "set", False), False)
        equal(await asyncio.wait_for(states.get(), SOON), False)
    finally:
        await lamp.end()
    await asyncio.wait_for(news.get(), SOON)
    while await described(owner):
        await asyncio.wait_for(news.get(), SOON)
    await owner.goodbye()


async def join(way, name):
    """Another computer: a home of its own, paired by code with role bus."""
    other = Desk("127.0.0.1", 0)
    command = (f"{way.desk.bin}/deskconnctl", "--json", "pair", "--role", "bus", "--yes", "--no-qr")
    window = await way.desk.run(*command, stdin=PIPE, stdout=PIPE)
    shown = json.loads(await asyncio.wait_for(window.stdout.readline(), SOON))
    joining = (f"{way.desk.bin}/deskconnctl", "--json", "join", f"{way.host}:{way.desk.port}", "--name", name)
    program = await other.run(*joining, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    _, complaint = await asyncio.wait_for(program.communicate(shown["code"].encode() + b"\n"), SOON)
    equal((program.returncode, complaint.decode() if program.returncode else ""), (0, ""))
    await asyncio.wait_for(window.communicate(), SOON)
    equal(window.returncode, 0)
    [row] = await other.ctl("desktops")
    return other, row


async def a_camera_elsewhere_shows_its_picture_to_a_laptop(way):
    picture = os.urandom(100_000)
    with tempfile.NamedTemporaryFile(dir=os.environ["DESK_HOMES"]) as file:
        file.write(picture)
        file.flush()
        os.chmod(file.name, 0o644)
        pi, row = await join(way, "Pi")
        keys = f"{pi.home}/.local/share/deskconn/client.key"
        command = (f"{pi.bin}/camera", f"{way.host}:{way.desk.port}", row["pin"], row["device"], keys, "cat", file.name)
        camera = Program(await pi.run(*command, stdout=PIPE))
        try:
            await camera.says("the camera is there")
            laptop, desktop = await join(way, "Laptop")
            call = ("--no-discovery", "--desktop", desktop["id"], "call", PICTURE)
            [answer] = await laptop.ctl(*call)
            equal(base64.b64decode(answer["args"][0].removeprefix("\0")), picture)
        finally:
            await camera.end()
        try:
            await laptop.ctl(*call)
        except RuntimeError as error:
            assert "nobody offers" in str(error), error
        else:
            raise AssertionError("it is still there")


class Way:
    """What the steps share."""


async def main():
    way = Way()
    way.host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    report = Report("components")
    quiet = "[discovery]\nenabled = false\n"
    async with Desk(way.host, 0, quiet) as way.desk:
        cases = [a_lamp_in_python_is_found_switched_and_gone, a_camera_elsewhere_shows_its_picture_to_a_laptop]
        await report.check_all(cases, way)
    report.end()


if __name__ == "__main__":
    asyncio.run(main())
