"""Events in frames made by hand. Each case gets a stage of raw.py."""

from raw_calls import LONGEST_NODE_KEY, PASSTHRU, goes_on
from report import equal

DELIVERED = {"acknowledge": True, "_delivered": True}


async def subscribe(peer, topic, **options):
    """Subscribes, and gives the subscription's number."""
    answer = await peer.ask(32, options, topic)
    equal(answer[0], 33)
    return answer[2]


async def publish(peer, topic, *rest, **options):
    """Publishes, and gives the publication's number."""
    answer = await peer.ask(16, {"acknowledge": True, **options}, topic, *rest)
    equal(answer[0], 17)
    return answer[2]


async def event(peer, *rest):
    """The details and the publication of the next event, which has these arguments."""
    message = await peer.get()
    equal((message[0], message[4:]), (36, list(rest)))
    return message[3], message[2]


async def is_told_nothing_yet(peer):
    """What was to come before the answer to this call is not there."""
    answer = await peer.ask(48, {}, "wamp.session.count")
    equal(answer[0], 50)


async def published_waits_until_every_subscriber_has_the_event(stage):
    topic, a, b, c = stage.uri(), stage.a, stage.b, await stage.join()
    for subscriber in (b, c):
        await subscribe(subscriber, topic)
    number = next(a.requests)
    await a.send(16, number, DELIVERED, topic, ["it"])
    for subscriber in (b, c):
        await is_told_nothing_yet(a)
        details, publication = await event(subscriber, ["it"])
        equal(details["x_acknowledged_delivery"], True)
        # In floats too: wampy sends large numbers so.
        await subscriber.send(337, float(publication))
    equal(await a.get(), [17, number, publication])


async def a_subscriber_that_leaves_is_waited_for_no_more(stage):
    topic, a, b = stage.uri(), stage.a, await stage.join()
    await subscribe(b, topic)
    number = next(a.requests)
    await a.send(16, number, DELIVERED, topic)
    _, publication = await event(b)
    await is_told_nothing_yet(a)
    await b.close()
    equal(await a.get(), [17, number, publication])


async def events_that_nobody_awaits_need_no_word(stage):
    topic, a, b = stage.uri(), stage.a, stage.b
    await subscribe(b, topic)
    await publish(a, topic)
    details, publication = await event(b)
    assert "x_acknowledged_delivery" not in details, details
    for number in (publication, 7_000_000):
        await b.send(337, number)
    await goes_on(a, b)


async def events_of_one_key_go_to_one_shard_only(stage):
    topic, a, shards = stage.uri(), stage.a, {"north": stage.b, "south": await stage.join()}
    free = await stage.join()
    for nkey, peer in shards.items():
        await subscribe(peer, topic, nkey=nkey)
    await subscribe(free, topic)
    for number in range(20):
        await publish(a, topic, [number], rkey=f"customer {number}")
    await publish(a, topic, ["end"])
    seen = []
    for peer in shards.values():
        while (message := await peer.get())[4] != ["end"]:
            seen.append(message[4][0])
    equal(sorted(seen), list(range(20)))
    # Who has no shard hears everything.
    equal([(await free.get())[4] for _ in range(21)], [*([number] for number in range(20)), ["end"]])
    answer = await a.ask(32, {"nkey": "k" * (LONGEST_NODE_KEY + 1)}, topic)
    equal((answer[1], answer[4]), (32, "wamp.error.invalid_argument"))


async def a_removed_subscriber_is_told_why(stage):
    topic, a, b = stage.uri(), stage.a, stage.b
    subscription = await subscribe(b, topic)
    reason = "com.example.tidy"
    answer = await a.ask(48, {}, "wamp.subscription.remove_subscriber", [subscription, b.id], {"reason": reason})
    equal(answer[0], 50)
    equal(await b.get(), [35, 0, {"subscription": subscription, "reason": reason}])
    equal((await b.ask(34, subscription))[4], "wamp.error.no_such_subscription")


async def what_is_said_of_a_payload_stays_with_a_retained_event(stage):
    topic, a, b = stage.uri(), stage.a, stage.b
    publication = await publish(a, topic, ["sealed"], retain=True, **PASSTHRU)
    await b.send(32, next(b.requests), {"get_retained": True}, topic)
    equal((await b.get())[0], 33)
    details, told = await event(b, ["sealed"])
    equal(({key: details.get(key) for key in PASSTHRU}, told, details["retained"]), (PASSTHRU, publication, True))
    assert details["_published_at"].endswith("Z"), details


async def a_publisher_may_name_itself_and_still_get_nothing(stage):
    topic, a, b = stage.uri(), stage.a, stage.b
    for peer in (a, b):
        await subscribe(peer, topic)
    await publish(a, topic, ["one"], eligible=[a.id, b.id])
    await event(b, ["one"])
    number = next(a.requests)
    await a.send(16, number, {"acknowledge": True, "exclude_me": False, "eligible": [a.id]}, topic, ["two"])
    equal(sorted([(await a.get())[0] for _ in range(2)]), [17, 36])
    await goes_on(a, b)


CASES = [
    published_waits_until_every_subscriber_has_the_event,
    a_subscriber_that_leaves_is_waited_for_no_more,
    events_that_nobody_awaits_need_no_word,
    events_of_one_key_go_to_one_shard_only,
    a_removed_subscriber_is_told_why,
    what_is_said_of_a_payload_stays_with_a_retained_event,
    a_publisher_may_name_itself_and_still_get_nothing,
]
