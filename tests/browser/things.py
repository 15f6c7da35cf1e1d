"""A component of somebody else's with one thing of each kind that can be described: things.py SOCKET

Prints a line for each call; what a call sets, its topic tells. A line on standard input is a temperature to tell.
"""

import asyncio
import sys

from autobahn.asyncio.component import Component, run
from autobahn.wamp.types import PublishOptions

AT = "org.deskconn.app.home."
KEPT = PublishOptions(retain=True, acknowledge=True)
ITEMS = [
    {"uri": AT + "coffee", "title": "Make coffee", "kind": "button", "group": "Kitchen"},
    {"uri": AT + "say", "title": "Say on the loudspeaker", "kind": "text", "group": "Kitchen"},
    {"uri": AT + "lamp", "title": "Desk lamp", "kind": "toggle", "group": "Living room", "topic": AT + "on_lamp"},
    {"uri": AT + "heating", "title": "Heating", "kind": "slider", "min": 5, "max": 30, "step": 0.5, "group": "Living room", "topic": AT + "on_heating"},
    {"uri": AT + "on_temperature", "title": "Temperature", "kind": "value", "group": "Living room"},
]

place = {"type": "rawsocket", "serializer": "json", "endpoint": {"type": "unix", "path": sys.argv[1]}}
component = Component(transports=place, realm="deskconn")


def answers(session, item):
    async def answer(*args):
        print(item["uri"].removeprefix(AT), *args, flush=True)
        if "topic" in item:
            await session.publish(item["topic"], *args, options=KEPT)

    return answer


@component.on_join
async def joined(session, details):
    for item in ITEMS:
        if item["kind"] != "value":
            await session.register(answers(session, item), item["uri"])
    await session.publish(AT + "on_lamp", False, options=KEPT)
    await session.publish(AT + "on_heating", 20.5, options=KEPT)
    await session.publish(AT + "on_temperature", "21.4 °C", options=KEPT)
    await session.call("org.deskconn.components.describe", ITEMS)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await session.publish(AT + "on_temperature", line.strip(), options=KEPT)
        print("told", flush=True)


run([component], log_level=None)
