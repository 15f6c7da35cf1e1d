"""Calls in frames made by hand. Each case gets a stage of raw.py."""

from report import equal

CANCELED = "wamp.error.canceled"
PASSTHRU = {"ppt_scheme": "x_interop", "ppt_serializer": "native", "ppt_cipher": "none", "ppt_keyid": "key 1"}
# The callee's shard has a name of this length at most, in bytes.
LONGEST_NODE_KEY = 255
# More than can be answered in the millisecond that each of them has, and the first ones may be.
HURRIED = 200


async def register(peer, uri, **options):
    """Registers, and gives the registration's number."""
    answer = await peer.ask(64, options, uri)
    equal(answer[0], 65)
    return answer[2]


async def call(peer, uri, *rest, **options):
    """Sends a CALL, and gives its number."""
    number = next(peer.requests)
    await peer.send(48, number, options, uri, *rest)
    return number


async def invoked(peer, *rest):
    """The number and the details of the next INVOCATION, which has these arguments."""
    message = await peer.get()
    equal((message[0], message[4:]), (68, list(rest)))
    return message[1], message[3]


async def refused(peer, number, uri, kind=48):
    message = await peer.get()
    equal((message[:3], message[4]), ([8, kind, number], uri))
    return message


async def goes_on(*peers):
    """Every session is there, and nothing waits for it."""
    for peer in peers:
        answer = await peer.ask(48, {}, "wamp.session.get", [peer.id])
        equal((answer[0], answer[3][0]["session"]), (50, peer.id))


async def leave(peer, watcher):
    """Closes a connection, and waits until the router knows it."""
    answer = await watcher.ask(32, {}, "wamp.session.on_leave")
    equal(answer[0], 33)
    await peer.close()
    while (message := await watcher.get())[0] != 36 or message[4][0] != peer.id:
        pass
    equal((await watcher.ask(34, answer[2]))[0], 35)


async def ids_may_be_written_as_floats(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await b.send(64, 1.0, {}, uri)
    kind, request, registration = await b.get()
    equal((kind, request), (65, 1))
    await a.send(48, 1.0, {}, uri)
    number, _ = await invoked(b)
    await b.send(70, float(number), {}, ["answer"])
    equal(await a.get(), [50, 1, {}, ["answer"]])
    await b.send(66, 2.0, float(registration))
    equal(await b.get(), [67, 2])
    await a.send(32, 2.0, {}, uri)
    kind, request, subscription = await a.get()
    equal((kind, request), (33, 2))
    await b.send(16, 3.0, {"eligible": [float(a.id)]}, uri)
    equal((await a.get())[:2], [36, subscription])
    await a.send(34, 3.0, float(subscription))
    equal(await a.get(), [35, 3])


async def a_call_in_parts_is_one_invocation(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri, [1], progress=True, receive_progress=True)
    invocation, details = await invoked(b, [1])
    equal((details["progress"], details["receive_progress"]), (True, True))
    await b.send(70, invocation, {"progress": True}, ["first"])
    equal(await a.get(), [50, number, {"progress": True}, ["first"]])
    await a.send(48, number, {"progress": True}, uri, [2], {"kw": 2})
    again, details = await invoked(b, [2], {"kw": 2})
    equal((again, details["progress"]), (invocation, True))
    await a.send(48, number, {}, uri, [3])
    again, details = await invoked(b, [3])
    equal((again, "progress" in details), (invocation, False))
    await b.send(70, invocation, {}, ["last"])
    equal(await a.get(), [50, number, {}, ["last"]])
    await goes_on(a, b)


async def parts_that_come_after_the_answer_are_for_nobody(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri, [1], progress=True)
    invocation, _ = await invoked(b, [1])
    await b.send(70, invocation, {}, ["enough"])
    equal(await a.get(), [50, number, {}, ["enough"]])
    await a.send(48, number, {"progress": True}, uri, [2])
    await a.send(48, number, {}, uri, [3])
    await goes_on(a, b)


async def parts_that_come_after_the_time_are_for_nobody(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri, [1], progress=True, timeout=1)
    invocation, _ = await invoked(b, [1])
    await refused(a, number, "wamp.error.timeout")
    equal((await b.get())[:2], [69, invocation])
    for options in ({"progress": True}, {}):
        await a.send(48, number, options, uri, [2])
    await goes_on(a, b)


async def progress_that_nobody_asked_for_is_passed_over(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri)
    invocation, details = await invoked(b)
    assert "receive_progress" not in details, details
    await b.send(70, invocation, {"progress": True}, ["unasked"])
    await b.send(70, invocation, {}, ["answer"])
    equal(await a.get(), [50, number, {}, ["answer"]])


async def a_part_after_the_last_one_breaks_the_protocol(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri, [1], progress=True)
    await invoked(b, [1])
    await a.send(48, number, {}, uri, [2])
    await invoked(b, [2])
    await a.send(48, number, {}, uri, [3])
    abort = await a.get()
    equal((abort[0], abort[2]), (3, "wamp.error.protocol_violation"))
    equal(await a.get(), "closed")
    # Its callee is told that nobody waits any more.
    equal((await b.get())[0], 69)
    await goes_on(b)


async def a_callee_that_takes_no_parts_gets_none(stage):
    uri, a, b = stage.uri(), stage.a, await stage.join(features={"callee": []})
    await register(b, uri)
    number = await call(a, uri, [1], progress=True)
    await refused(a, number, "wamp.error.feature_not_supported")
    await a.send(48, number, {}, uri, [2])
    await goes_on(a, b)


async def a_call_in_parts_can_be_cancelled(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri, [1], progress=True)
    invocation, _ = await invoked(b, [1])
    await a.send(49, number, {"mode": "killnowait"})
    await refused(a, number, CANCELED)
    equal((await b.get())[:2], [69, invocation])
    await a.send(48, number, {"progress": True}, uri, [2])
    await goes_on(a, b)


async def cancelling_what_is_not_there_does_nothing(stage):
    a = stage.a
    for options in ({}, {"mode": "kill"}, {"mode": "skip"}):
        await a.send(49, 7_000_000, options)
    await goes_on(a)


async def a_call_that_is_cancelled_twice_ends_once(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    for mode in ("skip", "killnowait", "kill"):
        number = await call(a, uri)
        invocation, _ = await invoked(b)
        for _ in range(2):
            await a.send(49, number, {"mode": mode})
        if mode != "skip":
            interrupt = await b.get()
            equal((interrupt[:2], interrupt[2]["mode"]), ([69, invocation], mode))
            await b.send(8, 68, invocation, {}, CANCELED)
        await refused(a, number, CANCELED)
        await b.send(70, invocation, {}, ["late"]) if mode == "skip" else None
        await goes_on(a, b)


async def a_millisecond_ends_each_call_once(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    numbers = [await call(a, uri, timeout=1) for _ in range(HURRIED)]
    ended, invocations = [], 0
    while len(ended) < HURRIED:
        message = await a.get()
        if message[0] == 8:
            equal((message[1], message[4]), (48, "wamp.error.timeout"))
        ended.append(message[2] if message[0] == 8 else message[1])
    equal(sorted(ended), numbers)
    while invocations < HURRIED:
        message = await b.get()
        if message[0] == 68:
            invocations += 1
            # Too late, and no harm.
            await b.send(70, message[1], {}, ["late"])
    await b.send(48, next(b.requests), {}, "wamp.session.count")
    while (await b.get())[0] != 50:
        pass
    await goes_on(a, b)


async def a_callee_may_see_to_the_time_itself(stage):
    a, b = stage.a, stage.b
    for forwards in (True, False):
        uri = stage.uri()
        await register(b, uri, forward_timeout=forwards)
        number = await call(a, uri, timeout=60_000)
        invocation, details = await invoked(b)
        equal(details.get("timeout"), 60_000 if forwards else None)
        await b.send(8, 68, invocation, {}, "wamp.error.timeout")
        await refused(a, number, "wamp.error.timeout")


async def all_shards_answer_and_an_empty_result_ends_the_call(stage):
    uri, a = stage.uri(), stage.a
    callees = [stage.b, await stage.join(), await stage.join()]
    for callee in callees:
        await register(callee, uri, invoke="random")
    number = await call(a, uri, ["all"], runmode="all", receive_progress=True)
    for place, callee in enumerate(callees):
        invocation, _ = await invoked(callee, ["all"])
        await callee.send(70, invocation, {}, [place])
    answers = [await a.get() for _ in range(4)]
    equal([answer[:2] for answer in answers], [[50, number]] * 4)
    equal(sorted(answer[3][0] for answer in answers[:3]), [0, 1, 2])
    equal([answer[2].get("progress", False) for answer in answers], [True, True, True, False])
    equal(answers[3][3:], [])


async def the_first_error_of_a_shard_ends_the_call_for_all(stage):
    uri, a, b, c = stage.uri(), stage.a, stage.b, await stage.join()
    for callee in (b, c):
        await register(callee, uri, invoke="random")
    number = await call(a, uri, runmode="all", receive_progress=True)
    invocation, _ = await invoked(b)
    other, _ = await invoked(c)
    await b.send(8, 68, invocation, {}, "com.example.error.full")
    await refused(a, number, "com.example.error.full")
    equal((await c.get())[:2], [69, other])
    await c.send(8, 68, other, {}, CANCELED)
    await goes_on(a, b, c)


async def a_shard_has_a_name_of_at_most_255_bytes(stage):
    b = stage.b
    await register(b, stage.uri(), invoke="first", nkey="k" * LONGEST_NODE_KEY)
    answer = await b.ask(64, {"invoke": "first", "nkey": "k" * (LONGEST_NODE_KEY + 1)}, stage.uri())
    equal((answer[1], answer[4]), (64, "wamp.error.invalid_argument"))


async def a_key_whose_shard_is_gone_goes_to_another(stage):
    uri, a, b, c = stage.uri(), stage.a, stage.b, await stage.join()
    await register(b, uri, invoke="roundrobin", nkey="north")
    await register(c, uri, invoke="roundrobin", nkey="south")
    await leave(c, watcher=a)
    for number in range(10):
        await call(a, uri, rkey=f"customer {number}")
        invocation, _ = await invoked(b)
        await b.send(70, invocation, {}, ["north"])
        equal((await a.get())[3], ["north"])


async def what_is_said_of_a_payload_goes_through_with_each_message(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri, ["sealed"], receive_progress=True, **PASSTHRU)
    invocation, details = await invoked(b, ["sealed"])
    told = [details]
    await b.send(70, invocation, {"progress": True, **PASSTHRU}, ["sealed"])
    told.append((await a.get())[2])
    await b.send(8, 68, invocation, PASSTHRU, "com.example.error.full", ["sealed"])
    error = await refused(a, number, "com.example.error.full")
    equal(error[5:], [["sealed"]])
    for details in [*told, error[3]]:
        equal({key: details.get(key) for key in PASSTHRU}, PASSTHRU)


async def a_callee_that_loses_its_procedure_is_told_by_whom_and_why(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    registration = await register(b, uri)
    await register(a, uri, force_reregister=True)
    reason = "wamp.registration.taken_over"
    equal(await b.get(), [67, 0, {"registration": registration, "reason": reason}])
    equal((await b.ask(66, registration))[4], "wamp.error.no_such_registration")


async def options_that_nobody_knows_are_passed_over(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri, _own=[1], unknown={"deep": [None]})
    await call(a, uri, ["x"], _own=1, unknown=[{}])
    invocation, _ = await invoked(b, ["x"])
    await b.send(70, invocation, {"unknown": 1})
    equal((await a.get())[0], 50)


CASES = [
    ids_may_be_written_as_floats,
    a_call_in_parts_is_one_invocation,
    parts_that_come_after_the_answer_are_for_nobody,
    parts_that_come_after_the_time_are_for_nobody,
    progress_that_nobody_asked_for_is_passed_over,
    a_part_after_the_last_one_breaks_the_protocol,
    a_callee_that_takes_no_parts_gets_none,
    a_call_in_parts_can_be_cancelled,
    cancelling_what_is_not_there_does_nothing,
    a_call_that_is_cancelled_twice_ends_once,
    a_millisecond_ends_each_call_once,
    a_callee_may_see_to_the_time_itself,
    all_shards_answer_and_an_empty_result_ends_the_call,
    the_first_error_of_a_shard_ends_the_call_for_all,
    a_shard_has_a_name_of_at_most_255_bytes,
    a_key_whose_shard_is_gone_goes_to_another,
    what_is_said_of_a_payload_goes_through_with_each_message,
    a_callee_that_loses_its_procedure_is_told_by_whom_and_why,
    options_that_nobody_knows_are_passed_over,
]
