"""The whole way of a device into a desktop and what it may do there, with autobahn-python and python-zeroconf:
found by mDNS, paired by a code, logged in by its key, and shut out again.

usage: journey.py [ADDRESS]     of an interface where multicast may be sent; without it that part is skipped
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys

from autobahn.wamp.types import PublishOptions, RegisterOptions, SubscribeOptions
from zeroconf import ServiceBrowser, ServiceListener, Zeroconf

import peer
import refusals
from desk import ORDINARY, REALM, Desk, refused
from peer import refused_with
from report import Report, equal
from stage import SOON

TYPE = "_deskconn._tcp.local."
NAME = "Journey's desk"
PORT = 5020
OLD_PROCEDURE = "org.deskconn.deskconnd.pairing.pair"
FORBIDDEN = "wamp.error.not_authorized"


class Listener(ServiceListener):
    """Hands over the first name that it is looking for."""

    def __init__(self, loop, found):
        self.loop = loop
        self.found = found

    def add_service(self, zc, type_, name):
        if name == f"{NAME}.{TYPE}":
            self.loop.call_soon_threadsafe(lambda: self.found.done() or self.found.set_result(name))

    def update_service(self, zc, type_, name):
        pass

    def remove_service(self, zc, type_, name):
        pass


async def found_by_mdns(way):
    loop = asyncio.get_running_loop()
    found = loop.create_future()
    zeroconf = Zeroconf(interfaces=[way.address])
    try:
        ServiceBrowser(zeroconf, TYPE, Listener(loop, found))
        name = await asyncio.wait_for(found, SOON)
        info = await asyncio.to_thread(zeroconf.get_service_info, TYPE, name, SOON * 1000)
    finally:
        await asyncio.to_thread(zeroconf.close)
    way.host, port = info.parsed_addresses()[0], info.port
    txt = {key.decode(): (value or b"").decode() for key, value in info.properties.items()}
    equal((way.host, port, txt["realm"], txt["path"]), (way.address, PORT, REALM, "/ws"))


async def a_stranger_is_not_let_in_before_the_owner_opens_a_window(way):
    await refused(way.join(), "wamp.error.authentication_required", "deskconnctl pair")
    await refused(way.join(key=peer.new_key()), "wamp.error.authentication_failed")


async def paired_by_a_call_as_older_clients_do(way):
    way.key = peer.new_key()
    async with way.desk.pairing("--yes", "--role", "remote", "--name", "Old phone", *way.options) as window:
        session = await way.join(authid="public", authmethods=["anonymous"])
        equal(session.joined.result().authrole, "pairing")
        for forbidden in ("org.deskconn.info.get", "org.deskconn.slides.next", "org.deskconn.pairing.open"):
            await refused_with(session.call(forbidden), FORBIDDEN)
        equal(await session.call(OLD_PROCEDURE, window.code, way.key.public_key()), True)
        equal((await session.goodbye()).reason, "wamp.close.goodbye_and_out")
        asked, paired = await window.event("asked"), await window.event("paired")
        equal((asked["role"], paired["device"]["name"], paired["device"]["role"]), ("remote", "Old phone", "remote"))
        way.id = paired["device"]["id"]
        await window.ended(0)


async def paired_by_a_code_in_the_login(way):
    way.key = peer.new_key()
    async with way.desk.pairing("--yes", "--role", "remote", "--name", "Presenter", *way.options) as window:
        # The code as text with what groups its digits, and a role that is the client's own idea, as older apps send them.
        extra = {"otp": window.shown}
        way.session = await way.join(key=way.key, authrole="deskconn", authextra=extra)
        details = way.session.joined.result()
        await window.event("asked")
        way.id = (await window.event("paired"))["device"]["id"]
        equal((details.authid, details.authrole, details.authmethod), (way.id, "remote", "cryptosign"))
        await window.ended(0)


async def logs_in_by_its_key(way):
    way.session = await way.join(key=way.key)
    details = way.session.joined.result()
    equal((details.authid, details.authrole, details.authmethod), (way.id, "remote", "cryptosign"))
    for name in (way.id, way.key.public_key()):
        session = await way.join(key=way.key, authid=name)
        equal(session.joined.result().authid, way.id)
        await session.goodbye()


async def works_the_slides_or_is_told_what_to_mend(way):
    call = way.session.call("org.deskconn.slides.next")
    if subprocess.run([*ORDINARY, "test", "-w", "/dev/uinput"], check=False).returncode == 0:
        equal(await call, None)
        return
    error = await refused_with(call, "org.deskconn.error.unavailable")
    sentence = json.dumps([error.args, error.kwargs])
    assert "/dev/uinput" in sentence and "sudo" in sentence, sentence


async def asks_for_the_lock_and_for_what_it_may_use(way):
    locked = await way.session.call("org.deskconn.screen.is_locked")
    assert locked in (True, False, None), locked
    await way.session.subscribe(lambda locked: None, "org.deskconn.screen.on_locked")
    info = await way.session.call("org.deskconn.info.get")
    equal(info["role"], "remote")
    if way.address:
        equal(info["name"], NAME)


async def has_a_space_of_its_own(way):
    own = f"org.deskconn.device.{way.id}."
    registration = await way.session.register(lambda: "here", own + "ask")
    await way.session.publish(own + "said", 1, options=PublishOptions(acknowledge=True))
    await registration.unregister()
    other = "org.deskconn.device.d_aaaaaaaa."
    await refused_with(way.session.register(lambda: None, other + "ask"), FORBIDDEN)
    await refused_with(way.session.publish(other + "said", options=PublishOptions(acknowledge=True)), FORBIDDEN)


async def everything_else_is_forbidden(way):
    session = way.session
    calls = ("pairing.open", "pairing.answer", "pairing.close", "pairing.pair", "devices.list", "devices.revoke")
    for procedure in (*calls, "discovery.disable", "screen.unlock", "power.poweroff"):
        await refused_with(session.call(f"org.deskconn.{procedure}"), FORBIDDEN)
    for procedure in ("org.deskconn.evil", "org.deskconn.slides.next", "com.example.mine"):
        await refused_with(session.register(lambda: None, procedure), FORBIDDEN)
    for procedure, match in (("org.deskconn.", "prefix"), ("org.", "prefix"), ("org.deskconn..next", "wildcard")):
        await refused_with(session.register(lambda: None, procedure, RegisterOptions(match=match)), FORBIDDEN)
    for topic, match in (
        ("org.deskconn.pairing.on_asked", "exact"),
        ("org.deskconn.devices.on_changed", "exact"),
        ("org.deskconn.", "prefix"),
        ("org.deskconn.pairing", "prefix"),
        ("org.", "prefix"),
        ("org.deskconn.pairing.", "wildcard"),
        ("...", "wildcard"),
    ):
        await refused_with(session.subscribe(lambda *args: None, topic, SubscribeOptions(match=match)), FORBIDDEN)
    for topic in ("org.deskconn.screen.on_locked", "org.deskconn.pairing.on_asked", "com.example.mine"):
        await refused_with(session.publish(topic, True, options=PublishOptions(acknowledge=True)), FORBIDDEN)


async def shows_in_the_list_of_devices(way):
    rows = [row for row in await way.desk.ctl("devices") if row["id"] == way.id]
    equal([(row["role"], row["sessions"]) for row in rows], [("remote", 1)])


async def is_shut_out_when_it_is_revoked(way):
    await way.desk.ctl("devices", "revoke", way.id)
    details = await asyncio.wait_for(way.session.left, SOON)
    assert details is not None and details.reason.startswith("wamp."), details
    equal([row for row in await way.desk.ctl("devices") if row["id"] == way.id], [])
    await refused(way.join(key=way.key), "wamp.error.authentication_failed")


async def a_person_sees_the_code(way):
    program = await way.desk.run(f"{way.desk.bin}/deskconnctl", "pair", "--legacy", stdout=asyncio.subprocess.PIPE)
    line = await asyncio.wait_for(program.stdout.readline(), SOON)
    program.send_signal(signal.SIGINT)
    equal(await asyncio.wait_for(program.wait(), SOON), 1)
    # Digits alone: older clients read what is typed as an integer.
    assert re.fullmatch(rb"Code: [1-9]\d{7}\n", line), line
    await refused(way.join(), "wamp.error.authentication_required")


async def a_program_of_this_user_owns_the_desktop(way):
    for serializer in peer.SERIALIZERS:
        session = await way.join(link="unix", serializer=serializer)
        equal(session.joined.result().authrole, "owner")
        equal(await session.call("org.deskconn.devices.list"), [])
        await session.goodbye()


async def a_component_offers_what_is_below_its_own_name(way):
    session = await way.join(link="unix", authrole="component", authid="lamp")
    details = session.joined.result()
    equal((details.authid, details.authrole), ("lamp", "component"))
    await session.register(lambda: "on", "org.deskconn.component.lamp.state")
    owner = await way.join(link="unix", serializer="cbor")
    equal(await owner.call("org.deskconn.component.lamp.state"), "on")
    for procedure in ("org.deskconn.component.door.state", "org.deskconn.slides.next", "org.deskconn.evil"):
        await refused_with(session.register(lambda: None, procedure), FORBIDDEN)
    await refused_with(session.call("org.deskconn.devices.list"), FORBIDDEN)
    await owner.goodbye()
    await session.goodbye()


PROGRAMS = [a_program_of_this_user_owns_the_desktop, a_component_offers_what_is_below_its_own_name]
USE = [
    works_the_slides_or_is_told_what_to_mend,
    asks_for_the_lock_and_for_what_it_may_use,
    has_a_space_of_its_own,
    everything_else_is_forbidden,
    shows_in_the_list_of_devices,
    is_shut_out_when_it_is_revoked,
]


class Way:
    """One device on its way: where the desktop is, and what it knows by now."""

    def __init__(self, desk, address=None, options=()):
        self.desk = desk
        self.address = address
        self.host = "127.0.0.1"
        self.options = options

    async def join(self, **more):
        return await self.desk.join(self.host, **more)


async def over_the_network(report, address):
    more = f'[discovery]\nname = "{NAME}"\n[compat]\nplain_devices = true\n'
    async with Desk("0.0.0.0", PORT, more) as desk:
        way = Way(desk, address, ["--insecure-network"])
        first = [found_by_mdns, a_stranger_is_not_let_in_before_the_owner_opens_a_window]
        await report.check_all([*first, paired_by_a_call_as_older_clients_do, logs_in_by_its_key, *USE], way)
        await report.check_all([paired_by_a_code_in_the_login, *USE], way)


async def on_this_machine(report, address):
    host = "0.0.0.0" if address else "127.0.0.1"
    async with Desk(host, None, "[discovery]\nenabled = false\n") as desk:
        way = Way(desk)
        await report.check_all([a_person_sees_the_code, *PROGRAMS], way)
        first = [a_stranger_is_not_let_in_before_the_owner_opens_a_window, paired_by_a_call_as_older_clients_do]
        await report.check_all([*first, logs_in_by_its_key, *USE], way)
        report.peer = "refused"
        await report.check_all(refusals.CASES, desk)
        if address:
            await report.check_all(refusals.NETWORK_CASES, desk, address)


async def main():
    report = Report("journey over the network")
    address = sys.argv[1] if len(sys.argv) > 1 else None
    if address:
        await over_the_network(report, address)
    else:
        print("SKIPPED journey over the network: only root can have a network of its own", flush=True)
        report.failed += os.environ.get("DESKCONN_REQUIRE_ALL") == "1"
    report.peer = "journey on this machine"
    await on_this_machine(report, address)
    report.peer = "journey"
    report.end()


asyncio.run(main())
