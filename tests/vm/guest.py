"""The host's end of the virtual machine: its agent, and its memory."""

import asyncio
import mmap
import os
import time

# A guest under emulation on two busy cores is slow; a wrong answer comes much
# sooner than this.
PATIENCE = 60

# Where the registers of the guest's devices begin, and those of the panel and of the battery behind that.
DEVICES = 0x10000000
PANEL = 0x1000
POWER = 0x2000


async def reach(path):
    """The agent's end of its port, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await asyncio.open_unix_connection(path)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


class Guest:
    """What the agent in the guest observes, as lines."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._lines, self._arrived = [], asyncio.Condition()
        self._started = time.monotonic()
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, path):
        return cls(*await reach(path))

    async def _read(self):
        while line := await self._line():
            text = line.decode(errors="replace").rstrip()
            print(f"{time.monotonic() - self._started:6.1f}  guest: {text}", flush=True)
            async with self._arrived:
                self._lines.append(text)
                self._arrived.notify_all()

    async def _line(self):
        try:
            return await self._reader.readline()
        except ConnectionResetError:  # A machine that ends with something unread.
            return b""

    def mark(self):
        """A place in the stream: what is observed from now on."""
        return len(self._lines)

    def since(self, mark, prefix):
        """What was observed since then under a heading, without it."""
        return [line[len(prefix) + 1 :] for line in self._lines[mark:] if line == prefix or line.startswith(prefix + " ")]

    async def until(self, mark, prefix, enough=lambda seen: seen, within=PATIENCE):
        """Waits until `enough` of what was observed since then has come."""
        async with self._arrived:
            await asyncio.wait_for(
                self._arrived.wait_for(lambda: enough(self.since(mark, prefix))), within
            )
        return self.since(mark, prefix)

    async def gone(self):
        """Waits until the machine has ended."""
        await asyncio.wait_for(self._task, PATIENCE)

    async def begun_anew(self, path):
        """Waits until the machine has ended and begun anew, with its agent at another socket: at the same one, the
        machine that ends could still take the connection."""
        await self.gone()
        self._reader, self._writer = await reach(path)
        self._task = asyncio.create_task(self._read())

    def tell(self, command):
        """Gives the agent a command."""
        self._writer.write(command.encode() + b"\n")

    async def ask(self, command, prefix, **how):
        """Gives a command and waits for what it brings."""
        mark = self.mark()
        self.tell(command)
        return (await self.until(mark, prefix, **how))[0]

    async def watch(self, device):
        """Reads an input device of the daemon from now on; gives a mark before what it offers."""
        mark = self.mark()
        self.tell(f"watch {device}")
        await self.until(mark, f"{device}-ready")
        return mark

    async def run(self, command, who="run", within=PATIENCE):
        """Runs a command as the person at the machine (or as "root", or as the "other" person) and gives its
        lines; raises if it fails."""
        mark = self.mark()
        self.tell(f"{who} {command}")
        status = (await self.until(mark, f"{who}-exit", within=within))[0]
        lines = self.since(mark, who)
        if status != "0":
            raise RuntimeError(f"in the guest, {command!r} ended with {status}: {lines}")
        return lines


class Registers:
    """The registers of the guest's devices, in the file that is its memory (acpi/*.asl)."""

    def __init__(self, path):
        self._memory = mmap.mmap(os.open(path, os.O_RDWR), 3 * mmap.PAGESIZE, offset=DEVICES)

    def _read(self, offset):
        return int.from_bytes(self._memory[offset : offset + 4], "little")

    def _write(self, offset, value):
        self._memory[offset : offset + 4] = value.to_bytes(4, "little")

    def is_output(self, line):
        """Whether the GPIO controller drives this line."""
        return bool(self._read(0) >> line & 1)

    def output(self, line):
        """What it drives the line to."""
        return self._read(8) >> line & 1

    def drive(self, line, value):
        """Drives an input of the controller."""
        self._write(4, self._read(4) & ~(1 << line) | value << line)

    @property
    def percent(self):
        """How bright the panel is."""
        return self._read(PANEL)

    @property
    def sets(self):
        """How often that was set."""
        return self._read(PANEL + 4)

    def battery(self, does, rate, left):
        """What the battery does (1 discharging, 2 charging), at how many mW, and how many mWh of 50,000 are left."""
        for offset, value in ((0, does), (4, rate), (8, left)):
            self._write(POWER + offset, value)

    def temperature(self, value):
        """The temperature, in tenths of a kelvin."""
        self._write(POWER + 12, value)
