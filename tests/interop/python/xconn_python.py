"""xconn (the WAMP library of DeskConn's own makers) against the router: over its links, with its serializers.

It checks no URI itself and passes options on as they are, so it also tries what autobahn-python lets nobody send. It
knows neither progressive results nor cancelling.
"""

import asyncio

from wampproto.auth import (
    AnonymousAuthenticator,
    CryptoSignAuthenticator,
    TicketAuthenticator,
    WAMPCRAAuthenticator,
)
from wampproto.serializers import CBORSerializer, JSONSerializer, MsgPackSerializer
from xconn.async_client import AsyncClient
from xconn.exception import ApplicationError
from xconn.types import Result

import address
import values
import xconn_advanced
import xconn_meta
from report import Report, equal
from stage import REALM, SOON, Stage

# Its RawSocket takes bytes only, which its JSON serializer does not make.
WAYS = [
    ("websocket", "json", JSONSerializer),
    ("websocket", "msgpack", MsgPackSerializer),
    ("websocket", "cbor", CBORSerializer),
    ("rawsocket", "msgpack", MsgPackSerializer),
    ("rawsocket", "cbor", CBORSerializer),
    ("unix", "msgpack", MsgPackSerializer),
    ("unix", "cbor", CBORSerializer),
]
# The library under it takes WebSocket messages of a mebibyte at most, and its JSON has six bytes for an umlaut.
LARGE = 256 << 10
ACKNOWLEDGED = {"acknowledge": True}


class Xconn(Stage):
    """Two sessions of xconn."""

    async def join(self, realm=REALM, authenticator=None):
        where = {
            "websocket": f"ws://{self.address.host}:{self.address.port}/ws",
            "rawsocket": f"rs://{self.address.host}:{self.address.port}",
            "unix": f"unix://{self.address.unix}",
        }
        client = AsyncClient(authenticator or AnonymousAuthenticator(""), self.serializer())
        session = await asyncio.wait_for(client.connect(where[self.link], realm), SOON)
        self.extra.append(session)
        return session

    async def close(self):
        for session in self.extra:
            await session.leave()

    def events(self):
        """A queue, and an event handler that fills it."""
        queue = asyncio.Queue()

        async def handler(event):
            queue.put_nowait(event)

        return queue, handler


async def echo(invocation):
    return Result(invocation.args, invocation.kwargs)


async def refused_with(awaitable, uri):
    try:
        result = await awaitable
    except ApplicationError as error:
        equal(error.message, uri)
        return error
    raise AssertionError(f"was served with {result!r}")


async def hello_is_answered_with_welcome(stage):
    details = stage.a._base_session.session_details
    equal((details.realm, details.authrole), (REALM, "anonymous"))


async def events_arrive_with_their_arguments_until_unsubscribed(stage):
    queue, handler = stage.events()
    topic = stage.uri()
    subscription = await stage.b.subscribe(topic, handler)
    await stage.a.publish(topic, [1, "two"], {"three": [3]}, ACKNOWLEDGED)
    event = await asyncio.wait_for(queue.get(), SOON)
    equal((event.args, event.kwargs), ([1, "two"], {"three": [3]}))
    await subscription.unsubscribe()
    await stage.a.publish(topic, ["late"], options=ACKNOWLEDGED)
    last = stage.uri()
    await stage.b.subscribe(last, handler)
    await stage.a.publish(last, ["last"], options=ACKNOWLEDGED)
    equal((await asyncio.wait_for(queue.get(), SOON)).args, ["last"])


async def patterns_say_the_topic_of_each_event(stage):
    for policy, pattern in (("prefix", "{}."), ("wildcard", "{}..c")):
        queue, handler = stage.events()
        topic = stage.uri()
        await stage.b.subscribe(pattern.format(topic), handler, {"match": policy})
        await stage.a.publish(f"{topic}.b.c", options=ACKNOWLEDGED)
        equal((await asyncio.wait_for(queue.get(), SOON)).details["topic"], f"{topic}.b.c")


async def a_publisher_gets_its_own_event_only_with_exclude_me_off(stage):
    queue, handler = stage.events()
    topic = stage.uri()
    await stage.a.subscribe(topic, handler)
    await stage.a.publish(topic, ["hidden"], options=ACKNOWLEDGED)
    await stage.a.publish(topic, ["seen"], options={"acknowledge": True, "exclude_me": False})
    equal((await asyncio.wait_for(queue.get(), SOON)).args, ["seen"])


async def a_publisher_and_a_caller_may_disclose_themselves(stage):
    own = stage.a._base_session.session_details
    queue, handler = stage.events()
    topic = stage.uri()
    await stage.b.subscribe(topic, handler)
    await stage.a.publish(topic, options={"acknowledge": True, "disclose_me": True})
    details = (await asyncio.wait_for(queue.get(), SOON)).details
    equal((details["publisher"], details["publisher_authrole"]), (own.session_id, own.authrole))
    equal(details["publisher_authid"], own.authid)

    async def who(invocation):
        return Result([invocation.details])

    await stage.b.register(topic, who)
    details = (await stage.a.call(topic, options={"disclose_me": True})).args[0]
    equal((details["caller"], details["caller_authrole"]), (own.session_id, own.authrole))
    equal(details["caller_authid"], own.authid)
    details = (await stage.a.call(topic)).args[0]
    assert "caller" not in details, details


async def calls_are_answered_until_unregistered(stage):
    uri = stage.uri()
    registration = await stage.b.register(uri, echo)
    result = await stage.a.call(uri, [1, "two"], {"three": [3]})
    equal((result.args, result.kwargs), ([1, "two"], {"three": [3]}))
    await refused_with(stage.a.register(uri, echo), "wamp.error.procedure_already_exists")
    await registration.unregister()
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")


async def an_error_keeps_its_uri_and_arguments(stage):
    uri = stage.uri()

    async def fail(_):
        raise ApplicationError("com.example.error.full", "no room", 7)

    await stage.b.register(uri, fail)
    error = await refused_with(stage.a.call(uri), "com.example.error.full")
    equal(list(error.args), ["no room", 7])


async def ill_formed_uris_are_refused_and_the_session_goes_on(stage):
    for uri in ("com.example bad", "com..bad", "com.bad.", "com.bad#", ""):
        await refused_with(stage.a.call(uri), "wamp.error.invalid_uri")
        await refused_with(stage.a.register(uri, echo), "wamp.error.invalid_uri")
        await refused_with(stage.a.subscribe(uri, stage.events()[1]), "wamp.error.invalid_uri")
        await refused_with(stage.a.publish(uri, options=ACKNOWLEDGED), "wamp.error.invalid_uri")
    await refused_with(stage.a.register("wamp.session.count", echo), "wamp.error.invalid_uri")
    await refused_with(stage.a.call(stage.uri()), "wamp.error.no_such_procedure")


async def values_arrive_as_they_were_sent(stage):
    uri = stage.uri()
    await stage.b.register(uri, echo)
    everything = [*values.ALL, values.nested(20), "ä" * (LARGE // 2)]
    if stage.serializer is not JSONSerializer:
        # Its JSON knows no binary values.
        everything += [*values.BINARIES, b"\x00\xff" * (LARGE // 2)]
    result = await stage.a.call(uri, everything, {"keyword": values.ALL})
    equal((result.args, result.kwargs), (everything, {"keyword": values.ALL}))


async def a_thousand_calls_at_once_are_all_answered(stage):
    uri = stage.uri()
    await stage.b.register(uri, echo)
    answers = await asyncio.gather(*(stage.a.call(uri, [number]) for number in range(1000)))
    equal([answer.args[0] for answer in answers], list(range(1000)))


async def a_known_key_logs_in(stage):
    session = await stage.join("realm2", CryptoSignAuthenticator("joe", stage.address.seed.hex()))
    details = session._base_session.session_details
    equal((details.authid, details.authrole), ("joe", "keyed"))


async def a_secret_logs_in_by_each_method_of_the_library(stage):
    for authid, method, authenticator in (
        ("ticket", "ticket", TicketAuthenticator),
        ("plain", "wampcra", WAMPCRAAuthenticator),
        ("salted", "wampcra", WAMPCRAAuthenticator),
    ):
        session = await stage.join("secrets", authenticator(authid, "open"))
        details = session._base_session.session_details
        equal((details.authid, details.authrole), (authid, "keyed"))
        try:
            await stage.join("secrets", authenticator(authid, "opan"))
        except Exception as error:  # noqa: BLE001 - the library has no one class for it
            assert "wamp.error.authentication_failed" in str(error), (method, error)
        else:
            raise AssertionError(f"was let in by {method}")


async def an_unknown_key_is_refused(stage):
    try:
        await stage.join("realm2", CryptoSignAuthenticator("joe", "07" * 32))
    except Exception as error:  # noqa: BLE001 - the library has no one class for it
        assert "wamp.error.authentication_failed" in str(error), repr(error)
    else:
        raise AssertionError("was let in")


CASES = [
    hello_is_answered_with_welcome,
    events_arrive_with_their_arguments_until_unsubscribed,
    patterns_say_the_topic_of_each_event,
    a_publisher_gets_its_own_event_only_with_exclude_me_off,
    a_publisher_and_a_caller_may_disclose_themselves,
    calls_are_answered_until_unregistered,
    an_error_keeps_its_uri_and_arguments,
    ill_formed_uris_are_refused_and_the_session_goes_on,
    values_arrive_as_they_were_sent,
    a_thousand_calls_at_once_are_all_answered,
    a_known_key_logs_in,
    a_secret_logs_in_by_each_method_of_the_library,
    an_unknown_key_is_refused,
]


async def main():
    report = Report("xconn")
    router = address.router()
    for link, name, serializer in WAYS:
        report.peer = f"xconn {link} {name}"
        stage = await Xconn(router, link, serializer).open()
        await report.check_all([*CASES, *xconn_advanced.CASES, *xconn_meta.CASES], stage)
        await report.check("goodbye is answered", asyncio.wait_for(stage.close(), SOON))
    report.peer = "xconn"
    report.end()


asyncio.run(main())
