"""autobahn-python against the router: every case over every link with every serializer."""

import asyncio

import address
import calls
import calls_advanced
import endings
import meta
import peer
import pubsub
import pubsub_advanced
from report import Report, equal
from stage import REALM, Stage


async def the_serializer_autobahn_likes_best_is_agreed_on(router):
    # It offers eight subprotocols, some that no router here speaks.
    session = await peer.join(router, REALM, serializer=None)
    session.publish("com.example.any", 1)
    equal((await session.goodbye()).reason, "wamp.close.goodbye_and_out")


CASES = [
    *pubsub.CASES,
    *pubsub_advanced.CASES,
    *calls.CASES,
    *calls_advanced.CASES,
    *endings.CASES,
    *meta.CASES,
]


async def main():
    router = address.router()
    report = Report("autobahn-python")
    await report.check_all([the_serializer_autobahn_likes_best_is_agreed_on], router)
    for link in (*peer.LINKS, peer.BATCHED):
        for serializer in peer.SERIALIZERS:
            report.peer = f"autobahn-python {link} {serializer}"
            stage = await Stage(router, link, serializer).open()
            await report.check_all(CASES, stage)
            if link == "websocket":
                await report.check_all(pubsub_advanced.ON_ONE_LINK, stage)
            await stage.close()
    report.peer = "autobahn-python"
    report.end()


asyncio.run(main())
