"""What every chapter judges with."""

import asyncio

from autobahn.wamp.exception import ApplicationError

P = "org.deskconn."


def check(is_so, what):
    """Notes one thing that has to be so."""
    print(f"{'ok    ' if is_so else 'FAILED'}  {what}", flush=True)
    if not is_so:
        raise AssertionError(what)


async def error_of(call):
    """The error URI a call ends with."""
    try:
        return f"no error but {await call!r}"
    except ApplicationError as error:
        return error.error


class Events:
    """The events of one topic."""

    @classmethod
    async def of(cls, session, topic):
        self = cls()
        self.seen, self._arrived = [], asyncio.Event()
        await session.subscribe(self._take, topic)
        return self

    def _take(self, *args):
        self.seen.append(list(args))
        self._arrived.set()

    async def until(self, args, within=20):
        async def wait():
            while args not in self.seen:
                self._arrived.clear()
                await self._arrived.wait()

        await asyncio.wait_for(wait(), within)
        self.seen.clear()


async def becomes(question, what, within=20):
    """Asks until it is so."""

    async def wait():
        while not await question():
            await asyncio.sleep(0.2)

    await asyncio.wait_for(wait(), within)
    check(True, what)
