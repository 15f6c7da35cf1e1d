"""The meta API as xconn can ask for it; the cases get a stage of xconn_python.py."""

import asyncio

from xconn.exception import ApplicationError

from report import equal
from stage import SOON


def own_id(session):
    return session._base_session.session_details.session_id


async def ask(stage, procedure, *args, **kwargs):
    """The one result of a procedure of the router."""
    result = await stage.a.call(procedure, list(args), kwargs)
    [only] = result.args
    return only


async def refused_with(awaitable, uri):
    try:
        result = await awaitable
    except ApplicationError as error:
        equal(error.message, uri)
    else:
        raise AssertionError(f"was served with {result!r}")


async def serve(_):
    return None


async def sessions_are_listed_and_told_of(stage):
    sessions = await ask(stage, "wamp.session.list")
    assert {own_id(stage.a), own_id(stage.b)} <= set(sessions), sessions
    equal(await ask(stage, "wamp.session.count", ["nobody"]), 0)
    told = await ask(stage, "wamp.session.get", session=own_id(stage.b))
    equal((told["session"], told["authrole"]), (own_id(stage.b), "anonymous"))
    await refused_with(ask(stage, "wamp.session.get", 7_000_000), "wamp.error.no_such_session")
    await refused_with(ask(stage, "wamp.session.kill", own_id(stage.a)), "wamp.error.no_such_session")


async def registrations_and_subscriptions_are_found_and_told_of(stage):
    uri = stage.uri()
    registration = await stage.b.register(uri, serve)
    there = await ask(stage, "wamp.registration.match", uri)
    told = await ask(stage, "wamp.registration.get", there)
    equal((told["uri"], told["match"], told["invoke"]), (uri, "exact", "single"))
    equal(await ask(stage, "wamp.registration.list_callees", there), [own_id(stage.b)])
    await registration.unregister()
    equal(await ask(stage, "wamp.registration.lookup", uri), None)
    await stage.b.subscribe(uri + ".", stage.events()[1], {"match": "prefix"})
    [there] = await ask(stage, "wamp.subscription.match", uri + ".x")
    equal(await ask(stage, "wamp.subscription.lookup", uri + ".", {"match": "prefix"}), there)
    equal(await ask(stage, "wamp.subscription.count_subscribers", there), 1)


async def events_of_the_router_are_heard(stage):
    queue, handler = stage.events()
    await stage.a.subscribe("wamp.registration.on_register", handler)
    await stage.b.register(stage.uri(), serve)
    event = await asyncio.wait_for(queue.get(), SOON)
    equal(event.args[0], own_id(stage.b))


async def definitions_are_described(stage):
    uri = stage.uri()
    equal(await ask(stage, "wamp.reflect.define", uri, {"kind": "error", "text": "no room"}), True)
    equal(await ask(stage, "wamp.reflect.describe", uri), {"kind": "error", "text": "no room", "uri": uri})
    assert uri in await ask(stage, "wamp.reflection.error.list")
    equal(await ask(stage, "wamp.reflect.define", uri, None), uri)
    equal(await ask(stage, "wamp.reflect.describe", uri), None)


CASES = [
    sessions_are_listed_and_told_of,
    registrations_and_subscriptions_are_found_and_told_of,
    events_of_the_router_are_heard,
    definitions_are_described,
]
