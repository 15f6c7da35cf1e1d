"""What the router refuses, how it says so, and what ends a session. Each case gets a stage of raw.py."""

from peer import new_key
from raw_calls import call, goes_on, invoked, refused, register
from raw_events import subscribe
from report import equal
from stage import GUARDED

VIOLATION = "wamp.error.protocol_violation"
# Below these the configuration of run.sh has a role that may call and hear, but not disclose itself; and one URI more
# that is forbidden. The procedure that decides about everything else is not there.
OPEN = "com.example.open.it"
CLOSED = "com.example.closed.it"


async def ends_with(peer, reason):
    """The peer is told why, and its connection closes."""
    abort = await peer.get()
    equal((abort[0], abort[2]), (3, reason))
    assert abort[1]["message"], abort
    equal(await peer.get(), "closed")


async def answered(peer, uri, kind, *rest):
    """A request that is refused with this URI and a sentence."""
    answer = await peer.ask(kind, *rest)
    equal((answer[:2], answer[4]), ([8, kind], uri))
    assert isinstance(answer[5][0], str) and answer[5][0], answer


async def each_refusal_has_its_uri_and_a_sentence(stage):
    uri, a = stage.uri(), stage.a
    await register(a, uri)
    for expected, *request in (
        ("wamp.error.invalid_uri", 48, {}, "not a uri"),
        ("wamp.error.invalid_uri", 64, {}, "wamp.session.count"),
        ("wamp.error.invalid_uri", 16, {"acknowledge": True}, "wamp.session.on_join"),
        ("wamp.error.invalid_uri", 32, {}, "com..it"),
        ("wamp.error.no_such_procedure", 48, {}, stage.uri()),
        ("wamp.error.procedure_already_exists", 64, {}, uri),
        ("wamp.error.no_such_registration", 66, 7_000_000),
        ("wamp.error.no_such_subscription", 34, 7_000_000),
        ("wamp.error.no_such_registration", 48, {}, "wamp.registration.get", [7_000_000]),
        ("wamp.error.no_such_subscription", 48, {}, "wamp.subscription.get", [7_000_000]),
        ("wamp.error.no_such_session", 48, {}, "wamp.session.get", [7_000_000]),
        ("wamp.error.invalid_argument", 48, {}, "wamp.session.get", ["x"]),
        ("wamp.error.option_not_allowed", 48, {"runmode": "all"}, uri),
        ("wamp.error.feature_not_supported", 48, {"progress": True}, "wamp.session.count"),
    ):
        await answered(a, expected, *request)
    await goes_on(a)


async def refusals_of_calls_that_wait_have_their_uris(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri, concurrency=1)
    busy = await call(a, uri)
    await invoked(b)
    await answered(a, "wamp.error.unavailable", 48, {}, uri)
    late = stage.uri()
    await register(b, late)
    number = await call(a, late, timeout=20)
    await refused(a, number, "wamp.error.timeout")
    equal((await b.get())[0], 68)
    equal((await b.get())[0], 69)
    await b.close()
    await refused(a, busy, "wamp.error.canceled")
    await goes_on(a)


async def what_a_callee_passes_on_and_nobody_takes_has_its_uri(stage):
    uri, a, callees = stage.uri(), stage.a, [stage.b, await stage.join()]
    for callee in callees:
        await register(callee, uri, invoke="first")
    number = await call(a, uri, ["x"])
    for callee in callees:
        invocation, _ = await invoked(callee, ["x"])
        await callee.send(8, 68, invocation, {}, "wamp.error.unavailable")
    await refused(a, number, "wamp.error.no_available_callee")
    await goes_on(a, *callees)


async def a_result_that_its_caller_cannot_take_is_an_error(stage):
    if stage.link == "websocket":
        return await goes_on(stage.a)
    uri, b = stage.uri(), stage.b
    # A RawSocket says the length that it takes: 512 bytes here, less than WELCOME needs, and 4096.
    a = await stage.connect(longest=3)
    equal((await a.hello(features={"caller": []}))[0], 2)
    await register(b, uri)
    number = await call(a, uri)
    invocation, _ = await invoked(b)
    await b.send(70, invocation, {}, ["x" * 4096])
    await refused(a, number, "wamp.error.payload_size_exceeded")


async def what_a_role_does_not_allow_has_its_uri(stage):
    a = await stage.join(realm=GUARDED)
    await answered(a, "wamp.error.not_authorized", 48, {}, CLOSED)
    await answered(a, "wamp.error.not_authorized", 64, {}, OPEN)
    await answered(a, "wamp.error.option_disallowed.disclose_me", 48, {"disclose_me": True}, OPEN)
    await answered(a, "wamp.error.authorization_failed", 48, {}, stage.uri())
    await answered(a, "wamp.error.no_such_procedure", 48, {}, OPEN)


async def who_is_not_let_in_is_told_why(stage):
    for details, reason in (
        ({"realm": "com.example.none"}, "wamp.error.no_such_realm"),
        ({"realm": "realm2"}, "wamp.error.no_matching_auth_method"),
        ({"authmethods": ["ticket"]}, "wamp.error.no_matching_auth_method"),
        # The name of somebody who has to prove it.
        ({"realm": GUARDED, "authid": "joe"}, "wamp.error.authentication_required"),
    ):
        peer = await stage.connect()
        abort = await peer.hello(**details)
        equal((details, abort[0], abort[2]), (details, 3, reason))
        equal(await peer.get(), "closed")
    peer = await stage.connect()
    extra = {"pubkey": new_key().public_key()}
    challenge = await peer.hello("realm2", authmethods=["cryptosign"], authid="joe", authextra=extra)
    equal(challenge[:2], [4, "cryptosign"])
    await peer.send(5, "00" * 96, {})
    await ends_with(peer, "wamp.error.authentication_failed")


async def an_empty_name_is_none(stage):
    peer = await stage.join(authid="")
    equal(peer.welcome["authid"], "anonymous")
    peer = await stage.join(authid="any")
    equal(peer.welcome["authid"], "any")


async def options_of_another_type_end_the_session_with_a_sentence(stage):
    uri = stage.uri()
    for kind, options in (
        (48, {"timeout": -1}),
        (48, {"timeout": "5"}),
        (48, {"timeout": 1.5}),
        (48, {"rkey": 7}),
        (48, {"runmode": "some"}),
        (48, {"ppt_scheme": 7}),
        (16, {"eligible": "everybody"}),
        (16, {"exclude": [1, "x"]}),
        (16, {"acknowledge": "yes"}),
        (32, {"match": "suffix"}),
        (64, {"invoke": "all"}),
        (64, {"concurrency": -1}),
        (49, {"mode": "gently"}),
    ):
        peer = await stage.join()
        await peer.send(kind, 1, options, *([uri] if kind != 49 else []))
        try:
            await ends_with(peer, VIOLATION)
        except AssertionError as error:
            raise AssertionError(f"{options}: {error}") from None
    await goes_on(stage.a)


async def what_is_no_message_ends_the_session_with_a_sentence(stage):
    for message in (
        [99, 1],
        [1, "realm1", {"roles": {"caller": {}}}],
        [48, 1, {}],
        [48, 1, [], "com.example.it"],
        [48, -1, {}, "com.example.it"],
        [48, 0, {}, "com.example.it"],
        [48, 1.5, {}, "com.example.it"],
        [48, 2**53 + 2, {}, "com.example.it"],
        [48, 1, {}, 7],
        [48, 1, {}, "com.example.it", "no list"],
        [70, "x", {}],
        [16, 1, {}, "com.example.it", [], []],
        [337],
        [],
        {"no": "list"},
        None,
    ):
        peer = await stage.join()
        await peer.link.send_frame(peer.link.encode(message))
        try:
            await ends_with(peer, VIOLATION)
        except AssertionError as error:
            raise AssertionError(f"{message}: {error}") from None
    await goes_on(stage.a)


async def what_is_not_even_the_serializer_ends_the_session(stage):
    frames = {
        "json": ['[48, 1, {}, "com.example.it"', "[48,, 1]", ""],
        "msgpack": [b"\xc1", b"\x94\x30", b""],
        "cbor": [b"\xff", b"\x84\x18", b""],
    }
    for frame in frames[stage.serializer]:
        peer = await stage.join()
        await peer.link.send_frame(frame)
        await ends_with(peer, VIOLATION)
    await goes_on(stage.a)


async def a_message_before_hello_ends_the_connection(stage):
    for message in ([48, 1, {}, "com.example.it"], [5, "signature", {}], [6, {}, "wamp.close.normal"]):
        peer = await stage.connect()
        await peer.send(*message)
        await ends_with(peer, VIOLATION)


async def answers_to_what_nobody_asked_do_no_harm(stage):
    uri, a, b = stage.uri(), stage.a, stage.b
    await register(b, uri)
    number = await call(a, uri)
    invocation, _ = await invoked(b)
    # Only who was invoked can answer.
    thief = await stage.join()
    await thief.send(70, invocation, {}, ["stolen"])
    await b.send(70, invocation, {}, ["right"])
    equal(await a.get(), [50, number, {}, ["right"]])
    await b.send(70, invocation, {}, ["again"])
    await b.send(8, 68, invocation, {}, "com.example.error.again")
    await goes_on(a, b)


async def goodbye_is_answered_and_a_kill_says_why(stage):
    a, b = stage.a, stage.b
    await subscribe(b, stage.uri())
    equal((await a.ask(48, {}, "wamp.session.kill", [b.id], {"reason": "com.example.bye", "message": "go"}))[0], 50)
    equal(await b.get(), [6, {"message": "go"}, "com.example.bye"])
    await b.send(6, {}, "wamp.close.goodbye_and_out")
    equal(await b.get(), "closed")
    await a.send(6, {}, "wamp.close.normal")
    goodbye = await a.get()
    equal((goodbye[0], goodbye[2]), (6, "wamp.close.goodbye_and_out"))
    equal(await a.get(), "closed")


CASES = [
    each_refusal_has_its_uri_and_a_sentence,
    refusals_of_calls_that_wait_have_their_uris,
    what_a_callee_passes_on_and_nobody_takes_has_its_uri,
    a_result_that_its_caller_cannot_take_is_an_error,
    what_a_role_does_not_allow_has_its_uri,
    who_is_not_let_in_is_told_why,
    an_empty_name_is_none,
    options_of_another_type_end_the_session_with_a_sentence,
    what_is_no_message_ends_the_session_with_a_sentence,
    what_is_not_even_the_serializer_ends_the_session,
    a_message_before_hello_ends_the_connection,
    answers_to_what_nobody_asked_do_no_harm,
    goodbye_is_answered_and_a_kill_says_why,
]
