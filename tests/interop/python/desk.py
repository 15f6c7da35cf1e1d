"""A desktop of this stage's own: the real daemon with a home of its own, and the real command line beside it."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from types import SimpleNamespace

import peer
from peer import JOIN_WITHIN, Refused
from report import equal
from stage import SOON

REALM = "deskconn"
# As root the daemon runs as an ordinary user, which is how people run it.
ORDINARY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Desk:
    """`host` and `port` are where it listens, on any free port without one; `more` is further configuration."""

    def __init__(self, host, port, more=""):
        self.bin = os.environ["DESK_BIN"]
        self.port = port or free_port()
        self.home = tempfile.mkdtemp(prefix="desk-", dir=os.environ["DESK_HOMES"])
        os.mkdir(f"{self.home}/run")
        if ORDINARY:
            for path in (self.home, f"{self.home}/run"):
                shutil.chown(path, "nobody", "nogroup")
        with open(f"{self.home}/config.toml", "w", encoding="utf-8") as file:
            file.write(f'[listen]\ntcp = ["{host}:{self.port}"]\n{more}')
        os.chmod(f"{self.home}/config.toml", 0o644)

    def command(self, *arguments):
        variables = [f"HOME={self.home}", f"XDG_RUNTIME_DIR={self.home}/run", "PATH=/usr/bin:/bin"]
        return [*ORDINARY, "env", "-i", *variables, *arguments]

    async def run(self, *arguments, **more):
        return await asyncio.create_subprocess_exec(*self.command(*arguments), **more)

    async def __aenter__(self):
        self.log = open(f"{self.home}/log", "wb")
        daemon = (f"{self.bin}/deskconnd", "--config", f"{self.home}/config.toml")
        self.daemon = await self.run(*daemon, stderr=self.log)
        end = asyncio.get_running_loop().time() + SOON
        while " ready " not in Path(self.log.name).read_text():
            if self.daemon.returncode is not None or asyncio.get_running_loop().time() > end:
                raise RuntimeError(Path(self.log.name).read_text())
            await asyncio.sleep(0.02)
        return self

    async def __aexit__(self, kind, error, trace):
        self.daemon.terminate()
        equal(await asyncio.wait_for(self.daemon.wait(), SOON), 0)
        self.log.close()

    async def ctl(self, *arguments):
        """What `deskconnctl --json` prints, line by line; fails when it fails."""
        pipe = asyncio.subprocess.PIPE
        program = await self.run(f"{self.bin}/deskconnctl", "--json", *arguments, stdout=pipe, stderr=pipe)
        said, complaint = await asyncio.wait_for(program.communicate(), SOON)
        if program.returncode != 0:
            raise RuntimeError(f"deskconnctl {arguments}: {complaint.decode()}")
        return [json.loads(line) for line in said.splitlines()]

    @contextlib.asynccontextmanager
    async def pairing(self, *options):
        """`deskconnctl pair --legacy`, with its code."""
        pipe = asyncio.subprocess.PIPE
        command = (f"{self.bin}/deskconnctl", "--json", "pair", "--legacy", "--force", *options)
        program = await self.run(*command, stdin=pipe, stdout=pipe, stderr=pipe)
        window = Window(program)
        try:
            window.shown = (await window.event("open"))["code"]
            window.code = int(window.shown.replace("-", ""))
            yield window
        finally:
            if program.returncode is None:
                program.send_signal(signal.SIGINT)  # as Ctrl-C, which closes the window
                await asyncio.wait_for(program.wait(), SOON)

    def at(self, host="127.0.0.1"):
        return SimpleNamespace(host=host, port=self.port, unix=f"{self.home}/run/deskconn/deskconn.sock")

    async def join(self, host="127.0.0.1", **more):
        return await peer.join(self.at(host), REALM, **more)


class Window:
    """A pairing window as the owner sees it."""

    def __init__(self, program):
        self.program = program
        # The code as programs read it, and as the integer that older clients send.
        self.shown = None
        self.code = None

    async def event(self, name):
        """The next thing that `deskconnctl` tells; fails unless it is this. Attempts that failed come from the audit log,
        on a way of their own, and are passed over."""
        told = "failed"
        while told == "failed" != name:
            line = await asyncio.wait_for(self.program.stdout.readline(), JOIN_WITHIN)
            if not line:
                raise AssertionError(f"no {name} but the end: {(await self.program.stderr.read()).decode()}")
            event = json.loads(line)
            told = event["event"]
        equal(told, name)
        return event

    def type(self, text):
        self.program.stdin.write(text.encode())

    async def ended(self, status):
        equal(await asyncio.wait_for(self.program.wait(), JOIN_WITHIN), status)
        return (await self.program.stderr.read()).decode()

    def wrong_code(self):
        """Another code of the right form."""
        return self.code - 1 if self.code > 10_000_000 else self.code + 1


async def refused(awaitable, reason, word=""):
    """Fails unless joining is refused with this reason, in a sentence with this word."""
    try:
        await awaitable
    except Refused as refusal:
        equal(refusal.reason, reason)
        assert refusal.message and word in refusal.message, refusal.message
        return
    raise AssertionError("was let in")
