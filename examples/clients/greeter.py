"""Calls, subscribes and registers at a desktop, in Python with autobahn.

usage: greeter.py SOCKET                         on the desktop itself; $XDG_RUNTIME_DIR/deskconn/deskconn.sock
       greeter.py HOST:PORT PIN DEVICE KEYFILE   from elsewhere, as `deskconnctl join` has paired it
"""

import asyncio
import hashlib
import ssl
import sys
from pathlib import Path

from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.asyncio.wamp import ApplicationSession
from autobahn.wamp import cryptosign
from autobahn.wamp.types import ComponentConfig
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Greeter(ApplicationSession):
    """A session; `config.extra` is empty, or has `pin`, `device` and `key`."""

    def onConnect(self):
        way = self.config.extra
        if not way:
            return self.join(self.config.realm)
        # Nothing was said yet that could not be said to anybody; from here on it must be the desktop.
        certificate = x509.load_der_x509_certificate(
            self._transport.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        )
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if hashlib.sha256(spki).hexdigest() != way["pin"]:
            print("another desktop answers here", flush=True)
            return self.disconnect()
        extra = {"pubkey": way["key"].public_key()}
        self.join(self.config.realm, ["cryptosign"], authid=way["device"], authextra=extra)

    def onChallenge(self, challenge):
        return self.config.extra["key"].sign_challenge(challenge)

    async def onJoin(self, details):
        info = await self.call("org.deskconn.info.get")
        print(f"joined {info['name']} as {info['role']}", flush=True)
        await self.subscribe(lambda text: print("news:", text, flush=True), "org.deskconn.app.news")
        await self.register(lambda name: f"Hello, {name}!", "org.deskconn.app.greet")
        print("ready", flush=True)

    def onLeave(self, details):
        print(details.message or details.reason, flush=True)
        self.disconnect()

    def onDisconnect(self):
        asyncio.get_running_loop().stop()


async def connect(address, pin=None, device=None, keyfile=None):
    loop = asyncio.get_running_loop()
    if pin is None:
        factory = WampRawSocketClientFactory(lambda: Greeter(ComponentConfig("deskconn", {})))
        return await loop.create_unix_connection(factory, address)
    seed = next(line[5:] for line in Path(keyfile).read_text().splitlines() if line.startswith("sign "))
    way = {"pin": pin, "device": device, "key": cryptosign.CryptosignKey.from_bytes(bytes.fromhex(seed))}
    # The certificate is the desktop's own; what counts is its key, and onConnect looks at that.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    factory = WampRawSocketClientFactory(lambda: Greeter(ComponentConfig("deskconn", way)))
    host, port = address.rsplit(":", 1)
    return await loop.create_connection(factory, host.strip("[]"), int(port), ssl=context)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(connect(*sys.argv[1:]))
    loop.run_forever()
