"""Logging in to realms of the configuration with autobahn-python: by key, by a wrong one, in other ways."""

import asyncio

import address
import peer
from peer import Refused
from report import Report, equal, sentence


async def refused(awaitable, reason):
    """Fails unless joining is refused with this reason and a sentence."""
    try:
        await awaitable
    except Refused as refusal:
        equal(refusal.reason, reason)
        assert refusal.message, "no sentence says why"
        return refusal.message
    raise AssertionError("was let in")


async def a_known_key_logs_in_under_its_name(router, link):
    session = await peer.join(router, "realm2", **link, key=peer.new_key(router.seed))
    details = session.joined.result()
    equal((details.authid, details.authrole, details.authmethod), ("joe", "keyed", "cryptosign"))
    await session.register(lambda: "hello", "com.example.login")
    equal(await session.call("com.example.login"), "hello")
    equal((await session.goodbye()).reason, "wamp.close.goodbye_and_out")


async def a_known_key_may_give_its_name_in_hello(router, link):
    session = await peer.join(router, "realm2", **link, key=peer.new_key(router.seed), authid="joe")
    equal(session.joined.result().authid, "joe")
    await session.goodbye()


async def a_signature_of_another_key_is_refused(router, link):
    shown = peer.new_key(router.seed)
    await refused(
        peer.join(router, "realm2", **link, key=shown, signer=peer.new_key()), "wamp.error.authentication_failed"
    )


async def an_unknown_key_is_refused_in_the_same_words(router, link):
    shown = peer.new_key(router.seed)
    wrong = await refused(
        peer.join(router, "realm2", **link, key=shown, signer=peer.new_key()), "wamp.error.authentication_failed"
    )
    unknown = await refused(peer.join(router, "realm2", **link, key=peer.new_key()), "wamp.error.authentication_failed")
    equal(unknown, wrong)


async def no_matching_method_is_refused_with_the_methods_that_serve(router, link):
    said = await refused(
        peer.join(router, "realm2", **link, authmethods=["ticket"], authid="joe"),
        "wamp.error.no_matching_auth_method",
    )
    assert "cryptosign" in said, said


async def anonymous_is_refused_where_only_keys_are_known(router, link):
    await refused(peer.join(router, "realm2", **link), "wamp.error.no_matching_auth_method")


async def an_unknown_realm_is_refused_by_its_name(router, link):
    said = await refused(peer.join(router, "realm3", **link), "wamp.error.no_such_realm")
    assert "realm3" in said, said


CASES = [
    a_known_key_logs_in_under_its_name,
    a_known_key_may_give_its_name_in_hello,
    a_signature_of_another_key_is_refused,
    an_unknown_key_is_refused_in_the_same_words,
    no_matching_method_is_refused_with_the_methods_that_serve,
    anonymous_is_refused_where_only_keys_are_known,
    an_unknown_realm_is_refused_by_its_name,
]


async def main():
    report = Report("login")
    router = address.router()
    for link, serializer in (("websocket", "json"), ("rawsocket", "cbor"), ("unix", "msgpack")):
        for case in CASES:
            how = {"link": link, "serializer": serializer}
            await report.check(f"{link} {serializer}: {sentence(case)}", case(router, how))
    report.end()


asyncio.run(main())
