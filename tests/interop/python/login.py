"""Logging in to realms of the configuration with autobahn-python: by key, by a wrong one, in other ways."""

import asyncio
import base64
import hashlib
import hmac
import os

import address
import peer
from autobahn.wamp import auth
from nacl.pwhash import argon2id
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


class Library:
    """Answers as autobahn-python does by itself."""

    def __init__(self, method, **known):
        self.authenticator = auth.create_authenticator(method, **known)

    def sign_challenge(self, challenge):
        return self.authenticator.on_challenge(None, challenge)


class Scram:
    """WAMP-SCRAM as its text says; the one of autobahn-python is of a draft before it."""

    def __init__(self, authid, password):
        self.authid, self.password = authid, password.encode()
        self.nonce = base64.b64encode(os.urandom(16)).decode()
        self.verifier = None

    def salted(self, extra):
        salt, iterations = base64.b64decode(extra["salt"]), extra["iterations"]
        if extra["kdf"] == "pbkdf2":
            return hashlib.pbkdf2_hmac("sha256", self.password, salt, iterations, 32)
        equal(extra["kdf"], "argon2id13")
        return argon2id.kdf(32, self.password, salt, opslimit=iterations, memlimit=extra["memory"] * 1024)

    def sign_challenge(self, challenge):
        extra = challenge.extra
        assert extra["nonce"].startswith(self.nonce)
        keyed = lambda key, text: hmac.new(key, text, hashlib.sha256).digest()  # noqa: E731
        salted = self.salted(extra)
        message = (
            f"n={self.authid},r={self.nonce},r={extra['nonce']},s={extra['salt']},i={extra['iterations']},"
            f"c=biws,r={extra['nonce']}"
        ).encode()
        client_key = keyed(salted, b"Client Key")
        signature = keyed(hashlib.sha256(client_key).digest(), message)
        self.verifier = base64.b64encode(keyed(keyed(salted, b"Server Key"), message)).decode()
        proof = bytes(left ^ right for left, right in zip(client_key, signature))
        return base64.b64encode(proof).decode()


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
