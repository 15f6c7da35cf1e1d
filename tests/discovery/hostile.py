"""Sends malformed mDNS packets to the group: whatever listens must outlive them."""

import random
import socket
import struct

GROUP = ("224.0.0.251", 5353)


def header(questions=0, answers=0, flags=0):
    return struct.pack(">6H", 0, flags, questions, answers, 0, 0)


TYPE = b"\x09_deskconn\x04_tcp\x05local\x00"
RESPONSE = 0x8400
packets = [
    b"",
    b"\x00",
    header(questions=1),
    header(questions=65535, answers=65535),
    header(questions=1) + b"\xc0\x0c\x00\x0c\x00\x01",                      # a name that points at itself
    header(questions=1) + b"\x01a\xc0\x0c\x00\x0c\x00\x01",                 # a name that grows for ever
    header(questions=1) + b"\xff" * 600,                                    # labels of an impossible kind
    header(questions=1) + b"\x3f" + b"a" * 10,                              # a label longer than the packet
    header(answers=1, flags=RESPONSE) + TYPE + struct.pack(">HHIH", 12, 1, 4500, 65535),
    header(answers=1, flags=RESPONSE) + TYPE + struct.pack(">HHIH", 12, 1, 4500, 2) + b"\xc0\x0c",
    header(answers=1, flags=RESPONSE) + b"\x00" + struct.pack(">HHIH", 16, 0x8001, 4500, 8900) + b"\xff" * 8900,
    header(answers=1, flags=RESPONSE) + b"\x04\xff\xfe\xfd\xfc\x00" + struct.pack(">HHIH", 33, 1, 0, 0),
]
generator = random.Random(1)
packets += [bytes(generator.randrange(256) for _ in range(generator.randrange(1, 400))) for _ in range(300)]
for _ in range(300):
    broken = bytearray(header(questions=1, answers=1) + TYPE + struct.pack(">HH", 12, 1) + TYPE + struct.pack(">HHIH", 12, 1, 4500, 20) + TYPE)
    for _ in range(generator.randrange(1, 8)):
        broken[generator.randrange(len(broken))] = generator.randrange(256)
    packets.append(bytes(broken))

sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
sender.bind(("", 5353))
for packet in packets:
    sender.sendto(packet, GROUP)
print(f"{len(packets)} packets")
