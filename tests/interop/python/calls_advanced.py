"""Calls with what the advanced profile adds, as autobahn-python can say it. Each case gets a stage."""

import asyncio

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, RegisterOptions

from endings import Stuck, still_serves
from peer import DETAILS, refused_with
from report import equal
from stage import KNOWN

# In milliseconds, as WAMP has it, whatever the library's own text says.
SHORT = CallOptions(timeout=50)
LONG = CallOptions(timeout=60_000)
CALLS = 12


async def offer(session, uri, answer, **options):
    """Registers a procedure that always gives this answer."""
    return await session.register(lambda: answer, uri, RegisterOptions(**options))


async def answers(stage, uri, count=CALLS):
    return [await stage.a.call(uri) for _ in range(count)]


async def a_call_that_takes_too_long_times_out_and_interrupts_its_callee(stage):
    stuck, uri = Stuck(), stage.uri()
    await stage.b.register(stuck, uri)
    await refused_with(stage.a.call(uri, options=SHORT), "wamp.error.timeout")
    await stuck.has(stuck.interrupted)
    await still_serves(stage)


async def a_call_that_is_in_time_is_answered(stage):
    uri = stage.uri()
    await offer(stage.b, uri, "in time")
    equal(await stage.a.call(uri, options=LONG), "in time")


async def the_best_match_gets_the_call(stage):
    uri = stage.uri()
    call = f"{uri}.one.two.three"
    # From the worst to the best: each new one takes over from those before it.
    for name, match in (
        (f"{uri}...three", "wildcard"),
        (f"{uri}.one..three", "wildcard"),
        (f"{uri}.", "prefix"),
        (f"{uri}.one.two.", "prefix"),
        (call, "exact"),
    ):
        await offer(stage.b, name, name, match=match)
        equal(await stage.a.call(call), name)
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")


async def shared_procedures_go_by_their_policy(stage):
    callees = [stage.b, await stage.join(), await stage.join()]
    expected = {"first": [0] * CALLS, "last": [2] * CALLS, "roundrobin": [0, 1, 2] * (CALLS // 3)}
    for invoke in (*expected, "random"):
        uri = stage.uri()
        for number, callee in enumerate(callees):
            await offer(callee, uri, number, invoke=invoke)
        if invoke in expected:
            equal(await answers(stage, uri), expected[invoke])
        else:
            # Were it not random but one of the others, one callee would be left out or the order be regular.
            seen = await answers(stage, uri, 60)
            equal(set(seen), {0, 1, 2})
            assert seen != [0, 1, 2] * 20, seen


async def a_procedure_is_shared_only_in_the_way_in_which_it_was_first(stage):
    for first, second in (("single", "single"), (None, "roundrobin"), ("first", "last"), ("random", None)):
        uri = stage.uri()
        await offer(stage.a, uri, 1, invoke=first)
        await refused_with(offer(stage.b, uri, 2, invoke=second), "wamp.error.procedure_already_exists")
        equal(await stage.a.call(uri), 1)


async def a_callee_that_leaves_a_shared_procedure_gets_no_more_calls(stage):
    uri, leaving = stage.uri(), await stage.join()
    await offer(stage.b, uri, "stays", invoke="roundrobin")
    await offer(leaving, uri, "leaves", invoke="roundrobin")
    equal(set(await answers(stage, uri)), {"stays", "leaves"})
    await leaving.goodbye()
    equal(await answers(stage, uri), ["stays"] * CALLS)


async def a_callee_works_on_no_more_calls_than_it_wants_to(stage):
    stuck, uri = Stuck(), stage.uri()
    await stage.b.register(stuck, uri, RegisterOptions(concurrency=1))
    busy = stage.a.call(uri)
    await stuck.has(stuck.begun)
    await refused_with(stage.a.call(uri), "wamp.error.unavailable")
    stuck.release.set()
    equal(await busy, "released")
    equal(await stage.a.call(uri), "released")


async def calls_go_past_a_callee_that_is_busy(stage):
    uri, stuck = stage.uri(), [Stuck(), Stuck()]
    for callee, work in zip((stage.b, await stage.join()), stuck, strict=True):
        await callee.register(work, uri, RegisterOptions(invoke="first", concurrency=1))
    calls = []
    for work in stuck:
        calls.append(stage.a.call(uri))
        await work.has(work.begun)
    await refused_with(stage.a.call(uri), "wamp.error.no_available_callee")
    for work in stuck:
        work.release.set()
    equal(await asyncio.gather(*calls), ["released"] * 2)


async def a_procedure_can_be_taken_over(stage):
    stuck, uri = Stuck(), stage.uri()
    await stage.b.register(stuck, uri)
    begun = stage.a.call(uri)
    await stuck.has(stuck.begun)
    await refused_with(offer(stage.a, uri, "new"), "wamp.error.procedure_already_exists")
    await offer(stage.a, uri, "new", force_reregister=True)
    equal(await stage.a.call(uri), "new")
    # The old callee hears that it lost the procedure, and comes to an end with the call that it has.
    stuck.release.set()
    equal(await begun, "released")
    await still_serves(stage)


async def a_call_that_a_callee_passes_on_goes_to_the_next(stage):
    uri, asked = stage.uri(), []

    def pass_on(number):
        def procedure():
            asked.append(number)
            raise ApplicationError("wamp.error.unavailable", "not now")

        return procedure

    callees = [stage.b, await stage.join(), await stage.join()]
    for number, callee in enumerate(callees[:2]):
        await callee.register(pass_on(number), uri, RegisterOptions(invoke="first"))
    last = await callees[2].register(lambda: "served", uri, RegisterOptions(invoke="first"))
    equal(await stage.a.call(uri), "served")
    equal(asked, [0, 1])
    await last.unregister()
    await refused_with(stage.a.call(uri), "wamp.error.no_available_callee")
    equal(asked, [0, 1, 0, 1])


async def a_role_may_have_its_callers_disclosed_always(stage):
    uri = stage.uri(start=KNOWN)

    def who(details):
        return [details.caller, details.caller_authid, details.caller_authrole]

    await stage.b.register(who, uri, DETAILS)
    joined = stage.a.joined.result()
    equal(await stage.a.call(uri), [joined.session, joined.authid, joined.authrole])


CASES = [
    a_call_that_takes_too_long_times_out_and_interrupts_its_callee,
    a_call_that_is_in_time_is_answered,
    the_best_match_gets_the_call,
    shared_procedures_go_by_their_policy,
    a_procedure_is_shared_only_in_the_way_in_which_it_was_first,
    a_callee_that_leaves_a_shared_procedure_gets_no_more_calls,
    a_callee_works_on_no_more_calls_than_it_wants_to,
    calls_go_past_a_callee_that_is_busy,
    a_procedure_can_be_taken_over,
    a_call_that_a_callee_passes_on_goes_to_the_next,
    a_role_may_have_its_callers_disclosed_always,
]
