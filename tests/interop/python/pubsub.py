"""Publish and subscribe, as autobahn-python does it. Each case gets a stage."""

from autobahn.wamp.types import PublishOptions, SubscribeOptions

from peer import refused_with
from report import equal
from stage import Box

ACKNOWLEDGED = PublishOptions(acknowledge=True)


def options(match="exact"):
    return SubscribeOptions(match=match, details_arg="details")


async def hello_is_answered_with_welcome_and_goodbye_with_goodbye(stage):
    session = await stage.join()
    details = session.joined.result()
    equal((details.realm, details.authrole, details.authmethod), ("realm1", "anonymous", "anonymous"))
    assert 1 <= details.session <= 2**53, details.session
    assert details.authid, details
    closed = await session.goodbye()
    equal(closed.reason, "wamp.close.goodbye_and_out")


async def an_event_reaches_its_subscriber_with_its_arguments(stage):
    box, topic = Box(), stage.uri()
    await stage.b.subscribe(box.put, topic, options())
    stage.a.publish(topic, 1, "two", [3], four={"five": 6})
    args, kwargs, _ = await box.get()
    equal((args, kwargs), ([1, "two", [3]], {"four": {"five": 6}}))


async def an_event_without_arguments_arrives(stage):
    box, topic = Box(), stage.uri()
    await stage.b.subscribe(box.put, topic, options())
    stage.a.publish(topic)
    args, kwargs, _ = await box.get()
    equal((args, kwargs), ([], {}))


async def an_acknowledged_publication_has_the_id_of_its_event(stage):
    box, topic = Box(), stage.uri()
    await stage.b.subscribe(box.put, topic, options())
    publication = await stage.a.publish(topic, options=ACKNOWLEDGED)
    _, _, details = await box.get()
    equal(details.publication, publication.id)
    assert 1 <= publication.id <= 2**53, publication.id


async def a_publisher_gets_its_own_event_only_with_exclude_me_off(stage):
    box, topic = Box(), stage.uri()
    await stage.a.subscribe(box.put, topic, options())
    await stage.a.publish(topic, "hidden", options=ACKNOWLEDGED)
    await stage.a.publish(topic, "seen", options=PublishOptions(acknowledge=True, exclude_me=False))
    args, _, _ = await box.get()
    equal(args, ["seen"])


async def after_unsubscribing_no_event_comes(stage):
    gone, kept, topic = Box(), Box(), stage.uri()
    subscription = await stage.b.subscribe(gone.put, topic, options())
    await stage.b.subscribe(kept.put, stage.uri("prefix.")[: -len("prefix.")], options("prefix"))
    last = stage.uri("last")
    await stage.b.subscribe(kept.put, last, options())
    await subscription.unsubscribe()
    await stage.a.publish(topic, options=ACKNOWLEDGED)
    await stage.a.publish(last, options=ACKNOWLEDGED)
    # Events of one publisher keep their order, so the first would have been here by now.
    await kept.get()
    assert gone.is_empty()


async def a_prefix_subscription_says_the_topic_of_each_event(stage):
    box, topic = Box(), stage.uri()
    await stage.b.subscribe(box.put, topic + ".", options("prefix"))
    await stage.a.publish(topic + ".one.two", options=ACKNOWLEDGED)
    await stage.a.publish(topic, options=ACKNOWLEDGED)
    await stage.a.publish(topic + ".three", options=ACKNOWLEDGED)
    topics = [(await box.get())[2].topic for _ in range(2)]
    equal(topics, [topic + ".one.two", topic + ".three"])


async def a_wildcard_subscription_says_the_topic_of_each_event(stage):
    box, topic = Box(), stage.uri()
    await stage.b.subscribe(box.put, topic + "..changed", options("wildcard"))
    await stage.a.publish(topic + ".lamp.changed", options=ACKNOWLEDGED)
    await stage.a.publish(topic + ".lamp.other", options=ACKNOWLEDGED)
    await stage.a.publish(topic + ".lamp.deep.changed", options=ACKNOWLEDGED)
    await stage.a.publish(topic + ".door.changed", options=ACKNOWLEDGED)
    topics = [(await box.get())[2].topic for _ in range(2)]
    equal(topics, [topic + ".lamp.changed", topic + ".door.changed"])


async def each_matching_subscription_gets_the_event(stage):
    exact, prefix, wildcard, topic = Box(), Box(), Box(), stage.uri()
    await stage.b.subscribe(exact.put, topic + ".x.y", options())
    await stage.b.subscribe(prefix.put, topic + ".", options("prefix"))
    await stage.b.subscribe(wildcard.put, topic + "..y", options("wildcard"))
    publication = await stage.a.publish(topic + ".x.y", 7, options=ACKNOWLEDGED)
    for box in (exact, prefix, wildcard):
        args, _, details = await box.get()
        equal((args, details.publication), ([7], publication.id))


async def every_subscriber_gets_every_event_in_order(stage):
    boxes, topic, count = [Box(), Box(), Box()], stage.uri(), 500
    for session, box in zip([stage.a, stage.b, await stage.join()], boxes, strict=True):
        await session.subscribe(box.put, topic, options())
    for number in range(count):
        stage.a.publish(topic, number, options=PublishOptions(exclude_me=False))
    for box in boxes:
        equal([(await box.get())[0] for _ in range(count)], [[number] for number in range(count)])


async def topics_of_the_router_cannot_be_published_to(stage):
    # Ill-formed URIs are for other libraries to try: autobahn lets none out.
    await refused_with(stage.a.publish("wamp.session.on_join", options=ACKNOWLEDGED), "wamp.error.invalid_uri")
    await stage.a.publish(stage.uri(), options=ACKNOWLEDGED)


CASES = [
    hello_is_answered_with_welcome_and_goodbye_with_goodbye,
    an_event_reaches_its_subscriber_with_its_arguments,
    an_event_without_arguments_arrives,
    an_acknowledged_publication_has_the_id_of_its_event,
    a_publisher_gets_its_own_event_only_with_exclude_me_off,
    after_unsubscribing_no_event_comes,
    a_prefix_subscription_says_the_topic_of_each_event,
    a_wildcard_subscription_says_the_topic_of_each_event,
    each_matching_subscription_gets_the_event,
    every_subscriber_gets_every_event_in_order,
    topics_of_the_router_cannot_be_published_to,
]
