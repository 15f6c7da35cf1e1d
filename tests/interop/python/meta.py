"""What the router tells of sessions, registrations, subscriptions and what they mean. Each case gets a stage."""

import asyncio
from datetime import datetime

from autobahn.wamp.types import PublishOptions, RegisterOptions, SubscribeOptions

from peer import refused_with
from report import equal
from stage import SOON, Box

ACKNOWLEDGED = PublishOptions(acknowledge=True)
# No id that the router has given: sessions are random numbers, and nothing here makes a million subscriptions.
NOBODY = 7_000_000


def own_id(session):
    return session.joined.result().session


async def hear(session, *topics):
    """A box for each topic."""
    boxes = [Box() for _ in topics]
    for box, topic in zip(boxes, topics, strict=True):
        await session.subscribe(box.put, topic, SubscribeOptions(details_arg="details"))
    return boxes


async def first(box, is_meant):
    """The arguments of the first event that is meant: others of the realm may come before it."""
    while True:
        args, _, _ = await box.get()
        if is_meant(args):
            return args


def is_time(text):
    return datetime.fromisoformat(text).utcoffset().total_seconds() == 0


async def sessions_are_counted_listed_and_told_of(stage):
    count = sessions = None
    while count is None or await stage.a.call("wamp.session.list") != sessions:
        # Sessions of other cases may leave meanwhile.
        sessions = await stage.a.call("wamp.session.list")
        count = await stage.a.call("wamp.session.count")
    equal(count, len(sessions))
    assert {own_id(stage.a), own_id(stage.b)} <= set(sessions), sessions
    equal(await stage.a.call("wamp.session.count", ["nobody"]), 0)
    equal(await stage.a.call("wamp.session.list", filter_authroles=["nobody"]), [])
    assert set(sessions) & set(await stage.a.call("wamp.session.list", ["anonymous"])) >= {own_id(stage.b)}
    told = await stage.a.call("wamp.session.get", own_id(stage.b))
    equal([told[key] for key in ("session", "authrole", "authmethod")], [own_id(stage.b), "anonymous", "anonymous"])
    await refused_with(stage.a.call("wamp.session.get", NOBODY), "wamp.error.no_such_session")
    await refused_with(stage.a.call("wamp.session.get", "x"), "wamp.error.invalid_argument")


async def joining_and_leaving_are_told(stage):
    joined, left = await hear(stage.a, "wamp.session.on_join", "wamp.session.on_leave")
    session = await stage.join()
    [told] = await first(joined, lambda args: args[0]["session"] == own_id(session))
    equal(told, await stage.a.call("wamp.session.get", own_id(session)))
    await session.goodbye()
    told = await first(left, lambda args: args[0] == own_id(session))
    equal(told, [own_id(session), session.joined.result().authid, "anonymous"])


async def a_killed_session_is_told_why_and_its_connection_closes(stage):
    session = await stage.join()
    kill = stage.a.call("wamp.session.kill", own_id(session), reason="com.example.bye", message="go home")
    equal(await kill, None)
    assert own_id(session) not in await stage.a.call("wamp.session.list")
    goodbye = await asyncio.wait_for(session.left, SOON)
    equal((goodbye.reason, goodbye.message), ("com.example.bye", "go home"))
    await asyncio.wait_for(session.gone, SOON)
    again = stage.a.call("wamp.session.kill", own_id(session))
    await refused_with(again, "wamp.error.no_such_session")


async def sessions_are_killed_by_their_authid(stage):
    # The open realm takes any name from an anonymous client.
    name = stage.uri()
    sessions = [await stage.join(authid=name) for _ in range(3)]
    killed = await stage.a.call("wamp.session.kill_by_authid", name)
    equal(sorted(killed), sorted(own_id(session) for session in sessions))
    for session in sessions:
        equal((await asyncio.wait_for(session.left, SOON)).reason, "wamp.close.normal")
    equal(await stage.a.call("wamp.session.kill_by_authrole", "nobody"), 0)


async def nobody_is_killed_by_mistake(stage):
    await refused_with(stage.a.call("wamp.session.kill", own_id(stage.a)), "wamp.error.no_such_session")
    kill = stage.a.call("wamp.session.kill", own_id(stage.b), reason="no uri")
    await refused_with(kill, "wamp.error.invalid_uri")
    equal(await stage.b.call("wamp.session.get", own_id(stage.b)), await stage.a.call("wamp.session.get", own_id(stage.b)))


async def a_registration_is_found_and_told_of(stage):
    uri = stage.uri()
    for name, match, call in ((uri, "exact", uri), (f"{uri}.", "prefix", f"{uri}.x.y"), (f"{uri}..y", "wildcard", f"{uri}.x.y")):
        registration = await stage.b.register(lambda: None, name, RegisterOptions(match=match))
        there = registration.id
        equal(await stage.a.call("wamp.registration.lookup", name, {"match": match}), there)
        equal(await stage.a.call("wamp.registration.match", call), there)
        assert there in (await stage.a.call("wamp.registration.list"))[match]
        told = await stage.a.call("wamp.registration.get", there)
        assert is_time(told.pop("created"))
        equal(told, {"id": there, "uri": name, "match": match, "invoke": "single"})
        equal(await stage.a.call("wamp.registration.list_callees", there), [own_id(stage.b)])
        equal(await stage.a.call("wamp.registration.count_callees", there), 1)
        await registration.unregister()
        equal(await stage.a.call("wamp.registration.lookup", name, {"match": match}), None)
        for question in ("get", "list_callees", "count_callees"):
            asked = stage.a.call(f"wamp.registration.{question}", there)
            await refused_with(asked, "wamp.error.no_such_registration")
    equal(await stage.a.call("wamp.registration.match", uri), None)


async def a_subscription_is_found_and_told_of(stage):
    uri = stage.uri()
    for name, match, topic in ((uri, "exact", uri), (f"{uri}.", "prefix", f"{uri}.x.y"), (f"{uri}..y", "wildcard", f"{uri}.x.y")):
        subscription = await stage.b.subscribe(lambda: None, name, SubscribeOptions(match=match))
        there = subscription.id
        equal(await stage.a.call("wamp.subscription.lookup", name, {"match": match}), there)
        equal(await stage.a.call("wamp.subscription.match", topic), [there])
        assert there in (await stage.a.call("wamp.subscription.list"))[match]
        told = await stage.a.call("wamp.subscription.get", there)
        assert is_time(told.pop("created"))
        equal(told, {"id": there, "uri": name, "match": match})
        equal(await stage.a.call("wamp.subscription.list_subscribers", there), [own_id(stage.b)])
        equal(await stage.a.call("wamp.subscription.count_subscribers", there), 1)
        await subscription.unsubscribe()
        equal(await stage.a.call("wamp.subscription.lookup", name, {"match": match}), None)
        for question in ("get", "list_subscribers", "count_subscribers"):
            asked = stage.a.call(f"wamp.subscription.{question}", there)
            await refused_with(asked, "wamp.error.no_such_subscription")
    equal(await stage.a.call("wamp.subscription.match", uri), None)


async def registering_is_told_from_its_beginning_to_its_end(stage):
    ends = ("on_create", "on_register", "on_unregister", "on_delete")
    boxes = await hear(stage.a, *(f"wamp.registration.{end}" for end in ends))
    registration = await stage.b.register(lambda: None, stage.uri())
    told = await stage.a.call("wamp.registration.get", registration.id)
    both = [own_id(stage.b), registration.id]
    await registration.unregister()
    equal([(await box.get())[0] for box in boxes], [[both[0], told], both, both, both])


async def subscribing_is_told_from_its_beginning_to_its_end(stage):
    ends = ("on_create", "on_subscribe", "on_unsubscribe", "on_delete")
    boxes = await hear(stage.a, *(f"wamp.subscription.{end}" for end in ends))
    subscription = await stage.b.subscribe(lambda: None, stage.uri())
    told = await stage.a.call("wamp.subscription.get", subscription.id)
    both = [own_id(stage.b), subscription.id]
    await subscription.unsubscribe()
    equal([(await box.get())[0] for box in boxes], [[both[0], told], both, both, both])


async def a_callee_and_a_subscriber_can_be_removed(stage):
    uri, box = stage.uri(), Box()
    registration = await stage.b.register(lambda: None, uri)
    subscription = await stage.b.subscribe(box.put, uri, SubscribeOptions(details_arg="details"))
    await stage.a.call("wamp.registration.remove_callee", registration.id, own_id(stage.b))
    await stage.a.call("wamp.subscription.remove_subscriber", subscription.id, own_id(stage.b))
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")
    await stage.a.publish(uri, options=ACKNOWLEDGED)
    await stage.b.call("wamp.session.count")
    assert box.is_empty()


async def what_a_program_defines_is_described_as_long_as_it_lives(stage):
    uri = stage.uri()
    defined, undefined = await hear(stage.a, "wamp.reflect.on_define", "wamp.reflect.on_undefine")
    program = await stage.join()
    await program.register(lambda: None, uri)
    schema = {"kind": "procedure", "args": ["text"], "result": {"type": "text"}}
    equal(await program.call("wamp.reflect.define", uri, schema), True)
    equal((await defined.get())[0], [uri, schema, True])
    assert uri in await stage.a.call("wamp.reflection.procedure.list")
    told = await stage.a.call("wamp.reflection.procedure.describe", uri)
    equal({key: told[key] for key in schema}, schema)
    equal(told["registration"]["callees"], 1)
    equal(await stage.a.call("wamp.reflection.topic.describe", uri), None)
    assert "wamp.session.on_join" in await stage.a.call("wamp.reflection.topic.list")
    assert "wamp.error.no_such_session" in await stage.a.call("wamp.reflection.error.list")
    await program.goodbye()
    equal((await undefined.get())[0], [uri])
    equal(await stage.a.call("wamp.reflect.describe", uri), None)


CASES = [
    sessions_are_counted_listed_and_told_of,
    joining_and_leaving_are_told,
    a_killed_session_is_told_why_and_its_connection_closes,
    sessions_are_killed_by_their_authid,
    nobody_is_killed_by_mistake,
    a_registration_is_found_and_told_of,
    a_subscription_is_found_and_told_of,
    registering_is_told_from_its_beginning_to_its_end,
    subscribing_is_told_from_its_beginning_to_its_end,
    a_callee_and_a_subscriber_can_be_removed,
    what_a_program_defines_is_described_as_long_as_it_lives,
]
