"""Arguments that are easily spoilt on their way."""

import os

TEXTS = ["", "plain", "Grüße, 世界 🌍", "line\nbreak\ttab", 'quote " and \\', "\U0010ffff", "é and é"]
INTEGERS = [
    0,
    -1,
    127,
    128,
    255,
    256,
    65536,
    2**31,
    -(2**31),
    2**32,
    2**53 - 1,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
]
FLOATS = [0.5, -2.25, 1e300, 5e-324, 0.1]
OTHERS = [None, True, False, [], {}, [[]], [{}], {"": ""}, {"key": [1, {"deep": None}]}]
BINARIES = [b"", b"\x00", b"\x00\xff\x80", bytes(range(256))]
ALL = [*TEXTS, *INTEGERS, *FLOATS, *OTHERS]

# Four MiB, which is more than any queue or buffer holds by accident.
LARGE = 4 << 20


def nested(depth):
    """Lists in dictionaries in lists."""
    value = "bottom"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


def large_binary():
    return os.urandom(LARGE)


def large_text():
    return "ä" * (LARGE // 2)
