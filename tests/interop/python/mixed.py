"""Sessions of different serializers with each other: what one sends, the other must get, binary values included."""

import asyncio
import itertools

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions, SubscribeOptions

import address
import peer
import values
from peer import refused_with
from report import Report, equal, sentence
from stage import Box, Stage

BINARY = [*values.BINARIES, [b"\x01", {"key": b"\x02"}], {"deep": [[b"\x03"]]}]


async def pair(stage, ours, theirs):
    """A session of each serializer."""
    return await stage.join(serializer=ours), await stage.join(serializer=theirs)


async def a_call_and_its_result_keep_every_value(stage, ours, theirs):
    caller, callee = await pair(stage, ours, theirs)
    uri, seen = stage.uri(), Box()

    def echo(*args, **kwargs):
        seen.put(*args, **kwargs)
        return CallResult(*args, **kwargs)

    await callee.register(echo, uri)
    everything = [*values.ALL, *BINARY, values.nested(20)]
    result = await caller.call(uri, *everything, keyword=everything)
    equal((list(result.results), result.kwresults), (everything, {"keyword": everything}))
    args, kwargs, _ = await seen.get()
    equal((args, kwargs), (everything, {"keyword": everything}))


async def an_error_keeps_its_arguments(stage, ours, theirs):
    caller, callee = await pair(stage, ours, theirs)
    uri = stage.uri()

    def fail():
        raise ApplicationError("com.example.error.bad", "Grüße", b"\x00\xff", 2**63, kw=b"\x01")

    await callee.register(fail, uri)
    error = await refused_with(caller.call(uri), "com.example.error.bad")
    equal((list(error.args), error.kwargs), (["Grüße", b"\x00\xff", 2**63], {"kw": b"\x01"}))


async def progressive_results_keep_their_arguments(stage, ours, theirs):
    caller, callee = await pair(stage, ours, theirs)
    uri, seen = stage.uri(), []

    async def send(details):
        for value in BINARY:
            details.progress(value)
        return "done"

    await callee.register(send, uri, RegisterOptions(details_arg="details"))
    equal(await caller.call(uri, options=CallOptions(on_progress=seen.append)), "done")
    equal(seen, BINARY)


async def four_mebibytes_of_binary_go_both_ways(stage, ours, theirs):
    caller, callee = await pair(stage, ours, theirs)
    uri, value = stage.uri(), values.large_binary()
    await callee.register(lambda given: given, uri)
    assert await caller.call(uri, value) == value


async def one_publication_reaches_subscribers_of_every_serializer(stage, serializer):
    publisher = await stage.join(serializer=serializer)
    topic, everything = stage.uri(), [*values.ALL, *BINARY]
    boxes = []
    # Two of each: the router may share what it encodes between subscribers of one serializer.
    for other in [*peer.SERIALIZERS, *peer.SERIALIZERS]:
        boxes.append(Box())
        subscriber = await stage.join(serializer=other)
        await subscriber.subscribe(boxes[-1].put, topic, SubscribeOptions(details_arg="details"))
    publication = await publisher.publish(
        topic, *everything, keyword=everything, options=PublishOptions(acknowledge=True)
    )
    for box in boxes:
        args, kwargs, details = await box.get()
        equal((args, kwargs), (everything, {"keyword": everything}))
        equal(details.publication, publication.id)


async def callees_of_every_serializer_share_a_procedure(stage, ours, theirs):
    caller, callee = await pair(stage, ours, theirs)
    uri, seen = stage.uri(), []
    for number, session in enumerate((callee, await stage.join(serializer=ours))):

        def answer(value, number=number):
            seen.append(number)
            return value

        await session.register(answer, uri, RegisterOptions(invoke="roundrobin"))
    for value in BINARY:
        equal(await caller.call(uri, value), value)
    equal(seen, [number % 2 for number in range(len(BINARY))])


async def a_call_that_one_passes_on_keeps_its_arguments_for_the_next(stage, ours, theirs):
    caller, callee = await pair(stage, ours, theirs)
    uri = stage.uri()

    def pass_on(*_, **__):
        raise ApplicationError("wamp.error.unavailable")

    await callee.register(pass_on, uri, RegisterOptions(invoke="first"))
    next_one = await stage.join(serializer=ours)
    await next_one.register(lambda *args, **kwargs: CallResult(*args, **kwargs), uri, RegisterOptions(invoke="first"))
    result = await caller.call(uri, *BINARY, keyword=BINARY)
    equal((list(result.results), result.kwresults), (BINARY, {"keyword": BINARY}))


PAIRS = [
    a_call_and_its_result_keep_every_value,
    an_error_keeps_its_arguments,
    progressive_results_keep_their_arguments,
    four_mebibytes_of_binary_go_both_ways,
    callees_of_every_serializer_share_a_procedure,
    a_call_that_one_passes_on_keeps_its_arguments_for_the_next,
]


async def main():
    report = Report("mixed serializers")
    router = address.router()
    for ours, theirs in itertools.permutations(peer.SERIALIZERS, 2):
        for case in PAIRS:
            stage = Stage(router, "websocket", ours)
            await report.check(f"{ours} to {theirs}: {sentence(case)}", case(stage, ours, theirs))
            await stage.close()
    for serializer in peer.SERIALIZERS:
        stage = Stage(router, "rawsocket", serializer)
        case = one_publication_reaches_subscribers_of_every_serializer
        await report.check(f"{serializer}: {sentence(case)}", case(stage, serializer))
        await stage.close()
    report.end()


asyncio.run(main())
