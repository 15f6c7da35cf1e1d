"""A phone's browser beside the machine: the QR code's link, the app, and real pages that turn.

Chromium on the host is the phone; it reaches the guest as a phone would, by the name that mDNS gives.
"""

import asyncio
import json
import re
import time
from pathlib import Path

from judging import check
from pages import COLOURS

# From the link to the page that has turned, with the guest under emulation. Nothing is typed but the name.
FIRST_SLIDE_S = 10


class Phone:
    """Chromium with the app, which does what it is told (tests/browser/phone.mjs)."""

    @classmethod
    async def start(cls, directory, names):
        self = cls()
        script = Path(directory) / "phone.mjs"
        self._process = await asyncio.create_subprocess_exec(
            "node", str(script), f"{directory}/profile", *names, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        await self._answer()
        return self

    async def _answer(self):
        line = await asyncio.wait_for(self._process.stdout.readline(), 90)
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    async def __call__(self, *act):
        self._process.stdin.write(json.dumps(act).encode() + b"\n")
        return await self._answer()

    async def end(self):
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), 20)


async def link_of(guest, mark):
    """The link that `deskconnctl pair` shows in the guest, as the phone reaches it."""
    pattern = re.compile(r"http://[^/]+(/#p=1\.[\w-]{48})")
    shown = await guest.until(mark, "run", enough=lambda seen: pattern.search("\n".join(seen)))
    return pattern.search("\n".join(shown)).group(1)


async def chapter(guest, session, screen, port, directory):
    info = await session.call("org.deskconn.info.get")
    name = f"deskconn-{info['id'][:8]}.local"
    phone = await Phone.start(directory, [name, "127.0.0.1"])
    # The viewer is on page 2; back to the first, so that the phone's slide is another.
    await session.call("org.deskconn.slides.previous")
    check(await screen.shows(COLOURS[0]), "the viewer shows page 1")
    mark = guest.mark()
    guest.tell("run deskconnctl pair --yes --role full")
    link = await link_of(guest, mark)
    begun = time.monotonic()
    await phone("open", f"http://{name}:{port}{link}")
    await phone("fill", "pair-name", "A phone")
    await phone("tap", "pair-submit")
    await phone("tap", "slides-next")
    check(await screen.shows(COLOURS[1]), "scanned, paired, tapped: the screen shows page 2")
    took = time.monotonic() - begun
    check(took < FIRST_SLIDE_S, f"scan to first slide: {took:.1f} s")
    check(await guest.until(mark, "run-exit") == ["0"], "deskconnctl pair ends well")
    await phone("tap", "slides-previous")
    check(await screen.shows(COLOURS[0]), "and back")
    # What follows finds the viewer where the phone found it.
    await phone("tap", "slides-next")
    check(await screen.shows(COLOURS[1]), "and forth")
    await phone.end()
