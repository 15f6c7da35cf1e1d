"""What a case has to work with: two sessions of one kind, more where it asks for them, URIs that nobody else uses."""

import asyncio
import itertools
import os

import peer

REALM = "realm1"
# Below these the configuration of run.sh discloses who calls and publishes, and keeps what was published.
KNOWN = "com.example.known"
KEPT = "test.kept"
# Where a procedure says what anonymous clients may do.
GUARDED = "guarded"
# An ended session's registrations are gone when the next message is served; this is for what takes longer, such as a Java program's
# start from its source beside other tests.
SOON = 30


class Stage:
    """Two sessions, `a` and `b`."""

    numbers = itertools.count(1)

    def __init__(self, address, link, serializer):
        self.address = address
        self.link = link
        self.serializer = serializer
        self.extra = []

    async def open(self):
        self.a = await self.join()
        self.b = await self.join()
        return self

    async def join(self, **more):
        """One session more."""
        session = await peer.join(self.address, REALM, **{"link": self.link, "serializer": self.serializer, **more})
        self.extra.append(session)
        return session

    async def close(self):
        for session in self.extra:
            if session.is_attached():
                await session.goodbye()

    def uri(self, end="it", start="com.example"):
        """A URI of this case alone: peers that run at the same time have others."""
        return f"{start}.case{os.getpid()}_{next(self.numbers)}.{end}"


class Box:
    """Takes events and calls as they come, and gives them out one by one."""

    def __init__(self):
        self.queue = asyncio.Queue()

    def put(self, *args, details=None, **kwargs):
        self.queue.put_nowait((list(args), kwargs, details))

    async def get(self):
        return await asyncio.wait_for(self.queue.get(), SOON)

    def is_empty(self):
        return self.queue.empty()
