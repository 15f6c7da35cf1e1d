"""Sessions whose frames are made by hand, over WebSocket and RawSocket, in each serializer."""

import asyncio
import itertools
import json

import aiohttp
import cbor2
import msgpack

from stage import REALM, SOON, Stage

SERIALIZERS = {
    "json": (1, json.dumps, json.loads),
    "msgpack": (2, msgpack.packb, msgpack.unpackb),
    "cbor": (3, cbor2.dumps, cbor2.loads),
}
LINKS = ("websocket", "rawsocket")
# What a RawSocket client takes: 2^(9 + 15) bytes, the most there is.
LONGEST = 15
EVERYTHING = {
    "caller": [
        "call_canceling",
        "call_timeout",
        "caller_identification",
        "payload_passthru_mode",
        "progressive_call_invocations",
        "progressive_call_results",
    ],
    "callee": [
        "call_canceling",
        "call_reroute",
        "call_timeout",
        "call_trustlevels",
        "caller_identification",
        "pattern_based_registration",
        "payload_passthru_mode",
        "progressive_call_invocations",
        "progressive_call_results",
        "registration_revocation",
        "sharded_registration",
        "shared_registration",
    ],
    "publisher": [
        "payload_passthru_mode",
        "publisher_exclusion",
        "publisher_identification",
        "subscriber_blackwhite_listing",
    ],
    "subscriber": [
        "event_history",
        "pattern_based_subscription",
        "payload_passthru_mode",
        "publication_trustlevels",
        "publisher_identification",
        "subscription_revocation",
        "x_acknowledged_event_delivery",
    ],
}
CLOSED = "closed"


class WebSocket:
    """Messages as they are, over WebSocket."""

    def __init__(self, http, socket, name):
        self.http, self.socket = http, socket
        _, self.encode, self.decode = SERIALIZERS[name]
        self.is_text = name == "json"

    @classmethod
    async def connect(cls, router, name):
        http = aiohttp.ClientSession()
        url = f"ws://{router.host}:{router.port}/ws"
        return cls(http, await http.ws_connect(url, protocols=[f"wamp.2.{name}"], max_msg_size=0), name)

    async def send_frame(self, frame):
        await (self.socket.send_str(frame) if self.is_text else self.socket.send_bytes(frame))

    async def get(self):
        got = await asyncio.wait_for(self.socket.receive(), SOON)
        if got.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return self.decode(got.data)
        return CLOSED

    async def close(self):
        await self.socket.close()
        await self.http.close()


class RawSocket:
    """The same over RawSocket."""

    def __init__(self, reader, writer, name):
        self.reader, self.writer = reader, writer
        _, self.encode, self.decode = SERIALIZERS[name]

    @classmethod
    async def connect(cls, router, name, longest=LONGEST):
        reader, writer = await asyncio.open_connection(router.host, router.port)
        writer.write(bytes([0x7F, longest << 4 | SERIALIZERS[name][0], 0, 0]))
        answer = await asyncio.wait_for(reader.readexactly(4), SOON)
        assert answer[0] == 0x7F and answer[1] & 15 == SERIALIZERS[name][0], answer
        return cls(reader, writer, name)

    async def send_frame(self, frame):
        frame = frame.encode() if isinstance(frame, str) else frame
        self.writer.write(len(frame).to_bytes(4, "big") + frame)
        await self.writer.drain()

    async def get(self):
        try:
            length = int.from_bytes(await asyncio.wait_for(self.reader.readexactly(4), SOON), "big")
            return self.decode(await asyncio.wait_for(self.reader.readexactly(length), SOON))
        except (asyncio.IncompleteReadError, ConnectionError):
            return CLOSED

    async def close(self):
        self.writer.close()


class Peer:
    """A session, or what may become one."""

    def __init__(self, link):
        self.link = link
        self.requests = itertools.count(1)

    async def send(self, *message):
        await self.link.send_frame(self.link.encode(list(message)))

    async def get(self):
        return await self.link.get()

    async def ask(self, kind, *rest):
        """Sends a request and gives the next message."""
        await self.send(kind, next(self.requests), *rest)
        return await self.get()

    async def hello(self, realm=REALM, features=EVERYTHING, **details):
        """Says HELLO and gives the answer."""
        roles = {role: {"features": dict.fromkeys(names, True)} for role, names in features.items()}
        await self.send(1, realm, {"roles": roles, **details})
        return await self.get()

    async def close(self):
        await self.link.close()


class RawStage(Stage):
    """Two sessions made by hand."""

    async def connect(self, **more):
        """A connection without a session."""
        kind = WebSocket if self.link == "websocket" else RawSocket
        peer = Peer(await kind.connect(self.address, self.serializer, **more))
        self.extra.append(peer)
        return peer

    async def join(self, **details):
        peer = await self.connect()
        welcome = await peer.hello(**details)
        assert welcome[0] == 2, welcome
        peer.id, peer.welcome = welcome[1], welcome[2]
        return peer

    async def close(self):
        for peer in self.extra:
            await peer.close()
