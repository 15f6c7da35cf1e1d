"""The router at the edges of the protocol: frames made by hand, for what no library says. Over WebSocket and RawSocket, in
each serializer."""

import asyncio

import address
import raw_calls
import raw_errors
import raw_events
from raw_peer import LINKS, SERIALIZERS, RawStage
from report import Report


async def main():
    report = Report("raw")
    router = address.router()
    for link in LINKS:
        for serializer in SERIALIZERS:
            report.peer = f"raw {link} {serializer}"
            for case in [*raw_calls.CASES, *raw_events.CASES, *raw_errors.CASES]:
                # Sessions of its own for each: some of them end in disgrace.
                stage = await RawStage(router, link, serializer).open()
                await report.check_all([case], stage)
                await stage.close()
    report.peer = "raw"
    report.end()


asyncio.run(main())
