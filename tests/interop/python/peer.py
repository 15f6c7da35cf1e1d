"""Sessions of autobahn-python, over each link and with each serializer."""

import asyncio
import os

from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.asyncio.wamp import ApplicationSession
from autobahn.asyncio.websocket import WampWebSocketClientFactory
from autobahn.wamp import cryptosign
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import ComponentConfig, RegisterOptions

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
LINKS = ("websocket", "rawsocket", "unix")
# Several messages in one of WebSocket.
BATCHED = "batched"
JOIN_WITHIN = 30
DETAILS = RegisterOptions(details_arg="details")


class Refused(Exception):
    """The router answered HELLO or AUTHENTICATE with ABORT, or closed the connection."""

    def __init__(self, reason, message=None):
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class Peer(ApplicationSession):
    """A session. `joined` has the details of WELCOME, `left` those of GOODBYE; `errors` what callees raised."""

    def __init__(self, config):
        super().__init__(config)
        loop = asyncio.get_running_loop()
        self.joined = loop.create_future()
        self.left = loop.create_future()
        self.gone = loop.create_future()
        self.errors = []

    def onConnect(self):
        hello = dict(self.config.extra["hello"])
        key = self.config.extra["key"]
        if key is not None:
            extra = {"pubkey": key.public_key(), **hello.pop("authextra", {})}
            hello = {"authid": key.public_key(), **hello, "authmethods": ["cryptosign"], "authextra": extra}
        self.join(self.config.realm, **hello)

    def onChallenge(self, challenge):
        signer = self.config.extra["signer"] or self.config.extra["key"]
        return signer.sign_challenge(challenge)

    def onJoin(self, details):
        self.joined.set_result(details)

    def onLeave(self, details):
        if not self.joined.done():
            self.joined.set_exception(Refused(details.reason, details.message))
        if not self.left.done():
            self.left.set_result(details)
        self.disconnect()

    def onDisconnect(self):
        if not self.joined.done():
            self.joined.set_exception(Refused("closed"))
        if not self.left.done():
            self.left.set_result(None)
        self.gone.set_result(None)

    def onUserError(self, failure, message):
        self.errors.append(failure.value)

    async def goodbye(self):
        """Leaves, and gives what the router said to that."""
        self.leave()
        details = await asyncio.wait_for(self.left, JOIN_WITHIN)
        await asyncio.wait_for(self.gone, JOIN_WITHIN)
        return details

    def hang_up(self):
        """Closes the connection without a word."""
        self._transport.transport.abort()


def new_key(seed=None):
    """A key pair: a new one, or that of a seed."""
    return cryptosign.CryptosignKey.from_bytes(seed or os.urandom(32))


async def join(address, realm, link="websocket", serializer="json", key=None, signer=None, tls=None, **hello):
    """Joins. `address` has host, port and the path of the Unix socket; `signer` may be another key than that shown; `tls` is
    an ssl.SSLContext and the name that is asked for."""
    extra = {"hello": hello, "key": key, "signer": signer}
    sessions = []

    def make():
        sessions.append(Peer(ComponentConfig(realm, extra)))
        return sessions[-1]

    loop = asyncio.get_running_loop()
    if link in ("websocket", BATCHED):
        serializers = [SERIALIZERS[serializer](batched=link == BATCHED)] if serializer else None
        url = f"{'wss' if tls else 'ws'}://{address.host}:{address.port}/ws"
        factory = WampWebSocketClientFactory(make, url=url, serializers=serializers)
        factory.setProtocolOptions(openHandshakeTimeout=JOIN_WITHIN)
    else:
        factory = WampRawSocketClientFactory(make, serializer=SERIALIZERS[serializer]())
    if link == "unix":
        await loop.create_unix_connection(factory, address.unix)
    else:
        context, name = tls or (None, None)
        await loop.create_connection(factory, address.host, address.port, ssl=context, server_hostname=name)
    end = loop.time() + JOIN_WITHIN
    while not sessions:
        if loop.time() > end:
            raise Refused("no handshake")
        await asyncio.sleep(0.005)
    await asyncio.wait_for(sessions[0].joined, JOIN_WITHIN)
    return sessions[0]


async def refusal(awaitable):
    """What a request is refused with; fails if it is served."""
    try:
        result = await awaitable
    except ApplicationError as error:
        return error
    raise AssertionError(f"was served with {result!r}")


async def refused_with(awaitable, uri):
    """Fails unless the request is refused with this URI and, where the router says so, a sentence."""
    error = await refusal(awaitable)
    if error.error != uri:
        raise AssertionError(f"refused with {error.error} {error.args} and not {uri}")
    return error
