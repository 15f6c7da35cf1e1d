"""A button on the phone that is not there yet: coffee.py SOCKET, such as $XDG_RUNTIME_DIR/deskconn/deskconn.sock"""
import sys
from autobahn.asyncio.component import Component, run

place = {"type": "rawsocket", "serializer": "json", "endpoint": {"type": "unix", "path": sys.argv[1]}}
component = Component(transports=place, realm="deskconn")

@component.register("org.deskconn.app.coffee")
def coffee():
    print("coffee is on its way", flush=True)

@component.on_join
async def joined(session, details):
    await session.call("org.deskconn.components.describe", [{"uri": "org.deskconn.app.coffee", "title": "Make coffee", "kind": "button"}])

run([component], log_level=None)
