"""Events with what the advanced profile adds, as autobahn-python can say it. Each case gets a stage."""

from autobahn.wamp.types import PublishOptions, SubscribeOptions

from meta import own_id
from peer import refused_with
from report import equal
from stage import KEPT, KNOWN, Box

ACKNOWLEDGED = PublishOptions(acknowledge=True)
DETAILS = SubscribeOptions(details_arg="details")
RETAINED = SubscribeOptions(details_arg="details", get_retained=True)
EVENTS = 6


async def hear(session, topic, options=DETAILS):
    box = Box()
    await session.subscribe(box.put, topic, options)
    return box


async def reached(publisher, boxes, topic, **options):
    """Which of the subscribers get an event with these options: each gets the one after it."""
    await publisher.publish(topic, "meant", options=PublishOptions(acknowledge=True, **options))
    await publisher.publish(topic, "end", options=ACKNOWLEDGED)
    got = []
    for box in boxes:
        words = [(await box.get())[0]]
        while words[-1] != ["end"]:
            words.append((await box.get())[0])
        got.append(words == [["meant"], ["end"]])
    return got


async def lists_say_who_gets_an_event(stage):
    topic, names = stage.uri(), [stage.uri("one"), stage.uri("two")]
    sessions = [await stage.join(authid=name) for name in names]
    boxes = [await hear(session, topic) for session in sessions]
    ids = [own_id(session) for session in sessions]
    for options, expected in (
        ({"eligible": [ids[0]]}, [True, False]),
        ({"eligible": ids}, [True, True]),
        ({"exclude": [ids[0]]}, [False, True]),
        ({"eligible_authid": [names[1]]}, [False, True]),
        ({"exclude_authid": [names[1]]}, [True, False]),
        ({"eligible_authrole": ["anonymous"]}, [True, True]),
        ({"eligible_authrole": ["nobody"]}, [False, False]),
        ({"exclude_authrole": ["anonymous"]}, [False, False]),
        ({"exclude_authrole": ["nobody"]}, [True, True]),
        ({"eligible": ids, "exclude_authid": [names[0]]}, [False, True]),
        ({"eligible_authid": [names[0]], "exclude": [ids[0]]}, [False, False]),
    ):
        equal((options, await reached(stage.a, boxes, topic, **options)), (options, expected))


async def an_empty_list_of_who_may_have_an_event_reaches_nobody(stage):
    topic = stage.uri()
    boxes = [await hear(stage.b, topic)]
    for name in ("eligible", "eligible_authid", "eligible_authrole"):
        equal((name, await reached(stage.a, boxes, topic, **{name: []})), (name, [False]))
    for name in ("exclude", "exclude_authid", "exclude_authrole"):
        equal((name, await reached(stage.a, boxes, topic, **{name: []})), (name, [True]))


async def the_last_retained_event_is_there_for_who_comes_later(stage):
    topic = stage.uri()
    for number in range(3):
        await stage.a.publish(topic, number, key=[number], options=PublishOptions(acknowledge=True, retain=True))
    await stage.a.publish(topic, "not kept", options=ACKNOWLEDGED)
    late = await hear(stage.b, topic, RETAINED)
    args, kwargs, details = await late.get()
    equal((args, kwargs, details.retained), ([2], {"key": [2]}, True))
    await stage.a.publish(topic, "new", options=ACKNOWLEDGED)
    args, _, details = await late.get()
    equal((args, bool(details.retained)), (["new"], False))


async def who_does_not_ask_gets_no_retained_event(stage):
    topic = stage.uri()
    await stage.a.publish(topic, "old", options=PublishOptions(acknowledge=True, retain=True))
    box = await hear(stage.b, topic)
    await stage.a.publish(topic, "new", options=ACKNOWLEDGED)
    equal((await box.get())[0], ["new"])


async def a_pattern_gets_every_retained_event_that_it_matches(stage):
    start = stage.uri()
    for end in ("one", "two"):
        await stage.a.publish(f"{start}.{end}", end, options=PublishOptions(acknowledge=True, retain=True))
    options = SubscribeOptions(match="prefix", details_arg="details", get_retained=True)
    box = await hear(stage.b, f"{start}.", options)
    seen = [await box.get() for _ in range(2)]
    equal(sorted((details.topic, args) for args, _, details in seen), [(f"{start}.one", ["one"]), (f"{start}.two", ["two"])])


async def a_role_may_have_its_publishers_disclosed_always(stage):
    topic = stage.uri(start=KNOWN)
    box = await hear(stage.b, topic)
    await stage.a.publish(topic, options=ACKNOWLEDGED)
    _, _, details = await box.get()
    joined = stage.a.joined.result()
    told = [details.publisher, details.publisher_authid, details.publisher_authrole]
    equal(told, [joined.session, joined.authid, joined.authrole])


async def history(stage, topic, **filters):
    kept = await stage.a.call("wamp.subscription.lookup", f"{KEPT}.", {"match": "prefix"})
    result = await stage.a.call("wamp.subscription.get_events", kept, topic=topic, **filters)
    return result.results[0]


async def history_is_given_by_every_filter(stage):
    topic = stage.uri(start=KEPT)
    ids = []
    for number in range(EVENTS):
        publication = await stage.a.publish(topic, number, kw=[number], options=ACKNOWLEDGED)
        ids.append(publication.id)
        await stage.a.publish(topic + ".other", options=ACKNOWLEDGED)
    events = await history(stage, topic)
    equal([event["publication"] for event in events], ids)
    equal([(event["args"], event["kwargs"]) for event in events], [([n], {"kw": [n]}) for n in range(EVENTS)])
    times = [event["timestamp"] for event in events]
    for filters, expected in (
        ({"limit": 2}, [0, 1]),
        ({"limit": 2, "reverse": True}, [5, 4]),
        ({"reverse": True}, [5, 4, 3, 2, 1, 0]),
        ({"from_publication": ids[4]}, [4, 5]),
        ({"after_publication": ids[4]}, [5]),
        ({"before_publication": ids[1]}, [0]),
        ({"until_publication": ids[1]}, [0, 1]),
        ({"after_publication": ids[0], "before_publication": ids[5], "limit": 3}, [1, 2, 3]),
        ({"from_time": times[0], "until_time": times[-1]}, [0, 1, 2, 3, 4, 5]),
        ({"before_time": times[0]}, []),
        ({"after_time": times[-1]}, []),
    ):
        told = [event["args"][0] for event in await history(stage, topic, **filters)]
        equal((filters, told), (filters, expected))


async def what_is_no_filter_of_history_is_refused(stage):
    topic = stage.uri(start=KEPT)
    for filters in ({"limit": "many"}, {"from_time": "yesterday"}, {"after_publication": "x"}):
        await refused_with(history(stage, topic, **filters), "wamp.error.invalid_argument")
    asked = stage.a.call("wamp.subscription.get_events", 7_000_000)
    await refused_with(asked, "wamp.error.no_such_subscription")


async def testaments_are_published_whatever_ends_a_session(stage):
    for end in ("goodbye", "hang_up", "kill"):
        topic, session = stage.uri(), await stage.join()
        box = await hear(stage.b, topic)
        for scope in ("destroyed", "detached"):
            await session.call("wamp.session.add_testament", topic, [scope, end], {"key": [1]}, {}, scope)
        if end == "goodbye":
            await session.goodbye()
        elif end == "hang_up":
            session.hang_up()
        else:
            await stage.a.call("wamp.session.kill", own_id(session))
        for scope in ("detached", "destroyed"):
            args, kwargs, _ = await box.get()
            equal((args, kwargs), ([scope, end], {"key": [1]}))


async def a_testament_can_be_taken_back(stage):
    topic, session = stage.uri(), await stage.join()
    box = await hear(stage.b, topic)
    for scope in ("destroyed", "detached"):
        await session.call("wamp.session.add_testament", topic, [scope], scope=scope)
    await session.call("wamp.session.flush_testaments", "detached")
    await session.goodbye()
    equal((await box.get())[0], ["destroyed"])
    await stage.a.publish(topic, "last", options=ACKNOWLEDGED)
    equal((await box.get())[0], ["last"])


async def a_testament_keeps_to_its_options(stage):
    topic, session, late = stage.uri(), await stage.join(), await stage.join()
    options = {"retain": True, "exclude": [own_id(stage.b)]}
    box = await hear(stage.b, topic)
    await session.call("wamp.session.add_testament", topic, ["gone"], {}, {"retain": True})
    await session.call("wamp.session.add_testament", topic, ["hidden"], {}, options)
    await session.goodbye()
    equal((await box.get())[0], ["gone"])
    equal((await (await hear(late, topic, RETAINED)).get())[0], ["gone"])
    await stage.a.publish(topic, "last", options=ACKNOWLEDGED)
    equal((await box.get())[0], ["last"])


async def who_is_too_slow_is_told_how_many_events_were_lost(stage):
    topic, slow = stage.uri(), await stage.join()
    big, count = "x" * (4 << 20), 24
    overflow = await hear(stage.b, "wamp.session.on_overflow")
    box = await hear(slow, topic)
    reading = slow._transport.transport
    reading.pause_reading()
    for _ in range(count):
        await stage.a.publish(topic, big, options=ACKNOWLEDGED)
    reading.resume_reading()
    session, lost = (await overflow.get())[0]
    equal(session, own_id(slow))
    for _ in range(count - lost):
        equal((await box.get())[0], [big])
    await stage.a.publish(topic, "last", options=ACKNOWLEDGED)
    equal((await box.get())[0], ["last"])


CASES = [
    lists_say_who_gets_an_event,
    an_empty_list_of_who_may_have_an_event_reaches_nobody,
    the_last_retained_event_is_there_for_who_comes_later,
    who_does_not_ask_gets_no_retained_event,
    a_pattern_gets_every_retained_event_that_it_matches,
    a_role_may_have_its_publishers_disclosed_always,
    history_is_given_by_every_filter,
    what_is_no_filter_of_history_is_refused,
    testaments_are_published_whatever_ends_a_session,
    a_testament_can_be_taken_back,
    a_testament_keeps_to_its_options,
]
# What takes a second and has nothing to do with the link.
ON_ONE_LINK = [who_is_too_slow_is_told_how_many_events_were_lost]
