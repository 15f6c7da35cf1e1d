"""Calls and registrations, as autobahn-python does them. Each case gets a stage."""

import asyncio

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, RegisterOptions

import values
from peer import DETAILS, refused_with
from report import equal
from stage import Box

AT_ONCE = 1000


def echo(*args, **kwargs):
    return CallResult(*args, **kwargs)


async def a_call_gets_the_results_of_its_callee(stage):
    uri = stage.uri()
    await stage.b.register(echo, uri)
    result = await stage.a.call(uri, 1, "two", three=[3])
    equal((list(result.results), result.kwresults), ([1, "two"], {"three": [3]}))
    equal(await stage.a.call(uri, "alone"), "alone")


async def a_call_without_arguments_gets_a_result_without_any(stage):
    uri = stage.uri()
    await stage.b.register(lambda: CallResult(), uri)
    assert not await stage.a.call(uri)


async def a_session_may_call_itself(stage):
    uri = stage.uri()
    await stage.a.register(lambda number: number + 1, uri)
    equal(await stage.a.call(uri, 1), 2)


async def an_unregistered_procedure_is_not_there(stage):
    uri = stage.uri()
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")
    registration = await stage.b.register(echo, uri)
    equal(await stage.a.call(uri, 1), 1)
    await registration.unregister()
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")


async def a_procedure_cannot_be_registered_twice(stage):
    uri = stage.uri()
    registration = await stage.a.register(echo, uri)
    await refused_with(stage.b.register(echo, uri), "wamp.error.procedure_already_exists")
    await registration.unregister()
    await stage.b.register(echo, uri)


async def an_error_keeps_its_uri_and_arguments_both_ways(stage):
    for caller, callee in ((stage.a, stage.b), (stage.b, stage.a)):
        uri = stage.uri()

        def fail(**kwargs):
            raise ApplicationError("com.example.error.full", "no room", 7, kw=[1], **kwargs)

        await callee.register(fail, uri)
        error = await refused_with(caller.call(uri, place="shelf"), "com.example.error.full")
        equal((list(error.args), error.kwargs), (["no room", 7], {"kw": [1], "place": "shelf"}))


async def a_callee_that_breaks_is_an_error_for_the_caller(stage):
    uri = stage.uri()
    await stage.b.register(lambda: 1 // 0, uri)
    error = await refused_with(stage.a.call(uri), "wamp.error.runtime_error")
    assert "division" in error.args[0], error.args


async def procedures_of_the_router_cannot_be_registered(stage):
    await refused_with(stage.a.register(echo, "wamp.session.count"), "wamp.error.invalid_uri")
    await refused_with(stage.a.call(stage.uri()), "wamp.error.no_such_procedure")


async def progressive_results_come_in_order_before_the_last(stage):
    uri, seen = stage.uri(), []

    async def count(to, details):
        for number in range(to):
            details.progress(number, of=to)
        return "done"

    await stage.b.register(count, uri, DETAILS)
    progress = CallOptions(on_progress=lambda number, of: seen.append((number, of)))
    equal(await stage.a.call(uri, 50, options=progress), "done")
    equal(seen, [(number, 50) for number in range(50)])


async def a_caller_that_wants_no_progress_gets_none(stage):
    uri, offered = stage.uri(), []

    async def work(details):
        offered.append(details.progress)
        return "done"

    await stage.b.register(work, uri, DETAILS)
    equal(await stage.a.call(uri), "done")
    equal(offered, [None])


async def a_pattern_registration_is_told_the_procedure(stage):
    uri = stage.uri()

    def said(details):
        return details.procedure

    await stage.b.register(said, uri + ".", RegisterOptions(match="prefix", details_arg="details"))
    await stage.b.register(said, uri + "..get", RegisterOptions(match="wildcard", details_arg="details"))
    equal(await stage.a.call(uri + ".lamp.dim"), uri + ".lamp.dim")
    equal(await stage.a.call(uri + ".lamp"), uri + ".lamp")
    await stage.b.register(lambda: "exact", uri + ".lamp")
    equal(await stage.a.call(uri + ".lamp"), "exact")


async def two_registrations_of_one_session_are_told_apart(stage):
    one, two = stage.uri(), stage.uri()
    await stage.b.register(lambda: 1, one)
    await stage.b.register(lambda: 2, two)
    equal([await stage.a.call(one), await stage.a.call(two)], [1, 2])


async def a_thousand_calls_at_once_are_all_answered(stage):
    uri = stage.uri()

    async def later(number):
        # The later ones first, so that an answer is not right by its order alone.
        await asyncio.sleep((AT_ONCE - number) / AT_ONCE / 10)
        return number

    await stage.b.register(later, uri)
    answers = await asyncio.gather(*(stage.a.call(uri, number) for number in range(AT_ONCE)))
    equal(answers, list(range(AT_ONCE)))


async def values_arrive_as_they_were_sent(stage):
    uri, box, topic = stage.uri(), Box(), stage.uri()
    await stage.b.register(echo, uri)
    await stage.b.subscribe(box.put, topic)
    for value in [*values.ALL, values.nested(20)]:
        equal(await stage.a.call(uri, value), value)
    stage.a.publish(topic, *values.ALL, keyword=values.ALL)
    args, kwargs, _ = await box.get()
    equal((args, kwargs), (values.ALL, {"keyword": values.ALL}))


async def binary_values_arrive_as_they_were_sent(stage):
    uri = stage.uri()
    await stage.b.register(echo, uri)
    for value in [*values.BINARIES, [b"\x01", {"key": b"\x02"}]]:
        equal(await stage.a.call(uri, value), value)
    result = await stage.a.call(uri, keyword=b"\x00\x01")
    equal(result.kwresults, {"keyword": b"\x00\x01"})


async def four_mebibytes_go_both_ways(stage):
    uri = stage.uri()
    await stage.b.register(echo, uri)
    for value in (values.large_text(), values.large_binary()):
        assert await stage.a.call(uri, value) == value


CASES = [
    a_call_gets_the_results_of_its_callee,
    a_call_without_arguments_gets_a_result_without_any,
    a_session_may_call_itself,
    an_unregistered_procedure_is_not_there,
    a_procedure_cannot_be_registered_twice,
    an_error_keeps_its_uri_and_arguments_both_ways,
    a_callee_that_breaks_is_an_error_for_the_caller,
    procedures_of_the_router_cannot_be_registered,
    progressive_results_come_in_order_before_the_last,
    a_caller_that_wants_no_progress_gets_none,
    a_pattern_registration_is_told_the_procedure,
    two_registrations_of_one_session_are_told_apart,
    a_thousand_calls_at_once_are_all_answered,
    values_arrive_as_they_were_sent,
    binary_values_arrive_as_they_were_sent,
    four_mebibytes_go_both_ways,
]
