"""Calls that do not end as they should: cancelled, or one side gone. Each case gets a stage."""

import asyncio

from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions

from peer import refused_with
from report import equal
from stage import SOON


class Stuck:
    """A procedure that does not return until it is told to, or interrupted."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.interrupted = asyncio.Event()

    async def __call__(self):
        self.begun.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.interrupted.set()
            raise ApplicationError("com.example.error.stopped", "when it was told to") from None
        return "released"

    async def has(self, event):
        await asyncio.wait_for(event.wait(), SOON)


async def stuck_call(stage, callee=None):
    """A call that waits at its callee."""
    stuck, uri = Stuck(), stage.uri()
    await (callee or stage.b).register(stuck, uri)
    call = stage.a.call(uri)
    await stuck.has(stuck.begun)
    return stuck, uri, call


def cancel(session, mode):
    """CANCEL for the last call: autobahn's own API knows no mode."""
    request = max(session._call_reqs)
    session._transport.send(message.Cancel(request, mode=mode))


async def still_serves(stage):
    uri = stage.uri()
    await stage.b.register(lambda number: number, uri)
    equal(await stage.a.call(uri, 5), 5)


async def cancelling_with_autobahns_own_api_interrupts_the_callee(stage):
    stuck, _, call = await stuck_call(stage)
    call.cancel()
    await stuck.has(stuck.interrupted)
    await still_serves(stage)


async def cancel_with_mode_skip_answers_at_once_and_lets_the_callee_work(stage):
    stuck, _, call = await stuck_call(stage)
    cancel(stage.a, "skip")
    await refused_with(call, "wamp.error.canceled")
    assert not stuck.interrupted.is_set()
    # Its late answer is for nobody, and does no harm.
    stuck.release.set()
    await still_serves(stage)
    assert not stuck.interrupted.is_set()


async def cancel_with_mode_killnowait_answers_at_once_and_interrupts_the_callee(stage):
    stuck, _, call = await stuck_call(stage)
    cancel(stage.a, "killnowait")
    await refused_with(call, "wamp.error.canceled")
    await stuck.has(stuck.interrupted)
    await still_serves(stage)


async def cancel_with_mode_kill_waits_for_what_the_callee_says(stage):
    stuck, _, call = await stuck_call(stage)
    cancel(stage.a, "kill")
    error = await refused_with(call, "com.example.error.stopped")
    equal(list(error.args), ["when it was told to"])
    await still_serves(stage)


async def a_call_whose_callee_dies_is_cancelled(stage):
    callee = await stage.join()
    stuck, uri, call = await stuck_call(stage, callee)
    callee.hang_up()
    await refused_with(call, "wamp.error.canceled")
    stuck.release.set()
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")


async def a_call_whose_callee_says_goodbye_is_cancelled(stage):
    callee = await stage.join()
    stuck, uri, call = await stuck_call(stage, callee)
    await callee.goodbye()
    await refused_with(call, "wamp.error.canceled")
    stuck.release.set()
    await refused_with(stage.a.call(uri), "wamp.error.no_such_procedure")


async def a_callee_is_interrupted_when_its_caller_dies(stage):
    stuck, uri = Stuck(), stage.uri()
    await stage.b.register(stuck, uri)
    caller = await stage.join()
    caller.call(uri)
    await stuck.has(stuck.begun)
    caller.hang_up()
    await stuck.has(stuck.interrupted)
    await still_serves(stage)


async def a_subscriber_that_died_does_not_disturb_the_others(stage):
    topic, seen = stage.uri(), asyncio.Event()
    dead = await stage.join()
    await dead.subscribe(lambda: None, topic)
    await stage.b.subscribe(seen.set, topic)
    dead.hang_up()
    await stage.a.publish(topic, options=PublishOptions(acknowledge=True))
    await asyncio.wait_for(seen.wait(), SOON)


CASES = [
    cancelling_with_autobahns_own_api_interrupts_the_callee,
    cancel_with_mode_skip_answers_at_once_and_lets_the_callee_work,
    cancel_with_mode_killnowait_answers_at_once_and_interrupts_the_callee,
    cancel_with_mode_kill_waits_for_what_the_callee_says,
    a_call_whose_callee_dies_is_cancelled,
    a_call_whose_callee_says_goodbye_is_cancelled,
    a_callee_is_interrupted_when_its_caller_dies,
    a_subscriber_that_died_does_not_disturb_the_others,
]
