"""A lamp that the desktop's devices switch: a component in Python with autobahn.

usage: lamp.py SOCKET     the daemon's, such as $XDG_RUNTIME_DIR/deskconn/deskconn.sock
"""

import asyncio
import sys

from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.asyncio.wamp import ApplicationSession
from autobahn.wamp.types import ComponentConfig, PublishOptions

NAME = "lamp"
PREFIX = f"org.deskconn.component.{NAME}."
ITEM = {
    "uri": PREFIX + "set",
    "title": "Desk lamp",
    "kind": "toggle",
    "topic": PREFIX + "on_changed",
    "group": "Living room",
}


class Lamp(ApplicationSession):
    """Serves it for as long as the desktop is there."""

    is_on = False

    def onConnect(self):
        # A component may offer what is below its own name, and nothing else.
        self.join(self.config.realm, authid=NAME, authrole="component", authmethods=["anonymous"])

    async def onJoin(self, details):
        await self.register(self.set, ITEM["uri"])
        await self.call("org.deskconn.components.describe", [ITEM])
        self.tell()
        print("the lamp is there", flush=True)

    def set(self, is_on):
        """Switches it; here it is only said, where yours would drive a relay."""
        self.is_on = bool(is_on)
        print("the lamp is", "on" if self.is_on else "off", flush=True)
        self.tell()
        return self.is_on

    def tell(self):
        # Retained: who comes later knows at once how it is.
        self.publish(ITEM["topic"], self.is_on, options=PublishOptions(retain=True))

    def onDisconnect(self):
        asyncio.get_event_loop().stop()


async def connect(path):
    config = ComponentConfig(realm="deskconn")
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(WampRawSocketClientFactory(lambda: Lamp(config)), path)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(connect(sys.argv[1]))
    loop.run_forever()
