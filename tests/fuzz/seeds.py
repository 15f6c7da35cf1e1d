"""Writes a first corpus for each fuzz target: seeds.py FOLDER. The seeds are the codecs' golden bytes and the
specification's vectors; for RawSocket, WebSocket and Noise they are put into frames; for pairing they are scripts, for mDNS packets."""

import json
import pathlib
import sys

SERIALIZERS = {"json": 1, "msgpack": 2, "cbor": 3}
HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent.parent / "router" / "wamp" / "tests"


def messages():
    """Yields serializer and bytes of every message that the tests of the codecs know."""
    for block in (TESTS / "codec" / "golden.txt").read_text().strip().split("\n\n"):
        _, text, msgpack, cbor = block.split("\n")
        yield "json", text.encode()
        yield "msgpack", bytes.fromhex(msgpack)
        yield "cbor", bytes.fromhex(cbor)
    for path in sorted((TESTS / "vectors").glob("*/*.json")):
        for sample in json.loads(path.read_text())["samples"]:
            for serializer, encodings in sample["serializers"].items():
                for encoding in encodings:
                    yield serializer, bytes.fromhex(encoding["bytes_hex"])


def rawsocket(serializer, body):
    """A handshake, a PING, the message, in one cut behind the handshake."""
    frame = len(body).to_bytes(4, "big") + body
    return bytes([4, 0x7F, 0xF0 | SERIALIZERS[serializer], 0, 0]) + b"\x01\x00\x00\x02hi" + frame


def websocket(body):
    """The message whole, then in two pieces with a ping between them, then Close; all masked by one key."""
    mask = b"\x01\x02\x03\x04"

    def frame(first, payload):
        short = len(payload) < 126
        length = bytes([0x80 | len(payload)]) if short else b"\xfe" + len(payload).to_bytes(2, "big")
        return bytes([first]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))

    half = len(body) // 2
    pieces = frame(0x01, body[:half]) + frame(0x89, b"hi") + frame(0x80, body[half:])
    return bytes([9]) + frame(0x81, body) + pieces + frame(0x88, b"\x03\xe8")


def longpoll(serializer, body):
    """The message by itself, and twice in a batch."""
    number = SERIALIZERS[serializer] - 1
    one = body + b"\x18" if serializer == "json" else len(body).to_bytes(4, "big") + body
    return bytes([number]) + body, bytes([4 | number]) + one + one


def noise(body):
    """The message in one piece if it fits, then in pieces of 50 bytes, then bytes that nobody encrypted."""
    parts = [body[at : at + 50] for at in range(0, len(body), 50)]
    flags = [1] * (len(parts) - 1) + [0]
    pieces = b"".join(bytes([flag, len(part)]) + part for flag, part in zip(flags, parts))
    whole = bytes([0, len(body)]) + body if len(body) < 256 else b""
    return whole + pieces + b"\xff\x03raw"


def pairings():
    """Everything as it should be, then one message changed in one way, in each direction."""
    honest = [bytes([0, 0])] * 4
    yield b"".join(honest)
    for place in range(4):
        for how in (1, 2, 3, 4, 1 << 3, 2 << 3, 3 << 3, 4 << 3):
            changed = bytes([how, 3]) + bytes([9, 1, 255])
            yield b"".join(honest[:place] + [changed] + honest[place + 1 :] + honest)


def step(what, who, content=b""):
    """One operation on a realm."""
    return bytes([what << 4 | who, len(content)]) + content


def realms():
    """Two who call and publish with every option that few messages have, then each golden message by itself."""
    joins = step(0, 0, b"\x3f") + step(0, 0, b"\x7f")
    for options in (
        {},
        {"receive_progress": True, "timeout": 500},
        {"progress": True},
        {"runmode": "all", "receive_progress": True},
        {"rkey": "k"},
        {"receive_progress": True, "_credit": 1},
        {"progress": True, "_await_credit": True},
    ):
        offer = step(6, 0, json.dumps([64, 1, {"invoke": "roundrobin", "concurrency": 1}, "com.p"]).encode())
        call = step(6, 1, json.dumps([48, 1, options, "com.p", [1]]).encode())
        more = step(6, 1, json.dumps([48, 1, {}, "com.p", [2]]).encode())
        answer = step(6, 0, b'[70,1,{"progress":true},[1]]') + step(6, 0, b"[70,1,{},[2]]")
        yield joins + offer + step(5, 0) + call + call + more + answer + step(2, 9) + step(1, 0)
    for options in ({}, {"acknowledge": True, "retain": True}, {"eligible": []}, {"acknowledge": True, "_delivered": True}):
        hear = step(6, 0, b'[32,1,{"match":"prefix","nkey":"n"},"com."]')
        tell = step(6, 1, json.dumps([16, 1, options, "com.t", [1]]).encode())
        yield joins + hear + tell + step(6, 0, b'[32,2,{"get_retained":true},"com.t"]') + step(2, 15)
    for procedure in ("session.list", "session.kill_all", "subscription.list", "registration.list", "session.add_testament"):
        call = json.dumps([48, 1, {}, "wamp." + procedure, ["com.t", [], {}]]).encode()
        yield joins + step(6, 0, b'[32,1,{"match":"prefix"},"wamp."]') + step(6, 1, call)
    grants = step(6, 1, b'[48,1,{"_credit":2},"com.p"]') + step(6, 0, b'[70,1,{"progress":true,"_credit":2}]')
    for options in ({"receive_progress": True, "_credit": 1}, {"progress": True, "_await_credit": True}):
        call = step(6, 1, json.dumps([48, 1, options, "com.p", [1]]).encode())
        yield joins + step(6, 0, b'[64,1,{},"com.p"]') + call + grants + step(6, 0, b'[70,1,{"progress":true}]') * 4
    yield step(0, 0, b"\xff") + step(6, 0, b'[48,1,{"progress":true},"com.p"]') * 2 + step(4, 1) + step(3, 0)
    for _, body in messages():
        if len(body) < 256:
            yield joins + step(6, 0, body)


def handshakes():
    """Each message before the session is open, for each proof and serializer."""
    for number, serializer in enumerate(SERIALIZERS):
        for kind, body in messages():
            if kind == serializer and len(body) < 256:
                for proof in range(4):
                    yield bytes([number << 4 | proof, len(body)]) + body


def packets():
    """A question, a probe, the answer of a desktop with compressed names, and names that point at themselves."""

    def packet(flags, counts, body):
        return bytes(2) + flags.to_bytes(2, "big") + b"".join(count.to_bytes(2, "big") for count in counts) + body

    def labels(*parts):
        return b"".join(bytes([len(part)]) + part for part in parts)

    def record(name, kind, data, flush=True):
        flags = b"\x80\x01" if flush else b"\x00\x01"
        return name + kind.to_bytes(2, "big") + flags + b"\x00\x00\x00\x78" + len(data).to_bytes(2, "big") + data

    service = labels(b"_deskconn", b"_tcp", b"local") + b"\x00"
    ask = service + b"\x00\x0c\x00\x01"
    yield packet(0, (1, 0, 0, 0), ask)
    yield packet(0x0200, (1, 1, 0, 0), ask + record(b"\xc0\x0c", 12, labels(b"desk") + b"\xc0\x0c", flush=False))
    yield packet(0, (1, 0, 1, 0), labels(b"desk") + b"\xc0\x11\x00\xff\x80\x01" + record(b"\xc0\x0c", 33, bytes(6) + service))
    pointer = record(service, 12, labels(b"desk") + b"\xc0\x0c", flush=False)
    instance = (0xC000 | 12 + len(service) + 10).to_bytes(2, "big")
    rest = (
        record(instance, 33, b"\x00\x00\x00\x00\x1f\x90" + labels(b"deskconn-9f2c1a0b") + b"\xc0\x1b")
        + record(instance, 16, labels(b"v=1", b"id=9f2c1a0b00000000", b"path=/ws"))
        + record(labels(b"deskconn-9f2c1a0b", b"local") + b"\x00", 1, bytes([192, 0, 2, 1]))
        + record(labels(b"deskconn-9f2c1a0b", b"local") + b"\x00", 28, bytes(16))
    )
    yield packet(0x8400, (0, 1, 0, 4), pointer + rest)
    yield packet(0, (1, 0, 0, 0), b"\xc0\x0c\x00\x01\x00\x01")
    yield packet(0, (1, 0, 0, 0), labels(b"a") + b"\xc0\x0c\x00\x01\x00\x01")
    yield packet(0, (1, 0, 0, 0), labels(*[b"x" * 63] * 3, b"y" * 61) + b"\x00\x00\x01\x00\x01")


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, seeds in {"realm": realms(), "acceptor": handshakes(), "mdns": packets()}.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / target / f"seed-{number:03}").write_bytes(seed)
    for number, (serializer, body) in enumerate(messages()):
        seeds = {f"decode_{serializer}": body, "rawsocket": rawsocket(serializer, body)}
        if serializer == "json":
            seeds["websocket"] = websocket(body)
            seeds["noise"] = noise(body)
        for target, seed in seeds.items():
            (folder / target).mkdir(parents=True, exist_ok=True)
            (folder / target / f"seed-{number:03}").write_bytes(seed)
        (folder / "longpoll").mkdir(parents=True, exist_ok=True)
        for form, seed in zip(("message", "batch"), longpoll(serializer, body)):
            (folder / "longpoll" / f"seed-{form}-{number:03}").write_bytes(seed)
    (folder / "pair").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(pairings()):
        (folder / "pair" / f"seed-{number:03}").write_bytes(seed)


if __name__ == "__main__":
    main()
