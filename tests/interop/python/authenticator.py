"""An authenticator made with autobahn-python, which says who other sessions are; certificates of clients, and proofs
that are bound to TLS."""

import asyncio
import base64
import hashlib
import json
import os
import socket
import ssl
import struct

import address
import peer
from autobahn.wamp import auth
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import Challenge
from nacl.signing import SigningKey
from OpenSSL import SSL
from proofs import Library, Scram, keyed, refused
from report import Report, equal, sentence

AUTHENTICATE = "com.example.authenticate"
REALM = "asked"
SALT, ITERATIONS = "5ca1ab1e5ca1ab1e", 2000
NAME = "router.test"
CLIENT = peer.new_key(bytes(range(32)))


class Authenticator:
    """Knows a name for each method, whose secret is `open`, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def answer(self, authid, details):
        match details["authmethod"], authid:
            case "ticket", "ticket":
                if details["ticket"] != "open":
                    raise ApplicationError("com.example.wrong_ticket", "that is not the ticket")
                return "vouched"
            case "wampcra", "plain":
                return {"role": "vouched", "secret": "open"}
            case "wampcra", "salted":
                key = auth.derive_key("open", SALT, ITERATIONS, 32).decode()
                return {"role": "vouched", "secret": key, "salt": SALT, "iterations": ITERATIONS, "keylen": 32}
            case "wamp-scram", "pbkdf2":
                return {"role": "vouched", "kdf": "pbkdf2", **scram()}
            case "cryptosign", _ if details["authextra"]["pubkey"] == CLIENT.public_key():
                return {"role": "vouched", "authid": "keyed", "authorized_keys": [CLIENT.public_key()]}
            case "anonymous", "visitor":
                return {"role": "vouched", "extra": {"floor": 3}}
            case "tls", _ if details["transport"]["certificate"]["name"] == "kitchen":
                return {"role": "vouched"}
            case _, "proud":
                return {"role": "keyed", "secret": "open"}
        raise ApplicationError("com.example.no_such_user", f"nobody knows {authid}")

    def decide(self, realm, authid, details):
        self.asked.append((realm, authid, details))
        return self.answer(authid, details)


def scram():
    """What is kept of the password `open`."""
    salt = b"sixteen bytes!!!"
    salted = hashlib.pbkdf2_hmac("sha256", b"open", salt, 4096, 32)
    stored = hashlib.sha256(keyed(salted, b"Client Key")).digest()
    keys = {"salt": salt, "stored_key": stored, "server_key": keyed(salted, b"Server Key")}
    return {"iterations": 4096, **{key: base64.b64encode(value).decode() for key, value in keys.items()}}


def signers(secret):
    return [
        ("ticket", "ticket", Library("ticket", ticket=secret, authid="ticket")),
        ("plain", "wampcra", Library("wampcra", secret=secret, authid="plain")),
        ("salted", "wampcra", Library("wampcra", secret=secret, authid="salted")),
        ("pbkdf2", "wamp-scram", Scram("pbkdf2", secret)),
    ]


async def log_in(router, link, authid, method, signer):
    hello = {"authid": authid, "authmethods": [method]}
    if isinstance(signer, Scram):
        hello["authextra"] = {"nonce": signer.nonce, "channel_binding": None}
    return await peer.join(router, REALM, **link, signer=signer, **hello)


async def keeper(router):
    return await peer.join(router, REALM, key=peer.new_key(router.seed))


async def joined_as(session, *wanted):
    details = session.joined.result()
    equal((details.authid, details.authrole, details.authmethod, details.authprovider), wanted)
    await session.goodbye()


async def a_client_that_comes_before_the_authenticator_waits_for_it(router, link):
    waiting = asyncio.ensure_future(log_in(router, link, *signers("open")[1]))
    owner = await keeper(router)
    await owner.register(Authenticator().decide, AUTHENTICATE)
    await joined_as(await waiting, "plain", "vouched", "wampcra", "dynamic")
    await owner.goodbye()


async def everybody_is_who_the_authenticator_says_by_each_method(router, link):
    owner = await keeper(router)
    authenticator = Authenticator()
    await owner.register(authenticator.decide, AUTHENTICATE)
    for authid, method, signer in signers("open"):
        session = await log_in(router, link, authid, method, signer)
        await joined_as(session, authid, "vouched", method, "dynamic")
    session = await peer.join(router, REALM, **link, key=CLIENT)
    await joined_as(session, "keyed", "vouched", "cryptosign", "dynamic")
    session = await peer.join(router, REALM, **link, authid="visitor", authmethods=["anonymous"])
    equal(session.joined.result().authextra, {"floor": 3})
    await joined_as(session, "visitor", "vouched", "anonymous", "dynamic")
    realm, authid, details = authenticator.asked[0]
    equal((realm, authid, details["authmethod"], details["ticket"]), (REALM, "ticket", "ticket", "open"))
    equal(details["transport"]["type"], link["link"])
    await owner.goodbye()


async def wrong_proofs_and_unknown_names_are_refused_in_the_same_words(router, link):
    owner = await keeper(router)
    await owner.register(Authenticator().decide, AUTHENTICATE)
    said = set()
    for authid, method, signer in signers("opan"):
        for name in (authid, "nobody", "joe", "proud"):
            said.add(await refused(log_in(router, link, name, method, signer), "wamp.error.authentication_failed"))
    equal(len(said), 1)
    await owner.goodbye()


def context(router, client=None):
    """TLS with the router's authority, and a certificate of this client."""
    made = ssl.create_default_context(cafile=f"{router.tls}/authority.pem")
    if client:
        made.load_cert_chain(f"{router.tls}/{client}.pem", f"{router.tls}/{client}.key")
    return made, NAME


async def a_certificate_logs_in_under_its_name(router, link):
    tls = context(router, "kitchen")
    session = await peer.join(router, "secrets", **link, tls=tls, authmethods=["tls"])
    await joined_as(session, "kitchen", "keyed", "tls", "static")
    owner = await keeper(router)
    await owner.register(Authenticator().decide, AUTHENTICATE)
    session = await peer.join(router, REALM, **link, tls=tls, authmethods=["tls"])
    await joined_as(session, "kitchen", "vouched", "tls", "dynamic")
    await owner.goodbye()


async def without_a_certificate_a_secret_logs_in_all_the_same(router, link):
    signer = Library("ticket", ticket="open", authid="ticket")
    hello = {"authid": "ticket", "authmethods": ["tls", "ticket"]}
    session = await peer.join(router, "secrets", **link, tls=context(router), signer=signer, **hello)
    await joined_as(session, "ticket", "keyed", "ticket", "static")


async def a_certificate_of_another_authority_is_refused_in_tls(router, link):
    try:
        await asyncio.wait_for(
            peer.join(router, "secrets", **link, tls=context(router, "stranger"), authmethods=["tls"]), 5
        )
    except peer.Refused as refusal:
        assert not refusal.reason.startswith("wamp.error."), refusal
    except (OSError, TimeoutError):
        pass
    else:
        raise AssertionError("was let in")


class Raw:
    """WAMP in JSON over RawSocket, inside TLS by OpenSSL."""

    def __init__(self, router):
        made = SSL.Context(SSL.TLS_CLIENT_METHOD)
        made.load_verify_locations(f"{router.tls}/authority.pem")
        made.set_verify(SSL.VERIFY_PEER, lambda *seen: bool(seen[-1]))
        plain = socket.create_connection((router.host, router.port), timeout=20)
        plain.settimeout(None)
        self.tls = SSL.Connection(made, plain)
        self.tls.set_tlsext_host_name(NAME.encode())
        self.tls.set_connect_state()
        self.tls.do_handshake()
        self.tls.sendall(bytes([0x7F, 0xF1, 0, 0]))
        equal(self.read(4)[:1], b"\x7f")

    def read(self, length):
        read = b""
        while len(read) < length:
            read += self.tls.recv(length - len(read))
        return read

    def send(self, message):
        sent = json.dumps(message).encode()
        self.tls.sendall(struct.pack(">I", len(sent)) + sent)

    def receive(self):
        (length,) = struct.unpack(">I", self.read(4))
        return json.loads(self.read(length & 0xFFFFFF))

    def exported(self):
        return self.tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    def log_in_by_password(self, authid, channel=None):
        """Proves the password bound to this connection, or to what is given; gives the last message."""
        channel = channel or self.exported()
        scram = Scram(authid, "open", channel)
        extra = {"nonce": scram.nonce, "channel_binding": "tls-exporter"}
        hello = {"roles": {"caller": {}}, "authmethods": ["wamp-scram"], "authid": authid, "authextra": extra}
        self.send([1, "secrets", hello])
        code, *rest = answer = self.receive()
        if code != 4:
            return answer
        proof = scram.sign_challenge(Challenge("wamp-scram", rest[1]))
        data = base64.b64encode(channel).decode()
        said = {"nonce": rest[1]["nonce"], "channel_binding": "tls-exporter", "cbind_data": data}
        self.send([5, proof, said])
        welcome = self.receive()
        if welcome[0] == 2:
            equal(welcome[2]["authextra"]["verifier"], scram.verifier)
        return welcome

    def log_in(self, seed, binding, channel=None):
        """Signs for this connection, or for what is given; gives the last message."""
        key = SigningKey(seed)
        extra = {"pubkey": key.verify_key.encode().hex(), "channel_binding": binding}
        self.send([1, "realm2", {"roles": {"caller": {}}, "authmethods": ["cryptosign"], "authextra": extra}])
        code, *rest = answer = self.receive()
        if code != 4:
            return answer
        equal(rest[1]["channel_binding"], binding)
        channel = channel or self.exported()
        challenge = bytes.fromhex(rest[1]["challenge"])
        signed = bytes(left ^ right for left, right in zip(challenge, channel))
        self.send([5, (key.sign(signed).signature + signed).hex(), {}])
        return self.receive()


async def a_signature_is_bound_to_the_connection_that_openssl_knows(router, _link):
    log_in = lambda *how: Raw(router).log_in(router.seed, *how)  # noqa: E731
    equal((await asyncio.to_thread(log_in, "tls-exporter"))[0], 2)
    elsewhere = await asyncio.to_thread(log_in, "tls-exporter", os.urandom(32))
    equal((elsewhere[0], elsewhere[2]), (3, "wamp.error.authentication_failed"))
    unknown = await asyncio.to_thread(log_in, "tls-unique")
    equal((unknown[0], unknown[2]), (3, "wamp.error.authentication_denied"))


async def a_password_is_bound_to_the_connection_that_openssl_knows(router, _link):
    log_in = lambda *how: Raw(router).log_in_by_password(*how)  # noqa: E731
    for authid in ("argon2", "pbkdf2"):
        equal((await asyncio.to_thread(log_in, authid))[0], 2)
        elsewhere = await asyncio.to_thread(log_in, authid, os.urandom(32))
        equal((elsewhere[0], elsewhere[2]), (3, "wamp.error.authentication_failed"))


PLAIN = [
    a_client_that_comes_before_the_authenticator_waits_for_it,
    everybody_is_who_the_authenticator_says_by_each_method,
    wrong_proofs_and_unknown_names_are_refused_in_the_same_words,
]
INSIDE_TLS = [
    a_certificate_logs_in_under_its_name,
    without_a_certificate_a_secret_logs_in_all_the_same,
    a_certificate_of_another_authority_is_refused_in_tls,
    a_signature_is_bound_to_the_connection_that_openssl_knows,
    a_password_is_bound_to_the_connection_that_openssl_knows,
]


async def main():
    report = Report("authenticator")
    router = address.router()
    for link, serializer in (("websocket", "json"), ("rawsocket", "cbor"), ("unix", "msgpack")):
        how = {"link": link, "serializer": serializer}
        for case in PLAIN + (INSIDE_TLS if link != "unix" else []):
            await report.check(f"{link} {serializer}: {sentence(case)}", case(router, how))
    report.end()


asyncio.run(main())
