"""autobahn-python and wampy with each other through the router, on every pair of serializers, both ways.

usage: cross.py DIRECTORY OF cross_wampy.mjs
"""

import asyncio
import sys

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions
from cbor2 import CBORTag

import address
import peer
from peer import DETAILS, refused_with
from raw_peer import CLOSED, RawStage
from report import WITHIN, Report, equal
from stage import REALM, Box

PREFIX = "com.example.cross."
VALUES = ["Grüße, 世界 🌍", 0, -1, 2**31, 0.5, None, True, [], {}, {"key": [1, {"deep": None}]}]


async def wampy(role, serializer):
    arguments = [f"{sys.argv[1]}/cross_wampy.mjs", role, serializer]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec("node", *arguments, stdin=pipe, stdout=pipe)


class Slow:
    """A subscriber that has an event only when it is let go."""

    def __init__(self):
        self.heard = asyncio.Event()
        self.free = asyncio.Event()

    async def take(self):
        self.heard.set()
        await self.free.wait()


async def add_up(callee):
    """A callee made by hand: none of the libraries takes a call in parts. It says the sum so far after each."""
    total = 0
    while (message := await callee.get()) != CLOSED:
        kind, invocation, _, details, [number] = message
        equal(kind, 68)
        total += number
        await callee.send(70, invocation, {"progress": True} if details.get("progress") else {}, [total])


async def serve(session):
    """What wampy's caller expects to find."""
    slow = Slow()

    def fail():
        raise ApplicationError("com.example.error.full", "no room", 7, kw=[1])

    async def count(to, details):
        for number in range(to):
            details.progress(number)
        return "done"

    await session.register(lambda *args, **kwargs: CallResult(*args, **kwargs), PREFIX + "echo")
    await session.register(fail, PREFIX + "fail")
    await session.register(lambda details: details.caller, PREFIX + "who", DETAILS)
    await session.register(count, PREFIX + "count", DETAILS)
    await session.subscribe(lambda *args, **kwargs: session.publish(PREFIX + "pong", *args, **kwargs), PREFIX + "ping")
    await session.subscribe(slow.take, PREFIX + "slow")
    await session.register(slow.heard.wait, PREFIX + "heard")
    await session.register(slow.free.set, PREFIX + "let_go")
    await session.publish(PREFIX + "kept", "still here", options=PublishOptions(acknowledge=True, retain=True))


async def echoes(session):
    result = await session.call(PREFIX + "echo", *VALUES, keyword=VALUES)
    equal((list(result.results), result.kwresults), (VALUES, {"keyword": VALUES}))


async def binary_values_come_back(session):
    # Where wampy speaks JSON it gets, and hands on unread, the text of WAMP's convention.
    answer = await session.call(PREFIX + "echo", b"\x00\xff")
    if isinstance(answer, CBORTag):
        # wampy marks bytes in CBOR as an Uint8Array (RFC 8746, tag 64). The router converts that for other serializers
        # and does not touch what goes from CBOR to CBOR; autobahn-python leaves the tag to its user.
        equal((session.serializer, answer.tag), ("cbor", 64))
        answer = answer.value
    equal(answer, b"\x00\xff")


async def fails_with_arguments(session):
    error = await refused_with(session.call(PREFIX + "fail"), "com.example.error.full")
    equal((list(error.args), error.kwargs), (["no room", 7], {"kw": [1]}))


async def gets_progress(session):
    seen = []
    equal(await session.call(PREFIX + "count", 20, options=CallOptions(on_progress=seen.append)), "done")
    equal(seen, list(range(20)))


async def exchanges_events(session):
    box = Box()
    subscription = await session.subscribe(box.put, PREFIX + "pong")
    session.publish(PREFIX + "ping", *VALUES, keyword=VALUES)
    args, kwargs, _ = await box.get()
    equal((args, kwargs), (VALUES, {"keyword": VALUES}))
    await subscription.unsubscribe()


CALLS = [echoes, binary_values_come_back, fails_with_arguments, gets_progress, exchanges_events]


async def wampy_serves(report, router, ours, theirs):
    callee = await wampy("callee", theirs)
    try:
        ready = await asyncio.wait_for(callee.stdout.readline(), WITHIN)
        equal(ready, b"ready\n")
        session = await peer.join(router, REALM, serializer=ours)
        session.serializer = ours
        await report.check_all(CALLS, session)
        await session.goodbye()
    finally:
        callee.stdin.close()
        await asyncio.wait_for(callee.wait(), WITHIN)


async def wampy_calls(report, router, ours, theirs):
    session = await peer.join(router, REALM, serializer=ours)
    callee = await RawStage(router, "websocket", ours).join()
    try:
        await serve(session)
        equal((await callee.ask(64, {}, PREFIX + "sum"))[0], 65)
        adding = asyncio.ensure_future(add_up(callee))
        caller = await wampy("caller", theirs)
        said, _ = await asyncio.wait_for(caller.communicate(), WITHIN)
        adding.cancel()
    finally:
        await callee.close()
        await session.goodbye()
    report.take(said.decode(), f"autobahn-python {ours}")
    equal(caller.returncode, 0)


async def main():
    report = Report("cross")
    router = address.router()
    for ours in peer.SERIALIZERS:
        for theirs in peer.SERIALIZERS:
            for half in (wampy_serves, wampy_calls):
                report.peer = f"autobahn-python {ours} and wampy {theirs}"
                # One line more for the pair itself: a program that cannot even start is a failure too.
                await report.check(half.__name__.replace("_", " "), half(report, router, ours, theirs))
    report.peer = "cross"
    report.end()


asyncio.run(main())
