"""How clients prove who they are, and how they are refused."""

import base64
import hashlib
import hmac
import os

from autobahn.wamp import auth
from nacl.pwhash import argon2id
from peer import Refused
from report import equal


def keyed(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


async def refused(awaitable, reason):
    """Fails unless joining is refused with this reason and a sentence."""
    try:
        await awaitable
    except Refused as refusal:
        equal(refusal.reason, reason)
        assert refusal.message, "no sentence says why"
        return refusal.message
    raise AssertionError("was let in")


class Library:
    """Answers as autobahn-python does by itself."""

    def __init__(self, method, **known):
        self.authenticator = auth.create_authenticator(method, **known)

    def sign_challenge(self, challenge):
        return self.authenticator.on_challenge(None, challenge)


class Scram:
    """WAMP-SCRAM as its text says; the one of autobahn-python is of a draft before it."""

    def __init__(self, authid, password, channel=None):
        """With a channel the proof is bound to it (RFC 9266)."""
        self.authid, self.password, self.channel = authid, password.encode(), channel
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
        salted = self.salted(extra)
        bound = b"n,," if self.channel is None else b"p=tls-exporter,," + self.channel
        bound = base64.b64encode(bound).decode()
        message = (
            f"n={self.authid},r={self.nonce},r={extra['nonce']},s={extra['salt']},i={extra['iterations']},"
            f"c={bound},r={extra['nonce']}"
        ).encode()
        client_key = keyed(salted, b"Client Key")
        signature = keyed(hashlib.sha256(client_key).digest(), message)
        self.verifier = base64.b64encode(keyed(keyed(salted, b"Server Key"), message)).decode()
        proof = bytes(left ^ right for left, right in zip(client_key, signature))
        return base64.b64encode(proof).decode()
