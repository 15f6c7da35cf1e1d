"""The clients of docs/CLIENTS.md, each as it stands in examples/clients and clients/rust/examples: on the desktop itself by
the Unix socket, and from another computer, paired by `deskconnctl join` or by itself.

usage: clients.py EXAMPLES [ADDRESS]     EXAMPLES has the JavaScript with its packages; ADDRESS is as in components.py
"""

import asyncio
import json
import os
import shutil
import signal
import sys

from components import PIPE, Program, join
from desk import Desk
from report import Report, equal
from stage import SOON

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "../../../examples/clients")
NEWS = "org.deskconn.app.news"
GREET = "org.deskconn.app.greet"
# What JSON and shells would garble if anything did.
TEXT = 'Zoë "and" \\ 日本 \t'


async def works(way, command, role, **more):
    """Fails unless the program joins in this role, answers a call and hears an event."""
    program = Program(await asyncio.create_subprocess_exec(*command, stdout=PIPE, **more))
    try:
        await program.says(f"joined {way.name} as {role}")
        await program.says("ready")
        await at_work(way, program)
    finally:
        await program.end()


async def at_work(way, program):
    owner = await way.desk.join(link="unix")
    equal(await owner.call(GREET, TEXT), f"Hello, {TEXT}!")
    owner.publish(NEWS, TEXT)
    await program.says(f"news: {TEXT}".rstrip())
    await owner.goodbye()


def local(command):
    async def case(way):
        await works(way, [*command(way), way.desk.at().unix], "owner")

    return case


def elsewhere(command):
    async def case(way):
        device, row = await join(way, "Laptop")
        keys = f"{device.home}/.local/share/deskconn/client.key"
        address = f"{way.host}:{way.desk.port}"
        await works(way, [*command(way), address, row["pin"], row["device"], keys], "bus")
        # Another desktop is told from its key, and told nothing.
        stranger = await asyncio.create_subprocess_exec(
            *command(way), address, "00" * 32, row["device"], keys, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await asyncio.wait_for(stranger.communicate(), SOON)
        assert b"joined" not in said, said

    return case


async def paired_by_itself(way):
    """remote.mjs asks for a code, pairs, and needs none when it comes again."""
    kept = f"{way.desk.home}/membership.json"
    command = ("node", f"{way.examples}/remote.mjs", f"{way.host}:{way.desk.port}", kept)
    opening = (f"{way.desk.bin}/deskconnctl", "--json", "pair", "--role", "bus", "--yes", "--no-qr")
    window = await way.desk.run(*opening, stdin=PIPE, stdout=PIPE)
    shown = json.loads(await asyncio.wait_for(window.stdout.readline(), SOON))
    program = Program(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))
    try:
        await program.says("code:")
        program.process.stdin.write(shown["code"].encode() + b"\n")
        await program.says(f"joined {way.name} as bus")
        await program.says("ready")
        await at_work(way, program)
    finally:
        await program.end()
        if window.returncode is None:
            window.send_signal(signal.SIGINT)  # as Ctrl-C, which closes a window that is still open
        await asyncio.wait_for(window.communicate(), SOON)
    equal(window.returncode, 0)
    equal(os.stat(kept).st_mode & 0o777, 0o600)
    await works(way, command, "bus")


class Way:
    """What the cases share."""


def cases():
    """Names, the program that each needs, and what it does."""
    python = lambda _: [sys.executable, f"{SOURCES}/greeter.py"]
    java = lambda _: ["java", f"{SOURCES}/Greeter.java"]
    rust = lambda way: [f"{way.desk.bin}/greeter"]
    node = lambda way: ["node", f"{way.examples}/greeter.mjs"]
    return [
        ("Python on the desktop itself", sys.executable, local(python)),
        ("Python from elsewhere", sys.executable, elsewhere(python)),
        ("JavaScript on the desktop itself", "node", local(node)),
        ("JavaScript from elsewhere, which pairs by itself", "node", paired_by_itself),
        ("Rust on the desktop itself", "true", local(rust)),
        ("Rust from elsewhere", "true", elsewhere(rust)),
        ("Java on the desktop itself", "javac", local(java)),
        ("Java from elsewhere", "javac", elsewhere(java)),
    ]


async def main():
    way = Way()
    way.examples = sys.argv[1]
    way.host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    report = Report("clients")
    async with Desk(way.host, 0, '[discovery]\nenabled = false\nname = "Desk of the test"\n') as way.desk:
        [info] = await way.desk.ctl("call", "org.deskconn.info.get")
        way.name = info["args"][0]["name"]
        for name, program, case in cases():
            if shutil.which(program):
                await report.check(name, case(way))
            elif os.environ.get("DESKCONN_REQUIRE_ALL") == "1":
                report.fail(name, f"there is no {program}")
            else:
                print(f"SKIPPED clients: {name}: there is no {program}", flush=True)
    report.end()


if __name__ == "__main__":
    asyncio.run(main())
