"""The guest's screen and its real keyboard, by QEMU's machine protocol (QMP)."""

import asyncio
import json
import os

from guest import PATIENCE

# QEMU's names of the keys that have another name than their character.
KEYS = {" ": "spc", "\n": "ret"}


class Screen:
    """What the VGA shows, and the keyboard a person would type on."""

    def __init__(self, reader, writer, work, pictures):
        self._reader, self._writer = reader, writer
        self._dump, self._pictures = os.path.join(work, "screen.ppm"), pictures

    @classmethod
    async def connect(cls, path, pictures):
        self = cls(*await asyncio.open_unix_connection(path), os.path.dirname(path), pictures)
        await self._reader.readline()
        await self._do("qmp_capabilities")
        return self

    async def _do(self, command, **arguments):
        self._writer.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(await self._reader.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return

    async def type(self, text):
        """Types it on the keyboard that is plugged in."""
        for character in text:
            key = {"type": "qcode", "data": KEYS.get(character, character)}
            await self._do("send-key", keys=[key])

    async def _pixels(self):
        await self._do("screendump", filename=self._dump)
        with open(self._dump, "rb") as file:
            kind, size, depth = (file.readline().strip() for _ in range(3))
            pixels = file.read()
        if (kind, depth) != (b"P6", b"255"):
            raise RuntimeError(f"QEMU wrote a picture of another kind: {kind} {depth}")
        width, height = map(int, size.split())
        return width, height, pixels

    async def _has(self, colour, everywhere):
        width, height, pixels = await self._pixels()
        if everywhere:
            return pixels == bytes.fromhex(colour) * (width * height)
        middle = 3 * (height // 2 * width + width // 2)
        return pixels[middle : middle + 3].hex() == colour

    async def shows(self, colour, everywhere=False, within=PATIENCE):
        """Waits until its middle, or all of it, has this colour; whether it came to that."""

        async def wait():
            while not await self._has(colour, everywhere):
                await asyncio.sleep(0.1)

        try:
            await asyncio.wait_for(wait(), within)
        except asyncio.TimeoutError:
            await self.picture("not-" + colour)
            return False
        return True

    async def picture(self, name):
        """Keeps what the screen shows, for people, where they asked for that."""
        if self._pictures:
            file = os.path.join(self._pictures, name + ".png")
            await self._do("screendump", filename=file, format="png")
            print(f"        picture: {file}", flush=True)
