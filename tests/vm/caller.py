"""A WAMP client on the host: autobahn-python over WebSocket, JSON.

It knows how to pair with a code and to log in with the paired key, and nothing
of the virtual machine.
"""

import asyncio
import os

from autobahn.asyncio.wamp import ApplicationSession
from autobahn.asyncio.websocket import WampWebSocketClientFactory
from autobahn.wamp import cryptosign
from autobahn.wamp.serializer import JsonSerializer
from autobahn.wamp.types import ComponentConfig

REALM = "deskconn"
JOIN_WITHIN = 20


class _Session(ApplicationSession):
    """Joins anonymously, or with a key where there is one."""

    def __init__(self, config):
        super().__init__(config)
        self.key = config.extra["key"]
        self.joined = config.extra["joined"]

    def onConnect(self):
        if self.key is None:
            self.join(REALM)
        else:
            public = self.key.public_key()
            self.join(REALM, authmethods=["cryptosign"], authid=public, authextra={"pubkey": public})

    def onChallenge(self, challenge):
        return self.key.sign_challenge(challenge)

    def onJoin(self, details):
        if not self.joined.done():
            self.joined.set_result(details)

    def onDisconnect(self):
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("the connection was closed"))

    def onLeave(self, details):
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"{details.reason}: {details.message}"))
        self.disconnect()


async def _connect(port, key):
    joined = asyncio.get_running_loop().create_future()
    session = _Session(ComponentConfig(REALM, {"key": key, "joined": joined}))
    factory = WampWebSocketClientFactory(
        lambda: session, url=f"ws://127.0.0.1:{port}/ws", serializers=[JsonSerializer()]
    )
    factory.setProtocolOptions(openHandshakeTimeout=JOIN_WITHIN)
    await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
    details = await asyncio.wait_for(joined, JOIN_WITHIN)
    return session, details


def new_key():
    """A key of this device."""
    return cryptosign.CryptosignKey.from_bytes(os.urandom(32))


async def pair(port, key, code):
    """Hands in the key with the code the desktop shows; whether it was accepted."""
    session, _ = await _connect(port, None)
    try:
        return await session.call("org.deskconn.pairing.pair", code, key.public_key())
    finally:
        await session.leave()


async def join(port, key):
    """The session of a paired device, and its WELCOME; tries until the daemon listens."""
    deadline = asyncio.get_running_loop().time() + JOIN_WITHIN
    while True:
        try:
            return await _connect(port, key)
        except ConnectionError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
