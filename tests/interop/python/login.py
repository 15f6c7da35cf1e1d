"""Logging in to realms of the configuration with autobahn-python: by key, by a wrong one, in other ways."""

import asyncio

import address
import peer
from proofs import Library, Scram, refused
from report import Report, equal, sentence


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


def signers(secret):
    """Who answers for each name, and by which method."""
    return [
        ("ticket", "ticket", Library("ticket", ticket=secret, authid="ticket")),
        ("plain", "wampcra", Library("wampcra", secret=secret, authid="plain")),
        ("salted", "wampcra", Library("wampcra", secret=secret, authid="salted")),
        ("argon2", "wamp-scram", Scram("argon2", secret)),
        ("pbkdf2", "wamp-scram", Scram("pbkdf2", secret)),
    ]


async def log_in(router, link, authid, method, signer):
    hello = {"authid": authid, "authmethods": [method]}
    if isinstance(signer, Scram):
        hello["authextra"] = {"nonce": signer.nonce, "channel_binding": None}
    return await peer.join(router, "secrets", **link, signer=signer, **hello)


async def whoever_knows_the_secret_logs_in_by_each_method(router, link):
    for authid, method, signer in signers("open"):
        session = await log_in(router, link, authid, method, signer)
        details = session.joined.result()
        equal((details.authid, details.authrole, details.authmethod), (authid, "keyed", method))
        if isinstance(signer, Scram):
            equal(details.authextra["verifier"], signer.verifier)
        await session.goodbye()


async def a_wrong_secret_and_an_unknown_name_are_refused_in_the_same_words(router, link):
    said = set()
    for authid, method, signer in signers("opan"):
        for name in (authid, "nobody"):
            said.add(await refused(log_in(router, link, name, method, signer), "wamp.error.authentication_failed"))
    equal(len(said), 1)


async def a_trustroot_is_refused_with_what_to_do_instead(router, link):
    key = peer.new_key(router.seed)
    extra = {"trustroot": "0xf766Dc789CF04CD18aE75af2c5fAf2DA6650Ff57"}
    said = await refused(
        peer.join(router, "realm2", **link, key=key, authextra=extra), "wamp.error.authentication_denied"
    )
    assert "trustroot" in said, said


CASES = [
    whoever_knows_the_secret_logs_in_by_each_method,
    a_wrong_secret_and_an_unknown_name_are_refused_in_the_same_words,
    a_trustroot_is_refused_with_what_to_do_instead,
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
