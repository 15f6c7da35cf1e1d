"""Asks the group a question by hand and checks the answer: legacy | known | types. Fails with what came instead.

legacy  a question from another port than 5353 is answered to the asker alone, with records of at most ten seconds
known   a question that lists our pointer as known is not answered
types   the enumeration of all service types names ours
"""

import socket
import struct
import sys
import time

GROUP, PORT = "224.0.0.251", 5353
check, name = sys.argv[1:3]
TYPE = b"\x09_deskconn\x04_tcp\x05local\x00"
ALL = b"\x09_services\x07_dns-sd\x04_udp\x05local\x00"
INSTANCE = bytes([len(name)]) + name.encode() + TYPE


def question(owner, answers=b"", count=0, identity=0):
    """A question for pointers, with known answers."""
    return struct.pack(">6H", identity, 0, 1, count, 0, 0) + owner + struct.pack(">HH", 12, 1) + answers


def opened(port):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(("", port))
    if port == PORT:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("0.0.0.0"))
    one.settimeout(0.3)
    return one


def responses(one, seconds):
    """The packets with an answer that come in this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            packet, source = one.recvfrom(9000)
        except TimeoutError:
            continue
        if len(packet) > 12 and packet[2] & 0x80:
            yield packet, source


if check == "legacy":
    asker = opened(0)
    for _ in range(3):
        asker.sendto(question(TYPE, identity=0x1234), (GROUP, PORT))
        for packet, source in responses(asker, 1):
            identity, _, questions, answers, _, _ = struct.unpack(">6H", packet[:12])
            at = 12 + len(TYPE) + 4 + len(TYPE)
            kind, of_class, life = struct.unpack(">HHI", packet[at : at + 8])
            if (identity, questions, source[1]) == (0x1234, 1, PORT) and answers and (kind, of_class) == (12, 1) and life <= 10:
                sys.exit(0)
            sys.exit(f"from {source}: id {identity:x}, {questions} questions, type {kind}, class {of_class:x}, TTL {life}")
    sys.exit("no answer")

asker = opened(PORT)
time.sleep(1.2)     # a record goes out once a second at most, so an earlier one must be over
if check == "known":
    known = TYPE + struct.pack(">HHIH", 12, 1, 4500, len(INSTANCE)) + INSTANCE
    asker.sendto(question(TYPE, known, 1), (GROUP, PORT))
    told = [source for packet, source in responses(asker, 2) if INSTANCE in packet]
    sys.exit(f"answered by {told}" if told else 0)
if check == "types":
    asker.sendto(question(ALL), (GROUP, PORT))
    sys.exit(0 if any(packet[12:].startswith(ALL) and TYPE in packet[40:] for packet, _ in responses(asker, 3)) else "no answer")
