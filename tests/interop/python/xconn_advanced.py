"""What the advanced profile adds, as xconn can say it: it hands options and details on as they are, whatever they are.
The cases get a stage of xconn_python.py."""

import asyncio

from wampproto.auth import AnonymousAuthenticator
from xconn.exception import ApplicationError
from xconn.types import Result

from report import equal
from stage import KEPT, KNOWN, SOON
from xconn_meta import ask, own_id, refused_with

ACKNOWLEDGED = {"acknowledge": True}
PASSTHRU = {"ppt_scheme": "x_interop", "ppt_serializer": "native", "ppt_cipher": "none", "ppt_keyid": "key 1"}
CALLS = 12
EVENTS = 5


def always(word):
    async def answer(_):
        return Result([word])

    return answer


async def details_of_call(invocation):
    return Result([invocation.details])


class Stuck:
    """A procedure that does not return until it is told to."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.release = asyncio.Event()

    async def wait(self):
        await asyncio.wait_for(self.begun.wait(), SOON)

    def handler(self):
        async def handle(_):
            self.begun.set()
            await self.release.wait()
            return Result(["released"])

        return handle


async def answer(session, uri, **options):
    return (await session.call(uri, options=options)).args[0]


async def hear(stage, session, topic, options=None):
    queue, handler = stage.events()
    await session.subscribe(topic, handler, options)
    return queue


async def take(queue):
    return await asyncio.wait_for(queue.get(), SOON)


async def a_call_that_takes_too_long_times_out(stage):
    uri, stuck = stage.uri(), Stuck()
    await stage.b.register(uri, stuck.handler())
    await refused_with(stage.a.call(uri, options={"timeout": 50}), "wamp.error.timeout")
    await stuck.wait()
    stuck.release.set()
    await stage.b.register(uri + ".next", always("in time"))
    equal(await answer(stage.a, uri + ".next", timeout=60_000), "in time")


async def the_best_match_gets_the_call(stage):
    uri = stage.uri()
    call = f"{uri}.one.two.three"
    for name, match in (
        (f"{uri}...three", "wildcard"),
        (f"{uri}.one..three", "wildcard"),
        (f"{uri}.", "prefix"),
        (f"{uri}.one.two.", "prefix"),
        (call, "exact"),
    ):
        await stage.b.register(name, always(name), {"match": match})
        equal(await answer(stage.a, call), name)


async def shared_procedures_go_by_their_policy(stage):
    callees = [stage.b, await stage.join(), await stage.join()]
    expected = {"first": [0] * CALLS, "last": [2] * CALLS, "roundrobin": [0, 1, 2] * (CALLS // 3)}
    for invoke in (*expected, "random"):
        uri = stage.uri()
        for number, callee in enumerate(callees):
            await callee.register(uri, always(number), {"invoke": invoke})
        if invoke in expected:
            equal([await answer(stage.a, uri) for _ in range(CALLS)], expected[invoke])
        else:
            equal({await answer(stage.a, uri) for _ in range(60)}, {0, 1, 2})
    uri = stage.uri()
    await stage.a.register(uri, always(1), {"invoke": "single"})
    again = stage.b.register(uri, always(2), {"invoke": "single"})
    await refused_with(again, "wamp.error.procedure_already_exists")


async def a_callee_works_on_no_more_calls_than_it_wants_to(stage):
    uri, stuck = stage.uri(), Stuck()
    await stage.b.register(uri, stuck.handler(), {"concurrency": 1})
    busy = asyncio.ensure_future(stage.a.call(uri))
    await stuck.wait()
    await refused_with(stage.a.call(uri), "wamp.error.unavailable")
    stuck.release.set()
    equal((await busy).args, ["released"])


async def a_procedure_can_be_taken_over(stage):
    uri = stage.uri()
    await stage.b.register(uri, always("old"))
    await stage.a.register(uri, always("new"), {"force_reregister": True})
    equal(await answer(stage.b, uri), "new")


async def a_call_that_a_callee_passes_on_goes_to_the_next(stage):
    uri, other = stage.uri(), await stage.join()

    async def pass_on(_):
        raise ApplicationError("wamp.error.unavailable", "not now")

    await stage.b.register(uri, pass_on, {"invoke": "first"})
    last = await other.register(uri, always("served"), {"invoke": "first"})
    equal(await answer(stage.a, uri), "served")
    await last.unregister()
    await other.register(uri, pass_on, {"invoke": "first"})
    await refused_with(stage.a.call(uri), "wamp.error.no_available_callee")


async def callees_and_subscribers_learn_how_far_the_other_side_is_trusted(stage):
    uri = stage.uri(start=KNOWN)
    await stage.b.register(uri, details_of_call)
    details = await answer(stage.a, uri)
    equal((details["caller"], details["trustlevel"]), (own_id(stage.a), 7))
    queue = await hear(stage, stage.b, uri)
    await stage.a.publish(uri, options=ACKNOWLEDGED)
    details = (await take(queue)).details
    equal((details["publisher"], details["trustlevel"]), (own_id(stage.a), 7))


async def a_callee_may_ask_for_its_callers_to_be_disclosed(stage):
    uri = stage.uri()
    await stage.b.register(uri, details_of_call, {"disclose_caller": True})
    equal((await answer(stage.a, uri))["caller"], own_id(stage.a))


async def calls_of_one_key_go_to_one_shard(stage):
    uri = stage.uri()
    for nkey, callee in (("north", stage.b), ("south", await stage.join())):
        await callee.register(uri, always(nkey), {"invoke": "roundrobin", "nkey": nkey})
    keys = [f"customer {number}" for number in range(20)]
    shards = [await answer(stage.a, uri, rkey=key) for key in keys]
    equal([await answer(stage.a, uri, rkey=key) for key in keys], shards)
    equal(set(shards), {"north", "south"})
    await refused_with(stage.a.call(uri, options={"runmode": "all"}), "wamp.error.option_not_allowed")


async def events_of_one_key_go_to_one_shard(stage):
    topic = stage.uri()
    queues = {
        "north": await hear(stage, stage.b, topic, {"nkey": "north"}),
        "south": await hear(stage, await stage.join(), topic, {"nkey": "south"}),
    }
    keys = [f"customer {number}" for number in range(20)]
    for key in keys * 2:
        await stage.a.publish(topic, [key], options={**ACKNOWLEDGED, "rkey": key})
    await stage.a.publish(topic, ["end"], options=ACKNOWLEDGED)
    seen = {}
    for shard, queue in queues.items():
        seen[shard] = []
        while (event := await take(queue)).args != ["end"]:
            seen[shard].append(event.args[0])
    for got in seen.values():
        # Every key came twice or not at all.
        half = len(got) // 2
        assert got[:half] == got[half:] and got, seen
    equal(sorted(seen["north"] + seen["south"]), sorted(keys * 2))


async def reached(stage, queues, topic, options):
    await stage.a.publish(topic, ["meant"], options={**ACKNOWLEDGED, **options})
    await stage.a.publish(topic, ["end"], options=ACKNOWLEDGED)
    got = []
    for queue in queues:
        first = (await take(queue)).args
        got.append(first == ["meant"])
        if first == ["meant"]:
            equal((await take(queue)).args, ["end"])
    return got


async def lists_say_who_gets_an_event(stage):
    topic, authids = stage.uri(), [stage.uri("one"), stage.uri("two")]
    sessions = [await stage.join(authenticator=AnonymousAuthenticator(name)) for name in authids]
    queues = [await hear(stage, session, topic) for session in sessions]
    ids = [own_id(session) for session in sessions]
    for options, expected in (
        ({"eligible": [ids[0]]}, [True, False]),
        ({"exclude": [ids[0]]}, [False, True]),
        ({"eligible_authid": [authids[1]]}, [False, True]),
        ({"exclude_authid": [authids[1]]}, [True, False]),
        ({"eligible_authrole": ["nobody"]}, [False, False]),
        ({"exclude_authrole": ["anonymous"]}, [False, False]),
        ({"eligible": []}, [False, False]),
        ({"eligible_authid": []}, [False, False]),
        ({"eligible_authrole": []}, [False, False]),
        ({"exclude": []}, [True, True]),
    ):
        equal((options, await reached(stage, queues, topic, options)), (options, expected))


async def a_retained_event_says_when_it_was_published(stage):
    topic = stage.uri()
    await stage.a.publish(topic, ["kept"], options={**ACKNOWLEDGED, "retain": True})
    queue = await hear(stage, stage.b, topic, {"get_retained": True})
    event = await take(queue)
    equal((event.args, event.details["retained"]), (["kept"], True))
    assert event.details["_published_at"].endswith("Z"), event.details


async def a_publisher_may_wait_until_its_event_has_arrived(stage):
    topic = stage.uri()
    queue = await hear(stage, stage.b, topic)
    # None of the subscribers can say that it has the event, so nobody is waited for.
    await stage.a.publish(topic, ["here"], options={**ACKNOWLEDGED, "_delivered": True})
    event = await take(queue)
    assert "x_acknowledged_delivery" not in event.details, event.details


async def history_is_given_by_its_filters(stage):
    topic = stage.uri(start=KEPT)
    for number in range(EVENTS):
        await stage.a.publish(topic, [number], {"kw": number}, ACKNOWLEDGED)
    kept = await ask(stage, "wamp.subscription.lookup", f"{KEPT}.", {"match": "prefix"})

    async def events(**filters):
        return await ask(stage, "wamp.subscription.get_events", kept, topic=topic, **filters)

    told = await events()
    equal([(event["args"], event["kwargs"]) for event in told], [([n], {"kw": n}) for n in range(EVENTS)])
    third = told[2]["publication"]
    for filters, expected in (
        ({"limit": 2}, [0, 1]),
        ({"reverse": True, "limit": 2}, [4, 3]),
        ({"from_publication": third}, [2, 3, 4]),
        ({"after_publication": third}, [3, 4]),
        ({"before_publication": third}, [0, 1]),
        ({"until_publication": third}, [0, 1, 2]),
        ({"after_time": told[4]["timestamp"]}, []),
    ):
        equal((filters, [event["args"][0] for event in await events(**filters)]), (filters, expected))


async def testaments_of_both_scopes_are_published(stage):
    topic, session = stage.uri(), await stage.join()
    queue = await hear(stage, stage.b, topic)
    for scope in ("destroyed", "detached"):
        await session.call("wamp.session.add_testament", [topic, [scope]], {"scope": scope})
    stage.extra.remove(session)
    await session.leave()
    equal([(await take(queue)).args for _ in range(2)], [["detached"], ["destroyed"]])


async def what_is_said_of_a_payload_goes_through_with_it(stage):
    uri, payload = stage.uri(), "sealed" if stage.link == "websocket" else b"\x00sealed\xff"
    seen = []

    async def keep(invocation):
        seen.append((invocation.args, invocation.details))
        return Result(invocation.args, details=dict(PASSTHRU))

    await stage.b.register(uri, keep)
    queue = await hear(stage, stage.b, uri)
    result = await stage.a.call(uri, [payload], options=dict(PASSTHRU))
    seen.append((result.args, result.details))
    await stage.a.publish(uri, [payload], options={**ACKNOWLEDGED, **PASSTHRU})
    event = await take(queue)
    seen.append((event.args, event.details))
    for args, details in seen:
        equal((args, {key: details.get(key) for key in PASSTHRU}), ([payload], PASSTHRU))


CASES = [
    a_call_that_takes_too_long_times_out,
    the_best_match_gets_the_call,
    shared_procedures_go_by_their_policy,
    a_callee_works_on_no_more_calls_than_it_wants_to,
    a_procedure_can_be_taken_over,
    a_call_that_a_callee_passes_on_goes_to_the_next,
    callees_and_subscribers_learn_how_far_the_other_side_is_trusted,
    a_callee_may_ask_for_its_callers_to_be_disclosed,
    calls_of_one_key_go_to_one_shard,
    events_of_one_key_go_to_one_shard,
    lists_say_who_gets_an_event,
    a_retained_event_says_when_it_was_published,
    a_publisher_may_wait_until_its_event_has_arrived,
    history_is_given_by_its_filters,
    testaments_of_both_scopes_are_published,
    what_is_said_of_a_payload_goes_through_with_it,
]
